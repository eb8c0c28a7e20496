#include <mlp/io/onnx.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>

// Whatever a file says is refused with std::runtime_error, or is a network of finite numbers that predicts.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlp;
  try {
    const auto model = onnx_from_bytes({reinterpret_cast<const char*>(data), size}, "FILE");
    if (!model.net.parameters().allFinite() || !model.net.state().allFinite()) std::abort();
    if (model.net.inputs() <= 1000) model.predict(Matrix<float>::Ones(model.net.inputs(), 2));
  } catch (const std::runtime_error&) {
  }
  return 0;
}
