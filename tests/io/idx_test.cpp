#include <doctest/doctest.h>
#include <sys/stat.h>
#include <zlib.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <limits>
#include <mlp/io/idx.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

#include "peak_memory.hpp"
#include "temp_folder.hpp"

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

class Folder : public TempFolder {
 public:
  fs::path write(const std::string& name, const Bytes& bytes) const {
    const fs::path path = *this / name;
    fs::remove(path);  // creating a file is many times faster than truncating one
    std::ofstream out(path, std::ios::binary);
    for (const std::uint8_t byte : bytes) out.put(static_cast<char>(byte));
    out.close();
    REQUIRE(out);
    return path;
  }
};

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Bytes idx(std::initializer_list<std::uint32_t> sizes, const Bytes& data, std::uint8_t type = 8) {
  Bytes file{0, 0, type, static_cast<std::uint8_t>(sizes.size())};
  for (const std::uint32_t size : sizes)
    for (const int shift : {24, 16, 8, 0}) file.push_back(static_cast<std::uint8_t>(size >> shift & 0xFFU));
  return file + data;
}

Bytes gzip(Bytes plain) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  Bytes packed(deflateBound(&stream, static_cast<uLong>(plain.size())));
  stream.next_in = plain.data();
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// The message of the std::runtime_error that `call` must throw; any other exception fails the test.
std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

// Two images of 2 x 3 pixels.
const Bytes pixels{0, 255, 51, 1, 2, 3, 10, 20, 30, 40, 50, 60};
const Bytes images = idx({2, 2, 3}, pixels);
const Bytes labels = idx({2}, {7, 255});

}  // namespace

TEST_CASE("IDX: bytes become [0, 1] and a column is one sample, plain and gzipped alike") {
  const Folder folder;
  for (const auto& path : {folder.write("images", images), folder.write("images.gz", gzip(images))}) {
    const mlp::Matrix<float> x = mlp::read_idx_images(path);
    REQUIRE(x.rows() == 6);
    REQUIRE(x.cols() == 2);
    CHECK(x(0, 0) == 0.0f);
    CHECK(x(1, 0) == 1.0f);
    CHECK(x(2, 0) == 0.2f);  // 51 / 255
    for (std::size_t i = 0; i < pixels.size(); ++i)
      CHECK(x.data()[i] == static_cast<float>(pixels[i]) / 255.0f);

    const mlp::Matrix<double> xd = mlp::read_idx_images<double>(path);
    REQUIRE(xd.size() == 12);
    CHECK(xd(2, 0) == 0.2);
    CHECK(xd(0, 1) == 10.0 / 255.0);
  }
  for (const auto& path : {folder.write("labels", labels), folder.write("labels.gz", gzip(labels))}) {
    const mlp::Labels t = mlp::read_idx_labels(path);
    REQUIRE(t.size() == 2);
    CHECK(t(0) == 7);
    CHECK(t(1) == 255);
  }
}

TEST_CASE("IDX: a dataset from two files, in float and double") {
  const Folder folder;
  const fs::path images_path = folder.write("images", images);
  const fs::path labels_path = folder.write("labels.gz", gzip(labels));
  const auto data = mlp::read_idx(images_path, labels_path);
  static_assert(std::is_same_v<decltype(data.x), mlp::Matrix<float>>);
  CHECK(data.x == mlp::read_idx_images(images_path));
  CHECK(data.t == mlp::read_idx_labels(labels_path));
  const auto wide = mlp::read_idx<double>(images_path, labels_path);
  CHECK(wide.x == mlp::read_idx_images<double>(images_path));

  const auto bytes = mlp::read_idx_bytes(images_path, labels_path);
  static_assert(std::is_same_v<decltype(bytes.x), mlp::ByteMatrix<float>>);
  CHECK(bytes.x.bytes().size() == 12);
  CHECK(bytes.x.matrix() == data.x);
  CHECK(bytes.t == data.t);
  CHECK(mlp::read_idx_bytes<double>(images_path, labels_path).x.matrix() == wide.x);
}

TEST_CASE("IDX: any number of dimensions from 2 up, and no samples at all") {
  const Folder folder;
  const auto flat = mlp::read_idx_images(folder.write("flat", idx({4, 3}, pixels)));
  CHECK(flat.rows() == 3);
  CHECK(flat.cols() == 4);
  CHECK(flat(0, 1) == 1.0f / 255.0f);
  const auto deep = mlp::read_idx_images(folder.write("deep", idx({1, 2, 2, 1, 3}, pixels)));
  CHECK(deep.rows() == 12);
  CHECK(deep.cols() == 1);

  for (const bool zipped : {false, true}) {
    const auto file = [&](const Bytes& bytes) { return zipped ? gzip(bytes) : bytes; };
    const auto none = mlp::read_idx(folder.write("images", file(idx({0, 28, 28}, {}))),
                                    folder.write("labels", file(idx({0}, {}))));
    CHECK(none.x.rows() == 784);
    CHECK(none.x.cols() == 0);
    CHECK(none.t.size() == 0);
  }
}

TEST_CASE("IDX: data longer than one block of the reader, in one gzip stream and in two") {
  const Folder folder;
  const std::uint32_t n = 3001;
  Bytes data(n * 784);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i * i % 251);
  const Bytes whole = idx({n, 28, 28}, data);
  const auto middle = whole.begin() + 1234567;
  const auto x = mlp::read_idx_images(folder.write("plain", whole));
  REQUIRE(x.rows() == 784);
  REQUIRE(x.cols() == n);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < data.size(); ++i) wrong += x.data()[i] != static_cast<float>(data[i]) / 255.0f;
  CHECK(wrong == 0);
  CHECK(x == mlp::read_idx_images(folder.write("one.gz", gzip(whole))));
  const Bytes two = gzip({whole.begin(), middle}) + gzip({middle, whole.end()});
  CHECK(x == mlp::read_idx_images(folder.write("two.gz", two)));
  // Bytes after the last gzip stream that do not begin another are ignored, as by gzip.
  CHECK(x == mlp::read_idx_images(folder.write("padded.gz", two + Bytes(512))));
}

TEST_CASE("IDX: an error names the file, what was expected and what was found") {
  const Folder folder;
  const auto check_images = [&](const std::string& name, const Bytes& bytes, const std::string& says) {
    const fs::path path = folder.write(name, bytes);
    CHECK(message_of([&] { mlp::read_idx_images(path); }) == path.string() + ": " + says);
  };
  const auto check_labels = [&](const std::string& name, const Bytes& bytes, const std::string& says) {
    const fs::path path = folder.write(name, bytes);
    CHECK(message_of([&] { mlp::read_idx_labels(path); }) == path.string() + ": " + says);
  };

  SUBCASE("not an IDX file") {
    check_images("empty", {}, "expected the 4 bytes that open an IDX file, found 0");
    check_images("short", {0, 0, 8}, "expected the 4 bytes that open an IDX file, found 3");
    check_images("text", {'P', '5', ' ', '2'},
                 "expected an IDX file, which opens with the bytes 0 0, found 80 53");
    check_images("second", {0, 1, 8, 3}, "expected an IDX file, which opens with the bytes 0 0, found 0 1");
    check_images("twice.gz", gzip(gzip(images)),
                 "expected an IDX file, which opens with the bytes 0 0, found 31 139");
  }
  SUBCASE("another element type") {
    for (const std::uint8_t type : Bytes{0, 9, 11, 12, 13, 14, 255})
      check_images("type", idx({2, 2, 3}, pixels, type),
                   "expected elements of type 8 (unsigned byte), found type " + std::to_string(type));
  }
  SUBCASE("another number of dimensions") {
    check_images("labels", labels, "expected 2 or more dimensions, found 1");
    check_images("scalar", idx({}, {1}), "expected 2 or more dimensions, found 0");
    check_labels("images", images, "expected 1 dimension, found 3");
    check_labels("scalar", idx({}, {1}), "expected 1 dimension, found 0");
  }
  SUBCASE("a truncated header") {
    check_images("cut", Bytes(images.begin(), images.begin() + 9), "expected 12 bytes of sizes, found 5");
    check_images("many", {0, 0, 8, 255, 1}, "expected 1020 bytes of sizes, found 1");
    check_labels("cut", {0, 0, 8, 1}, "expected 4 bytes of sizes, found 0");
  }
  SUBCASE("too little data, or too much") {
    check_images("train-images", idx({10000, 28, 28}, Bytes(1234)),
                 "expected 7840000 bytes of data (10000 x 28 x 28), found 1234");
    check_images("train-images.gz", gzip(idx({10000, 28, 28}, Bytes(1234))),
                 "expected 7840000 bytes of data (10000 x 28 x 28), found 1234");
    check_images("more", images + Bytes{0}, "expected 12 bytes of data (2 x 2 x 3), found more than that");
    check_images("more.gz", gzip(images + Bytes{0}),
                 "expected 12 bytes of data (2 x 2 x 3), found more than that");
    check_labels("few", idx({3}, {1, 2}), "expected 3 bytes of data (3), found 2");
    check_labels("more", labels + Bytes{0, 0}, "expected 2 bytes of data (2), found more than that");
    check_images("none", idx({0, 28, 28}, {1}),
                 "expected 0 bytes of data (0 x 28 x 28), found more than that");
  }
  SUBCASE("samples without elements") {
    check_images("zero", idx({5, 28, 0}, {}), "expected at least one element per sample, found 5 x 28 x 0");
  }
  SUBCASE("a damaged gzip stream") {
    const Bytes packed = gzip(images);
    check_images("cut.gz", Bytes(packed.begin(), packed.end() - 8),
                 "expected a readable, undamaged file, found unexpected end of file");
    Bytes damaged = packed;
    damaged[packed.size() - 8] ^=
        1;  // the last 8 bytes are the CRC-32 and the length (RFC 1952, section 2.3.1)
    check_images("crc.gz", damaged, "expected a readable, undamaged file, found incorrect data check");
    damaged = packed;
    damaged[packed.size() - 4] ^= 1;
    check_images("length.gz", damaged, "expected a readable, undamaged file, found incorrect length check");
    damaged = packed;
    damaged[10] = 0xFF;  // the first byte after the header: an invalid block type
    check_images("block.gz", damaged, "expected a readable, undamaged file, found invalid block type");
  }
  SUBCASE("no such file") {
    const fs::path path = folder / "missing";
    const std::string reason = std::generic_category().message(ENOENT);
    const std::string says = path.string() + ": expected a readable file, found " + reason;
    CHECK(message_of([&] { mlp::read_idx_images(path); }) == says);
    CHECK(message_of([&] { mlp::read_idx_labels(path); }) == says);
    CHECK(message_of([&] { mlp::read_idx(path, folder.write("labels", labels)); }) == says);
    CHECK(message_of([&] { mlp::read_idx_bytes(path, folder.write("labels", labels)); }) == says);
  }
  SUBCASE("not a regular file") {
    REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
    for (const fs::path& path : {folder.path(), folder / "pipe", fs::path("/dev/zero")}) {
      const std::string says = path.string() + ": expected a file, found " +
                               (path == folder.path() ? "a folder" : "a device, pipe or socket");
      CHECK(message_of([&] { mlp::read_idx_images(path); }) == says);
      CHECK(message_of([&] { mlp::read_idx_labels(path); }) == says);
    }
  }
  SUBCASE("images and labels that differ in number") {
    const fs::path images_path = folder.write("images", images);
    const fs::path labels_path = folder.write("labels", idx({3}, {1, 2, 3}));
    CHECK(message_of([&] { mlp::read_idx(images_path, labels_path); }) ==
          images_path.string() + " and " + labels_path.string() +
              ": expected one label per image, found 2 images and 3 labels");
  }
}

TEST_CASE("IDX: sizes claimed by the header cost no memory") {
  // The first fits in an Index but could never be allocated, so the reader must not try: std::bad_alloc or
  // std::length_error would pass through message_of. The others overflow, the second one to exactly 0 in 64
  // bits.
  constexpr std::uint32_t most = 0xFFFFFFFFU;
  const Folder folder;
  for (const bool zipped : {false, true}) {
    const auto says = [&](const Bytes& bytes) {
      const fs::path path = folder.write("huge", zipped ? gzip(bytes) : bytes);
      return message_of([&] { mlp::read_idx_images(path); }).substr(path.string().size());
    };
    const std::string promise = "4611686017353646080 bytes of data (4294967295 x 1073741824)";
    const std::string plain = ": expected " + promise + ", found 12";
    const Bytes huge = idx({most, 1U << 30}, pixels);
    const std::string limit = ": expected at most 16777216 bytes of data from a gzipped file of " +
                              std::to_string(gzip(huge).size()) + " (IdxOptions::max_expansion), found a " +
                              "header that promises " + promise;
    CHECK(says(huge) == (zipped ? limit : plain));
    const std::string overflow = ": expected a number of elements that fits in an Index, found ";
    CHECK(says(idx({most, most}, pixels)) == overflow + "4294967295 x 4294967295");
    CHECK(says(idx({1U << 16, 1U << 16, 1U << 16, 1U << 16}, pixels)) ==
          overflow + "65536 x 65536 x 65536 x 65536");
    CHECK(says(idx({most, most, most, most}, {})) ==
          overflow + "4294967295 x 4294967295 x 4294967295 x 4294967295");
    CHECK(says(idx({0, most, most, most}, {})) == overflow + "0 x 4294967295 x 4294967295 x 4294967295");
    const fs::path path = folder.write("labels", zipped ? gzip(idx({most}, {1})) : idx({most}, {1}));
    const std::string error = message_of([&] { mlp::read_idx_labels(path); });
    CHECK(error.starts_with(path.string() + (zipped ? ": expected at most 16777216 bytes of data from a "
                                                    : ": expected 4294967295 bytes of data (4294967295), ")));
  }
  const fs::path path = folder.write("rank", Bytes{0, 0, 8, 255} + Bytes(4 * 255, 255));
  CHECK_THROWS_AS(mlp::read_idx_images(path), std::runtime_error);
}

TEST_CASE("IDX: a gzipped file may promise as much as its size or the caller allows") {
  const Folder folder;
  const std::uint32_t most = 16U << 20;
  const auto labels_of = [&](std::uint32_t count, std::size_t found) {
    return folder.write(std::to_string(count), gzip(idx({count}, Bytes(found))));
  };
  CHECK(mlp::read_idx_labels(labels_of(most, most)).size() == most);

  const fs::path path = labels_of(most + 1, most + 1);
  const auto size = static_cast<double>(fs::file_size(path));
  const double expansion = (most + 1) / size;
  REQUIRE(expansion > 900);  // close to gzip's limit
  const std::string says =
      path.string() + ": expected at most 16777216 bytes of data from a gzipped file of " +
      std::to_string(fs::file_size(path)) +
      " (IdxOptions::max_expansion), found a header that promises 16777217 bytes of data (16777217)";
  CHECK(message_of([&] { mlp::read_idx_labels(path); }) == says);
  CHECK(message_of([&] { mlp::read_idx_labels(path, {.max_expansion = 0.99 * expansion}); }) == says);
  CHECK(mlp::read_idx_labels(path, {.max_expansion = 1.01 * expansion}).size() == most + 1);
  const auto infinity = std::numeric_limits<double>::infinity();
  CHECK(mlp::read_idx_labels(path, {.max_expansion = infinity}).size() == most + 1);

  // The bound grows with the file.
  const fs::path larger = labels_of(3 * most, 3 * most);
  const auto twice_most = static_cast<double>(2 * most) / static_cast<double>(fs::file_size(larger));
  CHECK(message_of([&] {
          mlp::read_idx_labels(larger, {.max_expansion = twice_most});
        }).starts_with(larger.string() + ": expected at most 3355443"));

  // Images and datasets have the same bound.
  const fs::path images_path = folder.write("images", gzip(idx({most + 1, 1}, {})));
  const std::string bound = images_path.string() + ": expected at most 16777216 bytes of data";
  CHECK(message_of([&] { mlp::read_idx_images(images_path); }).starts_with(bound));
  CHECK(message_of([&] { mlp::read_idx(images_path, path); }).starts_with(bound));
  const mlp::IdxOptions raised{.max_expansion = 1e9};
  const std::string cut = images_path.string() + ": expected 16777217 bytes of data (16777217 x 1), found 0";
  CHECK(message_of([&] { mlp::read_idx_images(images_path, raised); }) == cut);
  CHECK(message_of([&] { mlp::read_idx(images_path, path, raised); }) == cut);
}

TEST_CASE("IDX: options out of range") {
  for (const double value : {-1.0, std::numeric_limits<double>::quiet_NaN()}) {
    std::string says;
    try {
      mlp::read_idx_labels("no-such-file", {.max_expansion = value});
    } catch (const std::invalid_argument& error) {
      says = error.what();
    }
    CHECK(says.starts_with("IdxOptions: expected max_expansion >= 0, found "));
  }
}

TEST_CASE("IDX: a file that is larger than memory") {
  const Folder folder;
  const fs::path path = folder.write("sparse", idx({15'000'000, 1'000'000}, {}));
  std::error_code error;
  fs::resize_file(path, 15'000'000'000'012, error);
  if (error) return;
  const std::string says = message_of([&] { mlp::read_idx_images(path); });
  CHECK(says.starts_with(path.string() + ": expected a file that fits into the "));
  CHECK(says.ends_with("found 15000000000000 bytes"));
  const fs::path other = folder.write("other", idx({2, 3}, {}));
  fs::resize_file(other, 15'000'000'000'012);
  CHECK(message_of([&] { mlp::read_idx_images(other); }) ==
        other.string() + ": expected 6 bytes of data (2 x 3), found more than that");
}

TEST_CASE("IDX: memory grows with the data") {
  const Folder folder;
  const auto peak = [](const fs::path& path, const mlp::IdxOptions& options = {}) {
    return peak_memory::of([&] { mlp::read_idx_labels(path, options); });
  };
  // One byte more than a power of 2, where a vector that doubles its size reallocates.
  const std::size_t size = (4U << 20) + 1;
  const Bytes whole = idx({static_cast<std::uint32_t>(size)}, Bytes(size));
  constexpr std::size_t least = 3U << 19;  // 1 MiB that is read at a time, and little else
  CHECK(peak(folder.write("plain", whole)) <= 3 * size + least);
  CHECK(peak(folder.write("zipped", gzip(whole))) <= 3 * size + least);

  // A gzip bomb: promised and found, promised and not found, found but not promised.
  const std::uint32_t huge = 64U << 20;
  const Bytes zeros(huge);
  CHECK(peak(folder.write("whole", gzip(idx({huge}, zeros)))) <= least);
  CHECK(peak(folder.write("promise", gzip(idx({huge}, {}))), {.max_expansion = 1e9}) <= least);
  CHECK(peak(folder.write("behind", gzip(idx({1}, zeros)))) <= least);
  // Plain files of another size than promised are not read either.
  CHECK(peak(folder.write("less", idx({huge + 1}, zeros))) <= least / 2);
  CHECK(peak(folder.write("more", idx({huge - 1}, zeros))) <= least / 2);
}

TEST_CASE("IDX: no truncated file is accepted") {
  const Folder folder;
  for (const Bytes& whole : {images, gzip(images)})
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(size);
      const auto end = whole.begin() + static_cast<std::ptrdiff_t>(size);
      const fs::path path = folder.write("cut", Bytes(whole.begin(), end));
      CHECK_THROWS_AS(mlp::read_idx_images(path), std::runtime_error);
    }
  for (const Bytes& whole : {labels, gzip(labels)})
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(size);
      const auto end = whole.begin() + static_cast<std::ptrdiff_t>(size);
      const fs::path path = folder.write("cut", Bytes(whole.begin(), end));
      CHECK_THROWS_AS(mlp::read_idx_labels(path), std::runtime_error);
    }
}

TEST_CASE("IDX: a file with a changed byte loads or throws std::runtime_error") {
  const Folder folder;
  const mlp::Matrix<float> intact = mlp::read_idx_images(folder.write("intact", images));
  for (const Bytes& whole : {images, gzip(images)}) {
    const bool zipped = whole != images;
    int loaded = 0, wrong = 0;
    for (std::size_t at = 0; at < whole.size(); ++at)
      for (int change = 1; change < 256; ++change) {
        Bytes changed = whole;
        changed[at] = static_cast<std::uint8_t>(changed[at] ^ change);
        const fs::path path = folder.write("changed", changed);
        try {
          const mlp::Matrix<float> x = mlp::read_idx_images(path);
          ++loaded;
          wrong += !(x.size() == 12 && x.minCoeff() >= 0.0f && x.maxCoeff() <= 1.0f);
          wrong += zipped && x != intact;  // the CRC detects changed data, but not every change of the header
        } catch (const std::runtime_error&) {
        }
      }
    CHECK(wrong == 0);
    // In a plain file, every change of a pixel loads, and no change of a size, which would promise other
    // data.
    if (!zipped) CHECK(loaded == 12 * 255);
  }
}

TEST_CASE("IDX: the bundled MNIST subset") {
  const fs::path folder = MLP_MNIST_SUBSET;
  const auto train =
      mlp::read_idx(folder / "train-images-idx3-ubyte.gz", folder / "train-labels-idx1-ubyte.gz");
  const auto test = mlp::read_idx(folder / "t10k-images-idx3-ubyte.gz", folder / "t10k-labels-idx1-ubyte.gz");
  for (const auto* data : {&train, &test}) {
    CHECK(data->x.rows() == 784);
    CHECK(data->x.cols() == 10000);
    CHECK(data->t.size() == 10000);
    CHECK(data->t.minCoeff() == 0);
    CHECK(data->t.maxCoeff() == 9);
    CHECK(data->x.minCoeff() == 0.0f);
    CHECK(data->x.maxCoeff() == 1.0f);
  }
  CHECK(train.t.head(5) == Eigen::Matrix<int, 5, 1>{5, 0, 4, 1, 9});
  CHECK(test.t.head(5) == Eigen::Matrix<int, 5, 1>{7, 2, 1, 0, 4});

  // Sums of the pixels' bytes, computed without this reader, for the first training image by
  //   gzip -dc train-images-idx3-ubyte.gz | tail -c +17 | head -c 784 |
  //     od -An -v -tu1 -w1 | awk '{ s += $1 } END { print s }'
  // and likewise for the last one (tail -c 784) and the first test image.
  const auto sum = [](const mlp::Matrix<float>& x, mlp::Index image) {
    return (x.col(image).cast<double>() * 255.0).array().round().sum();
  };
  CHECK(sum(train.x, 0) == 27525.0);
  CHECK(sum(train.x, 9999) == 20613.0);
  CHECK(sum(test.x, 0) == 18454.0);
}
