"""Makes what SAELens measures with an SAE in the tiny GPT-2 of ../models.

Versions: Python 3.11, torch 2.15.0, sae-lens 6.54.12, transformer-lens 3.9, transformers 5.23.
Run:      HF_HUB_OFFLINE=1 python make_spliced.py        (in this folder; seconds)

spliced/CASE holds an SAE as SAELens saves it for inference (cfg.json, sae_weights.safetensors).
spliced.json holds `tokens` [6, 16] and per case the hook points, TransformerLens's weight processing,
the tokens that are ignored, and the figures of SAELens's own get_downstream_reconstruction_metrics over
three batches of two sequences. It has none for transcoders: the case of one is computed here with the
same formulas, from a transcoder of SAELens that reads one hook and replaces another. A row whose k largest
latents hang on rounding is refused (margins.py).
"""

import json
import os
import shutil
import sys

import torch
from sae_lens import StandardSAE, StandardSAEConfig, TopKSAE, TopKSAEConfig
from sae_lens.evals import _kl, get_downstream_reconstruction_metrics
from sae_lens.saes.sae import SAEMetadata
from sae_lens.saes.transcoder import Transcoder, TranscoderConfig
from sae_lens.training.activation_scaler import ActivationScaler

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "models"))
import make_models  # noqa: E402
import margins  # noqa: E402

SEQUENCES, CONTEXT, BATCH = 6, 16, 2
CASES = {
    "resid": dict(hook="blocks.0.hook_resid_post", kind="standard", normalize="layer_norm"),
    "resid-ignoring": dict(hook="blocks.0.hook_resid_post", kind="standard", ignore=[3, 7, 21]),
    "heads": dict(hook="blocks.1.attn.hook_z", kind="topk"),
    "heads-processed": dict(
        hook="blocks.1.attn.hook_z", kind="topk", processing=make_models.EVERY_STEP),
    "head": dict(hook="blocks.0.attn.hook_z", kind="standard", head=1),
    "perceptron": dict(hook="blocks.1.mlp.hook_post", kind="topk"),
    "transcoder": dict(
        hook="blocks.0.ln2.hook_normalized", target="blocks.0.hook_mlp_out", kind="transcoder"),
}


class Tokens:
    """Hands out the same batches as an activation store would."""

    def __init__(self, tokens):
        self.batches = iter(tokens.split(BATCH))

    def get_batch_tokens(self, size):
        assert size == BATCH
        return next(self.batches)


def weights(d_in, d_out, seed):
    """An SAE that would be the identity, each direction and its opposite, but for some noise."""
    generator = torch.Generator().manual_seed(seed)
    basis, _ = torch.linalg.qr(torch.randn(d_in, d_in, generator=generator))
    encoder = torch.cat([basis, -basis], dim=1)
    encoder = encoder + 0.1 * torch.randn(encoder.shape, generator=generator)
    decoder = torch.cat([basis, -basis], dim=1).T[:, :d_out]
    decoder = decoder + 0.1 * torch.randn(decoder.shape, generator=generator)
    return {
        "W_enc": encoder.contiguous(), "b_enc": 0.1 * torch.randn(2 * d_in, generator=generator),
        "W_dec": decoder.contiguous(), "b_dec": 0.1 * torch.randn(d_out, generator=generator),
    }


def make_sae(case, d_in, d_out, seed):
    metadata = SAEMetadata(hook_name=case["hook"], hook_head_index=case.get("head"))
    common = dict(
        d_in=d_in, d_sae=2 * d_in, dtype="float32", device="cpu",
        normalize_activations=case.get("normalize", "none"), metadata=metadata)
    if case["kind"] == "standard":
        sae = StandardSAE(StandardSAEConfig(**common))
    elif case["kind"] == "topk":
        sae = TopKSAE(TopKSAEConfig(**common, k=d_in // 3))
    else:
        sae = Transcoder(TranscoderConfig(**common, d_out=d_out, apply_b_dec_to_input=False))
    sae.load_state_dict(weights(d_in, d_out, seed))
    return sae.eval()


def measure_transcoder(case, model, sae, tokens):
    """The same figures where the SAE reads one hook and replaces another."""
    read = {}

    def keep(values, hook):
        read["values"] = sae.decode(sae.encode(values))

    found = {"without": [], "sae": [], "ablation": [], "kl_sae": [], "kl_ablation": []}
    for batch in tokens.split(BATCH):
        logits, loss = model(batch, return_type="both", loss_per_token=True)
        found["without"].append(loss)
        for name, replace in (
            ("sae", lambda values, hook: read["values"]),
            ("ablation", lambda values, hook: torch.zeros_like(values))):
            new_logits, new_loss = model.run_with_hooks(
                batch, return_type="both", loss_per_token=True,
                fwd_hooks=[(case["hook"], keep), (case["target"], replace)])
            found[name].append(new_loss)
            found["kl_" + name].append(_kl(logits, new_logits))
    mean = {name: torch.cat(values).mean().item() for name, values in found.items()}
    return dict(
        ce_loss_without_sae=mean["without"], ce_loss_with_sae=mean["sae"],
        ce_loss_with_ablation=mean["ablation"],
        ce_loss_score=(mean["ablation"] - mean["sae"]) / (mean["ablation"] - mean["without"]),
        kl_div_with_sae=mean["kl_sae"], kl_div_with_ablation=mean["kl_ablation"],
        kl_div_score=(mean["kl_ablation"] - mean["kl_sae"]) / mean["kl_ablation"])


def measure(case, model, sae, tokens):
    if "target" in case:
        return measure_transcoder(case, model, sae, tokens)
    return get_downstream_reconstruction_metrics(
        sae, model, Tokens(tokens), ActivationScaler(), compute_kl=True, compute_ce_loss=True,
        n_batches=SEQUENCES // BATCH, eval_batch_size_prompts=BATCH,
        ignore_tokens=case.get("ignore"))


def check(name, sae, rows):
    """Ends the script where rounding decides which latents of a row are active.

    What a ReLU lets through grows from 0, so that only topk has such a border.
    """
    if isinstance(sae, TopKSAE):
        distance = margins.gap(sae.process_sae_in(rows) @ sae.W_enc + sae.b_enc, sae.cfg.k).min().item()
        print("   margin of the k largest:", f"{distance:.1e}")
        if distance < margins.SMALLEST_MARGIN:
            raise SystemExit(f"{name}: the margin of the k largest is below {margins.SMALLEST_MARGIN:g}")


def main():
    transformer, *_ = make_models.build("gpt2")
    generator = torch.Generator().manual_seed(11)
    tokens = torch.randint(0, make_models.VOCABULARY, (SEQUENCES, CONTEXT), generator=generator)
    cases = {}
    for seed, (name, case) in enumerate(CASES.items()):
        processing = case.get("processing", make_models.NO_STEP)
        model = make_models.lens(transformer, **processing)
        model.cfg.use_attn_result = False
        with torch.no_grad():
            _, cache = model.run_with_cache(tokens)
            shape = cache[case["hook"]].shape[2:]
            d_in = shape[-1] if "head" in case else shape.numel()
            d_out = cache[case["target"]].shape[-1] if "target" in case else d_in
            sae = make_sae(case, d_in, d_out, seed)
            check(name, sae, cache[case["hook"]].flatten(2).flatten(0, 1))
            figures = measure(case, model, sae, tokens)
        folder = os.path.join(HERE, "spliced", name)
        shutil.rmtree(folder, ignore_errors=True)
        sae.save_model(folder)
        print(name, {key: round(value, 4) for key, value in figures.items()})
        cases[name] = dict(
            hook=case["hook"], target=case.get("target"), head=case.get("head"),
            processed="processing" in case, ignore=case.get("ignore", []), figures=figures)
    with open(os.path.join(HERE, "spliced.json"), "w") as file:
        json.dump(dict(tokens=tokens.flatten().tolist(), cases=cases), file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
