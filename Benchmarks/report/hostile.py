"""Trains the demo on texts, tokens, categories and a file's name that would be markup, and looks at what the pages make of them.

    python3 Benchmarks/report/hostile.py PROGRAMS

PROGRAMS has the three programs; .build/demo has the demo's text (make demo-text). Some names of the stories become
tokens such as `</script><script>…`. In headless Chromium the report and the page of a sweep must show them as text, run
nothing, load nothing and say nothing to the console. Ends with 1 where anything is wrong."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from chromium import Browser

ROOT = pathlib.Path(__file__).resolve().parents[2]
ATTACK = "window.hostile=1"
# Tokens of whole names, which no other token is made of.
TOKENS = {
    "Anna": f"</script><script>{ATTACK}</script>",
    "Nora": f'"><img src=x onerror="{ATTACK}">',
    "Mia": f"'-{ATTACK}-'",
    "Lily": "<!--<script>\u202e",
    "Ben": f"${{{ATTACK}}}`\\",
    "Max": "]]>\u0001\u2028</style>&lt;b&gt;",
    "Leo": f"<svg/onload={ATTACK}>",
}
CATEGORY = f"<img src=x onerror={ATTACK}> & </script>"
TEXT = f"<b onmouseover={ATTACK}>'\"&.jsonl"


def tokenizer(folder):
    path = folder / "tokenizer.json"
    whole = json.loads(path.read_text())
    vocabulary, merges = whole["model"]["vocab"], whole["model"]["merges"]
    for name, text in TOKENS.items():
        number = vocabulary.pop(name)
        pieces = [pair if isinstance(pair, list) else pair.split(" ") for pair in merges]
        merges[:] = [merge for merge, pair in zip(merges, pieces) if "".join(pair) != name and name not in pair]
        vocabulary[text] = number
        whole["added_tokens"].append({
            "id": number, "content": text, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": False})
    whole["added_tokens"].sort(key=lambda token: token["id"])
    path.write_text(json.dumps(whole))


def place(folder):
    shutil.copytree(ROOT / "pipelines/demo/model", folder / "model")
    tokenizer(folder / "model")
    with open(folder / TEXT, "w") as file:
        for line in (ROOT / ".build/demo/stories.jsonl").read_text().splitlines():
            text = json.loads(line)["text"]
            for name, hostile in TOKENS.items():
                text = text.replace(name, hostile)
            file.write(json.dumps({"text": text}) + "\n")
    categories = json.loads((ROOT / ".build/demo/categories.json").read_text())
    chosen = {name: categories[name] for name in ("animal", "weather", "colour")}
    (folder / "categories.json").write_text(json.dumps({CATEGORY: list(TOKENS.values()), **chosen}))
    text = (ROOT / "pipelines/demo.json5").read_text()
    for old, new in {
        "pipelines/demo/model": "model", ".build/demo/": "",
        '"stories.jsonl"': json.dumps(TEXT)}.items():
        text = text.replace(old, new)
    (folder / "hostile.json5").write_text(text)


def look(browser, path, words):
    problems = []
    browser.show(1280, 900, "light")
    browser.complaints.clear()
    browser.requests.clear()
    browser.open(path.resolve().as_uri())
    for index in range(browser.value("document.querySelectorAll('#latent-table th button').length")):
        browser.value(f"document.querySelectorAll('#latent-table th button')[{index}].click()")
    browser.value("document.querySelectorAll('details').forEach(one => one.open = true)")
    browser.value("document.querySelectorAll('.latent, [id^=latent-] button').forEach(one => one.click?.())")
    browser.value("new Promise(done => setTimeout(done, 500))")
    if browser.value("window.hostile") is not None:
        problems.append("something of the texts was run")
    shown = browser.value("document.body.textContent")
    problems += [f"{word!r} is not shown" for word in words if word not in shown]
    foreign = browser.value("document.querySelectorAll('main img, main b[onmouseover], main svg[onload]').length")
    if foreign:
        problems.append(f"{foreign} elements of the texts are there")
    problems += [f"the page complained: {text}" for text in browser.complaints]
    folder = path.resolve().parent.as_uri() + "/"
    problems += [f"{address} was asked for" for address in browser.requests if not address.startswith(folder)]
    print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, " + ("; ".join(problems) or "all shown as text"))
    return problems


def main(programs):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        place(folder)
        words = ["--config", "hostile.json5", "--quiet"]
        for setting in ["cache.training_tokens=200000", "train.training_tokens=400000", "train.lr_decay_steps=200"]:
            words += ["--set", setting]
        for program, more in [("pretokenize", []), ("cache", []), ("train", []),
                              ("train", ["--set", 'train.sweep={"k": [4, 5]}'])]:
            subprocess.run([programs / f"saeline-{program}", *words, *more], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        reports = sorted((folder / "store/runs").glob("*/report.html"))
        sweeps = sorted((folder / "store").rglob("sweep*.html"))
        # A control character is shown as a sign of its own.
        shown = [text for text in TOKENS.values() if "\u0001" not in text and "\u202e" not in text] + [CATEGORY, TEXT]
        with Browser() as browser:
            problems = look(browser, reports[0], shown)
            for path in sweeps[:1]:
                problems += look(browser, path, [])
    sys.exit(1 if problems or not sweeps else 0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]).resolve())
