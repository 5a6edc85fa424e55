"""One stage of SAELens's documented path, for whole.py: python peer_run.py pretokenize|cache|train SETTINGS

Each stage is one of SAELens's runners with the options that its tutorials give, and reads what the one before wrote.
The language model is loaded from a folder, which SAELens cannot name. The seconds of run() are
written beside what it wrote. Made with sae-lens 6.54.12, torch 2.15.
"""

import json
import os
import pathlib
import sys
import time
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")

import peer_pass  # noqa: E402  (the models of make_models)


def pretokenize(settings: dict):
    from sae_lens import PretokenizeRunner, PretokenizeRunnerConfig

    return PretokenizeRunner(
        PretokenizeRunnerConfig(
            tokenizer_name=settings["tokenizer"], dataset_path="json", data_files=[settings["text"]], split="train",
            num_proc=settings["threads"], context_size=settings["context"], shuffle=True, seed=42,
            begin_batch_token=None, sequence_separator_token=None, save_path=settings["place"] + "/tokens"))


def rows(settings: dict):
    import datasets

    return datasets.load_from_disk(settings["place"] + "/tokens")


def cache(settings: dict):
    from sae_lens import CacheActivationsRunner, CacheActivationsRunnerConfig, cache_activations_runner

    model = peer_pass.lensed(settings["model"])
    cache_activations_runner.load_model = lambda *arguments, **options: model
    # Eight batches of 32 rows: what does not fill a buffer is dropped.
    buffer = 8 * 32 * settings["context"] * settings["d_in"] * 4 + 4
    return CacheActivationsRunner(
        CacheActivationsRunnerConfig(
            model_name="whole", dataset_path="none", hook_name=settings["hook"], d_in=settings["d_in"],
            training_tokens=settings["tokens"], context_size=settings["context"], model_batch_size=32,
            prepend_bos=False, buffer_size_gb=buffer / 1e9, device="cpu", dtype="float32",
            new_cached_activations_path=settings["place"] + "/activations"),
        override_dataset=rows(settings))


def train(settings: dict):
    from sae_lens import (LanguageModelSAERunnerConfig, LanguageModelSAETrainingRunner, LoggingConfig,
                          TopKTrainingSAEConfig)

    config = LanguageModelSAERunnerConfig(
        sae=TopKTrainingSAEConfig(
            d_in=settings["d_in"], d_sae=settings["d_sae"], k=settings["k"],
            normalize_activations="expected_average_only_in"),
        model_name="whole", hook_name=settings["hook"], dataset_path="none", is_dataset_tokenized=True,
        context_size=settings["context"], use_cached_activations=True, prepend_bos=False,
        cached_activations_path=settings["place"] + "/activations", training_tokens=settings["tokens"],
        train_batch_size_tokens=settings["batch"], lr=settings["lr"], lr_warm_up_steps=settings["warm_up"],
        lr_decay_steps=settings["decay"], lr_end=settings["lr"] / 10, store_batch_size_prompts=32,
        # What it mixes is so many contexts, at least a batch; 64 is the tutorial's.
        n_batches_in_buffer=max(64, 2 * settings["batch"] // settings["context"]), n_batches_for_norm_estimate=4,
        n_eval_batches=1, eval_batch_size_prompts=4, device="cpu", dtype="float32",
        logger=LoggingConfig(log_to_wandb=False), n_checkpoints=0, checkpoint_path=None, output_path=settings["place"] + "/sae",
        verbose=False)
    return LanguageModelSAETrainingRunner(
        config, override_model=peer_pass.lensed(settings["model"]), override_dataset=rows(settings))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    given = json.loads(pathlib.Path(sys.argv[2]).read_text())
    import torch

    torch.set_num_threads(given["threads"])
    runner = {"pretokenize": pretokenize, "cache": cache, "train": train}[sys.argv[1]](given)
    start = time.perf_counter()
    runner.run()
    answer = {"seconds": time.perf_counter() - start}
    pathlib.Path(given["place"], sys.argv[1] + ".json").write_text(json.dumps(answer))
