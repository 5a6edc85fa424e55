"""Writes packing.json: documents packed by SAELens's own functions, under every combination of options.

Made with sae-lens 6.54.12, torch 2.15 and datasets 5.2:  python make.py
Documents are strings of one-digit token ids. For each corpus, `digests` holds the first 8 digits of the
SHA-256 of every case's rows (ids joined by spaces, rows ended by newlines), in the order of the loops over
OPTIONS below. `examples` are a few cases in full: corpus, options, rows.
"""

import hashlib
import itertools
import json
import pathlib
import random
from types import SimpleNamespace

import datasets
import torch
from sae_lens.pretokenize_runner import pretokenize_dataset
from sae_lens.tokenization_and_batching import concat_and_batch_sequences

datasets.disable_progress_bars()
rng = random.Random(7)
# Id 0 is a special token too: SAELens once took it for "no token".
OPTIONS = list(itertools.product(
    (None, 0, 1),   # begin_batch_token
    (None, 0, 1),   # begin_sequence_token
    (None, 0, 1),   # sequence_separator_token
    (False, True),  # disable_concat_sequences
    (None, 1, 3),   # pretokenize_batch_size
))


def document(length):
    # Few distinct ids, so that documents and their later parts often begin with a special token.
    return "".join(rng.choice("0012345") for _ in range(length))


def corpora(context):
    exact = [0, 1, 1, 2, context - 1, context, context + 1, 0, context - 2, 2 * context, 3 * context + 1, 0]
    yield [document(max(0, length)) for length in exact]
    yield [document(rng.choice(exact)) for _ in range(10)]
    yield [document(rng.choice((0, 1, 2, 3))) for _ in range(30)]
    yield ["0" * (3 * context), "", "01" * context, "1", document(20 * context + 3), "0", "5"]


def chunks(documents, size):
    size = size or max(1, len(documents))
    return [documents[i : i + size] for i in range(0, len(documents), size)]


def pack(context, documents, begin_batch, begin_sequence, separator, alone, batch):
    rows = []
    for chunk in chunks(documents, batch):
        tokens = (torch.tensor([int(c) for c in d], dtype=torch.long) for d in chunk)
        rows += concat_and_batch_sequences(
            tokens, context, begin_batch, begin_sequence, separator, alone)
    return [row.tolist() for row in rows]


class Digits:
    """A tokenizer of digits, to run SAELens's whole pretokenizer."""

    def encode(self, text, return_tensors):
        return torch.tensor([[int(c) for c in text]], dtype=torch.long)


def packed_by_runner(context, documents, begin_batch, begin_sequence, separator, alone, batch):
    config = SimpleNamespace(
        column_name="text", context_size=context, begin_batch_token=begin_batch,
        begin_sequence_token=begin_sequence, sequence_separator_token=separator,
        disable_concat_sequences=alone, pretokenize_batch_size=batch, streaming=False, num_proc=1,
        shuffle=False, use_chat_formatting=False)
    data = datasets.Dataset.from_dict({"text": documents})
    return [row.tolist() for row in pretokenize_dataset(data, Digits(), config)["input_ids"]]


result = {"corpora": [], "examples": []}
for context in (2, 3, 5, 8, 16):
    for documents in corpora(context):
        digests = []
        for options in OPTIONS:
            rows = pack(context, documents, *options)
            if rng.random() < 0.03 and rows:
                assert packed_by_runner(context, documents, *options) == rows
            text = "".join(" ".join(map(str, row)) + "\n" for row in rows)
            digests.append(hashlib.sha256(text.encode()).hexdigest()[:8])
            if rng.random() < 0.02 and 0 < len(rows) < 8 and context < 10:
                result["examples"].append({
                    "corpus": len(result["corpora"]), "options": options, "rows": rows})
        result["corpora"].append({
            "context": context, "documents": documents, "digests": "".join(digests)})

path = pathlib.Path(__file__).with_name("packing.json")
parts = [
    f'"{key}": [\n' + ",\n".join(json.dumps(v, separators=(",", ":")) for v in values) + "\n]"
    for key, values in result.items()]
path.write_text("{" + ",\n".join(parts) + "}\n")
