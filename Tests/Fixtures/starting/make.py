"""Makes SAEs to start from, in the files of SAELens, sparsify, dictionary_learning and Gemma Scope, and what each
one's own program computes with them; further files that must be refused.

Versions: Python 3.11, sae-lens 6.54.12, eai-sparsify 1.3.3, dictionary-learning 0.1.0, torch 2.15.0, numpy 2.4.6,
          safetensors 0.8.
Run:      python make.py        (in this folder; half a minute)

Every folder holds an SAE of d_in 8 and d_sae 16. goldens.safetensors holds `x` [24, 8] and, of each folder,
`NAME.l0` [24] and `NAME.reconstruction` [24, 8]. Folders of SAELens 3 to 5 are read by SAELens 6, but for the
one with factors of fine-tuning, which SAELens 6 refuses: versions 3 to 5 multiply activations by them before
the decoder, which is done here by hand. `refused/` holds files of which each has one thing wrong.
"""

import json
import os
import pickle
import shutil
import zipfile

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["SPARSIFY_DISABLE_TRITON"] = "1"

import numpy  # noqa: E402
import torch  # noqa: E402
from dictionary_learning import dictionary  # noqa: E402
from dictionary_learning.trainers.batch_top_k import BatchTopKSAE  # noqa: E402
from dictionary_learning.trainers.matryoshka_batch_top_k import MatryoshkaBatchTopKSAE  # noqa: E402
from dictionary_learning.trainers.top_k import AutoEncoderTopK  # noqa: E402
from sae_lens import SAE, BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig  # noqa: E402
from sae_lens import GatedSAE, GatedSAEConfig, JumpReLUSAE, JumpReLUSAEConfig  # noqa: E402
from sae_lens import StandardTrainingSAE, StandardTrainingSAEConfig, TopKSAE, TopKSAEConfig, TrainingSAE  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from sparsify import SparseCoder, SparseCoderConfig  # noqa: E402

D_IN, D_SAE, ROWS = 8, 16, 24
goldens = {}


def draw(*shape, scale=0.4):
    return torch.randn(*shape) * scale


def weights(**more):
    return dict(
        W_enc=draw(D_IN, D_SAE), b_enc=draw(D_SAE, scale=0.1), W_dec=draw(D_SAE, D_IN), b_dec=draw(D_IN, scale=0.2),
        **more)


def note(name, activations, reconstruction):
    goldens[name + ".l0"] = (activations != 0).float().sum(-1).contiguous()
    goldens[name + ".reconstruction"] = reconstruction.detach().float().contiguous()


def fill(module):
    """Draws every parameter; decoders of peers get rows that are not normal."""
    for parameter in module.parameters():
        parameter.data = draw(*parameter.shape, scale=0.1 if parameter.dim() == 1 else 0.4)


# SAELens 3 to 5 ------------------------------------------------------------------------------------

OLD = dict(
    d_in=D_IN, d_sae=D_SAE, dtype="float32", device="cpu", model_name="none",
    hook_name="blocks.0.hook_resid_post", hook_layer=0, hook_head_index=None, activation_fn_str="relu",
    apply_b_dec_to_input=True, finetuning_scaling_factor=False, sae_lens_training_version="5.10.0",
    prepend_bos=True, dataset_path="x", context_size=128, normalize_activations="none")


def old(name, config, tensors, golden=True, kind=SAE):
    os.makedirs(name)
    with open(name + "/cfg.json", "w") as file:
        json.dump(config, file)
    save_file(tensors, name + "/sae_weights.safetensors")
    if golden:
        sae = kind.load_from_disk(name)
        activations = sae.encode(x)
        note(name, activations, sae.decode(activations))


def without(*names):
    return {key: value for key, value in OLD.items() if key not in names}


def make_old():
    v3 = without("apply_b_dec_to_input", "finetuning_scaling_factor", "normalize_activations")
    old("sae_lens-3", dict(v3, sae_lens_training_version="3.7.0"), weights())
    old("sae_lens-5-topk", dict(OLD, activation_fn_str="topk", activation_fn_kwargs={"k": 3}), weights())
    old("sae_lens-5-plain", dict(OLD, architecture="standard", apply_b_dec_to_input=False), weights())
    gated = weights(b_gate=draw(D_SAE, scale=0.1), b_mag=draw(D_SAE, scale=0.1), r_mag=draw(D_SAE, scale=0.2))
    del gated["b_enc"]
    old("sae_lens-5-gated", dict(OLD, architecture="gated"), gated)
    jump = dict(OLD, architecture="jumprelu")
    old("sae_lens-5-jumprelu", jump, weights(threshold=draw(D_SAE, scale=0.2).abs()))
    old("sae_lens-4-jumprelu", jump, weights(log_threshold=draw(D_SAE) - 1), kind=TrainingSAE)
    old("sae_lens-5-half", dict(OLD, dtype="float64"), {k: v.double() for k, v in weights().items()})
    scaled = weights(finetuning_scaling_factor=torch.rand(D_SAE) + 0.5)
    old("sae_lens-5-scaled", dict(OLD, finetuning_scaling_factor=True), scaled, golden=False)
    activations = torch.relu((x - scaled["b_dec"]) @ scaled["W_enc"] + scaled["b_enc"])
    factors = scaled["finetuning_scaling_factor"]
    note("sae_lens-5-scaled", activations, (activations * factors) @ scaled["W_dec"] + scaled["b_dec"])


# SAELens 6 -----------------------------------------------------------------------------------------


def make_new():
    common = dict(d_in=D_IN, d_sae=D_SAE)
    layer_norm = dict(normalize_activations="layer_norm", apply_b_dec_to_input=False)
    for name, sae in {
        "sae_lens-6-topk": TopKSAE(TopKSAEConfig(k=4, rescale_acts_by_decoder_norm=True, **common)),
        "sae_lens-6-gated": GatedSAE(GatedSAEConfig(**common)),
        "sae_lens-6-jumprelu": JumpReLUSAE(JumpReLUSAEConfig(**common, **layer_norm)),
        "sae_lens-6-training": StandardTrainingSAE(
            StandardTrainingSAEConfig(l1_coefficient=3.5, lp_norm=0.5, l1_warm_up_steps=7, **common)),
    }.items():
        fill(sae)
        if hasattr(sae, "threshold"):
            sae.threshold.data = sae.threshold.data.abs()
        sae.save_model(name)
        loaded = SAE.load_from_disk(name) if "training" not in name else sae
        activations = loaded.encode(x)
        note(name, activations, loaded.decode(activations))
    training = BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(k=2.5, **common))
    fill(training)
    training.topk_threshold = torch.tensor(0.25, dtype=torch.float64)
    training.save_model("sae_lens-6-batchtopk")
    training.save_inference_model("finished")
    sae = SAE.load_from_disk("finished")
    activations = sae.encode(x)
    note("sae_lens-6-batchtopk", activations, sae.decode(activations))
    shutil.rmtree("finished")


# Peers ---------------------------------------------------------------------------------------------


def make_sparsify():
    for activation in ["topk", "groupmax"]:
        name = "sparsify-" + activation
        coder = SparseCoder(D_IN, SparseCoderConfig(
            activation=activation, num_latents=D_SAE, k=4, normalize_decoder=False))
        fill(coder)
        coder.save_to_disk(name)
        coder = SparseCoder.load_from_disk(name)
        encoded = coder.encode(x)
        note(name, encoded.top_acts, coder.decode(encoded.top_acts, encoded.top_indices))


def make_dictionaries():
    for name, sae, more in [
        ("AutoEncoder", dictionary.AutoEncoder(D_IN, D_SAE), {}),
        ("AutoEncoderNew", dictionary.AutoEncoderNew(D_IN, D_SAE), {}),
        ("GatedAutoEncoder", dictionary.GatedAutoEncoder(D_IN, D_SAE), {}),
        ("AutoEncoderTopK", AutoEncoderTopK(D_IN, D_SAE, 3), {"k": 3}),
        ("BatchTopKSAE", BatchTopKSAE(D_IN, D_SAE, 3), {"k": 3}),
        ("MatryoshkaBatchTopKSAE", MatryoshkaBatchTopKSAE(D_IN, D_SAE, 3, [4, 12]), {"k": 3, "group_sizes": [4, 12]}),
        ("JumpReluAutoEncoder", dictionary.JumpReluAutoEncoder(D_IN, D_SAE), {}),
    ]:
        folder = "dictionary-" + name
        os.makedirs(folder)
        if name == "AutoEncoder":
            # As dictionary_learning makes it: the encoder's weight lies by columns.
            sae.bias.data = draw(D_IN, scale=0.2)
            sae.encoder.weight.data.mul_(4)
        else:
            fill(sae)
        if hasattr(sae, "threshold"):
            sae.threshold.data = torch.full_like(sae.threshold.data, 0.3) if sae.threshold.dim() == 0 else (
                sae.threshold.data.abs())
        torch.save(sae.state_dict(), folder + "/ae.pt")
        with open(folder + "/config.json", "w") as file:
            json.dump({"trainer": dict(
                dict_class=name, activation_dim=D_IN, dict_size=D_SAE, layer=0, lm_name="none", **more),
                "buffer": {"ctx_len": 128}}, file)
        activations = sae.encode(x)
        note(folder, activations, sae.decode(activations))


def make_gemma_scope():
    arrays = {key: value.numpy() for key, value in weights(threshold=draw(D_SAE, scale=0.3).abs()).items()}
    for name in ["gemma-scope", "gemma-scope-columns"]:
        os.makedirs(name)
        if name == "gemma-scope-columns":
            arrays["W_enc"] = numpy.asfortranarray(arrays["W_enc"])
        numpy.savez(name + "/params.npz", **arrays)
        t = {key: torch.tensor(value) for key, value in arrays.items()}
        pre = x @ t["W_enc"] + t["b_enc"]
        activations = torch.relu(pre) * (pre > t["threshold"])
        note(name, activations, activations @ t["W_dec"] + t["b_dec"])


# What must be refused --------------------------------------------------------------------------------


class Command:
    def __reduce__(self):
        return os.system, ("true",)


def pickled(name, content):
    """An archive as torch.save writes one, around any pickle."""
    with zipfile.ZipFile(f"refused/{name}.pt", "w") as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/byteorder", "little")


def make_refused():
    os.makedirs("refused")
    pickled("command", pickle.dumps({"W_enc": Command()}, protocol=2))
    pickled("object", pickle.dumps({"W_enc": pickle.PickleBuffer}, protocol=2))
    pickled("instruction", b"\x80\x02}q\x00X\x01\x00\x00\x00aI1\ns.")
    pickled("number", pickle.dumps({"k": 3}, protocol=2))
    pickled("cut", pickle.dumps({"k": "x" * 9}, protocol=2)[:-8])
    torch.save({"a": draw(4)}, "refused/legacy.pt", _use_new_zipfile_serialization=False)
    torch.save({"a": draw(8)[::2]}, "refused/gaps.pt")
    numpy.savez_compressed("refused/compressed.npz", a=numpy.zeros(4, numpy.float32))
    numpy.savez("refused/objects.npz", a=numpy.array([None]))
    numpy.savez("refused/big-endian.npz", a=numpy.zeros(4, ">f4"))
    numpy.savez("refused/whole.npz", a=numpy.zeros(4, numpy.float32))
    whole = open("refused/whole.npz", "rb").read()
    os.remove("refused/whole.npz")
    open("refused/cut.npz", "wb").write(whole[:-1])
    open("refused/short.npz", "wb").write(whole.replace(b"(4,)", b"(5,)"))


for entry in os.listdir("."):
    if os.path.isdir(entry):
        shutil.rmtree(entry)
torch.manual_seed(0)
x = draw(ROWS, D_IN, scale=1.5)
goldens["x"] = x
with torch.no_grad():
    make_old()
    make_new()
    make_sparsify()
    make_dictionaries()
    make_gemma_scope()
make_refused()
save_file(goldens, "goldens.safetensors")
