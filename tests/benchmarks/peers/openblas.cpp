// Training code written by hand over OpenBLAS.
#include <cblas.h>

#include "gemm.hpp"

#include <sstream>

namespace suite {

namespace {

struct Blas {
  static void multiply(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float* a,
                       int lda, const float* b, int ldb, float beta, float* c, int ldc) {
    if (m == 1) {
      cblas_sgemv(CblasRowMajor, transpose_b ? CblasNoTrans : CblasTrans, transpose_b ? n : k,
                  transpose_b ? k : n, alpha, b, ldb, a, 1, beta, c, 1);
    } else {
      cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                  transpose_b ? CblasTrans : CblasNoTrans, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    }
  }
};

/// "0.3.21 for Cooperlake"; the library reports its version as "OpenBLAS 0.3.21 NO_LAPACKE ...".
std::string version() {
  std::string name, number;
  std::istringstream(openblas_get_config()) >> name >> number;
  return number + " for " + openblas_get_corename();
}

}  // namespace

template <class Net, class Task>
using OpenBlas = GemmModel<Blas, Net, Task>;

static const bool added = (openblas_set_num_threads(1), add_peer<OpenBlas>("OpenBLAS", version()));

}  // namespace suite
