"""Opens a data set that `save_path` wrote with pyarrow, datasets and SAELens, and compares its rows.

    python tokens.py SAVED_FOLDER

The rows must be those that SAELens's own pretokenize_dataset makes of the same text with the options
that sae_lens.json records (with shuffled true: the same rows in any order; in batches of all documents,
as saeline packs by default), and SAELens's ActivationsStore must give them to a model.
Made with sae-lens 6.54.12, datasets 5.2, pyarrow 26.
"""

import json
import pathlib
import sys
import tempfile

import datasets
import pyarrow.parquet as parquet
import torch
import transformers
from sae_lens import PretokenizeRunnerConfig
from sae_lens.pretokenize_runner import pretokenize_dataset
from sae_lens.training.activations_store import ActivationsStore
from transformer_lens import HookedTransformer, HookedTransformerConfig

folder = pathlib.Path(sys.argv[1])
record = json.loads((folder / "sae_lens.json").read_text())
size = record["context_size"]
table = parquet.read_table(sorted(folder.glob("*.parquet"))[0])
print("pyarrow:", table.schema.field("input_ids").type, table.num_rows, "rows in the first file")

with tempfile.TemporaryDirectory() as cache:
    data = datasets.load_dataset(str(folder), split="train", cache_dir=cache)
    rows = data["input_ids"][:]
    print("datasets:", data.features, len(rows), "rows")
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=record["tokenizer_name"] + "/tokenizer.json",
        **{key: value for key, value in json.loads((pathlib.Path(record["tokenizer_name"]) / "tokenizer_config.json").read_text()).items() if key.endswith("_token") and isinstance(value, str)})
    tokenizer.model_max_length = sys.maxsize
    text = datasets.load_dataset("json", data_files=record["original_dataset"], split="train", cache_dir=cache)
    config = PretokenizeRunnerConfig(
        context_size=size, column_name=record["original_column_name"], shuffle=False, num_proc=1,
        pretokenize_batch_size=len(text), begin_batch_token=record["begin_batch_token"],
        begin_sequence_token=record["begin_sequence_token"], sequence_separator_token=record["sequence_separator_token"],
        disable_concat_sequences=record["disable_concat_sequences"])
    wanted = pretokenize_dataset(text, tokenizer, config)["input_ids"][:]
    wanted = [list(map(int, row)) for row in wanted]
    rows = [list(map(int, row)) for row in rows]
    if record["shuffled"]:
        rows, wanted = sorted(rows), sorted(wanted)
    different = sum(a != b for a, b in zip(rows, wanted)) + abs(len(rows) - len(wanted))
    print("SAELens's own rows:", len(wanted), "of which differ:", different)

    model = HookedTransformer(HookedTransformerConfig(
        n_layers=1, d_model=8, n_ctx=size, d_head=4, n_heads=2, d_vocab=len(tokenizer), act_fn="gelu", d_mlp=8))
    store = ActivationsStore(
        model=model, dataset=data, streaming=False, hook_name="blocks.0.hook_resid_post", hook_head_index=None,
        context_size=size, d_in=8, n_batches_in_buffer=2, total_training_tokens=4096, store_batch_size_prompts=4,
        train_batch_size_tokens=64, prepend_bos=True, normalize_activations="none", device=torch.device("cpu"), dtype="float32")
    first = store.get_batch_tokens(4).tolist()
    same = first == [list(row) for row in data["input_ids"][:4]]
    print("ActivationsStore:", store.next_batch().shape, "its tokens are the first rows:", same)
sys.exit(0 if different == 0 and same else 1)
