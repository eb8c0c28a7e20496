#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

/// libFuzzer's own mutations, which also insert words from the dictionary. They need a buffer of most_bytes.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most_bytes);

inline std::string mutated(std::string bytes, std::size_t most_bytes) {
  const std::size_t size = bytes.size();
  bytes.resize(std::max({most_bytes, size, std::size_t{1}}));
  bytes.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(bytes.data()), size, bytes.size()));
  return bytes;
}

/// The body of an LLVMFuzzerCustomMutator: replaces the input by mutate(input) or, in one case of eight and
/// if that is empty or too long, by one of libFuzzer's own mutations.
inline std::size_t mutate_or(std::uint8_t* data, std::size_t size, std::size_t most_bytes, unsigned seed,
                             auto&& mutate) {
  const std::string result = seed / 256 % 8 == 0 ? std::string() : mutate(std::string(data, data + size));
  if (result.empty() || result.size() > most_bytes) return LLVMFuzzerMutate(data, size, most_bytes);
  std::copy(result.begin(), result.end(), data);
  return result.size();
}
