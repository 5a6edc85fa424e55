#!/bin/sh
# Uses the local Hub of the tests with the official clients, so that what is tested against it is tested
# against what the clients expect of huggingface.co.
#
# Usage: hub.sh PROGRAM BIN, with the LocalHubServer program (swift build -c release --product LocalHubServer)
# and the folder of ours, whose uploads the clients read, and which go through TLS, proxies and a full disk
#
# The clients are installed from PyPI into a virtual environment of their own, .build/interop-venv;
# INTEROP_PYTHON names a Python that has huggingface_hub, datasets, transformers and sae-lens already.
set -eu
program=${1:?"usage: hub.sh PROGRAM BIN"}
programs=${2:?"usage: hub.sh PROGRAM BIN"}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

. "$here/environment.sh"

"$INTEROP_PYTHON" "$here/hub.py" "$program"
"$INTEROP_PYTHON" "$here/uploads.py" "$program" "$programs"
"$INTEROP_PYTHON" "$here/network.py" "$program" "$programs"
