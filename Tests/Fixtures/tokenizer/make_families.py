"""Writes a small tokenizer of every common family and what Hugging Face makes of hard strings with it.

Made with tokenizers 0.23:  python make_families.py

families/NAME.json        a tokenizer.json, built like the files of the family it is named for
families/encodings.json   the texts once, then per family the ids and the decoded text of each
"""

import json
import pathlib
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers as pre
from tokenizers import processors, trainers

here = pathlib.Path(__file__).parent / "families"
rng = random.Random(12)

WORDS = """river stone lantern garden winter teacher harbour window kitten mountain finds carries paints
    follows remembers isn't they'll we've I'd you're über naïve café Ελλάδα привет 東京 안녕 שלום 2024 12,345.6
    #tag don't HTTPServer x86 Ünïcode straße the the the and of to a in""".split()
corpus = [" ".join(rng.choice(WORDS) for _ in range(rng.randrange(4, 30))) + rng.choice([".", "!", "\n", "…\n\n  x"]) for _ in range(700)]

CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
alphabet = pre.ByteLevel.alphabet()


def split_then_bytes(pattern, **more):
    return pre.Sequence([pre.Split(Regex(pattern), "isolated", **more),
                         pre.ByteLevel(add_prefix_space=False, use_regex=False)])


def byte_level(pre_tokenizer, special=("<|endoftext|>",), normalizer=None, size=420, **options):
    tokenizer = Tokenizer(models.BPE(**options))
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(special), show_progress=False, initial_alphabet=alphabet))
    return tokenizer


def sentence_piece(normalizer, pre_tokenizer, decoder, fuse=True):
    """Character BPE with byte fallback, merges learned from words that start with the mark."""
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.pre_tokenizer = pre.Metaspace()
    trained.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=480, special_tokens=["<unk>", "<s>", "</s>"] + BYTES, show_progress=False, limit_alphabet=60))
    value = json.loads(trained.to_str())["model"]
    marks = ["▁▁", "▁▁▁▁"]
    vocab = value["vocab"]
    for mark in marks:
        vocab[mark] = len(vocab)
    merges = [tuple(pair) for pair in value["merges"]] + [("▁", "▁"), ("▁▁", "▁▁")]
    tokenizer = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=fuse, byte_fallback=True))
    tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoder
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in ("<unk>", "<s>", "</s>")])
    return tokenizer


def template(tokenizer, single):
    names = [word for word in single.split() if not word.startswith("$")]
    return processors.TemplateProcessing(single=single, special_tokens=[(n, tokenizer.token_to_id(n)) for n in names])


llama_decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
families = {}

llama2 = sentence_piece(normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None, llama_decoder)
llama2.post_processor = template(llama2, "<s> $A")
families["llama2"] = llama2
families["mistral"] = sentence_piece(None, pre.Metaspace(prepend_scheme="first", split=False), llama_decoder)
families["gemma"] = sentence_piece(normalizers.Replace(" ", "▁"), pre.Split(" ", "merged_with_previous"),
                                   decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]))
families["gemma"].add_tokens([AddedToken("\n" * n, normalized=False) for n in (2, 3)] + [AddedToken("▁" * n, normalized=False) for n in (3, 5)])

llama3 = byte_level(split_then_bytes(CL100K), ["<|begin_of_text|>", "<|eot_id|>"], ignore_merges=True)
llama3.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template(llama3, "<|begin_of_text|> $A")])
families["llama3"] = llama3
families["qwen2"] = byte_level(split_then_bytes(CL100K.replace("{1,3}", "")), ["<|endoftext|>", "<|im_start|>"], normalizers.NFC())
families["o200k"] = byte_level(split_then_bytes(O200K))
families["falcon"] = byte_level(pre.Sequence([
    pre.Punctuation("contiguous"), pre.ByteLevel(add_prefix_space=False), pre.Digits(False), pre.Split(Regex("[0-9][0-9][0-9]"), "isolated")]))
families["starcoder"] = byte_level(pre.Sequence([pre.Digits(True), pre.ByteLevel(add_prefix_space=False)]))
families["bloom"] = byte_level(split_then_bytes(r" ?[^(\s|[.,!?…。，、।۔،])]+"))
families["deepseek"] = byte_level(pre.Sequence([
    pre.Split(Regex(r"\p{N}{1,3}"), "isolated"), pre.Split(Regex("[一-龥぀-ゟ゠-ヿ]+"), "isolated"),
    pre.Split(Regex(r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"), "isolated"),
    pre.ByteLevel(add_prefix_space=False, use_regex=False)]))

phi = byte_level(pre.ByteLevel(add_prefix_space=False))
phi.add_tokens([AddedToken(" " * n, normalized=True) for n in range(8, 1, -1)] + [AddedToken("\t" * n, normalized=True) for n in (4, 3, 2)])
families["phi"] = phi

roberta = byte_level(pre.ByteLevel(add_prefix_space=False), ["<s>", "<pad>", "</s>", "<unk>"])
roberta.add_special_tokens([AddedToken("<mask>", lstrip=True)])
roberta.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
families["roberta"] = roberta

clip = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>", continuing_subword_prefix=""))
clip.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
clip.pre_tokenizer = pre.Sequence([
    pre.Split(Regex(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", invert=True),
    pre.ByteLevel(add_prefix_space=False)])
clip.decoder = decoders.ByteLevel()
clip.train_from_iterator(corpus, trainers.BpeTrainer(
    vocab_size=500, special_tokens=["<|startoftext|>", "<|endoftext|>"], show_progress=False,
    initial_alphabet=alphabet, end_of_word_suffix="</w>"))
clip.post_processor = processors.RobertaProcessing(("<|endoftext|>", 1), ("<|startoftext|>", 0), trim_offsets=False, add_prefix_space=False)
families["clip"] = clip

bert = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=30))
bert.normalizer = normalizers.BertNormalizer()
bert.pre_tokenizer = pre.BertPreTokenizer()
bert.decoder = decoders.WordPiece()
bert.train_from_iterator(corpus, trainers.WordPieceTrainer(
    vocab_size=300, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
bert.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
families["bert"] = bert


def unigram(normalizer, pre_tokenizer, **options):
    trained = Tokenizer(models.Unigram())
    trained.normalizer = normalizer
    trained.pre_tokenizer = pre_tokenizer
    trained.train_from_iterator(corpus, trainers.UnigramTrainer(
        vocab_size=300, special_tokens=["<pad>", "</s>", "<unk>"] + options.pop("special", []), unk_token="<unk>", show_progress=False))
    value = json.loads(trained.to_str())
    value["model"].update(options)
    tokenizer = Tokenizer.from_str(json.dumps(value))
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


t5 = unigram(normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]),
             pre.Sequence([pre.WhitespaceSplit(), pre.Metaspace()]))
t5.add_special_tokens([AddedToken(f"<extra_id_{n}>", rstrip=True) for n in range(3)])
t5.post_processor = template(t5, "$A </s>")
families["t5"] = t5
families["albert"] = unigram(
    normalizers.Sequence([normalizers.Replace("``", '"'), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Strip()]),
    pre.Metaspace(), special=BYTES, byte_fallback=True)

words = Tokenizer(models.WordLevel(unk_token="<unk>"))
words.pre_tokenizer = pre.Whitespace()
words.train_from_iterator(corpus, trainers.WordLevelTrainer(vocab_size=80, special_tokens=["<unk>"], show_progress=False))
families["words"] = words

POOL = (
    list("abcXYZ 0192  \t\n\r'!?.,;\u00a0\u2003\u3000éÅ\u0301\u0327\u0308漢字カ\u3099각Ω𝒳🎉\u200d\ufeff\x00\x7f\u0085²½ſ")
    + ["'s", "'LL", "'re", " '", "<|endoftext|>", "   ", "     ", "\n\n", "İ", "ﬁ", "▁", "▁▁", "straße", "``", "''"]
    + ["<s>", "</s>", "<unk>", "<mask>", " <mask>", "[CLS]", "[UNK]", "<extra_id_1> ", "<0x41>", "##", "123456", "HTTPServer", " river", "stone", "٣٤٥"])
texts = ["", " ", "  ", "a", " a", "it's", "  lead", "end  ", "end\n", "\n\nstart", "ab" * 60, " " * 30, "river" * 12,
         "x" * 40, "They'LL find 1234567 stones... (and) HTTPServer2!", "Ελλάδα привет 東京 안녕 שלום", "line\r\n\r\n  next\tline"]
texts += ["".join(rng.choice(POOL) for _ in range(rng.randrange(1, 18))) for _ in range(55)]
texts += corpus[:2]

here.mkdir(exist_ok=True)
lines = ['"texts":' + json.dumps(texts, ensure_ascii=False, separators=(",", ":"))]
for name, tokenizer in families.items():
    path = here / f"{name}.json"
    value = json.loads(tokenizer.to_str())
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
    tokenizer = Tokenizer.from_file(str(path))
    rows = []
    for text in texts:
        ids = tokenizer.encode(text).ids
        rows.append(json.dumps([ids, tokenizer.decode(ids, skip_special_tokens=False)], ensure_ascii=False, separators=(",", ":")))
    lines.append(json.dumps(name) + ":[\n" + ",\n".join(rows) + "\n]")
(here / "encodings.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
