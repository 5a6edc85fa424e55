#!/bin/sh
# Trains a short run with an event file and reads it with TensorBoard.
#
# Usage: tensorboard.sh PROGRAM OPTIONS, with the saeline-train and the options of a run whose cache is there
#
# TensorBoard is installed from PyPI beside SAELens; INTEROP_PYTHON names a Python that has it already.
set -eu
program=${1:?"usage: tensorboard.sh PROGRAM OPTIONS"}
shift
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

. "$here/environment.sh"
"$INTEROP_PYTHON" -c 'import tensorboard' 2>/dev/null || "$INTEROP_PYTHON" -m pip install --quiet tensorboard

"$program" "$@" --quiet --set name=tensorboard --set train.training_tokens=200000 --set train.lr_decay_steps=100 \
  --set train.feature_sampling_window=100 --set logger.eval_every_n_wandb_logs=20 \
  --set logger.log_to_tensorboard=true --set logger.log_frequency=5 >"$root/.build/tensorboard-run"
"$INTEROP_PYTHON" "$here/tensorboard.py" "$(cat "$root/.build/tensorboard-run")"
