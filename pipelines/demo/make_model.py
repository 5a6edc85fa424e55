"""Makes the demo's language model: a small GPT-2 trained on the stories of Stories.swift.

usage: python make_model.py PATH_OF_COMPILED_STORIES

Writes model/ beside this file (config.json, model.safetensors, tokenizer.json and
tokenizer_config.json) and prints the figures that README.md quotes. One thread and fixed seeds;
about eight minutes.

Made with Python 3.12, torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3, numpy 2.4.6.
"""

import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel

FOLDER = Path(__file__).parent / "model"
END_OF_TEXT = "<|endoftext|>"
CONTEXT = 128
TRAINING_SEED, HELD_OUT_SEED = 1, 2
TRAINING_MEGABYTES, HELD_OUT_MEGABYTES = 32, 1
PASSES = 1
ROWS_PER_STEP = 32
PEAK_LEARNING_RATE = 3e-3
WARM_UP_STEPS = 100


def stories(program: str, seed: int, megabytes: int) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stories.jsonl"
        length = ["--megabytes", str(megabytes), "--seed", str(seed)]
        subprocess.run([program, "--output", str(path), *length], check=True)
        return [json.loads(line)["text"] for line in path.read_text().splitlines()]


def byte_level_tokenizer(texts: list[str]) -> Tokenizer:
    """BPE that merges until each word of the grammar, with the space before it, is one token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=4096,  # more than it needs: training stops when nothing is left to merge
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def rows(tokenizer: Tokenizer, texts: list[str]) -> numpy.ndarray:
    """Stories end to end: the end-of-text token starts each row and each story within a row."""
    separator = tokenizer.token_to_id(END_OF_TEXT)
    finished, row = [], []
    for encoding in tokenizer.encode_batch(texts):
        tokens = encoding.ids
        while tokens:
            row.append(separator)
            room = CONTEXT - len(row)
            row, tokens = row + tokens[:room], tokens[room:]
            if len(row) == CONTEXT:
                finished.append(row)
                row = []
    return numpy.array(finished)


def unigram_and_bigram(training: numpy.ndarray, held_out: numpy.ndarray, size: int) -> tuple:
    """Cross-entropies of counting baselines on the held-out rows, in nats per token."""
    unigram = numpy.bincount(training[:, 1:].ravel(), minlength=size) + 1.0
    unigram /= unigram.sum()
    pairs = training[:, :-1].ravel() * size + training[:, 1:].ravel()
    counts = numpy.bincount(pairs, minlength=size * size).reshape(size, size)
    # Witten and Bell's interpolation: the more kinds of successor, the more weight for unigrams.
    kinds = (counts > 0).sum(axis=1, keepdims=True)
    bigram = (counts + kinds * unigram) / numpy.maximum(counts.sum(1, keepdims=True) + kinds, 1)
    previous, target = held_out[:, :-1].ravel(), held_out[:, 1:].ravel()
    return -numpy.log(unigram[target]).mean(), -numpy.log(bigram[previous, target]).mean()


def learning_rate(step: int, steps: int) -> float:
    if step < WARM_UP_STEPS:
        return PEAK_LEARNING_RATE * (step + 1) / WARM_UP_STEPS
    progress = (step - WARM_UP_STEPS) / (steps - WARM_UP_STEPS)
    return PEAK_LEARNING_RATE * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))


def loss(model: GPT2LMHeadModel, tokens: torch.Tensor) -> torch.Tensor:
    logits = model(tokens[:, :-1]).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


def train(model: GPT2LMHeadModel, training: torch.Tensor) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.95), weight_decay=0.05)
    per_pass = len(training) // ROWS_PER_STEP
    started = time.monotonic()
    for step in range(PASSES * per_pass):
        if step % per_pass == 0:
            order = torch.randperm(len(training))
        batch = order[step % per_pass * ROWS_PER_STEP :][:ROWS_PER_STEP]
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, PASSES * per_pass)
        value = loss(model, training[batch])
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 0:
            print(f"step {step}: {value:.4f}, {time.monotonic() - started:.0f} s", flush=True)


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(1)
    program = sys.argv[1]
    training_texts = stories(program, TRAINING_SEED, TRAINING_MEGABYTES)
    held_out_texts = stories(program, HELD_OUT_SEED, HELD_OUT_MEGABYTES)
    tokenizer = byte_level_tokenizer(training_texts)
    training, held_out = rows(tokenizer, training_texts), rows(tokenizer, held_out_texts)
    size = tokenizer.get_vocab_size()
    print(f"{size} tokens; {training.size:,} to train on, {held_out.size:,} held out")
    unigram, bigram = unigram_and_bigram(training, held_out, size)
    print(f"unigram {unigram:.3f}, bigram {bigram:.3f} nats per token")

    end_of_text = tokenizer.token_to_id(END_OF_TEXT)
    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=size,
            n_positions=CONTEXT,
            n_embd=96,
            n_layer=3,
            n_head=4,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            bos_token_id=end_of_text,
            eos_token_id=end_of_text,
        )
    )
    train(model, torch.tensor(training))
    model.eval()
    with torch.no_grad():
        batches = torch.tensor(held_out).split(64)
        total = sum(loss(model, batch).item() * len(batch) for batch in batches)
    print(f"model {total / len(held_out):.3f} nats per token")

    model.save_pretrained(FOLDER)
    (FOLDER / "generation_config.json").unlink(missing_ok=True)
    tokenizer.save(str(FOLDER / "tokenizer.json"))
    special = {f"{role}_token": END_OF_TEXT for role in ("bos", "eos", "unk")}
    settings = {"tokenizer_class": "GPT2Tokenizer", **special, "model_max_length": CONTEXT}
    (FOLDER / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")


main()
