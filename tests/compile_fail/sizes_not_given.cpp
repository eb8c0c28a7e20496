// error: no matching (function for call|constructor)
#include <mlp/mlp.hpp>

using Hidden = mlp::Dense<2, mlp::Dynamic, mlp::Tanh>;
using Output = mlp::Dense<mlp::Dynamic, 1>;
using Net = mlp::Mlp<mlp::BinaryCrossEntropy, Hidden, Output>;

int main() {
#ifdef FIXED
  Net net(Hidden(2, 8), Output(8, 1));
#else
  Net net;
#endif
}
