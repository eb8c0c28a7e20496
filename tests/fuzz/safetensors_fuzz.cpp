// Any bytes are a model or one std::runtime_error.
#include <mlp/io/safetensors.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto model = mlp::from_tensors(mlp::tensors_from_bytes(bytes, "input"), "input");
    if (!model.net.parameters().allFinite()) std::abort();
  } catch (const std::runtime_error&) {
  }
  return 0;
}
