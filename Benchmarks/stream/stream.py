#!/usr/bin/env python3
"""Trains the demo's SAE through a stream and from a whole cache, and compares the weights.

  Benchmarks/stream/stream.py BIN [--share 20] [--kills 6] [--seed 1] [--sweep] [--trainers 1] [--transcoder] [--tokens N]

BIN has the three programs; .build/demo has the demo's text (make demo-text). The stream has a budget of one
SHAREth of the cache; its folder is measured all the while. Processes of both sides are killed at seeded times and
start again. Prints JSON, with how many shards were made how often, and ends with 1 where a weight differs or the
folder was ever above the budget.
"""
import argparse, collections, ctypes, hashlib, json, os, random, resource, shutil, signal, struct, subprocess
import sys, tempfile, threading, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bin")
    parser.add_argument("--share", type=float, default=20)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--trainers", type=int, default=1, help="processes that train the runs of a sweep")
    parser.add_argument("--tokens", type=int, default=983_040)
    parser.add_argument("--epochs", type=float, default=1.3)
    parser.add_argument("--sweep", action="store_true", help="two runs, which share the stream")
    parser.add_argument("--transcoder", action="store_true", help="two hook points")
    parser.add_argument("--set", action="append", default=[], help="a setting of both ways")
    parser.add_argument("--text", default=ROOT + "/.build/demo/stories.jsonl")
    parser.add_argument("--keep", help="a folder to work in, which stays")
    return parser.parse_args()


def pipeline(given, folder):
    """Writes the pipeline file."""
    text = open(ROOT + "/pipelines/demo.json5").read()
    with open(folder + "/demo.json5", "w") as file:
        # Of a transcoder k is no option.
        file.writelines(line for line in text.splitlines(True) if not (given.transcoder and line.strip() == "k: 5,"))


def options(given, store, *more):
    sets = [
        f"store={store}", f"pretokenize.dataset_path={os.path.abspath(given.text)}",
        f"cache.training_tokens={given.tokens}", "cache.buffer_size_gb=0.00001",
        f"train.training_tokens={int(given.tokens * given.epochs)}", "train.n_checkpoints=7",
        "evaluate.categories=null", "train.lr_decay_steps=100",
        "evaluate.eval_tokens=40000", "evaluate.report_latents=0",
    ]
    if given.sweep:
        sets += ['train.sweep={"l1_coefficient": [1, 3]}' if given.transcoder else 'train.sweep={"k": [4, 6]}']
    if given.transcoder:
        sets += [
            "train.architecture=transcoder", "cache.hook_name=blocks.1.hook_resid_mid",
            'cache.hook_names=["blocks.1.hook_mlp_out"]', "train.hook_name_out=blocks.1.hook_mlp_out",
        ]
    sets += given.set
    words = ["--config", "demo.json5"]
    for item in [*sets, *more]:
        words += ["--set", item]
    return words


def weights(store):
    found = {}
    for name in sorted(os.listdir(store + "/runs")):
        path = f"{store}/runs/{name}/sae_weights.safetensors"
        if os.path.exists(path):
            found[name] = hashlib.sha256(open(path, "rb").read()).hexdigest()
    return found


def size(folder):
    """What the files of a folder take of the disk, and the bytes of shards, whole or in the making."""
    disk, shards, seen = 0, 0, set()
    for base, _, names in os.walk(folder):
        for name in names:
            try:
                status = os.lstat(os.path.join(base, name))
            except FileNotFoundError:
                continue
            # A file that gets its name has two for a moment.
            if status.st_ino in seen:
                continue
            seen.add(status.st_ino)
            disk += status.st_blocks * 512
            shards += status.st_size if ".safetensors" in name else 0
    return disk, shards


class Sampler(threading.Thread):
    def __init__(self, store, stream):
        super().__init__(daemon=True)
        os.makedirs(stream)
        self.arrivals = Arrivals(stream)
        self.store, self.most, self.mostShards, self.count, self.ends = store, 0, 0, 0, False

    def run(self):
        while not self.ends:
            for name in os.listdir(self.store + "/activations") if os.path.isdir(self.store + "/activations") else []:
                disk, shards = size(f"{self.store}/activations/{name}")
                self.most, self.mostShards = max(self.most, disk), max(self.mostShards, shards)
            self.arrivals.read()
            self.count += 1
            time.sleep(0.01)
        self.arrivals.read()


class Arrivals:
    """Counts how often each shard gets its name in a folder, by inotify."""
    CREATE, MOVED_TO, OVERFLOW = 0x100, 0x80, 0x4000

    def __init__(self, folder):
        library = ctypes.CDLL(None, use_errno=True)
        self.descriptor = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if library.inotify_add_watch(self.descriptor, folder.encode(), self.CREATE | self.MOVED_TO) < 0:
            sys.exit(f"inotify: {os.strerror(ctypes.get_errno())}")
        self.counts = collections.Counter()

    def read(self):
        while True:
            try:
                data = os.read(self.descriptor, 1 << 16)
            except BlockingIOError:
                return
            while data:
                _, mask, _, length = struct.unpack_from("iIII", data)
                name, data = data[16:16 + length].rstrip(b"\0").decode(), data[16 + length:]
                if mask & self.OVERFLOW:
                    sys.exit("inotify lost events")
                if name.startswith("shard-") and name.endswith(".safetensors"):
                    self.counts[name] += 1


class Clock:
    """Seconds that pass, and seconds of processors that children take which end meanwhile."""

    def __init__(self):
        self.start = self.now()

    @staticmethod
    def now():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.monotonic(), usage.ru_utime, usage.ru_stime

    def read(self):
        return {what: round(now - then, 2)
                for what, now, then in zip(("seconds", "user", "system"), self.now(), self.start)}


def run(program, words, folder):
    clock = Clock()
    subprocess.run([program, *words, "--quiet"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return clock.read()


def stream(given, words, folder, draw):
    """Runs both sides to their ends; processes are killed now and then and start again."""
    clock, kills = Clock(), given.kills
    log = open(folder + "/log", "a")

    def begin(stage):
        return subprocess.Popen(
            [f"{given.bin}/saeline-{stage}", *words], cwd=folder, stdout=subprocess.DEVNULL, stderr=log)

    stages = ["cache"] * given.workers + ["train"] * given.trainers
    processes = [begin(stage) for stage in stages]
    due, killed = time.monotonic() + draw.uniform(0.3, 3), []
    while any(process is not None for process in processes):
        for index, process in enumerate(processes):
            if process is None or process.poll() is None:
                continue
            if process.returncode == 0:
                processes[index] = None
            elif process.returncode == -signal.SIGKILL:
                processes[index] = begin(stages[index])
            else:
                for other in processes:
                    if other is not None and other.poll() is None:
                        other.terminate()
                sys.exit(f"saeline-{stages[index]} ended with {process.returncode}: see {folder}/log")
        if kills > 0 and time.monotonic() > due:
            living = [index for index, process in enumerate(processes) if process is not None]
            # Training is killed every other time.
            index = len(stages) - 1 if kills % 2 and len(stages) - 1 in living else draw.choice(living)
            processes[index].kill()
            killed.append(stages[index])
            kills -= 1
            due = time.monotonic() + draw.uniform(0.5, 6)
        time.sleep(0.02)
    return clock.read(), killed


def main():
    given = arguments()
    given.bin = os.path.abspath(given.bin)
    draw = random.Random(given.seed)
    folder = given.keep or tempfile.mkdtemp(prefix="stream-")
    os.makedirs(folder, exist_ok=True)
    os.path.exists(folder + "/pipelines") or os.symlink(ROOT + "/pipelines", folder + "/pipelines")
    pipeline(given, folder)
    whole, streamed = folder + "/whole", folder + "/streamed"
    result = {"seed": given.seed, "workers": given.workers}
    words = options(given, whole)
    run(given.bin + "/saeline-pretokenize", words, folder)
    shutil.rmtree(streamed, ignore_errors=True)
    shutil.copytree(whole + "/tokens", streamed + "/tokens")
    result["two_steps"] = {
        stage: run(f"{given.bin}/saeline-{stage}", words, folder) for stage in ["cache", "train"]
    }
    caches = sorted(os.listdir(whole + "/activations"), key=lambda name: "hook_mlp_out" in name)
    result["cache_bytes"] = sum(size(f"{whole}/activations/{cache}")[1] for cache in caches)
    result["shards"] = sum(name.startswith("shard") for name in os.listdir(f"{whole}/activations/{caches[0]}"))
    budget = result["cache_bytes"] / given.share
    sampler = Sampler(streamed, f"{streamed}/activations/{caches[0]}/stream")
    sampler.start()
    result["stream"], result["killed"] = stream(
        given, options(given, streamed, f"cache.max_disk_gb={budget / 1e9:.9f}"), folder, draw)
    sampler.ends = True
    sampler.join()
    made = sampler.arrivals.counts.values()
    result |= {
        "shards_made": sum(made), "shards_made_times": dict(sorted(collections.Counter(made).items())),
        "budget_bytes": int(budget), "most_disk_bytes": sampler.most, "most_shard_bytes": sampler.mostShards,
        "samples": sampler.count, "shard_bytes_left": size(streamed + "/activations")[1],
        "weights": weights(streamed), "same_weights": weights(whole) == weights(streamed),
    }
    print(json.dumps(result, indent=1))
    if not given.keep:
        shutil.rmtree(folder)
    sys.exit(0 if result["same_weights"] and sampler.most <= budget and result["weights"] else 1)


main()
