#include <mlp/kernel/thread_choice.hpp>

#include <doctest/doctest.h>

#include <algorithm>

using namespace mlp;

#ifndef _OPENMP
#error "this test needs OpenMP's threads"
#endif

TEST_CASE("ThreadChoice: runs each step once, with one thread and with all, and restores OpenMP's number") {
  omp_set_num_threads(3);
  for (const int threads : {0, 1, 2, 1000}) {
    CAPTURE(threads);
    const int most = std::min(threads == 0 ? 3 : threads, omp_get_num_procs());
    int steps = 0, alone = 0, others = 0;
    {
      detail::ThreadChoice choice(threads);
      for (int i = 0; i < 300; ++i) {
        choice.run([&] {
          ++steps;
          const int now = omp_get_max_threads();
          alone += now == 1;
          others += now != 1 && now != most;
        });
      }
    }
    CHECK(steps == 300);
    CHECK(others == 0);
    CHECK(alone >= 12);  // 300 steps begin three periods of 128, each with four steps of one thread
    if (most > 1) CHECK(alone <= 300 - 12);
    CHECK(omp_get_max_threads() == 3);
  }
}
