// The three products of a Dense layer, by this library and by Eigen's expression A * B, in turn, on one
// thread. Prints the medians as a Markdown table: GFLOP/s, that is 2 m k n / time.
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/kernel/product.hpp>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "timing.hpp"

using namespace mlp;

namespace {

auto view(auto& m) { return matrix_view<Dynamic, Dynamic>(m.data(), m.rows(), m.cols()); }

// C = A B, where C is rows x cols.
void compare(const char* what, Index rows, Index depth, Index cols, const auto& a, const auto& b) {
  Matrix<float> c(rows, cols);
  const double flops = 2e-9 * static_cast<double>(rows * depth * cols);
  const int turns = std::max(1, static_cast<int>(0.02 / flops));  // about a millisecond
  std::vector<double> own, eigen;
  for (int round = 0; round < 21; ++round) {
    own.push_back(timing::seconds(turns, [&] { set_product(a, b, view(c)); }));
    eigen.push_back(timing::seconds(turns, [&] { c.noalias() = a * b; }));
  }
  const double ours = flops / timing::median(own), theirs = flops / timing::median(eigen);
  std::printf("| %-11s | %4td x %4td x %4td | %6.1f | %6.1f | %5.2fx |\n", what, rows, depth, cols, ours,
              theirs, ours / theirs);
}

void compare(Index outputs, Index inputs, Index batch) {
  const Matrix<float> w = Matrix<float>::Random(outputs, inputs), x = Matrix<float>::Random(inputs, batch),
                      delta = Matrix<float>::Random(outputs, batch);
  compare("W x", outputs, inputs, batch, view(w), view(x));
  compare("delta x^T", outputs, batch, inputs, view(delta), view(x).transpose());
  compare("W^T delta", inputs, outputs, batch, view(w).transpose(), view(delta));
}

}  // namespace

int main() {
  std::puts("| product | m x k x n | mlp, GFLOP/s | Eigen, GFLOP/s | ratio |\n|---|---|---:|---:|---:|");
  for (const Index batch : {1, 32}) {
    compare(128, 784, batch);
    compare(10, 128, batch);
  }
  compare(256, 784, 64);
  compare(64, 64, 64);
  compare(4, 64, 64);
  compare(1, 32, 64);
  compare(256, 256, 256);
  compare(1024, 1024, 128);
}
