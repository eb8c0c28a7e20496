#!/usr/bin/env bash
# How long the xor example takes to compile, beside a file that only includes <Eigen/Core>, with the same flags: medians
# of five, in seconds. Usage: compile_time.sh [FLAGS...], by default -O2.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
eigen=${EIGEN_INCLUDE:-/usr/include/eigen3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '#include <Eigen/Core>\nint main() {}\n' >"$work/eigen.cpp"

median() {
  for _ in 1 2 3 4 5; do
    local start=$EPOCHREALTIME
    "${CXX:-g++}" -std=c++20 "${flags[@]}" -w -I "$root/include" -isystem "$eigen" -c "$1" -o "$work/out.o"
    awk "BEGIN { print $EPOCHREALTIME - $start }"
  done | sort -n | sed -n 3p
}

flags=("$@")
[ $# -gt 0 ] || flags=(-O2)
base=$(median "$work/eigen.cpp")
xor=$(median "$root/examples/xor.cpp")
awk "BEGIN { printf \"eigen %.2f s, xor %.2f s, ratio %.2f\\n\", $base, $xor, $xor / $base }"
