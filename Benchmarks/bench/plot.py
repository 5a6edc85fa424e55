"""Draws what the benchmarks wrote: python plot.py [FOLDER_OF_JSON [FOLDER_OF_PICTURES]]

Of .build/bench/peers.json, bench.json and scaling.json, as far as they are there, makes docs/peers.svg, docs/bench.svg
and docs/scaling.svg. Every picture says the processor, the versions and the date.
"""

import html
import json
import math
import pathlib
import sys

import machine

INK, SOFT, GRID, OURS, OTHERS = "#222222", "#666666", "#dddddd", "#c1440e", "#8fa3b5"
FONT = "font-family='Helvetica, Arial, sans-serif'"


class Picture:
    """An SVG of a fixed width that grows downwards."""

    def __init__(self, width: int = 900):
        self.width, self.height, self.parts = width, 0, []

    def text(self, x, y, words, size=12, color=INK, anchor="start", weight="normal") -> None:
        self.parts.append(f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' fill='{color}' text-anchor='{anchor}' "
                          f"font-weight='{weight}' {FONT}>{html.escape(words)}</text>")

    def box(self, x, y, width, height, color) -> None:
        self.parts.append(f"<rect x='{x:.1f}' y='{y:.1f}' width='{max(0, width):.1f}' height='{height:.1f}' fill='{color}'/>")

    def line(self, x1, y1, x2, y2, color, width=1.0, dash="") -> None:
        dash = f" stroke-dasharray='{dash}'" if dash else ""
        self.parts.append(f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='{color}' "
                          f"stroke-width='{width}'{dash}/>")

    def dot(self, x, y, color) -> None:
        self.parts.append(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3.5' fill='{color}'/>")

    def written(self, path: pathlib.Path) -> None:
        path.write_text(
            f"<svg xmlns='http://www.w3.org/2000/svg' width='{self.width}' height='{self.height:.0f}' "
            f"viewBox='0 0 {self.width} {self.height:.0f}'>\n<rect width='100%' height='100%' fill='white'/>\n"
            + "\n".join(self.parts) + "\n</svg>\n")
        print(path)


def origin(facts: dict) -> list:
    """The lines that say where figures come from."""
    lines = [f"{facts['processor']}, {facts['processors']} processors; {facts['date']}; commit {facts['commit']}"]
    if facts.get("packages"):
        lines.append(", ".join(f"{name} {version}" for name, version in facts["packages"].items()))
    return lines


def begun(title: str, facts: dict) -> Picture:
    picture = Picture()
    picture.text(20, 30, title, 18, weight="bold")
    for number, line in enumerate(origin(facts)):
        picture.text(20, 50 + 15 * number, line, 11, SOFT)
    picture.height = 62 + 15 * len(origin(facts))
    return picture


def bars(picture: Picture, heading: str, entries: list) -> None:
    """Rows of (name, value, words, is ours) with bars that share a scale."""
    left, right = 230, picture.width - 240
    picture.text(20, picture.height + 12, heading, 13, weight="bold")
    picture.height += 22
    largest = max(value for _, value, _, _ in entries)
    for name, value, words, is_ours in entries:
        picture.text(left - 10, picture.height + 12, name, 12, anchor="end")
        width = (right - left) * value / largest
        picture.box(left, picture.height + 1, width, 15, OURS if is_ours else OTHERS)
        picture.text(left + width + 6, picture.height + 13, words, 11, SOFT)
        picture.height += 20
    picture.height += 14


def draw_peers(answer: dict, path: pathlib.Path) -> None:
    picture = begun("Saeline beside other programs, in turn on one machine", answer)
    for what in dict.fromkeys((entry["section"], entry["what"]) for entry in answer["results"]):
        entries = [entry for entry in answer["results"] if (entry["section"], entry["what"]) == what]
        lines = []
        for entry in entries:
            words, ratio = f"{machine.rate(entry['rate']['median'], entry['item'] + '/s')}", entry["ratio"]
            if ratio:
                words += f"; ours {ratio['median']:.1f} times ({ratio['least']:.1f} to {ratio['largest']:.1f})"
            lines.append((entry["program"], entry["rate"]["median"], words, entry["program"] == "saeline"))
        bars(picture, f"{what[0]}: {what[1]}", sorted(lines, key=lambda line: -line[1]))
    picture.written(path)


def draw_bench(answer: dict, path: pathlib.Path) -> None:
    picture = begun("Share of the machine's roof", answer)
    for kind, heading in [("product", "of the peak of large products in float32"), ("copy", "of the speed of copies")]:
        entries = [entry for entry in answer["results"] if entry["share"] and entry["roof"] == kind]
        if entries:
            bars(picture, heading, [
                (entry["what"], entry["share"], f"{100 * entry['share']:.0f} %, "
                 f"{machine.rate(entry['work_per_second'], entry['unit'])}", True) for entry in entries])
    picture.written(path)


def panel(picture: Picture, x: float, y: float, width: float, height: float, size: str, entries: list) -> None:
    """Seconds over one size, both by powers of two; the dashed line is what the arithmetic says."""
    first = entries[0]
    expected = [first["seconds"] * entry["operations"] / first["operations"] for entry in entries]
    low = min([entry["seconds"] for entry in entries] + expected)
    high = max([entry["seconds"] for entry in entries] + expected)
    span = max(math.log2(high / low), 1)
    across = max(math.log2(entries[-1]["value"] / first["value"]), 1)

    def place(value, seconds):
        return (x + width * math.log2(value / first["value"]) / across,
                y + height - height * (math.log2(seconds / low) + 0.1 * span) / (1.2 * span))

    picture.line(x, y + height, x + width, y + height, GRID)
    picture.line(x, y, x, y + height, GRID)
    picture.text(x, y - 8, size, 13, weight="bold")
    before = None
    for entry, arithmetic in zip(entries, expected):
        measured, said = place(entry["value"], entry["seconds"]), place(entry["value"], arithmetic)
        if before:
            picture.line(*before[1], *said, SOFT, 1, "4 3")
            picture.line(*before[0], *measured, OURS, 2)
        before = measured, said
    for entry in entries:
        at = place(entry["value"], entry["seconds"])
        picture.dot(*at, OURS)
        picture.text(at[0], y + height + 14, f"{entry['value']:,}", 10, SOFT, "middle")
        picture.text(at[0], at[1] - 8, f"{entry['seconds']:.3g} s", 9, INK, "middle")


def draw_scaling(answer: dict, path: pathlib.Path) -> None:
    picture = begun("Time over every size, and what the arithmetic says (dashed)", answer)
    base = ", ".join(f"{name} {value:,}" for name, value in answer["base"].items())
    picture.text(20, picture.height, f"a topk step at {base}; a pass over 4,096 tokens; a cache by processes and in shards",
                 11, SOFT)
    top = picture.height + 40
    sizes = list(dict.fromkeys(entry["size"] for entry in answer["results"]))
    for number, size in enumerate(sizes):
        entries = [entry for entry in answer["results"] if entry["size"] == size]
        panel(picture, 50 + 290 * (number % 3), top + 210 * (number // 3), 220, 140, size, entries)
    picture.height = top + 210 * ((len(sizes) + 2) // 3)
    picture.written(path)


def main() -> None:
    source = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else machine.OUT
    target = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else machine.ROOT / "docs"
    for name, draw in [("peers", draw_peers), ("bench", draw_bench), ("scaling", draw_scaling)]:
        if (source / f"{name}.json").exists():
            draw(json.loads((source / f"{name}.json").read_text()), target / f"{name}.svg")


if __name__ == "__main__":
    main()
