"""Compares the bill of every stage with the clock, for five runs of the demo's model and text.

Run:  python Benchmarks/bill/clock.py [--bin .build/release] [--cases demo,relu,...] [--store FOLDER]
      (in the checkout, after `make demo-text CONFIG=pipelines/demo.json5`; some minutes)

For every case a fresh store is made; each program says first what it will take (`--dry-run --json`), then takes
it. What is printed are the seconds of both and the factor between them, for each stage and for the whole.
A factor beyond 1.5 in either direction is marked, where a stage takes more than two seconds.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

SHORT = ["train.training_tokens=400000", "train.lr_decay_steps=200", "cache.training_tokens=300000"]
CASES = {
    "demo": [],
    "relu": SHORT + [
        "train.architecture=standard", "train.k=null", "train.l1_coefficient=5", "train.training_tokens=1500000"],
    "sweep": SHORT + ['train.sweep={"k": [4, 16], "lr": [1e-3, 3e-4]}'],
    "wide": SHORT + ["train.d_sae=4096", "train.k=16", "train.n_checkpoints=3"],
    "jumprelu": SHORT + ["train.architecture=jumprelu", "train.k=null", "train.l0_coefficient=0.5"],
}
PROGRAMS = ["saeline-pretokenize", "saeline-cache", "saeline-train"]


def run(arguments):
    start = time.monotonic()
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}: {done.stderr}")
    return time.monotonic() - start, done.stdout


def compare(name, settings, options):
    store = os.path.join(options.store, name)
    shutil.rmtree(store, ignore_errors=True)
    given = [part for setting in settings if not setting.endswith("=null") for part in ("--set", setting)]
    config = without([setting[:-len("=null")] for setting in settings if setting.endswith("=null")], options)
    billed, taken = 0, 0
    for program in PROGRAMS:
        command = [os.path.join(options.bin, program), "--config", config, "--set", "store=" + store] + given
        asked, text = run(command + ["--dry-run", "--json"])
        bill = json.loads(text.strip().splitlines()[-1])
        seconds, _ = run(command + ["--quiet"])
        show(name, bill["stage"], bill["seconds"], seconds, asked, bill.get("seconds_by_part", {}))
        billed, taken = billed + (bill["seconds"] or 0), taken + seconds
    show(name, "all", billed, taken, 0, {})


def without(names, options):
    """The pipeline file without some of its settings, which another architecture refuses."""
    text = open(options.config).read()
    for name in names:
        text, count = re.subn(rf"(?m)^ *{name.split('.')[-1]}: .*,\n", "", text)
        if count != 1:
            sys.exit(f"{options.config}: {name} stands there {count} times")
    path = os.path.join(options.store, "pipeline.json5")
    with open(path, "w") as file:
        file.write(text)
    return path


def show(name, stage, billed, taken, asked, parts):
    factor = (billed or 0) / taken
    mark = "  !" if taken > 2 and not 1 / 1.5 <= factor <= 1.5 else ""
    detail = ", ".join(f"{part} {seconds:.1f}" for part, seconds in sorted(parts.items()))
    print(f"{name:10} {stage:12} bill {billed or 0:7.1f} s  clock {taken:7.1f} s  factor {factor:5.2f}{mark}"
          f"  (dry-run {asked:.1f} s; {detail})", flush=True)


parser = argparse.ArgumentParser()
parser.add_argument("--bin", default=".build/release")
parser.add_argument("--config", default="pipelines/demo.json5")
parser.add_argument("--cases", default=",".join(CASES))
parser.add_argument("--store", default=None)
options = parser.parse_args()
options.store = options.store or tempfile.mkdtemp(prefix="bill-")
for case in options.cases.split(","):
    compare(case, CASES[case], options)
