"""Makes files of torch.save: of tensors of every type and layout, of tiny models, and files that must be refused.

Versions: Python 3.11, torch 2.15.0, transformers 5.24, transformer-lens 3.9, safetensors 0.8.
Run:      HF_HUB_OFFLINE=1 python make.py        (in this folder; half a minute)

tensors.bin and tensors-stream.bin hold the same tensors in the form since torch 1.6 and in the one before it;
tensors.safetensors what torch.load reads from them. views.bin is of the older form, with views of a storage as
torch 0.3 and older wrote them, and texts and dictionaries as Python 2 did; torch.load reads it too (checked here).

models/NAME is a model (config.json in the spelling of transformers 4, weights as a pickle) with golden.safetensors:
`tokens` [2, 8] and the logits `[16, vocabulary]` that transformers or TransformerLens computes. gpt2 has no prefix
and no lm_head, as the Hub's; gpt-neo the buffers, the tied lm_head and the keys of roneneldan/TinyStories-1Layer-21M;
pythia is sharded, in half precision, with buffers; opt is of the older form; llama has transposed weights; toy is
TransformerLens's own. refused/ holds files of which each has one thing wrong.
"""

import io
import json
import os
import pickle
import shutil
import struct
import tarfile
import zipfile
from collections import OrderedDict

os.environ["HF_HUB_OFFLINE"] = "1"

import torch  # noqa: E402
import transformers  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from transformer_lens import HookedTransformer, HookedTransformerConfig  # noqa: E402

VOCABULARY, WIDTH, CONTEXT = 17, 8, 8
OLD = {"_use_new_zipfile_serialization": False}


# Tensors -------------------------------------------------------------------------------------------


def tensors():
    shared = torch.arange(24, dtype=torch.float32)
    made = {
        kind: torch.tensor([[1, -2, 3], [4, 5, -6]]).to(getattr(torch, kind))
        for kind in ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8"]
    }
    made.update(
        uint8=torch.tensor([0, 127, 255], dtype=torch.uint8), bool=torch.tensor([True, False, True]),
        scalar=torch.tensor(2.5), empty=torch.zeros(0, 3), parameter=torch.nn.Parameter(torch.randn(2, 2)),
        whole=shared, part=shared[5:11].view(2, 3), columns=shared.view(4, 6).t(), steps=shared[1::3],
        block=shared.view(4, 6)[1:3, 2:5], turned=shared.view(2, 3, 4).permute(2, 0, 1),
        half=torch.arange(6.0).half().view(2, 3).t())
    return made


class Storage:
    def __init__(self, *identifier):
        self.identifier = identifier


class Pickler(pickle._Pickler):
    """Writes texts as Python 2 did, and storages as persistent identifiers."""

    dispatch = dict(pickle._Pickler.dispatch)

    def persistent_id(self, value):
        return value.identifier if isinstance(value, Storage) else None

    def save_str(self, text):
        self.write(b"U" + bytes([len(text)]) + text.encode())
        self.memoize(text)

    dispatch[str] = save_str


class Rebuilt:
    def __init__(self, maker, *arguments):
        self.maker, self.arguments = maker, arguments

    def __reduce__(self):
        return self.maker, self.arguments


def dumped(value):
    target = io.BytesIO()
    Pickler(target, 2).dump(value)
    return target.getvalue()


def stream(value, keys, storages):
    """A file of the older form."""
    machine = dict(protocol_version=1001, little_endian=True, type_sizes=dict(short=2, int=4, long=4))
    head = [pickle.dumps(0x1950A86A20F9469CFC6C, 2), pickle.dumps(1001, 2), dumped(machine)]
    parts = [struct.pack("<q", len(s)) + struct.pack(f"<{len(s)}f", *s) for s in storages]
    return b"".join(head + [dumped(value), dumped(keys)] + parts)


def tensor(storage, offset, shape, strides):
    return Rebuilt(torch._utils._rebuild_tensor_v2, storage, offset, shape, strides, False, OrderedDict())


def make_views():
    def view(first, count):
        return Storage("storage", torch.FloatStorage, "7", "cpu", 6, (f"7-{first}", first, count))

    pairs = [["a", tensor(view(1, 4), 1, (3,), (1,))], ["b", tensor(view(0, 6), 0, (2, 3), (3, 1))]]
    content = stream(Rebuilt(OrderedDict, pairs), ["7"], [[10, 11, 12, 13, 14, 15]])
    open("views.bin", "wb").write(content)
    read = torch.load("views.bin", weights_only=False)
    assert read["a"].tolist() == [12, 13, 14] and read["b"].tolist() == [[10, 11, 12], [13, 14, 15]]


# Models --------------------------------------------------------------------------------------------


def logits(model, tokens):
    with torch.no_grad():
        result = model(tokens)
    return (result if isinstance(result, torch.Tensor) else result.logits).reshape(-1, VOCABULARY)


def mask(kind):
    return torch.tril(torch.ones(CONTEXT, CONTEXT, dtype=kind)).view(1, 1, CONTEXT, CONTEXT)


def write(name, config, model, state, file="pytorch_model.bin", **options):
    folder = "models/" + name
    os.makedirs(folder)
    json.dump(config, open(folder + "/config.json", "w"), indent=2)
    tokens = torch.randint(0, VOCABULARY, (2, CONTEXT), generator=torch.Generator().manual_seed(3))
    save_file(
        {"tokens": tokens.to(torch.uint8), "logits": logits(model, tokens).float().contiguous()},
        folder + "/golden.safetensors")
    if file:
        torch.save(state, folder + "/" + file, **options)
    return folder


def built(config):
    torch.manual_seed(1)
    model = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.for_model(**config)).float().eval()
    for parameter in model.parameters():
        parameter.data = torch.randn_like(parameter) * 0.3
    model.tie_weights()
    return model, model.state_dict()


def make_models():
    common = dict(vocab_size=VOCABULARY, transformers_version="4.28.1", torch_dtype="float32")
    gpt2 = dict(common, model_type="gpt2", n_embd=WIDTH, n_head=2, n_layer=1, n_positions=CONTEXT, n_ctx=CONTEXT)
    model, state = built(gpt2)
    state = {k.removeprefix("transformer."): v for k, v in state.items() if k != "lm_head.weight"}
    write("gpt2", gpt2, model, state | {"h.0.attn.bias": mask(torch.float32)})

    neo = dict(
        common, model_type="gpt_neo", _name_or_path="x", activation_function="gelu_new",
        architectures=["GPTNeoForCausalLM"], attention_dropout=0, attention_layers=["global"],
        attention_types=[[["global"], 1]], bos_token_id=0, embed_dropout=0, eos_token_id=0,
        gradient_checkpointing=False, hidden_size=WIDTH, initializer_range=0.02, intermediate_size=None,
        layer_norm_epsilon=1e-05, max_position_embeddings=CONTEXT, num_heads=2, num_layers=1, resid_dropout=0,
        summary_type="cls_index", summary_use_proj=True, use_cache=True, window_size=4)
    model, state = built(neo)
    attention = "transformer.h.0.attn.attention."
    assert state["lm_head.weight"].data_ptr() == state["transformer.wte.weight"].data_ptr()
    state[attention + "bias"], state[attention + "masked_bias"] = mask(torch.bool), torch.tensor(-1e9)
    write("gpt-neo", neo, model, state)

    neox = dict(
        common, model_type="gpt_neox", hidden_size=WIDTH, intermediate_size=16, num_attention_heads=2,
        num_hidden_layers=2, max_position_embeddings=CONTEXT, rotary_pct=0.5, rotary_emb_base=10000,
        hidden_act="gelu", layer_norm_eps=1e-5, use_parallel_residual=True, tie_word_embeddings=False)
    model, state = built(neox)
    state = {k: v.half() for k, v in state.items()}
    model.load_state_dict({k: v.float() for k, v in state.items()})
    folder = write("pythia", neox, model, None, file=None)
    for layer in range(2):
        prefix = f"gpt_neox.layers.{layer}.attention."
        state[prefix + "bias"], state[prefix + "masked_bias"] = mask(torch.uint8), torch.tensor(-1e9).half()
        state[prefix + "rotary_emb.inv_freq"] = torch.ones(1)
    shards = [{}, {}]
    for number, (key, value) in enumerate(state.items()):
        shards[number * 2 // len(state)][key] = value
    places = {}
    for number, shard in enumerate(shards):
        file = f"pytorch_model-0000{number + 1}-of-00002.bin"
        torch.save(shard, folder + "/" + file)
        places.update({key: file for key in shard})
    index = {"metadata": {"total_size": sum(v.nbytes for v in state.values())}, "weight_map": places}
    json.dump(index, open(folder + "/pytorch_model.bin.index.json", "w"))

    opt = dict(
        common, model_type="opt", hidden_size=WIDTH, word_embed_proj_dim=WIDTH, ffn_dim=16, num_attention_heads=2,
        num_hidden_layers=1, max_position_embeddings=CONTEXT, do_layer_norm_before=True, activation_function="relu",
        pad_token_id=1, bos_token_id=2, eos_token_id=2)
    model, state = built(opt)
    write("opt", opt, model, {k.removeprefix("model."): v for k, v in state.items()}, **OLD)

    llama = dict(
        common, model_type="llama", hidden_size=WIDTH, intermediate_size=12, num_attention_heads=2,
        num_key_value_heads=1, num_hidden_layers=1, max_position_embeddings=CONTEXT, rms_norm_eps=1e-5,
        hidden_act="silu", tie_word_embeddings=False, rope_theta=10000.0)
    model, state = built(llama)
    state = {k: v.t().contiguous().t() if v.dim() == 2 else v for k, v in state.items()}
    write("llama", llama, model, state | {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(2)})

    toy = dict(
        d_model=WIDTH, n_layers=1, d_mlp=16, d_head=4, n_heads=2, n_ctx=CONTEXT, d_vocab=VOCABULARY, act_fn="gelu",
        attn_only=False, normalization="LN")
    torch.manual_seed(2)
    settings = {k: v for k, v in toy.items() if k != "normalization"}
    model = HookedTransformer(HookedTransformerConfig(normalization_type="LN", device="cpu", **settings))
    for parameter in model.parameters():
        parameter.data = torch.randn_like(parameter) * 0.3
    write("toy", toy, model, model.state_dict(), "model_final.pth")


# What must be refused ------------------------------------------------------------------------------


class Command:
    def __reduce__(self):
        return os.system, ("true",)


class Half(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / 2


def saved(value, **options):
    target = io.BytesIO()
    torch.save(value, target, **options)
    return target.getvalue()


def changed(content, change, compression=zipfile.ZIP_STORED):
    """An archive with other entries."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w", compression) as archive:
        entries = {info.filename: source.read(info) for info in source.infolist()}
        for name, data in change(entries).items():
            archive.writestr(name, data)
    return target.getvalue()


def make_refused():
    os.makedirs("refused")
    plain = saved({"a": torch.arange(4.0)})
    storage = Storage("storage", torch.FloatStorage, "0", "cpu", 4, None)
    old = stream({"a": tensor(storage, 0, (4,), (1,))}, ["0"], [range(4)])
    files = {
        "command": saved({"a": Command()}), "module": saved(torch.nn.Linear(1, 1)),
        "nested": saved({"state_dict": {"a": torch.zeros(1)}}), "step": saved({"a": torch.zeros(1), "step": 3}),
        "list": saved([torch.zeros(1)]), "array": saved({"a": torch.zeros(1).numpy()}),
        "sparse": saved({"a": torch.eye(2).to_sparse()}),
        "float8": saved({"a": torch.zeros(2).to(torch.float8_e4m3fn)}),
        "repeated": saved({"a": torch.zeros(1).expand(4)}),
        "unsigned": saved({"a": torch.zeros(2, dtype=torch.uint16)}),
        "compressed": changed(plain, lambda e: e, zipfile.ZIP_DEFLATED),
        "big-endian": changed(plain, lambda e: {k: b"big" if "byteorder" in k else v for k, v in e.items()}),
        "missing": changed(plain, lambda e: {k: v for k, v in e.items() if not k.endswith("data/0")}),
        "short": changed(plain, lambda e: {k: v[:12] if k.endswith("data/0") else v for k, v in e.items()}),
        "two-pickles": changed(plain, lambda e: e | {"b/data.pkl": b""}),
        "cut": plain[:-30], "stream-cut": old[:-1], "stream-command": saved({"a": Command()}, **OLD),
        "stream-pickle": old[:150], "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        "text": b"<html></html>", "nothing": b"",
    }
    target = io.BytesIO()
    torch.jit.save(torch.jit.script(Half()), target)
    files["program"] = target.getvalue()
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("sys_info"))
    files["tar"] = target.getvalue()[:1024]
    for name, content in files.items():
        open(f"refused/{name}.bin", "wb").write(content)


for entry in os.listdir("."):
    if os.path.isdir(entry):
        shutil.rmtree(entry)
torch.manual_seed(0)
made = tensors()
torch.save(made, "tensors.bin")
torch.save(made, "tensors-stream.bin", **OLD)
save_file({k: v.detach().clone().contiguous() for k, v in torch.load("tensors.bin").items()}, "tensors.safetensors")
make_views()
make_models()
make_refused()
