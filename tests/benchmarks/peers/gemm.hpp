// Training code written by hand over a row-major BLAS `sgemm`.
#pragma once

#include "../suite.hpp"

namespace suite {

/// Gemm::multiply(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc), all row-major:
///   y = f(x W + b), the bias as the product's start value;  dW = x^T dy,  dx = dy W^T
/// Shapes: x n x In; W In x Out; y n x Out.
template <class Gemm, class Net, class Task>
class GemmModel {
 public:
  explicit GemmModel(const Vector& theta) : theta_(theta), gradient_(theta.size()) {}

  void step(const Batch<Net>& batch) {
    const int n = static_cast<int>(batch.n);
    forward(batch.x, n);
    dy_.back().resize(Net::outputs, n);
    loss_gradient<Net>(y_.back().data(), batch, dy_.back().data());
    float* dW = gradient_.data() + gradient_.size();
    const float* W = theta_.data() + theta_.size();
    for (std::size_t i = Net::depth; i-- > 0;) {
      const int in = Net::sizes[i], out = Net::sizes[i + 1];
      dW -= (in + 1) * out;
      W -= (in + 1) * out;
      const float* x = i == 0 ? batch.x : y_[i - 1].data();
      Gemm::multiply(true, false, in, out, n, 1, x, in, dy_[i].data(), out, 0, dW, out);
      Eigen::Map<Vector>(dW + in * out, out) = dy_[i].rowwise().sum();
      if (i == 0) break;
      dy_[i - 1].resize(in, n);
      Gemm::multiply(false, true, n, in, out, 1, dy_[i].data(), out, W, out, 0, dy_[i - 1].data(), in);
      const auto y = y_[i - 1].array();
      auto dy = dy_[i - 1].array();
      if constexpr (Net::hidden == Hidden::relu) dy *= (y > 0).template cast<float>();
      else if constexpr (Net::hidden == Hidden::tanh) dy *= 1 - y.square();
      else dy *= y.min(0) + 1;
    }
    update_(theta_.data(), gradient_.data(), theta_.size());
  }

  template <int n>
  const float* infer(const float* x) {
    constexpr int piece = 256;  // samples whose activations stay in the cache
    if constexpr (n <= piece) {
      forward(x, n);
      return y_.back().data();
    } else {
      all_.resize(Net::outputs, n);
      for (int i = 0; i < n; i += piece) {
        const int count = std::min(piece, n - i);
        forward(x + i * Net::inputs, count);
        all_.middleCols(i, count) = y_.back();
      }
      return all_.data();
    }
  }

 private:
  void forward(const float* x, int n) {
    const float* W = theta_.data();
    for (std::size_t i = 0; i < Net::depth; ++i) {
      const int in = Net::sizes[i], out = Net::sizes[i + 1];
      y_[i].resize(out, n);
      y_[i].colwise() = Eigen::Map<const Vector>(W + in * out, out);
      Gemm::multiply(false, false, n, out, in, 1, x, in, W, out, 1, y_[i].data(), out);
      if (i + 1 < Net::depth) {
        auto y = y_[i].array();
        if constexpr (Net::hidden == Hidden::relu) y = y.max(0);
        else if constexpr (Net::hidden == Hidden::tanh) y = y.tanh();
        else y = y.max(0) + (y.min(0).exp() - 1);
      }
      x = y_[i].data();
      W += (in + 1) * out;
    }
  }

  Vector theta_, gradient_;
  Update<Task> update_;
  std::array<Matrix, Net::depth> y_, dy_;  // Out x n, column-major
  Matrix all_;
};

}  // namespace suite
