#!/usr/bin/env bash
# Exports networks with every activation, layer, loss and scaler, checks each with the ONNX checker, and compares ONNX
# Runtime's results with the library's predictions on 1000 samples each: `bash tests/interop/onnx_runtime.sh`.
# Not run by ctest, because it downloads ONNX Runtime: 300 MB once unpacked, deleted afterwards. Instead, a folder with
# onnxruntime-node in its node_modules may be given: `bash tests/interop/onnx_runtime.sh FOLDER`.
# Debian packages: g++ libeigen3-dev libprotozero-dev nodejs npm python3-onnx.
set -euo pipefail
cd "$(dirname "$0")/../.."
packages=${1:+$(realpath "$1")}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -z "$packages" ]; then
  packages=$work/packages
  mkdir "$packages"
  # Without its install script, which would download libraries for GPUs.
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
