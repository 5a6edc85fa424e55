#!/usr/bin/env bash
# Takes the pictures of the documentation from finished runs, such as those of the demo, with headless Chromium: the
# report's first screen, a latent of it, and the page about a sweep.
#   Benchmarks/report/pictures.sh RUN-FOLDER [SWEEP.html] [DOCS-FOLDER]
set -euo pipefail
here=$(dirname "$(realpath "$0")")
run=$(realpath "$1") sweep=${2:-} docs=${3:-$here/../../docs}
python3 - "$here" "$run" "$sweep" "$docs" <<'PYTHON'
import pathlib
import sys

here, run, sweep, docs = sys.argv[1:]
sys.path.insert(0, here)
from chromium import Browser

with Browser() as browser:
    def take(page, height, name, before="", scheme="light"):
        browser.show(1180, height, scheme)
        browser.call("Page.navigate", url="about:blank")
        browser.open(pathlib.Path(page).resolve().as_uri())
        if before:
            browser.value(before)
            browser.value("new Promise(done => setTimeout(done, 600))")
        browser.picture(f"{docs}/{name}.png")

    report = run + "/report.html"
    take(report, 1000, "report")
    latent = "page.latents.details[1].latent"
    take(report, 760, "latent", f"location.hash = 'latent-' + {latent}")
    take(
        report, 640, "search",
        "document.getElementById('latents').scrollIntoView(),"
        " document.getElementById('latent-table').find('animal'), 0")
    if sweep:
        take(sweep, 900, "sweep")
PYTHON
