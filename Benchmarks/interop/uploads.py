"""Uploads to a local Hub with our programs and reads what they left with the official clients.

Usage: uploads.py LOCAL_HUB BIN, with the LocalHubServer program and the folder of ours

A text is tokenized, the demo's model is run over it and a small SAE is trained, all in a temporary
folder. Prints a line per check and exits 1 where one fails. Nothing leaves this machine.

Tried with Python 3.11, huggingface_hub 2.4.0, datasets 5.2.0, sae-lens 6.54.12 and torch 2.15.0.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from local_hub import call, check, serving, run_checks

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORDS = "the little dog ran over a green hill and found an old red ball under the tall tree".split()


class World:
    def __init__(self, folder: pathlib.Path, programs: pathlib.Path):
        self.folder, self.programs = folder, programs
        stories = folder / "stories.jsonl"
        with stories.open("w") as file:
            for number in range(4000):
                words = [WORDS[(number * 7 + place * place) % len(WORDS)] for place in range(60)]
                file.write(json.dumps({"text": " ".join(words) + "."}) + "\n")
        model = str(ROOT / "pipelines/demo/model")
        self.pipeline = folder / "run.json5"
        self.pipeline.write_text(json.dumps({
            "name": "uploaded", "store": str(folder / "store"),
            "pretokenize": {
                "tokenizer_name": model, "dataset_path": str(stories), "context_size": 64,
                "hf_repo_id": "me/tokens", "hf_num_shards": 4, "save_path": str(folder / "saved"),
            },
            "cache": {
                "model_name": model, "hook_name": "blocks.1.hook_resid_post",
                "training_tokens": 64 * 500, "hf_repo_id": "me/activations",
            },
            "train": {
                "architecture": "topk", "k": 4, "d_sae": 128, "training_tokens": 64 * 400,
                "train_batch_size_tokens": 512, "lr": 1e-3, "eval_fraction": 0.05,
            },
        }))

    def run(self, program: str, *words: str, **variables: str) -> str:
        command = [str(self.programs / f"saeline-{program}"), *words]
        result = subprocess.run(
            command, env={**os.environ, **variables}, capture_output=True, text=True)
        assert result.returncode == 0, (command, result.stderr)
        return result.stdout.strip()


def changes() -> list[str]:
    """The requests since the log was cleared that change something."""
    return [entry["path"] for entry in call("/__log") if entry["method"] != "GET"]


def saved_rows(world: World) -> list[list[int]]:
    from datasets import load_dataset

    files = sorted(str(path) for path in (world.folder / "saved").glob("*.parquet"))
    return load_dataset("parquet", data_files=files, split="train")["input_ids"][:]


@check
def tokens(world):
    """load_dataset reads the uploaded rows, with every check of sizes and sums"""
    from datasets import load_dataset

    world.run("pretokenize", str(world.pipeline))
    rows = load_dataset("me/tokens", split="train", verification_mode="all_checks")
    assert rows["input_ids"][:] == saved_rows(world)


@check
def as_pushed(world):
    """The repository is what push_to_hub and SAELens's runner make of the same rows"""
    from dataclasses import fields

    from datasets import Dataset, Features, List, Value
    from huggingface_hub import HfApi, hf_hub_download
    from sae_lens.pretokenize_runner import PretokenizedDatasetMetadata

    features = Features({"input_ids": List(Value("int32"))})
    rows = Dataset.from_dict({"input_ids": saved_rows(world)}, features=features)
    rows.push_to_hub("me/pushed", num_shards=4)
    api = HfApi()
    names = {name: set(api.list_repo_files(name, repo_type="dataset")) for name in ("me/tokens", "me/pushed")}
    assert names["me/tokens"] - names["me/pushed"] == {"sae_lens.json"}, names

    def front(name):
        from huggingface_hub import DatasetCard

        card = DatasetCard.load(hf_hub_download(name, "README.md", repo_type="dataset")).data.to_dict()
        # How well the files are compressed is each writer's own affair.
        card["dataset_info"].pop("download_size")
        return card

    assert front("me/tokens") == front("me/pushed")
    record = json.loads(pathlib.Path(
        hf_hub_download("me/tokens", "sae_lens.json", repo_type="dataset")).read_text())
    assert set(record) == {field.name for field in fields(PretokenizedDatasetMetadata)}


@check
def nothing_twice(world):
    """A second run sends nothing; one whose record is gone makes the same bytes again"""
    call("/__log", "DELETE")
    folder = pathlib.Path(world.run("pretokenize", str(world.pipeline)))
    assert changes() == [], changes()
    (folder / "upload.json").unlink()
    world.run("pretokenize", str(world.pipeline))
    assert changes() == [], changes()


@check
def killed(world):
    """An upload that is killed goes on: what the storage has is not sent again"""
    call("/__faults", "POST", [{"kind": "hang", "seconds": 5, "path": "*/commit/main", "count": 1}])
    words = [str(world.pipeline), "--set", "pretokenize.hf_repo_id=me/killed"]
    process = subprocess.Popen(
        [str(world.programs / "saeline-pretokenize"), *words], stderr=subprocess.DEVNULL)
    deadline = time.time() + 60
    while not any(path.endswith("/commit/main") and "killed" in path for path in changes()):
        assert time.time() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    call("/__faults", "DELETE")
    call("/__log", "DELETE")
    world.run("pretokenize", *words)
    puts = [entry for entry in call("/__log") if entry["method"] == "PUT"]
    assert puts == [], puts
    from datasets import load_dataset

    assert load_dataset("me/killed", split="train")["input_ids"][:] == saved_rows(world)


@check
def activations(world):
    """load_dataset reads the uploaded activations"""
    from datasets import load_dataset

    world.run("cache", str(world.pipeline))
    rows = load_dataset("me/activations", split="train")
    assert len(rows) == 500, rows
    first = rows.with_format("torch")[0]
    assert tuple(first["blocks.1.hook_resid_post"].shape) == (64, 96), first
    assert len(first["token_ids"]) == 64


@check
def sae(world):
    """SAE.from_pretrained takes the uploaded SAE, which is the one on this disk"""
    import torch
    from sae_lens import SAE

    folder = world.run("train", str(world.pipeline))
    world.run("train", "upload", str(world.pipeline), "--to", "me/saes", "--quiet")
    ours = SAE.load_from_disk(folder)
    theirs = SAE.from_pretrained("me/saes", "uploaded")
    assert ours.cfg.to_dict() == theirs.cfg.to_dict()
    for name, value in ours.state_dict().items():
        assert torch.equal(value, theirs.state_dict()[name]), name


@check
def card(world):
    """The model card is read as one of SAELens"""
    from huggingface_hub import ModelCard, hf_hub_download

    card = ModelCard.load(hf_hub_download("me/saes", "README.md"))
    assert card.data.library_name == "saelens"
    assert 'SAE.from_pretrained("me/saes", "uploaded")' in card.text
    call("/__log", "DELETE")
    world.run("train", "upload", str(world.pipeline), "--to", "me/saes")
    assert changes() == [], changes()


def main() -> int:
    hub, programs = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with serving(
            hub, folder / "site", folder / "home", "--multipart-from", "400000", "--part-size", "200000",
        ):
            return run_checks(World(folder, pathlib.Path(programs).resolve()))


if __name__ == "__main__":
    sys.exit(main())
