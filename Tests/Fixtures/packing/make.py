"""Writes packing.json: documents packed by SAELens's own concat_and_batch_sequences.

Made with sae-lens 6.54.12 and torch 2.15:  python make.py
Each case: rules [context, begin_batch, begin_sequence, separator, disable_concat], documents, rows.
"""

import itertools
import json
import pathlib
import random

import torch
from sae_lens.tokenization_and_batching import concat_and_batch_sequences

BOS, EOS = 1, 2
rng = random.Random(7)


def document(length):
    # Few distinct ids, so that documents often begin with a special token.
    return [rng.choice([1, 2, 3, 4, 5, 6, 7]) for _ in range(length)]


def documents(context):
    lengths = [0, 1, 2, context - 2, context - 1, context, context + 1, 2 * context, 3 * context + 1]
    chosen = [rng.choice(lengths) for _ in range(8)]
    return [document(max(0, length)) for length in chosen]


cases = []
for context in (2, 3, 5, 8):
    for begin_batch, begin_sequence, separator, alone in itertools.product(
        (None, BOS, EOS), (None, BOS, EOS), (None, BOS, EOS), (False, True)
    ):
        docs = documents(context)
        rows = concat_and_batch_sequences(
            (torch.tensor(d, dtype=torch.long) for d in docs), context, begin_batch,
            begin_sequence, separator, alone)
        cases.append({
            "rules": [context, begin_batch, begin_sequence, separator, alone],
            "documents": docs, "rows": [row.tolist() for row in rows]})

path = pathlib.Path(__file__).with_name("packing.json")
lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
path.write_text("[\n" + lines + "\n]\n")
