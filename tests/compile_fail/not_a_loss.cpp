// error: is_a_loss.*mlp::([a-z0-9_]+::)?Dense<2, 3
#include <mlp/mlp.hpp>

#ifdef FIXED
using Net = mlp::Mlp<mlp::MeanSquaredError, mlp::Dense<2, 3>>;
#else
using Net = mlp::Mlp<mlp::Dense<2, 3>, mlp::Dense<3, 1>>;
#endif

int main() {
  Net net;
  mlp::Rng rng{1};
  net.initialize(rng);
  net.predict(mlp::Vector<float>(2));
}
