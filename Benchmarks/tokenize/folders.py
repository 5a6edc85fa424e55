"""Compares folders as tokenizers are published with AutoTokenizer of transformers 5.24, by compare.py.

    python folders.py [--only WORD] BINARY TOKENIZERS WORK [TEXT.jsonl ...]

TOKENIZERS holds gpt2, mistral_v1, qwen2, pythia_20B, bert_uncased and t5_small; WORK is made and keeps
the folders: each tokenizer with the files of several kinds beside it, SentencePiece models trained on the
texts given, every tokenizer class that AutoTokenizer knows on the tokenizer.json of its kind of model, the
older files of the classes that read them, and a tiktoken file that says what qwen2's tokenizer.json says.
Prints a line for each folder: the number of texts whose ids differ, or the words with which the program
refuses it, or that AutoTokenizer does not open it. Exit code 1 where ids differ. Needs sentencepiece; the
folders of tiktoken are left out where that is not installed (pip install --target=DIR tiktoken).
"""

import base64
import json
import pathlib
import shutil
import sys

import compare
import sentencepiece
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

arguments = sys.argv[1:]
only = arguments[1] if arguments[0] == "--only" else ""
binary, tokenizers, work, *texts = arguments[2:] if only else arguments
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


def sentences(count):
    lines = [line for file in texts for row in open(file, encoding="utf-8") for line in json.loads(row)["text"].split("\n")]
    return [line for line in lines[:count] if line.strip()]


def train(name, **options):
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences(20000)), model_prefix=str(work / name), minloglevel=2,
        num_threads=2, max_sentence_length=20000, hard_vocab_limit=False, **options)
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
]


def pair(name, cls, **config):
    return make(name, "gpt2", ["vocab.json", "merges.txt"], tokenizer_config={"tokenizer_class": cls, **config})


def words(name, cls, **config):
    """BERT's words in a vocab.txt."""
    folder = make(name, tokenizer_config={"tokenizer_class": cls, **config})
    vocab = json.loads((tokenizers / "bert_uncased/tokenizer.json").read_text())["model"]["vocab"]
    (folder / "vocab.txt").write_text("".join(word + "\n" for word in sorted(vocab, key=vocab.get)))
    return folder


def spelled_words(name):
    """OpenAI's first GPT: BPE over the characters of words."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(sentences(8000), trainers.BpeTrainer(vocab_size=4000, special_tokens=["<unk>"], end_of_word_suffix="</w>", show_progress=False))
    model = json.loads(tokenizer.to_str())["model"]
    folder = make(name, tokenizer_config={"tokenizer_class": "OpenAIGPTTokenizer"}, vocab=model["vocab"])
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join((m if isinstance(m, str) else " ".join(m)) + "\n" for m in model["merges"]))
    return folder


def class_folders():
    """Every class that AutoTokenizer knows, on each tokenizer.json with its type of model."""
    from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES, tokenizer_class_from_name

    kinds = {"BPE": ["gpt2", "mistral_v1"], "Unigram": ["t5_small"], "WordPiece": ["bert_uncased"]}
    names = {name for name in TOKENIZER_MAPPING_NAMES.values() if name}
    for name in sorted(names | {"BloomTokenizerFast", "CodeGenTokenizer", "DistilBertTokenizer", "Phi3Tokenizer", "PreTrainedTokenizer", "PreTrainedTokenizerFast"}):
        model = getattr(tokenizer_class_from_name(name), "model", None)
        for origin in kinds.get(getattr(model, "__name__", ""), ["gpt2", "t5_small", "bert_uncased"]):
            yield make(f"class-{name}-{origin}", origin, one, tokenizer_config={"tokenizer_class": name})


plain = train("plain", model_type="unigram", vocab_size=6000)
marked = train("marked", model_type="unigram", vocab_size=6000, control_symbols=["<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"], user_defined_symbols=[".", "("])
bracketed = train("bracketed", model_type="unigram", vocab_size=6000, pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]",
                  eos_piece="[SEP]", unk_piece="[UNK]")
short = train("short", model_type="bpe", vocab_size=4000, bos_id=-1, unk_id=0, eos_id=1)
for file, cls in [("spiece.model", "AlbertTokenizer"), ("sentencepiece.bpe.model", "BarthezTokenizer"), ("spiece.model", "BigBirdTokenizer"),
                  ("sentencepiece.bpe.model", "CamembertTokenizer"), ("spm.model", "DebertaV2Tokenizer"), ("spiece.model", "XLNetTokenizer"),
                  ("spiece.model", "ReformerTokenizer"), ("sentencepiece.bpe.model", "XLMRobertaTokenizer"), ("tokenizer.model", "LlamaTokenizer"),
                  ("tokenizer.model", "GemmaTokenizer"), ("spiece.model", "T5Tokenizer"), ("spiece.model", "PegasusTokenizer"), ("spiece.model", "GPTSw3Tokenizer")]:
    folders += [with_model(f"model-{cls}-{model.stem}", model, file, tokenizer_class=cls) for model in (plain, marked, bracketed, short)]
folders += [
    with_model("model-deberta-options", bracketed, "spm.model", tokenizer_class="DebertaV2Tokenizer", do_lower_case=True, split_by_punct=True),
    with_model("model-xlnet-options", marked, "spiece.model", tokenizer_class="XLNetTokenizer", do_lower_case=True, additional_special_tokens=["<eop>", "<x>"]),
    with_model("model-camembert-options", plain, "sentencepiece.bpe.model", tokenizer_class="CamembertTokenizer", add_prefix_space=False),
]
pairs = ["Deberta", "Blenderbot", "GPT2", "Roberta", "Bart", "Qwen2", "GPTNeoX", "Cohere", "CLIP", "CodeGen", "Whisper", "Qwen3_5", "Llama", "Gemma"]
folders += [pair(f"pair-{stem}", f"{stem}Tokenizer") for stem in pairs]
folders += [pair("pair-Deberta-options", "DebertaTokenizer", add_prefix_space=True), pair("pair-Blenderbot-options", "BlenderbotTokenizer", add_prefix_space=False)]
folders.append(spelled_words("pair-OpenAIGPT"))
for stem in ("Bert", "ConvBert", "DistilBert", "MPNet", "Splinter", "Electra", "DPRQuestionEncoder"):
    folders += [words(f"words-{stem}", f"{stem}Tokenizer"), words(f"words-{stem}-cased", f"{stem}Tokenizer", do_lower_case=False, strip_accents=True)]
    folders.append(make(f"file-{stem}-cased", "bert_uncased", one, tokenizer_config={"tokenizer_class": f"{stem}Tokenizer", "do_lower_case": False}))
folders.append(words("words-Funnel", "FunnelTokenizer", unk_token="[UNK]", clean_text=False))
folders += class_folders()
try:
    import tiktoken  # noqa: F401
except ImportError:
    print("the folders of tiktoken's ranks are left out: there is no tiktoken")
else:
    folders += [
        with_model("tiktoken", ranks(work / "qwen.ranks")),
        with_model("tiktoken-tokens", work / "qwen.ranks", tokenizer_class="PreTrainedTokenizerFast", bos_token="<|begin_of_text|>", add_bos_token=True,
                   added_tokens_decoder={"151643": {"content": "<|begin_of_text|>", "special": True}, "151650": {"content": "<|eot_id|>", "special": True}}),
        with_model("tiktoken-named", work / "qwen.ranks", "tiktoken.model", extra_special_tokens=["<|begin_of_text|>", "<|eot_id|>"]),
    ]


def result(folder):
    """What becomes of a folder, in a word."""
    try:
        peer = compare.AutoPeer(folder)
        peer.ids("a b")
        peer.added()
    except BaseException as error:  # noqa: BLE001
        print(f"{folder.name}: AutoTokenizer does not open it ({type(error).__name__})", flush=True)
        return "not opened by AutoTokenizer"
    try:
        return "different" if compare.compared(peer, binary, folder, texts) else "equal"
    except compare.Refused as refusal:
        print(f"{peer.name}: {str(refusal).splitlines()[0].replace(str(folder) + '/', '')}", flush=True)
        return "refused"
    except BaseException as error:  # noqa: BLE001
        print(f"{peer.name}: AutoTokenizer stops at one of the texts ({type(error).__name__})", flush=True)
        return "not encoded by AutoTokenizer"


results = [result(folder) for folder in folders if only in folder.name]
others = {kind: results.count(kind) for kind in sorted(set(results)) if kind != "different"}
print(f"{len(results)} folders, {results.count('different')} different; " + ", ".join(f"{count} {kind}" for kind, count in others.items()))
sys.exit("different" in results)
