"""Feeds the readers with inputs that libFuzzer derives from small files, by coverage and under AddressSanitizer.

    Benchmarks/fuzz/build.sh formats /tmp/fuzz-formats
    python Benchmarks/fuzz/run.py /tmp/fuzz-formats WORK [--seconds 600] [--only json torch] …

One process after the other: each target gets the same time, its inputs and crashes stay in WORK/<target>, and a line with
what was executed is printed. Exit code 1 where an input crashed, hung or grew beyond the limits.
"""

import argparse
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).parent
FIXTURES = HERE.parents[1] / "Tests" / "Fixtures"
RECORD = ('{"deadline":1767225600,"host":"node7","machine":"0f3a5566aabb","owner":"a1b2-0","pid":4242,"seconds":60}\n')
DIGEST = "0" * 64
MANIFEST = (
    '{"format_version":1,"stage":"tokens","name":"n","fingerprint":"f","tool":"t","settings":{"a":1},"identities":{"m":"sha256:0"},'
    f'"shards":[{{"file":"shard-00000.safetensors.zst","rows":3,"bytes":9,"sha256":"{DIGEST}"}}],"details":{{}},'
    f'"files":[{{"file":"tokenizer.json","bytes":2,"sha256":"{DIGEST}"}}]}}')
CARD = "---\nconfigs:\n- config_name: a\n  default: true\n  data_files:\n  - split: train\n    path: [\"x\", 'y'] # both\nd: >-\n  e\n---\n"
# Texts and patterns of fixtures that each target begins with, and the words of its format.
TARGETS = {
    "json": ([MANIFEST, RECORD, '[1,-2.5e-3,"\\u00e9\\ud83d\\ude00",null,true]'], [], ["1e999", "\\ud800", "9223372036854775808"]),
    "json5": (["{a: +.5, 'b': [0x1F, Infinity,], // c\n /* d */ \"e\": 'f\\\n'}"], [], ["NaN", "//", "/*", "0x", "\\x"]),
    "yaml": ([CARD, "a: {b: [1, 'x'], c: \"\\u00e9\"}\n? k\n: |2-\n   t\n"], [], ["- ", ": ", "|+\n", "&a", "*a", "<<: ", "!!str "]),
    "manifest": ([MANIFEST], [], ['"sha256":', '"files":', "../", "18446744073709551616"]),
    "lease": ([RECORD, RECORD * 3, "shard-00000.safetensors.0f3a5566aabb.7.0.tmp"], [], ["1e999", "-1", '"pid":']),
    "safetensors": ([], ["formats/*.safetensors", "torch/tensors.safetensors"], ['"F32"', '"data_offsets":', '"shape":', "18446744073709551615"]),
    "torch": ([], ["torch/*.bin"], ["torch._utils\n_rebuild_tensor_v2\n", "collections\nOrderedDict\n", "torch\nFloatStorage\n"]),
    "zip": ([], ["torch/tensors.bin", "starting/*/params.npz"], ["PK\\x01\\x02", "PK\\x03\\x04", "PK\\x05\\x06", "PK\\x06\\x06"]),
    "numpy": ([], ["starting/*/*.npz"], ["'descr'", "'fortran_order'", "'<f4'", "\\x93NUMPY"]),
    "zstandard": ([], ["data/*.zst"], ["\\x28\\xb5\\x2f\\xfd"]),
    "arrow": ([], ["arrow/*.arrow"], ["ARROW1", "\\xff\\xff\\xff\\xff"]),
}
SEED_BYTES = 32 << 10


def seed(target, folder):
    texts, patterns, words = TARGETS[target]
    folder.mkdir(parents=True, exist_ok=True)
    for index, text in enumerate(texts):
        (folder / f"text-{index}").write_text(text)
    files = [file for pattern in patterns for file in sorted(FIXTURES.glob(pattern)) if file.stat().st_size <= SEED_BYTES]
    for index, file in enumerate(files):
        (folder / f"file-{index}").write_bytes(file.read_bytes())
    dictionary = folder.parent / f"{target}.dict"
    quoted = [re.sub(r'"', r"\"", word.replace("\n", "\\x0a")) for word in words]
    dictionary.write_text("".join(f'"{word}"\n' for word in quoted if re.fullmatch(r"(\\x..|\\\"|[^\\])*", word)))
    return dictionary


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("--only", nargs="*", default=sorted(TARGETS))
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    failed = False
    for target in options.only:
        folder = options.work / target
        dictionary = seed(target, folder)
        result = subprocess.run(
            [options.program, folder, f"-dict={dictionary}", f"-max_total_time={options.seconds}", "-rss_limit_mb=2048",
             "-timeout=10", "-max_len=65536", f"-artifact_prefix={options.work}/{target}-", "-print_final_stats=1"],
            env={"FUZZ": target, "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1"}, capture_output=True, text=True,
            errors="replace")
        (options.work / f"{target}.log").write_text(result.stderr)
        runs = re.search(r"number_of_executed_units: (\d+)", result.stderr)
        rate = re.search(r"average_exec_per_sec: *(\d+)", result.stderr)
        print(target, "runs", runs.group(1) if runs else "?", "per second", rate.group(1) if rate else "?",
              "exit code", result.returncode, flush=True)
        failed = failed or result.returncode != 0
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
