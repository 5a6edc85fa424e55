"""Speed of saeline-cache beside TransformerLens on the processor, and its share of the limit.

    python bench.py PRETOKENIZE CACHE [ROUNDS]

Two models of random weights: the shape of SAELens's tutorial (GPT-Neo, one layer, d_model 1024, 16
heads, d_mlp 4096, 256 tokens, blocks.0.hook_mlp_out) and GPT-2 small (128 tokens,
blocks.8.hook_resid_pre). In each of ROUNDS (default 3) rounds three things are measured in turn, so
that a machine that slows down slows all of them:

  peak        operations per second of large OpenBLAS products on all threads (saeline-cache
              --dry-run)
  saeline     the whole stage: token shards -> permuted bfloat16 shards with statistics and hashes
  TransformerLens  run_with_cache up to the hook point in batches of 32 sequences, float32, torch
              with as many threads; nothing is written

The share is the time that the model's products alone would take at the peak, in the time that
saeline takes from its first batch to the end of the last shard. Set HF_HUB_OFFLINE=1.
Tried with Python 3.11, torch 2.15, transformers 5.23, transformer-lens 3.9.
"""

import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

import torch
import transformers

import runs

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "Tests/Fixtures/models"))
import make_models  # noqa: E402

BATCH = 32
# Several shards, so that writing one beside computing the next is part of what is measured.
SHARD_GB = 0.05
# transformers 5 knows it as n_positions only; TransformerLens asks for it.
transformers.GPT2Config.n_ctx = property(lambda self: self.n_positions)
SHAPES = {
    "tutorial": (
        transformers.GPTNeoForCausalLM, transformers.GPTNeoConfig(
            hidden_size=1024, num_layers=1, num_heads=16, attention_types=[[["global"], 1]],
            max_position_embeddings=2048, architectures=["GPTNeoForCausalLM"]),
        256, "blocks.0.hook_mlp_out", 24),
    "GPT-2 small": (
        transformers.GPT2LMHeadModel,
        transformers.GPT2Config(architectures=["GPT2LMHeadModel"]),
        128, "blocks.8.hook_resid_pre", 8),
}


def bench(name, pretokenize, cache, rounds):
    cls, configuration, context, hook, batches = SHAPES[name]
    torch.manual_seed(0)
    model = cls(configuration).eval()
    tokens = torch.randint(0, 50257, (batches * BATCH, context))
    layer = int(hook.split(".")[1])
    stop = layer if hook.endswith("resid_pre") else layer + 1
    hooked = make_models.lens(model, **make_models.NO_STEP)
    hooked.set_use_attn_result(False)
    shares, ratios = [], []
    with tempfile.TemporaryDirectory() as work:
        model.save_pretrained(work + "/model")
        for turn in range(rounds):
            path = runs.write_pipeline(
                work, work + "/model", tokens, 50257, [hook], dtype="bfloat16", shuffle=True,
                seed=turn, model_batch_size=BATCH, buffer_size_gb=SHARD_GB)
            if turn == 0:
                runs.run(pretokenize, path)
            bill = json.loads(runs.run(cache, path, "--dry-run", "--json"))
            peak, operations = bill["operations_per_second"], bill["operations"] / tokens.numel()
            speed = json.loads(runs.run(cache, path, "--json"))["tokens_per_second"]
            start = time.perf_counter()
            with torch.no_grad():
                for first in range(0, 2 * BATCH, BATCH):
                    hooked.run_with_cache(
                        tokens[first:first + BATCH], names_filter=[hook], stop_at_layer=stop,
                        return_type=None)
            peer = 2 * BATCH * context / (time.perf_counter() - start)
            shares.append(speed * operations / peak)
            ratios.append(speed / peer)
            print(f"{name}: {speed:,.0f} tokens/s, {speed * operations / 1e9:.0f} GFLOP/s, "
                  f"{100 * shares[-1]:.1f} % of the peak of {peak / 1e9:.0f}; "
                  f"TransformerLens {peer:,.0f} tokens/s, ratio {ratios[-1]:.2f}", flush=True)
    print(f"{name}: median share {100 * statistics.median(shares):.1f} %, "
          f"median ratio {statistics.median(ratios):.2f}", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(os.cpu_count())
    chosen = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    for shape in SHAPES:
        bench(shape, sys.argv[1], sys.argv[2], chosen)
