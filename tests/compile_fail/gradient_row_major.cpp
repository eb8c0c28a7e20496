// error: a gradient is written to contiguous coefficients
#include <mlp/mlp.hpp>

int main() {
  mlp::Mlp<mlp::MeanSquaredError, mlp::Dense<2, 3>> net;
  const Eigen::MatrixXf x = Eigen::MatrixXf::Ones(2, 5), t = Eigen::MatrixXf::Ones(3, 5);
  auto ws = net.workspace(5);
  Eigen::VectorXf gradient;
#ifdef FIXED
  Eigen::MatrixXf dx;
#else
  Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> dx;
#endif
  net.loss_and_gradient(x, t, ws, gradient, dx);
}
