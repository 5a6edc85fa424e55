"""Makes the tiny random models of this folder and what TransformerLens and transformers compute.

Versions: Python 3.11, torch 2.15.0, transformers 5.23, transformer-lens 3.9, safetensors 0.8.
Run:      HF_HUB_OFFLINE=1 python make_models.py        (in this folder; about a minute)

Each folder is a model as transformers saves it (config.json and weights) with golden.safetensors:
`tokens` [2, 16], `rows` (the rows of the flattened [2 * 16] positions that are kept), the logits of
transformers, and every hook point that a HookedTransformer without weight processing fills, under
its own name, `[rows, ...]`. Attention scores and patterns are kept as `[rows, heads, keys]`.
"""

import json
import os
import shutil
import tempfile

import torch
import transformers
from safetensors.torch import save_file
from transformer_lens import HookedTransformer
from transformer_lens import loading_from_pretrained as loading

HERE = os.path.dirname(os.path.abspath(__file__))
SEQUENCES, CONTEXT, VOCABULARY = 2, 16, 53
ROWS = [0, 6, 11, 15, 17, 24, 31]


def randomise(model, seed, dtype):
    """Gives every parameter, gains and biases too, random values that `dtype` holds exactly."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() > 1:
                value = noise * (1.0 if "embed" in name or "wte" in name else 0.25)
            elif name.endswith("bias"):
                value = noise * 0.3
            else:
                value = 1 + noise * 0.3
            parameter.copy_(value.to(dtype).float())


def make(name, model, seed, dtype, max_shard_size="1GB"):
    model.eval()
    randomise(model, seed, dtype)
    folder = os.path.join(HERE, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    generator = torch.Generator().manual_seed(seed + 1)
    tokens = torch.randint(0, VOCABULARY, (SEQUENCES, CONTEXT), generator=generator)
    with torch.no_grad():
        logits = model(tokens).logits
    golden = {
        "tokens": tokens.to(torch.uint8),
        "rows": torch.tensor(ROWS, dtype=torch.uint8),
        "logits": logits.reshape(-1, VOCABULARY)[ROWS].contiguous(),
    }
    with tempfile.TemporaryDirectory() as temporary:
        model.save_pretrained(temporary)
        settings = loading.get_pretrained_model_config(temporary, device="cpu")
        settings.tokenizer_name = None
        hooked = HookedTransformer(settings)
        state = loading.get_pretrained_state_dict(temporary, settings, hf_model=model)
        hooked.load_and_process_state_dict(
            state, fold_ln=False, center_writing_weights=False, center_unembed=False,
            fold_value_biases=False)
        hooked.eval()
        with torch.no_grad():
            hooked_logits, cache = hooked.run_with_cache(tokens)
        difference = (hooked_logits - logits).abs().max().item()
        print(name, "TransformerLens against transformers:", difference)
        assert difference < 3e-4
        print("  never filled:", sorted(
            {k.split(".", 2)[-1] for k in hooked.hook_dict if k not in cache}))
        for hook, value in cache.items():
            if "pattern" in hook or "attn_scores" in hook:
                value = value.transpose(1, 2)
            golden[hook] = value.reshape(SEQUENCES * CONTEXT, *value.shape[2:])[ROWS].contiguous()
    model.to(dtype).save_pretrained(folder, max_shard_size=max_shard_size)
    for leftover in ("generation_config.json",):
        path = os.path.join(folder, leftover)
        if os.path.exists(path):
            os.remove(path)
    save_file(golden, os.path.join(folder, "golden.safetensors"))


def main():
    torch.set_num_threads(1)
    gpt2 = transformers.GPT2Config(
        vocab_size=VOCABULARY, n_positions=24, n_ctx=24, n_embd=24, n_layer=2, n_head=3,
        activation_function="gelu_new", bos_token_id=0, eos_token_id=0,
        architectures=["GPT2LMHeadModel"])
    make("gpt2", transformers.GPT2LMHeadModel(gpt2), 1, torch.bfloat16)

    for name, parallel, dtype, seed in (
        ("neox-parallel", True, torch.float32, 2), ("neox-sequential", False, torch.float16, 3)):
        neox = transformers.GPTNeoXConfig(
            vocab_size=VOCABULARY, max_position_embeddings=24, hidden_size=24, num_hidden_layers=2,
            num_attention_heads=3, intermediate_size=40, hidden_act="gelu",
            use_parallel_residual=parallel,
            rope_parameters={
                "rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5},
            bos_token_id=0, eos_token_id=0, architectures=["GPTNeoXForCausalLM"])
        make(name, transformers.GPTNeoXForCausalLM(neox), seed, dtype)

    common = dict(
        vocab_size=VOCABULARY, max_position_embeddings=24, hidden_size=24, num_attention_heads=6,
        intermediate_size=40, hidden_act="silu", rms_norm_eps=1e-5, bos_token_id=0, eos_token_id=0,
        architectures=["LlamaForCausalLM"])
    grouped = transformers.LlamaConfig(
        **common, num_hidden_layers=2, num_key_value_heads=2, tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": 500.0})
    make("grouped", transformers.LlamaForCausalLM(grouped), 4, torch.float32,
         max_shard_size="20KB")
    tied = transformers.LlamaConfig(
        **common, num_hidden_layers=1, num_key_value_heads=6, tie_word_embeddings=True,
        rope_parameters={
            "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 8})
    make("tied", transformers.LlamaForCausalLM(tied), 5, torch.bfloat16)


if __name__ == "__main__":
    main()
