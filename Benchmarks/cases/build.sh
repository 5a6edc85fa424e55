#!/usr/bin/env bash
# Builds the cases against the objects of a finished build of the package, so that what is counted and timed is
# what the programs run; nothing where nothing has changed.
#   Benchmarks/cases/build.sh FOLDER_OF_THE_BUILD OUT
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1 out=$2
# What saeline-train is linked from: its own objects and those that the programs share.
mapfile -t objects < <(tr -d "'" <"$build/saeline-train.product/Objects.LinkFileList")
sources=(Benchmarks/cases/*.swift)
[ -x "$out" ] && [ -z "$(find "${objects[@]}" "${sources[@]}" "$0" -newer "$out" -print -quit)" ] && exit 0
# Modules of one package see one another's declarations; SwiftPM names the package by its folder.
package=$(grep -A1 -m1 -e '"-package-name"' "$build/description.json" | sed -n '2s/^ *"\(.*\)".*/\1/p')
includes=(-I "$build/Modules")
for library in Sources/Shared/C/*/; do includes+=(-I "$library"); done
mkdir -p "$(dirname "$out")"
swiftc -O -wmo -parse-as-library -swift-version 6 -module-name Cases -package-name "${package:-saeline}" \
  -enable-experimental-feature Lifetimes -enable-upcoming-feature ExistentialAny \
  -enable-upcoming-feature MemberImportVisibility -Xcc "-march=${SAELINE_MARCH:-x86-64-v3}" -Xcc -fno-math-errno \
  "${includes[@]}" "${sources[@]}" "${objects[@]}" -use-ld=lld -Xlinker --gc-sections -o "$out.new"
mv "$out.new" "$out"
