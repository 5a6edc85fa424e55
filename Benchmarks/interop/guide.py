"""Runs SAELens's two examples from a local Hub, in SAELens and here, and compares what comes out.

    python guide.py PROGRAMS SERVER TOKENIZER TEXT.jsonl [--tokens N]

PROGRAMS is the folder of the three programs, SERVER the LocalHubServer program (swift build -c release
--product LocalHubServer), TOKENIZER a folder with GPT-2's tokenizer.json, TEXT lines of {"text": ...}. The
server holds stand-ins of the shape of what the examples name: NeelNanda/c4-10k as Parquet, the rows of ids
apollo-research/roneneldan-TinyStories-tokenizer-gpt2 as Parquet, gpt2, and roneneldan/TinyStories-1Layer-21M as
config.json and pytorch_model.bin with random weights.

1. pretokenize: every option of the tutorial's PretokenizeRunnerConfig, with hf_repo_id. The rows of ids of both
   are compared as sets, since each shuffles in its own way, and SAELens loads what was uploaded.
2. training: the tutorial's LanguageModelSAERunnerConfig by short name, streamed, over N tokens: all three
   stages run here; the rows of tokens are those of SAELens's ActivationsStore from the same server.

Versions: sae-lens 6.54.12, datasets 5.2.0, transformers 5.24.0, torch 2.15.0.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import pyarrow
import pyarrow.parquet

from local_hub import serving

IDS = "apollo-research/roneneldan-TinyStories-tokenizer-gpt2"
MODEL = "roneneldan/TinyStories-1Layer-21M"


def make_site(site, tokenizer, text):
    import tokenizers
    import torch
    import transformers

    texts = [json.loads(line)["text"] for line in open(text)][:10_000]
    folder = site / "datasets/NeelNanda/c4-10k/data"
    folder.mkdir(parents=True)
    pyarrow.parquet.write_table(
        pyarrow.table({"text": texts, "timestamp": ["2019"] * len(texts), "url": [""] * len(texts)}),
        folder / "train-00000-of-00001-2b8e8e5b1d1c7d3a.parquet", row_group_size=1000)
    encode = tokenizers.Tokenizer.from_file(str(tokenizer / "tokenizer.json")).encode
    ids = [50256]
    for one in texts:
        ids += encode(one).ids + [50256]
    rows = [ids[start:start + 512] for start in range(0, len(ids) - 511, 512)]
    folder = site / f"datasets/{IDS}/data"
    folder.mkdir(parents=True)
    for shard in range(2):
        pyarrow.parquet.write_table(
            pyarrow.table({"input_ids": rows[shard::2]}),
            folder / f"train-0000{shard}-of-00002.parquet", row_group_size=500)
    gpt2 = site / "models/gpt2"
    gpt2.mkdir(parents=True)
    for file in tokenizer.iterdir():
        if file.is_file():
            (gpt2 / file.name).write_bytes(file.read_bytes())
    (gpt2 / "config.json").write_text('{"model_type": "gpt2"}')
    (gpt2 / "tokenizer_config.json").write_text('{"model_max_length": 1024}')
    torch.manual_seed(0)
    model = transformers.GPTNeoForCausalLM(transformers.GPTNeoConfig(
        vocab_size=50257, hidden_size=1024, num_layers=1, num_heads=16, attention_types=[[["global"], 1]],
        max_position_embeddings=2048, window_size=256))
    folder = site / f"models/{MODEL}"
    model.config.architectures = ["GPTNeoForCausalLM"]
    model.config.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    for file in tokenizer.iterdir():
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", '
        '"unk_token": "<|endoftext|>", "model_max_length": 2048}')
    (gpt2 / "tokenizer_config.json").write_text((folder / "tokenizer_config.json").read_text())


def run(program, file, *flags):
    start = time.time()
    done = subprocess.run([program, file, *flags], capture_output=True, text=True)
    print("".join(f"  {line}\n" for line in done.stderr.splitlines()), end="")
    if done.returncode:
        sys.exit(f"{program.name}: exit {done.returncode}: {done.stderr}")
    print(f"  {program.name}: {time.time() - start:.1f} s")
    return done.stdout.strip()


def rows_of(folder):
    """The rows of a token stage."""
    import zstandard
    from safetensors.torch import load

    rows = []
    for path in sorted(pathlib.Path(folder).glob("shard-*.safetensors.zst")):
        data = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read()
        rows += load(data)["tokens"].to(dtype=__import__("torch").int64).tolist()
    return rows


PRETOKENIZE = {
    "tokenizer_name": "gpt2", "dataset_path": "NeelNanda/c4-10k", "shuffle": True, "num_proc": 2,
    "context_size": 128, "begin_batch_token": "bos", "begin_sequence_token": None,
    "sequence_separator_token": "eos", "pretokenize_batch_size": 1000,
}


def first(programs, work):
    from sae_lens import PretokenizeRunner, PretokenizeRunnerConfig

    file = work / "first.json5"
    file.write_text(json.dumps({
        "name": "c4-10k", "store": str(work / "store"),
        "pretokenize": {**PRETOKENIZE, "hf_repo_id": "me/c4-10k-tokenized-gpt2", "hf_num_shards": 4}}))
    ours = rows_of(run(programs / "saeline-pretokenize", file, "--quiet"))
    theirs = PretokenizeRunner(PretokenizeRunnerConfig(**PRETOKENIZE)).run()["input_ids"]
    theirs = [list(map(int, row)) for row in theirs]
    same = sorted(map(tuple, ours)) == sorted(map(tuple, theirs))
    print(f"  {len(ours)} rows here, {len(theirs)} in SAELens, the same rows: {same}")
    import datasets

    loaded = datasets.load_dataset("me/c4-10k-tokenized-gpt2", split="train")
    column = loaded.column_names[0]
    uploaded = sorted(map(tuple, loaded[column])) == sorted(map(tuple, ours))
    print(f"  uploaded, as datasets loads it: {len(loaded)} rows in {column}, the same rows: {uploaded}")
    return same and uploaded


def second(programs, work, tokens):
    file = work / "second.json5"
    options = {
        "model_name": "tiny-stories-1L-21M", "hook_name": "blocks.0.hook_mlp_out", "dataset_path": IDS,
        "is_dataset_tokenized": True, "streaming": True,
    }
    file.write_text(json.dumps({
        "name": "tiny", "store": str(work / "store"),
        "pretokenize": {
            "tokenizer_name": options["model_name"], "dataset_path": IDS, "is_dataset_tokenized": True,
            "streaming": True, "context_size": 256, "shuffle": False},
        "cache": {
            "model_name": options["model_name"], "hook_name": options["hook_name"], "training_tokens": tokens,
            "model_batch_size": 16},
        "train": {
            "defaults": "sae_lens-6", "architecture": "standard", "expansion_factor": 4, "l1_coefficient": 5,
            "training_tokens": tokens // 4, "train_batch_size_tokens": 1024}}))
    for program in ("saeline-pretokenize", "saeline-cache", "saeline-train"):
        print(run(programs / program, file, "--dry-run"))
    folders = [run(programs / program, file, "--quiet") for program in (
        "saeline-pretokenize", "saeline-cache", "saeline-train")]
    ours = rows_of(folders[0])

    from sae_lens import ActivationsStore
    from transformer_lens import HookedTransformer

    model = HookedTransformer.from_pretrained_no_processing(options["model_name"])
    store = ActivationsStore(
        model=model, dataset=IDS, streaming=True, hook_name=options["hook_name"], hook_head_index=None,
        context_size=256, d_in=1024, n_batches_in_buffer=2, total_training_tokens=tokens,
        store_batch_size_prompts=16, train_batch_size_tokens=1024, prepend_bos=True,
        normalize_activations="none", device="cpu", dtype="float32")
    theirs = []
    while len(theirs) < 400:
        theirs += store.get_batch_tokens(16).tolist()
    same = ours[:400] == theirs[:400]
    print(f"  {len(ours)} rows here; the first 400 are those of SAELens's store: {same}")
    return same


def main():
    parser = argparse.ArgumentParser()
    for name in ("programs", "server", "tokenizer", "text"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--tokens", type=int, default=200_000)
    arguments = parser.parse_args()
    programs = arguments.programs.resolve()
    with tempfile.TemporaryDirectory() as place:
        work = pathlib.Path(place)
        with serving(
            arguments.server, work / "site", work / "home",
            make_site=lambda: make_site(work / "site", arguments.tokenizer, arguments.text),
        ):
            print("pretokenize")
            good = first(programs, work)
            print("training")
            good = second(programs, work, arguments.tokens) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
