#include <mlp/mlp.hpp>

#ifndef MLP_USE_ONEDNN
#error "mlp::onednn defines MLP_USE_ONEDNN"
#endif

using namespace mlp;

// A product large enough for oneDNN.
int main() {
  Mlp<MeanSquaredError, Dense<64, 64>> net;
  net.weights<0>().setConstant(0.5f);
  return net.predict(Matrix<float>::Ones(64, 64)).isConstant(32) ? 0 : 1;
}
