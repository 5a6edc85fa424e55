"""Compares what the bill says of memory with what training takes, at d_sae 65536.

    python Benchmarks/bill/memory.py PROGRAMS

For topk and standard (which starts dense): what --dry-run states against the largest resident set, and how much of
that were mapped shards, which the statement leaves out.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
import inputs  # noqa: E402

D_IN, BATCH, STEPS = 1024, 4096, 3


def compare(programs: inputs.Programs, options: dict) -> None:
    given = inputs.words("train", options)
    stated = programs.run("train", "--dry-run", *given)["memory_bytes"]
    command = [programs.binaries / "saeline-train", *given, "--config", programs.file, "--quiet", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    largest = {"VmHWM": 0, "RssAnon": 0}
    while process.poll() is None:
        try:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            break
        for key in largest:
            found = re.search(rf"{key}:\s+(\d+) kB", status)
            largest[key] = max(largest[key], 1024 * int(found[1]) if found else 0)
        time.sleep(0.05)
    if process.wait():
        sys.exit(f"error: a run with {options} failed")
    shares = {key: f"{value / 1e9:.2f} GB ({100 * value / stated - 100:+.1f} %)" for key, value in largest.items()}
    print(f"d_sae 65536, {options['architecture']}: stated {stated / 1e9:.2f} GB, largest resident set "
          f"{shares['VmHWM']}, of which its own memory {shares['RssAnon']}", flush=True)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        programs = inputs.Programs(pathlib.Path(sys.argv[1]).resolve(), place, {
            "name": "memory", "cache": {"model_name": "nobody/rows", "hook_name": "blocks.0.hook_mlp_out"},
            "train": {"train_batch_size_tokens": BATCH, "training_tokens": STEPS * BATCH, "d_sae": 65536, "lr": 1e-6},
            "evaluate": {"eval_tokens": 1}})
        programs.run("cache", "import", str(inputs.write_rows(place / "rows", D_IN, BATCH, STEPS)))
        compare(programs, {"architecture": "topk", "k": 64})
        compare(programs, {"architecture": "standard"})


main()
