"""Speed of saeline-train beside SAELens, dictionary_learning and sparsify, and its memory.

    python bench.py PROGRAMS [--rounds N] [--only speed memory]

PROGRAMS is the folder of saeline-cache and saeline-train. Speed: d_in 1024, d_sae 16384, batches of
4096, two threads. In each of N (default 2) rounds every program is a process of its own, one after
another, so that a machine that slows down slows all of them: topk with k = 64 here and in the three
peers, then a standard SAE whose biases leave about 64 latents active, here and in SAELens. All see the
rows of peers.py; here they are read from imported shards. A figure is the median of a process's steps
without the first two; what is printed at the end is the median over the rounds.

Memory: d_sae 65536, topk and standard (which starts dense): what --dry-run states against the largest
resident set, and how much of that were mapped shards, which the statement leaves out.
Made with Python 3.11, torch 2.15, sae-lens 6.54.12, dictionary-learning 0.1.0, eai-sparsify 1.3.3.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from safetensors.torch import save_file

import peers

SIZES = argparse.Namespace(d_in=1024, d_sae=16384, batch=4096, k=64)
HOOK = "blocks.0.hook_mlp_out"
STEPS = 7
TOPK = ["saelens-topk", "dictionary-learning", "sparsify"]


class Saeline:
    """Runs of saeline-train on the peers' rows, in a store of its own."""

    def __init__(self, programs: pathlib.Path, place: pathlib.Path):
        self.programs, self.place, self.file = programs, place, place / "bench.json5"
        self.file.write_text(json.dumps({
            "name": "bench", "store": str(place / "store"),
            "cache": {"model_name": "nobody/rows", "hook_name": HOOK},
            "train": {
                "train_batch_size_tokens": SIZES.batch, "training_tokens": STEPS * SIZES.batch,
                "lr": peers.LR, "threads": 2, "checkpoint_minutes": 1000},
            "logger": {"log_frequency": 1}, "evaluate": {"eval_tokens": 1}}))
        (place / "rows").mkdir()
        batches = peers.make_batches(SIZES, STEPS)
        for index, batch in enumerate(batches):
            save_file({"activations": batch}, place / "rows" / f"{index}.safetensors")
        self.call("saeline-cache", "import", str(place / "rows"))
        sae = peers.saelens_sae(SIZES, batches, "standard", l1_coefficient=0.01)
        sae.save_inference_model(str(place / "sparse"))

    def words(self, architecture: str, **options) -> list:
        options = dict(options, architecture=architecture)
        if architecture == "topk":
            options["k"] = SIZES.k
        return [f"--set=train.{key}={json.dumps(value)}" for key, value in options.items()]

    def call(self, program: str, *words: str) -> str:
        done = subprocess.run(
            [self.programs / program, *words, "--config", self.file, "--quiet", "--json"],
            capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"bench: {program} {' '.join(words)}: {done.stderr}")
        return done.stdout

    def speed(self, architecture: str, **options) -> float:
        """Activations per second, and the L0."""
        words = self.words(architecture, d_sae=SIZES.d_sae, **options)
        folder = pathlib.Path(json.loads(self.call("saeline-train", *words))["folder"])
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        shutil.rmtree(folder)
        speeds = [line["details/tokens_per_second"] for line in lines[2:]]
        print(f"saeline, {architecture}: {statistics.median(speeds):.0f} activations per second, best "
              f"{max(speeds):.0f}, L0 {lines[-1]['metrics/l0']:.1f}", flush=True)
        return statistics.median(speeds)

    def memory(self, architecture: str) -> None:
        """Prints the largest resident set beside what the bill says."""
        words = self.words(architecture, d_sae=65536, training_tokens=3 * SIZES.batch)
        stated = json.loads(self.call("saeline-train", *words, "--dry-run"))["memory_bytes"]
        process = subprocess.Popen(
            [self.programs / "saeline-train", *words, "--config", self.file, "--quiet", "--json"],
            stdout=subprocess.DEVNULL)
        largest = {"VmHWM": 0, "RssAnon": 0}
        while process.poll() is None:
            try:
                status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            except OSError:
                break
            for key in largest:
                found = re.search(rf"{key}:\s+(\d+) kB", status)
                largest[key] = max(largest[key], 1024 * int(found[1]) if found else 0)
            time.sleep(0.05)
        if process.wait():
            sys.exit("bench: a run with d_sae 65536 failed")
        print(f"d_sae 65536, {architecture}: stated {stated / 1e9:.2f} GB, largest resident set "
              f"{largest['VmHWM'] / 1e9:.2f} GB ({100 * largest['VmHWM'] / stated - 100:+.1f} %), of "
              f"which its own memory {largest['RssAnon'] / 1e9:.2f} GB "
              f"({100 * largest['RssAnon'] / stated - 100:+.1f} %)", flush=True)


def peer(name: str) -> float:
    done = subprocess.run(
        [sys.executable, pathlib.Path(__file__).with_name("peers.py"), name], capture_output=True,
        text=True)
    print(done.stdout.strip() or f"{name}: {done.stderr}", flush=True)
    found = re.search(r": (\d+) activations per second", done.stdout)
    return float(found[1]) if found else float("nan")


def compare(ours: Saeline, rounds: int) -> None:
    found = {}
    for turn in range(rounds):
        def note(name: str, speed: float) -> None:
            found.setdefault(name, []).append(speed)

        note("topk", ours.speed("topk", seed=turn))
        for name in TOPK:
            note(name, peer(name))
        start = str(ours.place / "sparse")
        note("standard", ours.speed(
            "standard", seed=turn, from_pretrained_path=start, l1_coefficient=0.01))
        note("saelens-standard", peer("saelens-standard"))
    middle = {name: statistics.median(speeds) for name, speeds in found.items()}
    for name in TOPK:
        print(f"topk, k = {SIZES.k}: {middle['topk'] / middle[name]:.1f} times {name}")
    print(f"standard: {middle['standard'] / middle['saelens-standard']:.1f} times SAELens")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=["speed", "memory"], default=["speed", "memory"])
    arguments = parser.parse_args()
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as place:
        ours = Saeline(arguments.programs.resolve(), pathlib.Path(place))
        if "speed" in arguments.only:
            compare(ours, arguments.rounds)
        if "memory" in arguments.only:
            for architecture in ["topk", "standard"]:
                ours.memory(architecture)


if __name__ == "__main__":
    main()
