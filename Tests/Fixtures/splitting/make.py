"""Writes splitting.json: what Hugging Face's pre-tokenizers make of texts.

    python make.py            writes splitting.json beside this file
    python make.py N FILE     writes N random texts for each pre-tokenizer to FILE, for a closer look
    python make.py scripts    prints the table of Sources/Shared/Language/Tokenizer/Unicode/UnicodeScripts.swift

Made with tokenizers 0.23.3 (Python 3.11). A null pre-tokenizer leaves one piece.
"""

import json
import pathlib
import random
import sys

from tokenizers import Tokenizer, pre_tokenizers

GPT2 = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
SHORT = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
LINES = r"|\s*[\r\n]+|\s+(?!\S)|\s+"


def cl100k(numbers):
    return CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|" + numbers + r"| ?[^\s\p{L}\p{N}]+[\r\n]*" + LINES


def marks(numbers):
    return (CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|" + numbers
            + r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*" + LINES)


def o200k(numbers, ending):
    upper, lower = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
    before = r"[^\r\n\p{L}\p{N}]?"
    return (f"{before}{upper}*{lower}+{ending}|{before}{upper}+{lower}*{ending}|{numbers}"
            + r"| ?[^\s\p{L}\p{N}]+[\r\n/]*" + LINES)


CLIP = r"""<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""
BLOOM = " ?[^(\\s|[.,!?…。，、।۔،])]+"
DEEPSEEK = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
            r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
TIKTOKEN = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
            r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s")


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def byte_level(space=False, regex=True):
    return {"type": "ByteLevel", "add_prefix_space": space, "trim_offsets": True, "use_regex": regex}


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


def digits(alone):
    return {"type": "Digits", "individual_digits": alone}


def metaspace(**keys):
    return {"type": "Metaspace", "replacement": "▁", **keys}


def plain(name, **keys):
    return {"type": name, **keys}


BYTES = byte_level(regex=False)
WORDS = plain("WhitespaceSplit")
ALL = {
    "none": None,
    "gpt2": byte_level(),
    "gpt2 with space": byte_level(space=True),
    "gpt2 spelled out": sequence(split(GPT2), BYTES),
    "gpt2 short": sequence(split(SHORT, "Removed", True), BYTES),
    "gpt2 removed": split(GPT2, "Removed"),
    "gpt2 contiguous": split(GPT2, "Contiguous"),
    "bytes": BYTES,
    "bytes with space": sequence(split(r"\s+"), byte_level(space=True, regex=False)),
    "llama3": sequence(split(cl100k(r"\p{N}{1,3}")), BYTES),
    "qwen2": sequence(split(cl100k(r"\p{N}")), BYTES),
    "qwen3.5": sequence(split(marks(r"\p{N}")), BYTES),
    "gpt4 tiktoken": sequence(split(TIKTOKEN, "Removed", True), BYTES),
    "o200k": sequence(split(o200k(r"\p{N}{1,3}", CONTRACTIONS + "?"), "Removed", True), BYTES),
    "tekken": sequence(split(o200k(r"\p{N}", "")), BYTES),
    "starcoder": sequence(digits(True), byte_level()),
    "starcoder with space": sequence(digits(True), byte_level(space=True)),
    "digits contiguous": sequence(digits(False), byte_level()),
    "falcon": sequence(plain("Punctuation", behavior="Contiguous"), byte_level(), digits(False),
                       split("[0-9][0-9][0-9]")),
    "clip": sequence(split(CLIP, "Removed", True), BYTES),
    "bloom": sequence(split(BLOOM), BYTES),
    "deepseek3": sequence(split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK), BYTES),
    "deepseek coder": sequence(split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"),
                               split("[一-龥ࠀ-一가-퟿]+"), digits(True), BYTES),
    "gemma": split(" ", "MergedWithPrevious", kind="String"),
    "string": split("a.", "MergedWithNext", kind="String"),
    "empty string": split("", "MergedWithNext", kind="String"),
    "capitals": split("(?=[A-Z])"),
    "capitals previous": split(r"(?=[A-Z])|\b", "MergedWithPrevious"),
    "previous": split(r"[\s,]", "MergedWithPrevious"),
    "previous inverted": split(r"[\s,]", "MergedWithPrevious", True),
    "next": split(r"[\s,]", "MergedWithNext"),
    "next inverted": split(r"[\s,]", "MergedWithNext", True),
    "contiguous": split(r"[\s,]", "Contiguous"),
    "contiguous inverted": split(r"[\s,]", "Contiguous", True),
    "removed": split(r"[\s,]", "Removed"),
    "optional": split("a*?b?", "MergedWithPrevious"),
    "metaspace": metaspace(),
    "metaspace first": metaspace(prepend_scheme="first"),
    "metaspace first of words": sequence(WORDS, metaspace(prepend_scheme="first")),
    "metaspace always of words": sequence(WORDS, metaspace(prepend_scheme="always")),
    "metaspace never": metaspace(prepend_scheme="never", add_prefix_space=False),
    "metaspace whole": metaspace(prepend_scheme="always", split=False),
    "metaspace to bytes": sequence(metaspace(), byte_level()),
    "bert": plain("BertPreTokenizer"),
    "whitespace": plain("Whitespace"),
    "whitespace split": WORDS,
    "punctuation": plain("Punctuation"),
    "punctuation previous": plain("Punctuation", behavior="MergedWithPrevious"),
    "digits": digits(True),
    "delimiter": plain("CharDelimiterSplit", delimiter="é"),
    "scripts": plain("UnicodeScripts"),
    "length": plain("FixedLength", length=3),
    "backtracking": split(r"a+ab|(?:ab|a)+?c|(?<=b)\s|\d{2,3}?x|\w{2}(?<!a)!"),
    "fixed": split(r"(?>a+)b|a++c|x?+x|(?:a|b)++1"),
    "classes": split(r"[[a-z]&&[^aeiou]]+|[^[:^punct:]]|\h\H|[\w\-]+$|\P{^Lu}\p{Mn}|[]é]"),
    "options": split(r"(?-i:K)|x(?i:s) |(?m:.é)|(?x: s  t # no" "\n"
                     r")|(?#no)Z|[^\W]²|\p{Word}½|\w¼|(?i)[^sb]k|a[a-m]|Z"),
    "lines": split(r"^.|.$|\A\s|\S\z|,\Z"),
    "nested intervals": split(r"a{1,2}+b|(?:s{2}){2}|x{,2}1|c{|{1"),
    "code points": split(r"\x{e9}|\u4e00|\x61\t|[\u0041-\x{44}\n]|\.|\_"),
    "properties": split(r"\p{Han}+|\p{Letter}\p{mark}|\p{Katakana}|[\p{Sm}\p{Currency_Symbol}]+"
                        r"|[[:space:]]{2}|[\p{Lu}-]"),
}

TEXTS = [
    "Hello world, it's 2024's we'LL; I'Ve 'ſo.",
    "  a\t\tb \n\n c  \r\n  d   ",
    "x1234567.50 ²³½Ⅷ٣４５ 12",
    "café cafe\u0301 ǅungla ʰa ʕʔ 漢字かなカナ한국어ไทย हिन्दी",
    "HTTPServer iPhone's ABC漢A \u0301AB \u0301ab!\u0301C//\n/é\r/",
    "$#@!... «¿que?» a-b_c“d”…。，!?\n'",
    "\u3000\u00a0a\u2003\u2028b\u0085c\u200d\u200bd\ufeffe",
    "👩‍👩‍👧 🇩🇪\u0f0b\u10fb\U0001e5f1\U00016d40\U00011de3\U000e0100x",
    "aab aaab abac aaac aa1 12x b ssss st xs AK K\u212A{1c{",
    "def f(x):\n    return x**2 # 100% <|endoftext|> </s>\n\n\n",
    "▁a ▁ b.a.a.,é,,é 漢 1.a", "", " ", "a", "\n",
]
ALPHABET = list(
    "abcsxzAKSZé漢한カー½Ⅷ７０19 \t\n\r\u000b\u0085\u00a0\u2003\u3000''''stremvdlSTL.,!?_-/({[}])|<>$+▁"
    "\u0301\u0903\u200d\u017f\u212aßǅʰʕªˣ²¼Ⓐ🎉\U0001f1e9\U00010d4a\U00016d40\U00011de3\U0001e5f1\U000e0100\ue000"
    "…。।۔") + ["  ", "'s", "'LL", "\r\n", "12", "aab", " a", "\n\n"]


def pieces(description, text):
    if description is None:
        return [text] if text else []
    return [piece for piece, _ in pretokenizer(description).pre_tokenize_str(text)]


KNOWN = {}


def pretokenizer(description):
    key = json.dumps(description)
    if key not in KNOWN:
        KNOWN[key] = Tokenizer.from_str(json.dumps({
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
            "normalizer": None, "pre_tokenizer": description, "post_processor": None,
            "decoder": None, "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"},
        })).pre_tokenizer
    return KNOWN[key]


def write(path, texts):
    """Pieces are joined with ~, which no text has."""
    lines = ['{"texts":' + json.dumps(texts, ensure_ascii=False) + ',"cases":[']
    for name, description in ALL.items():
        joined = ["~".join(pieces(description, text)) for text in texts]
        case = {"name": name, "pre_tokenizer": description, "pieces": joined}
        lines.append(json.dumps(case, ensure_ascii=False, separators=(",", ":")) + ",")
    lines[-1] = lines[-1][:-1]
    pathlib.Path(path).write_text("\n".join(lines) + "\n]}\n")


def random_texts(count):
    source = random.Random(1)
    return ["".join(source.choices(ALPHABET, k=source.randrange(40))) for _ in range(count)]


def print_scripts():
    """Finds scripts by what stays in one piece with what, for there is no list to ask."""
    digits36 = "0123456789abcdefghijklmnopqrstuvwxyz"

    def base36(number):
        text = ""
        while True:
            text = digits36[number % 36] + text
            number //= 36
            if number == 0:
                return text

    splitter = pre_tokenizers.UnicodeScripts()
    examples, ranges = [], []
    for value in range(0x110000):
        script = 0
        if not 0xD800 <= value < 0xE000 and splitter.pre_tokenize_str(chr(value)):
            likely = [ranges[-1][2]] if ranges and ranges[-1][2] else []
            for number in likely + list(range(1, len(examples) + 1)):
                if len(splitter.pre_tokenize_str(examples[number - 1] + chr(value))) == 1:
                    script = number
                    break
            else:
                examples.append(chr(value))
                script = len(examples)
        if ranges and ranges[-1][2] == script:
            ranges[-1][1] = value + 1
        else:
            ranges.append([value, value + 1, script])
    words, done = [], 0
    for start, end, script in ranges:
        if script:
            words += [base36(start - done), base36(end - start), base36(script)]
            done = end
    print(" ".join(words))


if sys.argv[1:] == ["scripts"]:
    print_scripts()
elif len(sys.argv) == 3:
    write(sys.argv[2], random_texts(int(sys.argv[1])))
else:
    write(pathlib.Path(__file__).with_name("splitting.json"), TEXTS)
