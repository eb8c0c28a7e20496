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
#include <string_view>

#include "../clusters.hpp"

namespace {

using namespace mlp;

struct Load {
  std::string_view bytes;
  void begin(auto& training) const { detail::load_checkpoint(training, bytes, "FILE"); }
  void operator()(const Progress&) const {}
};

}  // namespace

// Whatever a checkpoint says is refused with std::runtime_error, or can be gone on with.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Mlp<SoftmaxCrossEntropy, Dense<2, 2, Tanh>, Dropout<2>, BatchNorm<2>, Dense<2, 3>> net;
  try {
    fit(net, clusters(8), clusters(6), Adam{},
        {.epochs = 3,
         .batch_size = 3,
         .accumulate = 2,
         .schedule = ReduceOnPlateau{},
         .patience = 2,
         .average_decay = 0.5},
        Load{{reinterpret_cast<const char*>(data), size}});
  } catch (const std::runtime_error&) {
  }
  return 0;
}
