#include <mlp/io/idx.hpp>

#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "mutate.hpp"
#include "only_throws.hpp"

namespace {

// The contents of gzip's first stream, up to most_bytes; empty if the bytes are not such a stream.
std::string unzipped(std::string bytes, std::size_t most_bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) std::abort();
  std::string inner(most_bytes, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(inner.data());
  stream.avail_out = static_cast<uInt>(inner.size());
  inflate(&stream, Z_FINISH);
  inner.resize(stream.total_out);
  inflateEnd(&stream);
  return inner;
}

std::string zipped(std::string inner) {
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) std::abort();
  std::string bytes(deflateBound(&stream, static_cast<uLong>(inner.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(inner.data());
  stream.avail_in = static_cast<uInt>(inner.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  deflate(&stream, Z_FINISH);
  bytes.resize(stream.total_out);
  deflateEnd(&stream);
  return bytes;
}

// Makes the data as long as the header's sizes require, if that is at most most_bytes.
void fit_data(std::string& idx, std::size_t most_bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(idx[i]); };
  if (idx.size() < 4 || idx.size() < 4 + 4 * std::size_t{byte(3)}) return;
  const std::size_t header = 4 + 4 * std::size_t{byte(3)};
  double size = static_cast<double>(header), elements = 1;
  for (std::size_t i = 4; i < header; i += 4) {
    elements *= ((byte(i) * 256. + byte(i + 1)) * 256. + byte(i + 2)) * 256. + byte(i + 3);
  }
  size += elements;
  if (size <= static_cast<double>(most_bytes)) idx.resize(static_cast<std::size_t>(size), '\x80');
}

}  // namespace

// Mutated gzip streams fail their checksum: this mutates the contents, and repairs the file's length.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most_bytes,
                                               unsigned seed) {
  constexpr std::size_t most_unzipped = 1 << 16;
  return mutate_or(data, size, most_bytes, seed, [&](const std::string& bytes) {
    const std::string inner = unzipped(bytes, most_unzipped);
    std::string idx = mutated(inner.empty() ? bytes : inner, inner.empty() ? most_bytes : most_unzipped);
    if (seed % 4 != 0) fit_data(idx, inner.empty() ? most_bytes : most_unzipped);
    return inner.empty() == (seed / 4 % 16 == 0) ? zipped(idx) : idx;
  });
}

// zlib reads a file by name: this one is in memory.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const int file = memfd_create("idx", 0);
  if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  only_throws<std::runtime_error>([&] { mlp::read_idx_images(path); });
  only_throws<std::runtime_error>([&] { mlp::read_idx_labels(path); });
  return 0;
}
