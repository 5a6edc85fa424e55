"""Kills training at random moments, starts it again until it ends, and compares the bytes of the SAE.

    python kills.py PROGRAMS [--only ARCHITECTURE ...] [--kills N] [--steps N] [--seed N] [--threads N]

PROGRAMS is the folder of saeline-cache and saeline-train. Rows of synthetic.py are imported once; for
each architecture saeline-train runs undisturbed in one copy of the store and is killed with SIGKILL
in another, N times (default 5), each time at a moment drawn from an N-th of the time that the
undisturbed run took. The same command is started again after each, and in the end left alone;
sae_weights.safetensors and sparsity.safetensors must have the same bytes. Checkpoints are written every
half second, so that runs continue from them.
Made with Python 3.11, safetensors 0.8, torch 2.15. Set HF_HUB_OFFLINE=1.
"""

import argparse
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

import synthetic

ARCHITECTURES = ["standard", "topk", "batchtopk", "jumprelu"]
# Transcoders would need a second cache.
ALONE = [name for name in synthetic.RUNS if "transcoder" not in name]
COMPARED = ["sae_weights.safetensors", "sparsity.safetensors"]


class Training:
    """One architecture in one copy of the store."""

    def __init__(self, ours: synthetic.Saeline, architecture: str, arguments, name: str):
        options, steps = synthetic.settled(architecture, arguments.steps)
        options |= dict(
            architecture=architecture, training_tokens=steps * synthetic.BATCH,
            checkpoint_minutes=1 / 120, threads=arguments.threads)
        self.store = ours.store.parent / name
        shutil.copytree(ours.store, self.store)
        self.words = [
            ours.programs / "saeline-train", "--config", ours.file, "--json", "--quiet",
            f"--set=store={json.dumps(str(self.store))}",
            *(f"--set=train.{key}={json.dumps(value)}" for key, value in options.items())]

    def start(self) -> subprocess.Popen:
        return subprocess.Popen(
            self.words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self) -> dict:
        """Runs to the end; what the program printed."""
        process = self.start()
        output, errors = process.communicate()
        if process.returncode:
            sys.exit(f"kills: FAILED: {errors}")
        return json.loads(output)

    def kill_after(self, seconds: float) -> bool:
        """Whether there was still something to kill."""
        process = self.start()
        try:
            _, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return True
        if process.returncode:
            sys.exit(f"kills: FAILED: a run that was started again: {errors}")
        return False

    def checkpoints(self) -> int:
        return len(list(self.store.glob("runs/*/checkpoints/*")))


def compare(ours: synthetic.Saeline, architecture: str, arguments, chance: random.Random) -> bool:
    calm = Training(ours, architecture, arguments, f"{architecture}-calm")
    begun = time.perf_counter()
    expected = pathlib.Path(calm.finish()["folder"])
    seconds = time.perf_counter() - begun
    killed = Training(ours, architecture, arguments, f"{architecture}-killed")
    moments, left = [], 0
    for _ in range(arguments.kills):
        moment = chance.uniform(0.05, max(0.1, seconds / arguments.kills))
        if not killed.kill_after(moment):
            break
        moments.append(moment)
        left += killed.checkpoints() > 0
    found = pathlib.Path(killed.finish()["folder"])
    same = all((expected / name).read_bytes() == (found / name).read_bytes() for name in COMPARED)
    print(
        f"{architecture:10} {arguments.steps} steps in {seconds:.1f} s; killed after "
        f"{', '.join(f'{moment:.1f}' for moment in moments)} s ({left} times with a checkpoint to "
        f"continue from); same bytes: {same}", flush=True)
    for training in [calm, killed]:
        shutil.rmtree(training.store)
    if not moments:
        print(f"kills: {architecture} was too fast to be killed; give more --steps")
    return same and bool(moments)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", choices=ALONE, default=ARCHITECTURES)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    _, rows = synthetic.make()
    with tempfile.TemporaryDirectory() as place:
        ours = synthetic.Saeline(arguments.programs.resolve(), pathlib.Path(place))
        ours.take(rows[0], synthetic.HOOK)
        good = [compare(ours, name, arguments, chance) for name in arguments.only]
    print("kills: passed" if all(good) else "kills: FAILED")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
