# Sourced by the scripts here: INTEROP_PYTHON names a Python with the clients from PyPI. Where it is not given,
# they are installed into a virtual environment of their own, .build/interop-venv.
#
# Needs `root`, the checkout.
if [ -z "${INTEROP_PYTHON:-}" ]; then
  environment=$root/.build/interop-venv
  if [ ! -e "$environment/ready" ]; then
    python3 -m venv "$environment" || {
      echo "error: Python cannot make a virtual environment." >&2
      echo "hint: apt-get install python3-venv" >&2
      exit 2
    }
    "$environment/bin/pip" install --quiet sae-lens safetensors requests aiohttp wandb
    touch "$environment/ready"
  fi
  INTEROP_PYTHON=$environment/bin/python
fi
