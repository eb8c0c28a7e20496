#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>
#include <mlp/data/byte_matrix.hpp>
#include <mlp/data/dataset.hpp>
#include <mlp/io/file.hpp>

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#ifndef _WIN32
#include <fcntl.h>
#include <unistd.h>
#endif

namespace mlp::inline MLP_ABI {

struct IdxOptions {
  /// The largest size that a gzipped file's header may claim, as a multiple of the file's size; 16 MiB are
  /// always allowed. Images rarely shrink to less than a tenth, but a megabyte of gzip can expand to
  /// gigabytes.
  double max_expansion = 100;

  void validate() const {
    detail::check_option(max_expansion >= 0, "IdxOptions", "max_expansion >= 0", max_expansion);
  }
};

namespace detail {

/// The contents of an IDX file of unsigned bytes: samples x features bytes, one sample after the other.
struct IdxElements {
  Index samples = 0;
  Index features = 0;
  std::vector<std::uint8_t> bytes;
};

/// A file read through zlib, which also reads files that are not gzipped.
class IdxFile {
 public:
  explicit IdxFile(const std::filesystem::path& path) : path_(path) {
    const InputFile input(path);
    size_ = input.size();
    errno = 0;
#ifdef _WIN32
    file_.reset(gzopen_w(path.c_str(), "rb"));
#else
    const int copy = fcntl(fileno(input.handle()), F_DUPFD_CLOEXEC, 0);
    if (copy >= 0) file_.reset(gzdopen(copy, "rb"));
    if (copy >= 0 && !file_) close(copy);
#endif
    // zlib does not set errno if it runs out of memory.
    if (!file_) unreadable(std::generic_category().message(errno != 0 ? errno : ENOMEM));
  }

  /// The size of the file on the disk, in bytes.
  std::uint64_t size() const { return size_; }
  bool is_gzipped() { return gzdirect(file_.get()) == 0; }

  /// Reads up to `size` bytes and returns the number read, which is smaller only at an intact end of the
  /// file.
  /// Errors: std::runtime_error if the file can't be read, or its gzip stream is damaged or truncated.
  std::size_t read(std::uint8_t* to, std::size_t size) {
    const int got = gzread(file_.get(), to, static_cast<unsigned>(size));
    const std::size_t count = got > 0 ? static_cast<std::size_t>(got) : 0;
    if (count < size) {
      // gzread does not report a truncated stream: only gzerror distinguishes it from the end of the file.
      int status = Z_OK;
      std::string why = gzerror(file_.get(), &status);
      if (const std::size_t name = why.rfind(": "); name != std::string::npos) {
        why.erase(0, name + 2);  // zlib's name for the file
      }
      if (status != Z_OK) unreadable(why);
    }
    return count;
  }

 private:
  [[noreturn]] void unreadable(MessagePart why) const {
    file_error(path_, "a readable, undamaged file", why);
  }

  struct Close {
    void operator()(gzFile file) const noexcept { gzclose(file); }
  };

  std::filesystem::path path_;
  std::uint64_t size_ = 0;
  std::unique_ptr<gzFile_s, Close> file_;
};

/// Reads an IDX file of unsigned bytes whose number of dimensions lies in [least, most]. The header is
///   0, 0, element type, number of dimensions n, then n sizes of 32 bits, the highest byte first
/// and the elements follow, the last dimension varying fastest. The header's claim is compared with the
/// file's size before the elements are read, and memory grows with the data read, never with the claim.
inline IdxElements read_idx_elements(const std::filesystem::path& path, std::size_t least, std::size_t most,
                                     const IdxOptions& options) {
  constexpr std::uint8_t unsigned_byte = 0x08;
  constexpr std::size_t block = std::size_t{1} << 20;

  options.validate();
  IdxFile file(path);
  std::array<std::uint8_t, 4> magic{};
  if (const std::size_t got = file.read(magic.data(), magic.size()); got < magic.size()) {
    file_error(path, "the 4 bytes that open an IDX file", got);
  }
  if (magic[0] != 0 || magic[1] != 0) {
    file_error(path, "an IDX file, which opens with the bytes 0 0", message({magic[0], " ", magic[1]}));
  }
  if (magic[2] != unsigned_byte) {
    file_error(path, "elements of type 8 (unsigned byte)", message({"type ", magic[2]}));
  }
  const std::size_t rank = magic[3];
  if (rank < least || rank > most) {
    file_error(path, message({least, most > least ? " or more dimensions" : " dimension"}), rank);
  }

  std::vector<std::uint8_t> header(4 * rank);
  if (const std::size_t got = file.read(header.data(), header.size()); got < header.size()) {
    file_error(path, message({header.size(), " bytes of sizes"}), got);
  }
  std::vector<std::uint64_t> sizes;
  std::string shape;  // "10000 x 28 x 28", for messages
  for (std::size_t i = 0; i < header.size(); i += 4) {
    std::uint32_t size = 0;
    for (std::size_t k = 0; k < 4; ++k) size = size << 8 | header[i + k];
    sizes.push_back(size);
    shape += (i > 0 ? " x " : "") + std::to_string(size);
  }

  const auto times = [&](std::uint64_t product, std::uint64_t size) {
    constexpr auto most_elements = static_cast<std::uint64_t>((std::numeric_limits<Index>::max)());
    if (size > 0 && product > most_elements / size) {
      file_error(path, "a number of elements that fits in an Index", shape);
    }
    return product * size;
  };
  std::uint64_t features = 1;
  for (std::size_t i = 1; i < rank; ++i) {
    if (sizes[i] == 0) file_error(path, "at least one element per sample", shape);
    features = times(features, sizes[i]);
  }
  const auto total = static_cast<std::size_t>(times(features, sizes[0]));

  const std::string expected = std::to_string(total) + " bytes of data (" + shape + ")";
  if (file.is_gzipped()) {
    constexpr double always = 16 << 20;
    const double bound = (std::max)(always, options.max_expansion * static_cast<double>(file.size()));
    if (static_cast<double>(total) > bound) {
      file_error(
          path,
          message({"at most ", static_cast<std::uint64_t>(bound), " bytes of data from a gzipped file of ",
                   file.size(), " (IdxOptions::max_expansion)"}),
          message({"a header that promises ", expected}));
    }
  } else {
    const std::uint64_t opening = magic.size() + header.size();
    const std::uint64_t found = file.size() - (std::min)(file.size(), opening);
    if (found < total) file_error(path, expected, found);
    if (found > total) file_error(path, expected, "more than that");
  }
  check_fits_in_memory(path, total);

  IdxElements idx{static_cast<Index>(sizes[0]), static_cast<Index>(features), {}};
  while (idx.bytes.size() < total) {
    const std::size_t before = idx.bytes.size();
    const std::size_t size = (std::min)(block, total - before);
    idx.bytes.resize(before + size);
    const std::size_t got = file.read(idx.bytes.data() + before, size);
    if (got < size) file_error(path, expected, before + got);
  }
  // Reading past the end also makes zlib compare the checksum, which follows the data.
  std::uint8_t extra = 0;
  if (file.read(&extra, 1) > 0) file_error(path, expected, "more than that");
  return idx;
}

}  // namespace detail

/// Reads images as read_idx_images does, and keeps them as bytes, in a quarter of the memory: x = byte / 255 with the
/// same bits.
template <class S = float>
ByteMatrix<S> read_idx_image_bytes(const std::filesystem::path& path, const IdxOptions& options = {}) {
  const detail::IdxElements idx = detail::read_idx_elements(path, 2, 255, options);
  return ByteMatrix<S>(Eigen::Map<const Matrix<std::uint8_t>>(idx.bytes.data(), idx.features, idx.samples));
}

/// Reads images, or any samples of unsigned bytes, from an IDX file, plain or gzipped.
///   x = byte / 255
/// Shapes: the file's dimensions are N x d1 x d2 x ..., two or more; the result is (d1 d2 ...) x N, so that a
///         column is one sample, its elements in the file's order (row by row for an image).
/// Units:  bytes 0 to 255 become 0 to 1.
/// Errors: std::runtime_error naming the file, the expected and the found value, if it can't be read or is
///         not a regular file, is not IDX, holds elements other than unsigned bytes, or does not hold exactly
///         the bytes that its header promises; also if a gzip stream is damaged or truncated. As in gzip
///         itself, concatenated streams are read as one, and bytes after the last stream that do not begin
///         another are ignored. std::invalid_argument if an option is out of range.
/// Bounds: the header of a gzipped file may promise at most max(16 MiB, max_expansion * its size) bytes; a
///         larger promise is an error before any element is read. Memory is at most max(3, 2 + sizeof(S))
///         bytes for each promised byte, and 1 MB; time is proportional to their number.
/// Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits,
///         http://yann.lecun.com/exdb/mnist/, "File formats for the MNIST database".
template <class S = float>
Matrix<S> read_idx_images(const std::filesystem::path& path, const IdxOptions& options = {}) {
  return read_idx_image_bytes<S>(path, options).matrix();
}

/// Reads class labels from an IDX file, plain or gzipped.
/// Shapes: the file has one dimension, N; the result is N labels in [0, 255].
/// Errors, bounds: as for read_idx_images, with S = int.
inline Labels read_idx_labels(const std::filesystem::path& path, const IdxOptions& options = {}) {
  const detail::IdxElements idx = detail::read_idx_elements(path, 1, 1, options);
  return Eigen::Map<const Eigen::Matrix<std::uint8_t, Eigen::Dynamic, 1>>(idx.bytes.data(), idx.samples)
      .cast<int>();
}

namespace detail {

template <class X>
Dataset<Labels, typename X::Scalar, X> images_with_labels(const std::filesystem::path& images_path, X images,
                                                          const std::filesystem::path& labels_path,
                                                          const IdxOptions& options) {
  Labels labels = read_idx_labels(labels_path, options);
  if (images.cols() != labels.size()) {
    raise<std::runtime_error>({path_text(images_path), " and ", path_text(labels_path),
                               ": expected one label per image, found ", images.cols(), " images and ",
                               labels.size(), " labels"});
  }
  return {std::move(images), std::move(labels), {}};
}

}  // namespace detail

/// Reads a dataset from two IDX files: images (read_idx_images) and their labels (read_idx_labels).
/// Shapes: x features x N, t N labels.
/// Errors: as for read_idx_images, and std::runtime_error unless there is one label per image.
/// Bounds: as for read_idx_images and read_idx_labels.
template <class S = float>
Dataset<Labels, S> read_idx(const std::filesystem::path& images_path,
                            const std::filesystem::path& labels_path, const IdxOptions& options = {}) {
  return detail::images_with_labels(images_path, read_idx_images<S>(images_path, options), labels_path,
                                    options);
}

/// The same with images as bytes (read_idx_image_bytes): it trains to the same bits in a quarter of the memory.
template <class S = float>
Dataset<Labels, S, ByteMatrix<S>> read_idx_bytes(const std::filesystem::path& images_path,
                                                 const std::filesystem::path& labels_path,
                                                 const IdxOptions& options = {}) {
  return detail::images_with_labels(images_path, read_idx_image_bytes<S>(images_path, options), labels_path,
                                    options);
}

}  // namespace mlp::inline MLP_ABI
