"""Measures streaming and downloading from a local Hub, here and by the official clients, A B A B.

    python stream.py PRETOKENIZE SERVER TOKENIZER TEXT.jsonl [--gigabytes 2] [--rounds 2]

A data set of that size (TEXT repeated, as JSON Lines in files of 250 MB) lies on the server. What is timed:
- streaming: `saeline-pretokenize` with `streaming: true`, and with the same files on the disk; and `datasets`
  iterating over the same data set, streamed, without tokenizing;
- downloading: the same program without `streaming`, up to the last downloaded byte, by the server's record;
  and huggingface_hub's snapshot_download.
Peak memory is the program's, disk what HF_HOME and the work folder of the store held at most.

Versions: huggingface_hub 2.4.0, datasets 5.2.0.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from local_hub import serving

DATASETS = (
    "import datasets, time; start = time.time(); "
    "rows = datasets.load_dataset('me/large', split='train', streaming=True); "
    "size = sum(len(row['text']) for row in rows); print(time.time() - start)")
DOWNLOAD = (
    "import huggingface_hub, time; start = time.time(); "
    "huggingface_hub.snapshot_download('me/large', repo_type='dataset'); print(time.time() - start)")


def size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def measured(command, watched=()):
    """Seconds, peak memory and the most bytes that folders held."""
    most, done = [0], threading.Event()

    def watch():
        while not done.wait(0.2):
            try:
                most[0] = max(most[0], sum(size(folder) for folder in watched if folder.exists()))
            except OSError:
                pass

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.time()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    output, errors = process.communicate()
    seconds = time.time() - start
    done.set()
    watcher.join()
    if process.returncode:
        sys.exit(f"{command[0]}: {errors}")
    return seconds, output, most[0]


def peak(command, watched=()):
    seconds, output, most = measured(["/usr/bin/time", "-f", "%M", "-o", "/dev/fd/1", *command], watched)
    return seconds, int(output.split()[-1]) / 1024, most / 1e6


def main():
    parser = argparse.ArgumentParser()
    for name in ("pretokenize", "server", "tokenizer", "text"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--gigabytes", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        work = pathlib.Path(place)
        home, folder = work / "home", work / "site/datasets/me/large"

        def make_site():
            folder.mkdir(parents=True)
            block = arguments.text.read_bytes()
            for part in range(max(1, round(arguments.gigabytes * 4))):
                with open(folder / f"train-{part:05d}.jsonl", "wb") as file:
                    for _ in range(max(1, 250_000_000 // len(block))):
                        file.write(block)

        def program(name, dataset, streaming):
            shutil.rmtree(work / "store", ignore_errors=True)
            file = work / f"{name}.json5"
            file.write_text(json.dumps({
                "name": name, "store": str(work / "store"),
                "pretokenize": {"tokenizer_name": str(arguments.tokenizer.resolve()), "dataset_path": dataset,
                                "streaming": streaming, "context_size": 128, "shuffle": False}}))
            return peak([str(arguments.pretokenize.resolve()), str(file), "--quiet"], [home])

        with serving(arguments.server, work / "site", home, make_site=make_site):
            measure(program, folder, home, arguments.rounds)


def measure(program, folder, home, rounds):
    total = size(folder)
    print(f"{total / 1e9:.2f} GB of text")
    rate = lambda seconds: total / 1e6 / seconds
    for number in range(rounds):
        shutil.rmtree(home, ignore_errors=True)
        seconds, memory, disk = program("streamed", "me/large", True)
        print(f"streamed here, tokenized: {rate(seconds):.0f} MB/s, {memory:.0f} MiB at most, "
              f"{disk:.1f} MB below HF_HOME")
        seconds, memory, _ = program("local", str(folder), False)
        print(f"from the disk here, tokenized: {rate(seconds):.0f} MB/s, {memory:.0f} MiB at most")
        seconds = float(measured([sys.executable, "-c", DATASETS])[1])
        print(f"streamed by datasets, not tokenized: {rate(seconds):.0f} MB/s")
        shutil.rmtree(home, ignore_errors=True)
        seconds = float(measured([sys.executable, "-c", DOWNLOAD])[1])
        print(f"downloaded by huggingface_hub: {rate(seconds):.0f} MB/s")
        shutil.rmtree(home, ignore_errors=True)
        seconds, memory, _ = program("fetched", "me/large", False)
        again, _, _ = program("fetched", "me/large", False)
        print(f"downloaded here: {rate(seconds - again):.0f} MB/s ({seconds:.1f} s with tokenizing, "
              f"{again:.1f} s without the download), {memory:.0f} MiB at most", flush=True)


if __name__ == "__main__":
    main()
