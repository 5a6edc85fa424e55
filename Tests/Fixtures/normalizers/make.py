"""Writes what Hugging Face's normalizers make of every character and of hard sequences.

Made with tokenizers 0.23:  python make.py

normalizers.json: a list of {"normalizer": the component of a tokenizer.json, "sha256": of what it makes
of each character by itself, each followed by a line feed, "cases": [text, result]}.
"""

import base64
import hashlib
import json
import pathlib
import random
import struct

from tokenizers import Regex, Tokenizer, models, normalizers

rng = random.Random(5)
MARKS = [chr(c) for c in list(range(0x300, 0x320)) + [
    0x345, 0x5B0, 0x5BF, 0x64B, 0x670, 0x8D3, 0x93C, 0x94D, 0x9BE, 0x9D7, 0xB3E, 0xDCA, 0xE33, 0xE38, 0xF71, 0xF72,
    0xF73, 0xF81, 0x1037, 0x1AB0, 0x1ACF, 0x20DD, 0x302A, 0x3099, 0x309A, 0xFE0F, 0xFE20, 0x11127, 0x114BA, 0x1D165,
    0x1D16E, 0x200D, 0x200C, 0x600, 0x1F1E9, 0x1F1EA]]
STARTERS = list("aeouAEONsk \t\n\r") + [chr(c) for c in [
    0x0, 0xA0, 0xAD, 0xC0, 0xE9, 0x130, 0x17F, 0x390, 0x3A3, 0x587, 0x915, 0x928, 0x958, 0x9C7, 0xF40, 0x1100, 0x1161,
    0x11A8, 0x1E9B, 0x1E9E, 0x1EA4, 0x1F80, 0x2126, 0x212B, 0x2460, 0x2581, 0x2764, 0x2ADC, 0x304B, 0x30CF, 0x3094,
    0x33A5, 0x4E2D, 0xAC00, 0xD7A3, 0xF900, 0xFB01, 0xFDFA, 0xFF76, 0xFF9E, 0xFFFD, 0x11099, 0x114BB, 0x1D15E, 0x1D400,
    0x1F468, 0x20000, 0x2F800, 0xFEFF]]
texts = ["", "plain text", " both ends \u3000", "``quotes''", "a  b   c"]
texts += ["".join(rng.choice(MARKS if rng.random() < 0.5 else STARTERS) for _ in range(rng.randint(1, 8))) for _ in range(120)]


def charsmap(pairs):
    """SentencePiece's format: a double-array trie over the keys, then their replacements."""
    replacements, values = b"", {}
    for key, content in sorted(pairs.items()):
        values[key.encode()] = len(replacements)
        replacements += content.encode() + b"\0"
    units = [0] * 4096
    used = {0}

    def fill(position, keys, depth):
        labels = sorted({key[depth] if depth < len(key) else 0 for key in keys})
        offset = 1
        while any((position ^ offset ^ label) in used or (position ^ offset ^ label) >= len(units) for label in labels):
            offset += 1
        units[position] |= offset << 10
        places = {label: position ^ offset ^ label for label in labels}
        used.update(places.values())
        for label, place in places.items():
            inside = [key for key in keys if (key[depth] if depth < len(key) else 0) == label]
            if label == 0:
                units[position] |= 1 << 8
                units[place] = values[inside[0]] | 1 << 31
            else:
                units[place] |= label
                fill(place, inside, depth + 1)

    fill(0, list(values), 0)
    blob = struct.pack(f"<{len(units)}I", *units)
    return base64.b64encode(struct.pack("<I", len(blob)) + blob + replacements).decode()


precompiled = {"type": "Precompiled", "precompiled_charsmap": charsmap(
    {"\t": " ", "\n": " ", "\x00": "", "ﬁ": "fi", "é": "e", "e\u0301": "É", "¼": "1/4", "가": "ga", "か\u3099": "が", "\u200d": "", "a\u0308": "ä"})}
pieces = [normalizers.NFC(), normalizers.NFD(), normalizers.NFKC(), normalizers.NFKD(), normalizers.Lowercase(),
          normalizers.StripAccents(), normalizers.Strip(), normalizers.Strip(left=False), normalizers.Nmt(),
          normalizers.BertNormalizer(), normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False),
          normalizers.Replace("``", '"'), normalizers.Replace(" ", "▁"), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Prepend("▁"),
          normalizers.ByteLevel()]


def holder(component):
    tokenizer = Tokenizer(models.BPE())
    value = json.loads(tokenizer.to_str())
    value["normalizer"] = component
    return Tokenizer.from_str(json.dumps(value)).normalizer


components = [json.loads(piece.__getstate__()) for piece in pieces] + [precompiled]
rows = []
for component in components:
    normalizer = holder(component)
    digest = hashlib.sha256()
    for value in range(0x110000):
        if not 0xD800 <= value < 0xE000:
            digest.update(normalizer.normalize_str(chr(value)).encode() + b"\n")
    cases = [[text, normalizer.normalize_str(text)] for text in texts]
    cases = [case for index, case in enumerate(cases) if case[0] != case[1] or index < 10][:60]
    rows.append(json.dumps({"normalizer": component, "sha256": digest.hexdigest(), "cases": cases}, separators=(",", ":")))
(pathlib.Path(__file__).parent / "normalizers.json").write_text("[\n" + ",\n".join(rows) + "\n]\n")
