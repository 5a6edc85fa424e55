"""Writes small caches of activations, with SAELens's own runner and with the libraries behind it.

Made with sae-lens 6.54.12, datasets 5.2, pyarrow 26, safetensors 0.8:  python make.py

runner/  12 sequences of 6 tokens, 4 wide, in 3 files, by CacheActivationsRunner
half/    the same numbers in float16, without token_ids, by save_to_disk
fixed/   the same numbers in float64 in lists of fixed size, zstd, token_ids as lists of int64
v3/      0, 1, 2, 10.safetensors of [6, 1, 4], as SAELens 3 wrote them
plain/   two files of [3, 6, 4] in bfloat16
uneven/  rows of 6 and 5 vectors
null/    a null in a vector
bits/    vectors of whole numbers
wide/    two files, of widths 4 and 3
negative/  a token below zero
infinite/  float16 with an infinity
golden.safetensors  the numbers of runner/ [72, 4] and their tokens [72]
"""

import json
import pathlib
import shutil
import tempfile

import datasets
import numpy as np
import pyarrow as pa
import torch
from safetensors.torch import save_file
from sae_lens import CacheActivationsRunner, CacheActivationsRunnerConfig
from sae_lens import cache_activations_runner
from transformer_lens import HookedTransformer, HookedTransformerConfig

FOLDER = pathlib.Path(__file__).parent
HOOK = "blocks.0.hook_mlp_out"
SEQUENCES, CONTEXT, WIDTH = 12, 6, 4
datasets.disable_progress_bars()

torch.manual_seed(1)
model = HookedTransformer(HookedTransformerConfig(
    n_layers=1, d_model=WIDTH, n_ctx=CONTEXT, d_head=2, n_heads=2, d_vocab=50, act_fn="gelu", d_mlp=8))
cache_activations_runner.load_model = lambda *arguments, **options: model
tokens = torch.randint(0, 50, (SEQUENCES, CONTEXT))

for name in ("runner", "half", "fixed", "v3", "plain", "uneven", "null", "bits", "wide", "negative", "infinite"):
    shutil.rmtree(FOLDER / name, ignore_errors=True)

# By SAELens itself.
with tempfile.TemporaryDirectory() as folder:
    CacheActivationsRunner(
        CacheActivationsRunnerConfig(
            model_name="tiny", dataset_path="none", hook_name=HOOK, d_in=WIDTH, training_tokens=SEQUENCES * CONTEXT,
            context_size=CONTEXT, model_batch_size=2, buffer_size_gb=4 * CONTEXT * WIDTH * 4 / 1e9, shuffle=False,
            prepend_bos=False, new_cached_activations_path=str(FOLDER / "runner"), device="cpu", dtype="float32"),
        override_dataset=datasets.Dataset.from_dict({"input_ids": tokens.tolist()})).run()
saved = datasets.load_from_disk(str(FOLDER / "runner"))
values = np.array(saved[HOOK], dtype=np.float32)
ids = np.array(saved["token_ids"], dtype=np.int32)
assert values.shape == (SEQUENCES, CONTEXT, WIDTH)
save_file({"rows": torch.tensor(values.reshape(-1, WIDTH)), "tokens": torch.tensor(ids.reshape(-1)).to(torch.uint32)},
          FOLDER / "golden.safetensors")

# By datasets.
features = datasets.Features({HOOK: datasets.Array2D(shape=(CONTEXT, WIDTH), dtype="float16")})
datasets.Dataset.from_dict({HOOK: values.astype(np.float16)}, features=features).save_to_disk(FOLDER / "half")


# By pyarrow.
def stream(folder, *tables, codec=None):
    (FOLDER / folder).mkdir(exist_ok=True)
    names = []
    for index, columns in enumerate(tables):
        names.append(f"data-{index:05d}-of-{len(tables):05d}.arrow")
        batch = pa.record_batch(list(columns.values()), names=list(columns))
        options = pa.ipc.IpcWriteOptions(compression=codec)
        with pa.ipc.new_stream(FOLDER / folder / names[-1], batch.schema, options=options) as writer:
            for start in range(0, batch.num_rows, 5):
                writer.write_batch(batch.slice(start, 5))
    (FOLDER / folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))


def matrices(numbers, kind):
    return pa.array([row.tolist() for row in numbers], pa.list_(pa.list_(kind)))


fixed = pa.list_(pa.list_(pa.float64(), WIDTH), CONTEXT)
stream("fixed", {"other": pa.array([str(n) for n in range(SEQUENCES)]),
                 "token_ids": pa.array(ids.tolist(), pa.list_(pa.int64())),
                 HOOK: pa.array(values.astype(float).tolist(), fixed)}, codec="zstd")
stream("uneven", {HOOK: pa.array([row[:6 - (n == 7)].tolist() for n, row in enumerate(values)],
                                 pa.list_(pa.list_(pa.float32())))})
with_null = values.tolist()
with_null[3][2][1] = None
stream("null", {HOOK: pa.array(with_null, pa.list_(pa.list_(pa.float32())))})
stream("bits", {HOOK: matrices((values * 100).astype(int), pa.int32())})
stream("wide", {HOOK: matrices(values, pa.float32())}, {HOOK: matrices(values[:, :, :3], pa.float32())})
wrong = ids.copy()
wrong[8, 1] = -7
stream("negative", {HOOK: matrices(values, pa.float32()), "token_ids": pa.array(wrong.tolist(), pa.list_(pa.int32(), CONTEXT))})
infinite = values.astype(np.float16)
infinite[9, 4, 2] = np.inf
stream("infinite", {HOOK: matrices(infinite, pa.float16())})

# Safetensors.
(FOLDER / "v3").mkdir()
flat = torch.tensor(values.reshape(-1, 1, WIDTH))
for index, name in enumerate((0, 1, 2, 10)):
    save_file({"activations": flat[6 * index:6 * index + 6].contiguous()}, FOLDER / "v3" / f"{name}.safetensors")
(FOLDER / "plain").mkdir()
for index in range(2):
    save_file({"x": torch.tensor(values[3 * index:3 * index + 3]).to(torch.bfloat16)}, FOLDER / "plain" / f"part-{index}.safetensors")
