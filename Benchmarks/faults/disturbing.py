"""Signals at random moments, processes that stand still, damaged files, disks that are too small, clocks that jump.

Imported by faults.py.
"""

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

from place import FOLDERS, STAGES, Ended, Place, timeless_name

STOPPING = [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGINT]
# As many seconds as a lease lasts, and some.
LEASE = 60
# Enough steps for a training that is under way for some seconds.
LONG = ["--set", "train.training_tokens=300000", "--set", "train.checkpoint_minutes=0.003"]


def kills(trials, rounds: int):
    """Signals at random moments: the last run of a place must end as an untouched one."""
    chance = trials.chance
    for number in range(rounds):
        stage = chance.choice(STAGES)
        place = trials.fresh(stage)
        told = []
        for _ in range(chance.randint(1, 4)):
            kind = chance.choice([signal.SIGKILL] * 2 + STOPPING)
            workers = [place.start(stage) for _ in range(chance.choice([1, 1, 2, 3]))]
            time.sleep(chance.uniform(0.02, 0.35))
            workers[0].send_signal(kind)
            told.append(f"{kind.name} to one of {len(workers)}")
            for index, worker in enumerate(workers):
                ended = place.end(worker)
                what = f"{stage}: {', '.join(told)} (round {number})"
                # Before the program listens, a signal ends it as it ends any other.
                if index == 0 and ended.code == -kind:
                    trials.endings[f"kills {stage}", ended.code] += 1
                    continue
                trials.judge(f"kills {stage}", what, place, ended)
                if index > 0 and ended.code != 0:
                    trials.found(what, f"a worker beside it ended with {ended.code}", ended)
        trials.repair(f"{stage}: {', '.join(told)} (round {number})", place, stage)
        trials.done(place)


def stands(process: subprocess.Popen) -> bool:
    return "\nState:\tT" in pathlib.Path(f"/proc/{process.pid}/status").read_text()


def standing(trials, rounds: int):
    """A worker stands still before one of its calls for longer than its lease; another takes over; then it goes on."""
    import injecting
    chance = trials.chance
    calm = trials.fresh("train")
    calm.options = LONG
    calm.run("train")
    trying = []
    # All of them wait at once: most of the time nothing runs.
    for number in range(rounds):
        stage = ["train", "cache", "pretokenize", "train"][number % 4]
        place = trials.fresh(stage)
        if stage == "train":
            place.options = LONG
        call, like, most = chance.choice({
            "train": [("write", "metrics.jsonl", 60), ("rename", "checkpoints/", 12), ("fsync", "checkpoints/", 30)],
            "cache": [("link", "shard-", 4), ("write", "shard-", 8), ("link", "manifest.json", 2)],
            "pretokenize": [("link", "shard-", 1), ("write", "work/block", 1), ("link", "manifest.json", 1)],
        }[stage])
        fault = injecting.Fault(stage, call, like, chance.randint(1, most), "stop", 1)
        environment = fault.environment(trials.shim, place.root)
        late = place.start(stage, environment)
        trying.append((fault, place, late))
        deadline = time.monotonic() + 20
        while late.poll() is None and not stands(late) and time.monotonic() < deadline:
            time.sleep(0.02)
    nexts = [place.start(fault.stage) for fault, place, _ in trying]
    begun = time.monotonic()
    for (fault, place, late), following in zip(trying, nexts):
        if chance.random() < 0.5:
            # It goes on while the other is at work.
            while following.poll() is None and time.monotonic() - begun < LEASE + 3:
                time.sleep(0.05)
        else:
            ended = place.end(following, 2 * LEASE)
        late.send_signal(signal.SIGCONT)
        ended_late, ended_next = place.end(late), place.end(following, 2 * LEASE) if following.poll() is None else None
        what = str(fault)
        trials.judge(f"standing {fault.stage}", what, place, ended_late)
        if ended_late.code != 0 and "has taken over the work" not in ended_late.errors:
            trials.found(what, f"the one that stood still ended with {ended_late.code}", ended_late)
        if following.returncode != 0:
            trials.found(what, f"the one that took over ended with {following.returncode}", ended_next)
        if fault.stage == "train":
            again = place.run("train")
            if again.code != 0 or place.files("train") != calm.files("train"):
                trials.found(what, "the run is not as one that was left alone", again)
        else:
            trials.repair(what, place, fault.stage)
        trials.done(place)
    trials.done(calm)


def injure(chance: random.Random, path: pathlib.Path) -> str:
    """Damages a file; says how."""
    content = path.read_bytes()
    how = chance.choice(["cut", "bit", "bit", "bit", "empty", "gone", "folder", "zeros", "longer"])
    if how == "cut":
        path.write_bytes(content[: chance.randrange(max(1, len(content)))])
    elif how == "bit":
        # Beginnings hold headers.
        place = chance.randrange(min(len(content), chance.choice([200, len(content)])) or 1)
        if content:
            changed = bytearray(content)
            changed[place] ^= 1 << chance.randrange(8)
            path.write_bytes(changed)
            how = f"bit at {place}"
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "zeros":
        start = chance.randrange(max(1, len(content)))
        path.write_bytes(content[:start] + bytes(min(4096, len(content) - start)) + content[start + 4096:])
    elif how == "longer":
        path.write_bytes(content + b"\0" * 100)
    else:
        path.unlink()
        if how == "folder":
            path.mkdir()
    return how


def is_listed(path: pathlib.Path) -> bool:
    """Whether the manifest of its folder states the digest of a file."""
    try:
        manifest = json.loads((path.parent / "manifest.json").read_text())
    except (OSError, ValueError):
        return False
    return path.name in [entry["file"] for part in ("shards", "files") for entry in manifest.get(part, [])]


def damage(trials, rounds: int):
    """A damaged file in what finished stages left, or in one that was killed: the next stages say so, or repair it."""
    chance = trials.chance
    for number in range(rounds):
        kind = chance.choice(["finished", "finished", "begun"])
        stage = chance.choice(STAGES)
        if kind == "finished":
            place = trials.fresh(None)
            below = place.root / "store" / FOLDERS[stage]
        else:
            place = trials.fresh(stage)
            place.end_after = chance.uniform(0.06, 0.3)
            worker = place.start(stage)
            time.sleep(place.end_after)
            worker.kill()
            place.end(worker)
            below = place.root / "store" / FOLDERS[stage]
            if any(below.glob("*/manifest.json")):
                kind = "finished"
        files = sorted(path for path in below.rglob("*") if path.is_file())
        if not files:
            trials.done(place)
            continue
        hurt = chance.choice(files)
        before = hurt.read_bytes()
        how = injure(chance, hurt)
        name = str(hurt.relative_to(place.root / "store"))
        what = f"damage {number}: {how} in {name} ({kind})"
        verify = chance.choice([[], ["--verify"]])
        failed = None
        if kind == "finished" and chance.random() < 0.5 and stage != "train":
            # What comes next is made anew from it.
            for later in STAGES[STAGES.index(stage) + 1:]:
                shutil.rmtree(place.root / "store" / FOLDERS[later], ignore_errors=True)
        for each in STAGES[STAGES.index(stage):]:
            ended = place.run(each, more=verify)
            trials.judge(f"damage {each}", what + f" {each} {verify}", place, ended)
            if ended.code != 0:
                failed = (each, ended)
                break
        if failed:
            # What the sentence says is done: a file or a folder is deleted and the stages run again.
            each, ended = failed
            trials.unrepaired[f"{each}: {trials.plain(ended.sentence, place)}"] += 1
            shutil.rmtree(hurt, ignore_errors=True) if hurt.is_dir() else hurt.unlink(missing_ok=True)
            hurt.write_bytes(before)
            trials.repair(what + ", file restored", place, *STAGES[STAGES.index(each):])
        else:
            differences = trials.differences(place, *STAGES)
            # What no manifest lists can be written anew at any time, and is not compared with anything.
            known = verify and is_listed(hurt)
            own = timeless_name(hurt.relative_to(place.root / "store"))
            harmless = [text for text in differences if not known and own in text and kind == "finished"]
            rest = [text for text in differences if text not in harmless]
            if rest:
                trials.found(what + f" {verify}", "all ended well, but " + "; ".join(rest[:4]))
            for text in harmless:
                trials.silent[f"{how.split()[0]} {pathlib.Path(name).name}"] += 1
        trials.done(place)


def full(trials, rounds: int):
    """A disk that is too small, and one that cannot be written to: a tmpfs, which root alone can mount."""
    if os.geteuid() != 0:
        print("full: left out, only root can mount a disk")
        return
    chance = trials.chance
    for number in range(rounds):
        stage = chance.choice(STAGES)
        place = trials.fresh(stage)
        disk = place.root / "store"
        held = place.root / "held"
        disk.rename(held) if disk.exists() else held.mkdir()
        disk.mkdir()
        used = sum(path.stat().st_size + 8192 for path in held.rglob("*"))
        free = int(2 ** chance.uniform(12, 22))
        is_read_only = chance.random() < 0.2
        options = f"size={used + free},nr_inodes={chance.choice([0, 0, 0, 60])}"
        if "nr_inodes=60" in options:
            options = f"size={used + (8 << 20)},nr_inodes={len(list(held.rglob('*'))) + chance.randint(1, 40)}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], check=True)
        try:
            shutil.copytree(held, disk, dirs_exist_ok=True)
            if is_read_only:
                subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
            what = f"full {number}: {stage}, {'read-only' if is_read_only else f'{free} bytes free, {options}'}"
            ended = place.run(stage)
            trials.judge(f"full {stage}", what, place, ended)
            if is_read_only and ended.code != 2:
                trials.found(what, f"ended with {ended.code}", ended)
            subprocess.run(["mount", "-o", "remount,rw,size=1g,nr_inodes=0", disk], check=True)
            trials.repair(what, place, stage)
        finally:
            subprocess.run(["umount", disk], check=True)
        trials.done(place)


def clock(trials, rounds: int):
    """Two workers whose clocks differ by hours, and clocks that jump while they work."""
    chance = trials.chance
    for number in range(rounds):
        stage = chance.choice(STAGES)
        place = trials.fresh(stage)
        clocks = [f"{chance.randint(-90000, 90000)},{chance.randint(-90000, 90000)},{chance.uniform(0, 0.4):.2f}" for _ in range(2)]
        begun = time.monotonic()
        workers = [place.start(stage, {"LD_PRELOAD": str(trials.shim), "FAULT_CLOCK": value}) for value in clocks]
        what = f"clock {number}: {stage}, {' and '.join(clocks)}"
        for worker in workers:
            ended = place.end(worker)
            trials.judge(f"clock {stage}", what, place, ended)
            if ended.code != 0:
                trials.found(what, f"ended with {ended.code}", ended)
        if time.monotonic() - begun > 30:
            trials.found(what, "took long")
        trials.repair(what, place, stage)
        trials.done(place)
