"""Trains every architecture on mixtures of known directions, here and in SAELens; counts those found.

    python synthetic.py [PROGRAMS] [--only ARCHITECTURE ...] [--steps N] [--skip-peer]

PROGRAMS is the folder of saeline-cache and saeline-train; without it only SAELens trains. A row is the
sum of about 8 of 512 random unit vectors in 128 dimensions, each with a coefficient between 0.5 and
1.5, and a little noise. Both train on the same rows (in orders of their own) with the same options,
batches and steps; a direction is found where a row of the decoder has a cosine above 0.9 with it, of
either sign. SAELens is to find 90 % of them with every architecture.
Made with Python 3.11, sae-lens 6.54.12, safetensors 0.8, torch 2.15. Set HF_HUB_OFFLINE=1.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
warnings.filterwarnings("ignore")

import torch
from safetensors.torch import load_file, save_file
from sae_lens.config import LoggingConfig, SAETrainerConfig
from sae_lens.registry import get_sae_training_class
from sae_lens.training.sae_trainer import SAETrainer

DIRECTIONS, WIDTH, ACTIVE, ROWS, BATCH = 512, 128, 8, 1 << 17, 1024
HOOK = "blocks.0.hook_mlp_out"
COMMON = dict(d_sae=1024, lr=3e-3, lr_warm_up_steps=50, lr_decay_steps=200, dead_feature_window=100)
# The options of a run as both sides know them; steps is how many batches SAELens needs.
RUNS = {
    "standard": dict(steps=500, l1_coefficient=0.6, l1_warm_up_steps=100),
    "gated": dict(steps=400, l1_coefficient=0.8, l1_warm_up_steps=100),
    "topk": dict(steps=400, k=8, lr=6e-3),
    "abstopk": dict(steps=700, k=8, lr=6e-3),
    "batchtopk": dict(steps=600, k=8, lr=6e-3),
    "matryoshka_batchtopk": dict(steps=600, k=8, matryoshka_widths=[256, 512, 1024], lr=6e-3),
    "jumprelu": dict(
        steps=400, l0_coefficient=0.1, l0_warm_up_steps=200, jumprelu_init_threshold=0.1,
        jumprelu_bandwidth=0.5),
    "matching_pursuit": dict(steps=300, max_iterations=8),
}
TRAINER = ["lr", "lr_warm_up_steps", "lr_decay_steps", "dead_feature_window"]


def make(seed: int = 0) -> tuple:
    """The directions [512, 128] and the rows."""
    generator = torch.Generator().manual_seed(seed)
    directions = torch.nn.functional.normalize(
        torch.randn(DIRECTIONS, WIDTH, generator=generator), dim=1)
    rows = torch.empty(ROWS, WIDTH)
    for start in range(0, ROWS, 8192):
        shape = (8192, DIRECTIONS)
        present = torch.rand(shape, generator=generator) < ACTIVE / DIRECTIONS
        coefficients = present * (0.5 + torch.rand(shape, generator=generator))
        noise = 0.02 * torch.randn(8192, WIDTH, generator=generator)
        rows[start:start + 8192] = coefficients @ directions + noise
    return directions, rows


def found(decoder: torch.Tensor, directions: torch.Tensor) -> float:
    """The share of directions that some row of the decoder has."""
    cosines = directions @ torch.nn.functional.normalize(decoder.float(), dim=1).T
    return (cosines.abs().max(dim=1).values > 0.9).float().mean().item()


def saelens(architecture: str, options: dict, steps: int, rows: torch.Tensor) -> tuple:
    """The decoder, and the share of the variance that is explained in the end."""
    torch.manual_seed(0)
    cls, config = get_sae_training_class(architecture)
    taken = {field.name for field in dataclasses.fields(config)}
    if architecture == "matching_pursuit":
        options = dict(options, decoder_init_norm=1.0)  # As SAELens has it in any case.
    sae = cls(config(d_in=WIDTH, **{key: value for key, value in options.items() if key in taken}))

    def batches():
        while True:
            order = torch.randperm(len(rows))
            for start in range(0, len(rows), BATCH):
                yield rows[order[start:start + BATCH]]

    trainer = SAETrainer(
        SAETrainerConfig(
            total_training_samples=steps * BATCH, train_batch_size_samples=BATCH,
            logger=LoggingConfig(log_to_wandb=False), n_checkpoints=0, save_final_checkpoint=False,
            checkpoint_path=None, lr_end=options["lr"] / 10,
            **{key: options[key] for key in TRAINER}),
        sae, data_provider=batches())
    trainer.fit()
    with torch.no_grad():
        probe = rows[:4096]
        codes = sae.encode(probe)
        left = (probe - sae.decode(codes)).pow(2).sum() / (probe - probe.mean(0)).pow(2).sum()
    return sae.W_dec.detach(), 1 - left.item(), (codes != 0).float().sum(1).mean().item()


class Saeline:
    """Runs of saeline on the same rows, in a store of their own."""

    def __init__(self, programs: pathlib.Path, place: pathlib.Path, rows: torch.Tensor):
        self.programs, self.file = programs, place / "synthetic.json5"
        self.store = place / "store"
        folder = place / "rows"
        folder.mkdir()
        for index, part in enumerate(rows.split(1 << 16)):
            save_file({"activations": part.contiguous()}, folder / f"{index}.safetensors")
        self.file.write_text(json.dumps({
            "name": "synthetic", "store": str(self.store),
            "cache": {"model_name": "nobody/synthetic", "hook_name": HOOK, "buffer_size_gb": 0.02},
            "train": {"train_batch_size_tokens": BATCH}}))
        self.run("saeline-cache", "import", str(folder))

    def run(self, program: str, *words: str) -> dict:
        done = subprocess.run(
            [self.programs / program, *words, "--config", self.file, "--json", "--quiet"],
            capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"synthetic: FAILED: {program} {' '.join(words)}\n{done.stderr}")
        return json.loads(done.stdout)

    def train(self, architecture: str, options: dict, steps: int) -> tuple:
        options = dict(options, architecture=architecture, training_tokens=steps * BATCH)
        words = [f"--set=train.{key}={json.dumps(value)}" for key, value in options.items()]
        result = self.run("saeline-train", *words)
        weights = load_file(pathlib.Path(result["folder"]) / "sae_weights.safetensors")
        return weights["W_dec"], result["explained_variance"], result["l0"]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="?", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", choices=RUNS, default=list(RUNS))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--skip-peer", action="store_true")
    arguments = parser.parse_args()
    directions, rows = make()
    good = True
    with tempfile.TemporaryDirectory() as place:
        ours = arguments.programs and Saeline(
            arguments.programs.resolve(), pathlib.Path(place), rows)
        for architecture in arguments.only:
            options = COMMON | RUNS[architecture]
            steps = options.pop("steps")
            steps = arguments.steps or steps
            sides = {}
            if ours:
                sides["Saeline"] = lambda: ours.train(architecture, options, steps)
            if not arguments.skip_peer:
                sides["SAELens"] = lambda: saelens(architecture, options, steps, rows)
            for side, train in sides.items():
                begun = time.perf_counter()
                decoder, explained, l0 = train()
                share = found(decoder, directions)
                good = good and share >= 0.9
                print(f"{architecture:21} {side}: {100 * share:5.1f} % of the directions, explained "
                      f"variance {explained:.3f}, L0 {l0:.1f}, {steps} steps in "
                      f"{time.perf_counter() - begun:.0f} s", flush=True)
    if not good:
        print("synthetic: FAILED: fewer than 90 % of the directions were found")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
