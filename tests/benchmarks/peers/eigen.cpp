// The matrix products of a training step, written directly in Eigen, and nothing else: no bias, activation,
// loss or update.
#include "../suite.hpp"

namespace suite {

template <class Net, class Task>
class Products {
 public:
  explicit Products(const Vector& theta) {
    const float* p = theta.data();
    for (std::size_t i = 0; i < Net::depth; ++i) {
      const int in = Net::sizes[i], out = Net::sizes[i + 1];
      W[i] = Eigen::Map<const Matrix>(p, out, in);
      dW[i].resize(out, in);
      p += (in + 1) * out;
    }
  }

  void step(const Batch<Net>& batch) {
    const Eigen::Map<const Matrix> x(batch.x, Net::inputs, batch.n);
    y[0].noalias() = W[0] * x;
    for (std::size_t i = 1; i < Net::depth; ++i) y[i].noalias() = W[i] * y[i - 1];
    dy.back() = y.back();
    for (std::size_t i = Net::depth - 1; i > 0; --i) {
      dW[i].noalias() = dy[i] * y[i - 1].transpose();
      dy[i - 1].noalias() = W[i].transpose() * dy[i];
    }
    dW[0].noalias() = dy[0] * x.transpose();
  }

 private:
  std::array<Matrix, Net::depth> W, dW, y, dy;
};

static const bool added = add_peer<Products>("Eigen's products alone", "");

}  // namespace suite
