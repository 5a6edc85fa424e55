"""The local Hub of the tests for the scripts beside this one, and checks against it."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import traceback
import urllib.request

TOKEN = "hf_localtoken"
CHECKS = []


@contextlib.contextmanager
def serving(program, site, home, *options, make_site=lambda: None):
    """Serves the folder `site`, which `make_site` fills, and lets this process's clients use it.

    The variables are set before `make_site` runs, since clients read them when they are imported.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
        os.environ.pop(name, None)
    os.environ.update(
        HF_ENDPOINT=f"http://127.0.0.1:{port}", HF_TOKEN=TOKEN, HF_HOME=str(home),
        NO_PROXY="127.0.0.1,127.0.0.2", HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_TELEMETRY="1",
        HF_HUB_DISABLE_PROGRESS_BARS="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")
    pathlib.Path(site).mkdir(parents=True, exist_ok=True)
    make_site()
    server = subprocess.Popen(
        [str(pathlib.Path(program).resolve()), str(site), "--port", str(port), "--token", TOKEN, "--until-eof",
         *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    server.stdout.readline()
    try:
        yield
    finally:
        server.stdin.close()
        server.wait(timeout=10)


def call(path: str, method: str = "GET", body: object = None) -> object:
    """Asks the local Hub itself, beside the clients."""
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(os.environ["HF_ENDPOINT"] + path, data=data, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def check(function):
    """Adds a check; its docstring is what is printed."""
    CHECKS.append(function)
    return function


def run_checks(*arguments, only=()) -> int:
    """Runs the checks, a line each; the exit code."""
    failed = 0
    for function in CHECKS:
        if only and function.__name__ not in only:
            continue
        try:
            function(*arguments)
            print(f"ok    {function.__doc__}", flush=True)
        except Exception:
            failed += 1
            print(f"FAIL  {function.__doc__}", flush=True)
            traceback.print_exc()
        call("/__faults", "DELETE")
    return 1 if failed else 0
