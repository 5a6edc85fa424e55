"""Speed of saeline-pretokenize beside SAELens, Hugging Face tokenizers and quicktok, in one run.

Usage: bench.py PRETOKENIZE_BINARY TOKENIZER_DIR TEXT_JSONL [MEGABYTES]   (see bench.sh)

Repeats TEXT_JSONL to MEGABYTES of text, then runs every program on it in turn, round after round,
so that a machine that slows down slows all of them. A process is timed from its start to its end,
with the reading of the tokenizer and of the text:

  saeline    JSONL -> packed, shuffled and compressed shards, in a store of its own each time
  SAELens    PretokenizeRunner, JSONL -> packed and shuffled Arrow files, no cache; on less text
             (BENCH_SAELENS_MEGABYTES), since only tokens per second are compared
  tokenizers encode_batch_fast over the documents; packs and writes nothing
  quicktok   encode_batch over the documents on one thread; packs and writes nothing

"work alone" leaves out the start: for SAELens its imports; for tokenizers and quicktok all but the
encoding; for saeline the time it takes for a few kilobytes, so that reading the text, packing and
writing count. After the first repetition no word of the text is new, so that programs which
remember words gain more than from a text of that length.

Tried with Python 3.11, sae-lens 6.54.12, tokenizers 0.23.3 and quicktok-v1 0.4.0.
"""

import importlib.util
import json
import math
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

# Only the standard library up here: a child's peak memory begins with what its parent has.

THREADS = 2
CONTEXT_SIZE = 128
# Documents that a peer gets at once.
BATCH = 1000
PEERS = {
    "sae_lens": "sae-lens", "datasets": "datasets", "transformers": "transformers",
    "tokenizers": "tokenizers", "quicktok": "quicktok-v1",
}


def fail(sentence):
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(2)


# ---- The peers, each in a process of its own ----


def documents(text):
    with open(text, encoding="utf-8") as file:
        return [json.loads(line)["text"] for line in file]


def batches(texts):
    return (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))


def run_saelens(tokenizer, text, folder):
    from sae_lens import PretokenizeRunner, PretokenizeRunnerConfig

    start = time.perf_counter()
    rows = PretokenizeRunner(
        PretokenizeRunnerConfig(
            tokenizer_name=tokenizer, dataset_path="json", data_files=[text], split="train",
            num_proc=THREADS, context_size=CONTEXT_SIZE, shuffle=True, seed=42,
            begin_batch_token=None, sequence_separator_token=None, save_path=f"{folder}/saved",
        )
    ).run()
    return len(rows) * CONTEXT_SIZE, time.perf_counter() - start


def run_tokenizers(tokenizer, text, _):
    from tokenizers import Tokenizer

    encoder = Tokenizer.from_file(f"{tokenizer}/tokenizer.json")
    encoder.no_truncation()
    encoder.no_padding()
    texts = documents(text)
    tokens = 0
    start = time.perf_counter()
    for batch in batches(texts):
        tokens += sum(len(encoding) for encoding in encoder.encode_batch_fast(batch))
    return tokens, time.perf_counter() - start


def run_quicktok(tokenizer, text, folder):
    import quicktok

    # Imported by import_quicktok before anything is timed.
    encoder = quicktok.get_encoding("bench", data_dir=os.environ["QUICKTOK_DATA"])
    texts = documents(text)
    tokens = 0
    start = time.perf_counter()
    for batch in batches(texts):
        tokens += len(encoder.encode_batch(batch, 1)[0])
    return tokens, time.perf_counter() - start


def import_quicktok(tokenizer, _text, _folder):
    import quicktok

    quicktok.import_tokenizer(f"{tokenizer}/tokenizer.json", "bench")
    return 0, 0.0


WORKERS = {
    "SAELens": run_saelens, "tokenizers": run_tokenizers, "quicktok": run_quicktok,
    "import": import_quicktok,
}


def work(name, tokenizer, text, folder, answer):
    tokens, seconds = WORKERS[name](tokenizer, text, folder)
    pathlib.Path(answer).write_text(json.dumps({"tokens": tokens, "seconds": seconds}))


# ---- One process, timed ----


class Failed(Exception):
    """A program that ended with an error; says the last it printed."""


def complaint(log, code):
    """The line of a program's output that says what went wrong."""
    lines = log.strip().splitlines()
    starts = re.compile(r"error: |[\w.]+(Error|Refused|Exception)\b")
    said = [line for line in lines if starts.match(line)]
    return (said or lines or [f"exit code {code}"])[-1]


class Bench:
    def __init__(self, binary, tokenizer, scratch, tiny):
        self.binary, self.tokenizer, self.scratch = binary, tokenizer, scratch
        self.tiny = tiny

    def time_process(self, command, environment, folder):
        """Runs a command; gives its seconds and the peak bytes of its largest process."""
        log = folder / "log"
        with open(log, "wb") as output, open(folder / "answer", "wb") as answer:
            start = time.perf_counter()
            process = subprocess.Popen(command, stdout=answer, stderr=output, env=environment)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise Failed(complaint(log.read_text(errors="replace"), process.returncode))
        return seconds, usage.ru_maxrss * 1024

    def run(self, name, threads, text, byte_count):
        """One run of a program in a folder that is gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as path:
            folder = pathlib.Path(path)
            if name == "saeline":
                sample = self.run_ours(threads, text, byte_count, folder, "store")
                start = self.run_ours(threads, self.tiny, 0, folder, "start").seconds
                # Of a text that is too short nothing is left beside the start.
                sample.alone = sample.seconds - start if sample.seconds > start else None
                return sample
            return self.run_peer(name, text, byte_count, folder)

    def run_ours(self, threads, text, byte_count, folder, store):
        config = folder / "bench.json5"
        config.write_text(json.dumps({"name": "bench", "store": str(folder / store)}))
        settings = {
            "tokenizer_name": self.tokenizer, "dataset_path": str(text), "num_proc": threads,
            "context_size": CONTEXT_SIZE, "shuffle": "true", "seed": 42,
            "begin_batch_token": "null", "sequence_separator_token": "null",
        }
        command = [self.binary, "--config", str(config), "--quiet", "--json"]
        for key, value in settings.items():
            command += ["--set", f"pretokenize.{key}={value}"]
        seconds, memory = self.time_process(command, dict(os.environ), folder)
        result = json.loads((folder / "answer").read_text())
        details = json.loads(pathlib.Path(result["folder"], "manifest.json").read_text())["details"]
        tokens = details["tokens"] + details["dropped_tokens"]
        return Sample(byte_count, tokens, seconds, memory, None)

    def run_peer(self, name, text, byte_count, folder):
        answer = folder / "peer.json"
        command = [
            sys.executable, __file__, "--work", name, self.tokenizer, str(text), str(folder),
            str(answer),
        ]
        environment = dict(
            os.environ, HF_HOME=str(folder / "hf"), HF_HUB_OFFLINE="1",
            HF_DATASETS_DISABLE_PROGRESS_BARS="1", RAYON_NUM_THREADS=str(THREADS),
            TOKENIZERS_PARALLELISM="true", QUICKTOK_DATA=str(self.scratch / "quicktok"),
            PYTHONWARNINGS="ignore",
        )
        if name == "SAELens":
            # Its parallelism is that of its processes.
            environment["TOKENIZERS_PARALLELISM"] = "false"
        seconds, memory = self.time_process(command, environment, folder)
        found = json.loads(answer.read_text())
        return Sample(byte_count, found["tokens"], seconds, memory, found["seconds"])


class Sample:
    def __init__(self, byte_count, tokens, seconds, memory, alone):
        self.byte_count, self.tokens, self.seconds = byte_count, tokens, seconds
        self.memory, self.alone = memory, alone


# ---- Text ----


def text_bytes(line):
    return len(json.loads(line)["text"].encode())


class Text:
    """The documents of a JSONL, to be repeated."""

    def __init__(self, source):
        with open(source, "rb") as file:
            self.lines = [line.rstrip(b"\r\n") for line in file if line.strip()]
        try:
            self.sizes = [text_bytes(line) for line in self.lines]
        except (ValueError, KeyError, TypeError, AttributeError):
            fail(f"{source} is no JSONL with text as the field “text” of every line.")
        if sum(self.sizes) == 0:
            fail(f"{source} holds no text.")

    def repeat(self, target, megabytes):
        """Writes whole repetitions until they hold enough text; gives the bytes of text."""
        times = math.ceil(megabytes * 1e6 / sum(self.sizes))
        with open(target, "wb") as file:
            for _ in range(times):
                file.writelines(line + b"\n" for line in self.lines)
        return sum(self.sizes) * times

    def begin(self, target):
        """Writes the first documents, some kilobytes of them."""
        byte_count = 0
        with open(target, "wb") as file:
            for line, size in zip(self.lines, self.sizes):
                file.write(line + b"\n")
                byte_count += size
                if byte_count >= 8000:
                    return


def prepare_tokenizer(source, target):
    """A copy that transformers can open, which needs a tokenizer_config.json."""
    shutil.copytree(source, target, copy_function=shutil.copyfile)
    config = target / "tokenizer_config.json"
    if not config.exists():
        config.write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')


# ---- Rounds and table ----


def compare(bench, contenders, rounds):
    """Runs all in turn, round after round; a peer that fails is named and left out."""
    samples, refused = {}, {}
    for number in range(1, rounds + 1):
        for key, (text, byte_count) in contenders.items():
            name, threads = key
            if name in refused:
                continue
            print(f"round {number} of {rounds}: {name}, threads {threads}", file=sys.stderr)
            try:
                sample = bench.run(name, threads, text, byte_count)
            except Failed as failure:
                if name == "saeline":
                    fail(f"saeline-pretokenize failed: {failure}")
                refused[name] = str(failure)
                continue
            samples.setdefault(key, []).append(sample)
    return samples, refused


def speeds(runs):
    """Tokens and bytes per second of the median run, and tokens per second of the fastest."""
    median = statistics.median(run.seconds for run in runs)
    fastest = min(run.seconds for run in runs)
    first = runs[0]
    return first.tokens / median, first.byte_count / median, first.tokens / fastest


def alone_speed(runs):
    """Bytes per second without the start, of the median run; None where it cannot be told."""
    seconds = [run.alone for run in runs if run.alone is not None]
    return runs[0].byte_count / statistics.median(seconds) if seconds else None


def ratio(ours, theirs):
    return "–" if ours is None or theirs is None else f"{ours / theirs:.2f}×"


HEADINGS = (
    "program", "threads", "text MB", "seconds min/median", "tokens/s median", "best", "MB/s",
    "saeline is", "work alone MB/s", "saeline is", "peak MB",
)


def rows(samples):
    yield HEADINGS
    for (name, threads), runs in samples.items():
        tokens, byte_rate, best = speeds(runs)
        ours = speeds(samples["saeline", threads])
        seconds = [run.seconds for run in runs]
        alone, our_alone = alone_speed(runs), alone_speed(samples["saeline", threads])
        yield (
            name, str(threads), f"{runs[0].byte_count / 1e6:.1f}",
            f"{min(seconds):.2f} / {statistics.median(seconds):.2f}", f"{tokens:,.0f}",
            f"{best:,.0f}", f"{byte_rate / 1e6:.1f}",
            "–" if name == "saeline" else ratio(ours[0], tokens),
            "–" if alone is None else f"{alone / 1e6:.1f}",
            "–" if name == "saeline" else ratio(our_alone, alone),
            f"{max(run.memory for run in runs) / 1e6:,.0f}",
        )


def print_table(lines):
    lines = list(lines)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        print("  ".join(cells).rstrip())


def print_agreement(samples):
    """Programs that tokenize the same text must count the same tokens."""
    ours = samples["saeline", THREADS][0]
    for (name, _), runs in samples.items():
        # SAELens drops the end of every batch without counting it, and has another text.
        if name in ("saeline", "SAELens"):
            continue
        if runs[0].tokens == ours.tokens:
            print(f"{name} finds the same number of tokens as saeline: {ours.tokens:,}")
        else:
            print(f"{name} finds {runs[0].tokens:,} tokens where saeline finds {ours.tokens:,}")


def check(binary, tokenizer, text):
    if not os.access(binary, os.X_OK):
        fail(f"There is no program {binary}; make build makes it.")
    if not (tokenizer / "tokenizer.json").exists():
        fail(f"{tokenizer} holds no tokenizer.json.")
    if not text.exists():
        fail(f"There is no text at {text}.")
    missing = [package for module, package in PEERS.items() if not importlib.util.find_spec(module)]
    if missing:
        fail(
            f"{sys.executable} lacks {', '.join(missing)}; set PEERS_PYTHON to a Python that has "
            "them."
        )


def number(name, text, default, least):
    """A number that is finite and not too small; `default` where there is no text."""
    try:
        value = type(least)(text) if text else default
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= least):
        fail(f"{name} is {text}, but must be a number of {least} or more.")
    return value


def main(arguments):
    if len(arguments) not in (3, 4):
        fail("usage: bench.py PRETOKENIZE_BINARY TOKENIZER_DIR TEXT_JSONL [MEGABYTES]")
    binary = os.path.abspath(arguments[0])
    tokenizer, text = (pathlib.Path(path).resolve() for path in arguments[1:3])
    megabytes = number("MEGABYTES", "".join(arguments[3:]), 100.0, 0.1)
    rounds = number("BENCH_ROUNDS", os.environ.get("BENCH_ROUNDS"), 2, 2)
    name = "BENCH_SAELENS_MEGABYTES"
    saelens_megabytes = number(name, os.environ.get(name), megabytes / 4, 0.1)
    check(binary, tokenizer, text)

    with tempfile.TemporaryDirectory(prefix="saeline-bench-") as path:
        scratch = pathlib.Path(path)
        whole, less, tiny = (scratch / f"{name}.jsonl" for name in ("text", "less", "tiny"))
        source = Text(text)
        byte_count = source.repeat(whole, megabytes)
        less_byte_count = source.repeat(less, saelens_megabytes)
        source.begin(tiny)
        del source
        prepare_tokenizer(tokenizer, scratch / "tokenizer")
        (scratch / "quicktok").mkdir()
        bench = Bench(binary, str(scratch / "tokenizer"), scratch, tiny)
        contenders = {
            ("saeline", THREADS): (whole, byte_count),
            ("SAELens", THREADS): (less, less_byte_count),
            ("tokenizers", THREADS): (whole, byte_count),
            ("saeline", 1): (whole, byte_count),
            ("quicktok", 1): (whole, byte_count),
        }
        refused = {}
        try:
            bench.run("import", 1, whole, byte_count)
        except Failed as failure:
            del contenders["quicktok", 1]
            refused["quicktok"] = str(failure)
        samples, failed = compare(bench, contenders, rounds)

    print_table(rows(samples))
    print_agreement(samples)
    for name, reason in (refused | failed).items():
        print(f"{name} is left out: {reason}")
    if less_byte_count < byte_count:
        print("SAELens has less text, on which its start weighs more.")
    print(
        f"{tokenizer.name}, {text.name} repeated, {rounds} rounds, whole processes; peak MB is "
        "that of the largest process."
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(*sys.argv[2:])
    else:
        main(sys.argv[1:])
