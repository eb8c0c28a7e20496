#include <mlp/activation/tanh.hpp>
#include <mlp/io/checkpoint.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/layer/dropout.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/optimizer/adam.hpp>
#include <mlp/training.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "../clusters.hpp"
#include "header_length.hpp"
#include "only_throws.hpp"

namespace {

using namespace mlp;

struct Load {
  std::string_view bytes;
  void begin(auto& training) const { detail::load_checkpoint(training, bytes, "FILE"); }
  void operator()(const Progress&) const {}
};

}  // namespace

// Whatever a checkpoint says is refused, or can be gone on with.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Dataset<Labels> train = clusters(8), validation = clusters(6);
  with_header_lengths(data, size, [](const std::string& bytes) {
    Mlp<SoftmaxCrossEntropy, Dense<2, 2, Tanh>, Dropout<2>, BatchNorm<2>, Dense<2, 3>> net;
    only_throws<std::runtime_error>([&] {
      fit(net, train, validation, Adam{},
          {.epochs = 3,
           .batch_size = 3,
           .accumulate = 2,
           .schedule = ReduceOnPlateau{},
           .patience = 2,
           .average_decay = 0.5},
          Load{bytes});
    });
  });
  return 0;
}
