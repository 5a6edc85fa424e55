"""The three programs beside the field's, on the same inputs, in turn.

    python peers.py BUILD [--only text passes steps] [--rounds N] [--megabytes N] [--batches N] [--steps N]

BUILD is the folder of the built programs; this Python has the peers (make bench-peers makes one). In each of N rounds
(default 3) Saeline and every peer are measured one after the other, A B A B, each in a process of its own, so that a
machine that slows down slows all of them; a ratio is that of two neighbors, and what is printed is the median with the
least and the largest. A peer that fails is named and left out.

  text    a JSONL of N megabytes (default 50; SAELens gets a quarter): whole processes, from the start to the end
  passes  the shapes of SAELens's tutorial and of GPT-2 small, 32 sequences at a time: tokens per second from the first
          batch to the last shard on the disk here, of the passes alone in TransformerLens and transformers, of run() in SAELens;
          then with autocast_lm here, beside TransformerLens in float32 and in bfloat16
  steps   d_in 1024, d_sae 16384, batches of 4096: topk with k = 64, and a standard SAE whose biases leave about 64
          latents active

Prints a table and writes .build/bench/peers.json.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import inputs
import machine

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = ["torch", "sae-lens", "transformer-lens", "transformers", "tokenizers", "datasets", "dictionary-learning",
            "eai-sparsify", "quicktok-v1"]
HOOK = "blocks.0.hook_mlp_out"
# Of a step: those of SAELens's tutorial.
SIZES = argparse.Namespace(d_in=1024, d_sae=16384, batch=4096, k=64)


class Failed(Exception):
    """A peer that ended with an error; says the last it printed."""


class Comparison:
    """Rounds of one section: ours and every peer in turn."""

    def __init__(self, section: str, item: str, rounds: int):
        self.section, self.item, self.rounds = section, item, rounds
        self.rates, self.ratios, self.peaks, self.refused = {}, {}, {}, {}

    def run(self, what: str, ours, peers: dict) -> None:
        """`ours` and each of `peers` give items per second and the peak of memory in bytes."""
        for number in range(self.rounds):
            for name, peer in peers.items():
                if (what, name) in self.refused:
                    continue
                print(f"round {number + 1} of {self.rounds}: {what}, {name}", file=sys.stderr)
                mine = self.note(what, "saeline", ours(number))
                try:
                    theirs = self.note(what, name, peer())
                except Failed as failure:
                    self.refused[what, name] = str(failure)
                    continue
                self.ratios.setdefault((what, name), []).append(mine / theirs)

    def note(self, what, name, found) -> float:
        rate, peak = found
        self.rates.setdefault((what, name), []).append(rate)
        self.peaks[what, name] = max(self.peaks.get((what, name), 0), peak)
        return rate

    def results(self) -> list:
        found = []
        for (what, name), rates in self.rates.items():
            ratios = self.ratios.get((what, name))
            found.append({
                "section": self.section, "what": what, "program": name, "item": self.item,
                "rate": machine.spread(rates), "ratio": machine.spread(ratios) if ratios else None,
                "peak_bytes": self.peaks[what, name]})
        return found


def peer(script: str, *words, python: str = sys.executable, wall: bool = False) -> tuple:
    """One peer in a process: items per second and the peak of memory."""
    with tempfile.TemporaryDirectory(prefix="peer-") as home:
        environment = dict(os.environ, HF_HUB_OFFLINE="1", HF_HOME=home, HF_DATASETS_DISABLE_PROGRESS_BARS="1",
                           PYTHONWARNINGS="ignore")
        start = time.perf_counter()
        done = subprocess.run(
            [python, str(HERE / script), *map(str, words)], capture_output=True, text=True, env=environment, cwd=home)
        seconds = time.perf_counter() - start
    found = machine.lines_of_json(done.stdout)
    if done.returncode or not found:
        lines = [line for line in done.stderr.strip().splitlines() if "Error" in line or line.startswith("error")]
        raise Failed((lines or done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:200])
    return found[-1]["items"] / (seconds if wall else found[-1]["seconds"]), found[-1]["peak_bytes"]


# ---- Text ----


def compare_text(arguments, place: pathlib.Path) -> Comparison:
    whole, less = place / "text.jsonl", place / "less.jsonl"
    inputs.repeated_text(whole, arguments.megabytes)
    inputs.repeated_text(less, arguments.megabytes / 4)
    tokenizer = place / "tokenizer"
    shutil.copytree(inputs.DEMO, tokenizer)
    comparison = Comparison("text", "tokens", arguments.rounds)
    context = {"context_size": 128, "begin_batch_token": None, "sequence_separator_token": None}

    def ours(text, threads):
        def run(number):
            folder = pathlib.Path(tempfile.mkdtemp(dir=place))
            programs = inputs.Programs(arguments.build, folder, {
                "name": "bench", "pretokenize": context | {
                    "tokenizer_name": str(tokenizer), "dataset_path": str(text), "num_proc": threads}})
            answer = programs.run("pretokenize")
            details = json.loads(pathlib.Path(answer["folder"], "manifest.json").read_text())["details"]
            shutil.rmtree(folder)
            tokens = details["tokens"] + details["dropped_tokens"]
            return tokens / answer["wall_seconds"], answer["peak_bytes"]
        return run

    def theirs(name, text, threads):
        def run():
            folder = tempfile.mkdtemp(dir=place)
            try:
                return peer("peer_text.py", name, tokenizer, text, folder, threads, wall=name == "saelens")
            finally:
                shutil.rmtree(folder)
        return run

    threads = arguments.threads
    comparison.run(f"{threads} threads", ours(whole, threads), {"tokenizers": theirs("tokenizers", whole, threads)})
    comparison.run(f"{threads} threads, a quarter of the text", ours(less, threads), {
        "saelens": theirs("saelens", less, threads)})
    comparison.run("1 thread", ours(whole, 1), {"quicktok": theirs("quicktok", whole, 1)})
    return comparison


# ---- Passes ----


def compare_passes(arguments, place: pathlib.Path) -> Comparison:
    import torch

    sys.path.insert(0, str(HERE.parent / "cache"))
    import runs

    comparison = Comparison("passes", "tokens", arguments.rounds)
    for name in ["tutorial", "gpt2"]:
        shape = inputs.SHAPES[name]
        model = shape.write(place / name)
        tokens = torch.randint(0, shape.vocabulary, (3 * arguments.batches * 32, shape.context))

        def ours(**settings):
            def run(number):
                path = runs.write_pipeline(
                    place, model, tokens, shape.vocabulary, [shape.hook], dtype="bfloat16", shuffle=True, seed=number,
                    model_batch_size=32, buffer_size_gb=0.05, **settings)
                runs.run(arguments.build / "saeline-pretokenize", path)
                shutil.rmtree(place / "store/activations", ignore_errors=True)
                answer = inputs.Programs(arguments.build, place, None, path.name).run("cache")
                return answer["tokens_per_second"], answer["peak_bytes"]
            return run

        def theirs(peer_name):
            def run():
                folder = tempfile.mkdtemp(dir=place)
                try:
                    return peer("peer_pass.py", peer_name, model, shape.hook, shape.context, arguments.batches,
                                arguments.threads, folder)
                finally:
                    shutil.rmtree(folder)
            return run

        names = ["transformer-lens", "transformer-lens-bf16", "transformers", "transformers-bf16", "saelens"]
        comparison.run(name, ours(), {peer_name: theirs(peer_name) for peer_name in names})
        comparison.run(f"{name}, autocast_lm", ours(autocast_lm=True), {
            peer_name: theirs(peer_name) for peer_name in names[:2]})
        shutil.rmtree(place / "store", ignore_errors=True)
    return comparison


# ---- Steps ----


def compare_steps(arguments, place: pathlib.Path) -> Comparison:
    import torch
    from safetensors.torch import save_file

    import peer_step

    torch.manual_seed(0)
    sizes, steps = SIZES, arguments.steps + 2
    programs = inputs.Programs(arguments.build, place, {
        "name": "bench", "cache": {"model_name": "nobody/rows", "hook_name": HOOK},
        "train": {"train_batch_size_tokens": sizes.batch, "training_tokens": steps * sizes.batch, "d_sae": sizes.d_sae,
                  "lr": peer_step.LR, "threads": arguments.threads, "checkpoint_minutes": 1000},
        "logger": {"log_frequency": 1}, "evaluate": {"eval_tokens": 1}})
    (place / "rows").mkdir()
    batches = peer_step.make_batches(sizes, steps)
    for index, batch in enumerate(batches):
        save_file({"activations": batch}, place / "rows" / f"{index}.safetensors")
    programs.run("cache", "import", str(place / "rows"))
    peer_step.saelens_sae(sizes, batches, "standard", l1_coefficient=0.01).save_inference_model(str(place / "sparse"))
    del batches
    comparison = Comparison("steps", "activations", arguments.rounds)

    def ours(**options):
        def run(number):
            # The first two steps take the memory that all take.
            answer = programs.run("train", *inputs.words("train", options | {"seed": number}))
            folder = pathlib.Path(answer["folder"])
            lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
            shutil.rmtree(folder)
            return statistics.median(line["details/tokens_per_second"] for line in lines[2:]), answer["peak_bytes"]
        return run

    def theirs(name):
        given = [word for key, value in vars(sizes).items() for word in (f"--{key.replace('_', '-')}", value)]
        return lambda: peer(
            "peer_step.py", name, "--threads", arguments.threads, "--steps", arguments.steps, *given)

    comparison.run("topk, k = 64", ours(architecture="topk", k=sizes.k), {
        name: theirs(name) for name in ["saelens-topk", "dictionary-learning", "sparsify"]})
    comparison.run(
        "standard, L0 64", ours(architecture="standard", from_pretrained_path=str(place / "sparse"), l1_coefficient=0.01),
        {"saelens-standard": theirs("saelens-standard")})
    return comparison


SECTIONS = {"text": compare_text, "passes": compare_passes, "steps": compare_steps}


def show(results: list, refused: dict) -> None:
    lines = [("what", "program", "items", "rate", "saeline is", "from", "to", "peak MB")]
    for entry in results:
        ratio = entry["ratio"]
        lines.append((
            entry["what"], entry["program"], entry["item"], f"{entry['rate']['median']:,.0f}/s",
            *([f"{ratio[key]:.2f} times" for key in ("median", "least", "largest")] if ratio else ["–"] * 3),
            f"{entry['peak_bytes'] / 1e6:,.0f}"))
    machine.table(lines)
    for (what, name), reason in refused.items():
        print(f"{what}: {name} is left out: {reason}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=machine.processors())
    parser.add_argument("--megabytes", type=float, default=50)
    parser.add_argument("--batches", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3)
    arguments = parser.parse_args()
    arguments.build = arguments.build.resolve()
    facts = machine.described() | {"packages": machine.packages(PACKAGES)}
    print(machine.headline(facts))
    print(", ".join(f"{name} {version}" for name, version in facts["packages"].items()), "\n", flush=True)
    results, refused = [], {}
    for section in arguments.only:
        with tempfile.TemporaryDirectory(prefix="peers-", dir=machine.ROOT / ".build") as place:
            comparison = SECTIONS[section](arguments, pathlib.Path(place))
        results += comparison.results()
        refused |= comparison.refused
    show(results, refused)
    left_out = [{"what": what, "program": name, "reason": reason} for (what, name), reason in refused.items()]
    path = machine.write("peers", facts | {"rounds": arguments.rounds, "results": results, "left_out": left_out})
    print(f"\n{arguments.rounds} rounds, {arguments.threads} threads; {path.relative_to(machine.ROOT)}")


if __name__ == "__main__":
    main()
