"""Calls of libc that fail, stop short or end the process, one in each run of a stage.

Imported by faults.py.
"""

import collections
import errno
import os
import pathlib
import random
import re

from place import STAGES, Ended, Place

E = errno
# What each call may come to; numbers are those of errno.
KINDS = {
    "open": [E.EIO, E.EMFILE, E.EINTR, E.ESTALE, "kill"],
    "create": [E.EIO, E.EMFILE, E.ENOSPC, E.EROFS, E.EINTR, "kill", "after"],
    "read": [E.EIO, E.EINTR, "short", "kill"],
    "write": [E.EIO, E.ENOSPC, E.EDQUOT, E.EINTR, "short", "part", "kill"],
    "fsync": [E.EIO, E.ENOSPC, E.EINTR, "kill"],
    "link": [E.EIO, E.ENOSPC, E.EROFS, E.EPERM, E.EINTR, "kill", "after"],
    "rename": [E.EIO, E.ENOSPC, E.EROFS, E.EINTR, "kill", "after"],
    "unlink": [E.EIO, E.EROFS, E.EBUSY, E.EINTR, "kill", "after"],
    "rmdir": [E.EIO, E.EBUSY, "kill", "after"],
    "mkdir": [E.EIO, E.ENOSPC, E.EROFS, "kill", "after"],
    "stat": [E.EIO, E.ESTALE, "kill"],
    "list": [E.EIO, E.EMFILE, E.EINTR, "kill"],
    "mmap": [E.ENOMEM, E.ENODEV],
    "close": [E.EIO, E.ENOSPC, E.EINTR, "kill"],
}
# Those that may go on from the first one.
LASTING = {E.ENOSPC, E.EIO, E.EROFS, E.EMFILE, E.EPERM, E.EDQUOT}


def word(kind: int | str) -> str:
    return errno.errorcode[kind] if isinstance(kind, int) else kind


def pattern(path: str, root: str) -> str:
    """A part of a path that is the same in every run."""
    name = re.sub(r"\.[0-9a-f]{12}\.\d+\.\d+\.tmp", "", path.removeprefix(root))
    name = re.sub(r"(tfevents)\..*", r"\1", name)
    return name


class Fault:
    def __init__(self, stage: str, call: str, like: str, at: int, kind: int | str, length: int):
        self.stage, self.call, self.like, self.at, self.kind, self.length = stage, call, like, at, kind, length

    def __str__(self) -> str:
        many = "" if self.length == 1 else " and all after it"
        return f"{self.stage}: {word(self.kind)} at {self.call} number {self.at}{many} of {self.like}"

    def environment(self, shim: pathlib.Path, root: pathlib.Path) -> dict:
        return {
            "LD_PRELOAD": str(shim), "FAULT_UNDER": str(root), "FAULT_CALLS": self.call, "FAULT_LIKE": self.like,
            "FAULT_AT": str(self.at), "FAULT_FOR": str(self.length), "FAULT_KIND": str(self.kind)}


def calls(place: Place, stage: str, shim: pathlib.Path) -> dict[tuple[str, str], int]:
    """How often a stage calls what about which file; the place is changed by it."""
    log = place.root / "calls.log"
    place.run(stage, {
        "LD_PRELOAD": str(shim), "FAULT_UNDER": str(place.root), "FAULT_CALLS": ",".join(KINDS),
        "FAULT_LOG": str(log)})
    counts = collections.Counter()
    for line in log.read_text().splitlines():
        call, _, path = line.partition(" ")
        counts[call, pattern(path, str(place.root))] += 1
    log.unlink()
    return {key: number for key, number in counts.items() if key[1]}


def draw(chance: random.Random, stage: str, counts: dict[tuple[str, str], int]) -> Fault:
    """A fault: every kind of call is as likely as any other, and then every file."""
    call = chance.choice(sorted({call for call, _ in counts}))
    like = chance.choice(sorted(path for name, path in counts if name == call))
    kind = chance.choice(KINDS[call])
    lasts = kind in LASTING and chance.random() < 0.3
    if lasts and chance.random() < 0.5:
        # A disk that fails or is full, or a process without descriptors, is so for all files.
        return Fault(stage, call, "/store/", chance.randint(1, 40), kind, 0)
    at = chance.randint(1, counts[call, like])
    return Fault(stage, call, like, at, kind, 0 if lasts else 1)
