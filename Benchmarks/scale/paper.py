"""What a large cache takes, on paper: bytes, hours, shards, manifests and the traffic of leases on the shared disk.

    python Benchmarks/scale/paper.py [--tokens 10e9] [--parameters 7e9] [--machines 64] [--flops 1e12] …

The constants are those of the code: a lease is renewed six times in its 60 seconds, a worker looks at units that others
hold at most every 2 seconds, and shards are cut by cache.buffer_size_gb. Nothing is run; Python's library is enough.
"""

import argparse
import json
import math

LEASE_SECONDS = 60
RENEWALS = 6
LONGEST_PAUSE = 2
# Beside the row itself: token and sequence (U32 each) and position (U16).
ROW_EXTRA = 10
TYPES = {"float32": 4, "bfloat16": 2, "int8": 1}
# Calls about files on the shared disk for each shard, whatever the number of workers, and the times that each worker
# reads all names in the folder: as simulate.py counts them.
CALLS_PER_SHARD = 42
LISTINGS = 3
# Units in a row that others have before a worker jumps.
PATIENCE = 16


def scaled(value, base, units):
    index = 0
    while value >= base and index < len(units) - 1:
        value /= base
        index += 1
    return f"{value:.3g} {units[index]}"


def size(value):
    return scaled(value, 1000, ["B", "kB", "MB", "GB", "TB", "PB"])


def duration(seconds):
    for unit, length in [("days", 86400), ("h", 3600), ("min", 60)]:
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def manifest_bytes(shards, rows, byte_count, width=0):
    """The list of shards as the programs write it, pretty JSON, and the mean of the activations."""
    entry = {"bytes": byte_count, "file": "shard-00000.safetensors", "rows": rows, "sha256": "0" * 64}
    line = json.dumps(entry, indent=2).count("\n") * 4 + len(json.dumps(entry, indent=2)) + 6
    return shards * line + 20 * width + 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    number = lambda text: float(text)
    parser.add_argument("--tokens", type=number, default=10e9)
    parser.add_argument("--parameters", type=number, default=7e9)
    parser.add_argument("--depth", type=number, default=0.5, help="share of the layers below the hook point")
    parser.add_argument("--width", type=int, default=4096)
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--machines", type=int, default=64)
    parser.add_argument("--flops", type=number, default=1e12, help="float32 operations per second of one machine")
    parser.add_argument("--latents", type=int, default=65536)
    parser.add_argument("--dtype", choices=TYPES, default="bfloat16")
    parser.add_argument("--buffer-size-gb", type=number, default=2)
    parser.add_argument("--model-batch-size", type=int, default=32)
    parser.add_argument("--text-bytes-per-token", type=number, default=4.2)
    parser.add_argument("--tokens-per-second", type=number, default=3e6, help="of the pretokenizer, one machine")
    parser.add_argument("--disk-gb-per-second", type=number, default=5, help="of the shared disk, for all")
    given = parser.parse_args()

    tokens, machines = given.tokens, given.machines
    token_bytes = 2 * tokens
    token_shards = math.ceil(token_bytes / (64 << 20))
    row = given.width * TYPES[given.dtype] + (4 if given.dtype == "int8" else 0)
    # Whole batches that fit into the buffer, as the cacher cuts.
    batch = given.model_batch_size * given.context
    rows = max(1, int(given.buffer_size_gb * 1e9 / row) // batch) * batch
    shards = math.ceil(tokens / rows)
    shard_bytes = rows * (row + ROW_EXTRA)
    cache_bytes = tokens * (row + ROW_EXTRA)
    forward = 2 * given.parameters * given.depth * tokens
    cache_seconds = forward / (machines * given.flops)
    write_rate = cache_bytes / cache_seconds
    shard_seconds = cache_seconds * machines / shards
    # One SAE: the encoder's product, which is four fifths of a step; the rest is sparse.
    train_seconds = 2 * given.width * given.latents * tokens / given.flops / 0.8
    renewals = machines * RENEWALS / LEASE_SECONDS
    metadata = shards * CALLS_PER_SHARD / cache_seconds
    tail = machines * min(machines, PATIENCE + math.log2(machines)) / LONGEST_PAUSE

    lines = [
        ("", f"{tokens:.3g} tokens, {given.parameters:.3g} parameters, {machines} machines of {given.flops:.3g} FLOP/s"),
        ("text", f"{size(tokens * given.text_bytes_per_token)}"),
        ("tokens", f"{size(token_bytes)} in {token_shards} shards, manifest {size(manifest_bytes(token_shards, 32768, 64 << 20))}"),
        ("  time", f"{duration(tokens / (machines * given.tokens_per_second))} on all machines"),
        ("activations", f"{size(cache_bytes)} of {given.dtype} in {shards} shards of {rows} rows ({size(shard_bytes)})"),
        ("  manifest", f"{size(manifest_bytes(shards, rows, shard_bytes, given.width))}"),
        ("  computing", f"{forward:.3g} FLOP: {duration(cache_seconds)} on all machines"),
        ("  a shard", f"{duration(shard_seconds)} on one machine"),
        ("  writing", f"{size(write_rate)}/s of {given.disk_gb_per_second:g} GB/s that the disk takes"),
        ("leases", f"{renewals:.2f} renewals/s of about 170 bytes, each with an fsync"),
        ("  names", f"{metadata:.3g} calls/s on average: claims, publishing, and looks at what others made"),
        ("  listings", f"{2 * shards * LISTINGS:.3g} names that each machine reads in all"),
        ("  the end", f"at most {tail:.3g} looks/s while {machines} workers wait for the last {machines} shards"),
        ("  lost", f"at most {duration(shard_seconds)} and {LEASE_SECONDS} s of waiting per machine that dies"),
        ("one SAE", f"{given.latents} latents: {duration(train_seconds)} on one machine"),
        ("  reading", f"{size(cache_bytes / train_seconds)}/s per run"),
        ("budget", f"a twentieth of the cache as a stream: {size(cache_bytes / 20)} ({max(1, shards // 20)} shards)"),
    ]
    for name, text in lines:
        print(f"{name:<14}{text}")


main()
