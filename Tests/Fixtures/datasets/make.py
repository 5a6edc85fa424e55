"""Writes what Hugging Face's datasets reads of small folders, and what PyYAML reads of small cards.

Made with datasets 5.2, pyarrow 26, pandas and PyYAML 6:  HF_HUB_OFFLINE=1 python make.py

folders.json   cases: files (name to content; binary ones as base64 under "base64"), the arguments of
               load_dataset, and either "texts" (the column `text`, null for a missing value) or "error".
cards.json     YAML texts and their values.
"""

import base64
import bz2
import gzip
import io
import json
import lzma
import os
import pathlib
import random
import tempfile

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

datasets.disable_progress_bars()
datasets.logging.set_verbosity(datasets.logging.CRITICAL)
rng = random.Random(20)
cases = []


def parquet(rows):
    target = io.BytesIO()
    pq.write_table(pa.table({"text": rows}), target, compression="none")
    return target.getvalue()


def arrow(rows):
    target = io.BytesIO()
    with pa.ipc.new_stream(target, pa.schema({"text": pa.string()})) as writer:
        writer.write_table(pa.table({"text": rows}))
    return target.getvalue()


def lines(rows):
    return "".join(json.dumps({"text": row}) + "\n" for row in rows)


def content(kind, rows):
    if kind == "parquet":
        return parquet(rows)
    if kind == "arrow":
        return arrow(rows)
    if kind in ("csv", "tsv"):
        return "text\tn\n".replace("\t", "," if kind == "csv" else "\t") + "".join(
            f'{row}{"," if kind == "csv" else chr(9)}1\n' for row in rows)
    if kind == "txt":
        return "".join(row + "\n" for row in rows)
    if kind == "json":
        return json.dumps([{"text": row} for row in rows])
    return lines(rows)


def case(label, files, path="folder", name=None, **arguments):
    arguments.setdefault("split", "train")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as cache:
        for file, text in files.items():
            place = pathlib.Path(folder, "folder", file)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text if isinstance(text, bytes) else text.encode())
        before = os.getcwd()
        os.chdir(folder if path == "folder" else folder + "/folder")
        try:
            found = datasets.load_dataset(path, name, cache_dir=cache, **arguments)
            result = {"texts": list(found["text"])}
        except Exception as error:  # what datasets refuses, by whatever class of error
            result = {"error": type(error).__name__}
        os.chdir(before)
    stored = {file: {"base64": base64.b64encode(text).decode()} if isinstance(text, bytes) else text
              for file, text in files.items()}
    cases.append({"label": label, "files": stored, "path": path, "name": name, **arguments, **result})
    print(len(cases), label, json.dumps(result)[:100])


def rows(prefix, count):
    return [f"{prefix}{index}" for index in range(count)]


# Configurations of a card.
tree = {"v1/a.parquet": parquet(["old one", "old two"]), "v2/b.parquet": parquet(["new one"]),
        "v2/deep/c.parquet": parquet(["deep"]), "test/d.parquet": parquet(["tested"])}
CARDS = {
    "text": "configs:\n- config_name: default\n  data_files: v2/*.parquet\n",
    "list": "configs:\n- config_name: x\n  data_files:\n  - v1/a.parquet\n  - v2/*.parquet\n",
    "splits": "configs:\n- config_name: x\n  data_files:\n  - split: train\n    path: v1/*\n  - split: test\n    path:\n    - v2/**\n    - test/d.parquet\n",
    "several": "license: mit\nconfigs:\n- config_name: default\n  data_files: \"v2/*.parquet\"\n- config_name: first\n  data_files:\n  - split: train\n    path: v1/*.parquet\n",
    "marked": "configs:\n- config_name: a\n  data_files: v1/*\n- config_name: b\n  data_files: v2/*\n  default: true\n",
    "no default": "configs:\n- config_name: a\n  data_files: v1/*\n- config_name: b\n  data_files: v2/*\n",
    "described": "configs:\n- config_name: a\n  data_files: v1/*\n- config_name: b\n  data_files: v2/*\ndataset_info:\n  config_name: b\n  features:\n  - name: text\n    dtype: string\n",
    "two defaults": "configs:\n- config_name: default\n  data_files: v1/*\n- config_name: b\n  data_files: v2/*\n  default: true\n",
    "folder": "configs:\n- config_name: x\n  data_dir: v2\n",
    "folder and files": "configs:\n- config_name: x\n  data_dir: v2\n  data_files: '*.parquet'\n",
    "deep": "configs:\n- config_name: x\n  data_files: '**/*.parquet'\n",
    "all below": "configs:\n- config_name: x\n  data_files: v2/**\n",
    "flow": "configs: [{config_name: x, data_files: [{split: train, path: [v1/a.parquet]}, {split: test, path: 'v2/b.parquet'}]}]\n",
    "no files": "configs:\n- config_name: x\n  data_files: nothing/*.parquet\n",
    "none": "license: mit\ntags:\n- a\n",
    "no name": "configs:\n- data_files: v1/*\n",
    "empty": "configs: []\n",
    "comments": "# a head\nconfigs: # of files\n  # indented\n  - config_name: 'x' # its name\n    data_files: v1/*.parquet # all\n",
    "question": "configs:\n- config_name: x\n  data_files: v?/[ab].parquet\n",
    "negated": "configs:\n- config_name: x\n  data_files: 'v[!1]/*.parquet'\n",
}
for label, card in CARDS.items():
    files = {**tree, "README.md": f"---\n{card}---\n# A data set\n"}
    for name in (None, "x", "a", "b", "first", "default", "nowhere"):
        if name is None or name in card or name == "nowhere":
            case(f"card {label}, name {name}", files, name=name)
    case(f"card {label}, test", files, split="test")
for label, head in {"blank first": "\n---\n", "no end": "---\nx: 1\n", "returns": "---\r\nconfigs:\r\n- config_name: x\r\n  data_files: v1/*\r\n---\r\n",
                    "dashes in text": "---\nconfigs:\n- config_name: x\n  data_files: v1/*\n---  \ntext\n---\n"}.items():
    case(f"head {label}", {**tree, "README.md": head})
case("card and data_files", {**tree, "README.md": "---\n" + CARDS["several"] + "---\n"}, data_files="v1/*.parquet")
case("card and data_dir", {**tree, "README.md": "---\n" + CARDS["several"] + "---\n"}, data_dir="v1")
case("card apart", {**tree, ".huggingface.yaml": CARDS["text"]})
case("card with a separator", {"a.csv": "text;n\nx;1\n", "README.md": "---\nconfigs:\n- config_name: x\n  data_files: a.csv\n  sep: ';'\n---\n"})
case("card with paragraphs", {"a.txt": "one\ntwo\n\nthree\n", "README.md": "---\nconfigs:\n- config_name: x\n  data_files: a.txt\n  sample_by: paragraph\n---\n"})
case("card with documents", {"a.txt": "one\ntwo\n\nthree\n", "b.txt": "", "README.md": "---\nconfigs:\n- config_name: x\n  data_files: '*.txt'\n  sample_by: document\n---\n"})

# Folders with files of several kinds.
KINDS = ["jsonl", "json", "csv", "parquet", "arrow", "txt", "tsv", "ndjson"]
for index in range(60):
    names = [f"{chr(97 + place)}.{rng.choice(KINDS)}" for place in range(rng.randrange(1, 6))]
    files = {name: content(name.split(".")[-1], [f"{name[0]} one", f"{name[0]} two"]) for name in names}
    for extra in ["README.md", "LICENSE", "config.json", "dataset_infos.json", ".hidden.jsonl", "__pycache__/x.jsonl",
                  ".git/y.txt", "metadata.jsonl", "notes.md", "script.py"]:
        if rng.random() < 0.12:
            files[extra] = lines(["extra"]) if extra.endswith(("jsonl", "txt")) else "{}" if extra.endswith("json") else "text\n"
    case(f"mixed {index}", files)
case("two to one", {"a.jsonl": lines("12"), "b.jsonl": lines("345"), "c.parquet": parquet(["6"])})
case("compressed name", {"a.v1.jsonl": lines("12"), "b.jsonl": lines("3")})

# Names that tell splits.
WORDS = ["train", "training", "validation", "valid", "dev", "val", "test", "testing", "eval", "evaluation"]
for word in WORDS:
    files = {f"{word}.jsonl": lines(rows(word, 2)), "train-1.jsonl": lines(["t"])}
    for split in ("train", "validation", "test"):
        case(f"named {word}, {split}", files, split=split)
    case(f"folder {word}", {f"{word}/a.jsonl": lines(rows(word, 2)), "other/b.jsonl": lines(["o"])}, split="test")
case("numbered", {f"data/{split}-0000{index}-of-00002.parquet": parquet([f"{split}{index}"]) for split in ("train", "validation", "extra") for index in (0, 1)}, split="extra+validation+train")
case("numbered at the top", {f"validation-0000{index}-of-00002.parquet": parquet([str(index)]) for index in (0, 1)}, split="validation")
case("all", {"train.jsonl": lines("ab"), "test.jsonl": lines("cd"), "dev.jsonl": lines("e")}, split="all")

# Expressions.
three = {"train.jsonl": lines(rows("t", 23)), "test.jsonl": lines(rows("e", 7)), "dev.jsonl": lines(rows("v", 1))}
EXPRESSIONS = ["train[:80%]", "train[1000:]", "train[10:]", "train[:10%]+test", "train+test", "test + train[:2]", "train[-5:]", "train[:-20]",
               "train[-30:3]", "train[5:2]", "train[50%:]", "train[-10%:]", "train[:-90%]", "train[33%:66%]", "train[:101%]", "train[:50%](closest)",
               "train[:50%](pct1_dropremainder)", "train[:5](closest)", "train[10%:15]", "train[5:50%]", "train[", "train[:]", "train[::2]", "train[1]",
               "train[:1_0]", "train[+3:]", "nothing", "train+nothing", "train ", "test[:3%]", "train[:2%]", "train[:50%]+test[:50%](pct1_dropremainder)",
               "validation[:50%]", "validation[50%:]", "train[1.5:]", "train[:10]+train[:10]", "train[0:0]+test[:1]", "train()", "train[:5%]+train[5:7]"]
for expression in EXPRESSIONS:
    case(f"split {expression}", three, split=expression)
hundred = {"a.txt": "".join(f"{index}\n" for index in range(150)), "b.txt": "x\n" * 57}
for _ in range(25):
    bounds = [rng.choice(["", str(rng.randrange(-100, 101))]) for _ in range(2)]
    unit = rng.choice(["%", "%", ""])
    rounding = "(pct1_dropremainder)" if unit and rng.random() < 0.4 else ""
    case("split of 207", hundred, split="train[" + ":".join(bound + (unit if bound else "") for bound in bounds) + "]" + (rounding if any(bounds) else ""))

# Builders by name.
texts = {"a.txt": "first line\nsecond line\nthird line\n", "sub/b.text": "x\ny", "c.jsonl": lines("12")}
case("text", texts, "text", data_files=["a.txt"])
case("text of other names", texts, "text", data_files="sub/*")
case("text of a folder", texts, "text", data_dir="sub")
case("json by name", {"a.x": lines("12"), "b.txt": lines("3")}, "json", data_files={"train": "a.x", "test": ["b.txt"]}, split="test")
case("json by name, train", {"a.x": lines("12"), "b.txt": lines("3")}, "json", data_files={"train": ["a.x", "b.txt"]})
case("csv by name", {"a.tsv": "text\n1a\n"}, "csv", data_files="a.tsv")
case("csv of tabs by name", {"a.tsv": "text\tn\n1a\t2\n"}, "csv", data_files="a.tsv")
case("parquet by name", {"d/x": parquet(["p"])}, "parquet", data_files="d/x")
case("arrow by name", {"d/x": arrow(["p"])}, "arrow", data_dir="d")
case("folder of splits by name", {"d/train.x": "a\n", "d/test.x": "b\n"}, "text", data_dir="d", split="test")

# data_files within a folder.
deep = {"a.jsonl": lines("a"), "d/b.jsonl": lines("b"), "d/e/c.jsonl": lines("c"), ".h/x.jsonl": lines("x"), "d/.y.jsonl": lines("y"),
        "__p/z.jsonl": lines("z"), "d/__q/w.jsonl": lines("w"), "README.md": "text\n", "LICENSE": "text\n"}
for pattern in ["*.jsonl", "**", "d/**", "**/*.jsonl", "d/*", "**/e/*", ".h/*", ".*/*.jsonl", "d/.*", "__p/*", "__*/*.jsonl", "d/__q/w.jsonl", ".h/x.jsonl",
                "*/?.jsonl", "[ab].jsonl", "d/[!x].jsonl", "**/__q/*", "d/e/../b.jsonl", "./a.jsonl", "d", "nothing.jsonl", "no*.jsonl", "*", "d/*/*"]:
    case(f"data_files {pattern}", deep, data_files=pattern)
case("data_files list", deep, data_files=["d/b.jsonl", "*.jsonl"])
case("data_files mapping", deep, data_files={"train": ["a.jsonl"], "test": "d/*.jsonl"}, split="test")
case("data_files mapping, unknown", deep, data_files={"train": ["a.jsonl"]}, split="test")
case("data_files of splits", deep, data_files=[{"split": "train", "path": "a.jsonl"}, {"split": "more", "path": ["d/b.jsonl"]}], split="more")
case("data_dir", deep, data_dir="d")
case("data_dir and data_files", deep, data_dir="d", data_files="*.jsonl")

# JSON.
for label, text in {
    "NaN": '{"s": NaN, "text": "one"}\n{"s": 0.5, "text": "two"}\n{"text": "three", "s": -Infinity}\n{"s": Infinity, "text": "four"}',
    "pretty": '{\n  "text": "a",\n  "n": 1\n}\n{\n  "text": "b",\n  "n": 2\n}\n', "pretty one": '{\n "text": "a"\n}',
    "one line": '{"text": "a"} {"text": "b"}\n{"text": "c"}', "tight": '{"text":"a"}{"text":"b"}\n{"text":"c"}',
    "texts": '["a", "b{", "c\\n\\"d\\""]', "texts pretty": '[\n  "a",\n  "b"\n]', "texts and null": '["a", null, "c"]',
    "objects": '[{"text": "a"}, {"text": "b"}]', "objects NaN": '[{"text": "a", "s": NaN}, {"text": "b", "s": Infinity}]',
    "blank lines": '\n{"text":"a"}\n\n  \n{"text":"b"}\n\n', "returns": '{"text":"a"}\r\n{"text":"b"}\r\n', "commas": '{"text":"a"},\n{"text":"b"},\n',
    "texts in lines": '"a"\n"b"\n', "missing": '{"text":"a"}\n{"other":1}\n', "null": '{"text":"a"}\n{"text":null}\n',
    "escapes": '{"text":"\\u00e9\\ud83c\\udf89\\t\\/"}\n', "mark": '\ufeff{"text":"a"}\n', "other types": '{"text":"a","x":1}\n{"text":"b","x":"y"}\n',
    "nested": '{"x":{"text":"no","l":[1,{"t":[]}]},"text":"yes"}\n', "cut": '{"text":"a"}\n{"text":"b',
}.items():
    case(f"json {label}", {"a.jsonl": text})
long = json.dumps({"text": "x" * 6000, "more": [1, 2]}, indent=1)
case("json pretty and long", {"a.json": long + "\n" + long.replace("x", "y")})

# CSV.
for label, text in {
    "simple": "text,n\na,1\nb,2\n", "quotes": 'text,n\n"a ""q"" x",1\n"two\nlines, and",2\n"crlf\r\nin",3\nmid"dle"q,4\n"end"tail,5\n',
    "crlf": "text,n\r\na,1\r\nb,2", "cr": "text,n\ra,1\rb,2", "mark": "\ufefftext,n\na,1\n", "mark and quotes": '\ufeff"text",n\na,1\n',
    "missing": 'text,n\n,1\nNone,2\nnull,3\nNaN,4\n"",5\n"NA",6\nN/A,7\nnone,8\n NA,9\nTrue,10\n12,11\n#N/A,12\n<NA>,13\n', "short": "text,n\na\nb,2\n",
    "long": "text,n\na,1\nb,2,3\n", "index": "text,n\n0,a,1\n1,b,2\n", "index and short": "text,n\n0,a,1\nb,2\n", "blank": 'text\n\na\n   \n\t\nb\n  x\n""\n',
    "blank before": "\n\ntext,n\n\na,1\nx,\n", "twice": "text,text\na,b\n", "spaces": 'text, n\n a , 1\n "q", 2\n', "open": 'text,n\n"a,1\nb,2\n', "empty": "",
    "mixed numbers": "text\n1\n1.50\nx\n007\n", "trailing": "text,n,\na,1,\nb,2,\n", "unnamed": ",text\n0,a\n1,b\n", "separators": "text\na\u2028b\x0cc\x85d\n",
    "quotes at the end": 'text\n"a"\r\n"b"', "open at the end": 'text\na\n"', "quote and blank": 'text,n\n"a" ,1\n', "blank header": "  \ntext\na\n",
    "second": "n,text\n1,a\n2,\"b\nc\"\n3,d", "other column": "body\nx\n",
}.items():
    case(f"csv {label}", {"a.csv": text})
ALPHABET = ['"', ",", "\n", "\r\n", "a", "b", " ", "\t", '""', "é"]
for index in range(60):
    body = "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(2, 30)))
    case(f"csv random {index}", {"a.csv": "text,n\n" + "word,1\n" + body})
for index in range(30):
    table = [["".join(rng.choice(['"', ",", "\n", "é", "x", " ", "\r\n"]) for _ in range(rng.randrange(1, 8))) + "z" for _ in range(2)] for _ in range(4)]
    quoted = "\r\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in [["text", "n"]] + table)
    case(f"csv quoted {index}", {"a.csv": quoted})

# Text.
for label, text in {"ends": "one\ntwo\r\nthree\rfour\n\n", "signs": "one\x0ctwo\u2028three\x85four\x1cfive\n", "empty": "", "last": "a\n\nb"}.items():
    case(f"text {label}", {"a.txt": text, "b.txt": "x"})
for index in range(30):
    text = "".join(rng.choice(["a", "\n", "\n", "\r\n", " b"]) for _ in range(rng.randrange(1, 14)))
    case(f"paragraphs {index}", {"a.txt": text, "b.txt": "x"}, "text", data_files=["a.txt", "b.txt"], sample_by="paragraph")

# Options that a card gives the builder of its files.
def optioned(label, file, text, **options):
    card = {"configs": [{"config_name": "x", "data_files": file, **options}]}
    case(f"option {label}", {file: text, "README.md": "---\n" + yaml.safe_dump(card) + "---\n"})


TABLE = 'text,n\na,x1\n"b, ""q""",x2\n\nc,x3\n'
BARE = 'a,x1\n"b\nc",x2\nd,x3\n'
SKIPPED = "# made\n\ntext,n\na,1\nb,2\n"
for label, text, options in [
    ("sep", "text;n\na,b;1\n", {"sep": ";"}), ("delimiter", "text|n\na,b|1\n", {"delimiter": "|"}), ("sep and delimiter", "text|n\na;b|1\n", {"sep": ";", "delimiter": "|"}),
    ("delimiter null", "text;n\na;1\n", {"sep": ";", "delimiter": None}), ("tab", "text\tn\na,b\t1\n", {"sep": "\t"}), ("long separator", "text::n\na::1\n", {"sep": "::"}),
    ("header infer", TABLE, {"header": "infer"}), ("header 0", TABLE, {"header": 0}), ("header 1", "x,y\ntext,n\na,1\n", {"header": 1}), ("header 2", "x\n\ny,z,w\ntext,n\na,1\n", {"header": 2}),
    ("header beyond", TABLE, {"header": 9}), ("header list", "text,n\nx,y\na,1\n", {"header": [0, 1]}), ("no header", TABLE, {"header": None}),
    ("names", BARE, {"names": ["text", "n"]}), ("column_names", BARE, {"column_names": ["text", "n"]}), ("names and column_names", BARE, {"names": ["x", "n"], "column_names": ["text", "n"]}),
    ("names without header", BARE, {"names": ["text", "n"], "header": None}), ("names for a header", TABLE, {"names": ["text", "m"], "header": 0}), ("names second", BARE, {"names": ["n", "text"]}),
    ("more names", BARE, {"names": ["text", "n", "m"]}), ("fewer names", BARE, {"names": ["text"]}), ("fewer names for a header", TABLE, {"names": ["text"], "header": 0}), ("more names for a header", TABLE, {"names": ["m", "text", "n"], "header": 0}),
    ("names and a longer row", "a,1\nb,2,3\n", {"names": ["text", "n"]}), ("names and a shorter row", "a,x\nb\n", {"names": ["n", "text"]}), ("names twice", BARE, {"names": ["text", "text"]}), ("names and header 1", "x,y\n" + BARE, {"names": ["text", "n"], "header": 1}),
    ("more names and rows", "a\nb,2\nc,3,4\nd,5,6,7\n", {"names": ["text", "n", "m"]}), ("names of nothing", "", {"names": ["text"]}), ("a name", "a\nb\n", {"names": ["text"]}),
    ("skiprows", SKIPPED, {"skiprows": 1}), ("skiprows 2", SKIPPED, {"skiprows": 2}), ("skiprows 0", TABLE, {"skiprows": 0}), ("skiprows null", TABLE, {"skiprows": None}), ("skiprows all", TABLE, {"skiprows": 99}),
    ("skiprows list", "text,n\na,1\nb,2\nc,3\n", {"skiprows": [1, 3]}), ("skiprows list first", SKIPPED, {"skiprows": [0]}), ("skiprows over lines", 'x,"y\nz"\ntext,n\na,1\n', {"skiprows": 1}),
    ("skiprows and a quote", 'it is 5" wide\ntext,n\na,1\nb"b,2\nc,3\n', {"skiprows": 1}), ("skiprows and returns", "x\r\ny\rtext,n\ra,1\r\n", {"skiprows": 2}), ("skiprows and names", "x\n" + BARE, {"skiprows": 1, "names": ["text", "n"]}),
    ("skiprows and header", "x\ny\nz\ntext,n\na,1\n", {"skiprows": 1, "header": 2}), ("skiprows of blanks", "\n\n\ntext,n\na,1\n", {"skiprows": 2}), ("skiprows list of blanks", "text,n\n\na,1\nb,2\n", {"skiprows": [2]}),
    ("quotechar", "text,n\n'a, b',1\n\"c,2\n'd''e',3\n", {"quotechar": "'"}), ("no quotes", 'text\tn\n"a\t1\nb "c"\t2\n"d"\t3\n', {"quoting": 3, "sep": "\t"}), ("quoting 1", TABLE, {"quoting": 1}), ("quoting 2", '"text","n"\n"a",1\n', {"quoting": 2}),
    ("doublequote", TABLE, {"doublequote": True}), ("no doublequote", 'text,n\n"a""b",1\n', {"doublequote": False}), ("escapechar", 'text,n\n"a\\"b",1\n', {"escapechar": "\\"}), ("comment", "text,n\na,1#x\n#y\n", {"comment": "#"}),
    ("skipinitialspace", 'text, n, m\n a,  "x, y", 1\n  "b, c", 2,3\n \td,4,5\n', {"skipinitialspace": True}), ("skipinitialspace second", 'n, text\n1,  "x, y"\n2,\t z \n3, \n', {"skipinitialspace": True}),
    ("keep_default_na", "text,n\nNone,1\n,2\nNA,3\nb\n", {"keep_default_na": False}), ("na_filter", "text,n\nNone,1\n,2\nNA,3\n", {"na_filter": False}), ("na_values", "text,n\nNone,1\nnothing,2\nb,3\n", {"na_values": "nothing"}),
    ("na_values list", "text,n\nNone,1\nx,2\ny,3\nz,4\n", {"na_values": ["x", "y"]}), ("na_values alone", "text,n\nNone,1\nx,2\n,3\n", {"na_values": ["x"], "keep_default_na": False}), ("second and empty", "n,text\n1,\n2\n3,a\n", {"keep_default_na": False}),
    ("na_filter and na_values", "text,n\nNone,1\nx,2\n", {"na_filter": False, "na_values": ["x"]}),
    ("on_bad_lines skip", "text,n\na,1\nb,2,3\nc,4\n", {"on_bad_lines": "skip"}), ("on_bad_lines warn", "text,n\na,1\nb,2,3\nc,4\n", {"on_bad_lines": "warn"}), ("on_bad_lines error", "text,n\na,1\nb,2,3\n", {"on_bad_lines": "error"}),
    ("thousands", 'text,n\n"1,000",1\nb,2\n', {"thousands": ","}), ("decimal", 'text;n\n"1,5";1\nb;2\n', {"decimal": ",", "sep": ";"}), ("true_values", "text,n\nyes,1\nb,2\n", {"true_values": ["yes"]}),
    ("fewer names than the header", "text,n\na\nb,x\n", {"names": ["text"], "header": 0}), ("more names than the header", "text,n\na,b,c\nd,e,f\n", {"names": ["x", "text", "n"], "header": 0}),
    ("encoding", TABLE, {"encoding": "utf-8"}), ("encoding with a mark", "\ufeff" + TABLE, {"encoding": "utf-8-sig"}), ("nrows", TABLE, {"nrows": 1}), ("usecols", TABLE, {"usecols": ["text"]}), ("index_col", "i,text\n0,a\n1,b\n", {"index_col": 0}),
    ("skip_blank_lines", "text,n\n\na,1\n", {"skip_blank_lines": False}), ("skipfooter", TABLE + "end\n", {"skipfooter": 1}), ("lineterminator", "text,n;a,1;b,2;", {"lineterminator": ";"}), ("engine", TABLE, {"engine": "python"}),
    ("of other builders", TABLE, {"field": "data", "columns": ["n"], "sample_by": "document", "keep_linebreaks": True, "nonsense": 1}),
]:
    optioned(f"csv {label}", "a.csv", text, **options)
option_rng = random.Random(7)
for index in range(120):
    text = "".join(option_rng.choice(["a", "b", "text", "'", '"', ",", " ", "\n", "\n", "\r\n", "\r\n", "''", "x,y\n", "x,y\n"]) for _ in range(option_rng.randrange(4, 40)))
    options = {"names": ["text", "n"][:option_rng.randrange(1, 3)]} if option_rng.random() < 0.7 else {}
    for name, values in {"skiprows": [0, 1, 2, [1], [0, 2]], "header": [0, 1, None], "quotechar": ["'"], "quoting": [3, 0], "skipinitialspace": [True], "keep_default_na": [False], "on_bad_lines": ["skip"]}.items():
        if option_rng.random() < 0.35:
            options[name] = option_rng.choice(values)
    optioned(f"csv random {index}", "a.csv", text if "names" in options else "text,n\n" + text, **options)
optioned("csv of tabs", "a.tsv", "text;n\na\tb;1\n", sep=";")
latin = "text,n\n\u00e9t\u00e9 \u00a3,1\n"
optioned("csv latin-1", "a.csv", latin.encode("latin-1"), encoding="latin-1")
optioned("text latin-1", "a.txt", "\u00e9t\u00e9\r\n\u00a3\n".encode("latin-1"), encoding="latin-1")
optioned("text windows", "a.txt", "\u201cq\u201d \u20ac\n".encode("cp1252"), encoding="cp1252")
optioned("json utf-16", "a.jsonl", lines(["a"]).encode("utf-16"), encoding="utf-16")
NESTED = '{"version": "1 ] }", "other": [{"text": "no"}, {"data": [1]}], "data": [{"text": "a", "n": 1}, {"n": 2, "text": "b"}], "end": {"data": 3}}'
for label, text, options in [
    ("field", NESTED, {}), ("field in lines", json.dumps(json.loads(NESTED), indent=1), {}), ("field of texts", '{"data": ["a", "b \\" c", "d\\n"]}', {}), ("field of nothing", '{"data": []}', {}),
    ("no such field", '{"other": [{"text": "a"}]}', {}), ("field of columns", '{"data": {"text": ["a", "b"], "n": [1, 2]}}', {}), ("field of an object", '{"data": {"text": "a"}}', {}), ("field of text", '{"data": "a"}', {}),
    ("field of null", '{"data": null}', {}), ("field of missing", '{"data": [{"text": "a"}, {"n": 1}]}', {}), ("field and more", '{"data": [{"text": "a"}]} {"data": []}', {}), ("field of NaN", '{"s": NaN, "data": [{"text": "a", "s": Infinity}]}', {}),
    ("field deep", '{"data": {"data": [{"text": "a"}]}}', {}), ("field of a list", '[{"data": [{"text": "a"}]}]', {}), ("field twice", '{"data": [{"text": "a"}], "data": [{"text": "b"}]}', {}), ("field cut", '{"data": [{"text": "a"}]', {}),
    ("field in JSON Lines", '{"data": [{"text": "a"}]}\n{"data": [{"text": "b"}]}\n', {}), ("field with escapes", '{"d\\u0061ta": [{"text": "\\u00e9"}]}', {}), ("field null", lines(["a", "b"]), {"field": None}), ("field with a mark", "\ufeff" + NESTED, {}),
]:
    optioned(f"json {label}", "a.json", text, **{"field": "data", **options})
optioned("json of other builders", "a.jsonl", lines(["a"]), sep=";", names=["x"], header=None, sample_by="document", columns=["n"], nonsense=1)
optioned("json encoding", "a.jsonl", lines(["\u00e9"]), encoding="utf8")
for label, text, options in [
    ("keep_linebreaks", "one\ntwo\r\n\nthree\rfour", {"keep_linebreaks": True}), ("keep_linebreaks to the end", "one\n\r\n", {"keep_linebreaks": True}), ("no keep_linebreaks", "one\ntwo\n", {"keep_linebreaks": False}),
    ("keep_linebreaks of a return", "one\r\rtwo\r", {"keep_linebreaks": True}), ("keep_linebreaks of documents", "one\ntwo\n", {"keep_linebreaks": True, "sample_by": "document"}), ("lines", "one\n\ntwo\n", {"sample_by": "line"}),
    ("documents", "one\n\ntwo\r\n", {"sample_by": "document"}), ("encoding", "\u00e9\n", {"encoding": "UTF-8"}), ("of other builders", "one\ntwo\n", {"sep": ";", "field": "x", "header": None, "skiprows": 1, "columns": ["n"]}),
    ("sample_by of another", "one\n", {"sample_by": "word"}),
]:
    optioned(f"text {label}", "a.txt", text, **options)


def wide(rows):
    target = io.BytesIO()
    pq.write_table(pa.table({"text": rows, "n": list(range(len(rows)))}), target, compression="none")
    return target.getvalue()


for label, options in [("columns", {"columns": ["text"]}), ("other columns", {"columns": ["n"]}), ("columns in another order", {"columns": ["n", "text"]}), ("no columns", {"columns": None}), ("unknown columns", {"columns": ["text", "x"]}),
                       ("batch_size", {"batch_size": 1}), ("on_bad_files", {"on_bad_files": "skip"}), ("of other builders", {"sep": ";", "field": "x", "skiprows": 1, "encoding": "latin-1"})]:
    optioned(f"parquet {label}", "a.parquet", wide(["a", "b"]), **options)
optioned("arrow of other builders", "a.arrow", arrow(["a", "b"]), sep=";", columns=["n"], encoding="latin-1", field="x")


# Compressions.
def compressed(compression):
    target = io.BytesIO()
    pq.write_table(pa.table({"text": ["a", "b"]}), target, compression=compression)
    return target.getvalue()


for compression in ["brotli", "lz4", "snappy", "gzip", "zstd"]:
    case(f"parquet of {compression}", {"a.parquet": compressed(compression)})
case("lines of xz", {"a.jsonl.xz": lzma.compress(lines(["a"]).encode())})
case("lines of bzip2", {"a.jsonl.bz2": bz2.compress(lines(["a"]).encode())})
case("lines of gzip", {"a.jsonl.gz": gzip.compress(lines(["a"]).encode(), mtime=0)})

here = pathlib.Path(__file__).parent
here.joinpath("folders.json").write_text("[\n" + ",\n".join(json.dumps(item, separators=(",", ":")) for item in cases) + "\n]\n")

# Cards.
PLAIN = ["a", "train", "v1/*.parquet", "data/**/x.jsonl", "1", "-7", "3.5", "yes", "null", "~", "on", "1e5", "a: b", "# no", "a #b", "it's", 'say "x"', "", " pad ",
         "two\nlines", "tab\tin", "é🎉", "*", "&a", "- x", "{x}", "[y]", "x,y", "0x10", "1_000", "2020-13", "trail ", "!t", "%p", "@m", "`k", "?", "? q", ":", "a:b", "http://x/y#z",
         "long " * 30, "\n", "a\n\nb\n", "  two\nlead", "False", "None", ".5", "5.", "+3", "1.5e+3", "=", "<<", "|", ">", "'", '"', "\\", "\x07"]


def value(depth):
    kind = rng.random()
    if depth > 3 or kind < 0.5:
        return rng.choice([rng.choice(PLAIN), rng.choice(PLAIN), rng.randrange(-1000, 1000), rng.random() * 100, True, False, None])
    if kind < 0.75:
        return [value(depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(["config_name", "data_files", "split", "path", "a b", "1", "x-y", "é", "yes", "q?"]) + str(index): value(depth + 1) for index in range(rng.randrange(4))}


def same(first, second):
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)


cards = []
for _ in range(400):
    data = {"configs": [value(1) for _ in range(rng.randrange(3))], "more": value(0)}
    text = yaml.safe_dump(data, default_flow_style=rng.choice([None, True, False]), indent=rng.choice([None, 2, 4, 6]), width=rng.choice([20, 80, 1000]),
                          allow_unicode=rng.random() < 0.5, sort_keys=False, default_style=rng.choice([None, None, None, '"', "'"]) if False else None)
    assert same(yaml.safe_load(text), data)
    cards.append([text, data])
WRITTEN = [
    "a: 1\nb: two words # comment\nc:\n- x\n- y: 1\n  z: [1, 2, {k: v}]\n-\n  - deep\n  - er\n", "a: >-\n  folded\n  text\n\n  again\n   more\n  end\nb: |\n  kept\n    as is\n\nc: |+\n  x\n\nd: >\n  y\n",
    "a: plain that\n  goes on\n  and on\nb: 'single that\n  goes on'\nc: \"double \\\n  joined \\u00e9\\n\"\n", "- a\n- - b\n  - c\n- {x: 1, y}\n- [a, b,\n  c # here\n  ]\n", "a:\n  b:\n    c: 1\n  d:\n  - 1\n  -  2\ne:\n",
    "? 1\n", "'quoted key': 1\n\"double\": 2\nplain key: 3\n", "a: !!str 1\n", "a: &x 1\nb: *x\n", "a: [1, 2\n", "a: 'open\n", "a: b: c\n", "a: 1\n  b: 2\n", "\ta: 1\n", "a:\n\t- b\n", "a: {b: {c: [d]}}\n", "a: ]\n", "--- \na: 1\n---\nb: 2\n",
    "a: |2\n   x\n  y\n", "a: \"\\q\"\n", "a: -1\nb: +1\nc: 0\ne: 1.\nf: .1\ng: -.1\nh: 1.e+3\ni: 1e3\nj: 1_0\nk: _1\nl: 1__0.5\n", "a: yes\nb: No\nc: TRUE\nd: y\ne: nULL\nf: Null\ng: ~\n", "a:   # nothing\nb: x\n", "a: x#y\nb: x #y\n",
    "tags:\n- a\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/train-*\n  - split: test\n    path: data/test-*\n", "[a, b]\n", "just text\n", "", "# only\n", "a: [x: 1]\n", "- - - a\n    - b\n- c\n", "a: ''\nb: \"\"\nc: ' '' '\n",
]
for text in WRITTEN:
    try:
        cards.append([text, yaml.safe_load(text)])
        json.dumps(cards[-1])
    except Exception as error:
        cards.append([text, {"error": type(error).__name__}])
here.joinpath("cards.json").write_text("[\n" + ",\n".join(json.dumps(item, separators=(",", ":")) for item in cards) + "\n]\n")
print(len(cases), "folders,", len(cards), "cards")
