"""What a benchmark ran on and with, and its answers as a table and as JSON."""

import datetime
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / ".build/bench"
# What decides which kernels of products can run.
FEATURES = ["avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8"]


def processors() -> int:
    return len(os.sched_getaffinity(0))


def described() -> dict:
    """The machine, the commit and the time."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", text)
    flags = set(re.search(r"flags\s*: (.*)", text)[1].split()) if "flags" in text else set()
    memory = re.search(r"MemTotal:\s+(\d+) kB", pathlib.Path("/proc/meminfo").read_text())
    return {
        "processor": model[1] if model else platform.machine(), "processors": processors(),
        "features": [name for name in FEATURES if name in flags], "memory_bytes": 1024 * int(memory[1]),
        "system": f"{platform.system()} {platform.release()}", "commit": commit(),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")}


def commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def packages(names: list) -> dict:
    """The versions of Python's packages."""
    from importlib import metadata

    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            pass
    return found


def headline(facts: dict) -> str:
    """The machine in one line."""
    return (f"{facts['processor']}, {facts['processors']} processors ({' '.join(facts['features'])}), "
            f"{facts['memory_bytes'] / 2**30:.0f} GiB, commit {facts['commit']}, {facts['date']}")


def write(name: str, answer: dict) -> pathlib.Path:
    """Writes an answer as .build/bench/NAME.json."""
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{name}.json"
    path.write_text(json.dumps(answer, indent=1) + "\n")
    return path


def table(lines: list) -> None:
    """Prints rows of texts, the first being the headings; the first two columns to the left."""
    lines = [[str(cell) for cell in line] for line in lines]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        cells = [cell.ljust(width) if column < 2 else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip(), flush=True)


def rate(value: float, unit: str) -> str:
    """A rate with a prefix: 61.2 k tokens/s."""
    if value is None:
        return "–"
    for size, prefix in [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")]:
        if value >= size:
            return f"{value / size:.3g} {prefix}{unit}" if unit[0].isupper() else f"{value / size:.3g} {prefix} {unit}"
    return f"{value:.3g} {unit}"


def spread(values: list) -> dict:
    """The median of some rounds with their least and largest."""
    return {"median": statistics.median(values), "least": min(values), "largest": max(values), "rounds": len(values)}


def call(command: list, **options) -> str:
    """Runs a program; its standard output. Ends with what it said where it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(str(word) for word in command[:6])}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def lines_of_json(text: str) -> list:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]
