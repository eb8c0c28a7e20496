#include <mlp/io/tensors.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "only_throws.hpp"

namespace {

void read(const std::string& bytes) {
  using namespace mlp;
  TensorFile file;
  only_throws<std::runtime_error>([&] { file = tensors_from_bytes(bytes, "a.st"); });
  for (const Tensor& tensor : file.tensors) {
    only_throws<std::runtime_error>([&] { tensor_values<float>(tensor, "a.st"); });
    only_throws<std::runtime_error>([&] { tensor_values<std::int64_t>(tensor, "a.st"); });
  }
  // What was read can be written, and is the same.
  if (tensors_from_bytes(to_bytes(file), "a.st") != file) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(data, data + size);
  read(bytes);
  // Chance hardly ever keeps the length of a header right, so once more with that up to the last brace.
  const std::size_t end = bytes.rfind('}');
  if (end != std::string::npos && end >= 8) {
    mlp::detail::to_little_endian(std::uint64_t{end - 7}, bytes.data());
    read(bytes);
  }
  return 0;
}
