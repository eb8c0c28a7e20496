#!/usr/bin/env bash
# Adds to each fuzzer's corpus the inputs that it found in a build folder, minimized: the fewest inputs that cover all
# edges of code that the hand-made files do not cover and, if those are more than MOST, the smallest of them. Files
# added by an earlier call are candidates like the new ones. Hand-made files stay. The name of an added file is the
# first 12 hex digits of its SHA-1.
# Usage: tests/fuzz/merge_corpus.sh BUILD_FOLDER [MOST]
set -euo pipefail

build=${1:?the build folder, as build/fuzz}/tests/fuzz
most=${2:-50}
corpora=$(cd "$(dirname "$0")" && pwd)/corpus
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for corpus in "$corpora"/*/; do
  name=$(basename "$corpus")
  merged=$work/$name/merged earlier=$work/$name/earlier
  mkdir -p "$merged" "$earlier" "$build/found/$name"
  for file in "$corpus"*; do
    if [[ $(basename "$file") =~ ^[0-9a-f]{12}$ ]]; then cp "$file" "$earlier"; else cp "$file" "$merged"; fi
  done
  "$build/fuzz_$name" -set_cover_merge=1 -use_counters=0 -max_len=4096 -artifact_prefix="$work/$name/" \
    "$merged" "$earlier" "$build/found/$name" >"$work/$name/log" 2>&1 || { cat "$work/$name/log"; exit 1; }

  find "$corpus" -regextype posix-extended -regex '.*/[0-9a-f]{12}' -delete
  kept=0
  while IFS= read -r file; do
    if [[ ! -e $corpus$(basename "$file") && $kept -lt $most ]]; then
      hash=$(sha1sum "$file")
      cp "$file" "$corpus${hash:0:12}"
      kept=$((kept + 1))
    fi
  done < <(find "$merged" -type f -printf '%s %p\n' | sort -n | cut -d' ' -f2-)
  echo "$name: $(find "$corpus" -type f | wc -l) files, $kept of them found"
done
