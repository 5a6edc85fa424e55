"""Trains the same configurations in older versions of SAELens and here, and prints L0 and explained variance.

    python older.py FOLDER PROGRAMS

FOLDER holds a folder per version, as Tests/Fixtures/config/peers/make_resolved.py describes them; PROGRAMS
those of saeline-cache and saeline-train. The activations are sums of a few directions, as in an SAE that
fits perfectly. SAELens's side is its own TrainingSAE with its own schedules, and the steps of its trainer;
initial weights are drawn anew on either side, so figures agree as two seeds do.

Versions: sae-lens as listed, Python 3.11, packages of the current sae-lens.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import huggingface_hub.errors
import torch
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "Tests/Fixtures/config/peers"))
import make_resolved  # noqa: E402

WIDTH, STEPS, BATCH = 16, 800, 512
COMMON = {
    "d_in": WIDTH, "expansion_factor": 4, "lr": 1e-3, "train_batch_size_tokens": BATCH,
    "training_tokens": STEPS * BATCH, "hook_name": "blocks.0.hook_resid_post", "hook_layer": 0,
}
HEURISTIC = {
    "normalize_sae_decoder": False, "decoder_heuristic_init": True, "b_dec_init_method": "zeros",
    "init_encoder_as_decoder_transpose": True, "scale_sparsity_penalty_by_decoder_norm": True,
}
RUNS = {
    "few options": ("5.10.0", {}),
    "l1 and warm-up": ("5.11.0", {"l1_coefficient": 0.1, "l1_warm_up_steps": 200, "lr_warm_up_steps": 100}),
    "the guide's": ("3.7.0", {**HEURISTIC, "l1_coefficient": 0.05, "adam_beta1": 0.9, "lr_decay_steps": 200}),
    "weighting ignored": ("3.22.2", {"normalize_sae_decoder": False, "l1_coefficient": 0.05}),
    "gated": ("3.22.2", {"architecture": "gated", "normalize_sae_decoder": False, "l1_coefficient": 0.05}),
    "topk": ("4.4.5", {"architecture": "topk", "activation_fn": "topk", "activation_fn_kwargs": {"k": 3}}),
    "heuristic topk": ("5.11.0", {**HEURISTIC, "architecture": "topk", "activation_fn_kwargs": {"k": 3}}),
    "jumprelu": ("5.11.0", {
        "architecture": "jumprelu", "l1_coefficient": 0.01, "jumprelu_bandwidth": 0.05,
        "jumprelu_init_threshold": 0.01}),
    "cosine and noise": ("5.10.0", {
        "lr_scheduler_name": "cosineannealing", "noise_scale": 0.02, "l1_coefficient": 0.05,
        "mse_loss_normalization": "dense_batch"}),
}


def activations():
    torch.manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(64, WIDTH), dim=1)
    return ((torch.rand(8192, 64) < 0.05) * torch.rand(8192, 64)) @ directions


def figures(x, reconstruction, latents):
    error = (x - reconstruction).pow(2).sum(1).mean()
    variance = (x - x.mean(0)).pow(2).sum(1).mean()
    return float((latents != 0).float().sum(1).mean()), float(1 - error / variance)


def theirs(folder, version, options):
    """L0 and explained variance of a run of SAELens."""
    # Where older versions look for what has moved since.
    sys.modules.setdefault("huggingface_hub.utils._errors", huggingface_hub.errors)
    config = make_resolved.load(folder, version)(**options, verbose=False, log_to_wandb=False)
    from sae_lens.training.geometric_median import compute_geometric_median
    from sae_lens.training.optim import L1Scheduler, get_lr_scheduler
    from sae_lens.training.training_sae import TrainingSAE

    torch.manual_seed(1)
    x = activations()
    sae = TrainingSAE.from_dict(config.get_training_sae_cfg_dict())
    if config.b_dec_init_method == "geometric_median":
        sae.initialize_b_dec_with_precalculated(compute_geometric_median(x, maxiter=100).median)
    optimizer = torch.optim.Adam(
        sae.parameters(), lr=config.lr, betas=(float(config.adam_beta1), config.adam_beta2))
    schedule = get_lr_scheduler(
        config.lr_scheduler_name, lr=config.lr, optimizer=optimizer, warm_up_steps=config.lr_warm_up_steps,
        decay_steps=config.lr_decay_steps, training_steps=STEPS, lr_end=config.lr_end,
        num_cycles=config.n_restart_cycles)
    sparsity = L1Scheduler(
        l1_warm_up_steps=config.l1_warm_up_steps, total_steps=STEPS,
        final_l1_coefficient=config.l1_coefficient)
    silent = torch.zeros(sae.cfg.d_sae)
    for _ in range(STEPS):
        sae.train()
        if config.normalize_sae_decoder:
            sae.set_decoder_norm_to_unit_norm()
        batch = x[torch.randint(len(x), (BATCH,))]
        step = sae.training_forward_pass(
            sae_in=batch, dead_neuron_mask=silent > config.dead_feature_window,
            current_l1_coefficient=sparsity.current_l1_coefficient)
        silent = torch.where((step.feature_acts > 0).any(0), 0, silent + 1)
        optimizer.zero_grad()
        step.loss.backward()
        torch.nn.utils.clip_grad_norm_(sae.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        sparsity.step()
    if config.normalize_sae_decoder:
        sae.set_decoder_norm_to_unit_norm()
    sae.eval()
    with torch.no_grad():
        latents = sae.encode(x)
        return figures(x, sae.decode(latents), latents)


def ours(programs, version, options):
    """L0 and explained variance of a run here, of the same configuration."""
    with tempfile.TemporaryDirectory() as place:
        save_file({"activations": activations().contiguous()}, place + "/0.safetensors")
        pathlib.Path(place, "p.json5").write_text(json.dumps({
            "store": place + "/store",
            "cache": {"model_name": "none", "hook_name": COMMON["hook_name"], "d_in": WIDTH,
                      "training_tokens": 8192},
            "train": {**options, "sae_lens_version": version},
            "evaluate": {"loss_recovered": False}}))
        pathlib.Path(place, "rows").mkdir()
        pathlib.Path(place, "0.safetensors").rename(place + "/rows/0.safetensors")
        for program in (["saeline-cache", "import", "rows"], ["saeline-train"]):
            done = subprocess.run(
                [programs / program[0], *program[1:], "--config", "p.json5", "--quiet", "--json"],
                cwd=place, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"older: {done.stderr}")
        run = pathlib.Path(place, json.loads(done.stdout)["folder"])
        found = json.loads((run / "evaluation.json").read_text())
        return found["sparsity"]["l0"], found["reconstruction_quality"]["explained_variance"]


def main():
    if len(sys.argv) == 4 and sys.argv[3] in RUNS:
        version, options = RUNS[sys.argv[3]]
        print(json.dumps(theirs(sys.argv[1], version, {**COMMON, **options})))
        return
    folder, programs = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    for name, (version, options) in RUNS.items():
        done = subprocess.run(
            [sys.executable, __file__, folder, sys.argv[2], name], capture_output=True, text=True)
        l0, variance = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else (0, 0)
        if done.returncode:
            print(done.stderr[-500:])
        own_l0, own_variance = ours(programs, version, {**COMMON, **options})
        print(f"{name}, SAELens {version}: L0 {l0:.2f}, here {own_l0:.2f}; explained variance "
              f"{variance:.4f}, here {own_variance:.4f}", flush=True)


if __name__ == "__main__":
    main()
