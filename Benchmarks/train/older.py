"""Trains the same configurations in their own versions of SAELens and here, and compares the runs.

    python older.py FOLDER PROGRAMS [NAME ...]

FOLDER holds a folder per version, as Tests/Fixtures/config/peers/make_resolved.py describes them; PROGRAMS
those of saeline-cache and saeline-train. The configurations are a few of our own and those of scripts of the
field, Tests/Fixtures/config/peers/configurations.json, shrunk: 16 wide, 64 latents, 800 steps of 512 rows, warm-ups
and decays by the same factor, no model and no data set. The activations are sums of a few directions, as in an
SAE that fits perfectly. SAELens's side is its own SAE, optimizer and schedules, and the steps of its trainer;
initial weights are drawn anew on either side, so L0 and explained variance agree as two seeds do. Learning rates
and coefficients of the sparsity loss are compared at every tenth step. A configuration that a version refuses, or
that is refused here, is printed with the sentence.

Versions: sae-lens as listed, Python 3.11, packages of the current sae-lens.
"""

import dataclasses
import json
import pathlib
import subprocess
import sys
import tempfile

import huggingface_hub.errors
import torch
from safetensors.torch import save_file

PEERS = pathlib.Path(__file__).parents[2] / "Tests/Fixtures/config/peers"
sys.path.insert(0, str(PEERS))
import make_resolved  # noqa: E402

WIDTH, LATENTS, STEPS, BATCH, EVERY = 16, 64, 800, 512, 10
COMMON = {
    "d_in": WIDTH, "expansion_factor": 4, "lr": 1e-3, "train_batch_size_tokens": BATCH,
    "training_tokens": STEPS * BATCH, "hook_name": "blocks.0.hook_resid_post", "hook_layer": 0,
}
HEURISTIC = {
    "normalize_sae_decoder": False, "decoder_heuristic_init": True, "b_dec_init_method": "zeros",
    "init_encoder_as_decoder_transpose": True, "scale_sparsity_penalty_by_decoder_norm": True,
}
OWN = {
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
# What says where activations come from, and what a run of this size has no use for.
DROPPED = {
    "model_name", "model_class_name", "dataset_path", "is_dataset_tokenized", "streaming", "context_size",
    "prepend_bos", "n_batches_in_buffer", "store_batch_size", "store_batch_size_prompts", "device", "dtype",
    "act_store_device", "autocast", "log_to_wandb", "wandb_project", "wandb_log_frequency", "checkpoint_path",
    "n_checkpoints", "output_path", "use_cached_activations", "exclude_special_tokens", "seqpos_slice",
    "hook_head_index", "disable_concat_sequences", "d_sae", "expansion_factor", "verbose", "logger",
}
STEP_COUNTS = {"lr_warm_up_steps", "lr_decay_steps", "l1_warm_up_steps", "l0_warm_up_steps"}


def runs():
    """Every configuration by name: its version and options."""
    found = {name: (version, {**COMMON, **options}) for name, (version, options) in OWN.items()}
    for entry in json.loads((PEERS / "configurations.json").read_text()):
        found[entry["name"]] = (entry["version"], shrunk(entry["version"], entry["options"]))
    return found


def shrunk(version, options):
    """A configuration at the size of these runs."""
    batch = options.get("train_batch_size_tokens", options.get("train_batch_size", 4096))
    factor = STEPS / (options["training_tokens"] / batch)
    flat = {key: value for key, value in options.items() if key not in DROPPED and key != "sae"}
    sae = {key: value for key, value in options.get("sae", {}).items() if key not in DROPPED}
    for part in (flat, sae):
        for key in STEP_COUNTS & part.keys():
            part[key] = round(part[key] * factor)
        for key in {"k"} & part.keys():
            part[key] = 3
        if "activation_fn_kwargs" in part:
            part["activation_fn_kwargs"] = {"k": 3}
        if "matryoshka_widths" in part:
            part["matryoshka_widths"] = [4, 16, LATENTS]
        if "finetuning_tokens" in part:
            part["finetuning_tokens"] = 100 * BATCH
        for key in {"dead_feature_window", "feature_sampling_window"} & part.keys():
            part[key] = 100
    old = version.split(".")[0] in "12"
    flat.pop("train_batch_size", None)
    flat["train_batch_size_tokens"] = BATCH
    flat["training_tokens"] = STEPS * BATCH
    flat["hook_point" if old else "hook_name"] = COMMON["hook_name"]
    if old:
        flat["hook_point_layer"] = 0
    if sae:
        sae.update(d_in=WIDTH, d_sae=LATENTS)
        return {**flat, "sae": sae}
    if not old:
        flat["hook_layer"] = 0
    return {**flat, "d_in": WIDTH, "expansion_factor": LATENTS // WIDTH}


def activations():
    torch.manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(64, WIDTH), dim=1)
    return ((torch.rand(8192, 64) < 0.05) * torch.rand(8192, 64)) @ directions


@dataclasses.dataclass
class History:
    """What a run came to, and its learning rates and coefficients at every tenth step."""

    l0: float
    explained_variance: float
    rates: list
    coefficients: list


class Course:
    """Learning rates and coefficients while a run goes."""

    def __init__(self):
        self.rates, self.coefficients = [], []

    def note(self, step, rate, coefficient):
        if (step + 1) % EVERY == 0:
            self.rates.append(float(rate))
            self.coefficients.append(float(coefficient))

    def history(self, x, reconstruction, latents):
        error = (x - reconstruction).pow(2).sum(1).mean()
        variance = (x - x.mean(0)).pow(2).sum(1).mean()
        active = (latents != 0).float().sum(1).mean()
        return History(float(active), float(1 - error / variance), self.rates, self.coefficients)


def batches(x):
    while True:
        yield x[torch.randint(len(x), (BATCH,))]


def scaling(config, x):
    """By what rows are multiplied before they are trained on."""
    if str(config.normalize_activations) in ("True", "expected_average_only_in"):
        return WIDTH**0.5 / x.norm(dim=1).mean()
    return 1.0


def start_at_center(config, sae, x):
    """Sets b_dec as the trainers of versions 1 to 5 do."""
    from sae_lens.training.geometric_median import compute_geometric_median

    if config.b_dec_init_method == "geometric_median":
        sae.initialize_b_dec_with_precalculated(compute_geometric_median(x, maxiter=100).median)
    elif config.b_dec_init_method == "mean":
        sae.initialize_b_dec_with_mean(x)


def learning(config, sae):
    """The optimizer and the schedule of its rate, as versions 1 to 5 make them."""
    from sae_lens.training.optim import get_lr_scheduler

    optimizer = torch.optim.Adam(
        sae.parameters(), lr=config.lr, betas=(float(config.adam_beta1), config.adam_beta2))
    return optimizer, get_lr_scheduler(
        config.lr_scheduler_name, lr=config.lr, optimizer=optimizer, warm_up_steps=config.lr_warm_up_steps,
        decay_steps=config.lr_decay_steps, training_steps=STEPS, lr_end=config.lr_end,
        num_cycles=config.n_restart_cycles)


def theirs(folder, version, options):
    """A run of SAELens."""
    # Where older versions look for what has moved since.
    sys.modules.setdefault("huggingface_hub.utils._errors", huggingface_hub.errors)
    runner = make_resolved.load(folder, version)
    torch.manual_seed(1)
    x = activations()
    if version.startswith("6."):
        return theirs_by_trainer(options, x)
    if version[0] in "12":
        # The first versions name the batch otherwise, and refuse their own default of dtype.
        if version[0] == "1":
            options = {**options, "train_batch_size": options["train_batch_size_tokens"]}
            del options["train_batch_size_tokens"]
        return theirs_by_group(
            runner(**options, device="cpu", log_to_wandb=False, dtype=torch.float32), x)
    return theirs_by_forward_pass(runner(**options, device="cpu", verbose=False, log_to_wandb=False), x)


def theirs_by_forward_pass(config, x):
    """A run of versions 3 to 5: TrainingSAE and the steps of its trainer."""
    from sae_lens.training.optim import L1Scheduler
    from sae_lens.training.training_sae import TrainingSAE

    scale = scaling(config, x)
    sae = TrainingSAE.from_dict(config.get_training_sae_cfg_dict())
    start_at_center(config, sae, x * scale)
    total = STEPS + config.finetuning_tokens // BATCH
    optimizer, schedule = learning(config, sae)
    sparsity = L1Scheduler(
        l1_warm_up_steps=config.l1_warm_up_steps, total_steps=STEPS,
        final_l1_coefficient=config.l1_coefficient)
    silent, rows, course = torch.zeros(sae.cfg.d_sae), batches(x), Course()
    for index in range(total):
        if index == STEPS:
            if config.finetuning_method:
                sae.start_finetuning() if hasattr(sae, "start_finetuning") else begin_finetuning(config, sae)
            else:
                break
        sae.train()
        if config.normalize_sae_decoder:
            sae.set_decoder_norm_to_unit_norm()
        step = sae.training_forward_pass(
            sae_in=next(rows) * scale, dead_neuron_mask=silent > config.dead_feature_window,
            current_l1_coefficient=sparsity.current_l1_coefficient)
        silent = torch.where((step.feature_acts > 0).any(0), 0, silent + 1)
        optimizer.zero_grad()
        step.loss.backward()
        torch.nn.utils.clip_grad_norm_(sae.parameters(), 1.0)
        if config.normalize_sae_decoder:
            sae.remove_gradient_parallel_to_decoder_directions()
        optimizer.step()
        schedule.step()
        sparsity.step()
        if index < STEPS:
            course.note(index, optimizer.param_groups[0]["lr"], sparsity.current_l1_coefficient)
    if config.normalize_sae_decoder:
        sae.set_decoder_norm_to_unit_norm()
    sae.eval()
    with torch.no_grad():
        latents = sae.encode(x * scale)
        return course.history(x, sae.decode(latents) / scale, latents)


def begin_finetuning(config, sae):
    """What the trainer of these versions does before it fine-tunes."""
    learns = {"scale": ["scaling_factor"], "decoder": ["scaling_factor", "W_dec", "b_dec"],
              "unrotated_decoder": ["scaling_factor", "b_dec"]}[config.finetuning_method]
    for name, parameter in sae.named_parameters():
        parameter.requires_grad = name in learns
    sae.finetuning = True


def theirs_by_group(config, x):
    """A run of versions 1 and 2: SparseAutoencoder and the steps of their training loop."""
    from sae_lens.training.optim import L1Scheduler
    from sae_lens.training.sparse_autoencoder import SparseAutoencoder

    sae = SparseAutoencoder(config)
    scale = scaling(config, x) if hasattr(config, "normalize_activations") else 1.0
    start_at_center(config, sae, x * scale)
    for name, parameter in sae.named_parameters():
        if "scaling_factor" in name:
            parameter.requires_grad = False
    optimizer, schedule = learning(config, sae)
    sparsity = L1Scheduler(
        l1_warm_up_steps=config.l1_warm_up_steps, total_steps=STEPS, sparse_autoencoder=sae)
    silent, rows, course = torch.zeros(config.d_sae), batches(x), Course()
    for index in range(STEPS):
        sae.train()
        if config.normalize_sae_decoder:
            sae.set_decoder_norm_to_unit_norm()
        output = sae(next(rows) * scale, silent > config.dead_feature_window)
        silent = torch.where((output.feature_acts > 0).any(0), 0, silent + 1)
        output.loss.backward()
        torch.nn.utils.clip_grad_norm_(sae.parameters(), 1.0)
        optimizer.step()
        if config.normalize_sae_decoder:
            sae.remove_gradient_parallel_to_decoder_directions()
        optimizer.zero_grad()
        schedule.step()
        sparsity.step()
        course.note(index, optimizer.param_groups[0]["lr"], sae.l1_coefficient)
    sae.eval()
    with torch.no_grad():
        output = sae(x * scale)
        return course.history(x, output.sae_out / scale, output.feature_acts)


def theirs_by_trainer(options, x):
    """A run of version 6: its trainer, step by step."""
    from sae_lens.config import LoggingConfig, SAETrainerConfig
    from sae_lens.registry import SAE_TRAINING_CLASS_REGISTRY
    import sae_lens.saes  # noqa: F401

    make_resolved.register(SAE_TRAINING_CLASS_REGISTRY)
    from sae_lens.training.sae_trainer import SAETrainer

    options = dict(options)
    given = dict(options.pop("sae"))
    kind, form = SAE_TRAINING_CLASS_REGISTRY[given.pop("architecture")]
    known = {field.name for field in dataclasses.fields(SAETrainerConfig)}
    names = {"train_batch_size_tokens": "train_batch_size_samples", "training_tokens": "total_training_samples"}
    stated = {names.get(key, key): value for key, value in options.items()}
    stated.setdefault("lr_end", stated.get("lr", 3e-4) / 10)
    trainer = SAETrainer(
        SAETrainerConfig(
            **{key: value for key, value in stated.items() if key in known}, device="cpu", autocast=False,
            logger=LoggingConfig(log_to_wandb=False),
            **{key: value for key, value in (
                ("lr_scheduler_name", "constant"), ("lr_warm_up_steps", 0), ("lr_decay_steps", 0),
                ("adam_beta1", 0.9), ("adam_beta2", 0.999), ("n_restart_cycles", 1), ("n_checkpoints", 0),
                ("checkpoint_path", None), ("save_final_checkpoint", False), ("dead_feature_window", 1000),
                ("feature_sampling_window", 2000)) if key in known and key not in stated}),
        kind(form(**given)), data_provider=batches(x))
    if trainer.sae.cfg.normalize_activations == "expected_average_only_in":
        trainer.activation_scaler.estimate_scaling_factor(
            d_in=WIDTH, data_provider=trainer.data_provider, n_batches_for_norm_estimate=100)
    course = Course()
    for index in range(STEPS):
        rows = next(trainer.data_provider)
        if hasattr(trainer, "step"):
            trainer.step(rows)
        else:
            trainer._train_step(sae=trainer.sae, sae_in=trainer.activation_scaler.scale(rows))
        trainer.n_training_steps += 1
        coefficients = trainer.get_coefficients()
        course.note(index, trainer.optimizer.param_groups[0]["lr"], next(iter(coefficients.values()), 0))
    if trainer.activation_scaler.scaling_factor is not None:
        trainer.sae.fold_activation_norm_scaling_factor(trainer.activation_scaler.scaling_factor)
    trainer.sae.eval()
    with torch.no_grad():
        latents = trainer.sae.encode(x)
        return course.history(x, trainer.sae.decode(latents), latents.to_dense())


def ours(programs, version, options):
    """A run here of the same configuration, or the sentence that refuses it."""
    logger = {"wandb_log_frequency": EVERY}
    if "sae" in options:
        logger = {"logger": logger}
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        (place / "rows").mkdir()
        save_file({"activations": activations().contiguous()}, place / "rows/0.safetensors")
        (place / "p.json5").write_text(json.dumps({
            "store": folder + "/store",
            "cache": {"model_name": "none", "hook_name": COMMON["hook_name"], "d_in": WIDTH,
                      "training_tokens": 8192},
            "train": {**options, "sae_lens_version": version, **logger},
            "evaluate": {"loss_recovered": False}}))
        for program in (["saeline-cache", "import", "rows"], ["saeline-train"]):
            done = subprocess.run(
                [programs / program[0], *program[1:], "--config", "p.json5", "--quiet", "--json"],
                cwd=place, capture_output=True, text=True)
            if done.returncode:
                return done.stderr.strip().splitlines()[0]
        run = place / json.loads(done.stdout)["folder"]
        found = json.loads((run / "evaluation.json").read_text())
        course = Course()
        for line in (run / "metrics.jsonl").read_text().splitlines():
            figures = json.loads(line)
            if figures["step"] < STEPS and "details/current_learning_rate" in figures:
                coefficient = [v for k, v in figures.items() if k.startswith("details/") and k.endswith("coefficient")]
                course.note(figures["step"], figures["details/current_learning_rate"], (coefficient + [0])[0])
        return History(
            found["sparsity"]["l0"], found["reconstruction_quality"]["explained_variance"],
            course.rates, course.coefficients)


def distance(one, other):
    """The largest relative difference between two courses."""
    if len(one) != len(other):
        return f"{len(one)} against {len(other)} values"
    return f"{max((abs(a - b) / max(abs(a), abs(b), 1e-12) for a, b in zip(one, other)), default=0):.1e}"


def compare(folder, programs, name, version, options):
    done = subprocess.run(
        [sys.executable, __file__, folder, "--of", name], capture_output=True, text=True)
    here = ours(programs, version, options)
    if done.returncode:
        refusal = done.stderr.strip().splitlines()[-1]
        print(f"{name}, SAELens {version}: there {refusal}; here {here}", flush=True)
        return
    if isinstance(here, str):
        print(f"{name}, SAELens {version}: here {here}", flush=True)
        return
    there = History(**json.loads(done.stdout.splitlines()[-1]))
    print(f"{name}, SAELens {version}: L0 {there.l0:.2f}, here {here.l0:.2f}; explained variance "
          f"{there.explained_variance:.4f}, here {here.explained_variance:.4f}; largest relative difference of "
          f"{len(there.rates)} rates {distance(there.rates, here.rates)}, of coefficients "
          f"{distance(there.coefficients, here.coefficients)}", flush=True)


def main():
    folder = sys.argv[1]
    if sys.argv[2] == "--of":
        version, options = runs()[sys.argv[3]]
        print(json.dumps(dataclasses.asdict(theirs(folder, version, options))))
        return
    programs = pathlib.Path(sys.argv[2]).resolve()
    for name, (version, options) in runs().items():
        if len(sys.argv) == 3 or name in sys.argv[3:]:
            compare(folder, programs, name, version, options)


if __name__ == "__main__":
    main()
