#!/usr/bin/env bash
# Exports networks of every activation, layer, loss and scaler, has the ONNX checker look at each, and compares what ONNX
# Runtime computes with what the library predicts, on 1000 samples each: `bash tests/interop/onnx_runtime.sh`.
# It is not one of the tests that ctest runs, as it downloads ONNX Runtime: 300 MB once unpacked, which are deleted again.
# A folder that has it, node_modules within, may be given instead: `bash tests/interop/onnx_runtime.sh FOLDER`.
# Debian packages: g++ libeigen3-dev libprotozero-dev nodejs npm python3-onnx.
set -euo pipefail
cd "$(dirname "$0")/../.."
packages=${1:+$(realpath "$1")}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -z "$packages" ]; then
  packages=$work/packages
  mkdir "$packages"
  # Without its script, which would fetch what GPUs need.
  (cd "$packages" && npm install --ignore-scripts --no-audit --no-fund --loglevel=error onnxruntime-node)
fi

mkdir "$work/networks"
"${CXX:-g++}" -std=c++20 -O1 -Iinclude -isystem /usr/include/eigen3 tests/interop/onnx_export.cpp -o "$work/onnx_export"
"$work/onnx_export" "$work/networks"
/usr/bin/python3 - "$work"/networks/*.onnx <<'PYTHON'
import sys, onnx
for path in sys.argv[1:]:
    onnx.checker.check_model(path, full_check=True)
print(f"onnx.checker {onnx.__version__}: {len(sys.argv) - 1} files are right")
PYTHON
node tests/interop/onnx_runtime.mjs "$work/networks" "$packages"
