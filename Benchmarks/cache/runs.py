"""Runs of saeline on given tokens: token rows in, activation rows out."""

import json
import pathlib
import subprocess

import numpy
import torch
from safetensors.numpy import load_file


def write_pipeline(folder, model, tokens, vocabulary, hooks, **cache):
    """A pipeline file in `folder` that caches some hook points over token rows `[n, C]`."""
    folder = pathlib.Path(folder)
    (folder / "tokenizer").mkdir(exist_ok=True)
    words = {f"t{index}": index for index in range(vocabulary)}
    (folder / "tokenizer" / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "added_tokens": [], "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": words, "unk_token": "t0"}}))
    with open(folder / "rows.jsonl", "w") as file:
        for row in tokens.tolist():
            file.write(json.dumps({"input_ids": row}) + "\n")
    settings = {
        "name": "rows", "store": str(folder / "store"),
        "pretokenize": {
            "tokenizer_name": str(folder / "tokenizer"), "dataset_path": str(folder / "rows.jsonl"),
            "context_size": tokens.shape[1], "shuffle": False, "begin_batch_token": None,
            "sequence_separator_token": None},
        "cache": {
            "model_name": str(model), "hook_name": hooks[0], "hook_names": hooks[1:],
            "training_tokens": tokens.numel(), "shuffle": False, **cache}}
    path = folder / "pipeline.json5"
    path.write_text(json.dumps(settings))
    return path


def run(program, path, *words):
    """Runs a program on a pipeline file; its standard output."""
    done = subprocess.run(
        [str(program), *words, "--config", str(path), "--quiet"], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{program} {' '.join(words)}: {done.stderr}")
    return done.stdout


def read_rows(folder):
    """The rows of an activation stage in the order of the tokens, `[tokens, d_in]` float32."""
    rows, places = [], []
    for path in sorted(pathlib.Path(folder).glob("shard-*.safetensors")):
        tensors = load_file(path)
        rows.append(tensors["activations"].astype(numpy.float32))
        places.append(
            tensors["sequence"].astype(numpy.int64) << 32 | tensors["position"].astype(numpy.int64))
    return torch.from_numpy(numpy.concatenate(rows)[numpy.argsort(numpy.concatenate(places))])
