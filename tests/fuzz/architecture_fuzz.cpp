#include <mlp/base/types.hpp>
#include <mlp/dynamic/architecture.hpp>
#include <mlp/dynamic/dynamic_mlp.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>

#include "only_throws.hpp"

// A text is refused with std::invalid_argument, or gives a network whose own text gives the same network
// again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlp;
  constexpr Index most_parameters = 10'000, most_inputs = 1'000;
  const std::string text(data, data + size);
  bool is_small = false;
  only_throws<std::invalid_argument>([&] {
    const auto [loss, layers] = detail::read_architecture(text);
    const Index parameters = layers.parameter_count(), state = layers.state_count();
    if (parameters < 0 || state < 0 || layers.inputs() <= 0 || layers.outputs() <= 0) std::abort();
    is_small = parameters < most_parameters && state < most_parameters && layers.inputs() < most_inputs;
  });
  if (!is_small) return 0;

  std::optional<DynamicMlp> net;
  only_throws<std::invalid_argument>([&] { net = from_architecture(text); });
  if (!net) return 0;
  const std::string written = architecture(*net);
  if (architecture(from_architecture(written)) != written) std::abort();
  net->predict(Matrix<float>::Ones(net->inputs(), 2));
  return 0;
}
