"""What this machine can do, what each stage reaches of it, and where the time goes.

    python bench.py BUILD [--only roofs kernels steps passes programs] [--rounds N] [--threads N]

BUILD is the folder of the built programs. First come the roofs: large products by OpenBLAS, each thread with one of
its own, copies in memory, and the disk. Then the cases of Benchmarks/cases, which are built from the programs'
objects, at the sizes of a real run (d_in 1024, d_sae 16384, batches of 4096, k = 64), and the three programs as
processes on a text and a model that are made here. A share is that of the roof which a stage could reach at most: its
products alone at the speed of large products, or its bytes at the speed of copies. Each figure is the median of N
runs (default 5). Prints a table and writes .build/bench/bench.json. Needs Python 3.10 and nothing else.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import tempfile

import inputs
import machine

SIZES = {"d_in": 1024, "d_sae": 16384, "rows": 4096, "k": 64, "elements": 1 << 24, "text_bytes": 8_000_000}
STEPS = ["topk", "batchtopk", "jumprelu", "standard", "gated", "standard-dense", "topk-reviving"]
# Kernels of one row at a time, which other threads run beside; the shards' are shared among threads.
SERIAL = ["dot", "add", "layer-norm", "softmax", "gelu", "tokens-known", "tokens-new"]
PARALLEL = ["product-encode", "product-gradient", "product-chains", "adam", "shard-bfloat16", "shard-int8"]
# Kernels of OpenBLAS with AVX2 or more.
CURRENT = ["haswell", "zen", "skylakex", "cooperlake", "sapphirerapids"]


class Bench:
    def __init__(self, arguments, place: pathlib.Path):
        self.build, self.rounds, self.threads = arguments.build.resolve(), arguments.rounds, arguments.threads
        self.place, self.roofs, self.results = place, [], []
        self.cases = machine.OUT / "cases"
        machine.OUT.mkdir(parents=True, exist_ok=True)
        machine.call([machine.ROOT / "Benchmarks/cases/build.sh", self.build, self.cases])

    # ---- Roofs ----

    def measure_roofs(self) -> None:
        program = self.place / "roofs"
        source = pathlib.Path(__file__).with_name("roofs.c")
        machine.call([shutil.which("cc") or "clang", "-O2", source, "-o", program, "-lopenblas", "-lpthread"])
        counts = sorted({1, self.threads} | {1 << power for power in range(10) if 1 << power < self.threads})
        environment = dict(os.environ)
        chosen = machine.lines_of_json(machine.call([program, machine.OUT]))[0]["kernels"]
        if "OPENBLAS_CORETYPE" not in environment and chosen.lower() not in CURRENT:
            # A processor that is newer than OpenBLAS's list: the programs choose for it, and so does the roof.
            environment["OPENBLAS_CORETYPE"] = "SkylakeX" if "avx512f" in machine.described()["features"] else "Haswell"
        self.roofs = machine.lines_of_json(machine.call([program, machine.OUT, *counts], env=environment))

    def roof(self, kind: str, threads: int = 1) -> float | None:
        """The largest rate of a kind, at so many threads where it depends on them."""
        found = [entry["rate"] for entry in self.roofs
                 if entry.get("roof") == kind and (entry["threads"] == threads or kind.startswith("disk"))]
        return max(found) if found else None

    # ---- Cases ----

    def time(self, names: list, threads: int, label: str = "", **sizes) -> None:
        given = [f"{key}={value}" for key, value in (SIZES | sizes).items()]
        command = [self.cases, "time", "--cases", ",".join(names), "--threads", threads, "--rounds", self.rounds]
        for entry in machine.lines_of_json(machine.call(command + given, cwd=machine.ROOT)):
            seconds = statistics.median(entry["seconds"])
            self.add(entry["case"] + label, threads, seconds, entry["operations"], entry["bytes"],
                     (entry["items"], entry["item"]), entry["parts"])

    def add(self, name, threads, seconds, operations, byte_count, items, parts) -> None:
        kind = "product" if operations else "copy" if byte_count else None
        work = operations or byte_count
        roof = self.roof(kind, threads) if kind else None
        self.results.append({
            "what": name, "threads": threads, "seconds": seconds, "item": items[1], "items_per_second": items[0] / seconds,
            "work_per_second": work / seconds, "unit": "FLOP/s" if operations else "B/s", "roof": kind,
            "share": work / seconds / roof if roof and not name.startswith("tokens") else None, "parts": parts})

    def time_passes(self) -> None:
        for name in ["tutorial", "gpt2"]:
            shape = inputs.SHAPES[name]
            model = shape.write(self.place / name)
            self.time(["pass"], self.threads, f" {name}", model=model, hook=shape.hook, context_size=shape.context,
                      sequences=8)

    # ---- Programs ----

    def time_programs(self) -> None:
        shape = inputs.SHAPES["tutorial"]
        text_bytes = inputs.repeated_text(self.place / "text.jsonl", 100)
        model = shape.write(self.place / "tutorial")
        rows = 16 * 4096
        programs = inputs.Programs(self.build, self.place, {
            "name": "bench",
            "pretokenize": {
                "tokenizer_name": str(inputs.DEMO), "dataset_path": str(self.place / "text.jsonl"),
                "context_size": shape.context, "num_proc": self.threads},
            "cache": {
                "model_name": str(model), "hook_name": shape.hook, "training_tokens": rows, "dtype": "bfloat16",
                "buffer_size_gb": 0.05, "model_batch_size": 32},
            "train": {
                "architecture": "topk", "k": SIZES["k"], "d_sae": SIZES["d_sae"], "training_tokens": 8 * 4096, "lr": 1e-4,
                "threads": self.threads, "train_batch_size_tokens": 4096, "checkpoint_minutes": 1000},
            "logger": {"log_frequency": 1}, "evaluate": {"eval_tokens": 1, "loss_recovered": False}})
        answer = programs.run("pretokenize")
        details = json.loads(pathlib.Path(answer["folder"], "manifest.json").read_text())["details"]
        self.add("saeline-pretokenize", self.threads, answer["wall_seconds"], 0, text_bytes,
                 (details["tokens"], "tokens"), self.busy(answer))
        self.results[-1]["share"] = None
        bill = programs.run("cache", "--dry-run")
        answer = programs.run("cache")
        seconds = rows / answer["tokens_per_second"]
        self.add("saeline-cache tutorial", self.threads, seconds, bill["operations"], 0, (rows, "tokens"), self.busy(answer))
        answer = programs.run("train")
        folder = pathlib.Path(answer["folder"])
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        speed = statistics.median(line["details/tokens_per_second"] for line in lines[2:])
        operations = 2 * SIZES["d_in"] * SIZES["d_sae"] * 4096
        self.add("saeline-train topk", self.threads, 4096 / speed, operations, 0, (4096, "activations"), self.busy(answer))

    def busy(self, answer: dict) -> dict:
        """Of a process: its share of the processors, and the peak of its memory."""
        return {"processors": answer["cpu_seconds"] / answer["wall_seconds"], "peak_bytes": answer["peak_bytes"]}

    # ---- Answers ----

    def show(self) -> None:
        roofs = [entry for entry in self.roofs if "roof" in entry]
        if roofs:
            machine.table([("roof", "of", "threads", "rate")] + [
                (entry["roof"], entry["precision"], entry["threads"], machine.rate(entry["rate"], entry["unit"]))
                for entry in roofs])
            print()
        if self.results:
            machine.table([("what", "where the time goes", "threads", "rate", "work", "share of the roof")] + [
                (entry["what"], split(entry), entry["threads"],
                 machine.rate(entry["items_per_second"], entry["item"] + "/s"),
                 machine.rate(entry["work_per_second"], entry["unit"]) if entry["work_per_second"] else "–",
                 f"{100 * entry['share']:.0f} %" if entry["share"] else "–") for entry in self.results])


def split(entry: dict) -> str:
    """The parts of a step in per cent of it; of a process its processors and memory."""
    parts = entry["parts"]
    if "peak_bytes" in parts:
        return f"{parts['processors']:.1f} processors, {parts['peak_bytes'] / 1e6:,.0f} MB"
    # Medians of parts may add up to more than the median of the whole.
    whole = max(entry["seconds"], sum(parts.values()))
    shares = {name: 100 * seconds / whole for name, seconds in parts.items()}
    order = sorted(shares, key=lambda name: -shares[name])
    return ", ".join(f"{name} {shares[name]:.0f}" for name in order if shares[name] >= 0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    sections = ["roofs", "kernels", "steps", "passes", "programs"]
    parser.add_argument("--only", nargs="+", choices=sections, default=sections)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=machine.processors())
    arguments = parser.parse_args()
    inputs.ensure_stories()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=machine.ROOT / ".build") as place:
        bench = Bench(arguments, pathlib.Path(place))
        facts = machine.described()
        print(machine.headline(facts), flush=True)
        # Shares need the roofs of the same minute.
        bench.measure_roofs()
        facts["openblas"] = bench.roofs[0]
        print(f"OpenBLAS: {bench.roofs[0]['openblas']}; kernels {bench.roofs[0]['kernels']}\n", flush=True)
        if "kernels" in arguments.only:
            bench.time(SERIAL, 1)
            bench.time(PARALLEL, bench.threads)
        if "steps" in arguments.only:
            for name in STEPS:
                bench.time([f"step-{name}"], bench.threads)
        if "passes" in arguments.only:
            bench.time_passes()
        if "programs" in arguments.only:
            bench.time_programs()
        bench.show()
    path = machine.write("bench", facts | {"roofs": bench.roofs[1:], "results": bench.results})
    print(f"\nsteps: the work is that of the encoder's product alone; {path.relative_to(machine.ROOT)}")


if __name__ == "__main__":
    main()
