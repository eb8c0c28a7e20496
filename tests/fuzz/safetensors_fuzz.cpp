#include <mlp/io/safetensors.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "header_length.hpp"
#include "only_throws.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  with_header_lengths(data, size, [](const std::string& bytes) {
    only_throws<std::runtime_error>([&] {
      const auto model = mlp::from_tensors(mlp::tensors_from_bytes(bytes, "a.st"), "a.st");
      if (!model.net.parameters().allFinite()) std::abort();
    });
  });
  return 0;
}
