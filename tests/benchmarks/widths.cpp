// How the speed of a Dense layer grows with its size: y = W x + b with as many outputs as inputs, by this library,
// Eigen's expression, OpenBLAS and oneDNN, in turn, on one thread. Prints the medians of GFLOP/s, one block of lines
// for each size of batch, which widths.gp plots.
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/kernel/product.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "timing.hpp"

#ifdef WIDTHS_OPENBLAS
#include <cblas.h>
#endif
#ifdef WIDTHS_ONEDNN
#include "peers/onednn.hpp"

#include <omp.h>
#endif

using namespace mlp;

namespace {

auto view(auto& m) { return matrix_view<Dynamic, Dynamic>(m.data(), m.rows(), m.cols()); }

struct Layer {
  Matrix<float> W, x, y;
  Vector<float> b;

  Layer(Index width, Index batch)
      : W(Matrix<float>::Random(width, width)),
        x(Matrix<float>::Random(width, batch)),
        y(width, batch),
        b(Vector<float>::Random(width)) {}
};

struct Peer {
  const char* name;
  std::function<void()> run;
};

#ifdef WIDTHS_OPENBLAS
void run_openblas(Layer& layer) {
  auto& [W, x, y, b] = layer;
  const int n = static_cast<int>(W.rows()), batch = static_cast<int>(x.cols());
  y.colwise() = b;
  if (batch == 1) {
    cblas_sgemv(CblasColMajor, CblasNoTrans, n, n, 1, W.data(), n, x.data(), 1, 1, y.data(), 1);
  } else {
    cblas_sgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, n, batch, n, 1, W.data(), n, x.data(), n, 1,
                y.data(), n);
  }
}
#endif

#ifdef WIDTHS_ONEDNN
// An inner product with the layout of weights that oneDNN chooses.
std::function<void()> onednn(Layer& layer) {
  using namespace suite;
  using Forward = dnnl::inner_product_forward;
  const Index n = layer.W.rows(), batch = layer.x.cols();
  const memory::desc bias({n}, memory::data_type::f32, memory::format_tag::a);
  const auto product = describe<Forward>(dnnl::primitive_attr(), dnnl::prop_kind::forward_inference,
                                         plain(batch, n), any(n, n), bias, plain(batch, n));
  memory given(matrix(n, n, memory::format_tag::ba), engine(), layer.W.data()),
      weights(product.weights_desc(), engine());
  dnnl::reorder(given, weights).execute(stream(), given, weights);
  stream().wait();
  return
      [primitive = Forward(product), arguments = std::unordered_map<int, memory>{
                                         {DNNL_ARG_SRC, memory(plain(batch, n), engine(), layer.x.data())},
                                         {DNNL_ARG_WEIGHTS, weights},
                                         {DNNL_ARG_BIAS, memory(bias, engine(), layer.b.data())},
                                         {DNNL_ARG_DST, memory(plain(batch, n), engine(), layer.y.data())}}] {
        primitive.execute(stream(), arguments);
        stream().wait();
      };
}
#endif

std::vector<Peer> peers(Layer& layer) {
  auto& [W, x, y, b] = layer;
  std::vector<Peer> all{{"mlp", [&] { set_affine(view(W), view(x), b, view(y)); }}, {"Eigen", [&] {
                                                                                       y.noalias() = W * x;
                                                                                       y.colwise() += b;
                                                                                     }}};
#ifdef WIDTHS_OPENBLAS
  all.push_back({"OpenBLAS", [&] { run_openblas(layer); }});
#endif
#ifdef WIDTHS_ONEDNN
  all.push_back({"oneDNN", onednn(layer)});
#endif
  return all;
}

// Prints a line, and returns mlp's share of the best peer's speed.
double measure(Index width, Index batch) {
  Layer layer(width, batch);
  const Matrix<float> expected = (layer.W * layer.x).colwise() + layer.b;
  const double gflop = 2e-9 * static_cast<double>(width * width * batch);
  const int turns = std::max(1, static_cast<int>(0.02 / gflop));  // about a millisecond
  const std::vector<Peer> all = peers(layer);
  std::vector<std::vector<double>> seconds(all.size());
  for (int round = 0; round < 15; ++round) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      layer.y.setZero();
      seconds[i].push_back(timing::seconds(turns, all[i].run));
      if (!layer.y.isApprox(expected, 1e-4f)) {
        std::fprintf(stderr, "widths: wrong outputs of %s\n", all[i].name);
        std::exit(EXIT_FAILURE);
      }
    }
  }
  std::printf("%td", width);
  double best = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double speed = gflop / timing::median(seconds[i]);
    if (i > 0) best = std::max(best, speed);
    std::printf(" %.2f", speed);
  }
  std::puts("");
  return gflop / timing::median(seconds[0]) / best;
}

}  // namespace

int main() {
#ifdef WIDTHS_ONEDNN
  omp_set_num_threads(1);
#endif
#ifdef WIDTHS_OPENBLAS
  openblas_set_num_threads(1);
#endif
  Layer any(1, 1);
  for (const Index batch : {1, 32, 256}) {
    std::string heading = "width";
    for (const Peer& peer : peers(any)) heading.append(" ").append(peer.name);
    std::puts(heading.c_str());
    double least = 1e9;
    Index where = 0;
    for (const Index width :
         {4,   5,   6,   8,   10,  12,  16,  20,  24,  32,  40,  48,   64,   80,   96,   100,
          128, 160, 192, 200, 256, 320, 384, 500, 512, 640, 768, 1000, 1024, 1280, 1536, 2048}) {
      const double share = measure(width, batch);
      if (share < least) {
        least = share;
        where = width;
      }
    }
    std::printf("# batch %td: mlp's least share of the best peer's speed is %.2f, at %td\n\n\n", batch, least,
                where);
  }
}
