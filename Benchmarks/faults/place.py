"""A small pipeline in a folder of its own: its three stages, what they leave, and how that is compared.

Imported by faults.py.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess

STAGES = ["pretokenize", "cache", "train"]
FOLDERS = {"pretokenize": "tokens", "cache": "activations", "train": "runs"}
CODES = [0, 1, 2, 130]
# Longer than any stage takes on a busy machine, and than a lease of a process that is gone is waited for.
PATIENCE = 100

PIPELINE = """{
  name: "tiny",
  pretokenize: {
    tokenizer_name: "model", dataset_path: "text", context_size: 32, shard_megabytes: 1, save_path: "saved",
  },
  cache: {
    model_name: "model", hook_name: "blocks.0.hook_mlp_out", hook_names: ["blocks.1.hook_resid_post"],
    training_tokens: 6000, buffer_size_gb: 0.0008,
  },
  train: {
    architecture: "topk", k: 8, expansion_factor: 2, training_tokens: 6000,
    train_batch_size_tokens: 256, lr: 1e-3, eval_fraction: 0.2, n_checkpoints: 1, checkpoint_minutes: 1e-4,
    normalize_activations: "expected_average_only_in", keep_checkpoints: 2,
  },
  logger: { log_frequency: 3, log_to_tensorboard: true },
  evaluate: { categories: "categories.json", eval_tokens: 500, loss_tokens: 200, report_latents: 2, contexts_per_latent: 2 },
}
"""
CATEGORIES = {"animal": ["fox", "sister"], "water": ["river", "boat", "storm"]}


def text(seed: int, sentences: int) -> str:
    chance = random.Random(seed)
    subjects = ["the old fox", "Mara", "a small boat", "the king", "my sister", "the storm"]
    verbs = ["watched", "found", "left", "carried", "painted", "forgot"]
    objects = ["the red door", "seven stones", "a letter", "the river", "an empty house"]
    lines = []
    for number in range(sentences):
        words = " ".join(chance.choice(part) for part in (subjects, verbs, objects))
        lines.append(json.dumps({"text": f"{words}. " + words.capitalize() + "."}))
    return "\n".join(lines) + "\n"


class Ended:
    """What a program came to."""

    def __init__(self, code: int, errors: str):
        self.code, self.errors = code, errors

    @property
    def sentence(self) -> str:
        lines = [line for line in self.errors.splitlines() if line.startswith("error: ")]
        return lines[0] if lines else ""

    def complaint(self) -> str | None:
        """What is wrong with the way in which the program ended, were it right to fail."""
        if self.code == -signal.SIGKILL:
            return None
        if self.code not in CODES:
            return f"ended with {self.code}"
        if self.code == 0:
            return None
        lines = [line for line in self.errors.splitlines() if not re.match(r"(hint|note|warning): ", line)]
        errors = [line for line in lines if line.startswith("error: ")]
        if len(errors) != 1 or len(lines) != 1:
            return f"{len(errors)} sentences in {len(lines)} lines"
        if not re.search(r"[.?!]$", errors[0]):
            return "the sentence has no end"
        return None


class Place:
    """A folder with inputs and a store, in a state that is copied for each trial."""

    def __init__(self, programs: pathlib.Path, root: pathlib.Path, options: list[str] = ()):
        self.programs, self.root, self.options = programs, root, list(options)

    @staticmethod
    def make(programs: pathlib.Path, root: pathlib.Path, project: pathlib.Path) -> "Place":
        root.mkdir(parents=True)
        shutil.copytree(project / "pipelines/demo/model", root / "model")
        (root / "text").mkdir()
        for number in range(2):
            (root / f"text/{number}.jsonl").write_text(text(number, 250))
        (root / "tiny.json5").write_text(PIPELINE)
        (root / "categories.json").write_text(json.dumps(CATEGORIES))
        return Place(programs, root)

    def copy(self, root: pathlib.Path) -> "Place":
        shutil.copytree(self.root, root, symlinks=True)
        return Place(self.programs, root, self.options)

    def words(self, stage: str) -> list[str]:
        return [str(self.programs / f"saeline-{stage}"), "--config", "tiny.json5", "--quiet", *self.options]

    def start(self, stage: str, environment: dict = {}, more: list[str] = ()) -> subprocess.Popen:
        return subprocess.Popen(
            self.words(stage) + list(more), cwd=self.root, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
            env=os.environ | {"HF_HUB_OFFLINE": "1"} | environment)

    @staticmethod
    def end(process: subprocess.Popen, patience: float = PATIENCE) -> Ended:
        try:
            _, errors = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            process.kill()
            _, errors = process.communicate()
            return Ended(999, "HANGS\n" + errors)
        return Ended(process.returncode, errors)

    def run(self, stage: str, environment: dict = {}, more: list[str] = ()) -> Ended:
        return self.end(self.start(stage, environment, more))

    def files(self, *stages: str) -> dict[str, str]:
        """The digests of the files that stages made, without what tells the time."""
        tops = [self.root / "store" / FOLDERS[stage] for stage in stages]
        tops += [self.root / "saved"] if "pretokenize" in stages else []
        return {
            timeless_name(path.relative_to(self.root)): digest(path)
            for top in tops for path in sorted(top.rglob("*"))
            # A run that was killed after its last step does not know how long it took.
            if path.is_file() and path.name != "timing.json"}


def timeless_name(path: pathlib.Path) -> str:
    return re.sub(r"tfevents.*", "tfevents", str(path))


def digest(path: pathlib.Path) -> str:
    content = path.read_bytes()
    with contextlib.suppress(ValueError, AttributeError):  # What was damaged is compared as it is.
        content = timeless_content(path.name, content)
    return hashlib.sha256(content).hexdigest()[:16]


def timeless_content(name: str, content: bytes) -> bytes:
    if name.startswith("events.out.tfevents"):
        return b""
    if name == "metrics.jsonl":
        lines = [json.loads(line) for line in content.splitlines()]
        for line in lines:
            line.pop("details/tokens_per_second", None)
        return json.dumps(lines, sort_keys=True).encode()
    if name in ("report.html", "report.json"):
        return timeless(content.decode()).encode()
    return content


def timeless(report: str) -> str:
    """A report without how long things took, and without the sizes of files that tell it."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', report, re.DOTALL)
    data = json.loads(found.group(1) if found else report)
    frame = report.replace(found.group(1), "") if found else ""
    return json.dumps(without_times(data), sort_keys=True) + frame


def without_times(value):
    if isinstance(value, dict):
        if value.get("title") == "Speed":
            value = value | {"series": None}
        return {
            name: without_times(member) for name, member in value.items()
            if name not in ("timing", "details/tokens_per_second")}
    if isinstance(value, list):
        if len(value) > 1 and value[0] == "metrics.jsonl":
            return value[:1]
        return [without_times(member) for member in value if not (isinstance(member, list) and member[:1] == ["timing.json"])]
    return re.sub(r", [\d.]+ ?[kMG]?/s", "", value) if isinstance(value, str) else value
