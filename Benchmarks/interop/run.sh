#!/bin/sh
# Opens a trained SAE in SAELens and compares 1,000 reconstructions with ours.
#
# Usage: run.sh PROGRAM OPTIONS, with the saeline-train that made the run and the options it had
#
# SAELens is installed from PyPI into a virtual environment of its own, .build/interop-venv;
# INTEROP_PYTHON names a Python that has it already.
set -eu
program=${1:?"usage: run.sh PROGRAM OPTIONS"}
shift
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

. "$here/environment.sh"

result=$("$program" reconstruct "$@" --json)
"$INTEROP_PYTHON" "$here/interop.py" "$result"
