"""What huggingface_hub 2.4.0 makes of a repository in its cache, and the environment as it reads it.

    python make.py ENDPOINT

ENDPOINT is a local Hub that serves the model me/tiny with the files of FILES below (see
HubCacheTests). Writes cache.json: every path of the cache, with the target of a link or the text of a file.
"""

import json
import os
import subprocess
import sys
import tempfile

CASES = {
    "nothing": {},
    "home": {"HF_HOME": "/data/hf"},
    "home with variables": {"HF_HOME": "$DISK/hf/${USER_NAME}", "DISK": "/d", "USER_NAME": "me"},
    "home with ~": {"HF_HOME": "~/hf"},
    "cache": {"HF_HUB_CACHE": "/c", "HF_HOME": "/data/hf"},
    "older cache": {"HUGGINGFACE_HUB_CACHE": "/older", "HF_HOME": "/data/hf"},
    "both caches": {"HUGGINGFACE_HUB_CACHE": "/older", "HF_HUB_CACHE": "/c"},
    "xdg": {"XDG_CACHE_HOME": "/x"},
    "endpoint": {"HF_ENDPOINT": "https://hub.example.org/"},
    "offline": {"HF_HUB_OFFLINE": "yes"},
    "offline by transformers": {"TRANSFORMERS_OFFLINE": "1"},
    "offline refused": {"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"},
    "offline empty": {"HF_HUB_OFFLINE": "", "TRANSFORMERS_OFFLINE": "1"},
    "timeouts": {"HF_HUB_ETAG_TIMEOUT": "3", "HF_HUB_DOWNLOAD_TIMEOUT": "60"},
    "timeouts of 0": {"HF_HUB_ETAG_TIMEOUT": "0", "HF_HUB_DOWNLOAD_TIMEOUT": "0"},
}

PRINT = """
import json
from huggingface_hub import constants as c
print(json.dumps({"endpoint": c.ENDPOINT, "cache": c.HF_HUB_CACHE, "offline": c.HF_HUB_OFFLINE,
    "connect": c.HF_HUB_ETAG_TIMEOUT, "stall": c.HF_HUB_DOWNLOAD_TIMEOUT}))
"""


def environments():
    found = []
    for name, variables in CASES.items():
        environment = {"HOME": "/home/me", "PATH": os.environ["PATH"], **variables}
        text = subprocess.run(
            [sys.executable, "-c", PRINT], env=environment, capture_output=True, text=True, check=True
        ).stdout
        found.append({"name": name, "variables": {"HOME": "/home/me", **variables}, **json.loads(text)})
    return found


def cache(endpoint):
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HUB_CACHE": folder}
        code = "from huggingface_hub import snapshot_download as s; s('me/tiny')"
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        found = {}
        for root, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(root, name)
                key = os.path.relpath(path, folder)
                if os.path.islink(path):
                    found[key] = "-> " + os.readlink(path)
                else:
                    with open(path, encoding="utf-8") as file:
                        found[key] = file.read()
        del found["CACHEDIR.TAG"]
        return found


here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "environments.json"), "w") as file:
    json.dump(environments(), file, indent=1)
    file.write("\n")
if len(sys.argv) > 1:
    with open(os.path.join(here, "cache.json"), "w") as file:
        json.dump(cache(sys.argv[1]), file, indent=1, sort_keys=True)
        file.write("\n")
