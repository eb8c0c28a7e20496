// error: targets_are_the_losses.*int.*MeanSquaredError
#include <mlp/mlp.hpp>

#ifdef FIXED
using Loss = mlp::SoftmaxCrossEntropy;
#else
using Loss = mlp::MeanSquaredError;
#endif

int main() {
  mlp::Mlp<Loss, mlp::Dense<2, 3>> net;
  net.loss(mlp::Matrix<float>(2, 4), mlp::Labels(4));
}
