"""Measures uploads to a local Hub, here and by huggingface_hub, A B A B.

    python sending.py BIN SERVER TEXT.jsonl [--gigabytes 1] [--rounds 2]

The demo's model is run over TEXT (again and again) until its cached activations have that size. What is timed is
`saeline-cache` on the finished stage with `cache.hf_repo_id`, which writes the Arrow files, hashes and sends them; and
huggingface_hub's upload_folder of the same files, exported before. Each goes to a Hub that has nothing yet.
Peak memory is the program's.

Versions: huggingface_hub 2.4.0.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from local_hub import call, serving
from stream import peak, size

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Bytes of a token's activation and of its id.
ROW = 96 * 4 + 4
UPLOAD = (
    "import huggingface_hub, sys; api = huggingface_hub.HfApi(); "
    "api.create_repo(sys.argv[1], repo_type='dataset', exist_ok=True); "
    "api.upload_folder(repo_id=sys.argv[1], repo_type='dataset', folder_path=sys.argv[2], path_in_repo='data', "
    "allow_patterns='*.arrow')")


def received():
    return sum(entry["received"] for entry in call("/__log"))


def main():
    parser = argparse.ArgumentParser()
    for name in ("programs", "server", "text"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--gigabytes", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        work = pathlib.Path(place)
        tokens = round(arguments.gigabytes * 1e9 / ROW) // 64 * 64
        text, pipeline, exported = work / "text.jsonl", work / "run.json5", work / "exported"
        block = arguments.text.read_bytes()
        with open(text, "wb") as file:
            # At least a token for eight bytes.
            for _ in range(8 * tokens // len(block) + 1):
                file.write(block)
        model = str(ROOT / "pipelines/demo/model")
        pipeline.write_text(json.dumps({
            "name": "sent", "store": str(work / "store"),
            "pretokenize": {"tokenizer_name": model, "dataset_path": str(text), "context_size": 64},
            "cache": {"model_name": model, "hook_name": "blocks.1.hook_resid_post", "training_tokens": tokens}}))

        def program(name, *words):
            return [str(arguments.programs.resolve() / f"saeline-{name}"), *words, str(pipeline), "--quiet"]

        for words in (program("pretokenize"), program("cache"),
                      program("cache", "export") + ["--output", str(exported)]):
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        total = size(exported)
        print(f"{total / 1e9:.2f} GB in {len(list(exported.glob('*.arrow')))} files")
        for number in range(arguments.rounds):
            for name, words in (
                    ("here", program("cache") + ["--set", "cache.hf_repo_id=me/sent"]),
                    ("huggingface_hub", [sys.executable, "-c", UPLOAD, "me/sent", str(exported)])):
                # The files are the same, and no storage takes one twice.
                with serving(arguments.server, work / f"site-{number}-{name}", work / "home"):
                    seconds, memory, _ = peak(words)
                    print(f"uploaded by {name}: {total / 1e6 / seconds:.0f} MB/s, {seconds:.1f} s, {memory:.0f} MiB at "
                          f"most, {received() / 1e9:.2f} GB received", flush=True)


if __name__ == "__main__":
    main()
