// Compiled twice for one program, for AVX2 as train_avx2 and for every x86-64 as train_plain: neither may call a function
// of the other. The results agree to rounding.

#include <mlp/mlp.hpp>

#include <cmath>
#include <cstdio>

float TRAIN() {
  mlp::Mlp<mlp::SoftmaxCrossEntropy, mlp::Dense<mlp::Dynamic, mlp::Dynamic, mlp::Tanh>,
           mlp::Dense<mlp::Dynamic, mlp::Dynamic>>
      net({7, 16}, {16, 3});
  mlp::Rng rng(3);
  net.initialize(rng);
  mlp::Matrix<float> x(7, 30);
  mlp::Labels t(30);
  for (mlp::Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(rng.normal());
  for (mlp::Index i = 0; i < t.size(); ++i) t(i) = static_cast<int>(i % 3);
  const mlp::Dataset data{x, t};
  mlp::fit(net, data, mlp::Adam{.learning_rate = 0.01}, {.epochs = 20, .batch_size = 8});
  return static_cast<float>(mlp::evaluate(net, data).loss);
}

#ifdef OTHER
float OTHER();

int main() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 77;  // skipped
  const float found = TRAIN(), other = OTHER();
  std::printf("%.9g %.9g\n", static_cast<double>(found), static_cast<double>(other));
  return std::abs(found - other) <= 1e-5f * found ? 0 : 1;
}
#endif
