#include <mlp/io/idx.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "only_throws.hpp"

// zlib wants the name of a file: one in memory.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const int file = memfd_create("idx", 0);
  if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  only_throws<std::runtime_error>([&] { mlp::read_idx_images(path); });
  only_throws<std::runtime_error>([&] { mlp::read_idx_labels(path); });
  return 0;
}
