"""Compares folders as tokenizers are published with AutoTokenizer of transformers 5.24, by compare.py.

    python folders.py BINARY TOKENIZERS WORK [TEXT.jsonl ...]

TOKENIZERS holds gpt2, mistral_v1, qwen2, pythia_20B, bert_uncased and t5_small; WORK is made and keeps
the folders: each tokenizer with the files of several kinds beside it, SentencePiece models trained on the
texts given, and a tiktoken file that says what qwen2's tokenizer.json says. Needs sentencepiece and tiktoken.
"""

import base64
import json
import pathlib
import shutil
import subprocess
import sys

import sentencepiece

binary, tokenizers, work, *texts = sys.argv[1:]
tokenizers, work = pathlib.Path(tokenizers), pathlib.Path(work)
END = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
CHAT = {"50257": {"content": "<|im_start|>", "special": True}, "50258": {"content": "<|im_end|>", "special": True, "lstrip": True}}


def make(name, origin=None, files=(), **written):
    """A folder with files of a published one and files of its own."""
    folder = work / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in files:
        shutil.copy(tokenizers / origin / file, folder / file)
    for file, value in written.items():
        (folder / f"{file}.json").write_text(json.dumps(value))
    return folder


def train(name, **options):
    sentences = [line for file in texts for row in open(file, encoding="utf-8") for line in json.loads(row)["text"].split("\n")]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(s for s in sentences[:20000] if s.strip()), model_prefix=str(work / name), minloglevel=2,
        num_threads=2, max_sentence_length=20000, **options)
    return work / f"{name}.model"


def with_model(name, model, file="tokenizer.model", **config):
    folder = make(name, **({"tokenizer_config": config} if config else {}))
    shutil.copy(model, folder / file)
    return folder


def ranks(path):
    """qwen2's vocabulary as a tiktoken file."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    back = {character: byte for byte, character in bytes_to_unicode().items()}
    vocab = json.loads((tokenizers / "qwen2/tokenizer.json").read_text())["model"]["vocab"]
    path.write_text("".join(
        base64.b64encode(bytes(back[c] for c in token)).decode() + f" {rank}\n" for token, rank in sorted(vocab.items(), key=lambda item: item[1])))
    return path


work.mkdir(parents=True, exist_ok=True)
one = ["tokenizer.json"]
folders = [make(f"{name}-alone", name, one) for name in ("gpt2", "mistral_v1", "qwen2", "pythia_20B", "bert_uncased", "t5_small")]
folders += [make(f"{name}-beside", name, [*one, "tokenizer_config.json"]) for name in ("gpt2", "mistral_v1", "qwen2", "bert_uncased")]
folders += [
    make("gpt2-decoder", "gpt2", one, tokenizer_config={"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": True, "added_tokens_decoder": CHAT, **END}),
    make("gpt2-added", "gpt2", one, added_tokens={"<|im_end|>": 50258, "<|im_start|>": 50257}, special_tokens_map={"additional_special_tokens": ["<|im_start|>"]}),
    make("gpt2-pair", "gpt2", ["vocab.json", "merges.txt"], tokenizer_config={"tokenizer_class": "GPT2Tokenizer", "add_bos_token": True, **END}),
    make("gpt2-codegen", "gpt2", ["vocab.json", "merges.txt"], tokenizer_config={"tokenizer_class": "CodeGenTokenizer", "add_prefix_space": True}),
    make("pythia-model", "pythia_20B", one, config={"model_type": "gpt_neox"}),
    make("mistral-old", "mistral_v1", one, tokenizer_config={"tokenizer_class": "LlamaTokenizer", "legacy": True, "add_eos_token": True}),
    make("qwen2-llama", "qwen2", one, tokenizer_config={"tokenizer_class": "LlamaTokenizerFast"}, config={"model_type": "qwen2"}),
    make("t5-class", "t5_small", one, tokenizer_config={"tokenizer_class": "T5TokenizerFast"}),
    make("bert-cased", "bert_uncased", one, tokenizer_config={"tokenizer_class": "BertTokenizer", "do_lower_case": False}),
]
bpe = train("bpe", model_type="bpe", vocab_size=6000, byte_fallback=True, split_digits=True, normalization_rule_name="identity",
            remove_extra_whitespaces=False, allow_whitespace_only_pieces=True)
gemma = train("gemma", model_type="bpe", vocab_size=5000, byte_fallback=True, pad_id=0, eos_id=1, bos_id=2, unk_id=3, add_dummy_prefix=False,
              remove_extra_whitespaces=False, normalization_rule_name="identity", user_defined_symbols=["\n\n", "▁▁", "<start_of_turn>"])
unigram = train("unigram", model_type="unigram", vocab_size=6000, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
folders += [
    with_model("model-llama", bpe, tokenizer_class="LlamaTokenizer", add_bos_token=True),
    with_model("model-llama-old", bpe, tokenizer_class="LlamaTokenizer", legacy=True),
    with_model("model-backend", bpe),
    with_model("model-gemma", gemma, tokenizer_class="GemmaTokenizer", add_bos_token=True),
    with_model("model-gemma-backend", gemma),
    with_model("model-t5", unigram, "spiece.model", tokenizer_class="T5Tokenizer"),
    with_model("model-xlmr", unigram, "sentencepiece.bpe.model", tokenizer_class="XLMRobertaTokenizer"),
    with_model("model-unigram", unigram),
    with_model("tiktoken", ranks(work / "qwen.ranks")),
    with_model("tiktoken-tokens", work / "qwen.ranks", tokenizer_class="PreTrainedTokenizerFast", bos_token="<|begin_of_text|>", add_bos_token=True,
               added_tokens_decoder={"151643": {"content": "<|begin_of_text|>", "special": True}, "151650": {"content": "<|eot_id|>", "special": True}}),
]
compare = pathlib.Path(__file__).parent / "compare.py"
codes = [subprocess.run([sys.executable, str(compare), "--auto", binary, str(folder), *texts], check=False).returncode for folder in folders]
print(f"{len(codes)} folders, {sum(code != 0 for code in codes)} different")
sys.exit(any(codes))
