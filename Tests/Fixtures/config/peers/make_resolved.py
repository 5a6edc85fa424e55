"""Writes resolved.json: what SAELens makes of each configuration of configurations.json.

Every configuration has option values as scripts of the field state them, for the SAELens that `version`
names. That version's own LanguageModelSAERunnerConfig fills in what is left out, or refuses. Only the file
of its configuration is imported, since old versions do not run beside new ones of other packages.

Versions: sae-lens as listed, Python 3.11, packages of the current sae-lens. Each version lies in a folder of
its own:

    pip install --no-deps --target=FOLDER/VERSION sae-lens==VERSION
    python make_resolved.py FOLDER
"""

import dataclasses
import importlib.machinery
import json
import logging
import pathlib
import subprocess
import sys
import types

import torch

HERE = pathlib.Path(__file__).parent
# Options that say nothing of the SAE that comes out.
IDLE = (
    "checkpoint_path", "sae_lens_", "run_name", "log_", "wandb_project", "wandb_id", "wandb_entity",
    "autocast", "compile_", "llm_", "sae_comp", "device", "act_store", "dataset_", "verbose", "model_",
    "cached_", "use_cached", "n_eval", "eval_", "tokens_per", "resume", "output_path", "hook_eval",
    "hook_point_eval",
)


def plain(value):
    """A value as JSON has it."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (bool, int, float, str)) or value is None:
        return value
    return str(value)


def load(folder, version):
    """The configuration class of a version, without what its package imports besides."""
    root = pathlib.Path(folder) / version / "sae_lens"
    package = types.ModuleType("sae_lens")
    package.__path__ = [str(root)]
    package.__version__ = version
    package.logger = logging.getLogger("sae_lens")
    sys.modules["sae_lens"] = package
    wandb = types.ModuleType("wandb")
    wandb.__spec__ = importlib.machinery.ModuleSpec("wandb", None)
    wandb.util = types.SimpleNamespace(generate_id=lambda: "0")
    sys.modules["wandb"] = wandb
    major = int(version.split(".")[0])
    if major < 3:
        training = types.ModuleType("sae_lens.training")
        training.__path__ = [str(root / "training")]
        sys.modules["sae_lens.training"] = training
        from sae_lens.training.config import LanguageModelSAERunnerConfig
    else:
        from sae_lens.config import LanguageModelSAERunnerConfig
    return LanguageModelSAERunnerConfig


def resolve(folder, version, options):
    """The options with defaults, or the first line of the refusal."""
    runner = load(folder, version)
    options = dict(options)
    if version.startswith("6."):
        from sae_lens.config import LoggingConfig
        from sae_lens.registry import SAE_TRAINING_CLASS_REGISTRY
        import sae_lens.saes  # noqa: F401

        register(SAE_TRAINING_CLASS_REGISTRY)
        sae = dict(options.pop("sae"))
        kind = SAE_TRAINING_CLASS_REGISTRY[sae.pop("architecture")][1]
        logger = LoggingConfig(**options.pop("logger", {}))
        options |= {"sae": kind(**sae), "logger": logger}
    if version < "3":
        options["dtype"] = getattr(torch, options.get("dtype", "float32"))
    if "seqpos_slice" in options:
        options["seqpos_slice"] = tuple(options["seqpos_slice"])
    config = runner(**options, verbose=False) if version >= "2" else runner(**options)
    resolved = {}
    for field in dataclasses.fields(config):
        resolved[field.name] = plain(getattr(config, field.name))
    if version.startswith("6."):
        resolved["sae"] = plain(config.sae.to_dict())
        resolved["logger"] = plain(dataclasses.asdict(config.logger))
    return {name: value for name, value in resolved.items() if not name.startswith(IDLE)}


def register(known):
    """Fills the registry, as the package itself does where it is imported whole."""
    from sae_lens import registry, saes

    names = {
        "standard": "Standard", "gated": "Gated", "topk": "TopK", "jumprelu": "JumpReLU",
        "batchtopk": "BatchTopK", "matryoshka_batchtopk": "MatryoshkaBatchTopK",
        "matching_pursuit": "MatchingPursuit",
    }
    for name, kind in names.items():
        sae, config = (getattr(saes, f"{kind}Training{end}", None) for end in ("SAE", "SAEConfig"))
        if sae is not None and name not in known:
            registry.register_sae_training_class(name, sae, config)
        sae, config = (getattr(saes, f"{kind}{end}", None) for end in ("SAE", "SAEConfig"))
        if sae is not None and name not in registry.SAE_CLASS_REGISTRY:
            registry.register_sae_class(name, sae, config)


def main():
    if len(sys.argv) == 4:
        _, folder, version, options = sys.argv
        try:
            print(json.dumps({"resolved": resolve(folder, version, json.loads(options))}))
        except Exception as error:
            print(json.dumps({"refused": str(error).splitlines()[0]}))
        return
    folder = sys.argv[1]
    results = {}
    for entry in json.loads((HERE / "configurations.json").read_text()):
        made = subprocess.run(
            [sys.executable, __file__, folder, entry["version"], json.dumps(entry["options"])],
            check=True, capture_output=True, text=True)
        results[entry["name"]] = json.loads(made.stdout.splitlines()[-1])
        print(entry["name"], str(results[entry["name"]])[:100])
    (HERE / "resolved.json").write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
