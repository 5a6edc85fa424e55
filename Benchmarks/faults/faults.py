"""Disturbs the three programs in every way that a machine, a disk or a person may, and compares what comes of it.

    python faults.py PROGRAMS [--faults N] [--seed N] [--only PART ...] [--place FOLDER]

PROGRAMS is the folder of the built programs. In a tiny pipeline of its own each trial disturbs one stage, after which the
program has ended with a documented exit code and, unless it was killed, one sentence; the same command is run again,
undisturbed, and must end well, with every file of the stage as in an untouched run, but for times. What is not so is
printed, and the exit code is 1. Parts:

  calls     the n-th call of open, read, write, fsync, link, rename, ... fails, is short or ends the process (shim.c)
  kills     SIGKILL, SIGTERM, SIGHUP, SIGUSR1 or SIGINT at random moments, several times in a row, or to one of two workers
  standing  a process that stands still beyond its lease while another takes over, and then goes on
  damage    files of finished stages and inputs that are cut short, changed by a bit, empty, gone or a folder
  full      a disk of every size that is too small (a tmpfs; root alone), and one that is read-only
  clock     a wall clock that is hours off or jumps

The seed is printed; with the same seed the same faults are drawn. Needs clang or cc. Made with Python 3.11.
"""

import argparse
import collections
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

import disturbing
from place import STAGES, Ended, Place

PARTS = ["calls", "kills", "standing", "damage", "full", "clock"]
ROUNDS = {"kills": 100, "standing": 12, "damage": 150, "full": 60, "clock": 20}
HERE = pathlib.Path(__file__).resolve().parent


class Trials:
    """The places before each stage, what untouched runs leave, and what was found."""

    def __init__(self, programs: pathlib.Path, base: pathlib.Path, seed: int):
        self.base, self.chance, self.number = base, random.Random(seed), 0
        self.findings, self.endings, self.sentences = [], collections.Counter(), collections.Counter()
        # Sentences after which only mending by hand helps, and damage that nothing noticed.
        self.unrepaired, self.silent = collections.Counter(), collections.Counter()
        self.shim = base / "shim.so"
        compiler = shutil.which("clang") or "cc"
        subprocess.run(
            [compiler, "-O1", "-fPIC", "-shared", HERE / "shim.c", "-o", self.shim, "-ldl"], check=True)
        self.before: dict[str, Place] = {}
        place = Place.make(programs, base / "first", HERE.parents[1])
        for number, stage in enumerate(STAGES):
            self.before[stage] = place
            place = place.copy(base / f"after-{stage}")
            ended = place.run(stage)
            if ended.code != 0:
                sys.exit(f"faults: FAILED: {stage}, undisturbed: {ended.errors}")
        self.finished = place
        self.expected = place.files(*STAGES)

    def fresh(self, stage: str | None) -> Place:
        """A place in which a stage is next; of None, one in which all are finished."""
        self.number += 1
        return (self.before[stage] if stage else self.finished).copy(self.base / f"t{self.number}")

    def found(self, what: str, why: str, ended: Ended | None = None):
        self.findings.append(f"{what}: {why}")
        print(f"FOUND {what}: {why}", flush=True)
        if ended and ended.errors:
            print("      " + ended.errors.strip()[-700:].replace("\n", "\n      "), flush=True)

    def note(self, part: str, ended: Ended, place: Place):
        self.endings[part, ended.code] += 1
        if ended.sentence:
            self.sentences[plain(ended.sentence, place)] += 1

    def judge(self, part: str, what: str, place: Place, ended: Ended):
        """Looks at how a disturbed program ended."""
        self.note(part, ended, place)
        complaint = ended.complaint()
        if complaint:
            self.found(what, complaint, ended)

    def differences(self, place: Place, *stages: str) -> list[str]:
        expected = {name: value for name, value in self.expected.items() if stage_of(name) in stages}
        files = place.files(*stages)
        return sorted(
            f"{name} {'is missing' if name not in files else 'is left' if name not in expected else 'differs'}"
            for name in set(files) | set(expected) if files.get(name) != expected.get(name))

    def compare(self, what: str, place: Place, *stages: str) -> bool:
        differences = self.differences(place, *stages)
        if differences:
            self.found(what, "; ".join(differences[:6]) + (" ..." if len(differences) > 6 else ""))
        return not differences

    def repair(self, what: str, place: Place, *stages: str):
        """Runs stages again, undisturbed, and compares."""
        for stage in stages:
            again = place.run(stage)
            if again.code != 0:
                return self.found(what, f"run again, {stage} ended with {again.code}", again)
        self.compare(f"{what}, run again", place, *stages)

    plain = staticmethod(lambda sentence, place: plain(sentence, place))

    def done(self, place: Place):
        shutil.rmtree(place.root)


def stage_of(name: str) -> str:
    if name.startswith("store/activations/"):
        return "cache"
    return "train" if name.startswith("store/runs/") else "pretokenize"


def plain(sentence: str, place: Place) -> str:
    """A sentence without what differs from trial to trial."""
    text = sentence.replace(str(place.root), "PLACE")
    text = re.sub(r"\.[0-9a-f]{12}\.\d+\.\d+\.tmp", ".TMP", text)
    text = re.sub(r"[0-9a-f]{16,}", "HEX", text)
    return re.sub(r"\d+", "0", text)


def calls(trials: Trials, faults: int):
    import injecting
    counts = {}
    for stage in STAGES:
        place = trials.fresh(stage)
        counts[stage] = injecting.calls(place, stage, trials.shim)
        trials.done(place)
    kinds = collections.Counter()
    for _ in range(faults):
        stage = trials.chance.choice(STAGES)
        fault = injecting.draw(trials.chance, stage, counts[stage])
        kinds[fault.call, injecting.word(fault.kind)] += 1
        place = trials.fresh(stage)
        ended = place.run(stage, fault.environment(trials.shim, place.root))
        trials.judge(f"calls {stage}", str(fault), place, ended)
        if ended.code == 0:
            differences = [text for text in trials.differences(place, stage) if not text.endswith(" is left")]
            if differences:
                trials.found(str(fault), "ended well, but " + "; ".join(differences[:4]))
        trials.repair(str(fault), place, stage)
        trials.done(place)
    for call in sorted({call for call, _ in kinds}):
        shares = ", ".join(f"{kind} {number}" for (name, kind), number in sorted(kinds.items()) if name == call)
        print(f"  {call}: {shares}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=pathlib.Path)
    parser.add_argument("--faults", type=int, default=1000, help="injected calls")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--place", default="/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    for name in PARTS[1:]:
        parser.add_argument(f"--{name}", type=int, default=ROUNDS[name], help=f"rounds of that part (default {ROUNDS[name]})")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(dir=arguments.place) as base:
        trials = Trials(arguments.programs.resolve(), pathlib.Path(base).resolve(), arguments.seed)
        if "calls" in arguments.only:
            calls(trials, arguments.faults)
        for name in PARTS:
            if name in arguments.only and name != "calls":
                getattr(disturbing, name)(trials, getattr(arguments, name))
    print("\nHow they ended:")
    for (part, code), number in sorted(trials.endings.items()):
        print(f"  {part}: {code} {number} times")
    print("\nSentences:")
    for sentence, number in sorted(trials.sentences.items()):
        print(f"  {number:4} {sentence}")
    for title, counts in [("Said, and repaired by hand", trials.unrepaired), ("Not noticed", trials.silent)]:
        if counts:
            print(f"\n{title}:")
        for text, number in sorted(counts.items()):
            print(f"  {number:4} {text}")
    print(f"faults: {'FAILED: ' + str(len(trials.findings)) + ' findings' if trials.findings else 'passed'}")
    return 1 if trials.findings else 0


if __name__ == "__main__":
    sys.exit(main())
