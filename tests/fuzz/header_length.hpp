#pragma once

#include <mlp/io/tensors.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

/// Calls read(bytes) with the input as it is, and with the length of a safetensors header that ends at the last
/// brace: chance hardly ever keeps the length right.
void with_header_lengths(const std::uint8_t* data, std::size_t size, auto&& read) {
  std::string bytes(data, data + size);
  read(bytes);
  const std::size_t end = bytes.rfind('}');
  if (end != std::string::npos && end >= 8) {
    mlp::detail::to_little_endian(std::uint64_t{end - 7}, bytes.data());
    read(bytes);
  }
}
