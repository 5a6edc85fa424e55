"""Writes small files of every format that the pretokenizer reads, as the field's libraries write them.

Made with pyarrow 26, datasets 5.2:  python make.py

files.safetensors.zst   the bytes of each file, as a U8 tensor under the file's name; the metadata hold
                        "text" and "tokens": what every file of names with text or tokens must give, as
                        JSON. Files with "null" in their names have a null behind every second document.
"""

import gzip
import io
import itertools
import json
import os
import pathlib
import tempfile

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save

TEXTS = ["", "plain", "Über 12 naïve cafés…", "東京 🎉", "two\nlines\t\"quoted\" \\", "x" * 300, "prefix one", "prefix two", "a", "a"] * 3
TOKENS = [[], [1], [2, 3, 4], list(range(40)), [50256, 0, 65536, 2**31 - 1], [7] * 9, [5]] * 4
FIXED = [[index, index + 1, 2 * index] for index in range(30)]
files = {}


def with_nulls(rows):
    return [item for row in zip(rows[::2], rows[1::2], [None] * (len(rows) // 2)) for item in row]


def table(name, values, kind, nullable):
    column = pa.array(with_nulls(values) if nullable else values, kind)
    other = pa.array([[{"a": [1, 2], "b": "x"}]] * len(column))
    numbers = pa.array(range(len(column)))
    schema = pa.schema([("before", other.type), pa.field(name, kind, nullable), ("behind", numbers.type)])
    return pa.table([other, column, numbers], schema)


def parquet(name, contents, **options):
    target = io.BytesIO()
    pq.write_table(contents, target, row_group_size=16, data_page_size=64, write_batch_size=4, **options)
    files[name] = target.getvalue()


KINDS = {
    "text": (TEXTS, pa.string(), ["PLAIN", "dictionary", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"]),
    "tokens-int32": (TOKENS, pa.list_(pa.int32()), ["PLAIN", "dictionary", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"]),
    "tokens-int64": (TOKENS, pa.list_(pa.int64()), ["PLAIN", "dictionary", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"]),
    "fixed-int32": (FIXED, pa.list_(pa.int32(), 3), ["PLAIN", "dictionary", "DELTA_BINARY_PACKED"]),
}
for (kind, (values, type_, encodings)), codec, page, nullable in itertools.product(
        KINDS.items(), ["none", "snappy", "gzip", "zstd"], ["1.0", "2.0"], [False, True]):
    column = "text" if kind == "text" else "input_ids"
    path = column if kind == "text" else "input_ids.list.element"
    for encoding in encodings:
        plain = {"use_dictionary": [path]} if encoding == "dictionary" else {"use_dictionary": False, "column_encoding": {path: encoding}}
        name = f"{kind}-{codec}-{page}-{encoding}{'-null' if nullable else ''}.parquet"
        parquet(name, table(column, values, type_, nullable), compression=codec, data_page_version=page,
                write_page_checksum=page == "1.0", **plain)
for name, type_ in [("large", pa.large_string()), ("view", pa.string_view()), ("coded", pa.dictionary(pa.int8(), pa.string()))]:
    parquet(f"text-{name}.parquet", pa.table({"text": pa.array(TEXTS, pa.string()).cast(type_)}))
for name, type_ in [("uint16", pa.uint16()), ("uint32", pa.uint32()), ("int16", pa.int16())]:
    parquet(f"fixed-list-{name}.parquet", pa.table({"tokens": pa.array(FIXED, pa.list_(type_))}))
parquet("tokens-large.parquet", pa.table({"input_ids": pa.array(TOKENS, pa.large_list(pa.int64()))}))

with tempfile.TemporaryDirectory() as folder:
    for kind, rows, column in [("text", TEXTS, "text"), ("tokens", TOKENS, "input_ids")]:
        data = datasets.Dataset.from_dict({column: rows})
        data.to_parquet(f"{folder}/x.parquet")
        files[f"{kind}-datasets.parquet"] = pathlib.Path(f"{folder}/x.parquet").read_bytes()
        data.save_to_disk(f"{folder}/{kind}")
        (name,) = [n for n in os.listdir(f"{folder}/{kind}") if n.endswith(".arrow")]
        files[f"{kind}-datasets.arrow"] = pathlib.Path(f"{folder}/{kind}/{name}").read_bytes()


def arrow(name, contents, file=False, **options):
    target = io.BytesIO()
    maker = pa.ipc.new_file if file else pa.ipc.new_stream
    with maker(target, contents.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(contents, max_chunksize=12)
    files[name] = target.getvalue()


for nullable in (False, True):
    end = "-null.arrow" if nullable else ".arrow"
    arrow("text-stream" + end, table("text", TEXTS, pa.string(), nullable))
    arrow("text-file" + end, table("text", TEXTS, pa.string(), nullable), file=True)
    arrow("text-zstd" + end, table("text", TEXTS, pa.string(), nullable), compression="zstd")
    arrow("text-large" + end, table("text", TEXTS, pa.large_string(), nullable))
    arrow("text-view" + end, table("text", TEXTS, pa.string_view(), nullable))
    arrow("tokens-int32" + end, table("input_ids", TOKENS, pa.list_(pa.int32()), nullable))
    arrow("tokens-int64" + end, table("input_ids", TOKENS, pa.large_list(pa.int64()), nullable))
    arrow("tokens-uint32" + end, table("input_ids", TOKENS, pa.list_(pa.uint32()), nullable))
    arrow("fixed-int64" + end, table("input_ids", FIXED, pa.list_(pa.int64(), 3), nullable))
    coded = table("text", TEXTS, pa.string(), nullable)
    arrow("text-coded" + end, coded.set_column(1, "text", coded["text"].dictionary_encode()))

lines = [json.dumps({"id": index, "text": text}, ensure_ascii=index % 2 == 0) for index, text in enumerate(TEXTS)]
plain = ("\n".join(lines) + "\n").encode()
middle = plain.index(b"\n", len(plain) // 2) + 1
array = json.dumps([json.loads(line) for line in lines]).encode()
files["text-lines.jsonl"] = plain
files["text-returns.ndjson"] = b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n\n")
files["text-members.jsonl.gz"] = gzip.compress(plain[:middle], mtime=0) + gzip.compress(plain[middle:], mtime=0) + bytes(20)
files["text-frames.jsonl.zst"] = b"".join(
    pa.compress(part, codec="zstd", asbytes=True) for part in (plain[:middle], plain[middle:])) + bytes.fromhex("502a4d1803000000") + b"abc"
files["text-array.json"] = array
files["text-pretty.json"] = json.dumps([json.loads(line) for line in lines], indent=2).encode()
files["text-array.json.gz"] = gzip.compress(array, mtime=0)
files["text-array.json.zst"] = pa.compress(array, codec="zstd", asbytes=True)
files["tokens-lines.jsonl"] = "".join(json.dumps({"input_ids": row}) + "\n" for row in TOKENS).encode()
files["tokens-array.json"] = json.dumps([{"input_ids": row} for row in TOKENS]).encode()

container = save({name: np.frombuffer(content, dtype=np.uint8) for name, content in sorted(files.items())},
                 metadata={"text": json.dumps(TEXTS), "tokens": json.dumps(TOKENS), "fixed": json.dumps(FIXED)})
packed = pa.Codec("zstd", compression_level=19).compress(container, asbytes=True)
(pathlib.Path(__file__).parent / "files.safetensors.zst").write_bytes(packed)
print(len(files), "files,", len(container), "bytes,", len(packed), "packed")
