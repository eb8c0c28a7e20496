// error: rows_are_the_networks.*3.*2
#include <mlp/mlp.hpp>

#ifdef FIXED
constexpr int rows = 2;
#else
constexpr int rows = 3;
#endif

int main() {
  mlp::Mlp<mlp::MeanSquaredError, mlp::Dense<2, 3>> net;
  const Eigen::Matrix<float, rows, 1> x = Eigen::Matrix<float, rows, 1>::Ones();
  net.predict(x);
}
