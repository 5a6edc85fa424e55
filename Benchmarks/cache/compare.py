"""Compares saeline-cache with TransformerLens, hook point by hook point, on random models.

    python compare.py PRETOKENIZE CACHE [--family NAME ...] [--dtype float32|float16|bfloat16]
                      [--processing] [--model FOLDER] [--autocast]

Makes a tiny random model of every family (those of Tests/Fixtures/models, with 4 x 64 tokens, a
vocabulary of 211 and windows of 23) in weights of each type, caches every hook point that can be
stored, and compares each with a HookedTransformer's, and the logits with transformers'. Families that
a HookedTransformer cannot be are compared with what the modules of transformers write. Differences are
in units of a hook point's root mean square where that is above 1: rounding grows with what is added up. With
--processing all four steps of weight processing are on, on both sides. --model takes a model that
transformers saved instead. Exits with 1 where one is above 3e-4.

With --autocast the caches of one model with `autocast_lm` and without are compared instead: relative
root mean squares of the difference at every kind of hook point, in the first layer and in the last. The
model is --model's, or a GPT-2 of the published size with transformers' first weights.

Versions: as in Tests/Fixtures/models/make_models.py. Set HF_HUB_OFFLINE=1.
"""

import argparse
import copy
import json
import pathlib
import re
import sys
import tempfile

import torch
import transformers
from safetensors.torch import save_file

import runs

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "Tests/Fixtures/models"))
import make_models  # noqa: E402

LIMIT = 3e-4
# Where TransformerLens's processing changes what the model computes: norms behind the parts, biases of experts,
# positions that are added behind the folded norm, an output bias centered before a last norm that sees its mean.
CHANGED_BY_PROCESSING = ("olmo2", "olmo3", "gpt-oss", "toy-attention", "toy-folded")
# Rows that cannot be stored, or that modules write in another order.
NOT_HERE = ("attn_scores", "query_key_value", "gate_up_proj", "rotary_emb", "q_proj")
# Norms of single heads, which are cached together.
OF_ONE_HEAD = re.compile(r"_layernorm\.norms\.\d+$")
SEQUENCES, CONTEXT, VOCABULARY, WINDOW = 4, 64, 211, 23
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def compare(label, folder, tokens, expected, logits, arguments):
    """Prints the largest difference; whether it is within the limit."""
    steps = make_models.EVERY_STEP if arguments.processing else make_models.NO_STEP
    vocabulary = logits.shape[-1]
    with tempfile.TemporaryDirectory() as work:
        options = {"model_from_pretrained_kwargs": steps} if arguments.processing else {}
        path = runs.write_pipeline(
            work, folder, tokens, vocabulary, ["hook_embed"], **options)
        listed = json.loads(runs.run(arguments.cache, path, "--list-hooks", "--json"))
        known = {name for entry in listed for name in [entry["name"], *entry["modules"]]}
        names = [name for name in expected if name in known and not name.endswith("attn_scores")]
        lacking = [name for name in expected if name not in known
                   and not name.endswith(NOT_HERE) and not OF_ONE_HEAD.search(name)]
        logit_name = "logits" if "logits" in known else "unembed.hook_out"
        if not arguments.processing and logit_name not in names:
            names.append(logit_name)
        path = runs.write_pipeline(work, folder, tokens, vocabulary, names, **options)
        runs.run(arguments.pretokenize, path)
        folders = runs.run(arguments.cache, path).split()
        worst = (0.0, "")
        for name, place in zip(names, folders):
            rows = runs.read_rows(place)
            worst = max(worst, (distance(rows, {logit_name: logits, **expected}[name]), name))
            if name == logit_name and not arguments.processing:
                worst = max(worst, (distance(rows, logits), "logits of transformers"))
    good = worst[0] < LIMIT and not lacking
    print(f"{label:28} {len(names):3} hook points, largest difference {worst[0]:.2e} at {worst[1]}"
          + (f", lacking {lacking}" if lacking else ""), flush=True)
    return good


def distance(rows, wanted):
    """The largest difference, in units of the values' root mean square where that is above 1."""
    wanted = wanted.reshape(rows.shape[0], -1)
    scale = wanted.pow(2).mean().sqrt().clamp(min=1)
    return ((rows - wanted).abs().max() / scale).item()


def random_tokens(vocabulary):
    generator = torch.Generator().manual_seed(7)
    return torch.randint(0, vocabulary, (SEQUENCES, CONTEXT), generator=generator)


def compare_model(label, model, folder, arguments, modules_only=False):
    tokens = random_tokens(model.config.get_text_config().vocab_size)
    steps = make_models.EVERY_STEP if arguments.processing else make_models.NO_STEP
    expected, logits = make_models.module_outputs(model, tokens)
    if not modules_only:
        expected, _ = make_models.hooks(model, tokens, **steps)
    return compare(label, folder, tokens, expected, logits, arguments)


def compare_toy(name, dtype, arguments):
    stated, state = make_models.toy(name, VOCABULARY, positions=80, dtype=DTYPES[dtype])
    tokens = random_tokens(VOCABULARY)
    steps = make_models.EVERY_STEP if arguments.processing else make_models.NO_STEP
    expected, logits = make_models.hooked_rows(
        make_models.hooked_toy(stated, state, **steps), tokens)
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/config.json", "w") as file:
            json.dump(stated, file)
        save_file({key: value.to(DTYPES[dtype]).contiguous() for key, value in state.items()},
                  folder + "/model.safetensors")
        return compare(f"{name} {dtype}", folder, tokens, expected, logits, arguments)


def compare_autocast(folder, arguments):
    """Prints how far rows with `autocast_lm` lie from those of float32."""
    config = json.loads((pathlib.Path(folder) / "config.json").read_text())
    vocabulary = config["vocab_size"]
    tokens = random_tokens(vocabulary)
    rows = {}
    for autocast in (False, True):
        with tempfile.TemporaryDirectory() as work:
            path = runs.write_pipeline(work, folder, tokens, vocabulary, ["hook_embed"])
            listed = json.loads(runs.run(arguments.cache, path, "--list-hooks", "--json"))
            names = [entry["name"] for entry in listed]
            layers = [int(name.split(".")[1]) for name in names if name.startswith("blocks.")]
            ends = ("blocks.0.", f"blocks.{max(layers)}.")
            names = [name for name in names if not name.endswith("attn_scores")
                     and (name.startswith(ends) or not name.startswith("blocks."))]
            path = runs.write_pipeline(
                work, folder, tokens, vocabulary, names, autocast_lm=autocast)
            runs.run(arguments.pretokenize, path)
            folders = runs.run(arguments.cache, path).split()
            rows[autocast] = {name: runs.read_rows(place) for name, place in zip(names, folders)}
    for name, wanted in rows[False].items():
        error = (rows[True][name] - wanted).norm() / wanted.norm()
        print(f"{name:40} {error.item():.1e}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pretokenize")
    parser.add_argument("cache")
    parser.add_argument("--family", nargs="*")
    parser.add_argument("--dtype", nargs="*", choices=DTYPES, default=list(DTYPES))
    parser.add_argument("--processing", action="store_true")
    parser.add_argument("--model")
    parser.add_argument("--autocast", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    good = True
    if arguments.autocast:
        with tempfile.TemporaryDirectory() as folder:
            if not arguments.model:
                torch.manual_seed(1)
                transformers.GPT2LMHeadModel(transformers.GPT2Config()).save_pretrained(folder)
            compare_autocast(arguments.model or folder, arguments)
    elif arguments.model:
        model = transformers.AutoModelForCausalLM.from_pretrained(
            arguments.model, dtype=torch.float32, attn_implementation="eager").eval()
        good = compare_model(arguments.model, model, arguments.model, arguments)
    else:
        for name in arguments.family or [*make_models.families(), *make_models.TOYS]:
            modules_only = name in make_models.MODULES_ONLY
            if arguments.processing and (modules_only or name in CHANGED_BY_PROCESSING):
                continue
            for dtype in arguments.dtype:
                if name in make_models.TOYS:
                    good = compare_toy(name, dtype, arguments) and good
                    continue
                model, _, seed, _ = make_models.build(
                    name, VOCABULARY, positions=80, window=WINDOW, dtype=DTYPES[dtype])
                with tempfile.TemporaryDirectory() as folder:
                    # A copy: buffers such as Gemma's scale would stay rounded.
                    make_models.store(
                        name, copy.deepcopy(model), DTYPES[dtype], seed, "1GB", folder)
                    good = compare_model(
                        f"{name} {dtype}", model, folder, arguments, modules_only) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
