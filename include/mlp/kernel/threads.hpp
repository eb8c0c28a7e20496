#pragma once

#include <mlp/base/types.hpp>

#include <algorithm>

#ifdef _OPENMP
#include <omp.h>

#include <exception>
#endif

/// Work shared among OpenMP's threads, in a program that is compiled with OpenMP (link OpenMP::OpenMP_CXX);
/// all is done by the calling thread in one that isn't, inside a parallel region, and where there is too
/// little to do.
///
/// How many threads that is, OpenMP says: OMP_NUM_THREADS, or omp_set_num_threads(n) for the calling thread.
/// fit has an option of its own.
///
/// What is shared is cut so that each number is computed by the same operations in the same order as without:
/// results are the same bits for any number of threads.
namespace mlp {

namespace detail {

// Calls f(begin, end) for `parts` ranges that make up [0, n), cut at multiples of `unit`, by as many threads
// as there are for them.
template <class F>
void parallel_for(Index n, Index unit, Index parts, F&& f) {
  const Index units = (n + unit - 1) / unit;
  parts = std::min(parts, units);
  const auto part = [&](Index p) {
    f(units * p / parts * unit, std::min(units * (p + 1) / parts * unit, n));
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
#pragma omp critical(mlp_share)
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

// How many parts it pays to make of that much work, if each is to have at least `grain` of it.
inline Index part_count([[maybe_unused]] Index work, [[maybe_unused]] Index grain) {
#ifdef _OPENMP
  if (work >= 2 * grain && !omp_in_parallel()) return std::min<Index>(omp_get_max_threads(), work / grain);
#endif
  return 1;
}

// Runs step after step with at most `threads` threads (as many as OpenMP would take, if 0; no more than there
// are processors). Since one thread and many give the same bits, the clock may choose between them: of every
// 128 steps, four are timed with one thread and four with all, and the others go the faster way. Threads lose
// where steps are short, and where other programs keep the processors busy.
class ThreadChoice {
 public:
#ifdef _OPENMP
  explicit ThreadChoice(int threads)
      : before_(omp_get_max_threads()),
        most_(std::min(threads == 0 ? before_ : threads, omp_get_num_procs())) {}
  ThreadChoice(const ThreadChoice&) = delete;
  ThreadChoice& operator=(const ThreadChoice&) = delete;
  ~ThreadChoice() { omp_set_num_threads(before_); }

  template <class Step>
  void run(Step&& step) {
    const unsigned phase = steps_++ % 128;
    const bool alone = most_ == 1 || phase < 4 || (phase >= 8 && alone_is_faster_);
    omp_set_num_threads(alone ? 1 : most_);
    const double start = omp_get_wtime();
    step();
    const double seconds = omp_get_wtime() - start;
    if (phase < 8) {
      double& fastest = fastest_[phase / 4];
      fastest = phase % 4 == 0 ? seconds : std::min(fastest, seconds);
    }
    if (phase == 7) alone_is_faster_ = fastest_[0] <= fastest_[1];
  }

 private:
  int before_, most_;
  unsigned steps_ = 0;
  double fastest_[2] = {};  // by one thread, by all
  bool alone_is_faster_ = false;
#else
  explicit ThreadChoice(int) {}
  template <class Step>
  void run(Step&& step) {
    step();
  }
#endif
};

}  // namespace detail

}  // namespace mlp
