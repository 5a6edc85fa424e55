"""Writes the fixtures of this folder.

Made with Python 3.11, safetensors 0.8.0, and torch 2.15.0: python make_fixtures.py
"""

import os

import torch
from safetensors.torch import save_file

FOLDER = os.path.dirname(os.path.abspath(__file__))
VALUES = torch.tensor([[0, 0.5, -1], [1.5, -2, 65280]])
COUNTS = torch.tensor([0, 1, 2, 127, 255])

save_file(
    {
        "float32": VALUES.float(),
        "float16": VALUES.half(),
        "bfloat16": VALUES.bfloat16(),
        "uint8": COUNTS.to(torch.uint8),
        "uint16": COUNTS.to(torch.uint16),
        "uint32": COUNTS.to(torch.uint32),
        "bool": torch.tensor([True, False]),
        "scalar": torch.tensor(0.25, dtype=torch.float64),
        "int64": torch.zeros(0, dtype=torch.int64),
    },
    os.path.join(FOLDER, "python.safetensors"),
    metadata={"made": "by hand"},
)
