#include <mlp/mlp.hpp>

#include <cmath>
#include <cstdio>

int main() {
  Eigen::Matrix<float, 2, 4> x;
  x << 0, 0, 1, 1,  //
      0, 1, 0, 1;
  const Eigen::RowVector4f t(0, 1, 1, 0);

  mlp::Mlp<mlp::MeanSquaredError, mlp::Dense<2, 8, mlp::Tanh>, mlp::Dense<8, 1>> net;
  mlp::Rng rng{1};
  net.initialize(rng);
  mlp::Trainer trainer(net, mlp::Sgd{.learning_rate = 0.1});
  for (int i = 0; i < 5000; ++i) trainer.step(x, t);

  const auto y = net.predict(x);
  std::printf("%.3f %.3f %.3f %.3f\n", y(0), y(1), y(2), y(3));
  return (y - t).cwiseAbs().maxCoeff() < 0.1f ? 0 : 1;
}
