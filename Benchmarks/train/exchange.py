"""SAEs that Saeline trained open in SAELens, and SAEs that SAELens trained are continued here.

    python exchange.py PROGRAMS [--only ARCHITECTURE ...] [--steps N] [RUN ...]

PROGRAMS is the folder of saeline-cache and saeline-train; every architecture of synthetic.py is trained
for N steps (default 150) on its rows. SAELens opens the finished folder and encodes and decodes 1,000
rows: no row may differ by more than 1e-5 of its norm from what `saeline-train reconstruct` writes. Rows
that stand on an edge, where a latent is at its threshold or two are as large, are left out: those whose
reconstruction in SAELens itself jumps when they are moved by half a millionth. There may be 1 % of
them. Runs of batchtopk and matryoshka_batchtopk are jumprelu SAEs when they are finished.

Then SAELens trains each architecture that it can train for N steps and saves it; Saeline continues from
that folder (from_pretrained_path) for N steps; its explained variance may be 0.005 below that of
SAELens, not more.

RUNs are folders of other finished runs in which `saeline-train reconstruct` has written
reconstruction.safetensors; they are opened as well.
Made with Python 3.11, sae-lens 6.54.12, safetensors 0.8, torch 2.15.
"""

import argparse
import os
import pathlib
import sys
import tempfile
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")

import torch
from safetensors.torch import load_file
from sae_lens import SAE

import synthetic

TOLERANCE = 1e-5
NUDGE, NUDGES = 5e-7, 8


def reconstruct(sae: SAE, rows: torch.Tensor) -> tuple:
    """Latents and output, in pieces: normalisations by row are kept between encode and decode."""
    with torch.no_grad():
        pieces = []
        for part in rows.split(250):
            codes = sae.encode(part)
            output = sae.decode(codes)
            if hasattr(sae, "W_skip"):
                output = output + part @ sae.W_skip.T
            pieces.append((codes, output))
    return tuple(torch.cat(part) for part in zip(*pieces))


def relative(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return (first - second).norm(dim=1) / second.norm(dim=1).clamp_min(1e-12)


def on_edge(sae: SAE, rows: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
    """Which rows SAELens reconstructs otherwise when they are moved by less than it matters."""
    generator = torch.Generator().manual_seed(0)
    found = torch.zeros(len(rows), dtype=torch.bool)
    for _ in range(NUDGES):
        moved = rows * (1 + NUDGE * torch.randn(rows.shape, generator=generator))
        found |= relative(reconstruct(sae, moved)[1], output) > 3 * TOLERANCE
    return found


def compare(run: pathlib.Path) -> bool:
    file = run / "reconstruction.safetensors"
    if not file.exists():
        print(f"exchange: {run.name} has no {file.name}; saeline-train reconstruct writes it")
        return False
    tensors = load_file(file)
    rows, ours = tensors["rows"].float(), tensors["reconstruction"].float()
    sae = SAE.load_from_disk(run, device="cpu")
    codes, theirs = reconstruct(sae, rows)
    if ours.shape != theirs.shape:
        print(f"exchange: {run.name}: ours are {tuple(ours.shape)}, SAELens's {tuple(theirs.shape)}")
        return False
    target = tensors.get("targets", rows).float()
    edge = on_edge(sae, rows, theirs)
    worst = relative(ours, theirs)[~edge].max().item()
    left = ((target - theirs) ** 2).sum() / ((target - target.mean(0)) ** 2).sum()
    good = bool(torch.isfinite(ours).all()) and worst <= TOLERANCE and edge.sum() <= len(rows) / 100
    details = sae.cfg.metadata.training_architecture
    print(
        f"{sae.cfg.architecture():24} {sae.cfg.d_in} to {ours.shape[1]}, {sae.cfg.d_sae} latents"
        f"{f' (trained as {details})' if details and details != sae.cfg.architecture() else ''}: "
        f"{len(rows)} rows, L0 {(codes != 0).float().sum(1).mean().item():.2f}, explained variance "
        f"{1 - left.item():.4f}, worst row differs by {worst:.1e}"
        f"{f', {edge.sum()} on an edge' if edge.any() else ''}{'' if good else '  FAILED'}", flush=True)
    return good


def opens(ours: synthetic.Saeline, architecture: str, options: dict, steps: int) -> bool:
    """Whether what is trained here opens in SAELens."""
    words = ours.words(architecture, options, steps)
    ours.run("saeline-train", *words)
    return compare(pathlib.Path(ours.run("saeline-train", "reconstruct", *words)["folder"]))


def continues(
    ours: synthetic.Saeline, architecture: str, options: dict, steps: int, rows: torch.Tensor,
) -> bool:
    """Whether what SAELens trained is continued here."""
    folder = ours.store.parent / f"saelens-{architecture}"
    _, before, _ = synthetic.saelens(architecture, options, steps, rows, save=folder)
    # No warm-up: the first step is to go on where SAELens stopped.
    options = dict(options, from_pretrained_path=str(folder), lr=options["lr"] / 10,
                   lr_warm_up_steps=0, l1_warm_up_steps=0, l0_warm_up_steps=0)
    _, after, l0 = ours.train(architecture, options, steps)
    good = after > before - 0.005
    print(f"{architecture:24} {steps} steps in SAELens: explained variance {before:.4f}; {steps} more "
          f"here: {after:.4f}, L0 {l0:.2f}{'' if good else '  FAILED'}", flush=True)
    return good


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=pathlib.Path)
    parser.add_argument("runs", nargs="*", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", choices=synthetic.RUNS, default=list(synthetic.RUNS))
    parser.add_argument("--steps", type=int, default=150)
    arguments = parser.parse_args()
    _, rows = synthetic.make()
    results = [compare(run) for run in arguments.runs]
    with tempfile.TemporaryDirectory() as place:
        ours = synthetic.Saeline(arguments.programs.resolve(), pathlib.Path(place))
        ours.take(rows[0], synthetic.HOOK)
        ours.take(rows[1], synthetic.HOOK_OUT)
        for architecture in arguments.only:
            options, steps = synthetic.settled(architecture, arguments.steps)
            results.append(opens(ours, architecture, options, steps))
        for architecture in arguments.only:
            if "transcoder" in architecture:
                continue
            options, steps = synthetic.settled(architecture, arguments.steps)
            results.append(continues(ours, architecture, options, steps, rows[0]))
    print("exchange: passed" if all(results) else "exchange: FAILED")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
