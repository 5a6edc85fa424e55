"""Makes the tiny random models of this folder and what TransformerLens and transformers compute.

Versions: Python 3.11, torch 2.15.0, transformers 5.24, transformer-lens 3.9, safetensors 0.8.
Run:      HF_HUB_OFFLINE=1 python make_models.py [name ...]   (in this folder; two minutes for all)

Each folder is a model as transformers saves it (config.json and weights) with
- golden.safetensors: `tokens` [2, 16], `rows` (the rows of the flattened [2 * 16] positions that are
  kept), the logits of transformers, and every hook point that a HookedTransformer without weight
  processing fills, under its own name, `[rows, ...]`. Attention scores and patterns are kept as
  `[rows, heads, keys]`, the hooks of norms on heads as `[rows, heads, ...]`;
- modules.safetensors: three rows (SHOWN) of what transformers' modules write, by their paths;
- processed*.safetensors, where PROCESSED says so: three rows of the hooks outside of blocks and of
  the last block with TransformerLens's weight processing. OLMo 2 and 3, gpt-oss and models with
  positions for attention alone are not among them: there TransformerLens's processing changes what the
  model computes.
- autocast.safetensors, of AUTOCAST: three rows of every hook point under torch.autocast to bfloat16.

TransformerLens knows the published Gemma models by name only, for Llama neither YaRN nor linear
scaling, and of SmolLM3 only what its bridge to transformers does; their configurations are completed
here. SmolLM3 is a Llama some of whose layers do not rotate. Families that a HookedTransformer cannot be
(MODULES_ONLY) have no hook points in golden.safetensors, only in modules.safetensors.

TOYS are models in TransformerLens's own format, as its gelu-1l or attn-only-2l are: its config.json and
its names of tensors, in model.safetensors.
"""

import json
import os
import shutil
import sys
import tempfile

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformer_lens import HookedTransformer, HookedTransformerConfig
from transformer_lens import loading_from_pretrained as loading
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

HERE = os.path.dirname(os.path.abspath(__file__))
SEQUENCES, CONTEXT, VOCABULARY = 2, 16, 53
ROWS = [0, 6, 11, 15, 17, 24, 31]
SHOWN = [0, 11, 31]
EVERY_STEP = dict(
    fold_ln=True, center_writing_weights=True, center_unembed=True, fold_value_biases=True)
NO_STEP = {step: False for step in EVERY_STEP}
# Modules whose rows are no step of a block by themselves; nor are those beside a shared expert.
LEFT_OUT = ["drop", "rotary", "in_proj", "gate_up_proj", "query_key_value", "shared_expert",
            "tokens_per_layer", "per_layer_model", "per_layer_projection_norm"]
PROCESSED = {
    "gpt2": {
        "processed": EVERY_STEP, "processed-center": {**NO_STEP, "center_writing_weights": True},
        "processed-values": {**NO_STEP, "fold_value_biases": True}},
    **{name: {"processed": EVERY_STEP} for name in (
        "neox-sequential", "neox-parallel", "phi", "opt", "gpt-neo", "grouped", "qwen2", "gemma2",
        "phi3", "gptj", "bloom", "olmo", "olmoe", "mixtral")},
}
AUTOCAST = ["gpt2", "grouped"]
MODULES_ONLY = ["phi3-long", "qwen3-moe", "granite", "stablelm", "stablelm-parallel", "bigcode",
                "falcon", "falcon-new", "falcon-linear-bias", "opt-350m", "galactica", "qwen2-moe", "qwen3.5",
                "qwen3.5-moe", "gemma4", "gemma4-unified", "gpt-oss-packed",
                "deepseek-v2", "deepseek-v3"]
# Models whose experts are stored in MXFP4.
PACKED = ["gpt-oss-packed"]
TOYS = {
    "toy-gelu": dict(act_fn="gelu", normalization="LN", seed=41),
    "toy-solu": dict(act_fn="solu_ln", normalization="LN", seed=42),
    "toy-folded": dict(act_fn="solu_ln", normalization="LNPre", seed=43, final_rms=True),
    "toy-attention": dict(act_fn="gelu_new", normalization_type="LN", seed=44, attn_only=True,
                          shortformer_pos=True),
    "toy-plain": dict(act_fn="relu", normalization_type=None, seed=45, attn_only=True),
}
PROCESSED["toy-gelu"] = PROCESSED["toy-solu"] = PROCESSED["toy-plain"] = {"processed": EVERY_STEP}

# transformers 5 keeps this within rope_parameters; TransformerLens asks for it where it was.
transformers.PhiConfig.partial_rotary_factor = 0.5


def randomise(model, seed, dtype, gain=1.0):
    """Gives every parameter, gains and biases too, random values that `dtype` holds exactly."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        buffers = [(name, buffer) for name, buffer in model.named_buffers()
                   if name.endswith(("layer_scalar", "e_score_correction_bias"))]
        for name, parameter in [*model.named_parameters(), *buffers]:
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() > 1:
                value = noise * (1.0 if "embed" in name or "wte" in name else 0.25)
            elif name.endswith("bias"):
                value = noise * 0.3
            else:
                value = gain + noise * 0.3
            parameter.copy_(value.to(dtype).float())


def families(vocabulary=VOCABULARY, positions=24, window=5):
    """Name -> (class, configuration, dtype of the weights, seed, size of weight files)."""
    found = {}

    def add(name, kind, dtype, seed, size="1GB", **settings):
        title = kind + ("LMHeadModel" if kind == "GPT2" else "ForCausalLM")
        cls = getattr(transformers, title)
        configuration = cls.config_class(
            vocab_size=vocabulary, bos_token_id=0, eos_token_id=0, architectures=[title],
            **settings)
        found[name] = (cls, configuration, dtype, seed, size)

    f32, f16, b16 = torch.float32, torch.float16, torch.bfloat16
    add("gpt2", "GPT2", b16, 1, n_positions=positions, n_ctx=positions, n_embd=24, n_layer=2,
        n_head=3, activation_function="gelu_new")
    for name, parallel, dtype, seed in (
        ("neox-parallel", True, f32, 2), ("neox-sequential", False, f16, 3)):
        add(name, "GPTNeoX", dtype, seed, max_position_embeddings=positions, hidden_size=24,
            num_hidden_layers=2, num_attention_heads=3, intermediate_size=40, hidden_act="gelu",
            use_parallel_residual=parallel,
            rope_parameters={
                "rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5})
    common = dict(
        max_position_embeddings=positions, hidden_size=24, num_attention_heads=6,
        intermediate_size=40)
    llama = dict(**common, hidden_act="silu", rms_norm_eps=1e-5)
    add("grouped", "Llama", f32, 4, "20KB", **llama, num_hidden_layers=2, num_key_value_heads=2,
        tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": 500.0})
    add("tied", "Llama", b16, 5, **llama, num_hidden_layers=1, num_key_value_heads=6,
        tie_word_embeddings=True,
        rope_parameters={
            "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 8})
    for name, seed, parameters in (
        ("llama-yarn", 6, {
            "rope_type": "yarn", "factor": 4.0, "rope_theta": 10000.0,
            "original_max_position_embeddings": 8}),
        ("llama-linear", 7, {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}),
        ("llama-dynamic", 8, {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 10000.0})):
        add(name, "Llama", f32, seed, **llama, num_hidden_layers=1, num_key_value_heads=2,
            rope_parameters=parameters)
    add("gpt-neo", "GPTNeo", f32, 11, max_position_embeddings=positions, hidden_size=24,
        num_layers=2, num_heads=3, attention_types=[[["global", "local"], 1]], window_size=window)
    grouped = dict(**common, num_hidden_layers=2, num_key_value_heads=2)
    add("mistral", "Mistral", b16, 12, **grouped, sliding_window=window, head_dim=4)
    add("qwen2", "Qwen2", f16, 13, **grouped, tie_word_embeddings=True)
    add("qwen3", "Qwen3", f32, 14, **grouped, head_dim=8)
    add("gemma", "Gemma", b16, 15, **grouped, head_dim=8)
    add("gemma2", "Gemma2", f32, 16, **grouped, head_dim=8, sliding_window=window,
        query_pre_attn_scalar=10, attn_logit_softcapping=2.0, final_logit_softcapping=3.0)
    add("gemma3", "Gemma3", f16, 17, **{**grouped, "num_hidden_layers": 3}, head_dim=8,
        sliding_window=window, query_pre_attn_scalar=10,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        rope_parameters={
            "full_attention": {"rope_type": "linear", "factor": 4.0, "rope_theta": 1000000.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}})
    kinds = ["sliding_attention", "full_attention"]
    gemma4 = dict(
        head_dim=4, global_head_dim=8, sliding_window=window, final_logit_softcapping=3.0,
        rope_parameters={
            kinds[0]: {"rope_type": "default", "rope_theta": 10000.0},
            kinds[1]: {"rope_type": "proportional", "partial_rotary_factor": 0.5,
                       "rope_theta": 1000000.0}})
    add("gemma4", "Gemma4", f16, 49, **{**grouped, "num_hidden_layers": 4}, **gemma4,
        layer_types=kinds * 2, hidden_size_per_layer_input=6,
        vocab_size_per_layer_input=vocabulary, num_kv_shared_layers=2, use_double_wide_mlp=True)
    add("gemma4-unified", "Gemma4Unified", b16, 50, **grouped, **gemma4, layer_types=kinds,
        attention_k_eq_v=True, num_global_key_value_heads=1)
    add("phi", "Phi", f16, 18, **{**common, "num_attention_heads": 3}, num_hidden_layers=2,
        num_key_value_heads=3, partial_rotary_factor=0.5)
    add("opt", "OPT", f32, 19, hidden_size=24, num_hidden_layers=2, ffn_dim=40,
        max_position_embeddings=positions, num_attention_heads=3, word_embed_proj_dim=24,
        pad_token_id=1)
    add("smollm3", "SmolLM3", b16, 20, **grouped, hidden_act="silu", pad_token_id=1,
        no_rope_layer_interval=2)
    long = {"short_factor": [1.0, 1.5], "long_factor": [3.0, 4.0],
            "original_max_position_embeddings": 12, "rope_theta": 10000.0,
            "partial_rotary_factor": 1.0}
    add("phi3", "Phi3", b16, 21, **grouped, pad_token_id=1, sliding_window=window)
    add("phi3-long", "Phi3", f32, 22, **grouped, pad_token_id=1,
        original_max_position_embeddings=12, rope_parameters={"rope_type": "longrope", **long})
    add("gptj", "GPTJ", f16, 23, n_positions=positions, n_embd=24, n_layer=2, n_head=3,
        rotary_dim=6)
    add("bloom", "Bloom", b16, 24, hidden_size=24, n_layer=2, n_head=4)
    whole = dict(**common, num_hidden_layers=2)
    add("olmo", "Olmo", f32, 25, **whole, pad_token_id=1, clip_qkv=0.7)
    add("olmo2", "Olmo2", f16, 26, **whole, pad_token_id=1)
    add("olmo3", "Olmo3", b16, 27, **grouped, pad_token_id=1, sliding_window=window,
        layer_types=["sliding_attention", "full_attention"],
        rope_parameters={
            "full_attention": {
                "rope_type": "yarn", "factor": 4.0, "rope_theta": 500.0, "attention_factor": 1.1,
                "original_max_position_embeddings": 8},
            "sliding_attention": {"rope_type": "default", "rope_theta": 300.0}})
    experts = dict(num_experts_per_tok=2, router_aux_loss_coef=0.0)
    add("olmoe", "Olmoe", f32, 28, **grouped, **experts, num_experts=4, pad_token_id=1,
        norm_topk_prob=False)
    add("mixtral", "Mixtral", b16, 29, "30KB", **grouped, **experts, num_local_experts=4)
    add("gpt-oss", "GptOss", f16, 30, **grouped, **experts, num_local_experts=4, head_dim=6,
        sliding_window=window)
    add("gpt-oss-packed", "GptOss", b16, 51, **{**grouped, "hidden_size": 64, "num_attention_heads": 8,
        "intermediate_size": 32}, **experts, num_local_experts=4, head_dim=8, sliding_window=window)
    add("qwen3-moe", "Qwen3Moe", b16, 31, **{**grouped, "num_hidden_layers": 3}, **experts,
        num_experts=5, moe_intermediate_size=12, norm_topk_prob=True, head_dim=8,
        mlp_only_layers=[1])
    shared = dict(num_experts=5, moe_intermediate_size=12, shared_expert_intermediate_size=20)
    add("qwen2-moe", "Qwen2Moe", f16, 46, **grouped, **experts, **shared)
    delta = dict(head_dim=16, linear_key_head_dim=6, linear_value_head_dim=8,
                 linear_num_key_heads=2, linear_num_value_heads=4,
                 layer_types=["linear_attention", "full_attention"])
    add("qwen3.5", "Qwen3_5", b16, 47, **grouped, **delta)
    add("qwen3.5-moe", "Qwen3_5Moe", f32, 48, **grouped, **delta, **experts, **shared)
    latent = dict(
        **{**common, "num_attention_heads": 3}, num_hidden_layers=2, num_key_value_heads=3,
        kv_lora_rank=10, qk_nope_head_dim=6, qk_rope_head_dim=4, v_head_dim=7,
        n_routed_experts=4, n_shared_experts=2, num_experts_per_tok=2, moe_intermediate_size=12,
        first_k_dense_replace=1)
    add("deepseek-v2", "DeepseekV2", b16, 52, "30KB", **latent, q_lora_rank=None)
    add("deepseek-v3", "DeepseekV3", f16, 53, **latent, q_lora_rank=9, n_group=2, topk_group=1,
        rope_parameters={
            "rope_type": "yarn", "factor": 4.0, "rope_theta": 10000.0, "mscale": 1.0,
            "mscale_all_dim": 1.0, "original_max_position_embeddings": 8})
    add("granite", "Granite", f32, 32, **grouped, embedding_multiplier=3.0, logits_scaling=2.0,
        residual_multiplier=0.5, attention_multiplier=0.3, attention_bias=True, mlp_bias=True)
    stable = dict(max_position_embeddings=positions, hidden_size=24, intermediate_size=40,
                  num_hidden_layers=2, num_attention_heads=3)
    add("stablelm", "StableLm", f16, 33, **stable, num_key_value_heads=1, use_qkv_bias=True)
    add("stablelm-parallel", "StableLm", f32, 34, **stable, num_key_value_heads=3,
        use_parallel_residual=True, qk_layernorm=True)
    add("bigcode", "GPTBigCode", b16, 35, n_positions=positions, n_embd=24, n_layer=2, n_head=3)
    falcon = dict(max_position_embeddings=positions, hidden_size=24, num_hidden_layers=2,
                  num_attention_heads=6)
    add("falcon", "Falcon", b16, 36, **falcon)
    add("falcon-new", "Falcon", f32, 37, **falcon, new_decoder_architecture=True, num_kv_heads=2,
        bias=True)
    add("falcon-linear-bias", "Falcon", f16, 38, **falcon, alibi=True, multi_query=False,
        parallel_attn=False, bias=True)
    opt = dict(hidden_size=24, num_hidden_layers=2, ffn_dim=40, pad_token_id=1,
               max_position_embeddings=positions, num_attention_heads=3)
    add("opt-350m", "OPT", f16, 39, **opt, word_embed_proj_dim=16, do_layer_norm_before=False)
    add("galactica", "OPT", b16, 40, **opt, enable_bias=False, activation_function="gelu",
        layer_norm_elementwise_affine=False)
    for _, configuration, *_ in found.values():
        if configuration.model_type == "falcon":
            # Without it, biases of distance are added twice.
            configuration._attn_implementation = "sdpa"
            continue
        configuration._attn_implementation = "eager"
    return found


def is_from_one(name):
    """Whether a model's gains are stored as differences from one."""
    return name.startswith(("gemma", "qwen3.5")) and not name.startswith("gemma4")


def build(name, vocabulary=VOCABULARY, positions=24, window=5, dtype=None):
    """A random model in float32 whose values `dtype` holds, and that dtype."""
    cls, configuration, own, seed, size = families(vocabulary, positions, window)[name]
    dtype = dtype or own
    model = cls(configuration).eval()
    randomise(model, seed, dtype, gain=0.0 if is_from_one(name) else 1.0)
    if name in PACKED:
        for key, value in dequantized(packed(model, seed)).items():
            model.get_parameter(key).data = value
    return model, dtype, seed, size


def packed(model, seed):
    """Random experts in MXFP4: two numbers to a byte, and a byte of scale to 32 of them."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, parameter in model.named_parameters():
        if name.endswith(("experts.gate_up_proj", "experts.down_proj")):
            experts, inputs, outputs = parameter.shape
            for part, low, high, shape in (
                ("_blocks", 0, 256, (experts, outputs, inputs // 32, 16)),
                ("_scales", 121, 126, (experts, outputs, inputs // 32))):
                tensors[name + part] = torch.randint(
                    low, high, shape, generator=generator, dtype=torch.uint8)
    return tensors


def dequantized(tensors):
    """The plain numbers of experts in MXFP4, by transformers."""
    return {name.removesuffix("_blocks"): convert_moe_packed_tensors(
        blocks, tensors[name.replace("_blocks", "_scales")], dtype=torch.float32)
        for name, blocks in tensors.items() if name.endswith("_blocks")}


def store(name, model, dtype, seed, size, folder):
    """Writes config.json and weights, those of experts as the published files have them."""
    model.to(dtype).save_pretrained(folder, max_shard_size=size)
    if name not in PACKED:
        return
    path = os.path.join(folder, "model.safetensors")
    experts = packed(model, seed)
    kept = {key: value for key, value in load_file(path).items() if key + "_blocks" not in experts}
    save_file({**kept, **experts}, path, metadata={"format": "pt"})
    with open(os.path.join(folder, "config.json")) as file:
        stated = json.load(file)
    stated["quantization_config"] = {"quant_method": "mxfp4"}
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(stated, file, indent=2)


def lens_configuration(folder, hf):
    """TransformerLens's configuration for the model that transformers saved in a folder."""
    kind = hf.architectures[0]
    if kind == "SmolLM3ForCausalLM":
        return HookedTransformerConfig(
            d_model=hf.hidden_size, d_head=hf.hidden_size // hf.num_attention_heads,
            n_heads=hf.num_attention_heads, n_key_value_heads=hf.num_key_value_heads,
            d_mlp=hf.intermediate_size, n_layers=hf.num_hidden_layers,
            n_ctx=hf.max_position_embeddings, eps=hf.rms_norm_eps, d_vocab=hf.vocab_size,
            act_fn=hf.hidden_act, normalization_type="RMS", positional_embedding_type="rotary",
            rotary_dim=hf.hidden_size // hf.num_attention_heads, rotary_adjacent_pairs=False,
            rotary_base=hf.rope_parameters["rope_theta"], gated_mlp=True, final_rms=True,
            original_architecture="LlamaForCausalLM", init_weights=False, device="cpu",
            dtype=torch.float32)
    if kind in ("OlmoForCausalLM", "Olmo2ForCausalLM"):
        return HookedTransformerConfig(
            d_model=hf.hidden_size, d_head=hf.hidden_size // hf.num_attention_heads,
            n_heads=hf.num_attention_heads, d_mlp=hf.intermediate_size,
            n_layers=hf.num_hidden_layers, n_ctx=hf.max_position_embeddings,
            eps=getattr(hf, "rms_norm_eps", 1e-5), d_vocab=hf.vocab_size, act_fn=hf.hidden_act,
            normalization_type="LN" if kind == "OlmoForCausalLM" else "RMS",
            rotary_base=hf.rope_parameters["rope_theta"], positional_embedding_type="rotary",
            attn_types=["global"] * hf.num_hidden_layers, gated_mlp=True,
            clip_qkv=getattr(hf, "clip_qkv", None), original_architecture=kind,
            init_weights=False, device="cpu", dtype=torch.float32)
    if not kind.startswith("Gemma"):
        settings = loading.get_pretrained_model_config(folder, device="cpu")
        rope = getattr(hf, "rope_parameters", None) or {}
        if rope.get("rope_type") == "yarn":
            settings.use_yarn_rope = True
            settings.yarn_factor = rope["factor"]
            settings.yarn_attention_factor = 0.1 * torch.tensor(rope["factor"]).log().item() + 1
            settings.yarn_original_max_position_embeddings = (
                rope["original_max_position_embeddings"])
        if rope.get("rope_type") == "linear":
            settings.rotary_scaling_factor = rope["factor"]
        settings.tokenizer_name = None
        settings.dtype = torch.float32
        settings.n_ctx = max(settings.n_ctx, getattr(hf, "max_position_embeddings", 0))
        return settings
    settings = dict(
        d_model=hf.hidden_size, d_head=hf.head_dim, n_heads=hf.num_attention_heads,
        n_key_value_heads=hf.num_key_value_heads, d_mlp=hf.intermediate_size,
        n_layers=hf.num_hidden_layers, n_ctx=hf.max_position_embeddings, eps=hf.rms_norm_eps,
        d_vocab=hf.vocab_size, act_fn="gelu_pytorch_tanh", normalization_type="RMS",
        positional_embedding_type="rotary", rotary_dim=hf.head_dim, use_attn_scale=True,
        gated_mlp=True, final_rms=True, original_architecture=kind, init_weights=False,
        device="cpu", dtype=torch.float32)
    if kind == "GemmaForCausalLM":
        settings.update(rotary_base=hf.rope_parameters["rope_theta"])
    else:
        settings.update(
            use_normalization_before_and_after=True, window_size=hf.sliding_window,
            use_local_attn=True, attn_scale=hf.query_pre_attn_scalar ** 0.5,
            attn_types=[
                "local" if type == "sliding_attention" else "global" for type in hf.layer_types])
    if kind == "Gemma2ForCausalLM":
        settings.update(
            rotary_base=hf.rope_parameters["rope_theta"],
            attn_scores_soft_cap=hf.attn_logit_softcapping,
            output_logits_soft_cap=hf.final_logit_softcapping)
    if kind == "Gemma3ForCausalLM":
        whole = hf.rope_parameters["full_attention"]
        settings.update(
            use_qk_norm=True, rotary_base=whole["rope_theta"],
            rotary_scaling_factor=whole.get("factor", 1.0),
            rotary_base_local=hf.rope_parameters["sliding_attention"]["rope_theta"])
    return HookedTransformerConfig(**settings)


def lens(model, **processing):
    """A HookedTransformer with the weights of a model of transformers."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        settings = lens_configuration(folder, model.config)
        settings.use_attn_result = True
        hooked = HookedTransformer(settings)
        state = loading.get_pretrained_state_dict(folder, settings, hf_model=model)
    # from_pretrained switches this off itself.
    if settings.output_logits_soft_cap > 0:
        processing["center_unembed"] = False
    hooked.load_and_process_state_dict(state, **processing)
    for block, rotates in zip(hooked.blocks, getattr(model.config, "no_rope_layers", None) or []):
        if not rotates:
            block.attn.apply_rotary = lambda heads, *_: heads
    return hooked.eval()


def rows_of(name, value, tokens):
    """A hook's value as one row per token."""
    count = tokens.numel()
    if "pattern" in name or "attn_scores" in name:
        value = value.transpose(1, 2)
    if "hook_expert" in name:
        return value.reshape(count, -1).float()
    if "q_norm" in name or "k_norm" in name:
        return value.reshape(count, -1, value.shape[-1])
    return value.reshape(count, *value.shape[2:])


def hooks(model, tokens, **processing):
    """Every hook point of TransformerLens by name, and its logits."""
    return hooked_rows(lens(model, **processing), tokens)


def hooked_rows(hooked, tokens):
    """Rows of a HookedTransformer; those within experts, of some tokens only, are left out."""
    with torch.no_grad():
        logits, cache = hooked.run_with_cache(tokens)
    return {name: rows_of(name, value, tokens) for name, value in cache.items()
            if ".experts." not in name}, logits


def module_outputs(model, tokens):
    """What every module of transformers writes that has a row per token, by its path; logits."""
    found = {}

    def keep(name):
        def hook(_, __, output):
            output = output[0] if isinstance(output, tuple) else output
            if not torch.is_tensor(output) or ".experts." in name:
                return
            # Keys and values of latent attention are made of one head for all.
            if output.dim() == 4 and output.shape[1] == 1:
                output = output.squeeze(1)
            # Routers see one row per token without a dimension of sequences. What is changed in
            # place later is kept as it was written.
            if output.shape[:2] == tokens.shape or (
                    output.dim() == 2 and output.shape[0] == tokens.numel()):
                found[name] = output.reshape(tokens.numel(), -1).clone()
        return hook

    handles = [
        module.register_forward_hook(keep(name)) for name, module in model.named_modules()
        if name and not any(part in name for part in LEFT_OUT)
        and not any(hasattr(model.get_submodule(name.rpartition(".")[0]), shared)
                    for shared in ("shared_expert", "shared_experts"))]
    with torch.no_grad():
        logits = model(tokens).logits
    for handle in handles:
        handle.remove()
    # Positions are looked up once for all sequences.
    return found, logits


def kept(values, rows):
    return {name: value[rows].contiguous().float() for name, value in values.items()}


def toy(name, vocabulary=VOCABULARY, positions=24, dtype=torch.float32):
    """The config.json of a model in TransformerLens's format, and its random weights."""
    stated = dict(d_model=24, n_layers=2, d_mlp=96, d_head=8, n_heads=3, n_ctx=positions,
                  d_vocab=vocabulary, attn_only=False)
    stated.update({key: value for key, value in TOYS[name].items() if key != "seed"})
    hooked = hooked_toy(stated)
    randomise(hooked, TOYS[name]["seed"], dtype)
    state = {key: value for key, value in hooked.state_dict().items()
             if not key.endswith(("mask", "IGNORE"))}
    return stated, state


def hooked_toy(stated, state=None, **processing):
    """A HookedTransformer of a config.json as convert_neel_model_config reads it."""
    settings = {key: stated[key] for key in (
        "d_model", "n_layers", "d_mlp", "d_head", "n_heads", "n_ctx", "d_vocab", "act_fn",
        "attn_only")}
    hooked = HookedTransformer(HookedTransformerConfig(
        **settings, final_rms=stated.get("final_rms", False),
        normalization_type=stated.get("normalization", stated.get("normalization_type")),
        positional_embedding_type=(
            "shortformer" if stated.get("shortformer_pos") else "standard"),
        use_attn_result=True, device="cpu"))
    if state is not None:
        hooked.load_and_process_state_dict(
            {key: value.float().clone() for key, value in state.items()}, **processing)
    return hooked.eval()


def make_toy(name):
    stated, state = toy(name)
    folder = os.path.join(HERE, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(stated, file)
    save_file({key: value.contiguous() for key, value in state.items()},
              os.path.join(folder, "model.safetensors"))
    generator = torch.Generator().manual_seed(TOYS[name]["seed"] + 1)
    tokens = torch.randint(0, VOCABULARY, (SEQUENCES, CONTEXT), generator=generator)
    values, logits = hooked_rows(hooked_toy(stated, state, **NO_STEP), tokens)
    save(folder, values, tokens, logits)
    for title, steps in PROCESSED.get(name, {}).items():
        values, _ = hooked_rows(hooked_toy(stated, state, **steps), tokens)
        save_processed(folder, title, values, stated["n_layers"])


def save(folder, values, tokens, logits):
    golden = kept(values, ROWS)
    golden.update(
        tokens=tokens.to(torch.uint8), rows=torch.tensor(ROWS, dtype=torch.uint8),
        logits=logits.reshape(-1, VOCABULARY)[ROWS].contiguous())
    save_file(golden, os.path.join(folder, "golden.safetensors"))


def save_processed(folder, title, values, layers):
    last = f"blocks.{layers - 1}."
    values = {n: v for n, v in values.items() if not n.startswith("blocks.") or n.startswith(last)}
    save_file(kept(values, SHOWN), os.path.join(folder, title + ".safetensors"))


def make(name):
    if name in TOYS:
        make_toy(name)
        return
    model, dtype, seed, size = build(name)
    folder = os.path.join(HERE, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    generator = torch.Generator().manual_seed(seed + 1)
    tokens = torch.randint(0, VOCABULARY, (SEQUENCES, CONTEXT), generator=generator)
    modules, logits = module_outputs(model, tokens)
    values = {}
    if name not in MODULES_ONLY:
        values, hooked_logits = hooks(model, tokens, **NO_STEP)
        difference = (hooked_logits - logits).abs().max().item()
        print(name, "TransformerLens against transformers:", difference)
        assert difference < 3e-4
    save(folder, values, tokens, logits)
    save_file(kept(modules, SHOWN), os.path.join(folder, "modules.safetensors"))
    for title, steps in PROCESSED.get(name, {}).items():
        values, _ = hooks(model, tokens, **steps)
        save_processed(folder, title, values, model.config.num_hidden_layers)
    if name in AUTOCAST:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            values, _ = hooks(model, tokens, **NO_STEP)
        save_file(kept(values, SHOWN), os.path.join(folder, "autocast.safetensors"))
    store(name, model, dtype, seed, size, folder)
    if name in PACKED:
        loaded = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager")
        with torch.no_grad():
            assert (loaded(tokens).logits - logits).abs().max().item() < 1e-5
    generation = os.path.join(folder, "generation_config.json")
    if os.path.exists(generation):
        os.remove(generation)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for chosen in sys.argv[1:] or [*families(), *TOYS]:
        make(chosen)
