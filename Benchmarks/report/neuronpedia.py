"""Reads a file of `saeline-train dashboard` with sae-dashboard's own classes (pip install sae-dashboard==0.8.0
--no-deps numpy), and says what it holds: every member is known, and what they write out again is what they read.

    python3 Benchmarks/report/neuronpedia.py DASHBOARD.json"""

import json
import sys

import importlib.util
import pathlib

# The module alone: the package's front door imports torch and transformer_lens.
for folder in sys.path:
    path = pathlib.Path(folder, "sae_dashboard/neuronpedia/neuronpedia_dashboard.py")
    if path.exists():
        break
else:
    sys.exit("sae-dashboard is not installed.")
spec = importlib.util.spec_from_file_location("neuronpedia_dashboard", path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

given = json.load(open(sys.argv[1]))
batch = module.NeuronpediaDashboardBatch(**given)
written = batch.to_dict()
for mine, theirs in zip(given["features"], written["features"]):
    assert mine == theirs, (mine["feature_index"], set(mine) ^ set(theirs))
    for activation in mine["activations"]:
        assert len(activation["tokens"]) == len(activation["values"])
        focus = activation["values"][activation["qualifying_token_index"]]
        assert activation["bin_min"] <= focus + 1e-2 and focus <= activation["bin_max"] + 1e-2
assert given == written, set(given) ^ set(written)
contexts = sum(len(one["activations"]) for one in given["features"])
print(f"{len(given['features'])} features with {contexts} activations, as sae-dashboard writes them")
