#include <mlp/io/safetensors.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>

#include "only_throws.hpp"
#include "safetensors_mutator.hpp"

// A file is refused with std::runtime_error, or is a model of finite numbers that is unchanged after saving
// and loading it again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlp;
  const std::string bytes(data, data + size);
  std::optional<Model<float>> model;
  only_throws<std::runtime_error>([&] { model = from_tensors(tensors_from_bytes(bytes, "FILE"), "FILE"); });
  if (!model) return 0;
  const DynamicMlp& net = model->net;
  if (!net.parameters().allFinite() || !net.state().allFinite()) std::abort();

  std::string saved;
  only_throws<std::invalid_argument>([&] { saved = to_bytes(to_tensors(net, model->info)); });
  if (saved.empty()) return 0;
  const Model<float> again = from_tensors(tensors_from_bytes(saved, "SAVED"), "SAVED");
  if (again.net.parameters() != net.parameters() || again.net.state() != net.state()) std::abort();
  return 0;
}
