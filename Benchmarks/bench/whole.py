"""A whole run, from text to a trained SAE, here and by SAELens's documented path; and the guide's own run, predicted.

    python whole.py BUILD [--tokens N] [--shape tutorial|tiny] [--k N] [--skip-peer]

BUILD is the folder of the built programs; this Python has sae-lens. Both sides take the demo's text with the demo's
tokenizer, a model of random weights in the shape of SAELens's tutorial (one layer, d_model 1024, 256 tokens,
blocks.0.hook_mlp_out), N tokens (default 12,288,000, a tenth of the tutorial's 122,880,000) and train a TopK SAE on
them once, with the same options (d_sae 16 d_model, batches of 4,096). Stage by stage: wall-clock, the peak of memory
of the largest process, and bytes on the disk. Then both SAEs are measured by the same program,
`saeline-train evaluate`, on other text: explained variance at their L0, and loss recovered.

SAELens: PretokenizeRunner, CacheActivationsRunner (float32, as it stores by default), then
LanguageModelSAETrainingRunner with use_cached_activations; one process each.

What the guide's run takes here is the work of each stage scaled from N tokens to 122,880,000 (its rate, once it runs)
and its start as it is, beside the bill that the programs print before they start. Prints a table and writes .build/bench/whole.json.
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
GUIDE_TOKENS = 122_880_000
BATCH, BUFFER = 4096, 65_536
# Of the text that both SAEs are measured on.
OTHER_TOKENS = 65_536
# The demo's stories have four; a row at the end may be lost.
BYTES_PER_TOKEN = 4.4
STAGES = ["pretokenize", "cache", "train"]


class Run:
    """The sizes that both sides share."""

    def __init__(self, arguments, place: pathlib.Path):
        self.place, self.shape = place, inputs.SHAPES[arguments.shape]
        # SAELens drops what does not fill a buffer, of 8 batches of 32 rows of at most 256 tokens.
        self.tokens = max(1, arguments.tokens // BUFFER) * BUFFER
        self.steps = self.tokens // BATCH
        self.context, self.k, self.d_sae = self.shape.context, arguments.k, 16 * self.shape.width
        self.text = place / "text.jsonl"
        self.model, self.tokenizer = place / "model", place / "tokenizer"
        self.lr, self.warm_up, self.decay = 2e-4, self.steps // 20, self.steps // 5

    def prepare(self) -> None:
        inputs.fresh_text(self.text, BYTES_PER_TOKEN * self.tokens / 1e6, seed=1)
        inputs.fresh_text(self.place / "other.jsonl", BYTES_PER_TOKEN * OTHER_TOKENS / 1e6, seed=2)
        vocabulary = json.loads((inputs.DEMO / "config.json").read_text())["vocab_size"]
        self.shape.vocabulary = vocabulary
        self.shape.write(self.model)
        shutil.copytree(inputs.DEMO, self.tokenizer, ignore=shutil.ignore_patterns("model.*", "config.json"))
        for path in self.tokenizer.iterdir():
            shutil.copy(path, self.model)

    def json(self) -> dict:
        keep = ["tokens", "steps", "context", "k", "d_sae", "lr", "warm_up", "decay"]
        return {key: getattr(self, key) for key in keep} | {"d_in": self.shape.width, "hook": self.shape.hook}



# ---- Here ----


def ours(run: Run, build: pathlib.Path) -> dict:
    place = run.place / "saeline"
    place.mkdir()
    programs = inputs.Programs(build, place, {
        "name": "whole",
        "pretokenize": {"tokenizer_name": str(run.tokenizer), "dataset_path": str(run.text), "context_size": run.context,
                        "begin_batch_token": None, "sequence_separator_token": None},
        "cache": {"model_name": str(run.model), "hook_name": run.shape.hook,
                  "training_tokens": run.tokens, "dtype": "bfloat16", "model_batch_size": 32},
        "train": {"architecture": "topk", "k": run.k, "d_sae": run.d_sae, "training_tokens": run.tokens,
                  "train_batch_size_tokens": BATCH, "lr": run.lr, "lr_warm_up_steps": run.warm_up,
                  "lr_decay_steps": run.decay, "normalize_activations": "expected_average_only_in", "checkpoint_minutes": 1000},
        "logger": {"log_frequency": max(1, run.steps // 40)}})
    stages = {}
    for stage in STAGES:
        bill = programs.run(stage, "--dry-run")
        answer = programs.run(stage)
        folder = pathlib.Path(answer["folder"] if "folder" in answer else answer["folders"][0])
        stages[stage] = {"seconds": answer["wall_seconds"], "work_seconds": run.tokens / speed(stage, answer, folder),
                         "peak_bytes": answer["peak_bytes"], "disk_bytes": inputs.bytes_below(folder), "billed_seconds": bill.get("seconds")}
        print(f"saeline {stage}: {answer['wall_seconds']:.1f} s", flush=True)
    return {"stages": stages, "sae": str(folder), "programs": programs}


def speed(stage: str, answer: dict, folder: pathlib.Path) -> float:
    """Tokens per second while a stage runs; of training, of the second half of its steps."""
    if stage != "train":
        return answer["tokens_per_second"]
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    speeds = [line["details/tokens_per_second"] for line in lines if "details/tokens_per_second" in line]
    return statistics.median(speeds[len(speeds) // 2:])


# ---- SAELens ----


def theirs(run: Run) -> dict:
    place = run.place / "saelens"
    place.mkdir()
    settings = run.json() | {
        "text": str(run.text), "model": str(run.model), "tokenizer": str(run.tokenizer), "place": str(place),
        "threads": machine.processors(), "batch": BATCH}
    (place / "settings.json").write_text(json.dumps(settings))
    stages = {}
    for stage in STAGES:
        environment = dict(os.environ, HF_HUB_OFFLINE="1", HF_HOME=str(place / "home"), PYTHONWARNINGS="ignore",
                           HF_DATASETS_DISABLE_PROGRESS_BARS="1", WANDB_MODE="disabled")
        log = open(place / f"{stage}.log", "wb+")
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, str(HERE / "peer_run.py"), stage, str(place / "settings.json")],
                                   stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=place)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            sys.exit(f"error: SAELens's {stage} failed: {log.read().decode(errors='replace')[-2000:]}")
        outputs = {"pretokenize": "tokens", "cache": "activations", "train": "sae"}
        work = json.loads((place / f"{stage}.json").read_text())["seconds"]
        stages[stage] = {"seconds": seconds, "work_seconds": work, "peak_bytes": 1024 * usage.ru_maxrss, "disk_bytes": inputs.bytes_below(place / outputs[stage])}
        print(f"SAELens {stage}: {seconds:.1f} s", flush=True)
    return {"stages": stages, "sae": str(place / "sae")}


# ---- Quality, prediction, table ----


def ground(run: Run, build: pathlib.Path, programs: inputs.Programs) -> pathlib.Path:
    """The pipeline file of a cache of the other text."""
    settings = json.loads(programs.file.read_text())
    settings["pretokenize"]["dataset_path"] = str(run.place / "other.jsonl")
    settings["cache"]["training_tokens"] = OTHER_TOKENS
    place = run.place / "other"
    place.mkdir()
    other = inputs.Programs(build, place, settings)
    other.run("pretokenize")
    other.run("cache")
    return other.file


def quality(build: pathlib.Path, sae: str, pipeline: pathlib.Path) -> dict:
    """The figures of an SAE, by one program for both sides."""
    answer = json.loads(machine.call(
        [build / "saeline-train", "evaluate", sae, "--pipeline", pipeline, "--json", "--quiet"]))
    flat = dict(flattened(answer))
    return {name: flat.get(key) for name, key in [
        ("explained_variance", "explained_variance"), ("l0", "l0"), ("loss_recovered", "ce_loss_score")]}


def flattened(answer, prefix=""):
    for key, value in answer.items():
        if isinstance(value, dict):
            yield from flattened(value)
        elif isinstance(value, (int, float)) or value is None:
            yield key, value


def predicted(run: Run, stages: dict) -> dict:
    """Seconds and bytes of the guide's run: what a stage does for a token that often, its start once."""
    factor = GUIDE_TOKENS / run.tokens
    seconds = {stage: stages[stage]["seconds"] + (factor - 1) * stages[stage]["work_seconds"] for stage in STAGES}
    return {"seconds": seconds,
            "disk_bytes": factor * sum(stages[stage]["disk_bytes"] for stage in STAGES[:2]) + stages["train"]["disk_bytes"]}


def billed(build: pathlib.Path, run: Run, programs: inputs.Programs) -> dict:
    """What the programs' bills say about the guide's run on this machine."""
    settings = json.loads(programs.file.read_text())
    settings["cache"]["training_tokens"] = GUIDE_TOKENS
    settings["train"] |= {"training_tokens": GUIDE_TOKENS, "lr_warm_up_steps": 1000, "lr_decay_steps": 6000}
    place = run.place / "guide"
    place.mkdir()
    guide = inputs.Programs(build, place, settings)
    found = {}
    for stage in STAGES:
        done = subprocess.run([str(build / f"saeline-{stage}"), "--dry-run", "--json", "--config", str(guide.file)],
                              capture_output=True, text=True)
        lines = machine.lines_of_json(done.stdout)
        found[stage] = lines[-1].get("seconds") if lines else None
    return found


def total(stages: dict, key: str) -> float:
    values = [stages[stage][key] for stage in STAGES]
    return max(values) if key == "peak_bytes" else sum(values)


def show(answer: dict) -> None:
    mine, peer = answer["saeline"], answer.get("saelens")
    lines = [("stage", "program", "seconds", "peak MB", "disk MB", "saeline is")]
    for stage in [*STAGES, "all"]:
        for name, side in [("saeline", mine), ("SAELens", peer)]:
            if side is None:
                continue
            values = [total(side["stages"], key) if stage == "all" else side["stages"][stage][key]
                      for key in ["seconds", "peak_bytes", "disk_bytes"]]
            ratio = "–"
            if peer and name == "saeline":
                other = total(peer["stages"], "seconds") if stage == "all" else peer["stages"][stage]["seconds"]
                ratio = f"{other / values[0]:.2f} times"
            lines.append((stage, name, f"{values[0]:,.1f}", f"{values[1] / 1e6:,.0f}", f"{values[2] / 1e6:,.0f}", ratio))
    machine.table(lines)
    print()
    figures = [("figure", "of", "saeline", "SAELens")]
    for key in ["explained_variance", "l0", "loss_recovered"]:
        shown = [f"{side['quality'][key]:.4f}" if side and side["quality"].get(key) is not None else "–"
                 for side in (mine, peer)]
        figures.append((key, "other text", *shown))
    machine.table(figures)
    print("\nThe guide's run, 122,880,000 tokens:")
    guide = [("stage", "in", "measured rates", "the bill", "SAELens's rates")]
    for stage in STAGES:
        guide.append((stage, "hours", f"{mine['guide']['seconds'][stage] / 3600:.2f}", hours(answer["bill"][stage]),
                      hours(peer and peer["guide"]["seconds"][stage])))
    guide.append(("all", "hours", f"{sum(mine['guide']['seconds'].values()) / 3600:.2f}",
                  hours(sum(value or 0 for value in answer["bill"].values())),
                  hours(peer and sum(peer["guide"]["seconds"].values()))))
    guide.append(("disk", "GB", f"{mine['guide']['disk_bytes'] / 1e9:.0f}", "–",
                  f"{peer['guide']['disk_bytes'] / 1e9:.0f}" if peer else "–"))
    machine.table(guide)


def hours(seconds) -> str:
    return f"{seconds / 3600:.2f}" if seconds else "–"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--tokens", type=int, default=GUIDE_TOKENS // 10)
    parser.add_argument("--shape", choices=["tutorial", "tiny"], default="tutorial")
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--skip-peer", action="store_true")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    inputs.ensure_stories()
    facts = machine.described() | {"packages": machine.packages(["torch", "sae-lens", "transformer-lens", "transformers"])}
    print(machine.headline(facts), flush=True)
    with tempfile.TemporaryDirectory(prefix="whole-", dir=machine.ROOT / ".build") as place:
        run = Run(arguments, pathlib.Path(place))
        run.prepare()
        share = run.tokens / GUIDE_TOKENS
        print(f"{run.tokens:,} tokens, {100 * share:.2g} % of the guide's, {run.shape.width} to {run.d_sae}, "
              f"k = {run.k}\n", flush=True)
        mine = ours(run, build)
        programs = mine.pop("programs")
        peer = None if arguments.skip_peer else theirs(run)
        answer = facts | {"run": run.json(), "share": share, "saeline": mine}
        pipeline = ground(run, build, programs)
        for side in filter(None, [mine, peer]):
            side["quality"], side["guide"] = quality(build, side["sae"], pipeline), predicted(run, side["stages"])
        if peer:
            answer["saelens"] = peer
        answer["bill"] = billed(build, run, programs)
    show(answer)
    print(f"\n{machine.write('whole', answer).relative_to(machine.ROOT)}")


if __name__ == "__main__":
    main()
