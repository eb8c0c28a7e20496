// error: sizes_are_positive.*2.*0
#include <mlp/mlp.hpp>

#ifdef FIXED
constexpr int outputs = 1;
#else
constexpr int outputs = 0;
#endif

int main() { mlp::Mlp<mlp::MeanSquaredError, mlp::Dense<2, outputs>> net; }
