"""Writes small byte-level BPE tokenizers and what Hugging Face makes of hard strings with them.

Made with tokenizers 0.23:  python make.py

plain/tokenizer.json      like GPT-2's: no normalizer, one special token, merges as lists
neox/tokenizer.json       like Pythia's: NFC, added runs of spaces, merges as strings
options/tokenizer.json    prefix space, every kind of added token, a template, missing bytes
encodings.json            per tokenizer: [text, ids with special tokens]
"""

import json
import pathlib
import random

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers

here = pathlib.Path(__file__).parent
rng = random.Random(11)

NOUNS = "river stone lantern garden winter teacher harbour window kitten mountain".split()
VERBS = "finds carries paints follows remembers isn't they'll we've I'd you're".split()
WORDS = "über naïve café Ελλάδα привет мир 東京 안녕 שלום مرحبا 2024 1,234.5 #tag don't".split()


def sentence():
    words = [rng.choice(NOUNS + VERBS + WORDS) for _ in range(rng.randrange(3, 12))]
    return " ".join(words).capitalize() + rng.choice([".", "!", "?", "…", "\n", "\n\n  "])


corpus = [" ".join(sentence() for _ in range(5)) for _ in range(300)]


def train(prefix_space=False, alphabet=True, size=700):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if alphabet else []))
    return tokenizer


def save(name, tokenizer, edit=lambda value: None):
    value = json.loads(tokenizer.to_str())
    edit(value)
    (here / name).mkdir(exist_ok=True)
    path = here / name / "tokenizer.json"
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
    return Tokenizer.from_file(str(path))


def old_merges(value):
    value["model"]["merges"] = [" ".join(pair) for pair in value["model"]["merges"]]


plain = train()
plain.post_processor = processors.ByteLevel(trim_offsets=False)

neox = train()
neox.normalizer = normalizers.NFC()
neox.add_tokens([AddedToken(" " * n, normalized=True) for n in (4, 3, 2)])
neox.add_tokens([AddedToken("Å", normalized=True)])
neox.post_processor = processors.ByteLevel()

options = train(prefix_space=True, alphabet=False, size=500)
options.add_special_tokens([
    AddedToken("<s>", special=True, normalized=False),
    AddedToken("</s>", special=True, normalized=False, lstrip=True, rstrip=True),
])
options.add_tokens([
    AddedToken("<left>", lstrip=True, normalized=False),
    AddedToken("<right>", rstrip=True, normalized=False),
    AddedToken("word", single_word=True, normalized=True),
    AddedToken("wordy", normalized=True),
])
options.post_processor = processors.TemplateProcessing(
    single="<s> $A </s>", special_tokens=[("<s>", options.token_to_id("<s>")),
                                          ("</s>", options.token_to_id("</s>"))])

tokenizers = {
    "plain": save("plain", plain),
    "neox": save("neox", neox, old_merges),
    "options": save("options", options),
}

POOL = (
    list("abcXYZ 019  \t\n\r'!?.,;\u00a0\u2003\u3000éÅ\u0301\u0327\u0308漢字カ\u3099각ΩΩ𝒳🎉\u200d\ufeff\x00\x7f\u0085")
    + ["'s", "'ll", "'re", "'T", " '", "<|endoftext|>", "   ", "     ", "don't", "\n\n", "İ", "ﬁ"]
    + ["①", "½", "Ⅷ", "\u1100\u1161\u11a8", "\u0958", "\u0f73", "A\u030a", "\u08ca\u0323"]
    + ["<s>", "</s>", " </s>  ", "<left>", " <left>", "<right> ", "word", " word", "wordy", "words"])
texts = ["", " ", "  ", "a", " a", "'", "''s", "it's", "word word wordy swordy word_ word.",
         "  <right>   x", "x  <left>  y", "lone\u0301 marks", "end  ", "end\n", "\n\nstart",
         "\U00010d4a\U000105c9 newer letters", "x" * 300, "ab" * 200, " " * 70, "river" * 40]
texts += ["".join(rng.choice(POOL) for _ in range(rng.randrange(1, 25))) for _ in range(70)]
texts += corpus[:2]

lines = []
for name, tokenizer in tokenizers.items():
    rows = [json.dumps([text, tokenizer.encode(text).ids], ensure_ascii=False, separators=(",", ":")) for text in texts]
    lines.append(json.dumps(name) + ":[\n" + ",\n".join(rows) + "\n]")
(here / "encodings.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
