#!/bin/sh
# Logs runs to the local W&B of the tests: with the official client, with SAELens, and with our trainer,
# whose runs must be those of SAELens; and with a server that fails.
#
# Usage: wandb.sh BIN SERVER, with the folder of our programs and the LocalWandbServer program
# (swift build -c release --product LocalWandbServer)
#
# The clients are installed from PyPI into a virtual environment of their own, .build/interop-venv;
# INTEROP_PYTHON names a Python that has wandb and sae-lens already.
set -eu
programs=${1:?"usage: wandb.sh BIN SERVER"}
server=${2:?"usage: wandb.sh BIN SERVER"}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

. "$here/environment.sh"

"$INTEROP_PYTHON" "$here/wandb_runs.py" "$programs" "$server"
