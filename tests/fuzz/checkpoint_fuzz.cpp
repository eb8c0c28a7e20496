#include <mlp/activation/tanh.hpp>
#include <mlp/io/checkpoint.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/layer/dropout.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/optimizer/adam.hpp>
#include <mlp/training/fit.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include "../clusters.hpp"
#include "only_throws.hpp"
#include "safetensors_mutator.hpp"

namespace {

using namespace mlp;

// Loads the checkpoint, and saves and loads it again.
struct Load {
  std::string_view bytes;
  void begin(auto& training) const {
    detail::load_checkpoint(training, bytes, "FILE");
    const TensorFile loaded = detail::checkpoint_of(training);
    bool is_refused = true;
    only_throws<std::runtime_error>([&] {
      detail::load_checkpoint(training, to_bytes(loaded), "SAVED");
      is_refused = false;
    });
    if (is_refused || detail::checkpoint_of(training) != loaded) std::abort();
  }
  void operator()(const Progress&) const {}
};

}  // namespace

// A checkpoint is refused with std::runtime_error, or training resumes from it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Dataset<Labels> train = clusters(8), validation = clusters(6);
  const std::string bytes(data, data + size);
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
  return 0;
}
