#!/usr/bin/env python3
"""Runs the demo, and a sweep of four, as jobs of Slurm and compares every byte with the same on this machine alone.

    slurm.sh slurm_run.py [--stream] PROGRAMS [OPTION …]

Meanwhile a worker is killed, a job is put back into the queue, another is preempted, and training meets its time limit.
With --stream a small demo alone, whose activations are streamed within a sixth of their bytes (cache.max_disk_gb),
against training on this machine alone from all of them; a cacher is killed, one and training are put back. OPTION goes to every program, such as --set train.training_tokens=600000. SLURM_RUN_FOLDER names a folder for the
stores, which then stays: what is finished on this machine alone is used again.
"""

import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAUNCH = ROOT / "pipelines/launch"
SWEEP = 'train.sweep={"k": [4, 5], "lr": [1e-3, 5e-4]}'
# Slurm counts in minutes, and the signal may come a minute earlier than asked. Some
# seconds of training at a time for the demo, and more for the sweep, whose four runs share the processors.
LIMITED = ["--set", 'launch.time={"train": 1}', "--set", "launch.save_seconds=40"]
LESS_LIMITED = ["--set", 'launch.time={"train": 2}', "--set", "launch.save_seconds=45"]
# So many shards that four workers have enough to do.
CUT = ["--set", "cache.buffer_size_gb=0.012"]
# Two jobs fill one of the nodes.
ASKED = ["--set", "launch.cpus_per_task=2", "--set", "launch.mem=500M", "--set", "launch.retries=3"]
PATIENCE = 1500
# Sixty shards, of which ten are on the disk.
STREAMED = [
    "--set", "cache.buffer_size_gb=0.00001", "--set", "cache.training_tokens=245760",
    "--set", "train.training_tokens=400000", "--set", "train.lr_decay_steps=200",
    "--set", "train.checkpoint_minutes=0.05", "--set", "evaluate.eval_tokens=4000",
]
SHARE = 6


def output(*command):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, cwd=ROOT)
    if result.returncode:
        sys.exit(f"error: {command} ended with {result.returncode}:\n{result.stderr}")
    return result.stdout


def say(text):
    print(f"{time.strftime('%T')} {text}", flush=True)


def jobs(states="all"):
    """State, name, node and restarts of every job, by array and task."""
    found = {}
    for line in output("squeue", "-h", "-r", "-t", states, "-o", "%i|%T|%j|%N").splitlines():
        job, state, name, node = line.split("|")
        found[job] = (state, name, node)
    return found


def leases(store):
    return [path for path in store.rglob("*.lease")]


def owner(lease):
    """The process that holds a lease; None where it has just been released."""
    try:
        return json.loads(lease.read_text().splitlines()[-1])["pid"]
    except (OSError, IndexError, ValueError):
        return None


def wait(reason, condition):
    start = time.time()
    while not (found := condition()):
        if time.time() - start > PATIENCE:
            sys.exit(f"error: waited in vain for {reason}; jobs: {jobs()}")
        time.sleep(0.1)
    return found


def ended():
    """Whether every job has ended; a job on its way back into the queue shows states of both."""
    final = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY"}
    for _ in range(3):
        if any(state not in final for state, _, _ in jobs().values()):
            return False
        time.sleep(1)
    return True


def digest(path):
    if path.name != "metrics.jsonl":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    lines = []
    for line in path.read_text().splitlines():
        members = json.loads(line)
        members = {key: value for key, value in members.items() if key not in TIMES}
        lines.append(json.dumps(members, sort_keys=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


# What tells the time, or is made of what does.
TIMES = {"details/tokens_per_second"}
TIMED = {"timing.json", "report.html", "report.json", "sweep.html"}


def digests(store, without):
    return {
        str(path.relative_to(store)): digest(path)
        for path in sorted(store.rglob("*")) if path.is_file() and path.name not in TIMED | without
        and not any(part.startswith(".") for part in path.relative_to(store).parts)}


def compare(expected, found, what, without=frozenset()):
    one, other = digests(expected, without), digests(found, without)
    wrong = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    if wrong:
        sys.exit(f"error: {what}: {len(wrong)} of {len(one)} files differ: {wrong[:10]}")
    say(f"{what}: {len(one)} files, all equal")


def main():
    words = sys.argv[1:]
    work = run
    if words[0] == "--stream":
        work, words = run_stream, words[1:]
    programs, options = pathlib.Path(words[0]), words[1:]
    if kept := os.environ.get("SLURM_RUN_FOLDER"):
        return work(programs, pathlib.Path(kept), options)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="saeline slurm-"))
    try:
        work(programs, folder, options)
    finally:
        shutil.rmtree(folder)


def status(programs, words):
    for stage in ["pretokenize", "cache", "train"]:
        print(output(programs / f"saeline-{stage}", "stage", *words), end="")
    print(output(LAUNCH / "jobs", "list", programs / "saeline-train", *words), flush=True)


def check_ends():
    bad = {job: row for job, row in jobs().items() if row[0] != "COMPLETED"}
    if bad:
        sys.exit(f"error: these jobs did not end well: {bad}")


def show_logs(store):
    for log in sorted((store / ".jobs").iterdir()):
        events = [line for line in log.read_text().splitlines() if "back into" in line or ": start " in line or "***" in line]
        say(log.name + "\n" + "\n".join("    " + line for line in events))


class Disk(threading.Thread):
    """The most that a folder takes of the disk, while it is looked at."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.folder, self.most, self.looks, self.ends = folder, 0, 0, False

    def run(self):
        while not self.ends:
            blocks = {}
            for path in self.folder.rglob("*"):
                try:
                    status = path.lstat()
                except FileNotFoundError:
                    continue
                # A file that gets its name has two for a moment.
                blocks[status.st_ino] = status.st_blocks * 512
            self.most, self.looks = max(self.most, sum(blocks.values())), self.looks + 1
            time.sleep(0.02)


def run_stream(programs, folder, options):
    def words(store, *more):
        return ["--config", "pipelines/demo.json5", *STREAMED, *options, "--set", f"store={store}", *more]

    alone, cluster = folder / "alone", folder / "streamed"
    say("the small demo on this machine alone, from the whole cache")
    output(LAUNCH / "local", programs, "pretokenize cache train", "", *words(alone, "--quiet"))
    whole = sum(path.stat().st_size for path in (alone / "activations").rglob("shard-*"))
    budget = whole // SHARE

    say(f"the same as jobs of Slurm, {whole / 1e6:.1f} MB of activations through {budget / 1e6:.1f} MB of disk")
    asked = words(cluster, *ASKED, "--set", f"cache.max_disk_gb={budget / 1e9:.9f}")
    disk = Disk(cluster / "activations")
    disk.start()
    print(output(LAUNCH / "slurm", programs, "pretokenize cache train", "3", *asked), end="", flush=True)
    caches = cluster / "activations"

    def running(stage):
        return sorted(job for job, (state, name, _) in jobs("RUNNING").items() if stage in name)

    wait("three cachers beside training", lambda: len(running("cache")) == 3 and len(running("train")) == 1)
    victim = wait("a lease", lambda: next(
        (pid for pid in map(owner, caches.rglob("shard-*.lease")) if pid), None))
    os.kill(victim, signal.SIGKILL)
    say(f"killed: process {victim}, which made a shard")
    wait("a checkpoint", lambda: any(cluster.glob("runs/*/checkpoints/*/checkpoint.json")))
    put_back = [running("cache")[-1], running("train")[0]]
    for job in put_back:
        output("scontrol", "requeue", job)
    say(f"put back: jobs {', '.join(put_back)}")
    status(programs, asked)
    wait("the end", ended)
    disk.ends = True
    disk.join()
    show_logs(cluster)
    check_ends()
    say(f"most on the disk: {disk.most} bytes of {budget}, looked at {disk.looks} times")
    if disk.most > budget:
        sys.exit("error: more than cache.max_disk_gb")
    # These two state max_disk_gb, and what jobs ask for.
    for part in ["tokens", "runs"]:
        compare(alone / part, cluster / part, part, without={"pipeline.json", "manifest.json"})


def run(programs, folder, options):
    def words(store, *more):
        return ["--config", "pipelines/demo.json5", *CUT, *options, "--set", f"store={store}", *more]

    alone, cluster = folder / "alone", folder / "cluster"
    say("the demo and the sweep on this machine alone")
    output(LAUNCH / "local", programs, "pretokenize cache train", "", *words(alone, "--quiet"))
    output(LAUNCH / "local", programs, "train", "", *words(alone, "--quiet", "--set", SWEEP))

    say("the demo as jobs of Slurm, four workers on two nodes")
    asked = words(cluster, *ASKED, *LIMITED)
    print(output(LAUNCH / "slurm", programs, "pretokenize cache train", "4", *asked), end="", flush=True)
    caches = cluster / "activations"
    wait("the four workers of the cache", lambda: len(
        [1 for state, name, _ in jobs("RUNNING").values() if "cache" in name]) == 4 and len(leases(caches)) >= 4)
    nodes = {node for state, name, node in jobs("RUNNING").values()}
    if nodes != {"node1", "node2"}:
        sys.exit(f"error: the workers run on {nodes}")
    victim = wait("a lease", lambda: next((pid for pid in map(owner, leases(caches)) if pid), None))
    os.kill(victim, signal.SIGKILL)
    say(f"killed: process {victim}")
    running = sorted(job for job, (state, name, _) in jobs("RUNNING").items() if "cache" in name)
    output("scontrol", "requeue", running[-1])
    say(f"put back: job {running[-1]}")
    preempting = output(
        "sbatch", "--parsable", "--partition=urgent", "--ntasks=1", "--cpus-per-task=4", "--wrap=sleep 2",
        "--output=/dev/null", "--nodelist=node1").strip()
    say(f"preempted: the jobs of node1, by job {preempting}")
    status(programs, words(cluster, *ASKED))
    wait("the end of the preempting job", lambda: jobs()[preempting][0] == "COMPLETED")
    wait("the pipeline", ended)

    say("a sweep of four")
    print(output(LAUNCH / "slurm", programs, "train", "", *asked, *LESS_LIMITED, "--set", SWEEP), end="", flush=True)
    wait("the runs; one is the demo's own", lambda: len(leases(cluster / "runs")) >= 3 or ended())
    status(programs, words(cluster, *ASKED, "--set", SWEEP))
    wait("the sweep", ended)

    for job, (state, name, node) in sorted(jobs().items()):
        say(f"job {job} {name}: {state}")
    show_logs(cluster)
    limits = sum(log.read_text().count("ended with 130") for log in (cluster / ".jobs").glob("saeline-train*"))
    if limits == 0:
        sys.exit("error: no training met its time limit; give more train.training_tokens")
    check_ends()
    compare(alone, cluster, "the stores")


main()
