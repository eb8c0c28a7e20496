// Every part of the library can be replaced by a few lines of your own. This program defines an activation, a
// loss and a layer, lets the compiler and check_gradient test them, and fits a curve with them.
// <mlp/core/concepts.hpp> lists what each must have; nothing is inherited or registered.

#include <mlp/mlp.hpp>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

using namespace mlp;

/// a = exp(-z^2), a' = -2 z a. An activation works on fixed-size Eigen arrays, in place.
struct Gaussian {
  static constexpr bool needs_input = true;  // the derivative needs z, so the layer keeps it
  void forward(auto& z) const { z = (-z.square()).exp(); }
  void backward(const auto& z, const auto& a, auto& delta) const { delta *= -2 * z * a; }
};

/// L = mean of log(cosh(y - t)): about d^2 / 2 for small errors d, |d| for large ones.
/// With cosh(d) = exp(|d|) (1 + exp(-2 |d|)) / 2 it can't overflow. dL/dy = tanh(y - t) / (K B).
/// Shapes: y and t K x B.
struct LogCosh {
  template <class S>
  using Target = Matrix<S>;

  template <class Y>
  typename Y::Scalar value(const Y& y, const auto& t) const {
    using S = typename Y::Scalar;
    const Matrix<S> d = (y - t).cwiseAbs();
    return (d.array() + (S(-2) * d.array()).exp().log1p()).mean() - std::log(S(2));
  }

  template <class Y>
  void gradient(const Y& y, const auto& t, auto& dy) const {
    dy = ((y - t).array().tanh() / static_cast<typename Y::Scalar>(y.size())).matrix();
  }
  void to_prediction(auto&) const {}  // a prediction is the output itself
};

/// y_ij = s_i x_ij + b_i, with s and b learned. A layer owns no parameters: it is passed its slice of the
/// network's, here theta = (s, b), and fills the same slice of the gradient.
/// Shapes: x and y N x B; theta 2 N.
template <int N>
struct ScaleShift {
  static constexpr Index inputs() { return N; }
  static constexpr Index outputs() { return N; }
  static constexpr Index parameter_count() { return 2 * N; }
  template <class S>
  struct Cache {};  // backward needs nothing from forward except x, which is passed to it

  void initialize(auto& theta, Rng&) const {
    theta.head(N).setOnes();
    theta.tail(N).setZero();
  }

  void infer(const auto& theta, const auto& x, auto& y) const {
    y = theta.head(N).asDiagonal() * x;
    y.colwise() += theta.tail(N);
  }

  void forward(const auto& theta, const auto& x, auto& y, auto&, Rng&) const { infer(theta, x, y); }
  void backward(const auto& theta, const auto& x, const auto&, auto&, auto& dy, auto& dtheta,
                auto& dx) const {
    dtheta.head(N) = dy.cwiseProduct(x).rowwise().sum();
    dtheta.tail(N) = dy.rowwise().sum();
    dx = theta.head(N).asDiagonal() * dy;
  }
};

static_assert(Activation<Gaussian> && Loss<LogCosh> && Layer<ScaleShift<16>>);
using Net = Mlp<LogCosh, Dense<1, 16, Gaussian>, ScaleShift<16>, Dense<16, 16, Gaussian>, Dense<16, 1>>;

float curve(float x) { return std::sin(3 * x) + 0.4f * x; }

// Samples as dots, the network as a line; x from -2 to 2, y from -1.6 to 1.6.
void draw(const Net& net, const Dataset<Matrix<float>>& data) {
  std::vector<std::string> picture(17, std::string(65, ' '));
  const auto put = [&](float x, float y, char mark) {
    const auto row = static_cast<std::size_t>(std::lround((1.6f - y) * 5));  // huge if negative
    if (row < picture.size()) picture[row][static_cast<std::size_t>(std::lround((x + 2) * 16))] = mark;
  };
  const Matrix<float> x = Eigen::RowVectorXf::LinSpaced(65, -2, 2), y = net.predict(x);
  for (Index j = 0; j < data.size(); ++j) put(data.x(0, j), data.t(0, j), '.');
  for (Index j = 0; j < x.cols(); ++j) put(x(0, j), y(0, j), '#');
  std::puts("\n  samples . and fit # over [-2, 2] x [-1.6, 1.6]");
  for (const std::string& row : picture) std::printf("  |%s|\n", row.c_str());
}

int fail(const char* why) {
  std::fprintf(stderr, "custom_parts: %s\n", why);
  return 1;
}

int main() {
  Rng rng{1};
  Dataset<Matrix<float>> data{Matrix<float>(1, 256), Matrix<float>(1, 256)};
  fill(data.x, [&] { return rng.uniform(-2, 2); });
  fill(data.t, [&] { return 0.1 * rng.normal(); });
  data.t += data.x.unaryExpr(&curve);

  Net net;
  net.initialize(rng);
  const GradientCheck check = check_gradient(net, data.x.leftCols(8), data.t.leftCols(8));
  std::printf("worst error of dL/dtheta %.1e, of dL/dx %.1e\n\n", check.worst_error, check.worst_input_error);
  if (!(check.worst_error < 1e-7 && check.worst_input_error < 1e-7)) return fail("a derivative is wrong");

  std::puts("epoch   loss");
  fit(net, data, Sgd{.learning_rate = 0.05, .momentum = 0.9}, {.epochs = 500, .batch_size = 32, .seed = 1},
      [](const Progress& p) {
        if (p.epoch_is_done() && p.epoch % 50 == 0) std::printf("%5td   %.5f\n", p.epoch, p.loss);
      });
  draw(net, data);

  const float error = std::sqrt((net.predict(data.x) - data.x.unaryExpr(&curve)).array().square().mean());
  std::printf("\nroot mean square error against the curve without noise: %.3f\n", error);
  if (!(error < 0.06f)) return fail("expected an error below 0.06");
}
