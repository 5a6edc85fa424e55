"""Makes what is trained in twenty steps with every further architecture and option of SAELens.

Versions: Python 3.11, torch 2.15.0, sae-lens 6.54.12, safetensors 0.8.
Run:      HF_HUB_OFFLINE=1 python make_more.py [CASE ...]    (in this folder; a minute)
With names of cases it only prints what those cases do. margins.py says which cases are refused.

CASES run on SAELens's own trainer; the cases of plain_loops.py are what current SAELens does not
train. goldens-more.json holds the settings of each case, by SAELens's names, and the figures of each
step; a term that a case does not have is left out:

  mse l1 l0_loss pre_act auxiliary ghost   terms of the loss, with their coefficients
  inner                                    losses of the inner widths, in order of width
  overall l0 dead norm                     their sum; mean of latents that are not 0; latents dead
                                           before the step; norm of the gradient before clipping
  topk_threshold                           the running threshold after the step

goldens-more.safetensors holds per case CASE.gradient.* of the first step before clipping (zeros where
there is none) and CASE.final.* after the last. `batches` and `initial.W_enc`, `b_enc`, `W_dec` and
`b_dec` are those of goldens.safetensors, also where a case has no b_enc or no W_enc. Added to them are

  initial.threshold b_gate b_mag r_mag     for the architectures that have them
  initial.unit.W_dec                       W_dec with rows of norm 1: matching_pursuit, and
                                           normalize_sae_decoder
  targets                                  [20, 32, 12], what the transcoders predict
  initial.transcoder.W_dec b_dec W_skip    [64, 12], [12], [12, 16]

dead_latents latents start with 5 less in b_enc (jumprelu, topk and kin, standard): the first ones, or
every dead_stride-th from 0 on.
"""

import dataclasses
import json
import os
import sys
import warnings

import torch
from safetensors.torch import save_file
from sae_lens.registry import get_sae_training_class

import make_goldens
import margins
import plain_loops

MATRYOSHKA = dict(
    architecture="matryoshka_batchtopk", k=7, matryoshka_widths=[8, 24, 64], lr=0.005,
    dead_feature_window=2, dead_latents=20, dead_stride=3,
)
JUMPRELU = dict(architecture="jumprelu", jumprelu_bandwidth=0.4, lr=0.005)
CASES = {
    "gated": dict(architecture="gated", l1_coefficient=0.3, l1_warm_up_steps=5, lr=0.006),
    "abstopk": dict(architecture="abstopk", k=8, dead_feature_window=2, lr=0.005),
    "batchtopk": dict(
        architecture="batchtopk", k=6.5, dead_feature_window=2, lr=0.005, dead_latents=20,
    ),
    "batchtopk-plain": dict(
        architecture="batchtopk", k=6.5, rescale_acts_by_decoder_norm=False,
        apply_b_dec_to_input=False, topk_threshold_lr=0.2, aux_loss_coefficient=0.03125,
        dead_feature_window=2, lr=0.005, dead_latents=20,
    ),
    "matryoshka": MATRYOSHKA,
    "matryoshka-bands": dict(
        MATRYOSHKA, use_matryoshka_aux_loss=True, aux_loss_coefficient=0.03125),
    "matryoshka-plain": dict(
        MATRYOSHKA, use_matryoshka_aux_loss=True, rescale_acts_by_decoder_norm=False,
        aux_loss_coefficient=0.03125, k=6.5, lr=0.0045,
    ),
    "jumprelu-step": dict(JUMPRELU, l0_coefficient=0.1, l0_warm_up_steps=5),
    "jumprelu-step-input": dict(
        JUMPRELU, l0_coefficient=0.1, jumprelu_ste_to_input=True, lr=0.003),
    "jumprelu-tanh": dict(
        JUMPRELU, jumprelu_sparsity_loss_mode="tanh", jumprelu_tanh_scale=3.0, l0_coefficient=0.2,
        pre_act_loss_coefficient=0.02, dead_feature_window=2, dead_latents=20, lr=0.0045,
    ),
    "jumprelu-quadratic": dict(
        JUMPRELU, jumprelu_sparsity_loss_mode="quadratic", target_l0=6.0, l0_coefficient=0.02,
        pre_act_loss_coefficient=0.05, apply_b_dec_to_input=False, dead_feature_window=2,
        dead_latents=20,
    ),
    "matching-pursuit": dict(
        architecture="matching_pursuit", max_iterations=4, residual_threshold=0.3, lr=0.003,
    ),
    "matching-pursuit-long": dict(architecture="matching_pursuit", lr=0.0035),
    "matching-pursuit-plain-input": dict(
        architecture="matching_pursuit", max_iterations=6, apply_b_dec_to_input=False,
        stop_on_duplicate_support=False, lr=0.0025,
    ),
    "standard-constant-norm": dict(
        architecture="standard", normalize_activations="constant_norm_rescale", l1_coefficient=0.1,
        lr=0.008,
    ),
    "standard-layer-norm": dict(
        architecture="standard", normalize_activations="layer_norm", l1_coefficient=0.1,
        apply_b_dec_to_input=False, lr=0.009,
    ),
    "topk-layer-norm": dict(
        architecture="topk", k=8, normalize_activations="layer_norm", aux_loss_coefficient=0.0,
        dead_feature_window=1000, lr=0.01,
    ),
}
TERMS = {
    "mse_loss": "mse", "l1_loss": "l1", "l0_loss": "l0_loss", "pre_act_loss": "pre_act",
    "auxiliary_reconstruction_loss": "auxiliary",
}


def make_sae(settings):
    cls, config = get_sae_training_class(settings["architecture"])
    taken = {field.name for field in dataclasses.fields(config)}
    if settings["architecture"] == "matching_pursuit":
        settings = dict(settings, decoder_init_norm=1.0)
    if "matryoshka_widths" in settings:
        settings = dict(settings, matryoshka_widths=list(settings["matryoshka_widths"]))
    return cls(config(
        d_in=make_goldens.D_IN, d_sae=make_goldens.D_SAE, dtype="float32", device="cpu",
        **{key: value for key, value in settings.items() if key in taken}))


def start(sae, settings, tensors):
    """The initial values of an SAE's parameters."""
    shared = make_goldens.initial() | {
        key.removeprefix("initial."): value for key, value in tensors.items()
        if key.startswith("initial.")}
    if settings["architecture"] == "matching_pursuit":
        shared["W_dec"] = shared["unit.W_dec"]
    parameters = {
        key: value if key == "topk_threshold" else shared[key].clone()
        for key, value in sae.state_dict().items()}
    return plain_loops.lower_dead(parameters, settings)


def figures(output, losses):
    result = {name: losses[key] for key, name in TERMS.items() if key in losses}
    inner = [losses[key] for key in losses if key.startswith("inner_mse_loss_")]
    if inner:
        result["inner"] = inner
    result |= dict(
        overall=output.loss.item(), l0=(output.feature_acts != 0).sum(-1).float().mean().item())
    if "topk_threshold" in output.metrics:
        result["topk_threshold"] = output.metrics["topk_threshold"].item()
    return result


def run(name, tensors, rounding=None):
    if name in plain_loops.CASES:
        return plain_loops.run(name, tensors, rounding)
    sae = make_sae(CASES[name])
    parameters = start(sae, CASES[name], tensors)
    result = make_goldens.train(name, CASES[name], sae, parameters, tensors, figures, rounding)
    return dict(settings=CASES[name], **result)


def added():
    """The initial values and batches that goldens.safetensors does not have."""
    generator = torch.Generator().manual_seed(3)
    d_in, d_sae, d_out = make_goldens.D_IN, make_goldens.D_SAE, plain_loops.D_OUT
    decoder = make_goldens.initial()["W_dec"]
    mixing = torch.randn(d_in, d_out, generator=generator) / 2
    batches = make_goldens.batches()
    targets = (batches @ mixing).relu() + 0.2 * batches[..., :d_out] - 0.3
    transcoder = torch.randn(d_sae, d_out, generator=generator) / 4
    return {
        "targets": targets.contiguous(),
        "initial.threshold": 0.05 + 0.25 * torch.rand(d_sae, generator=generator),
        "initial.b_gate": 0.1 * torch.randn(d_sae, generator=generator),
        "initial.b_mag": 0.1 * torch.randn(d_sae, generator=generator),
        "initial.r_mag": 0.2 * torch.randn(d_sae, generator=generator),
        "initial.unit.W_dec": decoder / decoder.norm(dim=1, keepdim=True),
        "initial.transcoder.W_dec":
            transcoder * (0.2 + torch.rand(d_sae, 1, generator=generator)),
        "initial.transcoder.b_dec": 0.1 * torch.randn(d_out, generator=generator),
        "initial.transcoder.W_skip": 0.1 * torch.randn(d_out, d_in, generator=generator),
    }


def shortened(value):
    """Nine digits say a float32 exactly; the threshold, a float64, is rounded with them."""
    if isinstance(value, list):
        return [shortened(item) for item in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def show(names):
    """Prints what cases do."""
    for name in names:
        tensors = added()
        for step in margins.checked(run, name, tensors)["steps"][::6]:
            print("   ", {key: shortened(value) for key, value in step.items()})
        for key, value in tensors.items():
            if key.startswith(f"{name}.gradient"):
                value = value.abs()
                print(f"    {key}: up to {value.max():.3g}, not 0 in {100 * (value > 0).float().mean():.0f} %")


def main(names):
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    if names:
        show(names)
        return
    tensors = added()
    cases = {
        name: margins.checked(run, name, tensors) for name in [*CASES, *plain_loops.CASES]}
    for case in cases.values():
        case["steps"] = [{key: shortened(item) for key, item in step.items()} for step in case["steps"]]
    folder = make_goldens.HERE
    save_file(tensors, os.path.join(folder, "goldens-more.safetensors"))
    with open(os.path.join(folder, "goldens-more.json"), "w") as file:
        json.dump(dict(cases=cases), file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1:])
