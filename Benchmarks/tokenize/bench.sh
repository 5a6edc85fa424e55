#!/bin/sh
# Compares the speed of saeline-pretokenize with SAELens, Hugging Face tokenizers and quicktok.
#
# Usage: bench.sh PRETOKENIZE_BINARY TOKENIZER_DIR TEXT_JSONL [MEGABYTES]
#
# MEGABYTES (default 100) is how much text is made by repeating TEXT_JSONL. PEERS_PYTHON names a
# Python that has the peers (default python3), BENCH_ROUNDS the rounds (default 2, at least 2),
# BENCH_SAELENS_MEGABYTES the text that SAELens gets (default a quarter of MEGABYTES).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PEERS_PYTHON:-python3}

if [ $# -lt 3 ] || [ $# -gt 4 ]; then
  echo "usage: bench.sh PRETOKENIZE_BINARY TOKENIZER_DIR TEXT_JSONL [MEGABYTES]" >&2
  exit 2
fi
command -v "$python" >/dev/null || {
  echo "error: There is no $python; set PEERS_PYTHON to a Python that has the peers." >&2
  exit 2
}
exec "$python" "$here/bench.py" "$@"
