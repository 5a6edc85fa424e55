"""Caches the same activations with 1, 2 and 5 workers, with and without kills, and compares bytes.

    python workers.py PRETOKENIZE CACHE [SEED]

A killed worker gets SIGKILL at a random moment and is replaced by a new one; at the end every shard
and manifest must have the bytes of the run with one undisturbed worker. Set HF_HUB_OFFLINE=1.
"""

import hashlib
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import torch
import transformers

import runs

HOOKS = ["blocks.1.hook_resid_post", "blocks.0.hook_mlp_out"]


def digests(store):
    return {
        str(path.relative_to(store)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(pathlib.Path(store).glob("activations/*/*"))
        if path.name != "timing.json"}


def cache(program, path, store, workers, kills, chance):
    """Runs workers until all end well; returns seconds and the kills that hit a living worker."""
    def start():
        return subprocess.Popen(
            [program, "--config", str(path), "--set", f"store={store}", "--set", "cache.threads=1",
             "--quiet"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    began, running, killed = time.time(), [start() for _ in range(workers)], 0
    while running:
        time.sleep(chance.uniform(0.05, 0.5) if kills else 0.05)
        for index, worker in enumerate(running):
            if worker.poll() not in (None, 0):
                raise SystemExit(f"a worker failed: {worker.stderr.read().decode()}")
        running = [worker for worker in running if worker.poll() is None]
        if kills and running and killed < kills:
            victim = chance.choice(running)
            victim.kill()
            victim.wait()
            running.remove(victim)
            running.append(start())
            killed += 1
    return time.time() - began, killed


def main():
    chance = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    torch.manual_seed(0)
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(
        vocab_size=500, n_embd=256, n_layer=2, n_head=4, n_positions=128,
        architectures=["GPT2LMHeadModel"]))
    with tempfile.TemporaryDirectory() as work:
        model.save_pretrained(work + "/model")
        tokens = torch.randint(0, 500, (2400, 128))
        path = runs.write_pipeline(
            work, work + "/model", tokens, 500, HOOKS, dtype="float32", shuffle=True,
            model_batch_size=8, buffer_size_gb=80 * 128 * 256 * 4 / 1e9)
        runs.run(sys.argv[1], path)
        made = work + "/store"
        expected = None
        for workers, kills in ((1, 0), (2, 0), (5, 0), (1, 8), (2, 12), (5, 20)):
            store = f"{work}/store-{workers}-{kills}"
            subprocess.run(["mkdir", store], check=True)
            subprocess.run(["cp", "-r", made + "/tokens", store], check=True)
            seconds, killed = cache(sys.argv[2], path, store, workers, kills, chance)
            found = digests(store)
            expected = expected or found
            print(f"{workers} workers, {killed} killed: {len(found)} files in {seconds:.1f} s, "
                  f"byte-identical: {found == expected}", flush=True)
            if found != expected:
                raise SystemExit(1)


if __name__ == "__main__":
    main()
