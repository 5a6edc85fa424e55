#!/usr/bin/env bash
# Builds a program that feeds libFuzzer's inputs to the readers, under AddressSanitizer.
#
#   Benchmarks/fuzz/build.sh formats|texts OUT
#
# One module of the rooms that are read through, with coverage; outside of the package, whose build knows no fuzzing.
set -euo pipefail
cd "$(dirname "$0")/../.."
kind=$1 out=$(realpath -m "$2") work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rooms="Machine Text Numerics Formats Store"
others="Sources/Trainer/Starting/NumpyFile.swift Sources/Trainer/Starting/NumpyHeader.swift"
case $kind in
formats) targets=Benchmarks/fuzz/FormatTargets.swift ;;
*) echo "unknown: $kind" >&2; exit 2 ;;
esac
for file in $(for room in $rooms; do find "Sources/Shared/$room" -name '*.swift'; done) $others $targets; do
  [ -e "$file" ] || continue
  # One module: nothing to import of Shared.
  sed -E '/^(package |internal )?import Shared$/d' "$file" >"$work/$(echo "$file" | tr / -)"
done
includes=$(for library in OpenBLAS Zstd OpenSSL Zlib Snappy Curl; do echo "-I $PWD/Sources/Shared/C/$library"; done)
cd "$work"
# shellcheck disable=SC2086
swiftc -O -wmo -num-threads 2 -parse-as-library -module-name Fuzz -package-name saeline -swift-version 6 -suppress-warnings \
  -enable-experimental-feature Lifetimes -enable-upcoming-feature ExistentialAny -Xcc -march=x86-64-v3 \
  -sanitize=fuzzer,address -use-ld=lld $includes ./*.swift -lopenblas -lzstd -lcrypto -lz -lsnappy -o "$out"
