#include "peak_memory.hpp"

void* operator new(std::size_t size) { return peak_memory::allocate(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return peak_memory::allocate(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* p) noexcept { peak_memory::release(p); }
void operator delete(void* p, std::size_t) noexcept { peak_memory::release(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { peak_memory::release(p); }
