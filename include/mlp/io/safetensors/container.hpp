#pragma once

#include <mlp/base/bit_cast.hpp>
#include <mlp/base/counts.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>
#include <mlp/io/bytes.hpp>
#include <mlp/io/file.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace mlp::inline MLP_ABI {

/// A named array of numbers.
struct Tensor {
  std::string name;
  std::string type;          // BOOL U8 I8 I16 U16 F16 BF16 I32 U32 F32 F64 I64 U64
  std::vector<Index> shape;  // the last dimension varies fastest; empty for a single number
  std::string bytes;         // little-endian

  bool operator==(const Tensor&) const = default;
};

/// The contents of a safetensors file.
struct TensorFile {
  std::map<std::string, std::string> metadata = {};
  std::vector<Tensor> tensors = {};

  bool operator==(const TensorFile&) const = default;

  /// Returns the tensor of that name, or nullptr.
  const Tensor* find(std::string_view name) const {
    const auto found =
        std::find_if(tensors.begin(), tensors.end(), [&](const Tensor& t) { return t.name == name; });
    return found == tensors.end() ? nullptr : &*found;
  }
};

namespace detail {

// Bytes per element; 0 for a type that the format does not have.
constexpr Index tensor_element_size(std::string_view type) {
  const auto is_any = [&](auto... names) { return ((type == names) || ...); };
  if (is_any("BOOL", "U8", "I8")) return 1;
  if (is_any("I16", "U16", "F16", "BF16")) return 2;
  if (is_any("I32", "U32", "F32")) return 4;
  return is_any("F64", "I64", "U64") ? 8 : 0;
}

// A shape or a range as text, cut to a length that suits messages.
inline std::string text_of(const std::vector<Index>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size() && text.size() < 40; ++i) {
    text += (i > 0 ? ", " : "") + std::to_string(numbers[i]);
  }
  return "[" + printable(text) + "]";
}

// A header, and the callbacks through which nlohmann::json parses it, token by token.
class TensorHeader {
 public:
  struct Entry {
    Tensor tensor;
    std::vector<Index> range;  // begin and end in the data
  };

  std::map<std::string, std::string> metadata;
  std::vector<Entry> entries;

  explicit TensorHeader(std::string file) : file_(std::move(file)) {}

  void parse(std::string_view json) {
    if (json.size() > most_bytes) {
      fail(message({"a header of at most ", most_bytes, " bytes"}), json.size());
    }
    if (!json.starts_with('{')) fail("a header that begins with \"{\"", in_quotes(json.substr(0, 1)));
    // The parser would take it for the end.
    if (json.find('\0') != json.npos) fail("a header in JSON", "a byte of 0 in it");
    nlohmann::json::sax_parse(json.begin(), json.end(), this);
  }

  // Each tensor's data have the size that its type and shape define, and together they fill the file's data.
  void check(std::size_t data_size) {
    std::vector<const Entry*> in_order;
    for (const Entry& entry : entries) {
      check(entry);
      in_order.push_back(&entry);
    }
    std::stable_sort(in_order.begin(), in_order.end(),
                     [](const Entry* a, const Entry* b) { return a->range < b->range; });
    Index end = 0;
    for (const Entry* entry : in_order) {
      if (entry->range[0] != end) {
        fail(entry->tensor, message({"data that begin where those before them end, at ", end}),
             entry->range[0]);
      }
      end = entry->range[1];
    }
    if (static_cast<std::size_t>(end) != data_size) {
      fail(message({end, " bytes of data, as its tensors have"}), data_size);
    }
  }

  bool null() { unexpected("null"); }
  bool boolean(bool) { unexpected("a boolean"); }
  bool number_integer(std::int64_t value) { unexpected(value); }
  bool number_float(double, const std::string& text) { unexpected(printable(text)); }
  bool binary(std::vector<std::uint8_t>&) { unexpected("bytes"); }

  bool number_unsigned(std::uint64_t value) {
    if (numbers_ == nullptr || value > std::uint64_t{(std::numeric_limits<Index>::max)()}) {
      unexpected(value);
    }
    if (numbers_->size() == most_dimensions) {
      fail_at(depth_, message({"no more than ", most_dimensions, " numbers"}), "more");
    }
    numbers_->push_back(static_cast<Index>(value));
    return true;
  }

  bool string(std::string& text) {
    if (depth_ != 2 || !wants_text()) unexpected(in_quotes(text));
    if (!in_metadata()) entries.back().tensor.type = text;
    else if (!metadata.emplace(keys_[1], std::move(text)).second) fail_twice(1, keys_[1]);
    return true;
  }

  bool start_object(std::size_t) {
    if (depth_ == 2) unexpected("an object");
    if (depth_ == 1 && !in_metadata()) entries.emplace_back().tensor.name = keys_[0];
    seen_[depth_++].clear();
    return true;
  }

  bool key(std::string& key) {
    const std::size_t level = depth_ - 1;
    if (level == 1 && !in_metadata() && key != "dtype" && key != "shape" && key != "data_offsets") {
      fail_at(level, "no keys but dtype, shape and data_offsets", in_quotes(key));
    }
    const bool is_in_metadata = level == 1 && in_metadata();  // where string() finds duplicates
    if (!is_in_metadata && !seen_[level].insert(key).second) fail_twice(level, key);
    keys_[level] = std::move(key);
    return true;
  }

  bool end_object() {
    --depth_;
    if (depth_ == 1 && !in_metadata() && seen_[1].size() != 3) {
      fail_at(1, "dtype, shape and data_offsets", message({seen_[1].size(), " of them"}));
    }
    return true;
  }

  bool start_array(std::size_t) {
    if (depth_ != 2 || wants_text() || numbers_ != nullptr) unexpected("an array");
    numbers_ = keys_[1] == "shape" ? &entries.back().tensor.shape : &entries.back().range;
    return true;
  }

  bool end_array() {
    numbers_ = nullptr;
    return true;
  }

  bool parse_error(std::size_t position, const std::string& token, const nlohmann::json::exception&) {
    fail("a header in JSON", message({"an error at its byte ", position, ", in ", in_quotes(token)}));
  }

 private:
  static constexpr std::size_t most_bytes = 100'000'000;
  static constexpr std::size_t most_dimensions = 64;

  bool in_metadata() const { return keys_[0] == "__metadata__"; }
  bool wants_text() const { return in_metadata() || keys_[1] == "dtype"; }

  void check(const Entry& entry) const {
    const Tensor& tensor = entry.tensor;
    const Index size = tensor_element_size(tensor.type);
    if (size == 0) fail(tensor, "a type of safetensors", in_quotes(tensor.type));
    if (entry.range.size() != 2 || entry.range[0] > entry.range[1]) {
      fail(tensor, "data_offsets of a begin and an end", text_of(entry.range));
    }
    Index bytes = size;
    for (const Index n : tensor.shape) {
      if (n > 0 && bytes > (std::numeric_limits<Index>::max)() / n) {
        fail(tensor, "a shape whose bytes can be counted", text_of(tensor.shape));
      }
      bytes *= n;
    }
    if (bytes != entry.range[1] - entry.range[0]) {
      fail(tensor, message({bytes, " bytes of ", tensor.type, " ", text_of(tensor.shape)}),
           entry.range[1] - entry.range[0]);
    }
  }

  [[noreturn]] void fail(MessagePart expected, MessagePart found) const {
    file_error(file_, expected, found);
  }

  [[noreturn]] void fail(const Tensor& tensor, MessagePart expected, MessagePart found) const {
    file_error(message({file_, ": tensor ", in_quotes(tensor.name)}), expected, found);
  }

  // Level 0: the file; 1: a tensor, or the metadata; 2: the value of one of its keys.
  [[noreturn]] void fail_at(std::size_t level, MessagePart expected, MessagePart found) const {
    std::string where = file_;
    if (level > 0) where += in_metadata() ? ": __metadata__" : ": tensor " + in_quotes(keys_[0]);
    if (level > 1) where += ": " + printable(keys_[1]);
    file_error(where, expected, found);
  }

  [[noreturn]] void fail_twice(std::size_t level, const std::string& key) const {
    fail_at(level, "each key once", message({in_quotes(key), " twice"}));
  }

  [[noreturn]] void unexpected(MessagePart found) const {
    fail_at(depth_,
            depth_ == 1           ? "an object"
            : wants_text()        ? "a string"
            : numbers_ == nullptr ? "an array"
            : sizeof(Index) == 8  ? "a whole number in [0, 2^63)"
                                  : "a whole number in [0, 2^31)",
            found);
  }

  std::string file_;
  std::size_t depth_ = 0;  // of objects
  std::array<std::string, 2> keys_;
  std::array<std::set<std::string>, 2> seen_;
  std::vector<Index>* numbers_ = nullptr;  // destination of the current array's numbers
};

inline std::string json_string(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string json = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') json += '\\';
    if (code < 0x20) {
      json += "\\u00";
      json += digits[code >> 4];
      json += digits[code & 15];
    } else {
      json += c;
    }
  }
  return json + '"';
}

}  // namespace detail

/// Makes a tensor of type F32, F64, I64 or U64 from float, double, std::int64_t or std::uint64_t.
/// Shapes: data, as many numbers as the product of shape.
/// Errors: std::invalid_argument if a size is negative, or their product is more than memory could hold.
template <class S>
Tensor make_tensor(std::string name, std::vector<Index> shape, const S* data) {
  constexpr bool is_integer = std::is_same_v<S, std::int64_t> || std::is_same_v<S, std::uint64_t>;
  static_assert(std::is_same_v<S, float> || std::is_same_v<S, double> || is_integer,
                "mlp: a tensor is made of float, double, std::int64_t or std::uint64_t");
  using Bits = std::conditional_t<sizeof(S) == 4, std::uint32_t, std::uint64_t>;
  const char* const type = sizeof(S) == 4 ? "F32" : !is_integer ? "F64" : std::is_signed_v<S> ? "I64" : "U64";
  Index product = 1;
  for (const Index n : shape) product = detail::checked_product(product, detail::checked_count(n));
  const auto count = static_cast<std::size_t>(product);
  Tensor tensor{std::move(name), type, std::move(shape), std::string(count * sizeof(S), '\0')};
  for (std::size_t i = 0; i < count; ++i) {
    detail::to_little_endian(detail::bit_cast<Bits>(data[i]), tensor.bytes.data() + i * sizeof(S));
  }
  return tensor;
}

/// A tensor's numbers: float or double from F64, F32, F16 or BF16; std::int64_t from I64; std::uint64_t from
/// U64. F64 is rounded to float, and to infinity where it is too large.
/// Errors: std::runtime_error naming the file and the tensor if the tensor has another type.
template <class S>
std::vector<S> tensor_values(const Tensor& tensor, const std::string& file) {
  std::vector<S> values;
  const auto read = [&]<class Bits>(Bits, auto value_of) {
    values.resize(tensor.bytes.size() / sizeof(Bits));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto bits = detail::from_little_endian<Bits>(tensor.bytes.data() + i * sizeof(Bits));
      values[i] = static_cast<S>(value_of(bits));
    }
  };
  const auto fail = [&](const char* types) {
    detail::file_error(detail::message({file, ": tensor ", detail::in_quotes(tensor.name)}), types,
                       detail::in_quotes(tensor.type));
  };
  if constexpr (std::is_floating_point_v<S>) {
    if (tensor.type == "F64") read(std::uint64_t{}, [](auto bits) { return detail::bit_cast<double>(bits); });
    else if (tensor.type == "F32")
      read(std::uint32_t{}, [](auto bits) { return detail::bit_cast<float>(bits); });
    else if (tensor.type == "F16") read(std::uint16_t{}, detail::from_half);
    else if (tensor.type == "BF16") read(std::uint16_t{}, detail::from_bfloat16);
    else fail("F64, F32, F16 or BF16");
  } else {
    static_assert(std::is_same_v<S, std::int64_t> || std::is_same_v<S, std::uint64_t>,
                  "mlp: a tensor's numbers are float, double, std::int64_t or std::uint64_t");
    constexpr const char* type = std::is_signed_v<S> ? "I64" : "U64";
    if (tensor.type != type) fail(type);
    read(std::uint64_t{}, [](auto bits) { return bits; });
  }
  return values;
}

/// The bytes of a safetensors file: 8 bytes, the length of the JSON, little-endian; the JSON, padded to a
/// multiple of 8 bytes:
///   {"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}
/// and the tensors' bytes, one after the other.
/// Errors: std::invalid_argument if a type is not one of the format, a tensor's bytes do not fit its type and
///         shape or it has more than 64 dimensions, two tensors have the same name, a text is not UTF-8, or
///         the JSON is over 100 MB.
/// Source: https://github.com/huggingface/safetensors, "Format".
inline std::string to_bytes(const TensorFile& file) {
  std::string json = "{";
  if (!file.metadata.empty()) {
    json += "\"__metadata__\":{";
    for (const auto& [key, text] : file.metadata) {
      json += detail::json_string(key) + ":" + detail::json_string(text) + ",";
    }
    json.back() = '}';
    json += ',';
  }
  std::size_t size = 0;
  for (const Tensor& tensor : file.tensors) {
    json +=
        detail::json_string(tensor.name) + ":{\"dtype\":" + detail::json_string(tensor.type) + ",\"shape\":[";
    for (const Index n : tensor.shape) json += std::to_string(n) + ",";
    if (!tensor.shape.empty()) json.pop_back();
    json += "],\"data_offsets\":[" + std::to_string(size) + ",";
    size += tensor.bytes.size();
    json += std::to_string(size) + "]},";
  }
  if (json.back() == ',') json.pop_back();
  json += '}';
  json.resize((json.size() + 7) / 8 * 8, ' ');
  try {
    detail::TensorHeader header("to_bytes");
    header.parse(json);
    header.check(size);
  } catch (const std::runtime_error& error) {
    throw std::invalid_argument(error.what());
  }

  std::string bytes(8, '\0');
  bytes.reserve(8 + json.size() + size);
  detail::to_little_endian(std::uint64_t{json.size()}, bytes.data());
  bytes += json;
  for (const Tensor& tensor : file.tensors) bytes += tensor.bytes;
  return bytes;
}

/// Reads the bytes of a safetensors file, from to_bytes or another program; tensors are in the header's
/// order. `file` is the file's name in messages.
/// Errors: std::runtime_error naming the file, the tensor, the expected and the found value, unless the bytes
///         are exactly those that the format requires.
/// Bounds: time proportional to the bytes (n log n in the number of tensors); memory at most 32 bytes for
///         each byte of the header, which has at most 100 MB, and 1 for each byte of data.
inline TensorFile tensors_from_bytes(std::string_view bytes, const std::string& file) {
  if (bytes.size() < 8) detail::file_error(file, "8 bytes of a header's length", bytes.size());
  const auto length = detail::from_little_endian<std::uint64_t>(bytes.data());
  bytes.remove_prefix(8);
  if (length > bytes.size()) {
    detail::file_error(
        file, detail::message({"a header of at most ", bytes.size(), " bytes, as the file has"}), length);
  }
  const std::string_view data = bytes.substr(static_cast<std::size_t>(length));
  detail::TensorHeader header(file);
  header.parse(bytes.substr(0, static_cast<std::size_t>(length)));
  header.check(data.size());

  TensorFile result{std::move(header.metadata), {}};
  result.tensors.reserve(header.entries.size());
  for (auto& [tensor, range] : header.entries) {
    tensor.bytes =
        data.substr(static_cast<std::size_t>(range[0]), static_cast<std::size_t>(range[1] - range[0]));
    result.tensors.push_back(std::move(tensor));
  }
  return result;
}

/// Writes a safetensors file completely or not at all: an old file stays if the new one cannot be written.
/// Errors: as for to_bytes; std::runtime_error naming the file if it cannot be written.
inline void write_tensors(const TensorFile& file, const std::filesystem::path& path) {
  detail::write_file(path, to_bytes(file));
}

/// Reads a safetensors file.
/// Bounds: as for tensors_from_bytes, and 1 byte of memory for each byte of the file, which must fit there.
/// Errors: as for tensors_from_bytes, and std::runtime_error if the file cannot be read.
inline TensorFile read_tensors(const std::filesystem::path& path) {
  return tensors_from_bytes(detail::read_file(path), detail::path_text(path));
}

}  // namespace mlp::inline MLP_ABI
