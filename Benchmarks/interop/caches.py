"""Exchanges caches of activations with SAELens in both directions, and trains on them there and here.

    python caches.py PROGRAMS [EXPORTED]

PROGRAMS is the folder of saeline-cache and saeline-train. SAELens's CacheActivationsRunner writes a cache
of a tiny random model; saeline-cache imports it, saeline-train trains on it, and saeline-cache exports it
again, whose numbers must be those of SAELens. SAELens then trains on the export with
use_cached_activations. EXPORTED, where given, is another folder that saeline-cache export wrote; SAELens
trains on that one too.
Made with Python 3.11, sae-lens 6.54.12, datasets 5.2, torch 2.15.
"""

import json
import logging
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("WANDB_MODE", "disabled")
warnings.filterwarnings("ignore")

import datasets
import torch
from sae_lens import (
    CacheActivationsRunner,
    CacheActivationsRunnerConfig,
    LanguageModelSAERunnerConfig,
    LanguageModelSAETrainingRunner,
    LoggingConfig,
    TopKTrainingSAEConfig,
    cache_activations_runner,
)
from transformer_lens import HookedTransformer, HookedTransformerConfig

datasets.disable_progress_bars()
logging.getLogger("sae_lens").setLevel(logging.ERROR)
HOOK, CONTEXT, WIDTH, SEQUENCES, STEPS = "blocks.0.hook_mlp_out", 16, 32, 256, 300


def tiny(width: int, context: int, vocabulary: int) -> HookedTransformer:
    torch.manual_seed(3)
    return HookedTransformer(HookedTransformerConfig(
        n_layers=1, d_model=width, n_ctx=context, d_head=8, n_heads=2, d_vocab=vocabulary, act_fn="gelu", d_mlp=64))


def write_with_saelens(folder: str, model: HookedTransformer, tokens: datasets.Dataset) -> None:
    cache_activations_runner.load_model = lambda *arguments, **options: model
    CacheActivationsRunner(
        CacheActivationsRunnerConfig(
            model_name="tiny", dataset_path="none", hook_name=HOOK, d_in=WIDTH, training_tokens=SEQUENCES * CONTEXT,
            context_size=CONTEXT, model_batch_size=8, buffer_size_gb=64 * CONTEXT * WIDTH * 4 / 1e9, prepend_bos=False,
            new_cached_activations_path=folder, device="cpu", dtype="float32"),
        override_dataset=tokens).run()


def run(program: pathlib.Path, *words: str) -> dict:
    done = subprocess.run([program, *words, "--json", "--quiet"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"interop: FAILED: {program.name} {' '.join(words)}\n{done.stderr}")
    return json.loads(done.stdout)


def train_with_saelens(folder: str, output: str) -> None:
    data = datasets.load_from_disk(folder)
    hook = next(name for name in data.column_names if name != "token_ids")
    context, width = data.features[hook].shape
    vocabulary = 50 if "token_ids" not in data.column_names else int(max(map(max, data["token_ids"][:]))) + 1
    model = tiny(width, context, max(50, vocabulary))
    ids = datasets.Dataset.from_dict({"input_ids": torch.randint(0, 50, (32, context)).tolist()})
    prompts = min(8, len(data) // 4)
    config = LanguageModelSAERunnerConfig(
        sae=TopKTrainingSAEConfig(d_in=width, d_sae=4 * width, k=8), model_name="tiny", hook_name=hook,
        dataset_path="none", is_dataset_tokenized=True, context_size=context, use_cached_activations=True,
        cached_activations_path=folder, training_tokens=STEPS * 64, train_batch_size_tokens=64, n_batches_in_buffer=4,
        store_batch_size_prompts=prompts, n_eval_batches=1, eval_batch_size_prompts=4, device="cpu", dtype="float32",
        logger=LoggingConfig(log_to_wandb=False), n_checkpoints=0, checkpoint_path=None, output_path=output, lr=1e-3,
        verbose=False)
    sae = LanguageModelSAETrainingRunner(config, override_model=model, override_dataset=ids).run()
    rows = torch.tensor(data[hook][:prompts]).reshape(-1, width)
    with torch.no_grad():
        left = (rows - sae.decode(sae.encode(rows))).pow(2).sum() / (rows - rows.mean(0)).pow(2).sum()
    if not left < 1:
        sys.exit(f"interop: FAILED: training on {folder} explained nothing")
    print(f"SAELens trained {STEPS} steps on {pathlib.Path(folder).name}: {data.features}, {len(data)} rows, "
          f"share of variance left {left.item():.3f}")


def main(programs: pathlib.Path, exported: str | None) -> None:
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        tokens = datasets.Dataset.from_dict({"input_ids": torch.randint(0, 50, (SEQUENCES, CONTEXT)).tolist()})
        write_with_saelens("theirs", tiny(WIDTH, CONTEXT, 50), tokens)
        theirs = datasets.load_from_disk("theirs")
        print(f"SAELens wrote {len(theirs)} rows: {theirs.features}")
        pathlib.Path("p.json5").write_text(json.dumps({
            "name": "exchange",
            "cache": {"model_name": "nobody/tiny", "hook_name": HOOK, "buffer_size_gb": 0.0002},
            "train": {"architecture": "topk", "k": 8, "d_sae": 4 * WIDTH, "training_tokens": STEPS * 64,
                      "train_batch_size_tokens": 64, "lr": 1e-3}}))
        imported = run(programs / "saeline-cache", "import", "theirs", "--config", "p.json5")
        print("saeline-cache import:", imported["rows"], "rows in",
              len(list(pathlib.Path(imported["folders"][0]).glob("shard-*"))), "shards")
        trained = run(programs / "saeline-train", "--config", "p.json5")
        print(f"saeline-train: explained variance {trained['explained_variance']:.3f}, L0 {trained['l0']:.1f}")
        run(programs / "saeline-cache", "export", "--format", "sae_lens", "--output", "ours", "--config", "p.json5")
        ours = datasets.load_from_disk("ours")
        same = ours.features == theirs.features and all(
            torch.equal(torch.tensor(ours[name][:]), torch.tensor(theirs[name][:])) for name in theirs.column_names)
        print("saeline-cache export:", len(ours), "rows, equal to SAELens's:", same)
        if not same:
            sys.exit("interop: FAILED: the export differs from the cache that was imported")
        for folder in ["ours"] + ([exported] if exported else []):
            train_with_saelens(folder, "sae")
    print("interop: passed")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]).resolve(), str(pathlib.Path(sys.argv[2]).resolve()) if len(sys.argv) == 3 else None)
