// error: third argument of Dense must be an activation
#include <mlp/mlp.hpp>

struct Square {
  static constexpr bool needs_input = true;
  void forward(auto& z) const { z = z.square(); }
#ifdef FIXED
  void backward(const auto& z, const auto&, auto& delta) const { delta *= 2 * z; }
#endif
};

int main() { mlp::Mlp<mlp::MeanSquaredError, mlp::Dense<2, 3, Square>> net; }
