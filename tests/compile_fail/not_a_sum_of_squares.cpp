// error: LevenbergMarquardt minimizes sums of squares
#include <mlp/minimize/lbfgs.hpp>
#include <mlp/minimize/levenberg_marquardt.hpp>
#include <mlp/mlp.hpp>

int main() {
  mlp::Mlp<mlp::SoftmaxCrossEntropy, mlp::Dense<2, 3>> net;
  const mlp::Dataset<mlp::Labels> data{mlp::Matrix<float>(2, 4), mlp::Labels(4)};
#ifdef FIXED
  mlp::fit(net, data, mlp::Lbfgs{});
#else
  mlp::fit(net, data, mlp::LevenbergMarquardt{});
#endif
}
