// error: second argument of Trainer must be an optimizer
#include <mlp/mlp.hpp>

int main() {
  mlp::Mlp<mlp::MeanSquaredError, mlp::Dense<2, 3>> net;
#ifdef FIXED
  mlp::Trainer trainer(net, mlp::Sgd{.learning_rate = 0.1});
#else
  mlp::Trainer trainer(net, 0.1);
#endif
}
