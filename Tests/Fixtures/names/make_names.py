"""Writes TransformerLens's names of models into Sources/Shared/Language/Names/ModelNameTable.swift, and into names.txt
what its own table says to each of them: the name in lower case, a tab, the official name.

Versions: Python 3.11, transformer-lens 3.9.
Run:      HF_HUB_OFFLINE=1 python make_names.py        (in this folder; a few seconds)
"""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

from transformer_lens import loading_from_pretrained as loading  # noqa: E402

TARGET = "../../../Sources/Shared/Language/Names/ModelNameTable.swift"
WIDTH = 90

entries = []
for official in loading.OFFICIAL_MODEL_NAMES:
    aliases = [a for a in dict.fromkeys(loading.MODEL_ALIASES.get(official, [])) if a.lower() != official.lower()]
    entries.append(" ".join([official, *aliases]) + ";")
words = " ".join(entries).split(" ")
lines = [""]
for word in words:
    if len(lines[-1]) + 1 + len(word) > WIDTH:
        lines.append("")
    lines[-1] += (" " if lines[-1] else "") + word

with open(TARGET, "w") as file:
    file.write(
        "// The names that TransformerLens has for models, written by Tests/Fixtures/names/make_names.py from\n"
        "// OFFICIAL_MODEL_NAMES and MODEL_ALIASES of transformer-lens 3.9: an official name, its other names, a\n"
        "// semicolon.\n\nenum ModelNameTable {\n  static let lines: [String] = [\n")
    file.write("".join(f'    "{line}",\n' for line in lines))
    file.write("  ]\n\n  /// Official names that are no repositories of the Hub (NON_HF_HOSTED_MODEL_NAMES).\n")
    names = "".join(f"    \"{name}\",\n" for name in loading.NON_HF_HOSTED_MODEL_NAMES)
    file.write(f"  static let elsewhere: Set = [\n{names}  ]\n}}\n")

with open("names.txt", "w") as file:
    for name, official in sorted(loading.make_model_alias_map().items()):
        file.write(f"{name}\t{official}\n")
