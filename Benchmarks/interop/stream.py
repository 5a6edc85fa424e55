"""Measures streaming and downloading from a local Hub, here and by the official clients, A B A B.

    python stream.py PRETOKENIZE SERVER TOKENIZER TEXT.jsonl [--gigabytes 2] [--rounds 2] [--format jsonl|parquet|tokens]

A data set of that size (the rows of TEXT again and again, in files of 250 MB, no two alike; of Parquet with a second
column that nobody needs; of tokens: Parquet of rows of 1,024 ids, which nobody tokenizes) lies on the server. What is timed:
- streaming: `saeline-pretokenize` with `streaming: true`, and with the same files on the disk; and `datasets`
  iterating over the same data set, streamed, without tokenizing; and what does the same as our program, `datasets`
  with `tokenizers` in batches of 1,000 rows, for the first 50 MB of text, after a start that is not counted;
- downloading: the same program without `streaming`, and huggingface_hub's snapshot_download, both from their start
  until every file lies in the cache.
Peak memory is the program's, disk what HF_HOME held at most.

Versions: huggingface_hub 2.4.0, datasets 5.2.0.
"""

import argparse
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from local_hub import serving

DATASETS = (
    "import datasets; "
    "rows = datasets.load_dataset('me/large', split='train', streaming=True); "
    "print(sum(len(row['{column}']) for row in rows))")
TOKENIZED = (
    "import datasets, time, tokenizers; "
    "rows = datasets.load_dataset('me/large', split='train', streaming=True); "
    "tokenizer = tokenizers.Tokenizer.from_file({tokenizer!r})\n"
    "size, start = 0, None\n"
    "for batch in rows.iter({rows}):\n"
    "    start = start or time.time()\n"
    "    tokenizer.encode_batch_fast(batch['text'], add_special_tokens=False)\n"
    "    size += sum(len(text.encode()) for text in batch['text'])\n"
    "    if size > 50e6: break\n"
    "print(size / 1e6 / (time.time() - start))")
DOWNLOAD = (
    "import huggingface_hub; "
    "huggingface_hub.snapshot_download('me/large', repo_type='dataset')")


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


def arrival(command, home, count):
    """Seconds until `count` files lie in the cache; the program is ended then."""
    start = time.time()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while sum(1 for _ in home.glob("hub/*/snapshots/*/train-*")) < count:
        if process.poll():
            sys.exit(f"{command[0]}: {process.stderr.read()}")
        time.sleep(0.01)
    seconds = time.time() - start
    process.terminate()
    process.communicate()
    return seconds


def write_parts(folder, text, gigabytes, form):
    """The data set, in files that differ."""
    folder.mkdir(parents=True)
    rows = [json.loads(line)["text"] for line in text.read_text().splitlines()]
    for part in range(max(1, round(gigabytes * 4))):
        path = folder / f"train-{part:05d}.{'jsonl' if form == 'jsonl' else 'parquet'}"
        draw = random.Random(part)
        if form == "jsonl":
            draw.shuffle(rows)
            block = "".join(json.dumps({"text": row}) + "\n" for row in rows).encode()
            with open(path, "wb") as file:
                for _ in range(max(1, 250_000_000 // len(block))):
                    file.write(block)
            continue
        import pyarrow
        import pyarrow.parquet

        if form == "tokens":
            write_tokens(path, part)
            continue
        schema = pyarrow.schema([("id", pyarrow.string()), ("text", pyarrow.string())])
        with pyarrow.parquet.ParquetWriter(path, schema, compression="snappy") as writer:
            while path.stat().st_size < 250_000_000:
                texts = [" ".join(draw.sample(rows, 3)) for _ in range(10_000)]
                marks = ["%032x" % draw.getrandbits(128) for _ in texts]
                writer.write_table(pyarrow.table({"id": marks, "text": texts}, schema))


def write_tokens(path, seed):
    import numpy
    import pyarrow
    import pyarrow.parquet

    draw = numpy.random.default_rng(seed)
    schema = pyarrow.schema([("tokens", pyarrow.list_(pyarrow.int32()))])
    with pyarrow.parquet.ParquetWriter(path, schema, compression="snappy") as writer:
        while path.stat().st_size < 250_000_000:
            # About as unevenly as tokens of a text.
            ids = (50_000 * draw.random(10_000 * 1024) ** 4).astype(numpy.int32)
            rows = pyarrow.ListArray.from_arrays(numpy.arange(0, len(ids) + 1, 1024, dtype=numpy.int32), ids)
            writer.write_table(pyarrow.table([rows], schema))


def peak(command, watched=()):
    seconds, output, most = measured(["/usr/bin/time", "-f", "%M", "-o", "/dev/fd/1", *command], watched)
    return seconds, int(output.split()[-1]) / 1024, most / 1e6


def main():
    parser = argparse.ArgumentParser()
    for name in ("pretokenize", "server", "tokenizer", "text"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--gigabytes", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--format", choices=["jsonl", "parquet", "tokens"], default="jsonl")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        work = pathlib.Path(place)
        home, folder = work / "home", work / "site/datasets/me/large"

        def make_site():
            write_parts(folder, arguments.text, arguments.gigabytes, arguments.format)

        def command(name, dataset, streaming):
            shutil.rmtree(work / "store", ignore_errors=True)
            file = work / f"{name}.json5"
            file.write_text(json.dumps({
                "name": name, "store": str(work / "store"),
                "pretokenize": {"tokenizer_name": str(arguments.tokenizer.resolve()), "dataset_path": dataset,
                                "streaming": streaming, "shuffle": False,
                                "context_size": 1024 if arguments.format == "tokens" else 128}}))
            return [str(arguments.pretokenize.resolve()), str(file), "--quiet"]

        with serving(arguments.server, work / "site", home, make_site=make_site):
            measure(command, folder, home, arguments)


def measure(command, folder, home, arguments):
    tokenizer, form = arguments.tokenizer.resolve(), arguments.format
    column = "tokens" if form == "tokens" else "text"
    done = "read" if form == "tokens" else "tokenized"
    count = len(list(folder.iterdir()))
    total = size(folder)
    print(f"{total / 1e9:.2f} GB in {count} files")
    rate = lambda seconds: total / 1e6 / seconds
    for _ in range(arguments.rounds):
        shutil.rmtree(home, ignore_errors=True)
        seconds, memory, disk = peak(command("streamed", "me/large", True), [home])
        print(f"streamed here, {done}: {rate(seconds):.0f} MB/s, {memory:.0f} MiB at most, "
              f"{disk:.1f} MB below HF_HOME")
        seconds, memory, _ = peak(command("local", str(folder), False))
        print(f"from the disk here, {done}: {rate(seconds):.0f} MB/s, {memory:.0f} MiB at most")
        seconds, memory, _ = peak([sys.executable, "-c", DATASETS.format(column=column)])
        print(f"streamed by datasets, not tokenized: {rate(seconds):.0f} MB/s, {memory:.0f} MiB at most")
        if form != "tokens":
            words = TOKENIZED.format(tokenizer=str(tokenizer), rows=20 if form == "parquet" else 1000)
            _, output, _ = measured([sys.executable, "-c", words])
            print(f"streamed by datasets, tokenized by tokenizers: {float(output):.0f} MB/s of text")
        for name, words in (("huggingface_hub", [sys.executable, "-c", DOWNLOAD]),
                            ("here", command("fetched", "me/large", False))):
            shutil.rmtree(home, ignore_errors=True)
            seconds = arrival(words, home, count)
            print(f"downloaded by {name}: {rate(seconds):.0f} MB/s, {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()
