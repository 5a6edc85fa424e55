"""Writes folders as tokenizers are published, and what AutoTokenizer makes of hard strings with them.

Made with transformers 5.24, tokenizers 0.23, sentencepiece 0.2 and tiktoken:  python make_published.py

published/cases.json      for each folder the files in it: a copy of a file beside, JSON, or text
published/encodings.json  the texts once, then for each folder ids, ids of roles and number of tokens
published/decimals.json   decimals, and the bits of the scores that tokenizers reads
published/*.model …       vocabularies in the older forms, trained here on made-up sentences
"""

import base64
import io
import json
import os
import pathlib
import random
import shutil
import struct
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
import sentencepiece  # noqa: E402
import transformers  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from transformers.convert_slow_tokenizer import bytes_to_unicode  # noqa: E402

transformers.logging.set_verbosity_error()
here = pathlib.Path(__file__).resolve().parent
out = here / "published"
rng = random.Random(13)

WORDS = """river stone lantern garden winter teacher harbour window kitten mountain finds carries paints
    follows remembers isn't they'll we've I'd you're über naïve café Ελλάδα привет 2024 12,345.6
    #tag don't HTTPServer x86 Ünïcode straße the the the and of to a in""".split()
corpus = [" ".join(rng.choice(WORDS) for _ in range(rng.randrange(4, 20))) + rng.choice([".", "!", "?"]) for _ in range(500)]


def train(name, **options):
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus), model_writer=buffer, hard_vocab_limit=False, minloglevel=2,
        character_coverage=1.0, num_threads=1, **options)
    (out / f"{name}.model").write_bytes(buffer.getvalue())


def models():
    out.mkdir(exist_ok=True)
    rules = [("\ufb01", "fi"), ("A\u030a", "\u00c5"), ("\u00a0", " "), ("\u2460", "1"), ("\t", " ")]
    os.chdir(tempfile.mkdtemp())  # the model notes the path of the rules
    tsv = pathlib.Path("rules.tsv")
    tsv.write_text("".join(" ".join(f"{ord(c):X}" for c in a) + "\t" + " ".join(f"{ord(c):X}" for c in b) + "\n" for a, b in rules))
    plain = {"normalization_rule_name": "identity"}
    train("llama", model_type="bpe", vocab_size=420, byte_fallback=True, split_digits=True, allow_whitespace_only_pieces=True,
          remove_extra_whitespaces=False, **plain)
    train("gemma", model_type="bpe", vocab_size=430, byte_fallback=True, pad_id=0, eos_id=1, bos_id=2, unk_id=3, add_dummy_prefix=False,
          remove_extra_whitespaces=False, user_defined_symbols=["<mask>", "\n\n", "▁▁", "<start_of_turn>"], control_symbols=["<cls>"], **plain)
    train("generic", model_type="bpe", vocab_size=160, user_defined_symbols=["<sep>", "a.b*"], control_symbols=["<tool>"],
          normalization_rule_tsv=str(tsv))
    train("unigram", model_type="unigram", vocab_size=150, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, normalization_rule_tsv=str(tsv))
    train("bytes", model_type="unigram", vocab_size=400, byte_fallback=True, user_defined_symbols=["<x>"], **plain)
    train("word", model_type="word", vocab_size=60, **plain)


def ranks():
    """A tiktoken file: the tokens of the family llama3 without its special ones."""
    alphabet = bytes_to_unicode()
    back = {character: byte for byte, character in alphabet.items()}
    vocab = json.loads((here / "families/llama3.json").read_text())["model"]["vocab"]
    tokens = [t for t in sorted(vocab, key=vocab.get) if not t.startswith("<|")]
    tokens.sort(key=lambda t: len(t) > 1)
    lines = [base64.b64encode(bytes(back[c] for c in token)).decode() + f" {rank}" for rank, token in enumerate(tokens)]
    (out / "ranks.tiktoken").write_text("\n".join(lines) + "\n")


def vocabularies():
    for family in ("roberta", "qwen2", "clip", "phi"):
        model = json.loads((here / f"families/{family}.json").read_text())["model"]
        (out / f"{family}-vocab.json").write_text(json.dumps(model["vocab"], ensure_ascii=False, separators=(",", ":")) + "\n")
        merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
        (out / f"{family}-merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    words = json.loads((here / "families/bert.json").read_text())["model"]["vocab"]
    (out / "vocab.txt").write_text("".join(word + "\n" for word in sorted(words, key=words.get)))


def decimals():
    """Decimals of many shapes and the scores that a Unigram model has when its file spells them so."""
    texts = ["0", "-0.0", "1", "-3", "1e5", "-2.5E-3", "1e-320", "1.7976931348623157e308", "123456789012345678901234567890",
             "0.000000000000000000000000000000123456789", "-12345678901234567890.12345", "18446744073709551615", "18446744073709551616.5",
             "1844674407370955161.5e1", "-9.870149612426758", "-2.0126481056213379"]
    for _ in range(384):
        digits = "".join(rng.choice("0123456789") for _ in range(rng.randint(1, 22)))
        whole = rng.choice(["0", "1", "7", "13", "204", str(rng.getrandbits(rng.randint(1, 70)))])
        power = rng.choice(["", "", "", f"e{rng.randint(-330, 250)}", f"E+{rng.randint(0, 9)}"])
        texts.append(rng.choice(["-", "-", ""]) + whole + "." + digits + power)
    rows = ",".join(f'["t{index}",{text}]' for index, text in enumerate(texts))
    tokenizer = Tokenizer.from_str('{"model":{"type":"Unigram","unk_id":0,"vocab":[' + rows + "]}}")
    scores = [score for _, score in json.loads(tokenizer.to_str())["model"]["vocab"]]
    pairs = [f"{json.dumps(text)}:{struct.unpack('>q', struct.pack('>d', score))[0]}" for text, score in zip(texts, scores)]
    (out / "decimals.json").write_text("{\n" + ",\n".join(pairs) + "\n}\n")


def family(name, **config):
    files = {"tokenizer.json": {"copy": f"families/{name}.json"}}
    if config:
        files["tokenizer_config.json"] = {"json": config}
    return files


def pair(name, **config):
    files = {"vocab.json": {"copy": f"published/{name}-vocab.json"}, "merges.txt": {"copy": f"published/{name}-merges.txt"}}
    if config:
        files["tokenizer_config.json"] = {"json": config}
    return files


def model(name, file="tokenizer.model", **config):
    files = {file: {"copy": f"published/{name}"}}
    if config:
        files["tokenizer_config.json"] = {"json": config}
    return files


def beside(files, **more):
    names = {"added": "added_tokens.json", "map": "special_tokens_map.json", "model": "config.json"}
    return files | {names[key]: {"json": value} for key, value in more.items()}


def token(content, **flags):
    return {"content": content, "lstrip": False, "rstrip": False, "single_word": False, "normalized": False, "special": True} | flags


END = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
LLAMA = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
ALBERT = {"bos_token": "<pad>", "eos_token": "</s>", "cls_token": "<pad>", "sep_token": "</s>"}
CHAT = ["<|im_start|>", "<|im_end|>"]
OPT = {"tokenizer_class": "GPT2Tokenizer", "add_bos_token": True, "bos_token": "</s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}

cases = {
    # tokenizer.json alone, and with a class.
    "bare": family("phi"),
    "bare beside a model": beside(family("phi"), model={"model_type": "gpt_neox"}),
    "gpt2": family("phi", tokenizer_class="GPT2Tokenizer", **END),
    "gpt2 with a space": family("phi", tokenizer_class="GPT2TokenizerFast", add_prefix_space=True, **END),
    "gpt2 drops a normalizer": family("qwen2", tokenizer_class="GPT2Tokenizer", **END),
    "gpt2 without its token": family("roberta", tokenizer_class="GPT2Tokenizer"),
    "gpt2 of a model": beside(family("phi"), model={"model_type": "gpt2"}),
    "codegen": family("phi", tokenizer_class="CodeGenTokenizer", **END),
    "phi": family("phi", tokenizer_class="CodeGenTokenizer", add_prefix_space=False, added_tokens_decoder={
        "50256": token("<|endoftext|>"), "50257": token("  ", normalized=True, special=False), "50258": token("   ", normalized=True, special=False)}, **END),
    "neox": family("phi", tokenizer_class="GPTNeoXTokenizer", **END),
    "neox asks for a start": family("phi", tokenizer_class="GPTNeoXTokenizerFast", add_bos_token=True, **END),
    "qwen2": family("qwen2", tokenizer_class="Qwen2Tokenizer", bos_token=None, eos_token="<|im_end|>", pad_token="<|endoftext|>"),
    "qwen2 takes another pattern": family("llama3", tokenizer_class="Qwen2Tokenizer"),
    "qwen2 by its model": beside(family("llama3", tokenizer_class="LlamaTokenizerFast"), model={"model_type": "qwen2"}),
    "qwen3.5": family("qwen2", tokenizer_class="Qwen3_5Tokenizer"),
    "cohere": family("starcoder", tokenizer_class="CohereTokenizerFast"),
    "roberta": family("roberta", tokenizer_class="RobertaTokenizer"),
    "bart": family("roberta", tokenizer_class="BartTokenizer", add_prefix_space=True),
    "clip": family("clip", tokenizer_class="CLIPTokenizer"),
    "bert keeps no case": family("bert", tokenizer_class="BertTokenizer"),
    "bert keeps case": family("bert", tokenizer_class="BertTokenizerFast", do_lower_case=False, tokenize_chinese_chars=False),
    "t5": family("t5", tokenizer_class="T5Tokenizer"),
    "t5 with one sentinel": family("t5", tokenizer_class="T5TokenizerFast", extra_ids=1),
    "t5 of a model": beside(family("t5"), model={"model_type": "t5"}),
    "albert": family("albert", tokenizer_class="AlbertTokenizer", do_lower_case=False, **ALBERT),
    "xlm-roberta": family("albert", tokenizer_class="XLMRobertaTokenizer"),
    "deberta": family("roberta", tokenizer_class="DebertaTokenizer"),
    "blenderbot": family("roberta", tokenizer_class="BlenderbotTokenizer"),
    "openai-gpt": family("clip", tokenizer_class="OpenAIGPTTokenizer", unk_token="<|endoftext|>"),
    "reformer": family("llama2", tokenizer_class="ReformerTokenizerFast"),
    "convbert keeps its file": family("bert", tokenizer_class="ConvBertTokenizer", do_lower_case=False),
    "dpr": family("bert", tokenizer_class="DPRQuestionEncoderTokenizer"),
    "mpnet": family("bert", tokenizer_class="MPNetTokenizerFast"),
    "funnel": family("bert", tokenizer_class="FunnelTokenizer", unk_token="[UNK]", clean_text=False),
    "splinter": family("bert", tokenizer_class="SplinterTokenizer", do_lower_case=False),
    "xglm": family("t5", tokenizer_class="XGLMTokenizer", additional_special_tokens=["<madeupword3>"]),
    "camembert": family("albert", tokenizer_class="CamembertTokenizer"),
    "barthez": family("t5", tokenizer_class="BarthezTokenizer", add_prefix_space=False),
    "big_bird": family("t5", tokenizer_class="BigBirdTokenizer"),
    "big_bird of a model": beside(family("t5"), model={"model_type": "big_bird"}),
    "deberta-v2": family("t5", tokenizer_class="DebertaV2Tokenizer", do_lower_case=True, split_by_punct=True, add_prefix_space=False),
    "xlnet": family("albert", tokenizer_class="XLNetTokenizer", do_lower_case=True, unk_id=1),
    "llama": family("llama2", tokenizer_class="LlamaTokenizer", **LLAMA),
    "llama of old": family("llama2", tokenizer_class="LlamaTokenizerFast", legacy=True, **LLAMA),
    "llama without a space": family("llama2", tokenizer_class="LlamaTokenizer", add_prefix_space=False, **LLAMA),
    "llama asks for an end": family("llama2", tokenizer_class="LlamaTokenizer", add_bos_token=False, add_eos_token=True, **LLAMA),
    "llama over bytes": family("llama3", tokenizer_class="LlamaTokenizer", bos_token="<|begin_of_text|>"),
    "llama as mistral": beside(family("mistral", tokenizer_class="LlamaTokenizer", **LLAMA), model={"model_type": "mistral"}),
    "code llama": family("llama2", tokenizer_class="CodeLlamaTokenizer", **LLAMA),
    "gemma": family("gemma", tokenizer_class="GemmaTokenizer", bos_token="<s>", eos_token="</s>", pad_token="<unk>", mask_token="<unk>"),
    "bloom": family("bloom", tokenizer_class="BloomTokenizerFast", add_prefix_space=True, **END),
    "falcon": family("falcon", tokenizer_class="PreTrainedTokenizerFast", **END),
    "deepseek": family("deepseek", tokenizer_class="LlamaTokenizerFast", add_bos_token=True, **END),
    "unheard of": family("falcon", tokenizer_class="NoSuchTokenizer", add_prefix_space=True, eos_token="<|endoftext|>"),
    "no class": family("falcon", eos_token="<|endoftext|>"),
    # Tokens that stand beside tokenizer.json.
    "decoder": family("phi", tokenizer_class="GPT2Tokenizer", added_tokens_decoder={
        "0": {"content": "<|endoftext|>", "special": True}, "420": {"content": CHAT[0], "special": True}, "421": {"content": CHAT[1], "special": True}}, **END),
    "decoder with gaps": family("phi", tokenizer_class="PreTrainedTokenizerFast", added_tokens_decoder={
        "9000": token(CHAT[0]), "900": token(CHAT[1]), "7": token("stone", special=False)}, **END),
    "decoder contradicts": family("roberta", tokenizer_class="PreTrainedTokenizerFast", added_tokens_decoder={
        "4": token("<mask>", lstrip=False, rstrip=True), "0": token("<s>", special=False, normalized=True)}, mask_token="<mask>"),
    "flags": family("bert", tokenizer_class="PreTrainedTokenizerFast", added_tokens_decoder={
        "300": token("river", single_word=True, special=False), "301": token("STONE", normalized=True, special=False, lstrip=True),
        "302": token("xx", rstrip=True, lstrip=True), "303": token("ab", special=False, normalized=True)}),
    "added": beside(family("phi", tokenizer_class="GPT2Tokenizer", **END), added={CHAT[1]: 421, CHAT[0]: 420}),
    "added and special": beside(family("bert", tokenizer_class="PreTrainedTokenizerFast", additional_special_tokens=["HTTP"]), added={"HTTP": 300, "Server": 301}),
    "map": beside(family("phi"), map={"additional_special_tokens": CHAT, "bos_token": "<|endoftext|>"}),
    "map with objects": beside(family("phi", tokenizer_class="GPT2Tokenizer"), map={
        "bos_token": token("<s>", lstrip=True), "eos_token": {"content": "</s>", "lstrip": False, "rstrip": True, "normalized": True, "single_word": False}, "pad_token": "<|endoftext|>"}),
    "map unheard": beside(family("phi", added_tokens_decoder={}, **END), map={"additional_special_tokens": CHAT}),
    "extra": family("phi", extra_special_tokens=CHAT, image_token="<image>", video_token="<video>", **END),
    "extra as names": family("phi", extra_special_tokens={"audio_token": "<audio>"}, additional_special_tokens=CHAT),
    "typed": family("phi", bos_token={"__type": "AddedToken", "content": "<s>", "lstrip": True, "rstrip": False, "normalized": True, "single_word": False}),
    "typed and special": family("bert", tokenizer_class="PreTrainedTokenizerFast", cls_token={"__type": "AddedToken", "content": "ab"}, sep_token={"__type": "AddedToken", "content": "X", "normalized": True}),
    "noise": family("phi", model_max_length=1e30, chat_template="{{ messages }}", clean_up_tokenization_spaces=True, padding_side="left", unk_token=None, **{k: v for k, v in END.items() if k != "unk_token"}),
    # vocab.json with merges.txt, and vocab.txt.
    "opt": pair("roberta", **OPT),
    "opt of a model": beside(pair("roberta"), model={"model_type": "opt"}),
    "roberta pair": pair("roberta", tokenizer_class="RobertaTokenizer"),
    "qwen2 pair": beside(pair("qwen2", tokenizer_class="Qwen2Tokenizer"), added={"<|im_end|>": 421}),
    "clip pair": pair("clip", tokenizer_class="CLIPTokenizer"),
    "codegen pair": pair("phi", tokenizer_class="CodeGenTokenizer", add_bos_token=False, add_prefix_space=True),
    "neox pair": pair("phi", tokenizer_class="GPTNeoXTokenizer", add_bos_token=True, add_eos_token=True),
    "deberta pair": pair("roberta", tokenizer_class="DebertaTokenizer", mask_token="<mask>"),
    "blenderbot pair": pair("phi", tokenizer_class="BlenderbotTokenizer"),
    "openai-gpt pair": pair("clip", tokenizer_class="OpenAIGPTTokenizer", unk_token="<|endoftext|>"),
    "no merges": pair("phi", tokenizer_class="GPT2Tokenizer") | {"merges.txt": {"text": ""}},
    "bert words": {"vocab.txt": {"copy": "published/vocab.txt"}, "tokenizer_config.json": {"json": {"tokenizer_class": "BertTokenizer", "do_lower_case": False}}},
    "dpr words": {"vocab.txt": {"copy": "published/vocab.txt"}, "tokenizer_config.json": {"json": {"tokenizer_class": "DPRQuestionEncoderTokenizer", "do_lower_case": False}}},
    "mpnet words": {"vocab.txt": {"copy": "published/vocab.txt"}, "tokenizer_config.json": {"json": {"tokenizer_class": "MPNetTokenizer"}}},
    # SentencePiece's models.
    "llama.model": model("llama.model", tokenizer_class="LlamaTokenizer", add_bos_token=True, add_eos_token=False, **LLAMA),
    "llama.model of old": model("llama.model", tokenizer_class="LlamaTokenizer", legacy=True),
    "llama.model with tokens": model("llama.model", tokenizer_class="LlamaTokenizer", added_tokens_decoder={
        "0": token("<unk>"), "1": token("<s>"), "2": token("</s>"), "420": token(CHAT[0]), "421": token(CHAT[1], rstrip=True)}),
    "gemma.model": model("gemma.model", tokenizer_class="GemmaTokenizer", add_bos_token=True),
    "gemma.model by its model": beside(model("gemma.model"), model={"model_type": "gemma2"}),
    "generic.model": model("generic.model"),
    "generic.model named": model("generic.model", tokenizer_class="NoSuchTokenizer", legacy=False, add_bos_token=True, added_tokens_decoder={
        "3": token("<SEP!>", normalized=True), "5": token("<TOOL>")}),
    "gemma.model generic": model("gemma.model", tokenizer_class="PreTrainedTokenizerFast"),
    "llama.model generic": model("llama.model", tokenizer_class="PreTrainedTokenizer", add_bos_token=True, add_eos_token=True),
    "unigram.model": model("unigram.model"),
    "bytes.model": model("bytes.model"),
    "spiece.model": model("unigram.model", "spiece.model", tokenizer_class="T5Tokenizer"),
    "spiece.model with sentinels": model("unigram.model", "spiece.model", tokenizer_class="T5Tokenizer", extra_ids=2, additional_special_tokens=["<extra_id_0>", "<extra_id_1>"]),
    "albert.model": model("unigram.model", "spiece.model", tokenizer_class="AlbertTokenizer", **ALBERT),
    "xlm-roberta.model": model("unigram.model", "sentencepiece.bpe.model", tokenizer_class="XLMRobertaTokenizer"),
    "camembert.model": model("unigram.model", "sentencepiece.bpe.model", tokenizer_class="CamembertTokenizer"),
    "barthez.model": model("unigram.model", "sentencepiece.bpe.model", tokenizer_class="BarthezTokenizer"),
    "big_bird.model": model("unigram.model", "spiece.model", tokenizer_class="BigBirdTokenizer"),
    "deberta-v2.model": model("unigram.model", "spm.model", tokenizer_class="DebertaV2Tokenizer"),
    "xlnet.model": model("unigram.model", "spiece.model", tokenizer_class="XLNetTokenizer"),
    "reformer.model": model("generic.model", "spiece.model", tokenizer_class="ReformerTokenizer"),
    # tiktoken's rank files.
    "ranks": model("ranks.tiktoken"),
    "ranks with tokens": model("ranks.tiktoken", tokenizer_class="PreTrainedTokenizerFast", bos_token="<|begin_of_text|>", add_bos_token=True,
                               added_tokens_decoder={"420": token("<|begin_of_text|>"), "423": token("<|eot_id|>")}),
    "ranks by name": model("ranks.tiktoken", "tiktoken.model", tokenizer_class="NoSuchTokenizer", extra_special_tokens=CHAT),
}

POOL = (
    list("abXY 019  \t\n'!.,\u00a0\u3000é\u0301漢Ω🎉\u200d\x00½ſ①")
    + ["'s", "'LL", "<|endoftext|>", "   ", "\n\n", "ﬁ", "▁", "▁▁", "straße", "``", "a.b*", "<sep>", "<tool>", "<x>", "<SEP!>", "<TOOL>"]
    + ["<s>", "</s>", "<unk>", "<mask>", " <mask> ", "[CLS]", "[UNK]", "<extra_id_1> ", "<extra_id_0>", "<0x41>", "123456", "HTTPServer", " river", "stone", "STONE", "xx "]
    + ["<|im_start|>", " <|im_end|>  ", "<image>", "<audio>", "<pad>", "<|begin_of_text|>", "<|eot_id|>", "<start_of_turn>", "<bos>", "<eos>"])
texts = ["", " ", "  a", "a", " the river", "The  River.", "▁a", "it's\n\n\nwe", "<|im_start|>user\nhi<|im_end|>", "a <pad> b </s> c <unk>", "Ελλάδα привет 漢 ﬁ Å 12 345",
         " " * 9 + "x", "<s>a.b* <sep>a", "[CLS] É [SEP] ab river's"]
texts += ["".join(rng.choice(POOL) for _ in range(rng.randrange(2, 12))) for _ in range(22)]


def folder(files, path):
    for name, file in files.items():
        if "copy" in file:
            shutil.copy(here / file["copy"], path / name)
        elif "json" in file:
            (path / name).write_text(json.dumps(file["json"]))
        else:
            (path / name).write_text(file["text"])


def main():
    if "--keep" not in sys.argv:
        models()
        ranks()
        vocabularies()
    decimals()
    dump = lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))  # noqa: E731
    lines = ['"texts":' + dump(texts)]
    kept = {}
    for name, files in cases.items():
        with tempfile.TemporaryDirectory() as place:
            folder(files, pathlib.Path(place))
            try:
                tokenizer = transformers.AutoTokenizer.from_pretrained(place)
            except Exception as error:  # noqa: BLE001
                print(f"{name}: left out: {repr(error)[:200]}")
                continue
            roles = {role: getattr(tokenizer, role + "_id") for role in ("bos_token", "eos_token", "sep_token", "pad_token")}
            rows = ",\n".join(dump(tokenizer.encode(text)) for text in texts)
            lines.append(f'{dump(name)}:{{"class":{dump(type(tokenizer).__name__)},"roles":{dump(roles)},"size":{max(tokenizer.get_vocab().values()) + 1},"ids":[\n{rows}\n]}}')
            kept[name] = files
    (out / "cases.json").write_text("{\n" + ",\n".join(f"{dump(name)}:{dump(files)}" for name, files in kept.items()) + "\n}\n")
    (out / "encodings.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{len(kept)} folders")


main()
