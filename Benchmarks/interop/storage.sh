#!/bin/sh
# What it costs to store activations in fewer bits: caches the demo's activations as float32,
# bfloat16 and int8, trains its SAE from each, and prints sizes, errors and results side by side.
#
# Usage: storage.sh FOLDER [OPTIONS], with the folder of the three programs
#
# OPTIONS go to every program, such as --set train.training_tokens=300000. The store is a temporary
# folder, about 1.2 GB, in TMPDIR or /tmp. STORAGE_PYTHON names a Python with NumPy.
set -eu
programs=${1:?"usage: storage.sh FOLDER [OPTIONS]"}
shift
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
python=${STORAGE_PYTHON:-python3}
"$python" -c 'import numpy' || {
  echo "error: $python has no NumPy." >&2
  echo "hint: Set STORAGE_PYTHON to a Python that has it." >&2
  exit 2
}

store=$(mktemp -d "${TMPDIR:-/tmp}/saeline-storage.XXXXXX")
trap 'rm -rf "$store"' EXIT
trap 'exit 130' INT TERM

run() { # program, options
  program=$1
  shift
  "$programs/saeline-$program" --config pipelines/demo.json5 --set "store=$store" "$@" --json --quiet
}

run pretokenize "$@" > "$store/pretokenize.json"
# A row of 96 numbers takes 384, 192 and 100 bytes: shards of equal rows make the cut, and with it
# the order of the rows in training, the same for all.
for choice in float32:0.064 bfloat16:0.032 int8:0.016666667; do
  type=${choice%:*}
  set -- "$@" --set "cache.dtype=$type" --set "cache.buffer_size_gb=${choice#*:}"
  run cache "$@" > "$store/cache-$type.json"
  run train "$@" > "$store/train-$type.json"
done
"$python" "$here/storage.py" "$store"
