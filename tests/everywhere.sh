#!/usr/bin/env bash
# Runs the tests with g++, and for other processors and systems, each a preset of CMake, and prints a Markdown table:
# `bash tests/everywhere.sh [PRESET...]`. The output of a preset goes to build/everywhere/PRESET.log.
# Debian: qemu-user g++-{aarch64,i686,riscv64,s390x}-linux-gnu g++-arm-linux-gnueabihf g++-mingw-w64-x86-64-posix wine
# emscripten
set -euo pipefail
cd "$(dirname "$0")/.."
presets=("$@")
if ((${#presets[@]} == 0)); then presets=(test-gcc aarch64 armhf i686 riscv64 s390x windows wasm wasm-scalar); fi

# Where headers must not be looked for beside the system's, an installed doctest is copied rather than fetched.
failed=0
options=()
mkdir -p build/everywhere/doctest
if [[ -e /usr/include/doctest/doctest.h ]]; then
  cp -r /usr/include/doctest build/everywhere/doctest
  options=(-D "FETCHCONTENT_SOURCE_DIR_DOCTEST=$PWD/build/everywhere/doctest")
fi
printf '| target | compiler | tests passed |\n|---|---|---|\n'
for preset in "${presets[@]}"; do
  log=build/everywhere/$preset.log
  { cmake --preset "$preset" "${options[@]}" && cmake --build --preset "$preset" && ctest --preset "$preset"; } \
    >"$log" 2>&1 || failed=1
  compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "build/$preset/CMakeCache.txt" 2>/dev/null || true)
  version=$("${compiler:-false}" --version 2>/dev/null | head -n 1 || true)
  passed=$(sed -nE 's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+)$/\2 \1/p' "$log")
  if [[ -n $passed ]]; then
    read -r all wrong <<<"$passed"
    printf '| %s | %s | %d of %d |\n' "$preset" "$version" $((all - wrong)) "$all"
  else
    printf '| %s | %s | none, see %s |\n' "$preset" "${version:-none}" "$log"
  fi
done
exit "$failed"
