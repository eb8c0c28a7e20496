#include <mlp/io/safetensors/container.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "only_throws.hpp"
#include "safetensors_mutator.hpp"

// A file is refused with std::runtime_error, or its tensors are unchanged after writing and reading them
// again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlp;
  const std::string bytes(data, data + size);
  TensorFile file;
  only_throws<std::runtime_error>([&] { file = tensors_from_bytes(bytes, "a.st"); });
  for (const Tensor& tensor : file.tensors) {
    only_throws<std::runtime_error>([&] { tensor_values<float>(tensor, "a.st"); });
    only_throws<std::runtime_error>([&] { tensor_values<std::int64_t>(tensor, "a.st"); });
  }
  if (tensors_from_bytes(to_bytes(file), "a.st") != file) std::abort();
  return 0;
}
