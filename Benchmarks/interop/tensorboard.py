"""Reads the event file of a run with TensorBoard's own readers and compares it with metrics.jsonl.

Usage: tensorboard.py RUN     the folder of a run trained with logger.log_to_tensorboard=true

Every number of the log must be a scalar of the same name, step and float32 value, and every histogram one
with the same edges and counts; nothing else may be there, times must not go back, and TensorBoard's server
must serve the same scalars.

Tried with Python 3.11, tensorboard 2.21.0, protobuf 7.36.2 and numpy 2.4.
"""

import json
import pathlib
import subprocess
import sys
import time
import urllib.parse
import urllib.request

# This file has the name of the package that it tries.
sys.path = [path for path in sys.path if pathlib.Path(path or ".").resolve() != pathlib.Path(__file__).parent]

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def values(name: str, value):
    """The scalars and histograms of a value of a line, by name."""
    if isinstance(value, dict) and value.get("_type") == "histogram":
        yield name, (value["bins"], value["values"])
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from values(f"{name}/{key}", part)
    elif value is not None:
        yield name, float(np.float32(value))


def logged(path: pathlib.Path):
    scalars, histograms = {}, {}
    for text in path.read_text().splitlines():
        line = json.loads(text)
        step = line.pop("step")
        for name, value in (found for key in line for found in values(key, line[key])):
            series = scalars if isinstance(value, float) else histograms
            series.setdefault(name, []).append((step, value))
    return scalars, histograms


def read(folder: pathlib.Path):
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "histograms": 0}).Reload()
    tags = events.Tags()
    scalars = {
        name: [(event.step, float(np.float32(event.value))) for event in events.Scalars(name)]
        for name in tags["scalars"]}
    histograms = {
        name: [
            (event.step, (
                [event.histogram_value.min, *event.histogram_value.bucket_limit],
                list(event.histogram_value.bucket)))
            for event in events.Histograms(name)]
        for name in tags["histograms"]}
    times = [event.wall_time for name in tags["scalars"] for event in events.Scalars(name)]
    ordered = all(
        first.wall_time <= second.wall_time
        for name in tags["scalars"] for first, second in zip(events.Scalars(name), events.Scalars(name)[1:]))
    return scalars, histograms, ordered, max(times) - min(times)


def served(folder: pathlib.Path, names):
    """The scalars by name as TensorBoard's server gives them to its page."""
    program = "import sys; from tensorboard.main import run_main; run_main()"
    server = subprocess.Popen(
        [sys.executable, "-c", program, "--logdir", str(folder), "--port", "0", "--samples_per_plugin",
         "scalars=1000000"], stderr=subprocess.PIPE, text=True, cwd="/")
    try:
        address = None
        for line in server.stderr:
            if "http://" in line:
                address = line[line.index("http://"):].split()[0].rstrip("/")
                break
        result = {}
        for _ in range(100):
            for name in names:
                query = urllib.parse.urlencode({"run": ".", "tag": name})
                try:
                    with urllib.request.urlopen(f"{address}/data/plugin/scalars/scalars?{query}") as answer:
                        result[name] = [(int(step), float(np.float32(value))) for _, step, value in json.load(answer)]
                except urllib.error.HTTPError:
                    pass
            if len(result) == len(names):
                break
            time.sleep(0.2)
        return result
    finally:
        server.terminate()
        server.wait()


def main(run: pathlib.Path) -> int:
    scalars, histograms = logged(run / "metrics.jsonl")
    our_scalars, our_histograms, ordered, seconds = read(run / "tensorboard")
    from_server = served(run / "tensorboard", sorted(scalars))
    print(f"scalars      {len(our_scalars)} names, {sum(map(len, our_scalars.values()))} values")
    print(f"histograms   {len(our_histograms)} names, {sum(map(len, our_histograms.values()))} values")
    print(f"time         {seconds:.1f} s from the first to the last")
    failed = [
        what for what, holds in {
            "scalars differ": our_scalars == scalars, "histograms differ": our_histograms == histograms,
            "times go back": ordered, "the server's scalars differ": from_server == scalars,
        }.items() if not holds]
    print("tensorboard: " + ("FAILED: " + ", ".join(failed) if failed else "passed"))
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
