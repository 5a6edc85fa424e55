"""Compares the ids of `saeline-pretokenize encode` with those of Hugging Face `tokenizers`.

    python compare.py BINARY TOKENIZER [TEXT.jsonl ...]
    python compare.py --auto BINARY FOLDER [TEXT.jsonl ...]

TOKENIZER is a tokenizer.json or a folder that holds one; FOLDER is any folder that AutoTokenizer of
transformers opens, in whose ids the program's are compared then. The texts are a hard set made here (all
scripts, combining marks, emoji sequences, control characters, white space, long runs, look-alikes of
added tokens) and the documents of the files given. Prints the first differences and their number;
exit code 1 where there is any. Made with tokenizers 0.23 and transformers 5.24.
"""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer

SCRIPTS = [
    (0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F), (0x250, 0x2AF), (0x2B0, 0x2FF), (0x370, 0x3FF),
    (0x400, 0x52F), (0x531, 0x58F), (0x591, 0x5F4), (0x600, 0x6FF), (0x700, 0x74F), (0x780, 0x7BF),
    (0x900, 0x97F), (0x980, 0x9FF), (0xA00, 0xA7F), (0xB80, 0xBFF), (0xD00, 0xD7F), (0xE00, 0xE7F),
    (0xE80, 0xEFF), (0xF00, 0xFFF), (0x1000, 0x109F), (0x10A0, 0x10FF), (0x1100, 0x11FF),
    (0x1200, 0x137F), (0x13A0, 0x13FF), (0x1400, 0x167F), (0x1780, 0x17FF), (0x1800, 0x18AF),
    (0x1D00, 0x1DBF), (0x1E00, 0x1EFF), (0x1F00, 0x1FFF), (0x2000, 0x206F), (0x2070, 0x20CF),
    (0x20D0, 0x20FF), (0x2100, 0x218F), (0x2190, 0x23FF), (0x2460, 0x24FF), (0x2500, 0x27BF),
    (0x2C00, 0x2DFF), (0x2E80, 0x2FDF), (0x3000, 0x30FF), (0x3130, 0x318F), (0x3200, 0x33FF),
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA000, 0xA4CF), (0xA640, 0xA69F), (0xAC00, 0xD7A3),
    (0xD7B0, 0xD7FF), (0xE000, 0xE0FF), (0xF900, 0xFAFF), (0xFB00, 0xFDFF), (0xFE00, 0xFE6F),
    (0xFF00, 0xFFEF), (0x10000, 0x100FF), (0x10300, 0x1034F), (0x10400, 0x1044F), (0x10D40, 0x10D8F),
    (0x11000, 0x1107F), (0x12000, 0x123FF), (0x13000, 0x1342F), (0x16A00, 0x16A6F),
    (0x1D100, 0x1D1FF), (0x1D400, 0x1D7FF), (0x1E900, 0x1E95F), (0x1EE00, 0x1EEFF),
    (0x1F000, 0x1FAFF), (0x20000, 0x2A6DF), (0x2F800, 0x2FA1F), (0x30000, 0x3134F),
    (0xE0000, 0xE01EF), (0xF0000, 0xF00FF), (0x10FF00, 0x10FFFD),
]
SPACES = list(" \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000")
MARKS = [chr(c) for c in list(range(0x300, 0x370)) + [0x5B0, 0x64B, 0x93C, 0x94D, 0x9CD, 0xE38, 0xF71,
         0x1037, 0x1AB0, 0x1DC0, 0x20D0, 0x20DD, 0x20E3, 0x302A, 0x3099, 0x309A, 0xFE20, 0x1D165]]
EMOJI = ["👨‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪", "🇩🇪🇫🇷", "🇩", "1️⃣", "☃️", "❤️‍🔥", "🧑🏿‍🚀", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "😀", "🫠", "©️", "‼️", "👩‍❤️‍💋‍👩"]
WORDS = """the of and don't it's I'LL we've THEY'RE o'clock 'tis rock'n'roll naïve café Straße ſtrange İstanbul
    ıssız ΑΣΣ ὈΔΥΣΣΕΎΣ ﬁne ﬃ Ⅷ ½ ² ₃ ① ㎏ K Å Ω привет ёлка й مرحبا שָׁלוֹם नमस्ते क्षि தமிழ் ไทย ລາວ བོད
    မြန်မာ ខ្មែរ 안녕 각 漢字 かな ガ ｶﾞ 한국어 ᄀ가 ქართული አማርኛ ᏣᎳᎩ 𝔘𝔫𝔦 𝒳 𐐀𐐨 x² 3.14 1,234,567 0xFF 1e-5
    a_b __init__ C++ C# foo(bar) x=y; http://example.com/?q=1&r=%20#top user@example.org #tag @me $9.99 50%
    \u0600123 \u200bzero\u200bwidth \ufeffbom soft\u00adhyphen \u202ertl\u202c ‘quoted’ “double” «guillemets» …
    — – ‐ ― ﹣ － ~ ` ^ | \\ // <b> &amp; {x} [y] \u0e33 \u0eb3 \u0f73 \u0f81 \u0344 \u1fef \u212b""".split()
SPECIAL = """<|endoftext|> <|endoftext> <endoftext|> <|im_start|> <|im_end|>user <s> </s> <s > <S> <unk> <UNK> [CLS] [SEP] [MASK]
    [PAD] [UNK] [cls] <pad> <mask> <extra_id_0> <extra_id_99> <extra_id_100> <|padding|> <|begin_of_text|> <|eot_id|>
    <0x0A> <0xe2> <0x> ▁ ▁▁ ▁the ## ##ing Ġ Ġthe Ċ </w> <bos> <eos> <|object_ref_start|> <tool_call> <|fim_prefix|>""".split()


def hard_set(added):
    """At least 2,000 strings, the same ones each time for the same added tokens."""
    rng = random.Random(20)
    texts = ["", " ", "  ", "\n", "\t", "\r\n", "a", " a", "a ", "\u0301", "\x00", "\ufffd", "\uffff", "\U0010ffff", "'", "''", "▁", " ▁ "]
    special = SPECIAL + added

    def some(pool, low, high):
        return "".join(rng.choice(pool) for _ in range(rng.randint(low, high)))

    def scalar():
        while True:
            c = chr(rng.randint(*rng.choice(SCRIPTS)))
            if not 0xD800 <= ord(c) < 0xE000:
                return c

    for low, high in SCRIPTS:
        for _ in range(4):
            letters = [c for c in (chr(rng.randint(low, high)) for _ in range(30)) if not 0xD800 <= ord(c) < 0xE000]
            texts.append(some(letters + [" "], 5, 40))
            texts.append(some(letters + MARKS[::9] + SPACES[:3] + list("0123.,'"), 5, 40))
    for _ in range(250):
        texts.append("".join(scalar() for _ in range(rng.randint(1, 30))))
        texts.append("".join(rng.choice([scalar(), rng.choice("abc XYZ"), rng.choice(MARKS)]) for _ in range(rng.randint(1, 30))))
        texts.append(some(SPACES + ["a", "B", ".", "7", "é"], 1, 25))
        texts.append(some(list(" \n\r\t") * 3 + ["x", "  ", "\n\n", "'s", "!"], 1, 25))
        texts.append(some([chr(c) for c in range(0x20)] + [chr(c) for c in range(0x7F, 0xA1)] + list("ab 1"), 1, 20))
        texts.append(" ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 12))))
        texts.append("".join(rng.choice([rng.choice(WORDS), rng.choice(EMOJI), rng.choice(SPACES), rng.choice(special)]) for _ in range(rng.randint(1, 10))))
        texts.append("".join(rng.choice([rng.choice(special), rng.choice([" ", "", "  ", "\n", "_", "x", "é", "."])]) for _ in range(rng.randint(1, 14))))
    for c in ["a", " ", "\n", "\t", "0", "!", "é", "漢", "👍", "\u0301", "▁", "\u3000", "\x00", "ab", "a ", " a", "\r\n", "'s", "한", "A", "##", "\u200d"]:
        for count in (7, 16, 65, 130, 1000):
            texts.append(c * count)
    for _ in range(60):
        texts.append(some(list("0123456789"), 1, 40) + rng.choice(["", " ", ".", "a"]) + some(list("0123456789٣४²½"), 0, 9))
        texts.append(some(list("!?.,;:-_'\"()[]{}<>/\\|@#$%^&*~`+=") + [" "], 1, 30))
        texts.append(some(["'s", "'S", "'t", "'re", "'VE", "'ll", "'LL", "'d", "'m", "’s", "'ſ", "'", "I", "you", " "], 1, 12))
    words = [w for w in WORDS if w.isalpha()]
    for _ in range(60):
        texts.append(some(words, 3, 30))
        texts.append(some([w.upper() for w in words] + ["camelCase", "HTTPServer", "iPhone"], 2, 9))
    texts.append(" ".join(rng.choice(WORDS) for _ in range(5000)))
    return texts


class TokenizersPeer:
    """A tokenizer.json as `tokenizers` reads it."""

    def __init__(self, tokenizer):
        self.name = tokenizer.name if tokenizer.is_dir() else tokenizer.parent.name
        self.peer = Tokenizer.from_file(str(tokenizer / "tokenizer.json" if tokenizer.is_dir() else tokenizer))
        self.peer.no_truncation()
        self.peer.no_padding()

    def added(self):
        return [token.content for token in self.peer.get_added_tokens_decoder().values()]

    def ids(self, text):
        return self.peer.encode(text).ids

    def token(self, id):
        return self.peer.id_to_token(id)


class AutoPeer:
    """A folder as AutoTokenizer opens it."""

    def __init__(self, folder):
        os.environ["HF_HUB_OFFLINE"] = "1"
        import transformers

        transformers.logging.set_verbosity_error()
        self.peer = transformers.AutoTokenizer.from_pretrained(str(folder))
        self.peer.model_max_length = sys.maxsize
        self.name = f"{folder.name} ({type(self.peer).__name__})"

    def added(self):
        # With CodeLlama's <FILL_ME> in a text its class cuts every later text otherwise.
        return [token.content for token in self.peer.added_tokens_decoder.values() if token.content != "<FILL_ME>"]

    def ids(self, text):
        return self.peer.encode(text)

    def token(self, id):
        return self.peer.convert_ids_to_tokens(id)


class Refused(Exception):
    """The program's words where it does not open a tokenizer."""


def ours(binary, tokenizer, texts):
    """The ids of each text, by the program."""
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "texts.jsonl"
        data.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts), encoding="utf-8")
        config = pathlib.Path(folder) / "compare.json5"
        config.write_text(json.dumps({
            "name": "compare", "store": folder + "/store",
            "pretokenize": {"tokenizer_name": str(tokenizer), "dataset_path": str(data)},
        }))
        output = subprocess.run([binary, "encode", "--config", str(config), "--quiet"], capture_output=True, text=True, check=False)
    if output.returncode != 0:
        raise Refused(output.stderr)
    rows = [json.loads(line) for line in output.stdout.splitlines()]
    if len(rows) != len(texts):
        sys.exit(f"{len(rows)} lines for {len(texts)} texts")
    return rows


def compared(peer, binary, tokenizer, files):
    """Prints what differs and returns the number of texts that do."""
    texts = hard_set(peer.added()[:40])
    hard = len(texts)
    for name in files:
        with open(name, encoding="utf-8") as file:
            texts += [json.loads(line)["text"] for line in file]
    wrong = 0
    for text, ids in zip(texts, ours(binary, tokenizer, texts)):
        wanted = peer.ids(text)
        if ids == wanted:
            continue
        wrong += 1
        if wrong <= 5:
            at = next((i for i, (a, b) in enumerate(zip(ids, wanted)) if a != b), min(len(ids), len(wanted)))
            print(f"  {text[:60]!r} differs at token {at}: {ids[at:at + 6]}, wanted {wanted[at:at + 6]} {[peer.token(i) for i in wanted[at:at + 6]]}")
    print(f"{peer.name}: {hard} hard strings and {len(texts) - hard} documents, {wrong} different", flush=True)
    return wrong


def main():
    arguments = sys.argv[1:]
    isAuto = arguments[0] == "--auto"
    binary, tokenizer, *files = arguments[isAuto:]
    tokenizer = pathlib.Path(tokenizer)
    try:
        sys.exit(1 if compared((AutoPeer if isAuto else TokenizersPeer)(tokenizer), binary, tokenizer, files) else 0)
    except Refused as refusal:
        sys.exit(str(refusal))


if __name__ == "__main__":
    main()
