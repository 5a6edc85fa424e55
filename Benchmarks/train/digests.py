"""SHA-256 of what the programs write: token and activation shards, and the weights of small runs of every architecture.

    python Benchmarks/train/digests.py PROGRAMS [TEXT] > before.txt
    python Benchmarks/train/digests.py PROGRAMS [TEXT] --everywhere

Run it with the programs of two commits on one machine and compare the lines: a rebuild that changes nothing that
users get leaves them as they are. With --everywhere every run is trained over one cache with each of OpenBLAS's kernels,
several numbers of threads and ways of screening; a line names those whose weights differ from the others', and the exit
code is 1 where one does that docs/exactness.md does not except.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
STEPS = 120
BATCH = 512

# Every architecture, and the options that take paths of their own through a step.
RUNS = {
    "standard": {"architecture": "standard", "l1_coefficient": 0.05},
    "standard-half": {"architecture": "standard", "l1_coefficient": 0.01, "lp_norm": 0.5},
    "standard-plain-input": {"architecture": "standard", "l1_coefficient": 3, "apply_b_dec_to_input": False},
    "standard-ghosts": {
        "architecture": "standard", "l1_coefficient": 8, "use_ghost_grads": True, "dead_feature_window": 20},
    "standard-unit": {"architecture": "standard", "l1_coefficient": 1, "normalize_sae_decoder": True},
    "standard-dense-batch": {"architecture": "standard", "mse_loss_normalization": "dense_batch"},
    "standard-constant-norm": {"architecture": "standard", "normalize_activations": "constant_norm_rescale"},
    "standard-layer-norm": {"architecture": "standard", "normalize_activations": "layer_norm"},
    "standard-whitened": {"architecture": "standard", "normalize_activations": "covariance_whitening"},
    "standard-noise": {"architecture": "standard", "noise_scale": 0.05},
    "standard-median": {"architecture": "standard", "b_dec_init_method": "geometric_median"},
    "standard-finetune": {
        "architecture": "standard", "finetuning_tokens": 20 * BATCH, "finetuning_method": "scale"},
    "gated": {"architecture": "gated", "l1_coefficient": 1},
    "topk": {"architecture": "topk", "k": 8, "dead_feature_window": 20},
    "topk-whitened": {"architecture": "topk", "k": 8, "normalize_activations": "covariance_whitening"},
    "topk-plain": {"architecture": "topk", "k": 8, "rescale_acts_by_decoder_norm": False},
    "abstopk": {"architecture": "abstopk", "k": 8, "dead_feature_window": 20},
    "batchtopk": {"architecture": "batchtopk", "k": 6.5, "dead_feature_window": 20},
    "matryoshka": {
        "architecture": "matryoshka_batchtopk", "k": 8, "matryoshka_widths": [40, 130], "dead_feature_window": 20,
        "use_matryoshka_aux_loss": True},
    "jumprelu": {"architecture": "jumprelu", "l0_coefficient": 0.5, "jumprelu_bandwidth": 0.2},
    "jumprelu-tanh": {
        "architecture": "jumprelu", "jumprelu_sparsity_loss_mode": "tanh", "jumprelu_ste_to_input": True,
        "pre_act_loss_coefficient": 3e-6, "dead_feature_window": 20},
    "jumprelu-quadratic": {"architecture": "jumprelu", "jumprelu_sparsity_loss_mode": "quadratic", "target_l0": 12},
    "matching_pursuit": {"architecture": "matching_pursuit", "max_iterations": 6},
    "transcoder": {"architecture": "transcoder"},
    "skip_transcoder": {"architecture": "skip_transcoder"},
    "jumprelu_transcoder": {"architecture": "jumprelu_transcoder", "jumprelu_bandwidth": 0.2},
    "jumprelu_skip_transcoder": {"architecture": "jumprelu_skip_transcoder", "jumprelu_bandwidth": 0.2},
}

# What may change no bit of an SAE.
PLACES = [
    {}, {"SAELINE_SCREENING": "off"}, {"SAELINE_SCREENING": "int16-avx2"}, {"OPENBLAS_CORETYPE": "Haswell"},
    {"OPENBLAS_CORETYPE": "Zen"}, {"OPENBLAS_CORETYPE": "SkylakeX"}, {"OPENBLAS_CORETYPE": "Sandybridge"},
    {"threads": "1"}, {"threads": "5"},
]
EXCEPTED = ("whitened",)


def places():
    """Those that this processor can be in: OpenBLAS's kernels for SkylakeX need AVX-512."""
    is_wide = "avx512f" in pathlib.Path("/proc/cpuinfo").read_text()
    return [place for place in PLACES if is_wide or place.get("OPENBLAS_CORETYPE") != "SkylakeX"]


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main():
    words = [word for word in sys.argv[1:] if word != "--everywhere"]
    programs = pathlib.Path(words[0]).resolve()
    text = pathlib.Path(words[1]).resolve() if len(words) > 1 else ROOT / ".build/demo/stories.jsonl"
    folder = pathlib.Path(tempfile.mkdtemp(prefix="digests-"))
    model = str(ROOT / "pipelines/demo/model")
    config = {
        "name": "digests",
        "store": str(folder / "store"),
        "pretokenize": {"tokenizer_name": model, "dataset_path": str(text), "context_size": 128},
        "cache": {
            "model_name": model, "hook_names": ["blocks.1.hook_resid_post", "blocks.1.hook_mlp_out"],
            "training_tokens": 120000, "model_batch_size": 32, "buffer_size_gb": 0.01},
        "train": {
            "defaults": "sae_lens-6", "d_sae": 384, "hook_name": "blocks.1.hook_resid_post", "training_tokens": STEPS * BATCH,
            "train_batch_size_tokens": BATCH, "lr": 1e-3, "lr_warm_up_steps": 20, "lr_decay_steps": 20,
            "normalize_activations": "expected_average_only_in", "eval_fraction": 0.05,
            "feature_sampling_window": 50},
        "evaluate": {"eval_tokens": 4096, "loss_recovered": False},
    }
    path = folder / "pipeline.json"
    path.write_text(json.dumps(config))

    def run(program, *arguments, environment=None):
        result = subprocess.run(
            [str(programs / program), "--config", str(path), "--quiet", "--json", *arguments], capture_output=True,
            text=True, env=os.environ | (environment or {}))
        if result.returncode != 0:
            sys.exit(f"{program} {arguments}: {result.stderr}")
        return json.loads(result.stdout)

    run("saeline-pretokenize")
    run("saeline-cache")
    if "--everywhere" in sys.argv:
        sys.exit(everywhere(run, folder / "store/runs"))
    for stage in ["tokens", "activations"]:
        for shard in sorted((folder / "store" / stage).glob("*/shard-*")):
            print(digest(shard), f"{stage}/{shard.parent.name.rsplit('-', 1)[0]}/{shard.name}", flush=True)
    for name in RUNS:
        result = run("saeline-train", *settings(name))
        run_folder = pathlib.Path(result["folder"])
        for file in ["sae_weights.safetensors", "cfg.json", "sparsity.safetensors", "evaluation.json"]:
            print(digest(run_folder / file), f"{name}/{file}", flush=True)


def settings(name, **more):
    train = RUNS[name] | more
    if "transcoder" in name:
        train["hook_name_out"] = "blocks.1.hook_mlp_out"
    return [f"--set=train.{key}={json.dumps(value)}" for key, value in train.items()]


def everywhere(run, runs):
    wrong = False
    for name in RUNS:
        found = {}
        for place in places():
            threads = {"threads": int(place["threads"])} if "threads" in place else {}
            environment = {key: value for key, value in place.items() if key != "threads"}
            result = run("saeline-train", *settings(name, **threads), environment=environment)
            weights = digest(pathlib.Path(result["folder"]) / "sae_weights.safetensors")
            found.setdefault(weights, []).append(" ".join(f"{key}={value}" for key, value in place.items()) or "as it is")
            shutil.rmtree(runs)
        if len(found) == 1:
            print(f"{name}: one SHA-256 in {len(places())} places: {next(iter(found))}", flush=True)
        else:
            wrong = wrong or not name.endswith(EXCEPTED)
            print(f"{name}: " + "; ".join(f"{key[:12]}: {', '.join(places)}" for key, places in found.items()), flush=True)
    return 1 if wrong else 0


main()
