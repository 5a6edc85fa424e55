"""Two users of one group who work in one store at the same time.

    python users.py PROGRAMS [--place FOLDER]

Makes a group, two users of it and one who is in no group, whom it removes again; needs root and useradd. Each pair of
commands below is started by both users at once. Both must end well, the store must hold what a store of one's own does,
each byte of it readable and writable for both, and each must be able to go on with what the other has left: a killed run,
a damaged shard, a report, gc. What is not so is printed, and the exit code is 1. The folder of the store is

  setgid  of the group, mode 2770
  group   of the group, mode 770, without the bit
  closed  of the first user alone, mode 755, umask 077: the second one gets a sentence
  readable  the same with umask 022: the second one trains from it into a store of his own

and the third user gets a sentence from those of the group. Made with Python 3.11.
"""

import argparse
import grp
import json
import os
import pathlib
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

from place import FOLDERS, STAGES, Place, digest, text

PROJECT = pathlib.Path(__file__).resolve().parents[2]
GROUP = "saeline-team"
USERS = {"saeline-alice": 0o022, "saeline-bob": 0o077, "saeline-carol": 0o022}
ALICE, BOB, CAROL = USERS
# Seconds that a program may take on a busy machine.
PATIENCE = 400
SETTINGS = [
    "cache.training_tokens=30000", "cache.buffer_size_gb=0.0002", "train.training_tokens=30000",
    "pretokenize.save_path=null", "logger.log_to_tensorboard=false",
]
SWEEP = ["--set", 'train.sweep={"k": [4, 6, 10, 12]}', "--set", "train.training_tokens=20000"]


class Users:
    """The users, for as long as they are needed."""

    def __enter__(self):
        subprocess.run(["groupadd", GROUP], check=True)
        for name in USERS:
            subprocess.run(["useradd", "--no-create-home", "--user-group", name], check=True)
        for name in [ALICE, BOB]:
            subprocess.run(["usermod", "--append", "--groups", GROUP, name], check=True)
        return self

    def __exit__(self, *_):
        for name in USERS:
            subprocess.run(["userdel", name], check=False)
        subprocess.run(["groupdel", GROUP], check=False)


class Store:
    """A folder with inputs that everybody reads, and a store in it."""

    def __init__(self, programs, root, kind):
        self.kind, self.findings, self.processes = kind, [], []
        self.place = Place.make(programs, root, PROJECT)
        for number in range(4):
            (root / f"text/{number}.jsonl").write_text(text(number, 1000))
        self.place.options = [word for setting in SETTINGS for word in ("--set", setting)]
        self.store = root / "store"
        self.store.mkdir()
        os.chown(self.store, pwd.getpwnam(ALICE).pw_uid, grp.getgrnam(GROUP).gr_gid)
        self.store.chmod({"setgid": 0o2770, "group": 0o770, "closed": 0o755, "readable": 0o755, "own": 0o755}[kind])
        for name in USERS:
            (root / name).mkdir(mode=0o700)
            os.chown(root / name, pwd.getpwnam(name).pw_uid, -1)

    def finds(self, finding):
        self.findings.append(f"{self.kind}: {finding}")

    def start(self, user, stage, *more, mask=None):
        words = self.place.words(stage)
        # A verb comes first.
        words = [words[0], *more, *words[1:]] if more and not more[0].startswith("--") else [*words, *more]
        groups = [GROUP] if user != CAROL else []
        process = subprocess.Popen(
            words, cwd=self.place.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, user=user, group=user, extra_groups=groups, umask=USERS[user] if mask is None else mask,
            env={"HOME": str(self.place.root / user), "PATH": os.environ["PATH"], "HF_HUB_OFFLINE": "1"})
        self.processes.append(process)
        return process

    def stop(self):
        """Ends what is left where something failed."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()

    def end(self, process, what, code=0):
        output, errors = process.communicate(timeout=PATIENCE)
        if process.returncode != code:
            self.finds(f"{what} ended with {process.returncode}: {errors.strip()[:600]}")
        return output, errors

    def run(self, user, stage, *more, code=0, mask=None):
        return self.end(self.start(user, stage, *more, mask=mask), f"{stage} {' '.join(more)} of {user}", code)

    def both(self, stage, *more):
        """Starts a command for both at once; returns what each printed."""
        processes = {user: self.start(user, stage, *more) for user in (ALICE, BOB)}
        return {user: self.end(process, f"{stage} {' '.join(more)} of {user}") for user, process in processes.items()}

    def refuses(self, user, stage, *more):
        """A command ends in one sentence, which is returned."""
        process = self.start(user, stage, *more)
        output, errors = process.communicate(timeout=PATIENCE)
        sentences = [line for line in errors.splitlines() if line.startswith("error: ")]
        others = [line for line in errors.splitlines() if not line.startswith(("error: ", "hint: ", "note: "))]
        if process.returncode not in (1, 2) or len(sentences) != 1 or others:
            self.finds(f"{stage} of {user} ended with {process.returncode}: {output} {errors.strip()[:600]}")
        return errors.strip()

    def check_modes(self, after):
        """Whatever is there belongs to the group, which may read and write it."""
        group, wrong = grp.getgrnam(GROUP).gr_gid, []
        for path in [self.store, *self.store.rglob("*")]:
            status = path.lstat()
            wanted = 0o070 if stat.S_ISDIR(status.st_mode) else 0o060
            if status.st_gid != group or status.st_mode & wanted != wanted:
                wrong.append(f"{path.relative_to(self.store)} {stat.filemode(status.st_mode)} gid {status.st_gid}")
        if wrong:
            self.finds(f"after {after}: {len(wrong)} closed: {wrong[:4]}")

    def owners(self, stage):
        names = (pwd.getpwuid(path.stat().st_uid).pw_name
                 for path in (self.store / FOLDERS[stage]).rglob("*.safetensors*") if "checkpoints" not in path.parts)
        counts = {}
        for name in names:
            counts[name] = counts.get(name, 0) + 1
        return counts

    def files(self):
        return {str(path.relative_to(self.store)): digest(path)
                for stage in STAGES for path in sorted((self.store / FOLDERS[stage]).rglob("*"))
                if path.is_file() and path.name not in ("timing.json", "sweep.html", "sweep.json")}


def together(store, expected):
    """Both do everything at the same time."""
    result = {}
    for stage in STAGES:
        store.both(stage)
        store.check_modes(stage)
        result[stage] = store.owners(stage)
    store.both("train", *SWEEP)
    store.check_modes("the sweep")
    result["sweep"] = store.owners("train")
    differing = sorted(name for name in expected.keys() | store.files().keys()
                       if expected.get(name) != store.files().get(name))
    if differing:
        store.finds(f"{len(differing)} files differ: {differing[:5]}")
    return result


def in_turn(store):
    """Each goes on with what the other has left."""
    for first, second in ((ALICE, BOB), (BOB, ALICE)):
        seed = ["--set", f"train.seed={7 if first == ALICE else 8}", "--set", "train.training_tokens=200000"]
        checkpoints = "runs/*/checkpoints/*/checkpoint.json"
        before = set(store.store.glob(checkpoints))
        process = store.start(first, "train", *seed)
        while process.poll() is None and not set(store.store.glob(checkpoints)) - before:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if process.returncode != -signal.SIGKILL:
            store.finds(f"train of {first} ended before it was killed")
        store.run(second, "train", *seed)
        store.check_modes(f"a run of {first} that {second} finished")
        store.run(second, "train", "report")
        store.run(first, "train", "report")
        store.check_modes("reports")
        shard = next(path for path in sorted((store.store / "activations").rglob("shard-*.safetensors"))
                     if pwd.getpwuid(path.stat().st_uid).pw_name == first)
        content = bytearray(shard.read_bytes())
        content[-1] ^= 1
        shard.write_bytes(content)
        store.run(second, "cache", "verify", code=2)
        store.run(second, "cache", "--verify")
        store.run(first, "cache", "verify")
        store.check_modes("a repair")
        store.run(second, "train", "gc", "--checkpoints", "--delete", "--days", "0")
        store.check_modes("gc")
        store.run(first, "cache", "ls")


def closed(store):
    """The first user keeps to herself; returns what the second one is told, each stage for itself."""
    told = {"ls": "", "pretokenize": ""}
    store.run(ALICE, "pretokenize", mask=0o077)
    told["pretokenize"] = store.refuses(BOB, "pretokenize")
    told["cache"] = store.refuses(BOB, "cache")
    store.run(ALICE, "cache", mask=0o077)
    told["train"] = store.refuses(BOB, "train")
    told["ls"] = store.refuses(BOB, "cache", "ls")
    return told


def readable(store):
    """The first user lets others read."""
    store.run(ALICE, "pretokenize")
    store.run(ALICE, "cache")
    store.run(BOB, "pretokenize")
    store.run(BOB, "cache")
    store.run(BOB, "cache", "verify")
    told = {"train": store.refuses(BOB, "train")}
    store.run(BOB, "train", "--set", f'store=["{BOB}/store", "./store"]')
    return told


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("programs", type=pathlib.Path)
    parser.add_argument("--place", type=pathlib.Path)
    given = parser.parse_args()
    base = pathlib.Path(tempfile.mkdtemp(prefix="users-", dir=given.place))
    base.chmod(0o755)
    # So that the users go where this is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    stores, result = {}, {}

    def make(kind):
        stores[kind] = Store(given.programs.resolve(), base / kind, kind)
        return stores[kind]

    with Users():
        try:
            own = make("own")
            for stage in STAGES:
                own.run(ALICE, stage)
            own.run(ALICE, "train", *SWEEP)
            expected = own.files()
            for kind in ("setgid", "group"):
                store = make(kind)
                result[kind] = together(store, expected)
                in_turn(store)
                result[kind]["stranger"] = store.refuses(CAROL, "cache")
            result["closed"] = closed(make("closed"))
            result["readable"] = readable(make("readable"))
        finally:
            for store in stores.values():
                store.stop()
            shutil.rmtree(base, ignore_errors=True)
    print(json.dumps(result, indent=1))
    findings = [finding for store in stores.values() for finding in store.findings]
    for finding in findings:
        print("FINDING", finding, file=sys.stderr)
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
