"""Makes the activations of one hook point with another program, in a process of its own; prints a line of JSON.

    python peer_pass.py PEER MODEL HOOK CONTEXT BATCHES THREADS FOLDER

  transformer-lens       run_with_cache up to the hook point, float32; nothing is written
  transformer-lens-bf16  the same in bfloat16
  transformers           the layers up to the hook point and a hook on its module, float32; nothing is written
  transformers-bf16      the same in bfloat16
  saelens                CacheActivationsRunner: passes, shuffling, Arrow files in FOLDER

BATCHES batches of 32 sequences of CONTEXT drawn tokens; one more is run before the clock starts, but with saelens,
whose seconds are those of run(). Set HF_HUB_OFFLINE=1.
Made with torch 2.15, transformers 5.24, transformer-lens 3.9, sae-lens 6.54.12.
"""

import json
import os
import pathlib
import resource
import sys
import time
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
warnings.filterwarnings("ignore")

import torch
import transformers

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "Tests/Fixtures/models"))
import make_models  # noqa: E402

BATCH = 32
# transformers 5 knows it as n_positions only; TransformerLens asks for it.
transformers.GPT2Config.n_ctx = property(lambda self: self.n_positions)


def opened(folder: str, dtype=torch.float32):
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()


def lensed(folder: str):
    hooked = make_models.lens(opened(folder), **make_models.NO_STEP)
    hooked.set_use_attn_result(False)
    return hooked


def drawn(model, count: int, context: int):
    torch.manual_seed(1)
    return torch.randint(0, model.config.vocab_size, (count, context))


def timed(run, tokens) -> tuple:
    with torch.no_grad():
        run(tokens[:BATCH])
        start = time.perf_counter()
        for first in range(BATCH, len(tokens), BATCH):
            run(tokens[first:first + BATCH])
    return tokens[BATCH:].numel(), time.perf_counter() - start


def transformer_lens(folder, hook, context, batches, _place, dtype=torch.float32):
    hooked = lensed(folder).to(dtype)
    layer = int(hook.split(".")[1])
    stop = layer if hook.endswith("resid_pre") else layer + 1
    tokens = torch.randint(0, hooked.cfg.d_vocab, ((batches + 1) * BATCH, context))
    return timed(lambda part: hooked.run_with_cache(
        part, names_filter=[hook], stop_at_layer=stop, return_type=None), tokens)


def plain_transformers(folder, hook, context, batches, _place, dtype=torch.float32):
    model = opened(folder, dtype)
    layer, site = int(hook.split(".")[1]), hook.split(".")[2]
    layers = layer if site == "hook_resid_pre" else layer + 1
    trunk = model.transformer
    trunk.h = trunk.h[:layers]
    trunk.ln_f = torch.nn.Identity()
    kept = []
    if site == "hook_mlp_out":
        trunk.h[layer].mlp.register_forward_hook(lambda _module, _input, output: kept.append(output))
    tokens = drawn(model, (batches + 1) * BATCH, context)

    def run(part):
        kept.clear()
        kept.append(trunk(part, use_cache=False).last_hidden_state)

    return timed(run, tokens)


def saelens(folder, hook, context, batches, place):
    import datasets
    from sae_lens import CacheActivationsRunner, CacheActivationsRunnerConfig, cache_activations_runner

    datasets.disable_progress_bars()
    model = lensed(folder)
    tokens = torch.randint(0, model.cfg.d_vocab, (batches * BATCH, context))
    cache_activations_runner.load_model = lambda *arguments, **options: model
    # One buffer of all batches: what does not fill one is dropped.
    buffer = (tokens.numel() * model.cfg.d_model * 4 + 4) / 1e9
    runner = CacheActivationsRunner(
        CacheActivationsRunnerConfig(
            model_name="bench", dataset_path="none", hook_name=hook, d_in=model.cfg.d_model,
            training_tokens=tokens.numel(), context_size=context, model_batch_size=BATCH, prepend_bos=False,
            buffer_size_gb=buffer, new_cached_activations_path=f"{place}/saelens", device="cpu", dtype="float32"),
        override_dataset=datasets.Dataset.from_dict({"input_ids": tokens.tolist()}))
    start = time.perf_counter()
    rows = runner.run()
    return len(rows) * context, time.perf_counter() - start


HALF = torch.bfloat16
PEERS = {
    "transformer-lens": transformer_lens,
    "transformer-lens-bf16": lambda *given: transformer_lens(*given, HALF),
    "transformers": plain_transformers,
    "transformers-bf16": lambda *given: plain_transformers(*given, HALF),
    "saelens": saelens,
}

if __name__ == "__main__":
    if len(sys.argv) != 8 or sys.argv[1] not in PEERS:
        sys.exit(__doc__)
    name, model, hook, context, batches, threads, place = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    items, seconds = PEERS[name](model, hook, int(context), int(batches), place)
    print(json.dumps({
        "items": items, "seconds": seconds, "peak_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
