"""Writes small Arrow streams of kinds that are rare or out of order.

Made with pyarrow 26:  python make.py

coded.arrow   text by a dictionary that holds a null, which a row and a place are, too
empty.arrow   lists of the fixed size 0
wide.arrow    lists of every type of whole number; row 2 holds what is no token id where one fits
nested.arrow  lists behind columns of every other type
"""

import pathlib

import pyarrow as pa

FOLDER = pathlib.Path(__file__).parent


def write(name, arrays):
    batch = pa.record_batch(list(arrays.values()), names=list(arrays))
    with pa.ipc.new_stream(FOLDER / (name + ".arrow"), batch.schema) as writer:
        writer.write_batch(batch)


places = pa.array([0, 1, None, 2, 0], pa.int8())
write("coded", {"text": pa.DictionaryArray.from_arrays(places, pa.array(["one", None, "two"]))})
write("empty", {"input_ids": pa.array([[], [], []], pa.list_(pa.int32(), 0))})

wide = {}
for bits in (8, 16, 32, 64):
    highest = min(2 ** (bits - 1) - 1, 2**32 - 1)
    bad = -1 if bits < 64 else 2**32
    wide[f"int{bits}"] = pa.array([[0, highest], [], [1, bad]], pa.list_(getattr(pa, f"int{bits}")()))
    highest = min(2**bits - 1, 2**32 - 1)
    bad = 7 if bits < 64 else 2**64 - 1
    wide[f"uint{bits}"] = pa.array([[0, highest], [], [1, bad]], pa.large_list(getattr(pa, f"uint{bits}")()))
write("wide", wide)

rows = range(3)
write("nested", {
    "nothing": pa.nulls(3),
    "flag": pa.array([True, False, None]),
    "view": pa.array(["short", "longer than twelve bytes", None], pa.string_view()),
    "bytes": pa.array([b"", b"a", b"bc"], pa.large_binary()),
    "time": pa.array([1, 2, 3], pa.timestamp("us")),
    "decimal": pa.array([1, 2, 3], pa.decimal128(5)),
    "struct": pa.array([{"a": 1, "b": [{"c": "x"}]}, None, {"a": 2, "b": []}]),
    "map": pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int32())),
    "list": pa.array([["a"], None, []], pa.list_(pa.string())),
    "runs": pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array([1, 2])),
    "views": pa.array([[1], [], None], pa.list_view(pa.int16())),
    "coded": pa.array(["x", "y", "x"]).dictionary_encode(),
    "union": pa.UnionArray.from_sparse(pa.array([0, 0, 0], pa.int8()), [pa.array([1, 2, 3])]),
    "input_ids": pa.array([[1, 2], [], [3]], pa.list_(pa.int32())),
})
