"""What each target begins with: texts, patterns of files among the tests' fixtures, and words of its format.

Imported by run.py. Made with Python 3.11.
"""

import json
import pathlib

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Fixtures"
RECORD = '{"deadline":1767225600,"host":"node7","machine":"0f3a5566aabb","owner":"a1b2-0","pid":4242,"seconds":60}\n'
DIGEST = "0" * 64
MANIFEST = (
    '{"format_version":1,"stage":"tokens","name":"n","fingerprint":"f","tool":"t","settings":{"a":1},"identities":{"m":"sha256:0"},'
    f'"shards":[{{"file":"shard-00000.safetensors.zst","rows":3,"bytes":9,"sha256":"{DIGEST}"}}],"details":{{}},'
    f'"files":[{{"file":"tokenizer.json","bytes":2,"sha256":"{DIGEST}"}}]}}')
CARD = "---\nconfigs:\n- config_name: a\n  default: true\n  data_files:\n  - split: train\n    path: [\"x\", 'y'] # both\nd: >-\n  e\n---\n"
SPLITS = (
    "\x00---\nconfigs:\n- config_name: a\n  default: true\n  data_files:\n  - split: train\n    path: data/train-*\n  - split: test\n"
    "    path: [\"data/test.jsonl\", 'v1/*.jsonl']\n- config_name: b\n  data_dir: v1\n  sep: \",\"\n  sample_by: line\n"
    "- config_name: c\n  data_files: '**/*.jsonl'\n---\n# x\n")
FILE = {"type": "file", "path": "data/a.jsonl", "size": 9, "oid": "0" * 40}
STORED = FILE | {"path": "b.bin", "lfs": {"oid": DIGEST, "size": 7}, "xetHash": DIGEST}


def tokenizer(model, **parts):
    return json.dumps({"added_tokens": [], "normalizer": None, "pre_tokenizer": None, "decoder": None, "model": model} | parts)


ADDED = [{"id": 3, "content": "<s>", "special": True, "normalized": False, "lstrip": True, "rstrip": True, "single_word": True}]
PAIRS = {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"], "unk_token": "a", "byte_fallback": False}
UNIGRAM = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["▁", -1.5], ["a", -2]], "byte_fallback": True}
WORDS = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 9,
         "vocab": {"[UNK]": 0, "a": 1, "##b": 2}}
STEPS = {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"},
                                            {"type": "Strip", "strip_left": True, "strip_right": False}, {"type": "Lowercase"}]}
CUTS = {"type": "Sequence", "pretokenizers": [
    {"type": "Split", "pattern": {"Regex": "\\p{L}+|[^\\s]"}, "behavior": "Isolated", "invert": False},
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}, {"type": "Digits", "individual_digits": True}]}
TEMPLATE = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [3], "tokens": ["<s>"]}}}
TOKENIZERS = [
    tokenizer(PAIRS, added_tokens=ADDED, pre_tokenizer=CUTS, decoder={"type": "ByteLevel"}, post_processor=TEMPLATE),
    tokenizer(UNIGRAM, normalizer=STEPS, pre_tokenizer={"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"},
              decoder={"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Metaspace"}]}),
    tokenizer(WORDS, normalizer={"type": "BertNormalizer"}, pre_tokenizer={"type": "BertPreTokenizer"}, decoder={"type": "WordPiece"}),
]
PARTS = ['"type":', "Regex", "String", "Precompiled", "precompiled_charsmap", "Metaspace", "ByteLevel", "Digits", "Punctuation", "Split",
         "behavior", "MergedWithPrevious", "Removed", "Contiguous", "byte_fallback", "fuse_unk", "ignore_merges", "dropout", "NFD", "Prepend"]
CLASSES = [name + "TokenizerFast" for name in ("Llama", "GPT2", "Bert", "T5", "XLMRoberta", "Qwen2", "Gemma")]
RUN = ('{"name":"n","train":{"architecture":"topk","k":8,"lr":1e-3,"training_tokens":1000,"sweep":{"lr":[1e-3,1e-4]}},'
       '"cache":{"model_name":"m","hook_name":"blocks.0.hook_mlp_out"},"pretokenize":{"tokenizer_name":"t","dataset_path":"d"}}')
CFG = ('{"architecture":"topk","d_in":8,"d_sae":16,"k":4,"dtype":"float32","apply_b_dec_to_input":true,"normalize_activations":"none",'
       '"metadata":{"sae_lens_version":"6.54.12","hook_name":"blocks.0.hook_mlp_out","model_name":"m"}}')
LINE = ('{"step":3,"losses/overall_loss":1.5,"sparsity/l0":4,"a":{"_type":"histogram","bins":[0,1,2],"values":[3,4]},"metrics":{"l2_ratio":1}}')
FIGURES = ('{"token_stats":{"n_tokens_eval_reconstruction":300,"rows_from":"held_out","loss_rows_from":"cache"},"sparsity":{"l0":4},'
           '"active_rows":[1,0,300],"categories":[{"name":"c","words":["a"],"tokens":1,"rows":2,"skipped_words":[],"best_latent":1,'
           '"precision":0.5,"recall":1}],"categories_sha256":null,"remarks":[],"advice":["b"]}')
REPORT = ('{"format_version":1,"name":"n","sae":' + CFG + ',"settings":{"train":{"lr":1}},"evaluation":' + FIGURES + ',"curves":{'
          '"losses/overall_loss":{"step":[1,2],"value":[3,2]}},"timing":{"tokens":9,"seconds":1.5},"origin":{"tokens":9,"entries":[["a","b"]]},'
          '"files":[["f",3]],"links":[["l","https://x"]],"latents":null}')

# Texts, patterns of fixtures, words.
TARGETS = {
    "json": ([MANIFEST, RECORD, '[1,-2.5e-3,"\\u00e9\\ud83d\\ude00",null,true]'], [], ["1e999", "\\ud800", "9223372036854775808"]),
    "json5": (["{a: +.5, 'b': [0x1F, Infinity,], // c\n /* d */ \"e\": 'f\\\n'}"], [], ["NaN", "//", "/*", "0x", "\\x"]),
    "yaml": ([CARD, "a: {b: [1, 'x'], c: \"\\u00e9\"}\n? k\n: |2-\n   t\n"], [], ["- ", ": ", "|+\n", "&a", "*a", "<<: ", "!!str "]),
    "manifest": ([MANIFEST], [], ['"sha256":', '"files":', "../", "18446744073709551616"]),
    "lease": ([RECORD, RECORD * 3, "shard-00000.safetensors.0f3a5566aabb.7.0.tmp"], [], ["1e999", "-1", '"pid":']),
    "stream": (['{"window":[1,2],"next":[3]}', '{"saeline.sum":"1 2","saeline.sum_of_squares":"3 4","saeline.sum_of_norms":"5"}'], [],
               ["inf", "nan", "1e999"]),
    "safetensors": ([], ["formats/*.safetensors", "torch/tensors.safetensors"], ['"F32"', '"data_offsets":', '"shape":', "18446744073709551615"]),
    "torch": ([], ["torch/*.bin"], ["torch._utils\n_rebuild_tensor_v2\n", "collections\nOrderedDict\n", "torch\nFloatStorage\n"]),
    "zip": ([], ["torch/tensors.bin", "starting/*/params.npz"], ["PK\\x01\\x02", "PK\\x03\\x04", "PK\\x05\\x06", "PK\\x06\\x06"]),
    "numpy": ([], ["starting/*/*.npz"], ["'descr'", "'fortran_order'", "'<f4'", "\\x93NUMPY"]),
    "zstandard": ([], ["data/*.zst"], ["\\x28\\xb5\\x2f\\xfd"]),
    "arrow": ([], ["arrow/*.arrow"], ["ARROW1", "\\xff\\xff\\xff\\xff"]),
    "parquet": ([], ["parquet/*.parquet"], ["PAR1"]),
    "thrift": ([], [], []),
    "pages": ([], [], []),
    "gzip": ([], [], ["\\x1f\\x8b\\x08"]),
    "zst": ([], ["data/*.zst"], ["\\x28\\xb5\\x2f\\xfd", "\\x50\\x2a\\x4d\\x18"]),
    "snappy": ([], [], []),
    "table": (["\x00text,b\n\"a,\"\"b\",c\r\nNaN,d\n", "\x84a\tb\tc\n1\t2\t3\n"], [], ["\"\"", "\r\n", ",,", "NaN"]),
    "lines": (['\x80{"text": "a"}\n{"b": [1, {"c": null}], "text": "\\ud83d"}\r\n\n{"text": 3}\n', '\x81{"text": [1, 2]}\n{"text": [-1]}'], [],
              ['{"text": ', "\\ud800", "\r\n", "NaN", "1e400"]),
    "values": (['\x00[{"text": "a"}, {"text": "b"}]', '\x02{"text": "a"}\n\n{"text":\n"b"}', '\x04{"data": [{"text": "a"}], "data": {"x": ["b"]}}',
                '\x01[[1, 2], [3]]'], [], ['{"text": ', '"data": ', "],"]),
    "text": (["\x00a\r\nb\rc\n\n\nd", "\x01\ufeffa\n"], [], ["\r\n", "\n\n"]),
    "rows": (["text\nab,c\n\"d\n\"", '[{"text": "a"}]', '{"text": [1]}\n'], ["arrow/*.arrow", "parquet/*.parquet"], ["PAR1", "ARROW1", "\\x1f\\x8b\\x08"]),
    "card": ([SPLITS, "\x05" + SPLITS[1:]], [], ["configs:\n", "- config_name: ", "  data_files: ", "  data_dir: ", "../", "**/", "sep: ", "sample_by: ",
                                               "header: ", "skiprows: ", "na_values: ", "field: "]),
    "state": (['\x00{"_data_files": [{"filename": "data-0.arrow"}]}'], [], ['"filename": ', "../", "\u0301"]),
    "listing": ([json.dumps([FILE, STORED])], [], ['"path": ', "../", "/\u0301", '"lfs": ', '"type": "file"']),
    "kept": ([json.dumps({"format_version": 1, "files": {"a/b": {"size": 3, "blob_id": "0" * 40}}})], [], ['"lfs_sha256": ', "../"]),
    "written": ([CARD, "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: test\n    path: x\ndataset_info:\n  splits:\n  - name: test\n---\n"], [],
                ["dataset_info:", "configs:", "- split: "]),
    "names": (["train[:10%](pct1_dropremainder)+test[-5:]", "a/b@refs/pr/1", "hf://datasets/a/b@x%2Fy/c/*.json", "train[1_0:20]"], [],
              ["(closest)", "%]", "hf://datasets/", "@"]),
    "pattern": (["data/train-*", "**/[!a-c]*.jsonl", "v1/?.csv", "**"], [], ["**/", "[!", "]"]),
    "answer": (["\x06content-range:bytes 5-9/20\n\n", "\x66location:/x?y\n\n", "\x00link:<https://a/b>; rel=\"next\"\n\n",
                "\xe5retry-after:Wed, 21 Oct 2015 07:28:00 GMT\nratelimit:limit=5, r=0; t=30\n\n{\"error\": \"no\"}"], [],
               ["content-range:bytes ", "retry-after:", "location:", "link:", "ratelimit:", "rel=\"next\"", "99999999999999999999"]),
    "tokenizer": (TOKENIZERS, [], PARTS),
    "published": ([json.dumps({"tokenizer_class": name, "bos_token": "<s>", "added_tokens_decoder": {"3": {"content": "<s>"}}}) + "\0" + text
                   for name, text in zip(CLASSES, TOKENIZERS * 3)], [], PARTS + CLASSES),
    "vocabulary": (['{}\0{"a":0,"b":1,"ab":2}\0#version: 0.2\na b\n'], [], CLASSES + ["merges", "\n"]),
    "words": (["{}\0[UNK]\na\n##b\n"], [], CLASSES),
    "sentencepiece": ([b"\n\x0e\n\x05<unk>\x15\0\0\0\0\x18\x02\n\x0b\n\x04\xe2\x96\x81a\x15\0\0\x80\xbf"], [], ["\x12\x04\x18\x01", "\x1a\x02\x18\x01"]),
    "tiktoken": (["YQ== 0\nYg== 1\nYWI= 2\n"], [], ["YQ== ", "\n"]),
    "charsmap": ([], [], []),
    "regex": (["\\p{L}+|\\d{1,3}(?=a)|[^\\s\\w]\0ab 12", "(?i:'s|'t)|(?<!x)y*?|(?>z+)\0it's", "^(a|b)*+$\0abab", "[a-z&&[^b]]\\b\0a b"], [],
              ["(?i", "(?=", "(?<!", "(?>", "{1,", "[^", "\\p{", "\\b", "*?", "++", "[[:alpha:]]", "&&"]),
    "number": (["1.5e-3", "-0", "1e400", "123456789012345678901234567890"], [], ["e-", "."]),
    "config": ([], ["configurations/*.json"], ["model_type", "rope_scaling", "num_hidden_layers", "1e999", "16777216", "layer_types", "null"]),
    "index": (['{"weight_map":{"a":"x-1.safetensors","b":"x-2.safetensors"}}'], [], ["../", "/\u0301"]),
    "hook": (["blocks.1.hook_resid_post", "transformer.h.0.mlp", "hook_embed", "blocks.1.attn.hook_z"], [], ["blocks.", "hook_", "transformer.h."]),
    "pipeline": ([RUN, "{}"], ["config/*.json5"], ["activation_fn", "sae_lens_version", "sweep", "normalize_activations", "launch", "evaluate", "logger", "1e999"]),
    "draft": ([CFG], ["config/runner_cfg-*.json", "sae/*/cfg.json"], ["sae_lens_version", "training_architecture", "l1_coefficient", "hook_name"]),
    "set": (["train.lr=1e-4", "cache.hook_names=[\"a\"]", "train.sweep.lr=[1, 2]"], [], ["train.", "cache.", "=[", "={"]),
    "sae": ([CFG], ["starting/*/cfg.json", "starting/*/config.json", "sae/*/cfg.json"],
            ["expansion_factor", "activation_fn", "matryoshka_widths", "scaler", "d_out", "9223372036854775807"]),
    "metrics": ([LINE + "\n" + LINE], [], ["histogram", "bins", "values", "1e999"]),
    "evaluation": ([FIGURES], [], ["active_rows", "categories", "1e999"]),
    "report": ([REPORT], [], ["curves", "latents", "fires", "1e999", "9223372036854775807"]),
    "categories": (['{"color": ["red", "blue"], "animal": ["dog"]}'], [], []),
    "netrc": (["machine api.wandb.ai\n  login user\n  password abc\n", "default password \"x\"\n# c\n"], [], ["machine ", "password ", "default ", "\u00e9"]),
    "wandb": ([LINE + "\n" + LINE + "\n\x000000001700000000.000001 000000001.500\n", LINE + "\n\x00inf inf\n"], [], ["_runtime", "_wandb", "step"]),
    "time": (["1700000000.5", "-1", "1e300"], [], []),
}
