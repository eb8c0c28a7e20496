#pragma once

#include <mlp/base/types.hpp>

#include <algorithm>

#ifdef _OPENMP
#include <omp.h>

#include <exception>
#endif

/// Shares work among OpenMP's threads in a program that is compiled with OpenMP (link OpenMP::OpenMP_CXX).
/// The calling thread does all of it in any other program, inside a parallel region, and where there is
/// little work.
///
/// OpenMP determines the number of threads: the environment variable OMP_NUM_THREADS, or
/// omp_set_num_threads(n) for the calling thread. fit has the option `threads`.
///
/// Work is cut between results, never within one: the same operations compute each number in the same order,
/// and any number of threads gives the same bits.
namespace mlp::inline MLP_ABI {

namespace detail {

/// Calls f(begin, end) for each of `parts` ranges that together are [0, n); the threads share the calls.
/// The cuts lie at multiples of `unit`, and there are fewer ranges if n has fewer units.
/// Errors: an exception of a call reaches the caller; of several exceptions, one.
template <class F>
void parallel_for(Index n, Index unit, Index parts, F&& f) {
  const Index units = (n + unit - 1) / unit;
  parts = (std::min)(parts, units);
  const auto part = [&](Index p) {
    f(units * p / parts * unit, (std::min)(units * (p + 1) / parts * unit, n));
  };
#ifdef _OPENMP
  const int threads = omp_in_parallel() ? 1 : static_cast<int>(std::min<Index>(parts, omp_get_max_threads()));
  if (threads > 1) {
    std::exception_ptr error;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (Index p = 0; p < parts; ++p) {
#ifdef __cpp_exceptions
      try {
        part(p);
      } catch (...) {
#pragma omp critical(mlp_parallel_for)
        error = std::current_exception();
      }
#else
      part(p);
#endif
    }
    if (error) std::rethrow_exception(error);
    return;
  }
#endif
  for (Index p = 0; p < parts; ++p) part(p);
}

/// The number of parts into which to cut `work`: one for each thread, but each with at least `grain` of the
/// work; 1 without OpenMP and inside a parallel region. Work and grain are in any common unit, such as
/// multiplications.
inline Index part_count([[maybe_unused]] Index work, [[maybe_unused]] Index grain) {
#ifdef _OPENMP
  if (work >= 2 * grain && !omp_in_parallel()) return std::min<Index>(omp_get_max_threads(), work / grain);
#endif
  return 1;
}

}  // namespace detail

}  // namespace mlp::inline MLP_ABI
