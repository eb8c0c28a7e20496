// error: the size of a layer must be positive
#include <mlp/mlp.hpp>

#ifdef FIXED
constexpr int size = 3;
#else
constexpr int size = 0;
#endif

int main() { mlp::LayerNorm<size> layer; }
