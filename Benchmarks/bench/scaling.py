"""How the time of a step, of a pass and of caching grows with every size, beside what the arithmetic says.

    python scaling.py BUILD [--only d_sae k d_in rows context threads workers shards] [--rounds N] [--full]

BUILD is the folder of the built programs. One size at a time is changed from d_in 512, d_sae 8192, batches of 2,048 and
k = 32 (--full: 1024, 16384, 4096 and 64, with d_sae up to 131,072; minutes). Operations of a step are those of the
encoder's product, of the active latents in both weights' gradients, their decoding and their pre-activations, and Adam's;
of a pass those of its products. `kept` is the operations per second at a size in those at the first: 100 % is a cost that
grows as the arithmetic says. Workers are processes at one cache; shards the same cache in more and smaller files.
Prints a table and writes .build/bench/scaling.json.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import inputs
import machine

SMALL = {"d_in": 512, "d_sae": 8192, "rows": 2048, "k": 32}
FULL = {"d_in": 1024, "d_sae": 16384, "rows": 4096, "k": 64}
# Below this share of the arithmetic a line is marked.
ENOUGH = 0.8


def step_operations(d_in: int, d_sae: int, rows: int, k: int) -> float:
    """The encoder's product; decoding, two gradients and the way back of each active latent; Adam over both matrices."""
    return 2 * rows * d_in * d_sae + 8 * rows * k * d_in + 2 * 12 * d_in * d_sae


class Scaling:
    def __init__(self, arguments, place: pathlib.Path):
        self.build, self.rounds, self.place = arguments.build.resolve(), arguments.rounds, place
        self.base = FULL if arguments.full else SMALL
        self.threads, self.results = machine.processors(), []
        self.cases = machine.OUT / "cases"
        machine.OUT.mkdir(parents=True, exist_ok=True)
        machine.call([machine.ROOT / "Benchmarks/cases/build.sh", self.build, self.cases])
        factors = [1 / 4, 1 / 2, 1, 2] + ([4, 8] if arguments.full else [])
        self.values = {
            "d_sae": [int(self.base["d_sae"] * factor) for factor in factors],
            "k": [self.base["k"] // 4 * 2 ** power for power in range(5)],
            "d_in": [int(self.base["d_in"] * factor) for factor in [1 / 4, 1 / 2, 1, 2]],
            "rows": [int(self.base["rows"] * factor) for factor in [1 / 4, 1 / 2, 1, 2]],
            "context": [64, 128, 256, 512, 1024],
            "threads": sorted({1, self.threads} | {2 ** power for power in range(8) if 2 ** power < self.threads}),
            "workers": sorted({1, self.threads} | {2 ** power for power in range(4) if 2 ** power < self.threads}),
            "shards": [1, 2, 4, 8],
        }

    def note(self, size: str, value: int, seconds: float, operations: float) -> None:
        self.results.append({"size": size, "value": value, "seconds": seconds, "operations": operations})

    def timed(self, case: str, threads: int, **sizes) -> tuple:
        command = [self.cases, "time", "--cases", case, "--threads", threads, "--rounds", self.rounds]
        command += [f"{key}={value}" for key, value in sizes.items()]
        entry = machine.lines_of_json(machine.call(command, cwd=machine.ROOT))[0]
        # The best: sizes are compared with one another, and not with a machine that others use.
        return min(entry["seconds"]), entry["operations"]

    def run(self, size: str) -> None:
        if size in self.base:
            for value in self.values[size]:
                sizes = self.base | {size: value}
                seconds, _ = self.timed("step-topk", self.threads, **sizes)
                self.note(size, value, seconds, step_operations(**sizes))
        elif size == "threads":
            for value in self.values[size]:
                seconds, _ = self.timed("step-topk", value, **self.base)
                # As many threads could do as many times the work.
                self.note(size, value, seconds, step_operations(**self.base) / value)
        elif size == "context":
            shape = inputs.Shape("gpt2", 256, 4, 8, 1024, "blocks.3.hook_resid_post", vocabulary=4096)
            model = shape.write(self.place / "model")
            for value in self.values[size]:
                # As many tokens each time, but at a context beyond.
                seconds, operations = self.timed(
                    "pass", self.threads, model=model, hook=shape.hook, context_size=value, sequences=max(1, 4096 // value))
                self.note(size, value, seconds, operations)
        else:
            self.run_cache(size)

    def run_cache(self, size: str) -> None:
        """A cache of one model by more workers, or in more shards."""
        shape = inputs.Shape("gpt2", 256, 4, 8, 128, "blocks.3.hook_resid_post", vocabulary=4096)
        model = shape.write(self.place / "model")
        text = self.place / "text.jsonl"
        inputs.repeated_text(text, 2)
        tokens = 2048 * shape.context
        for value in self.values[size]:
            place = self.place / f"{size}-{value}"
            place.mkdir()
            shards = value if size == "shards" else 8
            programs = inputs.Programs(self.build, place, {
                "name": "scaling",
                "pretokenize": {"tokenizer_name": str(inputs.DEMO), "dataset_path": str(text), "context_size": shape.context},
                "cache": {"model_name": str(model), "hook_name": shape.hook, "training_tokens": tokens,
                          "buffer_size_gb": 4 * shape.width * tokens / shards / 1e9}})
            programs.run("pretokenize")
            seconds = []
            for _ in range(self.rounds):
                shutil.rmtree(place / "store/activations", ignore_errors=True)
                seconds.append(self.workers(programs, value if size == "workers" else 1))
            found = len(list(place.glob("store/activations/*/shard-*")))
            if size == "shards" and found != shards:
                print(f"{shards} shards were asked for, and there are {found}", file=sys.stderr)
            # The processors are the same: more workers share them.
            self.note(size, value, min(seconds), 1)
            shutil.rmtree(place)

    def workers(self, programs: inputs.Programs, count: int) -> float:
        """Seconds until so many processes are done; each has its share of the processors."""
        threads = max(1, self.threads // count)
        command = [programs.binaries / "saeline-cache", "--config", programs.file, "--quiet"]
        start = time.perf_counter()
        # Each worker may use the processors of its own.
        processes = [subprocess.Popen(
            ["taskset", "-c", f"{number * threads % self.threads}-{number * threads % self.threads + threads - 1}", *command],
            stdout=subprocess.DEVNULL) for number in range(count)]
        if any([process.wait() for process in processes]):
            sys.exit("error: a worker failed")
        return time.perf_counter() - start

    def finish(self) -> None:
        """Adds to every result what it keeps of the first's operations per second."""
        for size in dict.fromkeys(entry["size"] for entry in self.results):
            entries = [entry for entry in self.results if entry["size"] == size]
            for entry in entries:
                entry["kept"] = (entry["operations"] / entry["seconds"]) / (entries[0]["operations"] / entries[0]["seconds"])

    def show(self) -> None:
        lines = [("size", "value", "seconds", "arithmetic", "kept", "")]
        for entry in self.results:
            first = next(other for other in self.results if other["size"] == entry["size"])
            expected = first["seconds"] * entry["operations"] / first["operations"]
            lines.append((entry["size"], f"{entry['value']:,}", f"{entry['seconds']:.4f}", f"{expected:.4f}",
                          f"{100 * entry['kept']:.0f} %", "!" if entry["kept"] < ENOUGH else ""))
        machine.table(lines)


def main() -> None:
    sizes = ["d_sae", "k", "d_in", "rows", "context", "threads", "workers", "shards"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", choices=sizes, default=sizes)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--full", action="store_true")
    arguments = parser.parse_args()
    inputs.ensure_stories()
    facts = machine.described()
    print(machine.headline(facts), flush=True)
    with tempfile.TemporaryDirectory(prefix="scaling-", dir=machine.ROOT / ".build") as place:
        scaling = Scaling(arguments, pathlib.Path(place))
        for size in arguments.only:
            scaling.run(size)
    scaling.finish()
    scaling.show()
    path = machine.write("scaling", facts | {"base": scaling.base, "results": scaling.results})
    print(f"\n{path.relative_to(machine.ROOT)}")


if __name__ == "__main__":
    main()
