"""Uses a local Hub with the official clients and says whether each of them gets what it should.

Usage: hub.py PROGRAM, with the LocalHubServer program

Files are made in a temporary folder, which is served, and everything that the clients keep lies in
another one. Prints a line per check and exits 1 where one fails. Nothing leaves this machine.

Tried with Python 3.11, huggingface_hub 2.4.0, datasets 5.2.0, transformers 5.24.0, tokenizers
0.23.3, sae-lens 6.54.12, pyarrow 26.0.1 and torch 2.15.0.
"""

import hashlib
import json
import os
import pathlib
import sys
import tempfile

import pyarrow
import pyarrow.parquet

from local_hub import TOKEN, call, check, run_checks, serving

MEBIBYTE = 1 << 20


def write(path: pathlib.Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def lines(texts: list[str]) -> str:
    return "".join(json.dumps({"text": text}) + "\n" for text in texts)


def noise(byte_count: int, seed: str) -> bytes:
    return hashlib.shake_256(seed.encode()).digest(byte_count)


WEIGHTS = noise(25 * MEBIBYTE, "weights")


def make_site(site: pathlib.Path) -> None:
    data_sets = site / "datasets/me"
    write(data_sets / "lines/train.jsonl", lines(["one", "two", "three"]))
    write(data_sets / "lines/test.jsonl", lines(["four"]))
    for shard in range(2):
        path = data_sets / f"columns/data/train-0000{shard}-of-00002.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        table = pyarrow.table({"text": [f"row {shard} {row}" for row in range(500)], "id": range(500)})
        pyarrow.parquet.write_table(table, path, row_group_size=100)
    card = """---
license: mit
configs:
- config_name: en
  default: true
  data_files: english/*.jsonl
- config_name: fr
  data_files:
  - split: train
    path: french/train.jsonl
  - split: test
    path: [french/test.jsonl]
---
# Two languages
"""
    write(data_sets / "languages/README.md", card)
    write(data_sets / "languages/english/a.jsonl", lines(["hello"]))
    write(data_sets / "languages/english/b.jsonl", lines(["world"]))
    write(data_sets / "languages/french/train.jsonl", lines(["bonjour"]))
    write(data_sets / "languages/french/test.jsonl", lines(["monde"]))
    write(data_sets / "lines@refs%2Fconvert%2Fparquet/default/train/0000.parquet", b"PAR1")
    weights = site / "models/me/weights"
    write(weights / "config.json", '{"model_type": "none"}')
    write(weights / "model.safetensors", WEIGHTS)
    for number in range(25):
        write(weights / f"parts/{number:02}.txt", f"part {number}")
    words = {"[UNK]": 0, "hello": 1, "world": 2}
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": None, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None,
        "decoder": None, "model": {"type": "WordLevel", "vocab": words, "unk_token": "[UNK]"},
    }
    write(site / "models/words/tokenizer.json", json.dumps(tokenizer))
    write(
        site / "models/words/tokenizer_config.json",
        '{"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"}')


def log() -> list[dict]:
    return call("/__log")


def fail(**fault) -> None:
    call("/__faults", "POST", [fault])


@check
def listings():
    """huggingface_hub lists files, folders, revisions and commits, page by page"""
    from huggingface_hub import HfApi

    api = HfApi()
    tree = list(api.list_repo_tree("me/weights", recursive=True))
    assert len(tree) == 28, len(tree)
    assert sum("cursor=" in entry["query"] for entry in log()) >= 2
    weights = next(entry for entry in tree if entry.path == "model.safetensors")
    assert weights.lfs.sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    assert [entry.path for entry in api.list_repo_tree("me/weights", "parts")][0] == "parts/00.txt"
    expanded = list(api.list_repo_tree("me/weights", expand=True))
    assert expanded[0].last_commit.oid, expanded[0]
    info = api.repo_info("me/weights", files_metadata=True)
    assert {entry.rfilename for entry in info.siblings} >= {"config.json", "model.safetensors"}
    found = api.get_paths_info("me/weights", ["config.json", "parts", "none"])
    assert [entry.path for entry in found] == ["config.json", "parts"]
    references = api.list_repo_refs("me/lines", repo_type="dataset")
    assert [entry.ref for entry in references.converts] == ["refs/convert/parquet"]
    assert api.list_repo_commits("me/weights")[-1].title == "initial commit"
    assert api.whoami()["name"] == "tester"
    assert api.dataset_info("me/languages").card_data["license"] == "mit"
    converted = api.list_repo_files("me/lines", repo_type="dataset", revision="refs/convert/parquet")
    assert converted == ["default/train/0000.parquet"], converted


@check
def snapshot():
    """snapshot_download fetches every file once; the token stays with the Hub"""
    from huggingface_hub import snapshot_download

    call("/__log", "DELETE")
    folder = pathlib.Path(snapshot_download("me/weights"))
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert (folder / "parts/24.txt").read_text() == "part 24"
    content = [entry for entry in log() if entry["host"] == "content"]
    assert content and not any(entry["authorization"] for entry in content)
    assert sum(entry["sent"] for entry in content) == len(WEIGHTS)
    call("/__log", "DELETE")
    snapshot_download("me/weights")
    assert not [entry for entry in log() if entry["status"] in (200, 206) and entry["host"] == "content"]


@check
def resumed():
    """hf_hub_download goes on where the connection was cut"""
    from huggingface_hub import hf_hub_download

    call("/__log", "DELETE")
    fail(kind="cut", path="/repos/*model.safetensors", bytes=12 * MEBIBYTE)
    path = hf_hub_download("me/weights", "model.safetensors", force_download=True)
    assert pathlib.Path(path).read_bytes() == WEIGHTS
    content = [entry for entry in log() if entry["host"] == "content"]
    # The client keeps whole pieces of 10 MiB.
    assert [entry["range"] for entry in content] == [None, f"bytes={10 * MEBIBYTE}-"], content
    assert [entry["sent"] for entry in content] == [12 * MEBIBYTE, 15 * MEBIBYTE], content


@check
def failures():
    """the clients retry 503 and 429, and name missing, private and gated repositories"""
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError, GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError)

    fail(kind="answer", path="/repos/*model.safetensors", status=429, headers={"Retry-After": "0"})
    hf_hub_download("me/weights", "model.safetensors", force_download=True)
    call("/__put?id=me/secret&path=a.txt&access=private", "PUT", b"a")
    call("/__put?id=me/gated&path=a.txt&access=gated", "PUT", b"a")
    wanted = [
        (RepositoryNotFoundError, lambda: HfApi().model_info("me/none")),
        (RepositoryNotFoundError, lambda: HfApi(token=False).model_info("me/secret")),
        (RevisionNotFoundError, lambda: HfApi().model_info("me/weights", revision="none")),
        (EntryNotFoundError, lambda: hf_hub_download("me/weights", "none.txt")),
        (GatedRepoError, lambda: hf_hub_download("me/gated", "a.txt")),
    ]
    for error, action in wanted:
        try:
            action()
        except error:
            continue
        raise AssertionError(f"no {error.__name__}")
    assert HfApi().model_info("me/secret").private


@check
def renamed():
    """a former name leads to the repository"""
    from huggingface_hub import HfApi, hf_hub_download

    call("/__put?id=me/new&path=a.txt&formerName=me/old", "PUT", b"a")
    assert HfApi().model_info("me/old").id == "me/new"
    assert pathlib.Path(hf_hub_download("me/old", "a.txt")).read_text() == "a"


@check
def uploads():
    """create_repo, upload_folder, upload_file and create_commit: small files, large ones, parts"""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, hf_hub_download

    api = HfApi()
    api.create_repo("me/made", private=True)
    api.create_repo("me/made", exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        write(root / "README.md", "---\nlicense: mit\n---\n")
        write(root / "a/model.safetensors", noise(MEBIBYTE, "basic"))
        write(root / "a/parts.bin", noise(9 * MEBIBYTE + 7, "parts"))
        write(root / "empty.txt", "")
        api.upload_folder(repo_id="me/made", folder_path=root)
        call("/__log", "DELETE")
        api.upload_folder(repo_id="me/made", folder_path=root)
        assert not [entry for entry in log() if entry["method"] == "PUT"], "sent again"
    files = ["README.md", "a/model.safetensors", "a/parts.bin", "empty.txt"]
    assert api.list_repo_files("me/made") == [".gitattributes", *files]
    path = hf_hub_download("me/made", "a/parts.bin")
    assert pathlib.Path(path).read_bytes() == noise(9 * MEBIBYTE + 7, "parts")
    call("/__log", "DELETE")
    fail(kind="answer", path="/uploads/*", method="PUT", status=503)
    api.upload_file(repo_id="me/made", path_in_repo="b.npz", path_or_fileobj=noise(9 * MEBIBYTE, "b"))
    puts = [entry for entry in log() if entry["method"] == "PUT"]
    assert len(puts) == 4 and not any(entry["authorization"] for entry in puts), puts
    head = api.model_info("me/made").sha
    commit = api.create_commit(
        "me/made",
        [CommitOperationAdd("c.txt", b"c"), CommitOperationDelete("b.npz"), CommitOperationDelete("a/")],
        commit_message="Change", parent_commit=head)
    assert api.list_repo_files("me/made", revision=commit.oid) == [
        ".gitattributes", "README.md", "c.txt", "empty.txt"]
    assert "a/parts.bin" in api.list_repo_files("me/made", revision=head)
    api.create_branch("me/made", branch="side")
    api.create_tag("me/made", tag="v1", revision=head)
    assert api.model_info("me/made", revision="v1").sha == head
    api.upload_file(repo_id="me/made", path_in_repo="d.txt", path_or_fileobj=b"d", revision="side")
    assert "d.txt" not in api.list_repo_files("me/made")
    assert "d.txt" in api.list_repo_files("me/made", revision="side")
    api.delete_repo("me/made")
    assert not api.repo_exists("me/made")


@check
def data_sets():
    """load_dataset: JSONL, Parquet, configurations of the card, a revision; fetched and streamed"""
    from datasets import get_dataset_config_names, load_dataset

    for streaming in (False, True):
        train = load_dataset("me/lines", split="train", streaming=streaming)
        assert [row["text"] for row in train] == ["one", "two", "three"]
        rows = list(load_dataset("me/columns", split="train", streaming=streaming))
        assert len(rows) == 1000 and rows[999]["text"] == "row 1 499"
        english = load_dataset("me/languages", split="train", streaming=streaming)
        assert [row["text"] for row in english] == ["hello", "world"]
        french = load_dataset("me/languages", "fr", split="test", streaming=streaming)
        assert [row["text"] for row in french] == ["monde"]
    assert sorted(get_dataset_config_names("me/languages")) == ["en", "fr"]
    old = call("/api/datasets/me/lines")["sha"]
    call("/__put?kind=dataset&id=me/lines&path=test.jsonl", "PUT", lines(["changed"]).encode())
    for streaming in (False, True):
        new = load_dataset("me/lines", split="test", streaming=streaming)
        assert [row["text"] for row in new] == ["changed"]
        before = load_dataset("me/lines", split="test", revision=old, streaming=streaming)
        assert [row["text"] for row in before] == ["four"]


@check
def pushed():
    """Dataset.push_to_hub, and load_dataset of what it pushed"""
    from datasets import Dataset, load_dataset

    made = Dataset.from_dict({"input_ids": [[1, 2, 3], [4, 5, 6], [7, 8, 9]]})
    made.push_to_hub("me/tokens", private=True, num_shards=2)
    made.push_to_hub("me/tokens", config_name="other", split="test")
    assert load_dataset("me/tokens", split="train").to_dict() == made.to_dict()
    streamed = load_dataset("me/tokens", "other", split="test", streaming=True)
    assert [row["input_ids"] for row in streamed] == made["input_ids"][:]


@check
def tokenizer():
    """transformers' AutoTokenizer, from a repository without an owner"""
    from transformers import AutoTokenizer

    assert AutoTokenizer.from_pretrained("words")("hello world")["input_ids"] == [1, 2]


@check
def autoencoder():
    """SAELens' SAE.from_pretrained of a folder that upload_folder sent"""
    import torch
    from huggingface_hub import HfApi
    from sae_lens import SAE, StandardSAE, StandardSAEConfig

    sae = StandardSAE(StandardSAEConfig(d_in=8, d_sae=16, device="cpu"))
    with tempfile.TemporaryDirectory() as folder:
        sae.save_model(folder)
        HfApi().create_repo("me/sae")
        HfApi().upload_folder(repo_id="me/sae", folder_path=folder, path_in_repo="blocks.0")
    loaded = SAE.from_pretrained("me/sae", "blocks.0", device="cpu")
    assert torch.equal(loaded.W_dec, sae.W_dec)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        os.environ["TMPDIR"] = str(root)
        with serving(
            sys.argv[1], root / "site", root / "home", "--page-size", "10",
            "--multipart-from", str(8 * MEBIBYTE), "--part-size", str(4 * MEBIBYTE),
            make_site=lambda: make_site(root / "site"),
        ):
            return run_checks(only=set(sys.argv[2:]))


if __name__ == "__main__":
    sys.exit(main())
