// error: second argument of Activate must be an activation
#include <mlp/mlp.hpp>

struct Square {
  static constexpr bool needs_input = true;
  void forward(auto& z) const { z = z.square(); }
#ifdef FIXED
  void backward(const auto& z, const auto&, auto& delta) const { delta *= 2 * z; }
#endif
};

int main() {
  mlp::Mlp<mlp::MeanSquaredError, mlp::Dense<2, 3>, mlp::Activate<3, Square>> net;
  mlp::Trainer trainer(net, mlp::Sgd{});
  trainer.step(mlp::Matrix<float>(2, 4), mlp::Matrix<float>(3, 4));
  net.predict(mlp::Vector<float>(2));
}
