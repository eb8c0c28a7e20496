#include <mlp/io/tensors.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "header_length.hpp"
#include "only_throws.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlp;
  with_header_lengths(data, size, [](const std::string& bytes) {
    TensorFile file;
    only_throws<std::runtime_error>([&] { file = tensors_from_bytes(bytes, "a.st"); });
    for (const Tensor& tensor : file.tensors) {
      only_throws<std::runtime_error>([&] { tensor_values<float>(tensor, "a.st"); });
      only_throws<std::runtime_error>([&] { tensor_values<std::int64_t>(tensor, "a.st"); });
    }
    // What was read can be written, and is the same.
    if (tensors_from_bytes(to_bytes(file), "a.st") != file) std::abort();
  });
  return 0;
}
