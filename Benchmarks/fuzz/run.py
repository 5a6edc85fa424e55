"""Feeds the readers with inputs that libFuzzer derives from small files, by coverage.

    Benchmarks/fuzz/build.sh formats /tmp/fuzz-formats
    python Benchmarks/fuzz/run.py /tmp/fuzz-formats WORK [--seconds 600] [--only json torch …] [--keep]

One process after the other: each target of the program gets the same time, a fifth of it with inputs that may be long; its
inputs and crashes stay in WORK/<target>, and a line with what was executed is printed, the rate by the time of the processor, which
others may want; WORK/executions.json adds up what all calls executed. `--keep` runs nothing new and
puts small inputs that reach most into corpus/<target>.txt, with which later calls begin. Exit code 1 where an input crashed, hung
or grew beyond the limits. Made with Python 3.11 and the clang of Swift 6.3.
"""

import argparse
import base64
import json
import os
import pathlib
import re
import resource
import subprocess
import tempfile

from seeds import FIXTURES, TARGETS

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"
SEED_BYTES = 32 << 10
# Bytes of an input, at most: in most of the time, and in a fifth of it.
SHORT, LONG = 4096, 65536
# Inputs of a target in the corpus, which are lines in base 64, and bytes of one.
KEPT_INPUTS, KEPT_INPUT_BYTES = 16, 200


def names(program):
    """The targets of a program, which it names where it is given none."""
    ended = subprocess.run([program, "-runs=0"], env={"FUZZ": ""}, capture_output=True, text=True)
    return ended.stdout.removeprefix("FUZZ is one of ").split()


def seed(target, folder):
    texts, patterns, words = TARGETS.get(target, ([], [], []))
    folder.mkdir(parents=True, exist_ok=True)
    for index, text in enumerate(texts):
        if isinstance(text, str):
            # A first character below 256 is a byte that chooses.
            text = (text[:1].encode("latin-1") if text[:1] < "\u0100" else text[:1].encode()) + text[1:].encode()
        (folder / f"text-{index}").write_bytes(text)
    files = [file for pattern in patterns for file in sorted(FIXTURES.glob(pattern)) if file.stat().st_size <= SEED_BYTES]
    inputs = [file.read_bytes() for file in files]
    kept = CORPUS / f"{target}.txt"
    inputs += [base64.b64decode(line) for line in kept.read_bytes().split()] if kept.exists() else []
    for index, bytes in enumerate(inputs):
        (folder / f"file-{index}").write_bytes(bytes)
    dictionary = folder.parent / f"{target}.dict"
    lines = "# Words of the format.\n" + "".join('"' + "".join(letter(byte) for byte in raw(word)) + '"\n' for word in words)
    dictionary.write_text(lines)
    return dictionary


def raw(word):
    """The bytes of a word, in which `\\xNN` stands for a byte."""
    return re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), word.encode())


def letter(byte):
    return chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\x{byte:02x}"


def environment(target, files):
    return os.environ | {"SWIFT_BACKTRACE": "enable=no", "FUZZ": target, "FUZZ_FOLDER": files, "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1"}


def keep(program, target, folder):
    """Puts the smallest inputs that reach what all do into the corpus, as far as there is room."""
    with tempfile.TemporaryDirectory() as merged, tempfile.TemporaryDirectory(dir="/dev/shm") as files:
        subprocess.run([program, "-merge=1", f"-max_len={LONG}", merged, folder], env=environment(target, files),
                       stderr=subprocess.DEVNULL)
        inputs = sorted((file.read_bytes() for file in pathlib.Path(merged).iterdir()), key=lambda bytes: (-len(bytes), bytes))
        inputs = [bytes for bytes in inputs if 0 < len(bytes) <= KEPT_INPUT_BYTES][:KEPT_INPUTS]
        if inputs:
            CORPUS.mkdir(exist_ok=True)
            (CORPUS / f"{target}.txt").write_bytes(b"".join(base64.b64encode(bytes) + b"\n" for bytes in inputs))


def feed(program, target, work, options, length, seconds):
    """Runs one target; how many inputs were executed, and the exit code."""
    dictionary = seed(target, work / target)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as files:
        result = subprocess.run(
            [program, work / target, f"-dict={dictionary}", f"-max_total_time={seconds}", "-rss_limit_mb=2048",
             f"-timeout={options.patience}", f"-max_len={length}", f"-artifact_prefix={work}/{target}-", "-print_final_stats=1", "-reload=0"],
            env=environment(target, files), capture_output=True, text=True, errors="replace")
    (work / f"{target}.log").write_text(result.stderr[-200_000:])
    runs = re.search(r"number_of_executed_units: (\d+)", result.stderr)
    # One that ends early states the number of its last line alone.
    last = re.findall(r"^#(\d+)\s", result.stderr, re.MULTILINE)
    return int(runs.group(1)) if runs else int(last[-1]) if last else 0, result.returncode


def used():
    """Seconds of the processor that the children took."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--patience", type=int, default=25, help="seconds for one input, by the clock on the wall")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    record = options.work / "executions.json"
    failed = False
    for target in options.only or names(options.program):
        if options.keep:
            keep(options.program, target, options.work / target)
            continue
        for length, seconds in (SHORT, options.seconds - options.seconds // 5), (LONG, options.seconds // 5):
            if seconds == 0:
                continue
            before = used()
            runs, code = feed(options.program, target, options.work, options, length, seconds)
            sums = json.loads(record.read_text()) if record.exists() else {}
            sums[target] = sums.get(target, 0) + runs
            record.write_text(json.dumps(sums, indent=1, sort_keys=True))
            rate = round(runs / max(used() - before, 0.01))
            print(target, "bytes", length, "runs", runs, "per second", rate, "exit code", code, "in all", sums[target], flush=True)
            failed = failed or code != 0
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
