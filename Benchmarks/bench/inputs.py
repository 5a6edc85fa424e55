"""Inputs of benchmarks that need nothing but Python: models of random weights, pipelines, runs of the programs."""

import array
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import time

import machine

DEMO = machine.ROOT / "pipelines/demo/model"
STORIES = machine.ROOT / ".build/demo/stories.jsonl"


class Shape:
    """A language model of GPT-2's family or GPT-Neo's, by its sizes alone."""

    def __init__(self, family, width, layers, heads, context, hook, vocabulary=50257):
        self.family, self.width, self.layers, self.heads = family, width, layers, heads
        self.context, self.hook, self.vocabulary = context, hook, vocabulary

    def config(self) -> dict:
        common = {"vocab_size": self.vocabulary, "bos_token_id": 0, "eos_token_id": 0}
        if self.family == "gpt_neo":
            return common | {
                "model_type": "gpt_neo", "architectures": ["GPTNeoForCausalLM"], "hidden_size": self.width,
                "num_layers": self.layers, "num_heads": self.heads, "attention_types": [[["global"], self.layers]],
                "max_position_embeddings": 2048, "activation_function": "gelu_new"}
        return common | {
            "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_embd": self.width, "n_layer": self.layers,
            "n_head": self.heads, "n_positions": 1024, "activation_function": "gelu_new"}

    def tensors(self) -> list:
        """Names and shapes, as transformers writes them."""
        d, v = self.width, self.vocabulary
        norm = lambda name: [(name + ".weight", [d]), (name + ".bias", [d])]
        if self.family == "gpt_neo":
            found = [("transformer.wte.weight", [v, d]), ("transformer.wpe.weight", [2048, d])]
            for layer in range(self.layers):
                at = f"transformer.h.{layer}."
                found += norm(at + "ln_1") + norm(at + "ln_2")
                found += [(f"{at}attn.attention.{part}_proj.weight", [d, d]) for part in ["q", "k", "v", "out"]]
                found += [(at + "attn.attention.out_proj.bias", [d])]
                found += [(at + "mlp.c_fc.weight", [4 * d, d]), (at + "mlp.c_fc.bias", [4 * d])]
                found += [(at + "mlp.c_proj.weight", [d, 4 * d]), (at + "mlp.c_proj.bias", [d])]
            return found + norm("transformer.ln_f")
        found = [("transformer.wte.weight", [v, d]), ("transformer.wpe.weight", [1024, d])]
        for layer in range(self.layers):
            at = f"transformer.h.{layer}."
            found += norm(at + "ln_1") + norm(at + "ln_2")
            for name, rows, columns in [("attn.c_attn", d, 3 * d), ("attn.c_proj", d, d),
                                        ("mlp.c_fc", d, 4 * d), ("mlp.c_proj", 4 * d, d)]:
                found += [(f"{at}{name}.weight", [rows, columns]), (f"{at}{name}.bias", [columns])]
        return found + norm("transformer.ln_f")

    def write(self, folder: pathlib.Path, seed: int = 0) -> pathlib.Path:
        """Writes config.json and float32 weights: normal numbers of 0.02, gains of norms 1.

        A million drawn numbers are used again and again from different places, which nothing notices that is timed.
        """
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(self.config()))
        draw = random.Random(seed)
        numbers = array.array("f", (draw.gauss(0, 0.02) for _ in range(1 << 20)))
        drawn = numbers.tobytes()
        header, end, tensors = {}, 0, self.tensors()
        for name, shape in tensors:
            size = 4 * shape[0] * (shape[1] if len(shape) > 1 else 1)
            header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
            end += size
        text = json.dumps(header).encode()
        text += b" " * (-(8 + len(text)) % 4096)
        with open(folder / "model.safetensors", "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for name, _ in tensors:
                start, stop = header[name]["data_offsets"]
                left = stop - start
                if ".ln_" in name and name.endswith("weight"):
                    file.write(array.array("f", [1.0]).tobytes() * (left // 4))
                    continue
                while left:
                    at = 4 * draw.randrange(len(numbers) // 2)
                    piece = drawn[at:at + left]
                    file.write(piece)
                    left -= len(piece)
        return folder


# The shape of SAELens's tutorial run, of GPT-2 small, and one that is quick to make.
SHAPES = {
    "tutorial": Shape("gpt_neo", 1024, 1, 16, 256, "blocks.0.hook_mlp_out"),
    "gpt2": Shape("gpt2", 768, 12, 12, 128, "blocks.8.hook_resid_pre"),
    "tiny": Shape("gpt2", 64, 2, 4, 64, "blocks.1.hook_resid_post"),
}


def ensure_stories() -> pathlib.Path:
    if not STORIES.exists():
        sys.exit(f"error: There is no {STORIES}; make demo-text CONFIG=pipelines/demo.json5 makes it.")
    return STORIES


def repeated_text(target: pathlib.Path, megabytes: float) -> int:
    """Writes the demo's stories again and again; the bytes of text in them."""
    lines = ensure_stories().read_bytes().splitlines(keepends=True)
    sizes = [len(json.loads(line)["text"].encode()) for line in lines]
    written, index = 0, 0
    with open(target, "wb") as file:
        while written < 1e6 * megabytes:
            file.write(lines[index % len(lines)])
            written += sizes[index % len(lines)]
            index += 1
    return written


def fresh_text(target: pathlib.Path, megabytes: float, seed: int) -> None:
    """Stories of which none comes twice but by chance."""
    generator = STORIES.with_name("stories")
    if not generator.exists():
        sys.exit(f"error: There is no {generator}; make demo-text CONFIG=pipelines/demo.json5 makes it.")
    machine.call([generator, "--output", target, "--seed", seed, "--megabytes", max(1, round(megabytes + 0.5)),
                  "--categories", target.with_suffix(".categories")])


class Programs:
    """The three programs on one pipeline file in a folder of its own, which is written where there are settings."""

    def __init__(self, binaries: pathlib.Path, place: pathlib.Path, settings: dict | None, file: str = "bench.json5"):
        self.binaries, self.place, self.file = binaries, place, place / file
        if settings is not None:
            self.file.write_text(json.dumps(dict(settings, store=str(place / "store"))))

    def run(self, program: str, *words, threads: int | None = None) -> dict:
        """Runs one; its JSON, with seconds, the peak of its memory and the processor's seconds."""
        command = [str(self.binaries / f"saeline-{program}"), *words, "--config", str(self.file), "--quiet", "--json"]
        if threads:
            command = ["taskset", "-c", f"0-{threads - 1}", *command]
        start = time.perf_counter()
        with open(self.place / "out", "wb+") as out, open(self.place / "log", "wb+") as log:
            process = subprocess.Popen(command, stdout=out, stderr=log)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            log.seek(0)
            if process.returncode != 0:
                sys.exit(f"error: {' '.join(command[:4])}: {log.read().decode().strip()[-2000:]}")
            out.seek(0)
            answer = json.loads(out.read().decode().strip().splitlines()[-1])
        return dict(answer, wall_seconds=seconds, peak_bytes=1024 * usage.ru_maxrss,
                    cpu_seconds=usage.ru_utime + usage.ru_stime)


def words(section: str, options: dict) -> list:
    return [f"--set={section}.{key}={json.dumps(value)}" for key, value in options.items()]


def bytes_below(folder: pathlib.Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def write_tensor(path: pathlib.Path, name: str, shape: list, payload) -> None:
    """A safetensors file of one float32 tensor, whose bytes `payload` yields."""
    size = 4 * shape[0] * shape[1]
    text = json.dumps({name: {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}).encode()
    text += b" " * (-(8 + len(text)) % 4096)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for piece in payload:
            file.write(piece)


def write_rows(folder: pathlib.Path, d_in: int, batch: int, count: int) -> pathlib.Path:
    """Files of `batch` drawn rows each, for saeline-cache import; rows come again in another order."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(1)
    rows = [array.array("f", (draw.gauss(0, 1) for _ in range(d_in))).tobytes() for _ in range(512)]
    for index in range(count):
        payload = (rows[draw.randrange(len(rows))] for _ in range(batch))
        write_tensor(folder / f"{index}.safetensors", "activations", [batch, d_in], payload)
    return folder
