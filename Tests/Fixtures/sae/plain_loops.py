"""Trains what current SAELens does not, in plain torch: transcoders and the options of versions 3 to 5.

Used by make_more.py, which says what is stored. One step is: losses with the dead latents of the
steps before, firing counters, backward, clipping of the gradient's norm to 1, Adam. SAELens's
autograd functions are used for JumpReLU, whose thresholds are clamped to 0 from below before a step.

use_ghost_grads, mse_loss_normalization, scale_sparsity_penalty_by_decoder_norm: as SAELens 3 has them.
normalize_sae_decoder: rows of W_dec start at norm 1; after clipping, their gradients lose the
component along the row; after Adam, rows are brought to norm 1.
finetuning_method: from step 11 on (training_tokens are 10 batches) only the parameters of the method
have gradients; Adam keeps counting each parameter's own steps, so that the scaling factor, which is 1
until then, begins with step 1. It multiplies latents before decoding, and not in the sparsity loss.
CASE.gradient11.* holds the gradients of step 11, where fine-tuning begins, and also where the case
`ghost` has its first dead latents. Ghost gradients divide by squares that can be tiny: a difference
in the parameters grows about thirtyfold there in the steps that remain.
"""

import torch
from sae_lens.saes.jumprelu_sae import JumpReLU, Step

import make_goldens
import margins

D_OUT = 12
FINETUNED = {
    "scale": ["finetuning_scaling_factor"],
    "decoder": ["W_dec", "b_dec", "finetuning_scaling_factor"],
    "unrotated_decoder": ["b_dec", "finetuning_scaling_factor"],
}
FINETUNING = dict(
    architecture="standard", l1_coefficient=0.3, lr=0.008, training_tokens=10 * make_goldens.ROWS,
    finetuning_tokens=10 * make_goldens.ROWS,
)
TRANSCODER = dict(apply_b_dec_to_input=False, l1_coefficient=0.1, lr=0.005)
JUMPRELU = dict(apply_b_dec_to_input=False, jumprelu_bandwidth=0.4, l0_coefficient=0.05, lr=0.005)
CASES = {
    "transcoder": dict(TRANSCODER, architecture="transcoder", lr=0.0045),
    "skip-transcoder": dict(TRANSCODER, architecture="skip_transcoder"),
    "jumprelu-transcoder": dict(JUMPRELU, architecture="jumprelu_transcoder"),
    "jumprelu-skip-transcoder": dict(JUMPRELU, architecture="jumprelu_skip_transcoder"),
    "ghost": dict(
        architecture="standard", use_ghost_grads=True, l1_coefficient=0.3, lr=0.0005,
        dead_feature_window=9, dead_latents=6,
    ),
    "dense-batch": dict(
        architecture="standard", mse_loss_normalization="dense_batch", l1_coefficient=0.1, lr=0.01,
    ),
    "unit-decoder": dict(
        architecture="standard", normalize_sae_decoder=True, l1_coefficient=0.3, lr=0.008,
    ),
    "plain-sparsity": dict(
        architecture="standard", scale_sparsity_penalty_by_decoder_norm=False, l1_coefficient=0.1,
        lr=0.011,
    ),
    "finetune-scale": dict(FINETUNING, finetuning_method="scale"),
    "finetune-decoder": dict(
        FINETUNING, finetuning_method="decoder", apply_b_dec_to_input=False, lr=0.01),
    "finetune-unrotated-decoder": dict(FINETUNING, finetuning_method="unrotated_decoder"),
}


def lower_dead(parameters, settings):
    """Gives the latents that are to be dead a bias with which they do not fire."""
    count, stride = settings.get("dead_latents", 0), settings.get("dead_stride", 1)
    if count:
        parameters["b_enc"][: count * stride : stride] -= 5
    return parameters


def start(settings, tensors):
    kind = settings["architecture"]
    values = make_goldens.initial()
    if "transcoder" in kind:
        values["W_dec"] = tensors["initial.transcoder.W_dec"]
        values["b_dec"] = tensors["initial.transcoder.b_dec"]
    if "skip" in kind:
        values["W_skip"] = tensors["initial.transcoder.W_skip"]
    if "jumprelu" in kind:
        values["threshold"] = tensors["initial.threshold"]
    if settings.get("normalize_sae_decoder"):
        values["W_dec"] = tensors["initial.unit.W_dec"]
    if "finetuning_method" in settings:
        values["finetuning_scaling_factor"] = torch.ones(make_goldens.D_SAE)
    return {
        key: torch.nn.Parameter(value.clone())
        for key, value in lower_dead(values, settings).items()}


def losses(settings, parameters, x, target, dead):
    """The latents of a batch and the terms of its loss."""
    W_dec, b_dec = parameters["W_dec"], parameters["b_dec"]
    centred = x - b_dec if settings.get("apply_b_dec_to_input", True) else x
    pre = centred @ parameters["W_enc"] + parameters["b_enc"]
    if "threshold" in parameters:
        threshold, bandwidth = parameters["threshold"], settings["jumprelu_bandwidth"]
        f = JumpReLU.apply(pre, threshold, bandwidth, False)
        penalty = settings["l0_coefficient"] * Step.apply(pre, threshold, bandwidth, False).sum(-1).mean()
        sparsity = dict(l0_loss=penalty)
    else:
        f = pre.relu()
        scaled = settings.get("scale_sparsity_penalty_by_decoder_norm", True)
        weighted = f * W_dec.norm(dim=1) if scaled else f
        sparsity = dict(l1=settings["l1_coefficient"] * weighted.sum(-1).mean())
    decoded = f * parameters["finetuning_scaling_factor"] if "finetuning_method" in settings else f
    output = decoded @ W_dec + b_dec
    if "W_skip" in parameters:
        output = output + x @ parameters["W_skip"].T
    elements = normalised(settings, output, target)
    terms = dict(mse=elements.sum(-1).mean(), **sparsity)
    if settings.get("use_ghost_grads"):
        terms["ghost"] = ghost(target - output, elements, pre, W_dec, dead)
    return f, terms


def normalised(settings, output, target):
    """Squared differences, by element."""
    squares = (output - target) ** 2
    if settings.get("mse_loss_normalization") == "dense_batch":
        squares = squares / ((target - target.mean(0)).norm(dim=-1, keepdim=True) + 1e-6)
    return squares


def ghost(residual, elements, pre, W_dec, dead):
    output = pre[:, dead].exp() @ W_dec[dead]
    factor = residual.norm(dim=-1) / (1e-6 + 2 * output.norm(dim=-1))
    output = output * factor.detach()[:, None]
    squares = (output - residual.detach()) ** 2
    return ((elements / (squares + 1e-6)).detach() * squares).mean()


def after_clipping(settings, parameters):
    if settings.get("normalize_sae_decoder"):
        rows = parameters["W_dec"].detach()
        rows = rows / rows.norm(dim=1, keepdim=True)
        gradient = parameters["W_dec"].grad
        gradient -= (gradient * rows).sum(1, keepdim=True) * rows


def after_adam(settings, parameters):
    if settings.get("normalize_sae_decoder"):
        parameters["W_dec"].data /= parameters["W_dec"].data.norm(dim=1, keepdim=True)


def run(name, tensors, rounding=None):
    settings = CASES[name]
    watch = margins.Watch(name, rounding)
    parameters = start(settings, tensors)
    window = settings.get("dead_feature_window", 1000)
    adam = torch.optim.Adam(parameters.values(), lr=settings["lr"], betas=(0.9, 0.999))
    passes, counts = torch.zeros(make_goldens.D_SAE), torch.zeros(make_goldens.D_SAE)
    transcodes = "transcoder" in settings["architecture"]
    steps = []
    for index, x in enumerate(make_goldens.batches()):
        if "finetuning_method" in settings:
            finetuned = FINETUNED[settings["finetuning_method"]]
            for key, value in parameters.items():
                value.requires_grad_(
                    key in finetuned if index >= 10 else key != "finetuning_scaling_factor")
        if "threshold" in parameters:
            parameters["threshold"].data.clamp_(min=0)
        dead = passes > window
        watch.see(settings, parameters, x, dead)
        f, terms = losses(settings, parameters, x, tensors["targets"][index] if transcodes else x, dead)
        overall = sum(terms.values())
        fired = f != 0
        passes = torch.where(fired.any(0), 0, passes + 1)
        counts += fired.sum(0)
        adam.zero_grad()
        overall.backward()
        if index == 0:
            record(f"{name}.gradient", parameters, tensors)
        if index == 10 and ("finetuning_method" in settings or "use_ghost_grads" in settings):
            record(f"{name}.gradient11", parameters, tensors)
        norm = torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0).item()
        after_clipping(settings, parameters)
        adam.step()
        after_adam(settings, parameters)
        steps.append(dict(
            **{key: value.item() for key, value in terms.items()}, overall=overall.item(),
            l0=fired.sum(-1).float().mean().item(), dead=int(dead.sum()), norm=norm))
    watch.finish(steps)
    for key, value in parameters.items():
        tensors[f"{name}.final.{key}"] = value.detach().contiguous()
    return dict(
        settings=settings, steps=steps, passesSinceFired=[int(value) for value in passes],
        activeCounts=[int(value) for value in counts])


def record(prefix, parameters, tensors):
    for key, value in parameters.items():
        if value.grad is not None:
            tensors[f"{prefix}.{key}"] = value.grad.clone().contiguous()
