#!/bin/sh
# Uses the local Hub of the tests with the official clients, so that what is tested against it is tested
# against what the clients expect of huggingface.co.
#
# Usage: hub.sh PROGRAM BIN, with the LocalHubServer program (swift build -c release --product LocalHubServer)
# and the folder of ours, whose uploads the clients read
#
# The clients are installed from PyPI into a virtual environment of their own, .build/interop-venv;
# INTEROP_PYTHON names a Python that has huggingface_hub, datasets, transformers and sae-lens already.
set -eu
program=${1:?"usage: hub.sh PROGRAM BIN"}
programs=${2:?"usage: hub.sh PROGRAM BIN"}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

if [ -z "${INTEROP_PYTHON:-}" ]; then
  environment=$root/.build/interop-venv
  if [ ! -e "$environment/ready" ]; then
    python3 -m venv "$environment" || {
      echo "error: Python cannot make a virtual environment." >&2
      echo "hint: apt-get install python3-venv" >&2
      exit 2
    }
    "$environment/bin/pip" install --quiet sae-lens safetensors requests aiohttp
    touch "$environment/ready"
  fi
  INTEROP_PYTHON=$environment/bin/python
fi

"$INTEROP_PYTHON" "$here/hub.py" "$program"
"$INTEROP_PYTHON" "$here/uploads.py" "$program" "$programs"
