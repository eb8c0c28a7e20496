#include <mlp/derivative/derivatives.hpp>
#include <mlp/minimize/levenberg_marquardt.hpp>
#include <mlp/mlp.hpp>

#include <mlp/io/checkpoint.hpp>
#include <mlp/io/export_header.hpp>
#include <mlp/io/onnx.hpp>
#include <mlp/io/safetensors.hpp>

#include <iostream>

#include "clusters.hpp"

using namespace mlp;

// Declarations that the README's pieces of code rely on.
int main() {
  Mlp<SoftmaxCrossEntropy, Dense<2, 8, Tanh>, Dense<8, 3>> net;
  Rng rng{1};
  net.initialize(rng);
  const Dataset<Labels> train = clusters(320), validation = clusters(64);
  const auto x = train.x.leftCols(64);
  const auto t = train.t.head(64);
#include "readme_snippets.inc"
}
