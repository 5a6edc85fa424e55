"""Trains every architecture on mixtures of known directions, here and in SAELens; counts those found.

    python synthetic.py [PROGRAMS] [--only ARCHITECTURE ...] [--steps N] [--seed N] [--skip-peer]

PROGRAMS is the folder of saeline-cache and saeline-train; without it only SAELens trains. A row is the
sum of about 8 of 512 random unit vectors in 128 dimensions, each with a coefficient between 0.5 and
1.5, and a little noise. Both train on the same rows (in orders of their own) with the same options,
batches and steps; a direction is found where a row of the decoder has a cosine above 0.9 with it, of
either sign. Both are to find 90 % of them with every architecture.

A transcoder predicts the sum, with the same coefficients, of 512 other directions, which its decoder is
to find (less what the skip connection makes of those of the input, where it has one). SAELens trains
no transcoders, so that a loop in plain torch, with SAELens's JumpReLU, stands in for it.
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
from sae_lens.saes.jumprelu_sae import JumpReLU, Step
from sae_lens.training.sae_trainer import SAETrainer

DIRECTIONS, WIDTH, ACTIVE, ROWS, BATCH = 512, 128, 8, 1 << 17, 1024
HOOK, HOOK_OUT = "blocks.0.ln2.hook_normalized", "blocks.0.hook_mlp_out"
COMMON = dict(d_sae=1024, lr=3e-3, lr_warm_up_steps=50, lr_decay_steps=200, dead_feature_window=100)
JUMPRELU = dict(
    l0_warm_up_steps=200, jumprelu_init_threshold=0.1, jumprelu_bandwidth=0.5)
TRANSCODER = dict(apply_b_dec_to_input=False, hook_name_out=HOOK_OUT)
# The options of a run as both sides know them; steps is how many batches SAELens needs.
RUNS = {
    "standard": dict(steps=500, l1_coefficient=0.6, l1_warm_up_steps=100),
    "gated": dict(steps=400, l1_coefficient=0.8, l1_warm_up_steps=100),
    "topk": dict(steps=400, k=8, lr=6e-3),
    "abstopk": dict(steps=800, k=8, lr=6e-3),
    "batchtopk": dict(steps=600, k=8, lr=6e-3),
    "matryoshka_batchtopk": dict(steps=600, k=8, matryoshka_widths=[256, 512, 1024], lr=6e-3),
    "jumprelu": dict(JUMPRELU, steps=400, l0_coefficient=0.1),
    "matching_pursuit": dict(steps=400, max_iterations=8, decoder_init_norm=1.0),
    "transcoder": dict(TRANSCODER, steps=600, l1_coefficient=0.3, l1_warm_up_steps=100),
    "skip_transcoder": dict(TRANSCODER, steps=600, l1_coefficient=0.3, l1_warm_up_steps=100),
    "jumprelu_transcoder": dict(TRANSCODER, **JUMPRELU, steps=800, l0_coefficient=0.05),
    "jumprelu_skip_transcoder": dict(TRANSCODER, **JUMPRELU, steps=800, l0_coefficient=0.05),
}
TRAINER = ["lr", "lr_warm_up_steps", "lr_decay_steps", "dead_feature_window"]


def make(seed: int = 0) -> tuple:
    """The directions [512, 128] and rows of the input, and those that transcoders are to predict."""
    generator = torch.Generator().manual_seed(seed)
    directions = [
        torch.nn.functional.normalize(
            torch.randn(DIRECTIONS, WIDTH, generator=generator), dim=1) for _ in range(2)]
    rows = [torch.empty(ROWS, WIDTH) for _ in range(2)]
    for start in range(0, ROWS, 8192):
        shape = (8192, DIRECTIONS)
        present = torch.rand(shape, generator=generator) < ACTIVE / DIRECTIONS
        coefficients = present * (0.5 + torch.rand(shape, generator=generator))
        for side in range(2):
            noise = 0.02 * torch.randn(8192, WIDTH, generator=generator)
            rows[side][start:start + 8192] = coefficients @ directions[side] + noise
    return directions, rows


def found(decoder: torch.Tensor, directions: torch.Tensor) -> float:
    """The share of directions that some row of the decoder has."""
    cosines = directions @ torch.nn.functional.normalize(decoder.float(), dim=1).T
    return (cosines.abs().max(dim=1).values > 0.9).float().mean().item()


def settled(architecture: str, steps: int | None) -> tuple:
    """The options of a run and its steps; a shorter run warms up and decays for shorter."""
    options = COMMON | RUNS[architecture]
    planned = options.pop("steps")
    steps = steps or planned
    for name in ["lr_warm_up_steps", "lr_decay_steps"]:
        options[name] = min(options[name], steps // 3)
    return options, steps


def wanted(architecture: str, weights: dict, directions: list) -> torch.Tensor:
    """The directions that a decoder is to have."""
    if "transcoder" not in architecture:
        return directions[0]
    if "W_skip" not in weights:
        return directions[1]
    return torch.nn.functional.normalize(directions[1] - directions[0] @ weights["W_skip"].T, dim=1)


def saelens(
    architecture: str, options: dict, steps: int, rows: torch.Tensor,
    save: pathlib.Path | None = None, seed: int = 0,
) -> tuple:
    """The weights, and the share of the variance that is explained and the L0 in the end."""
    torch.manual_seed(seed)
    cls, config = get_sae_training_class(architecture)
    taken = {field.name for field in dataclasses.fields(config)}
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
    if save:
        sae.save_model(str(save))
    with torch.no_grad():
        probe = rows[:4096]
        codes = sae.encode(probe)
        left = (probe - sae.decode(codes)).pow(2).sum() / (probe - probe.mean(0)).pow(2).sum()
    weights = {"W_dec": sae.W_dec.detach()}
    return weights, 1 - left.item(), (codes != 0).float().sum(1).mean().item()


def plain_transcoder(
    architecture: str, options: dict, steps: int, rows: list, seed: int = 0
) -> tuple:
    """What `saelens` gives, of a transcoder trained in plain torch."""
    torch.manual_seed(seed)
    normalize, d_sae = torch.nn.functional.normalize, options["d_sae"]
    weights = {
        "W_enc": normalize(torch.randn(WIDTH, d_sae), dim=0),
        "b_enc": torch.zeros(d_sae),
        "W_dec": 0.1 * normalize(torch.randn(d_sae, WIDTH), dim=1),
        "b_dec": torch.zeros(WIDTH)}
    if "skip" in architecture:
        weights["W_skip"] = torch.zeros(WIDTH, WIDTH)
    if "jumprelu" in architecture:
        weights["threshold"] = torch.full((d_sae,), options["jumprelu_init_threshold"])
    weights = {key: value.requires_grad_() for key, value in weights.items()}
    adam = torch.optim.Adam(weights.values(), lr=options["lr"])

    def forward(x, share):
        pre = x @ weights["W_enc"] + weights["b_enc"]
        if "threshold" in weights:
            weights["threshold"].data.clamp_(min=0)
            learned = pre, weights["threshold"], options["jumprelu_bandwidth"], False
            f, penalty = JumpReLU.apply(*learned), options["l0_coefficient"] * Step.apply(*learned)
        else:
            f = pre.relu()
            penalty = options["l1_coefficient"] * f * weights["W_dec"].norm(dim=1)
        output = f @ weights["W_dec"] + weights["b_dec"]
        if "W_skip" in weights:
            output = output + x @ weights["W_skip"].T
        return f, output, share * penalty.sum(1).mean()

    for step in range(steps):
        chosen = torch.randint(len(rows[0]), (BATCH,))
        x, y = rows[0][chosen], rows[1][chosen]
        warm = options.get("l1_warm_up_steps") or options["l0_warm_up_steps"]
        adam.param_groups[0]["lr"] = options["lr"] * min(
            (step + 1) / options["lr_warm_up_steps"], (steps - step) / options["lr_decay_steps"], 1)
        _, output, penalty = forward(x, min(step / warm, 1))
        adam.zero_grad()
        ((output - y).pow(2).sum(1).mean() + penalty).backward()
        torch.nn.utils.clip_grad_norm_(weights.values(), 1.0)
        adam.step()
    weights = {key: value.detach() for key, value in weights.items()}
    f, output, _ = forward(rows[0][:4096], 1)
    y = rows[1][:4096]
    left = (output - y).pow(2).sum() / (y - y.mean(0)).pow(2).sum()
    return weights, 1 - left.item(), (f != 0).float().sum(1).mean().item()


class Saeline:
    """Runs of saeline on the same rows, in a store of their own."""

    def __init__(self, programs: pathlib.Path, place: pathlib.Path):
        self.programs, self.file = programs, place / "synthetic.json5"
        self.store = place / "store"
        self.file.write_text(json.dumps({
            "name": "synthetic", "store": str(self.store),
            "cache": {"model_name": "nobody/synthetic", "hook_name": HOOK, "buffer_size_gb": 0.02},
            "train": {"train_batch_size_tokens": BATCH}}))

    def take(self, rows: torch.Tensor, hook: str) -> None:
        """Imports rows as those of a hook point."""
        folder = self.store.parent / hook
        folder.mkdir()
        for index, part in enumerate(rows.split(1 << 16)):
            save_file({"activations": part.contiguous()}, folder / f"{index}.safetensors")
        self.run("saeline-cache", "import", str(folder), f"--set=cache.hook_name={json.dumps(hook)}")

    def run(self, program: str, *words: str) -> dict:
        done = subprocess.run(
            [self.programs / program, *words, "--config", self.file, "--json", "--quiet"],
            capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"synthetic: FAILED: {program} {' '.join(words)}\n{done.stderr}")
        return json.loads(done.stdout)

    def words(self, architecture: str, options: dict, steps: int) -> list:
        options = dict(options, architecture=architecture, training_tokens=steps * BATCH)
        return [f"--set=train.{key}={json.dumps(value)}" for key, value in options.items()]

    def train(self, architecture: str, options: dict, steps: int) -> tuple:
        result = self.run("saeline-train", *self.words(architecture, options, steps))
        weights = load_file(pathlib.Path(result["folder"]) / "sae_weights.safetensors")
        return weights, result["explained_variance"], result["l0"]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="?", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", choices=RUNS, default=list(RUNS))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--skip-peer", action="store_true")
    arguments = parser.parse_args()
    directions, rows = make()
    good = True
    with tempfile.TemporaryDirectory() as place:
        ours = arguments.programs and Saeline(arguments.programs.resolve(), pathlib.Path(place))
        if ours:
            ours.take(rows[0], HOOK)
            if any("transcoder" in architecture for architecture in arguments.only):
                ours.take(rows[1], HOOK_OUT)
        for architecture in arguments.only:
            options, steps = settled(architecture, arguments.steps)
            sides = {}
            if ours:
                sides["Saeline"] = lambda: ours.train(
                    architecture, dict(options, seed=arguments.seed), steps)
            if not arguments.skip_peer and "transcoder" in architecture:
                sides["torch"] = lambda: plain_transcoder(
                    architecture, options, steps, rows, seed=arguments.seed)
            elif not arguments.skip_peer:
                sides["SAELens"] = lambda: saelens(
                    architecture, options, steps, rows[0], seed=arguments.seed)
            for side, train in sides.items():
                begun = time.perf_counter()
                weights, explained, l0 = train()
                share = found(weights["W_dec"], wanted(architecture, weights, directions))
                good = good and share >= 0.9
                print(f"{architecture:24} {side:7}: {100 * share:5.1f} % of the directions, explained "
                      f"variance {explained:.3f}, L0 {l0:.1f}, {steps} steps in "
                      f"{time.perf_counter() - begun:.0f} s", flush=True)
    if not good:
        print("synthetic: FAILED: fewer than 90 % of the directions were found")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
