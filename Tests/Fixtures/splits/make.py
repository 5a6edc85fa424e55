"""Writes layouts.json: folders of files, and the splits that Hugging Face's datasets reads out of their names.

Made with datasets 5.2:  HF_HUB_OFFLINE=1 python make.py
Each layout: its files, and per split the files in order (a file that several patterns of a split
match is read once).
"""

import json
import pathlib
import random
import tempfile

from datasets.data_files import DataFilesDict, get_data_patterns

WORDS = ["train", "training", "valid", "validation", "dev", "val", "test", "testing", "eval",
         "evaluation", "other", "trainer", "contest", "data"]
rng = random.Random(3)


def name():
    kind, word = rng.random(), rng.choice(WORDS)
    if kind < 0.3:
        return word
    if kind < 0.5:
        return word + rng.choice("-_. 0+") + rng.choice(WORDS + ["0", "1", "12"])
    if kind < 0.65:
        return f"{word}-0000{rng.randrange(2)}-of-00002" + rng.choice(["", "-1a2b"])
    if kind < 0.72:
        return word.upper()
    return rng.choice(["a", "b", "1", "x-y"])


def layout():
    places = ["", "", "", "data/", name() + "/", name() + "/" + name() + "/"]
    return sorted({rng.choice(places) + name() + ".jsonl" for _ in range(rng.randrange(1, 5))})


def splits(files):
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            path = pathlib.Path(folder, file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}\n")
        found = DataFilesDict.from_patterns(get_data_patterns(folder), base_path=folder)
        return {str(split): list(dict.fromkeys(str(pathlib.Path(path).relative_to(folder)) for path in paths))
                for split, paths in found.items()}


cases = []
while len(cases) < 120:
    files = layout()
    cases.append({"files": files, "splits": splits(files)})
lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
pathlib.Path(__file__).with_name("layouts.json").write_text("[\n" + lines + "\n]\n")
