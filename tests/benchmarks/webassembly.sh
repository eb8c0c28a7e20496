#!/usr/bin/env bash
# Steps of training per second, native and as WebAssembly under Node.js, and the size of the xor example: a Markdown table.
# Debian packages: g++ libeigen3-dev emscripten nodejs. `bash tests/benchmarks/webassembly.sh [EIGEN]`
set -euo pipefail
cd "$(dirname "$0")/../.."
eigen=${1:-/usr/include/eigen3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags=(-std=c++20 -O3 -fno-exceptions -I include -isystem "$eigen")
steps=tests/benchmarks/programs/steps.cpp

row() {  # NAME SIZES, and the program's lines from standard input
  awk -v name="$1" -v sizes="$2" 'BEGIN { printf "| %s", name } { printf " | %s", $2 } END { printf " | %s |\n", sizes }'
}
wasm() {  # NAME FLAGS...
  local name=$1
  shift
  em++ "${flags[@]}" "$@" "$steps" -o "$work/steps.js" 2>/dev/null
  em++ "${flags[@]}" "$@" examples/xor.cpp -o "$work/xor.js" 2>/dev/null
  # Emscripten 3.1.6 takes the fetch of Node.js 18 and later for a browser's.
  node --no-experimental-fetch "$work/steps.js" |
    row "$name" "$(stat -c %s "$work/xor.wasm"), $(gzip -9 -c "$work/xor.wasm" | wc -c) gzipped"
}

echo '| steps per second | 2-8-1 (4) | 2-8-8-1 (10) | 16-64-64-4 (32) | 784-128-10 (64) | xor, bytes |'
echo '|---|---:|---:|---:|---:|---:|'
g++ "${flags[@]}" -march=native -mtune=generic "$steps" -o "$work/steps"
"$work/steps" | row "native" ""
wasm "WebAssembly"
wasm "with vectors (\`-msimd128\`)" -msimd128
wasm "with Eigen's packets (\`-msimd128 -msse4.1\`)" -msimd128 -msse4.1
