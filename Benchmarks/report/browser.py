"""Opens reports in headless Chromium as people do, and says what is wrong with them.

    python3 Benchmarks/report/browser.py [--pictures FOLDER] REPORT.html ...

Each report is opened at 1280 and at 390 pixels, light and dark; it is searched, sorted and zoomed; every category's
own latent is looked for; the latents beside it are opened. Nothing may be loaded but files beside it, the console must
stay silent, and nothing may be wider than the window. Prints the size of the page and the time to its first paint.
Ends with 1 where anything is wrong."""

import argparse
import json
import os
import pathlib
import re
import sys

from chromium import Browser

CHARTS = "document.querySelectorAll('figure.chart')"


class Check:
    def __init__(self, browser, path):
        self.browser = browser
        self.path = path
        self.address = pathlib.Path(path).resolve().as_uri()
        self.problems = []

    def expect(self, holds, what):
        if not holds:
            self.problems.append(what)

    def open(self, width, scheme, fragment=""):
        self.browser.show(width, 900, scheme)
        self.browser.call("Page.navigate", url="about:blank")
        self.browser.complaints.clear()
        self.browser.requests.clear()
        self.browser.open(self.address + fragment)

    def close(self, what):
        for text in self.browser.complaints:
            self.expect(False, f"{what}: the page complained: {text}")
        folder = self.address.rsplit("/", 1)[0] + "/"
        for address in self.browser.requests:
            if not address.startswith(folder) and address != "about:blank":
                self.expect(False, f"{what}: {address} was asked for")

    def layout(self, width, scheme):
        self.open(width, scheme)
        what = f"{width} pixels, {scheme}"
        wide = self.browser.value(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth")
        self.expect(wide <= 0, f"{what}: {wide} pixels wider than the window")
        self.expect(
            self.browser.value("document.querySelectorAll('main section').length") > 3,
            f"{what}: there are no sections")
        dangling = self.browser.value(
            "[...document.querySelectorAll('nav a')].filter(link =>"
            " !document.getElementById(link.getAttribute('href').slice(1))).length")
        self.expect(dangling == 0, f"{what}: {dangling} entries of the contents lead nowhere")
        alone = self.browser.value(
            "(() => { const tops = [...document.querySelectorAll('.cards')[0].children].map(card =>"
            " [card.offsetTop, card.offsetWidth]); const last = tops.at(-1), row = tops.filter(one =>"
            " one[0] === last[0]); return row.length === 1 && last[1] < tops[0][1] * 1.5; })()")
        self.expect(not alone, f"{what}: the last card is alone in its row")
        background = self.browser.value("getComputedStyle(document.body).backgroundColor")
        dark = sum(map(int, re.findall(r"\d+", background)[:3])) < 200
        self.expect(dark == (scheme == "dark"), f"{what}: the background is {background}")
        self.close(what)

    def paint(self):
        """Milliseconds to the first paint and until the whole page stands."""
        self.open(1280, "light")
        return self.browser.value(
            "Promise.resolve([performance.getEntriesByName('first-contentful-paint')[0]?.startTime,"
            " performance.getEntriesByType('navigation')[0].loadEventEnd])")

    def zoom(self):
        self.open(1280, "light")
        self.browser.value(CHARTS + "[0].scrollIntoView({block: 'center'})")
        box = json.loads(self.browser.value(
            "JSON.stringify(" + CHARTS + "[0].querySelector('.plot').getBoundingClientRect())"))
        before = self.browser.value(CHARTS + "[0].view.x.high - " + CHARTS + "[0].view.x.low")
        middle = box["y"] + box["height"] / 2
        self.browser.pointer("mouseMoved", box["x"] + box["width"] / 2, middle)
        note = self.browser.value(CHARTS + "[0].querySelector('.pointer:not([hidden])')?.textContent")
        self.expect(note, "no values stand under the pointer")
        self.browser.drag(
            box["x"] + box["width"] * 0.4, box["x"] + box["width"] * 0.6, middle)
        after = self.browser.value(CHARTS + "[0].view.x.high - " + CHARTS + "[0].view.x.low")
        self.expect(after < before * 0.4, f"dragging did not zoom: {before} to {after}")
        self.browser.value(CHARTS + "[0].querySelector('.tool').click()")
        self.expect(
            self.browser.value(CHARTS + "[0].view.x.high - " + CHARTS + "[0].view.x.low") == before,
            "the whole range did not come back")
        logs = self.browser.value(
            "[...document.querySelectorAll('figure.chart')].filter(one => one.view.log).length")
        self.expect(logs > 0, "no chart has a logarithmic axis")
        self.close("zoom")

    def table(self):
        self.open(1280, "light")
        browser = self.browser
        if not browser.value("!!document.getElementById('latent-table')"):
            return
        numbers = []
        for direction in range(2):
            browser.value("document.querySelectorAll('#latent-table th button')[3].click()")
            numbers.append(browser.value("(() => { const order = document.getElementById('latent-table')"
                                         ".order(); return page.latents.max[order[0]]; })()"))
        least, most = browser.value(
            "[page.latents.max.reduce((a, b) => Math.min(a, b)), page.latents.max.reduce((a, b) => Math.max(a, b))]")
        self.expect(sorted(numbers) == [least, most], f"sorting by max gives {numbers}")
        count = browser.value("page.latents.count")
        number = count - 1
        found = browser.value(f"document.getElementById('latent-table').find('#{number}')[0]")
        self.expect(found == number, f"the search for #{number} finds {found}")
        found = browser.value("document.getElementById('latent-table').find('no such thing at all')")
        self.expect(found == [], f"a search for nothing finds {len(found)}")
        self.close("table")

    def categories(self):
        """Every category's name finds the latent that the evaluation names, and so does one of its words."""
        browser = self.browser
        names = browser.value("page.latents ? page.latents.categories : []")
        best = browser.value("page.latents ? page.latents.best : []")
        for name, latent in zip(names, best):
            if latent < 0:
                continue
            found = browser.value(f"document.getElementById('latent-table').find({json.dumps(name)})[0]")
            self.expect(found == latent, f"the search for {name!r} finds {found}, not {latent}")
        return sum(latent >= 0 for latent in best)

    def beside(self):
        """Opens latents inside and beside the page by their addresses."""
        browser = self.browser
        if not browser.value("page.latents?.chunk"):
            return
        inside = browser.value("page.latents.details.map(one => one.latent)")
        active = browser.value(
            "page.latents.fires.map((fires, latent) => [fires, latent]).filter(one => one[0] > 0)"
            ".map(one => one[1])")
        others = [latent for latent in active if latent not in set(inside)]
        for latent in others[:1] + others[-1:] + inside[:1]:
            self.open(1280, "light", f"#latent-{latent}")
            browser.wait(f"!!document.querySelector('#latent-{latent}.open')")
            texts = browser.value(
                f"[...document.querySelectorAll('#latent-{latent} > ol q')].map(one => one.textContent)")
            self.expect(texts and all(texts), f"latent {latent} has no contexts")
            self.expect(
                browser.value(f"!!document.querySelector('#latent-{latent} mark')"),
                f"latent {latent} marks no token")
            browser.value(f"document.querySelectorAll('#latent-{latent} details').forEach(one => one.open = true)")
            browser.wait(f"!!document.querySelector('#latent-{latent} details figure')")
            self.close(f"latent {latent}")

    def pictures(self, folder):
        name = pathlib.Path(self.path).resolve().parent.name
        for width in (1280, 390):
            for scheme in ("light", "dark"):
                self.open(width, scheme)
                self.browser.picture(f"{folder}/{name}-{width}-{scheme}.png")


def main():
    reader = argparse.ArgumentParser()
    reader.add_argument("--pictures")
    reader.add_argument("reports", nargs="+")
    given = reader.parse_args()
    wrong = False
    with Browser() as browser:
        for path in given.reports:
            check = Check(browser, path)
            for width in (1280, 390):
                for scheme in ("light", "dark"):
                    check.layout(width, scheme)
            first, whole = check.paint()
            check.zoom()
            check.table()
            named = check.categories()
            check.beside()
            if given.pictures:
                os.makedirs(given.pictures, exist_ok=True)
                check.pictures(given.pictures)
            print(
                f"{path}: {os.path.getsize(path) / 1e6:.2f} MB, first paint after {first:.0f} ms,"
                f" whole after {whole:.0f} ms, {named} categories found")
            for problem in check.problems:
                print("  wrong: " + problem)
            wrong = wrong or bool(check.problems)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
