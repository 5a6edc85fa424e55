#!/usr/bin/env bash
# Runs a script of this folder with a Python that has the peers: the one given, or one that is made in .build/peers.
#   peers.sh PYTHON|'' SCRIPT ARGUMENT ...
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=$1 script=$2
shift 2
if [ -z "$python" ]; then
  folder=$here/../../.build/peers
  python=$folder/bin/python
  if ! cmp -s "$here/peers.txt" "$folder/installed.txt"; then
    command -v python3 >/dev/null || { echo "error: There is no python3, which the peers need." >&2; exit 2; }
    echo "Installing the peers into .build/peers (some GB)" >&2
    python3 -m venv "$folder"
    # Without the libraries of GPUs, where that index can be reached.
    "$python" -m pip install --quiet --extra-index-url https://download.pytorch.org/whl/cpu -r "$here/peers.txt"
    cp "$here/peers.txt" "$folder/installed.txt"
  fi
fi
command -v "$python" >/dev/null || { echo "error: There is no $python; set PEERS_PYTHON to a Python that has the peers." >&2; exit 2; }
HF_HUB_OFFLINE=1 exec "$python" "$here/$script" "$@"
