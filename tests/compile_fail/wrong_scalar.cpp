// error: scalar_is_the_networks.*double.*float
#include <mlp/mlp.hpp>

int main() {
  mlp::Mlp<mlp::MeanSquaredError, mlp::Dense<2, 3>> net;
  const Eigen::MatrixXd x = Eigen::MatrixXd::Ones(2, 5);
#ifdef FIXED
  net.predict(x.cast<float>());
#else
  net.predict(x);
#endif
}
