"""Compares caches of the same activations in several storage types, and the SAEs trained on them.

Usage: storage.py STORE

STORE holds what storage.sh made: the caches, and cache-TYPE.json and train-TYPE.json as the
programs printed them. Shards are read with NumPy alone, by the rules of docs/formats.md. Errors are
those of the stored rows against the rows in float32.

Tried with Python 3.11 and NumPy 2.4.
"""

import json
import pathlib
import struct
import sys

import numpy as np

TYPES = ["float32", "bfloat16", "int8"]
BLOCK = 16384


def tensors(path: pathlib.Path) -> dict:
    """The tensors of a safetensors file, mapped; bfloat16 as its bits."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    types = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "I8": "i1", "U16": "<u2", "U32": "<u4"}
    return {
        name: np.memmap(
            path, types[entry["dtype"]], "r", 8 + length + entry["data_offsets"][0],
            tuple(entry["shape"]))
        for name, entry in header.items()
        if name != "__metadata__"
    }


def rows(shard: dict, block: slice) -> np.ndarray:
    """Some rows as float32."""
    stored = shard["activations"][block]
    if stored.dtype == np.uint16:
        return (stored.astype(np.uint32) << 16).view(np.float32)
    if stored.dtype == np.int8:
        return stored.astype(np.float32) * shard["scales"][block, None]
    return stored.astype(np.float32)


def shards(folder: str) -> list:
    return sorted(pathlib.Path(folder).glob("shard-*.safetensors"))


def errors(exact: list, stored: list) -> tuple:
    """Squared error relative to Σ‖x‖² and to the variance, the largest, and the largest of a row.

    The last is relative to the largest magnitude of its row.
    """
    error = power = count = largest = largest_share = 0.0
    total = 0.0
    for exact_path, stored_path in zip(exact, stored, strict=True):
        first, second = tensors(exact_path), tensors(stored_path)
        for name in ["tokens", "sequence", "position"]:
            assert np.array_equal(first[name], second[name]), f"{name} differ"
        for start in range(0, len(first["tokens"]), BLOCK):
            block = slice(start, start + BLOCK)
            x = rows(first, block).astype(np.float64)
            difference = np.abs(rows(second, block) - x)
            error += (difference**2).sum()
            power += (x**2).sum()
            total = total + x.sum(axis=0)
            count += len(x)
            largest = max(largest, difference.max())
            share = difference.max(axis=1) / np.abs(x).max(axis=1)
            largest_share = max(largest_share, share.max())
    variance = power - (np.asarray(total) ** 2).sum() / count
    return error / power, error / variance, largest, largest_share


def main(store: pathlib.Path) -> None:
    table = [
        "dtype", "cache", "error²/x²", "error²/variance", "largest error", "of its row",
        "expl. variance", "L0", "MSE", "alive",
    ]
    lines = [table]
    exact = None
    for name in TYPES:
        cache = json.loads((store / f"cache-{name}.json").read_text())
        trained = json.loads((store / f"train-{name}.json").read_text())
        paths = shards(cache["folders"][0])
        exact = exact or paths
        size = sum(path.stat().st_size for path in paths)
        lines.append(
            [name, f"{size / 1e6:.0f} MB"]
            + [f"{number:.3g}" for number in errors(exact, paths)]
            + [f"{trained['explained_variance']:.5f}", f"{trained['l0']:.3f}"]
            + [f"{trained['mse']:.5g}", f"{trained['alive_share']:.4f}"])
    widths = [max(len(line[column]) for line in lines) for column in range(len(table))]
    for line in lines:
        print("  ".join(text.rjust(width) for text, width in zip(line, widths)))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
