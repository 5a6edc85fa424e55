"""Takes the pictures of the documentation with headless Chromium, all of them of the demo.

    python3 pictures.py PROGRAMS SERVER [DOCS-FOLDER]     # from the project's root, after `make demo-text`

PROGRAMS is the folder of our programs, SERVER the LocalWandbServer program. The demo is run in a store of its own
and logged to that server; a sweep of it over k and two widths follows. What is pictured: the report's first screen,
a latent of it, a search, the page about the sweep, and what the server holds of the run, drawn as W&B lays it out
(a panel for every figure, grouped by what stands before the slash)."""

import html
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

from chromium import Browser

SWEEP = "train.sweep={k: [2, 5, 10, 20], d_sae: [384, 768]}"
KEY = "0123456789abcdef0123456789abcdef01234567"
WIDTH, HEIGHT = 250, 120
STYLE = """
body { font: 13px system-ui, sans-serif; margin: 0; background: #f7f8f9; color: #1a1d21; }
header { background: #fff; border-bottom: 1px solid #d4d8dc; padding: 12px 20px; }
h1 { font-size: 17px; margin: 0 0 4px; } header span { color: #5c6670; margin-right: 18px; }
h2 { font-size: 13px; margin: 14px 20px 6px; } h2 small { color: #5c6670; font-weight: 400; }
.panels { display: grid; grid-template-columns: repeat(4, 1fr); gap: 10px; padding: 0 20px; }
figure { background: #fff; border: 1px solid #d4d8dc; border-radius: 4px; margin: 0; padding: 8px; }
figcaption { text-align: center; font-size: 11px; } polyline { fill: none; stroke: #2f6fc4; stroke-width: 1.5; }
text { font-size: 9px; fill: #5c6670; }
"""


def curve(name, points):
    """A panel: a figure over the steps."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    low, high = min(ys), max(ys)
    spread, last = (high - low) or 1, xs[-1] or 1
    line = " ".join(
        f"{30 + (WIDTH - 36) * x / last:.1f},{6 + (HEIGHT - 22) * (1 - (y - low) / spread):.1f}" for x, y in points)
    return (
        f'<figure><figcaption>{html.escape(name)}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}">'
        f'<polyline points="{line}"/><text x="0" y="12">{high:.3g}</text><text x="0" y="{HEIGHT - 16}">{low:.3g}</text>'
        f'<text x="{WIDTH - 6}" y="{HEIGHT - 2}" text-anchor="end">step {last:,}</text></svg></figure>')


def wandb_page(state):
    """What the server holds of its only run, as a page."""
    run = state["runs"][0]
    rows = [json.loads(row) for row in run["history"]]
    figures = {}
    for row in rows:
        for name, value in row.items():
            if not name.startswith("_") and isinstance(value, (int, float)) and value == value:
                figures.setdefault(name, []).append((row["_step"], value))
    groups = {}
    for name in sorted(figures):
        if len(figures[name]) > 1:
            groups.setdefault(name.split("/")[0] if "/" in name else "charts", []).append(name)
    body = "".join(
        f'<h2>{html.escape(group)} <small>{len(names)}</small></h2><div class="panels">'
        + "".join(curve(name, figures[name]) for name in names[:8]) + "</div>" for group, names in groups.items())
    artifacts = sorted({one["name"] for one in state["artifacts"]})
    facts = [
        f"project {run['project']}", f"state {run['state']}", f"{len(rows):,} rows", f"{len(run['config'])} options",
        f"{len(state['artifacts'])} versions of {len(artifacts)} artifacts", f"{len(run['output'])} lines of output"]
    spans = "".join(f"<span>{html.escape(fact)}</span>" for fact in facts)
    return (
        f"<!doctype html><html data-ready=true><meta charset=utf-8><style>{STYLE}</style>"
        f"<header><h1>{html.escape(run['display_name'])}</h1>{spans}</header>{body}")


def run(programs, folder, *changes):
    """Runs the three stages of the demo; the folder that training made, or `folder` where it made several."""
    words = ["pipelines/demo.json5", "--quiet", "--json", "--set", f"store={folder}/store"]
    for change in changes:
        words += ["--set", change]
    for stage in ("pretokenize", "cache", "train"):
        done = subprocess.run([f"{programs}/saeline-{stage}", *words], stdout=subprocess.PIPE, text=True, check=True)
    made = json.loads(done.stdout)
    return made["folder"] if isinstance(made, dict) else folder


def logged(programs, server, folder):
    """A run of the demo that was logged, and what the server has of it."""
    process = subprocess.Popen(
        [server, "--key", KEY, "--until-eof", "--port", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    address = process.stdout.readline().strip()
    os.environ.update(WANDB_BASE_URL=address, WANDB_API_KEY=KEY, NO_PROXY="127.0.0.1")
    made = run(
        programs, folder, "logger.log_to_wandb=true", "logger.wandb_project=demo", "logger.eval_every_n_wandb_logs=50")
    with urllib.request.urlopen(address + "/__state") as answer:
        state = json.load(answer)
    process.stdin.close()
    process.wait(timeout=10)
    return made, state


def main():
    programs, server = sys.argv[1:3]
    docs = sys.argv[3] if len(sys.argv) > 3 else "docs"
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        made, state = logged(programs, server, folder)
        wandb = pathlib.Path(folder, "wandb.html")
        wandb.write_text(wandb_page(state))
        sweep = run(programs, folder, SWEEP, "train.training_tokens=1000000", "evaluate.loss_recovered=true")

        def take(page, height, name, before=""):
            browser.show(1180, height, "light")
            browser.call("Page.navigate", url="about:blank")
            browser.open(pathlib.Path(page).resolve().as_uri())
            if before:
                browser.value(before)
                browser.value("new Promise(done => setTimeout(done, 600))")
            browser.picture(f"{docs}/{name}.png")

        report = made + "/report.html"
        take(report, 1000, "report")
        take(report, 760, "latent", "location.hash = 'latent-' + page.latents.details[1].latent")
        take(
            report, 640, "search",
            "document.getElementById('latents').scrollIntoView(),"
            " document.getElementById('latent-table').find('animal'), 0")
        take(wandb, 760, "wandb")
        take(next(pathlib.Path(sweep).rglob("sweep.html")), 900, "sweep")


if __name__ == "__main__":
    main()
