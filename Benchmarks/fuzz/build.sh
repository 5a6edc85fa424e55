#!/usr/bin/env bash
# Builds a program that feeds libFuzzer's inputs to the readers of a family.
#
#   Benchmarks/fuzz/build.sh formats|data|language|runs OUT [fast]
#
# One module of the rooms that are read through, with coverage; outside of the package, whose build knows no fuzzing.
# With AddressSanitizer; `fast` leaves it out, so that Swift's own checks are all, for several times as many inputs.
set -euo pipefail
cd "$(dirname "$0")/../.."
family=$1 out=$(realpath -m "$2") work=$(mktemp -d) sanitizers=fuzzer,address
[ "${3:-}" = fast ] && sanitizers=fuzzer
trap 'rm -rf "$work"' EXIT
shared() { for room in "$@"; do echo "Sources/Shared/$room"; done; }
rooms=$(shared Machine Text Numerics Formats)
case $family in
formats)
  rooms+=" $(shared Store Streaming) Sources/Trainer/Starting/NumpyFile.swift" ;;
data)
  rooms+=" $(shared Configuration DataSets Web Hub)"
  rooms+=" $(for room in Documents Streams Records Arrow Parquet Reading; do echo "Sources/Pretokenizer/$room"; done)" ;;
language) rooms+=" $(shared Configuration Language)" ;;
runs) rooms="Sources/Shared Sources/Trainer" ;;
*) echo "unknown: $family" >&2; exit 2 ;;
esac
targets=Benchmarks/fuzz/$(echo "${family%s}" | sed 's/./\U&/')Targets.swift
for file in $(for room in $rooms; do find "$room" -name '*.swift' ! -name EntryPoint.swift; done) \
  Benchmarks/fuzz/Fuzzing.swift "$targets"; do
  # One module: nothing to import of Shared, and no name twice.
  twice=
  [[ "$file" == Sources/Trainer/* ]] && twice='; s/\b(Flag|WeightFile|Gathering|DecoderProjection)\b/Trainer\1/g'
  sed -E '/^(package |internal )?import Shared$/d; s/\bShared\./Fuzz./g'"$twice" "$file" >"$work/$(echo "$file" | tr / -)"
done
libraries=$PWD/Sources/Shared/C
includes=$(for library in OpenBLAS Products Zstd OpenSSL Zlib Snappy Curl; do echo "-I $libraries/$library"; done)
cd "$work"
clang -O2 -c "$libraries"/Products/*.c
# shellcheck disable=SC2086
swiftc -O -wmo -num-threads 2 -parse-as-library -module-name Fuzz -package-name saeline -swift-version 6 -suppress-warnings \
  -enable-experimental-feature Lifetimes -enable-upcoming-feature ExistentialAny -Xcc -march=x86-64-v3 \
  -sanitize=$sanitizers -use-ld=lld $includes ./*.swift ./*.o \
  -lopenblas -lzstd -lcrypto -lz -lsnappy -lcurl -o "$out"
