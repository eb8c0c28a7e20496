#pragma once

#include <mlp/base/abi.hpp>

#ifdef _OPENMP
#include <omp.h>

#include <algorithm>
#endif

namespace mlp::inline MLP_ABI::detail {

// Runs the steps of a training with one thread or with several, whichever is faster: of every 128 steps, four
// are timed with one thread and four with all, and the other 120 take the faster way. The clock may choose,
// since any number of threads gives the same bits. Several threads are slower where steps are short, and
// where other programs keep the processors busy.
class ThreadChoice {
 public:
#ifdef _OPENMP
  // At most `threads` threads, or OpenMP's number if 0; never more than there are processors. The destructor
  // restores OpenMP's number.
  explicit ThreadChoice(int threads)
      : before_(omp_get_max_threads()),
        most_((std::min)(threads == 0 ? before_ : threads, omp_get_num_procs())) {}
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
      fastest = phase % 4 == 0 ? seconds : (std::min)(fastest, seconds);
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

}  // namespace mlp::inline MLP_ABI::detail
