"""Writes shard-int8.safetensors, an activation shard of I8 rows, from docs/formats.md alone.

Made with Python 3.11, safetensors 0.8.0, and numpy 2.4.6: python make_shards.py

Two tensors are added that the format does not know: `values`, the rows before they were rounded,
and `read`, what a reader must make of the stored rows.
"""

import os

import numpy as np
from safetensors.numpy import save_file

FOLDER = os.path.dirname(os.path.abspath(__file__))
ROWS, WIDTH = 24, 19


def made_up_rows():
    random = np.random.default_rng(20)
    values = random.standard_normal((ROWS, WIDTH)).astype(np.float32)
    values *= np.float32(10) ** random.integers(-20, 20, (ROWS, 1)).astype(np.float32)
    values[3] = 0
    # A scale of 1: every second number lies in the middle of two whole ones.
    values[4] = np.arange(WIDTH) / 2 - 4
    values[4, 0] = -127
    values[5] = -values[4]
    # Large beyond the range of float16, small beyond full precision, and too small for a scale.
    values[6, 2] = 3e38
    values[7] = np.arange(WIDTH).astype(np.float32) * np.float32(2.0**-149) * 9
    values[8] = np.float32(2.0**-149)
    return values


def stored(values):
    largest = np.abs(values).max(axis=1, keepdims=True)
    scales = largest / np.float32(127)
    with np.errstate(divide="ignore", invalid="ignore"):
        quotients = np.where(scales > 0, values / scales, np.float32(0))
    whole = np.clip(np.rint(quotients), -127, 127).astype(np.int8)
    return whole, scales[:, 0]


values = made_up_rows()
whole, scales = stored(values)
assert values.dtype == scales.dtype == np.float32
read = whole.astype(np.float32) * scales[:, None]
exact = read.astype(np.float64)


def decimals(numbers):
    return " ".join(repr(float(number)) for number in numbers)


save_file(
    {
        "activations": whole,
        "scales": scales,
        "tokens": (np.arange(ROWS) * 7 % 11).astype(np.uint16),
        "sequence": (np.arange(ROWS) // 4 + 70_000).astype(np.uint32),
        "position": (np.arange(ROWS) % 4).astype(np.uint16),
        "values": values,
        "read": read,
    },
    os.path.join(FOLDER, "shard-int8.safetensors"),
    metadata={
        "saeline.format": "activations/1",
        "saeline.rows": str(ROWS),
        "saeline.sum": decimals(exact.cumsum(axis=0)[-1]),
        "saeline.sum_of_squares": decimals((exact * exact).cumsum(axis=0)[-1]),
        "saeline.sum_of_norms": decimals([np.sqrt((exact * exact).sum(axis=1)).sum()]),
    },
)
