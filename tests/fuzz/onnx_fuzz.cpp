#include <mlp/io/onnx.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>

#include "only_throws.hpp"
#include "onnx_mutator.hpp"

// A model is refused with std::runtime_error, or is a network of finite numbers that predicts and is
// unchanged after writing and reading it again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlp;
  std::optional<Model<float>> model;
  only_throws<std::runtime_error>([&] {
    model = onnx_from_bytes({reinterpret_cast<const char*>(data), size}, "FILE");
  });
  if (!model) return 0;
  const DynamicMlp& net = model->net;
  if (!net.parameters().allFinite() || !net.state().allFinite()) std::abort();
  if (net.inputs() <= 1000) model->predict(Matrix<float>::Ones(net.inputs(), 2));

  std::string written;
  only_throws<std::invalid_argument>([&] { written = to_onnx(net, model->info); });
  if (written.empty()) return 0;
  const Model<float> again = onnx_from_bytes(written, "WRITTEN");
  if (again.net.parameters() != net.parameters() || again.net.state() != net.state()) std::abort();
  return 0;
}
