#include <mlp/derivative/hessian_vector_product.hpp>
#include <mlp/derivative/jacobian.hpp>
#include <mlp/derivative/per_sample_gradients.hpp>
#include <mlp/dynamic/dynamic_mlp.hpp>
#include <mlp/minimize/lbfgs.hpp>
#include <mlp/minimize/levenberg_marquardt.hpp>
#include <mlp/mlp.hpp>

#include <mlp/io/checkpoint.hpp>
#include <mlp/io/csv.hpp>
#include <mlp/io/export_header.hpp>
#include <mlp/io/onnx.hpp>
#include <mlp/io/safetensors.hpp>

#include <iostream>
#include <vector>

#include "clusters.hpp"

using namespace mlp;

// What the pieces of code in the README and the guides (examples/*.md) take for granted.
int main() {
  Mlp<SoftmaxCrossEntropy, Dense<2, 8, Tanh>, Dense<8, 3>> net;
  Rng rng{1};
  net.initialize(rng);
  const Dataset<Labels> train = clusters(320), validation = clusters(64);
  const auto x = train.x.leftCols(64);
  const auto t = train.t.head(64);
#include "readme_snippets.inc"
}
