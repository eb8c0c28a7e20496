// Tells two intertwined spirals apart, a problem that is hard for small networks, and draws the result:
// spirals.png shows the probability of either class over the plane, and the training points.

#include <mlp/mlp.hpp>

#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <numbers>
#include <stdexcept>
#include <vector>

using namespace mlp;

using Net = Mlp<BinaryCrossEntropy, Dense<2, 64, SiLU>, Dense<64, 64, SiLU>, Dense<64, 1>>;
using Data = Dataset<Matrix<float>>;

// Three turns of 97 points each, the second spiral the first rotated by half a turn, in [-4, 4]^2.
// Source: Lang and Witbrock, Learning to Tell Two Spirals Apart (1988).
Data spirals() {
  constexpr Index count = 97;
  Data data{Matrix<float>(2, 2 * count), Matrix<float>(1, 2 * count)};
  for (Index i = 0; i < count; ++i) {
    const auto angle = static_cast<float>(i) * std::numbers::pi_v<float> / 16;
    const float radius = static_cast<float>(104 - i) / 26;
    data.x.col(2 * i) << radius * std::sin(angle), radius * std::cos(angle);
    data.x.col(2 * i + 1) = -data.x.col(2 * i);
    data.t(2 * i) = 1;
    data.t(2 * i + 1) = 0;
  }
  return data;
}

// Blue for class 0, orange for class 1, white between them.
Eigen::Array3f color(float probability) {
  const Eigen::Array3f blue(70, 120, 190), white(250, 250, 250), orange(235, 130, 40);
  const float share = 2 * probability - 1;
  return white + std::abs(share) * ((share < 0 ? blue : orange) - white);
}

void draw(const Net& net, const Data& data, const char* path) {
  constexpr Index size = 640;
  constexpr float edge = 4.4f, dot = 0.1f;
  std::vector<std::uint8_t> pixels;
  for (Index row = 0; row < size; ++row) {
    Matrix<float> x(2, size);
    x.row(0).setLinSpaced(-edge, edge);
    x.row(1).setConstant(edge - 2 * edge * static_cast<float>(row) / static_cast<float>(size - 1));
    const Matrix<float> p = net.predict(x);
    for (Index col = 0; col < size; ++col) {
      // The nearest training point: a dot with a dark rim if it is near enough.
      Index nearest = 0;
      const float distance =
          std::sqrt((data.x.colwise() - x.col(col)).colwise().squaredNorm().minCoeff(&nearest));
      Eigen::Array3f rgb = color(p(col));
      if (distance < dot) rgb = distance < 0.7f * dot ? color(data.t(nearest)) : Eigen::Array3f::Constant(30);
      for (const float channel : rgb) pixels.push_back(static_cast<std::uint8_t>(channel));
    }
  }
  if (!stbi_write_png(path, size, size, 3, pixels.data(), 3 * size))
    throw std::runtime_error(std::string(path) + ": expected a file that can be written");
}

int main() try {
  const Data data = spirals();
  Net net;
  Rng rng{1};
  net.initialize(rng);
  const auto right = [&] { return evaluate(net, data).accuracy; };
  fit(net, data, AdamW{.learning_rate = 0.003, .weight_decay = 0.05},
      {.epochs = 1000, .batch_size = 194, .seed = 1}, [&](const Progress& now) {
        if (now.epoch % 100 != 0) return true;
        std::printf("epoch %4td  loss %.4f  right %5.1f %%\n", now.epoch, now.loss, 100 * right());
        return now.loss > 0.005;
      });
  draw(net, data, "spirals.png");
  std::puts("wrote spirals.png");
  return right() == 1 ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "spirals: %s\n", error.what());
  return 1;
}
