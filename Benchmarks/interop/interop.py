"""Opens a trained SAE in SAELens and compares its reconstruction with Saeline's.

Usage: interop.py RESULT

RESULT is what `saeline-train reconstruct --json` printed: the folder of the run, the file with
`rows` and `reconstruction` (both [n, d_in], for the first n rows of a shard), and that shard. The
rows are read a second time, from the shard itself, with the stock safetensors package.

Tried with Python 3.11, sae-lens 6.54.12, safetensors 0.8 and torch 2.15.
"""

import json
import pathlib
import sys

import torch
from safetensors import safe_open
from sae_lens import SAE

TOLERANCE = 1e-5


def main(result: dict) -> int:
    sae = SAE.load_from_disk(result["folder"], device="cpu")

    with safe_open(result["file"], framework="pt") as file:
        ours = file.get_tensor("reconstruction")
        our_rows = file.get_tensor("rows")

    shard = pathlib.Path(result["shard"])
    with safe_open(shard, framework="pt") as file:
        rows = file.get_slice("activations")[: len(ours)].to(torch.float32)
        if "scales" in file.keys():
            rows *= file.get_slice("scales")[: len(ours)].unsqueeze(1)

    if not torch.equal(rows, our_rows):
        print("interop: FAILED: the rows read by Python differ from those read by Saeline")
        return 1

    with torch.no_grad():
        codes = sae.encode(rows)
        theirs = sae.decode(codes)
    difference = ((ours - theirs).norm() / theirs.norm()).item()
    worst = ((ours - theirs).norm(dim=1) / theirs.norm(dim=1).clamp_min(1e-12)).max().item()

    print(f"architecture          {sae.cfg.architecture()}")
    print(f"d_in, d_sae           {sae.cfg.d_in}, {sae.cfg.d_sae}")
    print(f"rows compared         {len(rows)} of {shard.name}")
    print(f"L0 in SAELens         {(codes != 0).float().sum(1).mean().item():.3f}")
    print(f"relative difference   {difference:.2e} (worst row {worst:.2e}, allowed {TOLERANCE:.0e})")
    if not worst <= TOLERANCE:
        print("interop: FAILED")
        return 1
    print("interop: passed")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(json.loads(sys.argv[1])))
