#pragma once

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <new>

/// Counts the bytes that operator new allocates, which peak_memory.cpp replaces: for bounds on a reader's memory. Eigen's
/// allocations are not counted: matrices, which are part of the result.
namespace peak_memory {

inline std::atomic<std::size_t> now{0}, peak{0};

inline void* allocate(std::size_t size) {
  void* const p = std::malloc(size == 0 ? 1 : size);
  if (p == nullptr) throw std::bad_alloc();
  const std::size_t sum = now += malloc_usable_size(p);
  peak = std::max(peak.load(), sum);
  return p;
}
inline void release(void* p) {
  now -= malloc_usable_size(p);
  std::free(p);
}

/// The most bytes that call() held at a time, besides those allocated before. The call may also end with an
/// exception.
std::size_t of(auto&& call) {
  const std::size_t before = now;
  peak = before;
  try {
    call();
  } catch (const std::exception&) {
  }
  return peak - before;
}

}  // namespace peak_memory
