"""Many workers at one folder of the store: real processes, real leases, shards of a few bytes.

    swift build -c release --product ScaleWorker
    python Benchmarks/scale/simulate.py .build/release/ScaleWorker [--workers 1000] [--shards 100000] …

Prints one JSON line: what was lost, doubled or left, how many calls about files all workers made (counted by calls.c,
which is compiled here) and how long it took. With --kill some workers are killed and with --stop some are suspended for
longer than a lease. --machines starts workers in process namespaces of their own, so that they are strangers to each
other as on several hosts; with --cached-seconds each of these sees the folder through a mount of its own (bindfs) whose
kernel remembers names and sizes for so long, as a network file system's client does (with --cached-absence also that
a name was not there, whatever this machine has changed in the folder since), and --lost loses the answer to a share of
the calls that were done. Needs cc, unshare and bindfs; Linux and root for the last two.
"""

import argparse
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
import time

KINDS = "stat open create read write link unlink rename fsync list names mkdir lost".split()
HERE = pathlib.Path(__file__).parent


def name(shard):
    return f"shard-{shard:05d}.safetensors"


class Simulation:
    def __init__(self, options):
        self.options = options
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="scale-", dir=options.folder))
        self.store = self.work / "store"
        self.folder = self.store / "activations"
        self.folder.mkdir(parents=True)
        self.notes = self.work / "notes"
        self.notes.mkdir()
        self.mounts = []
        self.shim = self.work / "calls.so"
        subprocess.run(
            ["cc", "-O2", "-shared", "-fPIC", "-o", self.shim, HERE / "calls.c", "-ldl"], check=True)

    def seen_folder(self, machine):
        """The folder as a machine sees it."""
        if not self.options.cached_seconds:
            return self.folder
        mount = self.work / f"mount-{machine}"
        mount.mkdir()
        seconds = self.options.cached_seconds
        kinds = ["attr", "entry"] + ["negative"] * self.options.cached_absence
        caching = ",".join(f"{what}_timeout={seconds}" for what in kinds)
        subprocess.run(["bindfs", "-o", caching, self.store, mount], check=True)
        self.mounts.append(mount)
        return mount / "activations"

    def start(self):
        options = self.options
        machines = max(1, options.machines)
        places = [self.seen_folder(machine) for machine in range(machines)]
        environment = dict(os.environ, LD_PRELOAD=str(self.shim), CALLS_FILE=str(self.work / "counts"))
        if options.lost:
            environment["CALLS_LOST"] = str(options.lost)
        processes = []
        for worker in range(options.workers):
            place = places[worker % machines]
            command = [options.program, place, options.shards, options.lease, options.shard_seconds,
                       self.notes / str(worker)]
            if options.machines:
                command = ["unshare", "--pid", "--fork", "--kill-child"] + command
            processes.append(subprocess.Popen(
                [str(word) for word in command], env=dict(environment, CALLS_FOLDER=str(place)),
                stdout=subprocess.DEVNULL, stderr=open(self.work / f"errors-{worker}", "w")))
        return processes

    def disturb(self, processes):
        """Kills and suspends workers chosen by the seed, once a tenth of the shards is there; continues them at the end."""
        options = self.options
        chosen = random.Random(options.seed).sample(range(len(processes)), options.kill + options.stop)
        killed, stopped = chosen[:options.kill], chosen[options.kill:]
        if not chosen:
            return killed, stopped
        while self.begun() < options.shards / 10 and any(p.poll() is None for p in processes):
            time.sleep(0.2)
        for worker in killed:
            processes[worker].kill()
        for worker in stopped:
            processes[worker].send_signal(signal.SIGSTOP)
        time.sleep(2.5 * options.lease)
        for worker in stopped:
            processes[worker].send_signal(signal.SIGCONT)
        return killed, stopped

    def begun(self):
        return sum(path.read_text().count("shard") for path in self.notes.iterdir())

    def run(self):
        options = self.options
        start = time.monotonic()
        processes = self.start()
        started = time.monotonic() - start
        killed, stopped = self.disturb(processes)
        codes = [process.wait() for process in processes]
        seconds = time.monotonic() - start
        for mount in self.mounts:
            subprocess.run(["umount", mount], check=True)
        return self.report(codes, killed, stopped, seconds, started)

    def report(self, codes, killed, stopped, seconds, started):
        options = self.options
        lines = [line for path in self.notes.iterdir() for line in path.read_text().splitlines()]
        ends = [line.split() for line in lines if line.startswith("made")]
        begun = sum(line.startswith("shard") for line in lines)
        files = set(os.listdir(self.folder))
        wanted = {name(shard) for shard in range(options.shards)}
        manifest = json.loads((self.folder / "manifest.json").read_text())
        listed = [shard["file"] for shard in manifest["shards"]]
        wrong = [shard for shard in range(options.shards)
                 if (self.folder / name(shard)).read_text() != f"shard {shard}\n"] if wanted <= files else None
        failures = [code for worker, code in enumerate(codes) if code != 0 and worker not in killed]
        counts = struct.unpack(f"<{len(KINDS)}Q", (self.work / "counts").read_bytes())
        calls = dict(zip(KINDS, counts))
        result = {
            "workers": options.workers, "shards": options.shards, "killed": len(killed), "stopped": len(stopped),
            "lost": len(wanted - files), "wrong": wrong if wrong is None else len(wrong),
            "doubled_in_manifest": len(listed) - len(set(listed)), "listed": len(listed),
            "left_over": sorted(files - wanted - {"manifest.json"})[:5],
            "begun_twice": begun - options.shards, "made_by_survivors": sum(int(end[1]) for end in ends),
            "manifests_computed": lines.count("manifest"), "failed_workers": len(failures),
            "seconds": round(seconds, 1), "start_seconds": round(started, 1),
            "largest_worker_megabytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
            "longest_finish_seconds": round(max((float(end[5]) for end in ends), default=0), 2),
            "fewest_and_most_by_one": [min(int(end[1]) for end in ends), max(int(end[1]) for end in ends)],
            "calls": calls, "calls_in_all": sum(v for k, v in calls.items() if k not in ("names", "lost")),
        }
        result["calls_per_shard"] = round(result["calls_in_all"] / options.shards, 1)
        result["names_read_per_shard"] = round(calls["names"] / options.shards, 1)
        if failures:
            result["errors"] = [path.read_text() for path in self.work.glob("errors-*") if path.stat().st_size][:3]
        return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--workers", type=int, default=1_000)
    parser.add_argument("--shards", type=int, default=100_000)
    parser.add_argument("--lease", type=float, default=60, help="seconds")
    parser.add_argument("--shard-seconds", type=float, default=0)
    parser.add_argument("--kill", type=int, default=0, help="workers that are killed")
    parser.add_argument("--stop", type=int, default=0, help="workers that are suspended beyond their lease")
    parser.add_argument("--machines", type=int, default=0, help="strangers among the workers")
    parser.add_argument("--cached-seconds", type=float, default=0)
    parser.add_argument("--cached-absence", action="store_true", help="names that were not there are remembered, too")
    parser.add_argument("--lost", type=float, default=0, help="share of answers that are lost")
    parser.add_argument("--folder", default="/dev/shm")
    parser.add_argument("--seed", type=int, default=1)
    simulation = Simulation(parser.parse_args())
    try:
        print(json.dumps(simulation.run()))
    finally:
        shutil.rmtree(simulation.work, ignore_errors=True)


if __name__ == "__main__":
    main()
