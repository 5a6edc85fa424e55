"""Makes what SAELens's run_evals says of SAEs in the tiny GPT-2 of ../models.

Versions: Python 3.11, torch 2.15.0, sae-lens 6.54.12, transformer-lens 3.9, transformers 5.24.
Run:      HF_HUB_OFFLINE=1 python make_evals.py        (in this folder, after make_spliced.py; seconds)

evals/CASE holds an SAE as SAELens saves it for inference; the others are those of spliced/. evals.json holds
`tokens` [6, 16] and per case the folder, the hook points, the tokens that are left out, `metrics` and
`feature_metrics` as run_evals returns them for one batch of all sequences, so that whatever it takes around the
mean of a batch is taken around that of all rows. It has none for transcoders, whose input it takes for what is
reconstructed: the case of one is SAELens's own get_sparsity_and_variance_metrics with what the transcoder
stands for in the place of its input, and the losses of make_spliced.py. A row in which rounding decides what is
active is refused (margins.py).
"""

import json
import math
import os
import shutil
import sys

import torch
from sae_lens import GatedSAE, GatedSAEConfig, JumpReLUSAE, JumpReLUSAEConfig, SAE
from sae_lens.evals import (
    get_eval_everything_config, get_featurewise_weight_based_metrics,
    get_sparsity_and_variance_metrics, run_evals)
from sae_lens.saes.batchtopk_sae import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
from sae_lens.saes.sae import SAEMetadata
from sae_lens.training.activation_scaler import ActivationScaler

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "models"))
import make_models  # noqa: E402
import make_spliced  # noqa: E402
import margins  # noqa: E402

SEQUENCES, CONTEXT = make_spliced.SEQUENCES, make_spliced.CONTEXT
IGNORED = [3, 7, 21]
CASES = {
    "standard": dict(folder="spliced/resid-ignoring", hook="blocks.0.hook_resid_post"),
    "standard-ignoring": dict(
        folder="spliced/resid-ignoring", hook="blocks.0.hook_resid_post", ignore=IGNORED),
    "layer-norm": dict(folder="spliced/resid", hook="blocks.0.hook_resid_post"),
    "topk": dict(folder="spliced/perceptron", hook="blocks.1.mlp.hook_post"),
    "topk-heads": dict(folder="spliced/heads", hook="blocks.1.attn.hook_z"),
    "topk-heads-ignoring": dict(folder="spliced/heads", hook="blocks.1.attn.hook_z", ignore=IGNORED),
    "head": dict(folder="spliced/head", hook="blocks.0.attn.hook_z", head=1),
    "gated": dict(folder="evals/gated", hook="blocks.1.hook_resid_pre"),
    "gated-ignoring": dict(folder="evals/gated", hook="blocks.1.hook_resid_pre", ignore=IGNORED),
    "jumprelu": dict(folder="evals/jumprelu", hook="blocks.0.hook_mlp_out"),
    "jumprelu-ignoring": dict(folder="evals/jumprelu", hook="blocks.0.hook_mlp_out", ignore=IGNORED),
    "batchtopk": dict(folder="evals/batchtopk", hook="blocks.0.attn.hook_z"),
    "batchtopk-ignoring": dict(folder="evals/batchtopk", hook="blocks.0.attn.hook_z", ignore=IGNORED),
    "transcoder": dict(
        folder="spliced/transcoder", hook="blocks.0.ln2.hook_normalized",
        target="blocks.0.hook_mlp_out"),
}


class Store:
    """Hands out all tokens as an activation store would."""

    store_batch_size_prompts = SEQUENCES
    context_size = CONTEXT

    def __init__(self, tokens):
        self.tokens = tokens

    def get_batch_tokens(self, size):
        assert size == SEQUENCES
        return self.tokens

    def reset_input_dataset(self):
        pass


class Paired:
    """A transcoder that is compared with what it stands for: the model's rows there are its `input`."""

    def __init__(self, sae, inputs):
        self.cfg, self.device, self.decode = sae.cfg, sae.device, sae.decode
        self.encode = lambda _: sae.encode(inputs)


class Targets:
    def __init__(self, targets):
        self.targets = targets

    def run_with_cache(self, tokens, names_filter, **_):
        return None, {names_filter[0]: self.targets}


def make_sae(name, hook, rows, seed):
    d_in = rows.shape[-1]
    common = dict(
        d_in=d_in, d_sae=2 * d_in, dtype="float32", device="cpu",
        metadata=SAEMetadata(hook_name=hook, model_name="gpt2"))
    weights = make_spliced.weights(d_in, d_in, seed)
    generator = torch.Generator().manual_seed(100 + seed)
    if name == "gated":
        sae = GatedSAE(GatedSAEConfig(**common))
        weights["b_gate"] = weights.pop("b_enc")
        weights["b_mag"] = 0.1 * torch.randn(2 * d_in, generator=generator)
        weights["r_mag"] = 0.1 * torch.randn(2 * d_in, generator=generator)
    elif name == "jumprelu":
        sae = JumpReLUSAE(JumpReLUSAEConfig(**common))
        weights["threshold"] = 0.05 + 0.1 * torch.rand(2 * d_in, generator=generator)
    else:
        sae = BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(**common, k=d_in // 3))
        weights["topk_threshold"] = torch.tensor(0.11, dtype=torch.float64)
    sae.load_state_dict(weights)
    return sae.eval()


def check(name, sae, rows):
    """Ends the script where rounding decides what is active."""
    hidden = sae.process_sae_in(rows) @ sae.W_enc
    if name == "gated":
        distance = (hidden + sae.b_gate).abs().min().item()
    elif name in ("jumprelu", "batchtopk"):
        distance = (hidden + sae.b_enc - sae.threshold).abs().min().item()
    else:
        return
    print("   margin:", f"{distance:.1e}")
    if distance < margins.SMALLEST_MARGIN:
        raise SystemExit(f"{name}: the margin is below {margins.SMALLEST_MARGIN:g}")


def measure(case, model, sae, tokens, cache):
    ignore = case.get("ignore", False)
    if "target" not in case:
        return run_evals(
            sae, Store(tokens), model, ActivationScaler(), get_eval_everything_config(
                batch_size_prompts=SEQUENCES, n_eval_reconstruction_batches=1,
                n_eval_sparsity_variance_batches=1), exclude_special_tokens=ignore)
    found, features = get_sparsity_and_variance_metrics(
        Paired(sae, cache[case["hook"]]), Targets(cache[case["target"]]), Store(tokens),
        ActivationScaler(), n_batches=1, compute_l2_norms=True, compute_sparsity_metrics=True,
        compute_variance_metrics=True, compute_featurewise_density_statistics=True,
        eval_batch_size_prompts=SEQUENCES, model_kwargs={}, ignore_tokens=None)
    losses = make_spliced.measure_transcoder(case, model, sae, tokens)
    pick = lambda source, *names: {name: source[name] for name in names}  # noqa: E731
    metrics = dict(
        model_behavior_preservation=pick(
            losses, "kl_div_score", "kl_div_with_ablation", "kl_div_with_sae"),
        model_performance_preservation=pick(
            losses, "ce_loss_score", "ce_loss_with_ablation", "ce_loss_with_sae",
            "ce_loss_without_sae"),
        shrinkage=pick(
            found, "l2_norm_in", "l2_norm_out", "l2_ratio", "relative_reconstruction_bias"),
        sparsity=pick(found, "l0", "l1"),
        reconstruction_quality=pick(
            found, "explained_variance", "explained_variance_legacy", "mse", "cossim"),
        token_stats=dict(
            total_tokens_eval_reconstruction=tokens.numel(),
            total_tokens_eval_sparsity_variance=tokens.numel()))
    return metrics, features | get_featurewise_weight_based_metrics(sae)


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return None if math.isnan(value) else float(f"{value:.7g}")
    return value


def main():
    transformer, *_ = make_models.build("gpt2")
    model = make_models.lens(transformer, **make_models.NO_STEP)
    model.cfg.use_attn_result = False
    generator = torch.Generator().manual_seed(11)
    tokens = torch.randint(0, make_models.VOCABULARY, (SEQUENCES, CONTEXT), generator=generator)
    with torch.no_grad():
        _, cache = model.run_with_cache(tokens)
    shutil.rmtree(os.path.join(HERE, "evals"), ignore_errors=True)
    cases = {}
    for seed, (name, case) in enumerate(CASES.items()):
        folder = os.path.join(HERE, case["folder"])
        kind = os.path.basename(folder)
        with torch.no_grad():
            rows = cache[case["hook"]]
            rows = rows[:, :, case["head"]] if "head" in case else rows.flatten(2)
            if not os.path.exists(folder):
                sae = make_sae(kind, case["hook"], rows, seed)
                if kind == "batchtopk":
                    sae.save_inference_model(folder)
                else:
                    sae.save_model(folder)
            sae = SAE.load_from_disk(folder, device="cpu")
            sae.cfg.metadata.hook_name = case["hook"]
            sae.cfg.metadata.hook_head_index = case.get("head")
            check(kind, sae, rows.flatten(0, 1))
            metrics, features = measure(case, model, sae, tokens, cache)
        print(name, {key: round(value, 4) for group in metrics.values() for key, value in group.items()})
        cases[name] = dict(
            folder=case["folder"], hook=case["hook"], target=case.get("target"),
            head=case.get("head"), ignore=case.get("ignore", []), metrics=plain(metrics),
            feature_metrics=plain(features))
    with open(os.path.join(HERE, "evals.json"), "w") as file:
        json.dump(dict(tokens=tokens.flatten().tolist(), cases=cases), file)
        file.write("\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
