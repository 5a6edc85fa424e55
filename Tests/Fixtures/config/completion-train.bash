# Completions of saeline-train for bash, made by `saeline-train completion bash`.
_saeline_train() {
  local line=${COMP_LINE:0:COMP_POINT} before= word choices=
  local current=${line##*[[:space:]]}
  for word in ${line%"$current"}; do before=$word; done
  COMPREPLY=()
  case $current in --set=*) before=--set current=${current#--set=} ;; esac
  case $before in
    --set)
      case $current in
        train.architecture=*) choices='standard gated topk abstopk batchtopk matryoshka_batchtopk jumprelu matching_pursuit p_anneal groupmax transcoder skip_transcoder jumprelu_transcoder jumprelu_skip_transcoder' ;;
        train.defaults=*) choices='sae_lens-5 sae_lens-6' ;;
        train.activation_fn=*) choices='relu topk' ;;
        train.rescale_acts_by_decoder_norm=*) choices='true false' ;;
        train.use_matryoshka_aux_loss=*) choices='true false' ;;
        train.stop_on_duplicate_support=*) choices='true false' ;;
        train.scale_sparsity_penalty_by_decoder_norm=*) choices='true false' ;;
        train.jumprelu_sparsity_loss_mode=*) choices='step tanh quadratic' ;;
        train.jumprelu_ste_to_input=*) choices='true false' ;;
        train.jumprelu_log_threshold=*) choices='true false' ;;
        train.sparsity_function=*) choices='Lp Lp^p' ;;
        train.n_sparsity_updates=*) choices='continuous' ;;
        train.apply_b_dec_to_input=*) choices='true false' ;;
        train.normalize_activations=*) choices='none expected_average_only_in constant_norm_rescale layer_norm covariance_whitening' ;;
        train.reshape_activations=*) choices='none hook_z' ;;
        train.mse_loss_normalization=*) choices='dense_batch variance' ;;
        train.use_ghost_grads=*) choices='true false' ;;
        train.normalize_sae_decoder=*) choices='true false' ;;
        train.decoder_projection=*) choices='gradient rows_only' ;;
        train.b_dec_init_method=*) choices='zeros mean geometric_median' ;;
        train.decoder_heuristic_init=*) choices='true false' ;;
        train.decoder_init_draw=*) choices='kaiming_uniform normal uniform' ;;
        train.decoder_orthogonal_init=*) choices='true false' ;;
        train.init_encoder_as_decoder_transpose=*) choices='true false' ;;
        train.finetuning_method=*) choices='scale decoder unrotated_decoder' ;;
        train.lr_scheduler_name=*) choices='constant cosineannealing cosineannealingwarmrestarts' ;;
        train.exclude_special_tokens=*) choices='true false' ;;
        train.autocast_lm=*) choices='true false' ;;
        train.resume=*) choices='true false auto' ;;
        train.sweep_mode=*) choices='separate shared' ;;
        train.prepend_bos=*) choices='true false' ;;
        train.disable_concat_sequences=*) choices='true false' ;;
        train.sequence_separator_token=*) choices='bos eos sep' ;;
        logger.log_to_wandb=*) choices='true false' ;;
        logger.log_weights_to_wandb=*) choices='true false' ;;
        logger.log_optimizer_state_to_wandb=*) choices='true false' ;;
        logger.log_to_tensorboard=*) choices='true false' ;;
        evaluate.loss_recovered=*) choices='true false' ;;
        *=*) ;;
        *)
          COMPREPLY=($(compgen -S = -W 'name store train.architecture train.defaults train.sae_lens_version train.d_in train.d_sae train.expansion_factor train.k train.activation_fn train.activation_fn_kwargs train.aux_loss_coefficient train.rescale_acts_by_decoder_norm train.topk_threshold_lr train.matryoshka_widths train.use_matryoshka_aux_loss train.residual_threshold train.max_iterations train.stop_on_duplicate_support train.l1_coefficient train.lp_norm train.l1_warm_up_steps train.scale_sparsity_penalty_by_decoder_norm train.jumprelu_init_threshold train.jumprelu_bandwidth train.jumprelu_sparsity_loss_mode train.jumprelu_tanh_scale train.jumprelu_ste_to_input train.jumprelu_log_threshold train.l0_coefficient train.l0_warm_up_steps train.target_l0 train.pre_act_loss_coefficient train.sparsity_function train.p_start train.p_end train.anneal_start train.anneal_end train.n_sparsity_updates train.sparsity_queue_length train.apply_b_dec_to_input train.normalize_activations train.reshape_activations train.mse_loss_normalization train.use_ghost_grads train.noise_scale train.normalize_sae_decoder train.decoder_projection train.b_dec_init_method train.decoder_init_norm train.decoder_heuristic_init train.decoder_init_draw train.decoder_orthogonal_init train.init_encoder_as_decoder_transpose train.from_pretrained_path train.training_tokens train.finetuning_tokens train.finetuning_method train.train_batch_size_tokens train.lr train.lr_scheduler_name train.lr_warm_up_steps train.lr_decay_steps train.lr_end train.n_restart_cycles train.adam_beta1 train.adam_beta2 train.max_grad_norm train.seed train.eval_fraction train.exclude_special_tokens train.seqpos_slice train.max_norm_multiple train.feature_sampling_window train.dead_feature_window train.autocast_lm train.n_checkpoints train.checkpoint_minutes train.keep_checkpoints train.resume train.threads train.sweep train.sweep_mode train.model_name train.hook_name train.hook_name_out train.hook_layer train.hook_head_index train.d_out train.context_size train.model_class_name train.model_from_pretrained_kwargs train.dataset_path train.prepend_bos train.disable_concat_sequences train.sequence_separator_token logger.log_frequency logger.log_to_wandb logger.log_weights_to_wandb logger.log_optimizer_state_to_wandb logger.wandb_project logger.wandb_entity logger.wandb_id logger.run_name logger.log_to_tensorboard logger.eval_every_n_wandb_logs logger.n_eval_batches logger.eval_batch_size_prompts evaluate.report_latents evaluate.contexts_per_latent evaluate.eval_tokens evaluate.categories evaluate.loss_recovered evaluate.loss_tokens' -- "$current"))
          compopt -o nospace
          return
          ;;
      esac
      COMPREPLY=($(compgen -W "$choices" -- "${current#*=}"))
      [[ $COMP_WORDBREAKS == *=* ]] || COMPREPLY=("${COMPREPLY[@]/#/${current%%=*}=}")
      return
      ;;
    completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$current")) ; return ;;
    help) COMPREPLY=($(compgen -W '--activations --checkpoints --config --days --delete --dry-run --help --help-all --json --lineage --output --quiet --set --unused --verbose --verify --version account act_store_device activation_fn activation_fn_kwargs activation_fn_str activations_mixing_fraction adam_beta1 adam_beta2 anneal_end anneal_start apply_b_dec_to_input architecture autocast autocast_lm aux_loss_coefficient b_dec_init_method begin_batch_token begin_sequence_token buffer_size_gb cache cache.autocast_lm cache.buffer_size_gb cache.center_unembed cache.center_writing_weights cache.context_size cache.d_in cache.dtype cache.exclude_special_tokens cache.fold_ln cache.fold_value_biases cache.hf_is_private_repo cache.hf_num_shards cache.hf_repo_id cache.hf_revision cache.hook_head_index cache.hook_layer cache.hook_name cache.hook_names cache.max_disk_gb cache.model_batch_size cache.model_from_pretrained_kwargs cache.model_name cache.model_revision cache.prepend_bos cache.seed cache.seqpos_slice cache.shuffle cache.threads cache.training_tokens cached_activations_path categories center_unembed center_writing_weights checkpoint_minutes checkpoint_path column_name compile_llm compile_sae completion constraint context_size contexts_per_latent copy cpus_per_task d_in d_out d_sae data_dir data_files dataset_name dataset_path dataset_trust_remote_code dead_feature_threshold dead_feature_window decoder_heuristic_init decoder_heuristic_init_norm decoder_init_draw decoder_init_norm decoder_orthogonal_init decoder_projection defaults device disable_concat_sequences document_megabytes dtype eval_batch_size_prompts eval_every_n_wandb_logs eval_fraction eval_tokens evaluate evaluate.categories evaluate.contexts_per_latent evaluate.eval_tokens evaluate.loss_recovered evaluate.loss_tokens evaluate.report_latents exclude_special_tokens expansion_factor export feature_sampling_window finetuning_method finetuning_tokens fold_ln fold_value_biases from_pretrained_path gc help hf_is_private_repo hf_num_shards hf_repo_id hf_revision hook_eval hook_head_index hook_layer hook_name hook_name_out hook_names hook_point hook_point_eval hook_point_head_index hook_point_layer info init_encoder_as_decoder_transpose is_dataset_tokenized jumprelu_bandwidth jumprelu_init_threshold jumprelu_log_threshold jumprelu_sparsity_loss_mode jumprelu_ste_to_input jumprelu_tanh_scale k keep_checkpoints l0_coefficient l0_warm_up_steps l1_coefficient l1_warm_up_steps launch launch.account launch.constraint launch.cpus_per_task launch.mem launch.partition launch.qos launch.retries launch.save_seconds launch.sbatch_options launch.setup launch.time launch.workers llm_compilation_mode llm_device log_activations_store_to_wandb log_frequency log_optimizer_state_to_wandb log_to_tensorboard log_to_wandb log_weights_to_wandb logger logger.eval_batch_size_prompts logger.eval_every_n_wandb_logs logger.log_frequency logger.log_optimizer_state_to_wandb logger.log_to_tensorboard logger.log_to_wandb logger.log_weights_to_wandb logger.n_eval_batches logger.run_name logger.wandb_entity logger.wandb_id logger.wandb_project loss_recovered loss_tokens lp_norm lr lr_decay_steps lr_end lr_scheduler_name lr_warm_up_steps ls manual matryoshka_widths max_disk_gb max_grad_norm max_iterations max_norm_multiple mem metadata model_batch_size model_class_name model_from_pretrained_kwargs model_kwargs model_name model_revision mse_loss_normalization n_batches_for_norm_estimate n_batches_in_buffer n_checkpoints n_eval_batches n_restart_cycles n_shuffles_final n_shuffles_in_entire_dir n_shuffles_with_last_section n_sparsity_updates name new_cached_activations_path noise_scale normalize_activations normalize_sae_decoder num_proc output_path p_end p_start partition pre_act_loss_coefficient prefetch_llm_batches prepend_bos pretokenize pretokenize.begin_batch_token pretokenize.begin_sequence_token pretokenize.column_name pretokenize.context_size pretokenize.data_dir pretokenize.data_files pretokenize.dataset_name pretokenize.dataset_path pretokenize.disable_concat_sequences pretokenize.document_megabytes pretokenize.hf_is_private_repo pretokenize.hf_num_shards pretokenize.hf_repo_id pretokenize.hf_revision pretokenize.is_dataset_tokenized pretokenize.num_proc pretokenize.pretokenize_batch_size pretokenize.save_path pretokenize.seed pretokenize.sequence_separator_token pretokenize.shard_megabytes pretokenize.shuffle pretokenize.skip_invalid pretokenize.split pretokenize.streaming pretokenize.text_documents pretokenize.tokenizer_name pretokenize_batch_size qos report report_latents rescale_acts_by_decoder_norm reshape_activations residual_threshold resume resume_from_checkpoint retries run_name sae sae_compilation_mode sae_lens_training_version sae_lens_version save_final_checkpoint save_path save_seconds sbatch sbatch_options scale_sparsity_penalty_by_decoder_norm seed seqpos_slice sequence_separator_token setup shard_megabytes shuffle shuffle_every_n_buffers skip_invalid sparsity_function sparsity_queue_length split stage stop_on_duplicate_support store store_batch_size_prompts streaming sweep sweep_mode target_l0 text_documents threads time tokenizer_name tokens_per_buffer topk_threshold_lr train train.activation_fn train.activation_fn_kwargs train.adam_beta1 train.adam_beta2 train.anneal_end train.anneal_start train.apply_b_dec_to_input train.architecture train.autocast_lm train.aux_loss_coefficient train.b_dec_init_method train.checkpoint_minutes train.context_size train.d_in train.d_out train.d_sae train.dataset_path train.dead_feature_window train.decoder_heuristic_init train.decoder_init_draw train.decoder_init_norm train.decoder_orthogonal_init train.decoder_projection train.defaults train.disable_concat_sequences train.eval_fraction train.exclude_special_tokens train.expansion_factor train.feature_sampling_window train.finetuning_method train.finetuning_tokens train.from_pretrained_path train.hook_head_index train.hook_layer train.hook_name train.hook_name_out train.init_encoder_as_decoder_transpose train.jumprelu_bandwidth train.jumprelu_init_threshold train.jumprelu_log_threshold train.jumprelu_sparsity_loss_mode train.jumprelu_ste_to_input train.jumprelu_tanh_scale train.k train.keep_checkpoints train.l0_coefficient train.l0_warm_up_steps train.l1_coefficient train.l1_warm_up_steps train.lp_norm train.lr train.lr_decay_steps train.lr_end train.lr_scheduler_name train.lr_warm_up_steps train.matryoshka_widths train.max_grad_norm train.max_iterations train.max_norm_multiple train.model_class_name train.model_from_pretrained_kwargs train.model_name train.mse_loss_normalization train.n_checkpoints train.n_restart_cycles train.n_sparsity_updates train.noise_scale train.normalize_activations train.normalize_sae_decoder train.p_end train.p_start train.pre_act_loss_coefficient train.prepend_bos train.rescale_acts_by_decoder_norm train.reshape_activations train.residual_threshold train.resume train.sae_lens_version train.scale_sparsity_penalty_by_decoder_norm train.seed train.seqpos_slice train.sequence_separator_token train.sparsity_function train.sparsity_queue_length train.stop_on_duplicate_support train.sweep train.sweep_mode train.target_l0 train.threads train.topk_threshold_lr train.train_batch_size_tokens train.training_tokens train.use_ghost_grads train.use_matryoshka_aux_loss train_batch_size_tokens training_tokens use_cached_activations use_chat_formatting use_ghost_grads use_matryoshka_aux_loss use_sparse_activations verbose verify wandb_entity wandb_id wandb_log_frequency wandb_project workers' -- "$current")) ; return ;;
    --activations|--output|--days) compopt -o default; return ;;
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W '--config --set --dry-run --quiet --json --verify --activations --verbose --help --help-all --version --output --delete --checkpoints --unused --days --lineage' -- "$current"))
    return
  fi
  compopt -o filenames
  COMPREPLY=($(compgen -d -- "$current") $(compgen -f -X '!*.json' -- "$current"))
  COMPREPLY+=($(compgen -f -X '!*.json5' -- "$current"))
  [[ $before == */saeline-train || $before == saeline-train ]] || return
  COMPREPLY+=($(compgen -W 'report export help completion manual sbatch stage ls info verify gc copy' -- "$current"))
}
complete -F _saeline_train saeline-train
