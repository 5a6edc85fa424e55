"""Makes what SAELens's own trainer computes in twenty steps on a few small SAEs.

Versions: Python 3.11, torch 2.15.0, sae-lens 6.54.12, safetensors 0.8.
Run:      HF_HUB_OFFLINE=1 python make_goldens.py        (in this folder; seconds)

goldens.safetensors holds what all cases share, `batches` [20, 32, 16] and the initial parameters
`initial.*`, and per case the gradient of the first step before clipping (`CASE.gradient.*`) and the
parameters after the last (`CASE.final.*`). W_enc is [d_in, d_sae], as SAELens stores it.
goldens.json holds the settings of each case and the figures of each step, and tables of the learning
rates and sparsity weights that the schedulers of SAELens give. margins.py says which cases are refused.
"""

import json
import os

import torch
from safetensors.torch import save_file
from sae_lens.config import LoggingConfig, SAETrainerConfig
from sae_lens.saes.standard_sae import StandardTrainingSAE, StandardTrainingSAEConfig
from sae_lens.saes.topk_sae import TopKTrainingSAE, TopKTrainingSAEConfig
from sae_lens.training.optim import CoefficientScheduler, get_lr_scheduler
from sae_lens.training.sae_trainer import SAETrainer

import margins

HERE = os.path.dirname(os.path.abspath(__file__))
D_IN, D_SAE, ROWS, STEPS = 16, 64, 32, 20
NAMES = ["W_enc", "b_enc", "W_dec", "b_dec"]
# Settings as in a pipeline file; dead_latents latents get so low a bias that they never fire;
# the batches are multiplied by input_scale (so small that late gradients are not clipped).
CASES = {
    "standard": dict(architecture="standard", l1_coefficient=0.3, lr=0.008),
    "standard-half": dict(
        architecture="standard", l1_coefficient=0.002, lp_norm=0.5, l1_warm_up_steps=7, lr=0.001
    ),
    "standard-square": dict(
        architecture="standard", l1_coefficient=0.5, lp_norm=2.0, lr=0.01, adam_beta1=0.5,
        adam_beta2=0.99, lr_scheduler_name="cosineannealing", lr_warm_up_steps=3,
        lr_decay_steps=5, lr_end=0.002,
    ),
    "standard-plain-input": dict(
        architecture="standard", l1_coefficient=0.3, apply_b_dec_to_input=False, lr=0.01,
        lr_warm_up_steps=4, lr_decay_steps=6, input_scale=0.1875,
    ),
    "topk": dict(architecture="topk", k=8, dead_feature_window=2, lr=0.01, dead_latents=20),
    "topk-few-dead": dict(
        architecture="topk", k=24, aux_loss_coefficient=0.5, dead_feature_window=2, lr=0.01,
        dead_latents=3, lr_scheduler_name="cosineannealingwarmrestarts", n_restart_cycles=3,
    ),
    "topk-plain": dict(
        architecture="topk", k=8, rescale_acts_by_decoder_norm=False, apply_b_dec_to_input=False,
        dead_feature_window=2, lr=0.01, dead_latents=20,
    ),
}


def batches():
    """Sparse mixtures of 24 directions around a mean that is not zero, with a little noise."""
    generator = torch.Generator().manual_seed(1)
    directions = torch.randn(24, D_IN, generator=generator)
    mixture = torch.rand(STEPS, ROWS, 24, generator=generator)
    mixture = torch.where(mixture > 0.85, mixture, torch.zeros(()))
    noise = 0.05 * torch.randn(STEPS, ROWS, D_IN, generator=generator)
    return 0.4 * (mixture @ directions) + noise + 0.3 * torch.randn(D_IN, generator=generator)


def initial():
    """Every parameter random, and decoder rows of different norms."""
    generator = torch.Generator().manual_seed(2)
    decoder = torch.randn(D_SAE, D_IN, generator=generator) / 4
    decoder *= 0.2 + torch.rand(D_SAE, 1, generator=generator)
    return {
        "W_enc": (decoder.T + 0.1 * torch.randn(D_IN, D_SAE, generator=generator)).contiguous(),
        "b_enc": 0.1 * torch.randn(D_SAE, generator=generator),
        "W_dec": decoder,
        "b_dec": 0.1 * torch.randn(D_IN, generator=generator),
    }


def make_sae(settings):
    common = dict(
        d_in=D_IN, d_sae=D_SAE, dtype="float32", device="cpu",
        apply_b_dec_to_input=settings.get("apply_b_dec_to_input", True),
        normalize_activations="none",
    )
    if settings["architecture"] == "topk":
        return TopKTrainingSAE(TopKTrainingSAEConfig(
            **common, k=settings["k"],
            aux_loss_coefficient=settings.get("aux_loss_coefficient", 1.0),
            rescale_acts_by_decoder_norm=settings.get("rescale_acts_by_decoder_norm", True)))
    return StandardTrainingSAE(StandardTrainingSAEConfig(
        **common, l1_coefficient=settings["l1_coefficient"],
        lp_norm=settings.get("lp_norm", 1.0),
        l1_warm_up_steps=settings.get("l1_warm_up_steps", 0)))


def make_trainer(settings, sae):
    taken = ["lr_scheduler_name", "lr_warm_up_steps", "lr_decay_steps", "n_restart_cycles",
             "adam_beta1", "adam_beta2", "dead_feature_window"]
    config = SAETrainerConfig(
        total_training_samples=STEPS * ROWS, train_batch_size_samples=ROWS, lr=settings["lr"],
        lr_end=settings.get("lr_end", settings["lr"] / 10),
        logger=LoggingConfig(log_to_wandb=False),
        **{name: settings[name] for name in taken if name in settings})
    return SAETrainer(config, sae, data_provider=iter(()))


def run(name, tensors, rounding=None):
    settings = CASES[name]
    sae = make_sae(settings)
    start = {key: value.clone() for key, value in initial().items()}
    start["b_enc"][: settings.get("dead_latents", 0)] -= 5
    return dict(settings=settings, **train(name, settings, sae, start, tensors, figures, rounding))


def figures(output, losses):
    """What a step did, as far as these cases have it."""
    return dict(
        mse=losses["mse_loss"], l1=losses.get("l1_loss", 0.0),
        auxiliary=losses.get("auxiliary_reconstruction_loss", 0.0),
        overall=output.loss.item(), l0=(output.feature_acts > 0).sum(-1).float().mean().item())


def train(name, settings, sae, start, tensors, figures, rounding):
    """Trains from `start`; the gradient of the first step and the last parameters go to `tensors`."""
    watch = margins.Watch(name, rounding)
    sae.load_state_dict(start)
    trainer = make_trainer(settings, sae)
    gradients = []
    clip = torch.nn.utils.clip_grad_norm_

    def recording(parameters, bound):
        gradients.append({
            key: torch.zeros_like(value) if value.grad is None else value.grad.clone()
            for key, value in sae.named_parameters()})
        norms.append(clip(parameters, bound).item())

    norms, steps = [], []
    torch.nn.utils.clip_grad_norm_ = recording
    for batch in batches():
        batch = batch * settings.get("input_scale", 1)
        dead = int(trainer.dead_neurons.sum())
        watch.see(settings, dict(sae.named_parameters()), batch, trainer.dead_neurons)
        output = trainer.step(batch)
        trainer.n_training_steps += 1
        losses = {key: value.item() for key, value in output.losses.items()}
        steps.append(dict(**figures(output, losses), dead=dead, norm=norms[-1]))
    torch.nn.utils.clip_grad_norm_ = clip
    watch.finish(steps)
    for key, value in sae.named_parameters():
        tensors[f"{name}.gradient.{key}"] = gradients[0][key].contiguous()
        tensors[f"{name}.final.{key}"] = value.detach().contiguous()
    passes = [int(value) for value in trainer.n_forward_passes_since_fired]
    counts = [int(value) for value in trainer.act_freq_scores]
    return dict(steps=steps, passesSinceFired=passes, activeCounts=counts)


def schedule(settings, total):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([parameter], lr=settings["lr"])
    scheduler = get_lr_scheduler(
        settings.get("lr_scheduler_name", "constant"), optimizer, training_steps=total,
        lr=settings["lr"], warm_up_steps=settings.get("lr_warm_up_steps", 0),
        decay_steps=settings.get("lr_decay_steps", 0),
        lr_end=settings.get("lr_end", settings["lr"] / 10),
        num_cycles=settings.get("n_restart_cycles", 1))
    coefficient = CoefficientScheduler(settings.get("l1_warm_up_steps", 0), 3.0)
    rates, weights = [], []
    for _ in range(total):
        rates.append(optimizer.param_groups[0]["lr"])
        weights.append(coefficient.value)
        optimizer.step()
        scheduler.step()
        coefficient.step()
    return dict(settings={**settings, "l1_coefficient": 3.0}, rates=rates, weights=weights)


def schedules():
    names = ["constant", "cosineannealing", "cosineannealingwarmrestarts"]
    return [
        schedule(dict(
            lr=0.003, lr_scheduler_name=name, lr_warm_up_steps=warm_up, lr_decay_steps=decay,
            n_restart_cycles=4, l1_warm_up_steps=warm_up, **end), 30)
        for name in names for warm_up in [0, 1, 7] for decay in [0, 1, 8]
        for end in [{}, {"lr_end": 0.002}]
    ]


def main():
    torch.set_num_threads(1)
    tensors = {"batches": batches().contiguous()}
    tensors |= {f"initial.{name}": value for name, value in initial().items()}
    cases = {name: margins.checked(run, name, tensors) for name in CASES}
    save_file(tensors, os.path.join(HERE, "goldens.safetensors"))
    with open(os.path.join(HERE, "goldens.json"), "w") as file:
        json.dump(dict(cases=cases, schedules=schedules()), file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
