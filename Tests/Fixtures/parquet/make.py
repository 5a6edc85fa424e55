"""Writes small Parquet files of unusual shapes: some by pyarrow, some byte by byte, some of them hostile.

Made with pyarrow 26:  python make.py

files.safetensors.zst   the bytes of each file, as a U8 tensor under the file's name; the metadata hold under
                        "rows", as JSON, what pyarrow reads out of each file that it can read: a string, a
                        list or null for each row of the column "c".
"""

import decimal
import datetime
import gzip
import io
import json
import pathlib
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save

files = {}
rows = {}


def expect(name, values):
    rows[name] = [value.decode() if isinstance(value, bytes) else value for value in values]


def parquet(name, values, kind, **options):
    target = io.BytesIO()
    pq.write_table(pa.table({"c": pa.array(values, kind)}), target, **options)
    files[name + ".parquet"] = target.getvalue()
    expect(name + ".parquet", values)


# What pyarrow writes.
INTS = pa.list_(pa.int32())
parquet("no-rows", [], pa.string())
parquet("no-rows-list", [], INTS)
parquet("nulls", [None] * 9, pa.string(), data_page_version="2.0", compression="zstd")
parquet("nulls-plain", [None] * 9, pa.string(), use_dictionary=False, compression="gzip")
parquet("null-lists", [None] * 9, INTS, data_page_version="2.0", compression="snappy")
for encoding, kind in [("DELTA_BYTE_ARRAY", pa.string()), ("DELTA_LENGTH_BYTE_ARRAY", pa.string())]:
    parquet("nulls-" + encoding, [None] * 9, kind, use_dictionary=False, column_encoding={"c": encoding})
parquet("runs", [[7] * 20_000, [], [8]], INTS, max_rows_per_page=30_000)
parquet("across-pages", [list(range(9000)), None, [1], list(range(500))], INTS, data_page_size=64,
        use_dictionary=False, compression="zstd", data_page_version="1.0")
parquet("negative", [[1, -2], [2**31 - 1], [3]], INTS)
parquet("too-large", [[1, 2**32], [2**32 - 1], [2**62]], pa.list_(pa.int64()))
parquet("unsigned", [[2**32 - 1, 0], [1]], pa.list_(pa.uint32()))
parquet("unsigned-delta", [[2**32 - 1, 0, 2**31, 5], [1]], pa.list_(pa.uint32()), use_dictionary=False,
        column_encoding={"c.list.element": "DELTA_BINARY_PACKED"})
parquet("unsigned-64", [[2**64 - 1], [1]], pa.list_(pa.uint64()))
parquet("extremes-delta", [[-2**63, 2**63 - 1, 5, -2**63], [4, 5]], pa.list_(pa.int64()), use_dictionary=False,
        column_encoding={"c.list.element": "DELTA_BINARY_PACKED"})
parquet("null-elements", [[1, None, 2], [3], None, []], INTS)
parquet("item", [[1, 2], [3], None, []], INTS, use_compliant_nested_type=False)
parquet("fixed-null", [[1, 2], None, [3, 4]], pa.list_(pa.int64(), 2))
parquet("binary", [b"a", None, "ü".encode()], pa.binary())
parquet("fallback", ["%03d" % (i % 400) for i in range(700)], pa.string(), dictionary_pagesize_limit=900,
        data_page_size=200, write_batch_size=50)

DAY = datetime.datetime(2020, 1, 1)
target = io.BytesIO()
pq.write_table(pa.table({
    "text": pa.array(["x"]), "int": pa.array([1]), "bool": pa.array([True]), "float": pa.array([1.5]),
    "bytes": pa.array([b"ab"], pa.binary(2)), "decimal": pa.array([decimal.Decimal("1.5")]),
    "ids": pa.array([[1]], INTS), "dates": pa.array([[DAY]], pa.list_(pa.date32())),
    "times": pa.array([[DAY]], pa.list_(pa.timestamp("ns"))), "floats": pa.array([[1.5]]),
    "texts": pa.array([["x"]]), "structure": pa.array([{"ids": [1]}]), "structures": pa.array([[{"id": 1}]]),
    "lists": pa.array([[[1]]]), "map": pa.array([[(1, 2)]], pa.map_(pa.int32(), pa.int32()))}), target)
files["types.parquet"] = target.getvalue()


# What nobody's library writes (any more), byte by byte. Fields are lists of (number, value).
def varint(value):
    result = b""
    while value >= 128:
        result, value = result + bytes([value & 127 | 128]), value >> 7
    return result + bytes([value])


class Long(int):
    pass


def thrift(value):
    """The type of a value and its bytes in the compact protocol."""
    if isinstance(value, bool):
        return (1 if value else 2), b""
    if isinstance(value, int):
        return (6 if isinstance(value, Long) else 5), varint((value << 1) ^ (value >> 63))
    if isinstance(value, (str, bytes)):
        text = value.encode() if isinstance(value, str) else value
        return 8, varint(len(text)) + text
    if isinstance(value, dict):
        result, last = b"", 0
        for number, field in value.items():
            kind, content = thrift(field)
            result += (bytes([(number - last) << 4 | kind]) if number - last < 16 else bytes([kind]) + varint(number << 1)) + content
            last = number
        return 12, result + b"\0"
    kinds = [thrift(item) for item in value]
    kind = kinds[0][0] if kinds else 12
    head = bytes([len(value) << 4 | kind]) if len(value) < 15 else bytes([0xF0 | kind]) + varint(len(value))
    return 9, head + b"".join(content for _, content in kinds)


def page(content, values, encoding=0, codec=lambda x: x, levels=(3, 3), size=None, **extra):
    packed = codec(content)
    header = {1: 0, 2: len(content) if size is None else size, 3: len(packed), 5: {1: values, 2: encoding, 3: levels[0], 4: levels[1]} | extra}
    return thrift(header)[1] + packed


def page2(levels, content, values, encoding=0, sizes=None, compressed=None):
    header = {1: 3, 2: len(levels[0] + levels[1] + content), 3: len(levels[0] + levels[1] + content),
              8: {1: values, 2: 0, 3: values, 4: encoding, 5: len(levels[1]), 6: len(levels[0])}}
    if sizes:
        header[8][5], header[8][6] = sizes
    if compressed is not None:
        header[8][7] = compressed
    return thrift(header)[1] + levels[0] + levels[1] + content


def dictionary(content, count):
    return thrift({1: 2, 2: len(content), 3: len(content), 7: {1: count, 2: 0}})[1] + content


def file(name, schema, pages, row_count, type_, codec=0, start=4, size=None, groups=None, **extra):
    body = b"".join(pages)
    chunk = {2: Long(4), 3: {1: type_, 2: [0], 3: ["c"], 4: codec, 5: Long(row_count), 6: Long(len(body)),
                             7: Long(len(body) if size is None else size), 9: Long(start)}} | extra
    groups = [{1: [chunk], 2: Long(len(body)), 3: Long(row_count)}] if groups is None else groups
    footer = thrift({1: 1, 2: [{4: "schema", 5: 1}] + schema, 3: Long(row_count), 4: groups})[1]
    files[name + ".parquet"] = b"PAR1" + body + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    return name + ".parquet"


def known(name, values):
    """Checks with pyarrow, too, what a file holds."""
    assert pq.read_table(io.BytesIO(files[name])).column(0).to_pylist() == values, name
    expect(name, values)


def ints(values, width=4):
    return b"".join(value.to_bytes(width, "little", signed=True) for value in values)


def strings(*values):
    return b"".join(len(value).to_bytes(4, "little") + value for value in map(str.encode, values))


def runs(*pairs):
    """Levels of one bit or two: (count, level) each; with their length before them."""
    content = b"".join(varint(count << 1) + bytes([level]) for count, level in pairs)
    return len(content).to_bytes(4, "little") + content


TEXT = [{1: 6, 3: 0, 4: "c", 6: 0}]
LIST = [{3: 0, 4: "c", 5: 1, 6: 3}, {3: 2, 4: "list", 5: 1}, {1: 1, 3: 0, 4: "element"}]
OLD = [{3: 1, 4: "c", 5: 1, 6: 3}, {1: 1, 3: 2, 4: "array"}]
BARE = [{1: 2, 3: 2, 4: "c"}]
known(file("old-list", OLD, [page(runs((1, 0), (1, 1), (3, 0)) + runs((2, 2), (1, 1), (1, 0), (1, 2)) + ints([5, 6, 7]), 5)],
           4, 1), [[5, 6], [], None, [7]])
known(file("bare-list", BARE, [page(runs((1, 0), (1, 1), (2, 0)) + runs((2, 1), (1, 0), (1, 1)) + ints([5, 6, 7], 8), 4)],
           3, 2), [[5, 6], [], [7]])
known(file("unannotated", [{1: 6, 3: 0, 4: "c"}], [page(strings("a", ""), 2)], 2, 6), [b"a", b""])
known(file("long-header", TEXT, [page(strings("a"), 1),
                                 thrift({1: 0, 2: 5, 3: 5, 5: {1: 1, 2: 0, 3: 3, 4: 3, 5: {1: b"x" * 9000}}})[1] + strings("b")], 2, 6), ["a", "b"])
known(file("unknown-fields", [{**TEXT[0], 40: "x", 41: {1: [1, 2]}, 60: True}], [page(strings("a"), 1)], 1, 6), ["a"])
known(file("index-page", TEXT, [thrift({1: 1, 2: 3, 3: 3, 6: {}})[1] + b"abc", page(strings("a"), 1)], 1, 6), ["a"])
known(file("no-groups", TEXT, [], 0, 6, groups=[]), [])
known(file("gzip", TEXT, [page(strings("a", "b"), 2, codec=lambda x: gzip.compress(x, mtime=0))], 2, 6, codec=2), ["a", "b"])
stream = pa.compress(strings("a", "b"), codec="zstd", asbytes=True)
known(file("zstd", TEXT, [page(strings("a", "b"), 2, codec=lambda x: stream)], 2, 6, codec=6), ["a", "b"])
known(file("alternating", TEXT, [
    dictionary(strings("a", "b"), 2), page(bytes([1, 2, 0]), 1, encoding=8), page(strings("c"), 1),
    page(bytes([1, 2, 1]), 1, encoding=8), page(strings("d"), 1), page(bytes([1, 2, 0]), 1, encoding=8)],
    5, 6), ["a", "c", "b", "d", "a"])
known(file("uncompressed-2", TEXT, [page2((b"", b""), strings("a"), 1, compressed=False)], 1, 6, codec=1), ["a"])

# Damage of every kind; none of these is read to its end.
file("levels-overflow", TEXT, [page2((b"", b""), strings("a"), 1, sizes=(2**31 - 1, 2**31 - 1))], 1, 6)
file("levels-long", TEXT, [page2((b"", b""), strings("a"), 1, sizes=(4, 4))], 1, 6)
file("negative-levels", TEXT, [page2((b"", b""), strings("a"), 1, sizes=(-1, 0))], 1, 6)
file("wide-size", TEXT, [thrift({1: 0, 2: Long(2**62), 3: Long(2**62), 5: {1: 1, 2: 0}})[1]], 1, 6)
file("grows", TEXT, [page(strings("a"), 1, size=250 << 20)], 1, 6, codec=1)
file("too-big", TEXT, [page(strings("a"), 1, size=300 << 20)], 1, 6, codec=1)
file("page-behind-column", TEXT, [page(strings("a"), 1)], 1, 6, size=9)
file("column-behind-file", TEXT, [page(strings("a"), 1)], 1, 6, size=90_000)
file("column-before-file", TEXT, [page(strings("a"), 1)], 1, 6, start=-5)
file("other-file", TEXT, [], 1, 6, groups=[{1: [{1: "x.parquet", 2: Long(4), 3: {1: 6, 4: 0, 5: Long(1), 7: Long(0), 9: Long(4)}}], 3: Long(1)}])
file("string-behind-page", TEXT, [page((200).to_bytes(4, "little") + b"abc", 1)], 1, 6)
file("few-values", TEXT, [page(strings("a"), 2)], 2, 6)
file("few-rows", TEXT, [page(strings("a"), 1)], 2, 6)
file("many-rows", TEXT, [page(strings("a", "b"), 2)], 1, 6)
file("two-dictionaries", TEXT, [dictionary(strings("a"), 1), dictionary(strings("a"), 1)], 1, 6)
file("long-dictionary", TEXT, [dictionary(strings("a"), 1 << 30)], 1, 6)
file("no-dictionary", TEXT, [page(bytes([1, 3, 0]), 1, encoding=8)], 1, 6)
file("outside-dictionary", TEXT, [dictionary(strings("a"), 1), page(bytes([1, 2, 1]), 1, encoding=8)], 1, 6)
file("wide-places", TEXT, [dictionary(strings("a"), 1), page(bytes([33, 2, 1]), 1, encoding=8)], 1, 6)
file("empty-run", TEXT, [dictionary(strings("a"), 1), page(bytes([1, 0]), 1, encoding=8)], 1, 6)
file("delta-blocks", TEXT, [page(bytes([0, 4, 1, 0]), 1, encoding=6)], 1, 6)
file("delta-negative", TEXT, [page(bytes([128, 1, 4, 1, 1]), 1, encoding=6)], 1, 6)
file("delta-short", TEXT, [page(bytes([128, 1, 4, 9, 0, 0, 32]), 9, encoding=6)], 9, 6)
file("prefix-first", TEXT, [page(bytes([128, 1, 4, 1, 2, 128, 1, 4, 1, 2]) + b"a", 1, encoding=7)], 1, 6)
file("list-without-start", LIST, [page(runs((1, 1)) + runs((1, 1)) + ints([5]), 1)], 1, 1)
file("endless-list", LIST, [dictionary(ints([5]), 1),
                            page(runs((1, 0), (2**31 - 2, 1)) + runs((2**31 - 1, 1)) + bytes([0]), 2**31 - 1, encoding=8)], 1, 1)
file("packed-levels", LIST, [page(runs((1, 0)) + runs((1, 1)) + ints([5]), 1, levels=(4, 4))], 1, 1)
file("checksum", TEXT, [thrift({1: 0, 2: 5, 3: 5, 4: zlib.crc32(strings("b")) - 2**32 if zlib.crc32(strings("b")) >= 2**31 else zlib.crc32(strings("b")), 5: {1: 1, 2: 0, 3: 3, 4: 3}})[1] + strings("a")], 1, 6)
file("lz4", TEXT, [page(strings("a"), 1)], 1, 6, codec=7)
file("codec-9", TEXT, [page(strings("a"), 1)], 1, 6, codec=9)
file("encoding-4", TEXT, [page(strings("a"), 1, encoding=4)], 1, 6)
file("delta-text", TEXT, [page(strings("a"), 1, encoding=5)], 1, 6)
file("wrong-type", TEXT, [page(strings("a"), 1)], 1, 1)
file("missing-chunk", TEXT, [], 1, 6, groups=[{1: [], 2: Long(0), 3: Long(1)}])
file("negative-rows", TEXT, [], -1, 6)
file("short-schema", [{3: 0, 4: "c", 5: 9}], [], 0, 6)
deep = {1: 0}
for _ in range(40):
    deep = {1: deep}
file("deep", [{**TEXT[0], 40: deep}], [page(strings("a"), 1)], 1, 6)

container = save({name: np.frombuffer(content, dtype=np.uint8) for name, content in sorted(files.items())},
                 metadata={"rows": json.dumps(rows)})
packed = pa.Codec("zstd", compression_level=19).compress(container, asbytes=True)
(pathlib.Path(__file__).parent / "files.safetensors.zst").write_bytes(packed)
print(len(files), "files,", len(container), "bytes,", len(packed), "packed")
