"""Opens finished runs of every architecture in SAELens and compares its reconstructions with Saeline's.

    python open.py RUN [RUN ...]

A RUN is the folder of a finished run in which `saeline-train reconstruct` has written
reconstruction.safetensors: `rows` [n, d_in] and `reconstruction` [n, d_in], or, for a transcoder,
`targets` [n, d_out] and `reconstruction` [n, d_out] beside the rows. SAELens encodes and decodes the
same rows; no row may differ by more than 1e-5 of its norm. Rows that stand on an edge, where a latent is
at its threshold or two are as large, are left out: those whose reconstruction in SAELens itself jumps
when they are moved by half a millionth. There may be 1 % of them. Runs of batchtopk and
matryoshka_batchtopk are jumprelu SAEs when they are finished.
Made with Python 3.11, sae-lens 6.54.12, safetensors 0.8, torch 2.15. Set HF_HUB_OFFLINE=1.
"""

import os
import pathlib
import sys
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")

import torch
from safetensors.torch import load_file
from sae_lens import SAE

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
        print(f"open: {run.name} has no {file.name}; saeline-train reconstruct writes it")
        return False
    tensors = load_file(file)
    rows, ours = tensors["rows"].float(), tensors["reconstruction"].float()
    sae = SAE.load_from_disk(run, device="cpu")
    codes, theirs = reconstruct(sae, rows)
    if ours.shape != theirs.shape:
        print(f"open: {run.name}: ours are {tuple(ours.shape)}, SAELens's {tuple(theirs.shape)}")
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


def main(runs: list) -> int:
    results = [compare(pathlib.Path(run)) for run in runs]
    print("open: passed" if all(results) else "open: FAILED")
    return 0 if all(results) else 1


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
