"""Tries every key of config.json on every family, and records what transformers makes of it.

Versions: Python 3.11, torch 2.15.0, transformers 5.24, numpy 2.
Run:      HF_HUB_OFFLINE=1 python make_configurations.py [family ...]   (in this folder)

For every family a tiny model is made from a base configuration, and one from the base with each of
PROBES put over it: keys of all families with values that are not their defaults, in the spellings of
transformers 4 and 5, alone and where two of them contradict each other, and null. The weights of a
tensor follow from its name (`weights` below, WeightFormula in the tests). Written are probes.json, a
list of what is put over the bases, and FAMILY.json with
- `base`, `tensors` (names and shapes), `sizes` and `logits` (of rows 5 and 11, columns 0, 7 and 14);
- `probes`: by number, `refused` where transformers raises an error, else `sizes`, `tensors` and
  `logits` where they are not the base's; probes that change nothing are not listed;
- `missing`: the sizes where a key of the base is left out, by key.
"""

import json
import os
import sys

import numpy
import torch
import transformers

HERE = os.path.dirname(os.path.abspath(__file__))
CONTEXT, VOCABULARY = 12, 31
TOKENS = [(7 * index * index + 3 * index + 5) % VOCABULARY for index in range(CONTEXT)]
ROWS, COLUMNS = [5, 11], [0, 7, 14]

YARN = {"factor": 4.0, "original_max_position_embeddings": 8}
LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 8}
LONG = {"short_factor": [1.5, 2.0], "long_factor": [3.0, 4.0],
        "original_max_position_embeddings": 8}
LONG_SHORT = {**LONG, "original_max_position_embeddings": 16}
SLIDING, FULL = "sliding_attention", "full_attention"
PROBES = [
    {"vocab_size": 29}, {"hidden_size": 48}, {"n_embd": 48}, {"n_embed": 48}, {"d_model": 48},
    {"intermediate_size": 20}, {"ffn_dim": 20}, {"n_inner": 20}, {"ffn_hidden_size": 20},
    {"moe_intermediate_size": 20}, {"n_inner": None},
    {"n_layer": 2, "num_hidden_layers": 1}, {"num_experts": 4, "num_local_experts": 3},
    {"num_hidden_layers": 1}, {"n_layer": 1}, {"num_layers": 1}, {"n_layers": 1},
    {"num_attention_heads": 2}, {"n_head": 2}, {"num_heads": 2}, {"n_heads": 2},
    {"num_key_value_heads": 1}, {"num_key_value_heads": 4}, {"num_key_value_heads": None},
    {"num_kv_heads": 2}, {"num_kv_heads": 1}, {"head_dim": 6}, {"head_dim": None},
    {"d_kv": 8}, {"max_position_embeddings": 20}, {"n_positions": 20}, {"n_ctx": 20},
    {"seq_length": 20},
    {"hidden_act": "relu"}, {"hidden_act": "gelu"}, {"hidden_activation": "relu"},
    {"activation_function": "relu"}, {"activation": "relu"}, {"hidden_act": None},
    {"hidden_activation": "gelu"},
    {"rms_norm_eps": 0.25}, {"layer_norm_eps": 0.25}, {"layer_norm_epsilon": 0.25},
    {"norm_eps": 0.25},
    {"tie_word_embeddings": True}, {"tie_word_embeddings": False}, {"tie_word_embeddings": None},
    # Rotary positions.
    {"rope_theta": 50.0}, {"rotary_emb_base": 50.0}, {"rotary_pct": 0.5},
    {"partial_rotary_factor": 0.5}, {"rotary_dim": 2}, {"rope_local_base_freq": 50.0},
    {"rope_theta": 50.0, "rotary_emb_base": 7.0}, {"rotary_pct": 0.5, "partial_rotary_factor": 1.0},
    {"rope_interleaved": True}, {"rope_traditional": True},
    {"original_max_position_embeddings": 16},
    {"rope_scaling": {"type": "linear", "factor": 4.0}},
    {"rope_scaling": {"rope_type": "linear", "factor": 4.0}},
    {"rope_scaling": {"rope_type": "linear", "type": "dynamic", "factor": 4.0}},
    {"rope_scaling": {"type": "linear", "factor": 4.0}, "rope_theta": 50.0},
    {"rope_scaling": {"type": "linear", "factor": 4.0, "rope_theta": 7.0}, "rope_theta": 50.0},
    {"rope_scaling": {"type": "dynamic", "factor": 4.0}},
    {"rope_scaling": {"rope_type": "llama3", **LLAMA3}},
    {"rope_scaling": {"rope_type": "yarn", **YARN}}, {"rope_scaling": {"type": "yarn", **YARN}},
    {"rope_scaling": {"rope_type": "yarn", **YARN, "beta_fast": 4.0, "beta_slow": 2.0}},
    {"rope_scaling": {"rope_type": "yarn", **YARN, "mscale": 0.5, "mscale_all_dim": 2.0}},
    {"rope_scaling": {"rope_type": "yarn", **YARN, "mscale": 0.5}},
    {"rope_scaling": {"rope_type": "yarn", **YARN, "attention_factor": 1.5}},
    {"rope_scaling": {"rope_type": "yarn", **YARN, "truncate": False}},
    {"rope_scaling": {"rope_type": "yarn", **YARN, "factor": None}},
    {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}},
    {"rope_scaling": {"rope_type": "yarn", **YARN}, "original_max_position_embeddings": 16},
    {"rope_scaling": {"type": "longrope", **LONG}}, {"rope_scaling": {"type": "su", **LONG}},
    {"rope_scaling": {"type": "longrope", **LONG_SHORT}},
    {"rope_scaling": {"type": "longrope", **LONG}, "original_max_position_embeddings": 16},
    {"rope_scaling": {"type": "longrope", **LONG, "attention_factor": 1.5}},
    {"rope_scaling": {"type": "longrope", **LONG, "factor": 2.0}},
    {"rope_scaling": {"type": "nonsense", "factor": 4.0}}, {"rope_scaling": {}},
    {"rope_scaling": None}, {"rope_parameters": None},
    {"rope_parameters": {"rope_type": "default", "rope_theta": 50.0}},
    {"rope_parameters": {"rope_theta": 50.0}},
    {"rope_parameters": {"rope_type": "default"}},
    {"rope_parameters": {"rope_type": "default", "rope_theta": 50.0}, "rope_theta": 7.0},
    {"rope_parameters": {"rope_type": "default"}, "rope_theta": 7.0},
    {"rope_parameters": {"rope_type": "default", "rope_theta": 50.0},
     "rope_scaling": {"type": "linear", "factor": 4.0}},
    {"rope_parameters": {"rope_type": "default", "rope_theta": 50.0,
                         "partial_rotary_factor": 0.5}},
    {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 50.0}},
    {"rope_parameters": {"rope_type": "llama3", **LLAMA3, "rope_theta": 50.0}},
    {"rope_parameters": {"rope_type": "yarn", **YARN, "rope_theta": 50.0}},
    {"rope_parameters": {"rope_type": "yarn", **YARN, "rope_theta": 50.0, "truncate": False}},
    {"rope_parameters": {"rope_type": "longrope", **LONG, "rope_theta": 50.0}},
    {"rope_parameters": {FULL: {"rope_type": "default", "rope_theta": 50.0},
                         SLIDING: {"rope_type": "default", "rope_theta": 7.0}}},
    {"rope_parameters": {FULL: {"rope_type": "linear", "factor": 4.0, "rope_theta": 50.0},
                         SLIDING: {"rope_type": "default"}}, "rope_local_base_freq": 7.0},
    {"rope_parameters": {FULL: {"rope_type": "yarn", **YARN, "truncate": False,
                                "rope_theta": 50.0}},
     "layer_types": [SLIDING, FULL], "sliding_window": 3},
    {"layer_types": [SLIDING, FULL], "rope_theta": 50.0, "sliding_window": 3},
    {"layer_types": [SLIDING, FULL], "rope_local_base_freq": 50.0, "sliding_window": 3},
    {"no_rope_layers": [0, 1]}, {"no_rope_layer_interval": 2}, {"no_rope_layers": [1, 1]},
    # Windows.
    {"sliding_window": 3}, {"sliding_window": None}, {"window_size": 3},
    {"sliding_window": 3, "use_sliding_window": True},
    {"sliding_window": 3, "use_sliding_window": True, "max_window_layers": 1},
    {"sliding_window": 3, "use_sliding_window": False, "max_window_layers": 0},
    {"sliding_window": 3, "sliding_window_pattern": 2},
    {"sliding_window": 3, "_sliding_window_pattern": 2},
    {"sliding_window": 3, "layer_types": [SLIDING, FULL]},
    {"sliding_window": 3, "layer_types": [FULL, SLIDING]},
    {"sliding_window": 3, "use_sliding_window": True, "layer_types": [FULL, SLIDING]},
    {"sliding_window": 3, "use_sliding_window": True, "no_rope_layers": [0, 1]},
    {"attention_types": [[["local"], 2]], "window_size": 3},
    {"attention_layers": ["local", "local"], "window_size": 3},
    {"attention_chunk_size": 3}, {"sliding_window_size": 3},
    # Biases and norms.
    {"attention_bias": True}, {"attention_bias": False}, {"mlp_bias": True}, {"qkv_bias": True},
    {"use_qkv_bias": True}, {"bias": True}, {"use_bias": False}, {"enable_bias": False},
    {"qk_layernorm": True}, {"use_qk_norm": True}, {"layer_norm_elementwise_affine": False},
    {"do_layer_norm_before": False}, {"_remove_final_layer_norm": True},
    {"apply_residual_connection_post_layernorm": True}, {"word_embed_proj_dim": 8},
    {"do_layer_norm_before": False, "word_embed_proj_dim": 8},
    {"num_ln_in_parallel_attn": 1}, {"num_ln_in_parallel_attn": 2},
    # Blocks.
    {"use_parallel_residual": True}, {"use_parallel_residual": False}, {"parallel_attn": False},
    {"new_decoder_architecture": True}, {"new_decoder_architecture": True, "num_kv_heads": 2},
    {"new_decoder_architecture": True, "num_ln_in_parallel_attn": 1, "num_kv_heads": 2},
    {"multi_query": False}, {"alibi": True}, {"alibi": True, "parallel_attn": False},
    {"multi_query": False, "bias": True, "alibi": True, "parallel_attn": False},
    # Factors and bounds.
    {"attn_logit_softcapping": 1.5}, {"attn_logit_softcapping": None},
    {"final_logit_softcapping": 1.5}, {"final_logit_softcapping": None},
    {"query_pre_attn_scalar": 64}, {"clip_qkv": 0.5}, {"scale_attn_weights": False},
    {"scale_attn_by_inverse_layer_idx": True}, {"reorder_and_upcast_attn": True},
    {"embedding_multiplier": 3.0}, {"residual_multiplier": 0.5}, {"attention_multiplier": 0.25},
    {"logits_scaling": 2.0}, {"logit_scale": 2.0}, {"mup_scale": 2.0},
    # Experts.
    {"num_experts": 3}, {"num_local_experts": 3}, {"n_routed_experts": 3},
    {"num_experts_per_tok": 1}, {"norm_topk_prob": True}, {"decoder_sparse_step": 2},
    {"mlp_only_layers": [0]}, {"swiglu_alpha": 1.0}, {"swiglu_limit": 0.5},
    {"shared_expert_intermediate_size": 12}, {"linear_conv_kernel_dim": 3},
    {"linear_key_head_dim": 4}, {"linear_value_head_dim": 4}, {"linear_num_key_heads": 1},
    {"linear_num_value_heads": 2}, {"full_attention_interval": 2},
    {"layer_types": ["linear_attention", FULL, FULL, "linear_attention"]},
    {"router_jitter_noise": 0.5}, {"router_aux_loss_coef": 0.5}, {"output_router_logits": False},
    # What changes no row of a model that is not trained.
    {"attention_dropout": 0.5}, {"hidden_dropout": 0.5}, {"resid_pdrop": 0.5}, {"dropout": 0.5},
    {"initializer_range": 0.5}, {"use_cache": False}, {"pad_token_id": 3}, {"bos_token_id": 3},
    {"eos_token_id": 3}, {"torch_dtype": "float16"}, {"dtype": "bfloat16"},
    {"is_decoder": True}, {"is_encoder_decoder": True}, {"add_cross_attention": True},
    {"is_causal": False}, {"use_bidirectional_attention": True}, {"pretraining_tp": 2},
    {"slow_but_exact": True}, {"chunk_size_feed_forward": 4}, {"attention_softmax_in_fp32": False},
    {"scale_attention_softmax_in_fp32": False}, {"cache_implementation": "hybrid"},
    {"model_max_length": 8}, {"max_length": 8}, {"temperature": 2.0}, {"num_labels": 5},
    {"nonsense": 3},
    # Layers of Gemma 4.
    {"hidden_size_per_layer_input": 0}, {"hidden_size_per_layer_input": 4},
    {"vocab_size_per_layer_input": 40}, {"vocab_size_per_layer_input": 20},
    {"attention_k_eq_v": True}, {"attention_k_eq_v": False},
    {"attention_k_eq_v": True, "num_global_key_value_heads": 4},
    {"num_global_key_value_heads": 4}, {"num_global_key_value_heads": None}, {"global_head_dim": 12},
    {"num_kv_shared_layers": 0}, {"num_kv_shared_layers": 1}, {"num_kv_shared_layers": 3},
    {"use_double_wide_mlp": True}, {"use_bidirectional_attention": "all"},
    {"use_bidirectional_attention": "vision"}, {"use_bidirectional_attention": None},
    {"per_layer_config": {"1": {"head_dim": 12}, "3": {"head_dim": 12}}},
    {"per_layer_config": {"1": {"head_dim": 12}}},
    {"per_layer_config": {"1": {"head_dim": 8, "num_key_value_heads": 1},
                          "3": {"head_dim": 8, "num_key_value_heads": 1}}},
    {"per_layer_config": {"1": {"head_dim": 8, "intermediate_size": 20},
                          "3": {"head_dim": 8}}}, {"per_layer_config": None},
    {"per_layer_config": {"9": {"head_dim": 8}}}, {"per_layer_config": {}},
    {"rope_parameters": {FULL: {"rope_type": "proportional", "rope_theta": 50.0},
                         SLIDING: {"rope_type": "default", "rope_theta": 7.0}}},
    {"rope_parameters": {FULL: {"rope_type": "proportional", "rope_theta": 50.0, "factor": 2.0,
                                "partial_rotary_factor": 0.3},
                         SLIDING: {"rope_type": "linear", "rope_theta": 7.0, "factor": 4.0}}},
    {"rope_parameters": {FULL: {"rope_type": "linear", "rope_theta": 50.0, "factor": 4.0},
                         SLIDING: {"rope_type": "proportional", "partial_rotary_factor": 0.5}}},
    {"rope_parameters": {FULL: {"rope_type": "default"}, SLIDING: {"rope_type": "default"}}},
    {"rope_parameters": {FULL: {"type": "linear", "factor": 4.0, "rope_theta": 50.0},
                         SLIDING: {"rope_theta": 7.0}}},
    {"enable_moe_block": True, "num_experts": 4, "top_k_experts": 2, "moe_intermediate_size": 12},
    {"enable_moe_block": True}, {"top_k_experts": 1},
    # Latent attention and experts in groups.
    {"kv_lora_rank": 6}, {"q_lora_rank": 6}, {"q_lora_rank": None}, {"qk_rope_head_dim": 2},
    {"qk_nope_head_dim": 6}, {"v_head_dim": 8}, {"first_k_dense_replace": 0},
    {"first_k_dense_replace": 2}, {"n_shared_experts": 2}, {"rope_interleave": False},
    {"n_group": 1, "topk_group": 1}, {"n_group": 2, "topk_group": 2},
    {"n_group": 2, "topk_group": 1, "topk_method": "group_limited_greedy"},
    {"topk_method": "greedy"}, {"topk_method": "noaux_tc"}, {"routed_scaling_factor": 3.0},
    {"norm_topk_prob": False}, {"scoring_func": "softmax"}, {"moe_layer_freq": 2},
]

# Small sizes by the names that a family has for them.
NEW = dict(vocab_size=VOCABULARY, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
           max_position_embeddings=24)
OLD = dict(vocab_size=VOCABULARY, n_embd=16, n_layer=2, n_head=4, n_positions=24)
GATED = dict(**NEW, intermediate_size=28, num_key_value_heads=2)
DELTA = dict(linear_key_head_dim=6, linear_value_head_dim=8, linear_num_key_heads=2,
             linear_num_value_heads=4)
# Layers that see everything have wider heads, half of which is rotated.
GEMMA4 = dict(
    head_dim=4, global_head_dim=8, layer_types=[SLIDING, FULL, SLIDING, FULL],
    rope_parameters={SLIDING: {"rope_type": "default", "rope_theta": 100.0},
                     FULL: {"rope_type": "proportional", "partial_rotary_factor": 0.5,
                            "rope_theta": 1000.0}})
LATENT = dict(**NEW, intermediate_size=28, num_key_value_heads=4, q_lora_rank=10, kv_lora_rank=8,
              qk_nope_head_dim=4, qk_rope_head_dim=4, v_head_dim=6, n_routed_experts=4,
              n_shared_experts=1, num_experts_per_tok=2, moe_intermediate_size=12,
              first_k_dense_replace=1, n_group=2, topk_group=1)
BASES = {
    "gpt2": OLD,
    "gpt_bigcode": OLD,
    "gpt_neo": dict(
        vocab_size=VOCABULARY, hidden_size=16, num_layers=2, num_heads=4,
        max_position_embeddings=24, attention_types=[[["global", "local"], 1]], window_size=5),
    # Heads of which a part is rotated are wide enough for two pairs.
    "gpt_neox": dict(**{**NEW, "hidden_size": 32, "num_attention_heads": 2}, intermediate_size=28),
    "gptj": dict(**OLD, rotary_dim=4),
    "llama": GATED, "granite": GATED, "olmo": GATED, "olmo2": GATED, "qwen2": GATED,
    "smollm3": dict(**GATED, pad_token_id=1), "mistral": dict(**GATED, sliding_window=5),
    "mixtral": dict(**GATED, num_local_experts=4), "phi": dict(**{**GATED, "num_attention_heads": 2}),
    "phi3": dict(**GATED, pad_token_id=1), "stablelm": {**GATED, "hidden_size": 32, "num_attention_heads": 2},
    "qwen3": dict(**GATED, head_dim=4),
    "qwen3_moe": dict(
        **GATED, head_dim=4, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=12),
    "qwen2_moe": dict(
        **GATED, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=12,
        shared_expert_intermediate_size=20),
    "qwen3_5_text": dict(**{**GATED, "num_hidden_layers": 4}, head_dim=16, **DELTA),
    "qwen3_5_moe_text": dict(
        **{**GATED, "num_hidden_layers": 4}, head_dim=16, **DELTA, num_experts=4,
        num_experts_per_tok=2, moe_intermediate_size=12, shared_expert_intermediate_size=20),
    "olmoe": dict(**GATED, num_experts=4, num_experts_per_tok=2),
    "olmo3": dict(**{**GATED, "num_hidden_layers": 4}, sliding_window=5),
    "gpt_oss": dict(**GATED, head_dim=4, num_local_experts=4, num_experts_per_tok=2,
                    sliding_window=5),
    "gemma": dict(**GATED, head_dim=4), "gemma2": dict(**GATED, head_dim=4, sliding_window=5),
    "gemma3_text": dict(**GATED, head_dim=4, sliding_window=5, sliding_window_pattern=2),
    "gemma4_text": dict(
        **{**GATED, "num_hidden_layers": 4}, **GEMMA4, sliding_window=5,
        hidden_size_per_layer_input=6, vocab_size_per_layer_input=VOCABULARY,
        num_kv_shared_layers=2),
    "gemma4_unified_text": dict(
        **{**GATED, "num_hidden_layers": 2}, **{**GEMMA4, "layer_types": [SLIDING, FULL]},
        sliding_window=5, attention_k_eq_v=True, num_global_key_value_heads=1),
    "deepseek_v2": LATENT, "deepseek_v3": LATENT,
    "opt": dict(**NEW, ffn_dim=28, pad_token_id=1),
    "bloom": dict(vocab_size=VOCABULARY, hidden_size=16, n_layer=2, n_head=4),
    "falcon": NEW,
}
TIED = {"bos_token_id": 0, "eos_token_id": 0}

# What descriptions call the sizes, and the attributes that have them.
SIZES = {
    "vocabularySize": ["vocab_size"], "width": ["hidden_size"], "layers": ["num_hidden_layers"],
    "heads": ["num_attention_heads"], "context": ["max_position_embeddings"],
}


def weights(name, shape):
    """The weights of a tensor: whole multiples of 1/512, larger for embeddings, around 1 for gains."""
    hashed = 0xCBF29CE484222325
    for byte in name.encode():
        hashed = ((hashed ^ byte) * 0x100000001B3) % (1 << 64)
    count = int(numpy.prod(shape))
    with numpy.errstate(over="ignore"):
        value = numpy.uint64(hashed) + numpy.arange(count, dtype=numpy.uint64) * numpy.uint64(
            0x9E3779B97F4A7C15)
        value = (value ^ (value >> numpy.uint64(31))) * numpy.uint64(0xBF58476D1CE4E5B9)
        value = value ^ (value >> numpy.uint64(29))
    value = ((value >> numpy.uint64(56)).astype(numpy.float32) - 128) / 512
    if name.endswith("A_log"):
        value = value + 0.5
    if name.endswith("layer_scalar"):
        value = value + 1
    if "embed" in name or "wte" in name or "wpe" in name:
        value = value * 4
    if len(shape) == 1 and name.endswith("weight"):
        value = value + 1
    return torch.from_numpy(value.astype(numpy.float32).reshape(shape))


def load(configuration):
    """The configuration object of a config.json."""
    with open(os.path.join(HERE, "config.json.tmp"), "w") as file:
        json.dump(configuration, file)
    try:
        return transformers.AutoConfig.from_pretrained(
            os.path.join(HERE, "config.json.tmp"))
    finally:
        os.remove(os.path.join(HERE, "config.json.tmp"))


def compute(configuration):
    """Sizes, names with shapes, and logits of the model of a configuration."""
    config = load(configuration)
    implementation = "sdpa" if config.model_type == "falcon" else "eager"
    model = transformers.AutoModelForCausalLM.from_config(
        config, attn_implementation=implementation, dtype=torch.float32).eval()
    tensors = {}
    with torch.no_grad():
        buffers = [(name, buffer) for name, buffer in model.named_buffers()
                   if name.endswith(("layer_scalar", "e_score_correction_bias"))]
        for name, parameter in [*model.named_parameters(), *buffers]:
            tensors[name] = list(parameter.shape)
            parameter.copy_(weights(name, parameter.shape))
        logits = model(torch.tensor([TOKENS]) % config.vocab_size, use_cache=False).logits[0]
    return sizes(config), tensors, logits


def sizes(config):
    found = {}
    for size, names in SIZES.items():
        for name in names:
            if getattr(config, name, None) is not None:
                found[size] = getattr(config, name)
    return found


def kept(logits):
    return [round(logits[row, column].item(), 5) for row in ROWS for column in COLUMNS]


def make(family):
    base = {"model_type": family, **TIED, **BASES[family]}
    base_sizes, base_tensors, base_logits = compute(base)
    record = {"base": base, "sizes": base_sizes, "tensors": base_tensors,
              "logits": kept(base_logits), "probes": {}, "missing": {}}
    counts = [0, 0, 0]
    for number, probe in enumerate(PROBES):
        entry = {}
        try:
            found_sizes, tensors, logits = compute({**base, **probe})
            if not torch.isfinite(logits).all():
                raise ValueError("no numbers")
        except Exception as error:
            entry["refused"] = type(error).__name__
            counts[2] += 1
            record["probes"][str(number)] = entry
            continue
        # An attribute that a probe makes says nothing of the model.
        found_sizes = {size: found_sizes.get(size) for size in base_sizes}
        if found_sizes != base_sizes:
            entry["sizes"] = found_sizes
        if tensors != base_tensors:
            entry["tensors"] = {
                **{name: shape for name, shape in tensors.items()
                   if base_tensors.get(name) != shape},
                **{name: None for name in base_tensors if name not in tensors}}
        changed = logits.shape != base_logits.shape or (
            (logits - base_logits).abs().max().item() > 1e-6)
        if changed or "sizes" in entry or "tensors" in entry:
            entry["logits"] = kept(logits)
            counts[1] += 1
        else:
            counts[0] += 1
        if entry:
            record["probes"][str(number)] = entry
    for key in BASES[family]:
        smaller = {name: value for name, value in base.items() if name != key}
        try:
            record["missing"][key] = sizes(load(smaller))
        except Exception as error:
            record["missing"][key] = {"refused": type(error).__name__}
    print(f"{family:12} {len(PROBES)} probes: {counts[1]} change something, {counts[0]} nothing, "
          f"{counts[2]} refused")
    with open(os.path.join(HERE, family + ".json"), "w") as file:
        json.dump(record, file)
        file.write("\n")


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    with open(os.path.join(HERE, "probes.json"), "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(probe) for probe in PROBES) + "\n]\n")
    for chosen in sys.argv[1:] or BASES:
        make(chosen)
