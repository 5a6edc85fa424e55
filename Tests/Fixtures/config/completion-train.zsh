#compdef saeline-train
# Completions of saeline-train for zsh, made by `saeline-train completion zsh`.
_saeline_train_settings() {
  local -a values
  if compset -P 1 '*='; then
    case ${IPREFIX%=} in
      train.architecture) values=('standard' 'gated' 'topk' 'abstopk' 'batchtopk' 'matryoshka_batchtopk' 'jumprelu' 'matching_pursuit' 'p_anneal' 'groupmax' 'transcoder' 'skip_transcoder' 'jumprelu_transcoder' 'jumprelu_skip_transcoder') ;;
      train.defaults) values=('sae_lens-5' 'sae_lens-6') ;;
      train.activation_fn) values=('relu' 'topk') ;;
      train.rescale_acts_by_decoder_norm) values=('true' 'false') ;;
      train.use_matryoshka_aux_loss) values=('true' 'false') ;;
      train.stop_on_duplicate_support) values=('true' 'false') ;;
      train.scale_sparsity_penalty_by_decoder_norm) values=('true' 'false') ;;
      train.jumprelu_sparsity_loss_mode) values=('step' 'tanh' 'quadratic') ;;
      train.jumprelu_ste_to_input) values=('true' 'false') ;;
      train.jumprelu_log_threshold) values=('true' 'false') ;;
      train.sparsity_function) values=('Lp' 'Lp^p') ;;
      train.n_sparsity_updates) values=('continuous') ;;
      train.apply_b_dec_to_input) values=('true' 'false') ;;
      train.normalize_activations) values=('none' 'expected_average_only_in' 'constant_norm_rescale' 'layer_norm' 'covariance_whitening') ;;
      train.reshape_activations) values=('none' 'hook_z') ;;
      train.mse_loss_normalization) values=('dense_batch' 'variance') ;;
      train.use_ghost_grads) values=('true' 'false') ;;
      train.normalize_sae_decoder) values=('true' 'false') ;;
      train.decoder_projection) values=('gradient' 'rows_only') ;;
      train.b_dec_init_method) values=('zeros' 'mean' 'geometric_median') ;;
      train.decoder_heuristic_init) values=('true' 'false') ;;
      train.decoder_init_draw) values=('kaiming_uniform' 'normal' 'uniform') ;;
      train.decoder_orthogonal_init) values=('true' 'false') ;;
      train.init_encoder_as_decoder_transpose) values=('true' 'false') ;;
      train.finetuning_method) values=('scale' 'decoder' 'unrotated_decoder') ;;
      train.lr_scheduler_name) values=('constant' 'cosineannealing' 'cosineannealingwarmrestarts') ;;
      train.exclude_special_tokens) values=('true' 'false') ;;
      train.autocast_lm) values=('true' 'false') ;;
      train.resume) values=('true' 'false' 'auto') ;;
      train.sweep_mode) values=('separate' 'shared') ;;
      train.prepend_bos) values=('true' 'false') ;;
      train.disable_concat_sequences) values=('true' 'false') ;;
      train.sequence_separator_token) values=('bos' 'eos' 'sep') ;;
      logger.log_to_wandb) values=('true' 'false') ;;
      logger.log_weights_to_wandb) values=('true' 'false') ;;
      logger.log_optimizer_state_to_wandb) values=('true' 'false') ;;
      logger.log_to_tensorboard) values=('true' 'false') ;;
      evaluate.loss_recovered) values=('true' 'false') ;;
    esac
    compadd -a values
  else
    values=(
      'name:Names the folders of tokens and runs in the store; letters, digits, . _ -'
      'store:Folder that holds what the stages write; of a list the first, the others are only read.'
      'train.architecture:Kind of SAE.'
      'train.defaults:Whose defaults options have that are left out; null\: told by how the options are written.'
      'train.sae_lens_version:The SAELens that wrote the configuration; before 6 as defaults\: sae_lens-5.'
      'train.d_in:Width of the activations; must agree with the cache.'
      'train.d_sae:Number of latents; null takes expansion_factor.'
      'train.expansion_factor:Latents per dimension of the input; null means 4.'
      'train.k:Active latents per activation (topk and kin; a mean in batchtopk).'
      'train.activation_fn:The activation of SAELens 3 to 5; the architecture sets it.'
      'train.activation_fn_kwargs:The k of SAELens 4 and 5.'
      'train.aux_loss_coefficient:Weight of the loss that revives dead latents (topk and kin).'
      'train.rescale_acts_by_decoder_norm:Compare latents weighted by the norm of their decoder rows (topk and kin).'
      'train.topk_threshold_lr:Share of a batch'\''s least kept latent in the running threshold (batchtopk).'
      'train.matryoshka_widths:Ascending numbers of latents that must reconstruct alone (matryoshka_batchtopk).'
      'train.use_matryoshka_aux_loss:Dead latents learn from the error of their own width (matryoshka_batchtopk).'
      'train.residual_threshold:Norm of the residual at which the search ends (matching_pursuit).'
      'train.max_iterations:Latents searched for at most (matching_pursuit); null means d_in.'
      'train.stop_on_duplicate_support:End the search when it finds nothing new (matching_pursuit).'
      'train.l1_coefficient:Weight of the sparsity loss (standard, gated, transcoder).'
      'train.lp_norm:Exponent p of the sparsity norm (standard, transcoder).'
      'train.l1_warm_up_steps:Steps over which l1_coefficient grows from 0.'
      'train.scale_sparsity_penalty_by_decoder_norm:Weigh latents by their decoder norms in the sparsity loss; SAELens 6 always does.'
      'train.jumprelu_init_threshold:Initial threshold (jumprelu).'
      'train.jumprelu_bandwidth:Width of the band around the threshold from which it learns (jumprelu).'
      'train.jumprelu_sparsity_loss_mode:Sparsity loss\: L0 by steps, by tanh, or its distance from target_l0 (jumprelu).'
      'train.jumprelu_tanh_scale:Steepness of the tanh loss (jumprelu).'
      'train.jumprelu_ste_to_input:The band passes gradients to the encoder as well (jumprelu).'
      'train.jumprelu_log_threshold:Learn the thresholds'\'' logarithms, as SAELens does up to 6.18 (jumprelu).'
      'train.l0_coefficient:Weight of the sparsity loss (jumprelu).'
      'train.l0_warm_up_steps:Steps over which l0_coefficient grows from 0.'
      'train.target_l0:The L0 that the quadratic loss aims at (jumprelu).'
      'train.pre_act_loss_coefficient:Weight of the loss that lifts dead latents (jumprelu); Anthropic'\''s is 3e-6.'
      'train.sparsity_function:The p-norm, or its p-th power (p_anneal).'
      'train.p_start:First exponent of the sparsity (p_anneal).'
      'train.p_end:Last exponent of the sparsity (p_anneal).'
      'train.anneal_start:Step after which the exponent begins to fall (p_anneal).'
      'train.anneal_end:Step after which it has its last value (p_anneal); null means the number of steps.'
      'train.n_sparsity_updates:Steps at which the exponent moves, or continuous for every one (p_anneal).'
      'train.sparsity_queue_length:Steps whose sparsity adapts the coefficient when the exponent moves (p_anneal).'
      'train.apply_b_dec_to_input:Subtract the decoder bias before encoding.'
      'train.normalize_activations:Scale of the inputs\: by one factor, row by row, or whitened.'
      'train.reshape_activations:hook_z\: the finished SAE takes heads as \[head, width\] (written to cfg.json).'
      'train.mse_loss_normalization:Divide errors by each row'\''s distance from the batch'\''s mean, or by the batch'\''s variance.'
      'train.use_ghost_grads:Dead latents learn from the residual by ghost gradients (standard; SAELens 3 to 5).'
      'train.noise_scale:Standard deviation of noise on pre-activations.'
      'train.normalize_sae_decoder:Keep decoder rows at norm 1.'
      'train.decoder_projection:With normalize_sae_decoder\: also project gradients, or rows only as SAELens 3 to 5 did.'
      'train.b_dec_init_method:Initial decoder bias.'
      'train.decoder_init_norm:Norm of the initial decoder rows; null keeps them as drawn.'
      'train.decoder_heuristic_init:Give initial decoder rows the norm decoder_init_norm.'
      'train.decoder_init_draw:How decoder rows are drawn; SAELens up to 5.10 drew them uniform on \[0, 1).'
      'train.decoder_orthogonal_init:Start with orthogonal decoder columns or rows.'
      'train.init_encoder_as_decoder_transpose:Start the encoder as the decoder'\''s transpose; false draws it anew.'
      'train.from_pretrained_path:Folder of an SAE (SAELens'\''s or ours) whose weights training starts from.'
      'train.training_tokens:Activations to train on.'
      'train.finetuning_tokens:Further activations on which finetuning_method'\''s parameters alone are trained.'
      'train.finetuning_method:What is fine-tuned\: a factor per latent, with the decoder, or with its bias.'
      'train.train_batch_size_tokens:Activations per optimizer step.'
      'train.lr:Peak learning rate.'
      'train.lr_scheduler_name:Learning rate between warm-up and decay.'
      'train.lr_warm_up_steps:Steps of linear warm-up.'
      'train.lr_decay_steps:Steps of linear decay to 0 at the end.'
      'train.lr_end:Floor of the cosine schedules; null means lr/10.'
      'train.n_restart_cycles:Cycles of cosineannealingwarmrestarts.'
      'train.adam_beta1:Adam'\''s decay of the first moment.'
      'train.adam_beta2:Adam'\''s decay of the second moment.'
      'train.max_grad_norm:Norm to which a larger gradient is clipped; 0 clips none (SAELens\: 1).'
      'train.seed:Seed of initial weights and order.'
      'train.eval_fraction:Share of the sequences that is kept from training; final figures come from it.'
      'train.exclude_special_tokens:Leave out cached rows of special tokens, or of the token ids listed.'
      'train.seqpos_slice:Positions of the cached rows that are used, as a slice.'
      'train.max_norm_multiple:Leave out rows with a norm above this multiple of the median (attention sinks).'
      'train.feature_sampling_window:Steps over which firing frequencies are counted.'
      'train.dead_feature_window:Steps without firing after which a latent is dead.'
      'train.autocast_lm:As cache.autocast_lm, in the passes of the model in which a loss is measured.'
      'train.n_checkpoints:Checkpoints at even distances.'
      'train.checkpoint_minutes:Minutes between further checkpoints, which serve to continue a run.'
      'train.keep_checkpoints:How many of those further checkpoints are kept, newest first.'
      'train.resume:Continue from the newest whole checkpoint; auto is true.'
      'train.threads:Threads; 0\: every core it may use.'
      'train.sweep:Lists of values by option name; one run for each combination.'
      'train.sweep_mode:One run after another, or all on one stream of batches.'
      'train.model_name:Language model; must agree with the cache.'
      'train.hook_name:Hook point to train on; null takes cache.hook_name.'
      'train.hook_name_out:Hook point whose activations a transcoder predicts.'
      'train.hook_layer:Layer of the hook point; must agree with hook_name.'
      'train.hook_head_index:The cached head; must agree with the cache.'
      'train.d_out:Width of a transcoder'\''s targets; must agree with the cache.'
      'train.context_size:Tokens per row; must agree with the cache.'
      'train.model_class_name:Whose names hook points have\: HookedTransformer or AutoModelForCausalLM.'
      'train.model_from_pretrained_kwargs:How weights were processed; must agree with the cache.'
      'train.dataset_path:The text; must agree with the tokens.'
      'train.prepend_bos:Whether rows begin with bos; must agree with the tokens.'
      'train.disable_concat_sequences:Whether a row is one document; must agree with the tokens.'
      'train.sequence_separator_token:Token between two documents; must agree with the tokens.'
      'logger.log_frequency:Steps between two lines of metrics.jsonl.'
      'logger.log_to_wandb:Send figures, files and weights to Weights & Biases.'
      'logger.log_weights_to_wandb:Whether W&B'\''s artifacts hold the weights; false\: the configuration alone.'
      'logger.log_optimizer_state_to_wandb:Whether artifacts of checkpoints hold the optimizer'\''s state as well.'
      'logger.wandb_project:W&B'\''s project; WANDB_PROJECT in place of the default.'
      'logger.wandb_entity:W&B'\''s user or team; null\: WANDB_ENTITY, or the key'\''s own.'
      'logger.wandb_id:W&B'\''s id of the run; null\: WANDB_RUN_ID, or a new one.'
      'logger.run_name:W&B'\''s name of the run; null\: WANDB_NAME, or architecture, width, rate and tokens.'
      'logger.log_to_tensorboard:Write an event file for TensorBoard into the run'\''s folder tensorboard.'
      'logger.eval_every_n_wandb_logs:Lines of metrics.jsonl between two evaluations while training.'
      'logger.n_eval_batches:Batches of sequences that such an evaluation takes.'
      'logger.eval_batch_size_prompts:Sequences of such a batch; null\: cache.model_batch_size.'
      'evaluate.report_latents:Latents whose top contexts the report shows.'
      'evaluate.contexts_per_latent:Contexts shown per latent.'
      'evaluate.eval_tokens:Activations over which the final figures are taken.'
      'evaluate.categories:JSON file of category to words; each word'\''s tokens are that category'\''s ground truth.'
      'evaluate.loss_recovered:Run the model with the SAE in it; null\: where it is here; true\: or do not start.'
      'evaluate.loss_tokens:Tokens that the model reads for it, in whole sequences.'
    )
    _describe -t settings setting values -S =
  fi
}
_saeline_train_first() {
  local -a verbs
  verbs=(
      'report:Write report.html of a finished run again.'
      'export:Write the SAE elsewhere.'
      'help:Explain a section, an option, a flag or a verb.'
      'completion:Print completions for bash, zsh or fish.'
      'manual:Print the page for man.'
      'sbatch:Print the script of the stage'\''s jobs for Slurm.'
      'stage:Print how far the stage is, and who works on it.'
      'ls:List what a store holds; also\: info, verify, gc, copy.'
      'info:Tell what a folder of a store is, what it comes from and what depends on it.'
      'verify:Compare all files of folders or of a store with their hashes.'
      'gc:Tell what in a store nothing needs any more; with --delete, delete it.'
      'copy:Copy a folder into another store, checked; goes on where it was stopped.'
  )
  _describe -t verbs verb verbs
  _files -g '*.json(|5)(-.)'
}
_saeline_train_rest() {
  case $words[2] in
    completion) compadd bash zsh fish ;;
    help) compadd -- --activations --checkpoints --config --days --delete --dry-run --help --help-all --json --lineage --output --quiet --set --unused --verbose --verify --version account act_store_device activation_fn activation_fn_kwargs activation_fn_str activations_mixing_fraction adam_beta1 adam_beta2 anneal_end anneal_start apply_b_dec_to_input architecture autocast autocast_lm aux_loss_coefficient b_dec_init_method begin_batch_token begin_sequence_token buffer_size_gb cache cache.autocast_lm cache.buffer_size_gb cache.center_unembed cache.center_writing_weights cache.context_size cache.d_in cache.dtype cache.exclude_special_tokens cache.fold_ln cache.fold_value_biases cache.hf_is_private_repo cache.hf_num_shards cache.hf_repo_id cache.hf_revision cache.hook_head_index cache.hook_layer cache.hook_name cache.hook_names cache.max_disk_gb cache.model_batch_size cache.model_from_pretrained_kwargs cache.model_name cache.model_revision cache.prepend_bos cache.seed cache.seqpos_slice cache.shuffle cache.threads cache.training_tokens cached_activations_path categories center_unembed center_writing_weights checkpoint_minutes checkpoint_path column_name compile_llm compile_sae completion constraint context_size contexts_per_latent copy cpus_per_task d_in d_out d_sae data_dir data_files dataset_name dataset_path dataset_trust_remote_code dead_feature_threshold dead_feature_window decoder_heuristic_init decoder_heuristic_init_norm decoder_init_draw decoder_init_norm decoder_orthogonal_init decoder_projection defaults device disable_concat_sequences document_megabytes dtype eval_batch_size_prompts eval_every_n_wandb_logs eval_fraction eval_tokens evaluate evaluate.categories evaluate.contexts_per_latent evaluate.eval_tokens evaluate.loss_recovered evaluate.loss_tokens evaluate.report_latents exclude_special_tokens expansion_factor export feature_sampling_window finetuning_method finetuning_tokens fold_ln fold_value_biases from_pretrained_path gc help hf_is_private_repo hf_num_shards hf_repo_id hf_revision hook_eval hook_head_index hook_layer hook_name hook_name_out hook_names hook_point hook_point_eval hook_point_head_index hook_point_layer info init_encoder_as_decoder_transpose is_dataset_tokenized jumprelu_bandwidth jumprelu_init_threshold jumprelu_log_threshold jumprelu_sparsity_loss_mode jumprelu_ste_to_input jumprelu_tanh_scale k keep_checkpoints l0_coefficient l0_warm_up_steps l1_coefficient l1_warm_up_steps launch launch.account launch.constraint launch.cpus_per_task launch.mem launch.partition launch.qos launch.retries launch.save_seconds launch.sbatch_options launch.setup launch.time launch.workers llm_compilation_mode llm_device log_activations_store_to_wandb log_frequency log_optimizer_state_to_wandb log_to_tensorboard log_to_wandb log_weights_to_wandb logger logger.eval_batch_size_prompts logger.eval_every_n_wandb_logs logger.log_frequency logger.log_optimizer_state_to_wandb logger.log_to_tensorboard logger.log_to_wandb logger.log_weights_to_wandb logger.n_eval_batches logger.run_name logger.wandb_entity logger.wandb_id logger.wandb_project loss_recovered loss_tokens lp_norm lr lr_decay_steps lr_end lr_scheduler_name lr_warm_up_steps ls manual matryoshka_widths max_disk_gb max_grad_norm max_iterations max_norm_multiple mem metadata model_batch_size model_class_name model_from_pretrained_kwargs model_kwargs model_name model_revision mse_loss_normalization n_batches_for_norm_estimate n_batches_in_buffer n_checkpoints n_eval_batches n_restart_cycles n_shuffles_final n_shuffles_in_entire_dir n_shuffles_with_last_section n_sparsity_updates name new_cached_activations_path noise_scale normalize_activations normalize_sae_decoder num_proc output_path p_end p_start partition pre_act_loss_coefficient prefetch_llm_batches prepend_bos pretokenize pretokenize.begin_batch_token pretokenize.begin_sequence_token pretokenize.column_name pretokenize.context_size pretokenize.data_dir pretokenize.data_files pretokenize.dataset_name pretokenize.dataset_path pretokenize.disable_concat_sequences pretokenize.document_megabytes pretokenize.hf_is_private_repo pretokenize.hf_num_shards pretokenize.hf_repo_id pretokenize.hf_revision pretokenize.is_dataset_tokenized pretokenize.num_proc pretokenize.pretokenize_batch_size pretokenize.save_path pretokenize.seed pretokenize.sequence_separator_token pretokenize.shard_megabytes pretokenize.shuffle pretokenize.skip_invalid pretokenize.split pretokenize.streaming pretokenize.text_documents pretokenize.tokenizer_name pretokenize_batch_size qos report report_latents rescale_acts_by_decoder_norm reshape_activations residual_threshold resume resume_from_checkpoint retries run_name sae sae_compilation_mode sae_lens_training_version sae_lens_version save_final_checkpoint save_path save_seconds sbatch sbatch_options scale_sparsity_penalty_by_decoder_norm seed seqpos_slice sequence_separator_token setup shard_megabytes shuffle shuffle_every_n_buffers skip_invalid sparsity_function sparsity_queue_length split stage stop_on_duplicate_support store store_batch_size_prompts streaming sweep sweep_mode target_l0 text_documents threads time tokenizer_name tokens_per_buffer topk_threshold_lr train train.activation_fn train.activation_fn_kwargs train.adam_beta1 train.adam_beta2 train.anneal_end train.anneal_start train.apply_b_dec_to_input train.architecture train.autocast_lm train.aux_loss_coefficient train.b_dec_init_method train.checkpoint_minutes train.context_size train.d_in train.d_out train.d_sae train.dataset_path train.dead_feature_window train.decoder_heuristic_init train.decoder_init_draw train.decoder_init_norm train.decoder_orthogonal_init train.decoder_projection train.defaults train.disable_concat_sequences train.eval_fraction train.exclude_special_tokens train.expansion_factor train.feature_sampling_window train.finetuning_method train.finetuning_tokens train.from_pretrained_path train.hook_head_index train.hook_layer train.hook_name train.hook_name_out train.init_encoder_as_decoder_transpose train.jumprelu_bandwidth train.jumprelu_init_threshold train.jumprelu_log_threshold train.jumprelu_sparsity_loss_mode train.jumprelu_ste_to_input train.jumprelu_tanh_scale train.k train.keep_checkpoints train.l0_coefficient train.l0_warm_up_steps train.l1_coefficient train.l1_warm_up_steps train.lp_norm train.lr train.lr_decay_steps train.lr_end train.lr_scheduler_name train.lr_warm_up_steps train.matryoshka_widths train.max_grad_norm train.max_iterations train.max_norm_multiple train.model_class_name train.model_from_pretrained_kwargs train.model_name train.mse_loss_normalization train.n_checkpoints train.n_restart_cycles train.n_sparsity_updates train.noise_scale train.normalize_activations train.normalize_sae_decoder train.p_end train.p_start train.pre_act_loss_coefficient train.prepend_bos train.rescale_acts_by_decoder_norm train.reshape_activations train.residual_threshold train.resume train.sae_lens_version train.scale_sparsity_penalty_by_decoder_norm train.seed train.seqpos_slice train.sequence_separator_token train.sparsity_function train.sparsity_queue_length train.stop_on_duplicate_support train.sweep train.sweep_mode train.target_l0 train.threads train.topk_threshold_lr train.train_batch_size_tokens train.training_tokens train.use_ghost_grads train.use_matryoshka_aux_loss train_batch_size_tokens training_tokens use_cached_activations use_chat_formatting use_ghost_grads use_matryoshka_aux_loss use_sparse_activations verbose verify wandb_entity wandb_id wandb_log_frequency wandb_project workers ;;
    *) _files ;;
  esac
}
_saeline_train() {
  _arguments -S \
    '--config[The pipeline file, where it does not stand alone.]:FILE:_files' \
    '*--set[Replace a setting, as in train.k=32; may be repeated.]:setting:_saeline_train_settings' \
    '--dry-run[Print the bill (bytes, memory, time) and write nothing.]' \
    '--quiet[Print no progress and no notes.]' \
    '--json[Print the result as JSON.]' \
    '--verify[Compare hashes of all input files, not only sizes.]' \
    '--activations[Train on this folder, where the store has several.]:FOLDER:_files' \
    '--verbose[Print every note, also of options that change nothing.]' \
    '--help[Print one screen of help; behind a verb, what it does.]' \
    '--help-all[Print help on every verb, flag and setting.]' \
    '--version[Print the version.]' \
    '--output[Where it'\''s written.]:FOLDER:_files' \
    '--delete[Delete it; without, it is only listed.]' \
    '--checkpoints[Also the checkpoints that n_checkpoints asked for, of finished runs.]' \
    '--unused[Also tokens and activations that neither a run nor a FILE needs.]' \
    '--days[Leave what was in use within so many days; 7 if not given.]:N:_files' \
    '--lineage[Also what it was made from, as far as the store has it.]' \
    '1: :_saeline_train_first' \
    '*: :_saeline_train_rest'
}
if [ "$funcstack[1]" = "_saeline-train" ]; then
  _saeline_train "$@"
else
  compdef _saeline_train saeline-train
fi
