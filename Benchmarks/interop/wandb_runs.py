"""Runs at a local W&B: the official client's, SAELens's and ours, beside one another.

    python wandb_runs.py PROGRAMS SERVER [--only-failing]

PROGRAMS is the folder of saeline-cache and saeline-train, SERVER the LocalWandbServer program.
1. The official client works against the server: init, log, an artifact, finish, resume.
2. SAELens caches activations of a tiny random model and trains on them, logging through the official client;
   saeline-train trains on the same cache with the same options. Keys of history, summary and options, names,
   types and files of artifacts must be equal, and values where both are told the same.
3. A run with WANDB_MODE=offline passes `wandb sync`.
4. While the server answers 500, 429, hangs, cuts or is gone, training takes as long as without logging, ends with
   exit code 0, and nothing is lost.
Made with Python 3.11, wandb 0.31.0, sae-lens 6.54.12, datasets 5.2, torch 2.15.
"""

import contextlib
import glob
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")

KEY = "local-0123456789abcdef0123456789abcdef01234567"
HOOK, CONTEXT, WIDTH, SEQUENCES, STEPS, ROWS = "blocks.0.hook_mlp_out", 16, 32, 256, 400, 64
# Groups of an evaluation, which are compared where ours has a model to run.
EVALUATED = {"model_performance_preservation", "reconstruction_quality", "shrinkage", "sparsity", "token_stats"}
# What only one side can have: the client's own notes, and our speed.
OWN = {"_wandb", "details/tokens_per_second"}
# Runs with and without logging for each fault, whose steps keep the processors busy.
PAIRS, BUSY_STEPS = 4, 150
BUSY = {"architecture": "topk", "k": 8, "d_sae": 64 * WIDTH, "train_batch_size_tokens": 1024}
failures = []


def expect(truth: bool, sentence: str, *details: object) -> None:
    print(("passed: " if truth else "FAILED: ") + sentence, *(details if not truth else ()))
    if not truth:
        failures.append(sentence)


class Server:
    """The local W&B, as a process."""

    def __init__(self, program: str, port: int = 0):
        self.process = subprocess.Popen(
            # The server stands for another machine, whose work does not take this one's processors.
            ["nice", "-n", "19", program, "--key", KEY, "--until-eof", "--port", str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()
        self.port = int(self.address.rsplit(":", 1)[1])
        os.environ.update(WANDB_BASE_URL=self.address, WANDB_API_KEY=KEY, NO_PROXY="127.0.0.1,127.0.0.2")

    def call(self, path: str, method: str = "GET", body: object = None) -> object:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.address + path, data, method=method)) as answer:
            return json.load(answer)

    def run(self, project: str) -> dict:
        state = self.call("/__state")
        run = next(run for run in reversed(state["runs"]) if run["project"] == project)
        run["rows"] = [json.loads(row) for row in run["history"]]
        run["artifacts"] = [one for one in state["artifacts"] if one["run"] == run["name"]]
        run["problems"] = state["problems"]
        return run

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.wait(timeout=10)


def official(server: Server) -> None:
    import wandb

    run = wandb.init(project="official", name="first", group="group", tags=["tag"], config={"lr": 1e-3})
    for step in range(20):
        wandb.log({"a": step, "nested": {"b": 1.5}, "h": wandb.Histogram([1, 2, 3])}, step=step)
    pathlib.Path("file.txt").write_text("content")
    artifact = wandb.Artifact("thing", type="model", metadata={"m": 1})
    artifact.add_file("file.txt")
    wandb.log_artifact(artifact, aliases=["best"])
    name = run.id
    wandb.finish()
    with wandb.init(project="official", id=name, resume="must") as run:
        for step in range(20, 30):
            run.log({"a": step}, step=step)
    seen = server.run("official")
    expect([row["_step"] for row in seen["rows"]] == list(range(30)), "the official client logs and resumes")
    expect(seen["state"] == "finished" and seen["group"] == "group" and seen["tags"] == ["tag"],
           "the official client's run is finished, with its group and tags", seen["state"])
    expect([(one["name"], one["type"], sorted(one["files"]), sorted(one["aliases"])) for one in seen["artifacts"]]
           == [("thing", "model", ["file.txt"], ["best", "latest"])],
           "the official client's artifact arrives", seen["artifacts"])
    expect(not seen["problems"], "the official client leaves no holes", seen["problems"])


def logged_by_saelens(tokens: object) -> None:
    from caches import tiny, write_with_saelens
    from sae_lens import (
        LanguageModelSAERunnerConfig, LanguageModelSAETrainingRunner, LoggingConfig, StandardTrainingSAEConfig)

    os.environ["WANDB_MODE"] = "online"
    model = tiny(WIDTH, CONTEXT, 50)
    write_with_saelens("theirs", model, tokens)
    config = LanguageModelSAERunnerConfig(
        sae=StandardTrainingSAEConfig(d_in=WIDTH, d_sae=4 * WIDTH, l1_coefficient=1.0), model_name="tiny",
        hook_name=HOOK, dataset_path="none", is_dataset_tokenized=True, context_size=CONTEXT,
        use_cached_activations=True, cached_activations_path="theirs", training_tokens=STEPS * ROWS,
        train_batch_size_tokens=ROWS, n_batches_in_buffer=4, store_batch_size_prompts=8, n_eval_batches=1,
        eval_batch_size_prompts=4, device="cpu", dtype="float32", n_checkpoints=2, checkpoint_path="checkpoints",
        output_path="output", lr=1e-3, verbose=False, prepend_bos=False, feature_sampling_window=100,
        dead_feature_window=50,
        logger=LoggingConfig(log_to_wandb=True, wandb_project="theirs", eval_every_n_wandb_logs=10))
    LanguageModelSAETrainingRunner(config, override_model=model, override_dataset=tokens).run()


def pipeline(name: str, steps: int = STEPS, train: dict | None = None, **logger: object) -> str:
    path = f"{name}.json5"
    rows = (train or {}).get("train_batch_size_tokens", ROWS)
    pathlib.Path(path).write_text(json.dumps({
        "name": name, "store": "store",
        "cache": {"model_name": "tiny", "hook_name": HOOK, "buffer_size_gb": 0.0002, "prepend_bos": False},
        "train": {"training_tokens": steps * rows, "train_batch_size_tokens": rows, "lr": 1e-3, "n_checkpoints": 2,
                  "adam_beta1": 0.9, "adam_beta2": 0.999, "feature_sampling_window": 100, "dead_feature_window": 50}
                 | (train or {"architecture": "standard", "d_sae": 4 * WIDTH, "l1_coefficient": 1.0}),
        "logger": logger, "evaluate": {"eval_tokens": 1000, "loss_recovered": False}}))
    return path


def train(programs: pathlib.Path, path: str, watch: object = None) -> tuple[float, str, int]:
    """Seconds of training as the run's timing.json has them, what was said, and the exit code."""
    process = subprocess.Popen(
        [programs / "saeline-train", path, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if watch:
        watch(process.pid)
    printed, said = process.communicate()
    if process.returncode:
        return 0, said, process.returncode
    folder = json.loads(printed)["folder"]
    return json.loads((pathlib.Path(folder) / "timing.json").read_text())["seconds"], said, 0


def keys(members: dict, prefix: str = "", without: set = frozenset()) -> set:
    found = set()
    for key, value in members.items():
        if key in without:
            continue
        inner = isinstance(value, dict) and "_type" not in value and value
        found |= keys(value, f"{prefix}{key}.") if inner else {prefix + key}
    return {key for key in found if key.split(".")[0] not in OWN}


def compare(ours: dict, theirs: dict) -> None:
    def same(sentence: str, one: set, other: set) -> None:
        expect(one == other, sentence, "\n  only ours:", sorted(one - other), "\n  only SAELens's:", sorted(other - one))

    has_model = any("model_performance_preservation" in row for row in ours["rows"])
    without = set() if has_model else EVALUATED
    if without:
        print("not compared, since the trainer has no model here:", ", ".join(sorted(without)))

    def figures(run: dict) -> set:
        return set().union(*(keys(row, without=without) for row in run["rows"]))

    same("names of figures", figures(ours), figures(theirs))
    same("names in the summary", keys(json.loads(ours["summary"]), without=without),
         keys(json.loads(theirs["summary"]), without=without))
    options = {key: value["value"] for key, value in ours["config"].items()}
    others = {key: value["value"] for key, value in theirs["config"].items()}
    same("names of options", keys(options), keys(others))
    told = ["adam_beta1", "adam_beta2", "context_size", "dead_feature_window", "feature_sampling_window", "hook_name",
            "lr", "lr_end", "lr_scheduler_name", "model_name", "n_checkpoints", "train_batch_size_tokens",
            "training_tokens", "use_cached_activations", "seed"]
    differing = {name: (options.get(name), others.get(name)) for name in told if options.get(name) != others.get(name)}
    expect(not differing, "values of options", differing)
    same("steps of training figures", {row["_step"] for row in ours["rows"] if "losses/mse_loss" in row},
         {row["_step"] for row in theirs["rows"] if "losses/mse_loss" in row})
    same("steps of sampling windows", {row["_step"] for row in ours["rows"] if "sparsity/below_1e-5" in row},
         {row["_step"] for row in theirs["rows"] if "sparsity/below_1e-5" in row})
    by_step = {row["_step"]: row for row in ours["rows"]}
    for name in ("details/n_training_samples", "details/current_learning_rate", "details/l1_coefficient"):
        expect(all(abs(row[name] - by_step.get(row["_step"], {}).get(name, -1)) <= 1e-6 * abs(row[name])
                   for row in theirs["rows"] if name in row), f"values of {name}")
    def artifacts(run: dict) -> list:
        return [(one["name"], one["type"], sorted(one["files"]), sorted(one["aliases"])) for one in run["artifacts"]]

    expect(artifacts(ours) == artifacts(theirs), "artifacts", artifacts(ours), artifacts(theirs))
    expect(ours["display_name"] == theirs["display_name"], "the run's name", ours["display_name"])
    expect(not ours["problems"], "no line is missing and the key stays with the server", ours["problems"])


def check_whole(run: dict, log: list, sentence: str) -> None:
    steps = [row["_step"] for row in run["rows"]]
    expect(steps == sorted({line["step"] for line in log}) and run["state"] == "finished", sentence, len(steps))


def log_of(programs: pathlib.Path, path: str) -> list:
    done = subprocess.run([programs / "saeline-train", path, "--json", "--quiet"], capture_output=True, text=True)
    folder = json.loads(done.stdout)["folder"]
    return [json.loads(line) for line in (pathlib.Path(folder) / "metrics.jsonl").read_text().splitlines()]


def sync(folder: str) -> str:
    done = subprocess.run([sys.executable, "-m", "wandb", "sync", folder], capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""


class Sending(threading.Thread):
    """Watches the processor's time of the thread that sends, which is the one that gives way to all others."""

    def __init__(self, process: int):
        super().__init__()
        self.tasks, self.seconds = pathlib.Path(f"/proc/{process}/task"), 0.0
        self.start()

    def run(self) -> None:
        ticks = os.sysconf("SC_CLK_TCK")
        with contextlib.suppress(OSError):
            while True:
                for task in self.tasks.iterdir():
                    with contextlib.suppress(OSError, IndexError):
                        fields = (task / "stat").read_text().rpartition(") ")[2].split()
                        if int(fields[16]) == 19:
                            self.seconds = max(self.seconds, (int(fields[11]) + int(fields[12])) / ticks)
                time.sleep(0.02)


def timed(programs: pathlib.Path, name: str, steps: int, fault: object, server: Server) -> tuple[float, float, str]:
    """Seconds of a run with a fault, and those of the processor that sending took."""
    if fault:
        server.call("/__faults", "POST", [fault])
    path = pipeline(
        f"failing-{name}-{steps}", steps, BUSY, log_frequency=2, log_to_wandb=True, wandb_project=f"failing-{name}")
    watched: list[Sending] = []
    seconds, said, code = train(programs, path, watch=lambda process: watched.append(Sending(process)))
    watched[0].join()
    expect(code == 0 and said.count("warning: W&B") <= 1, f"{name}: exit code 0 and one warning", code, said)
    if fault:
        server.call("/__faults", "DELETE")
    return seconds, watched[0].seconds, path


def failing(programs: pathlib.Path, server: Server, program: str) -> None:
    faults = {
        "500": {"kind": "answer", "status": 500, "path": "*", "count": 6},
        "429": {"kind": "answer", "status": 429, "headers": {"Retry-After": "2"}, "path": "*", "count": 3},
        "hang": {"kind": "hang", "seconds": 120, "path": "*file_stream", "count": 100},
        "cut": {"kind": "cut", "bytes": -1, "path": "*", "count": 6},
        "gone": None,
    }
    for index, (name, fault) in enumerate(faults.items()):
        logged, plain, sending = [], [], []
        for pair in range(PAIRS):
            for folder in glob.glob("wandb/offline-run-*"):
                shutil.rmtree(folder)
            if not fault:
                server.stop()
            # Another number of steps is another run; another name is not. Every other pair begins with logging.
            steps = BUSY_STEPS + 2 * (index * PAIRS + pair)
            for logs in [pair % 2 == 0, pair % 2 == 1]:
                if logs:
                    seconds, sent, path = timed(programs, name, steps, fault, server)
                    logged.append(seconds)
                    sending.append(sent / seconds / os.cpu_count())
                else:
                    plain.append(train(programs, pipeline(f"without-{name}-{steps}", steps - 1, BUSY, log_frequency=2))[0])
            if not fault:
                server = Server(program, server.port)
            # Runs that were left over are sent as people send them.
            for folder in glob.glob("wandb/offline-run-*"):
                trouble = sync(folder)
                expect(not trouble, f"{name}: wandb sync takes what was left", trouble)
            state = server.call("/__state")["runs"]
            known = identifier(programs, path)
            run = next(run for run in state if run["name"] == known)
            run["rows"] = [json.loads(row) for row in run["history"]]
            check_whole(run, log_of(programs, path), f"{name}: nothing is lost")
        # What two runs differ by anyway is often more than what is asked: the difference may not go beyond chance,
        # and sending may not take more of the processors.
        ratios = [one / other for one, other in zip(logged, plain)]
        ratio, chance = statistics.mean(ratios), 2 * statistics.stdev(ratios) / PAIRS ** 0.5
        share = max(sending)
        print(f"{name}: training takes {ratio:.3f} ± {chance:.3f} times as long as without logging ({PAIRS} pairs; without "
              f"{min(plain):.2f} to {max(plain):.2f} s); sending takes at most {share:.2%} of the processors")
        expect(ratio - chance <= 1.02 and share <= 0.02,
               f"{name}: training takes at most 1.02 times as long as without logging")
    server.stop()


def identifier(programs: pathlib.Path, path: str) -> str:
    """The id that W&B knows a finished run by."""
    done = subprocess.run([programs / "saeline-train", path, "--json", "--quiet"], capture_output=True, text=True)
    folder = pathlib.Path(json.loads(done.stdout)["folder"])
    return json.loads((folder / "wandb" / "run.json").read_text())["id"]


def main(programs: pathlib.Path, program: str, only_failing: bool) -> None:
    sys.path.insert(0, str(pathlib.Path(__file__).parent.resolve()))
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        server = Server(program)
        if not only_failing:
            official(server)
        import datasets
        import torch

        torch.manual_seed(0)
        tokens = datasets.Dataset.from_dict({"input_ids": torch.randint(1, 50, (SEQUENCES, CONTEXT)).tolist()})
        logged_by_saelens(tokens)
        path = pipeline("ours", eval_every_n_wandb_logs=10, n_eval_batches=1, log_to_wandb=True, wandb_project="ours")
        done = subprocess.run(
            [programs / "saeline-cache", "import", "theirs", "--config", path, "--quiet"], capture_output=True, text=True)
        expect(done.returncode == 0, "saeline-cache imports SAELens's cache", done.stderr)
        if only_failing:
            failing(programs, server, program)
            finish()
        _, said, code = train(programs, path)
        expect(code == 0, "saeline-train logs a run", said)
        compare(server.run("ours"), server.run("theirs"))
        check_whole(server.run("ours"), log_of(programs, path), "every line of the log is a part of a row")

        os.environ["WANDB_MODE"] = "offline"
        path = pipeline("offline", STEPS + 1, log_to_wandb=True, wandb_project="offline")
        _, said, code = train(programs, path)
        os.environ["WANDB_MODE"] = "online"
        folder = re.search(r"wandb sync (\S+)", said)
        expect(code == 0 and folder is not None, "an offline run tells how to send it", said)
        if folder:
            trouble = sync(folder.group(1))
            expect(not trouble, "wandb sync takes an offline run", trouble)
            check_whole(server.run("offline"), log_of(programs, path), "an offline run arrives in whole")
        failing(programs, server, program)
    finish()


def finish() -> None:
    print("wandb:", f"{len(failures)} checks failed" if failures else "passed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or sys.argv[3:] not in ([], ["--only-failing"]):
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]).resolve(), str(pathlib.Path(sys.argv[2]).resolve()), len(sys.argv) == 4)
