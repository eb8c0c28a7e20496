#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/printable.hpp>
#include <mlp/io/file.hpp>
#include <mlp/io/onnx/message.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

/// Tensors whose bytes lie in another file, as PyTorch's exporter writes them from version 2.9 on. Source:
/// ExternalData.md of ONNX 1.12: a location relative to the model's folder, an offset and a length in bytes.
namespace mlp::inline MLP_ABI::detail::onnx {

class ExternalFiles {
 public:
  /// The folder of the model, which no location may leave.
  explicit ExternalFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Sets the tensor's raw bytes, which live as long as this object.
  /// Errors: Refusal unless they lie within a file in the model's folder; std::runtime_error naming that file
  /// if it can't be read.
  void load(Tensor& tensor) {
    const std::string who = "tensor " + in_quotes(tensor.name) + ": expected ";
    std::string_view location;
    std::uint64_t offset = 0, length = (std::numeric_limits<std::uint64_t>::max)();
    each_field(tensor.raw, [&](Fields& field) {
      if (field.tag() != 13) return field.skip();
      const auto [key, value] = read_entry(view_of(field));
      if (key == "location") location = value;
      if (key == "offset") offset = number(value, who);
      if (key == "length") length = number(value, who);
    });
    const std::string& bytes = contents(location, who);
    if (length == (std::numeric_limits<std::uint64_t>::max)() && offset <= bytes.size()) {
      length = bytes.size() - offset;
    }
    if (offset > bytes.size() || length > bytes.size() - offset) {
      raise<Refusal>({who, length, " bytes from ", offset, " on in ", in_quotes(location), ", found ",
                      bytes.size(), " bytes"});
    }
    tensor.is_raw = true;
    tensor.is_external = false;
    tensor.raw =
        std::string_view(bytes).substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
  }

  /// The size of all files that were read.
  std::uint64_t bytes() const { return bytes_; }

 private:
  static std::uint64_t number(std::string_view text, const std::string& who) {
    std::uint64_t result = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
    if (error != std::errc() || end != text.data() + text.size()) {
      raise<Refusal>({who, "an offset and a length in bytes, found ", in_quotes(text)});
    }
    return result;
  }

  const std::string& contents(std::string_view location, const std::string& who) {
    const auto known = files_.find(location);
    if (known != files_.end()) return known->second;
    if (files_.size() == most_files) {
      raise<Refusal>({who, "no more than ", most_files, " files beside the model, found another"});
    }
    const std::filesystem::path path = path_in_folder(location, who);
    InputFile in(path);
    const std::string& read = files_.emplace(location, read_file(in)).first->second;
    bytes_ += read.size();
    return read;
  }

  // Links are followed before the path is compared with the folder's.
  std::filesystem::path path_in_folder(std::string_view location, const std::string& who) const {
    const std::u8string text(location.begin(), location.end());
    const std::filesystem::path relative(text);
    std::error_code error;
    const auto folder = std::filesystem::weakly_canonical(folder_.empty() ? "." : folder_, error);
    const auto path = error ? folder : std::filesystem::weakly_canonical(folder / relative, error);
    const auto within = path.lexically_relative(folder);
    if (error || location.empty() || location.find('\0') != std::string_view::npos ||
        !relative.is_relative() || within.empty() || *within.begin() == "..") {
      raise<Refusal>({who, "its data in a file of the model's folder, found ", in_quotes(location)});
    }
    return path;
  }

  static constexpr std::size_t most_files = 64;

  std::filesystem::path folder_;
  std::map<std::string, std::string, std::less<>> files_;
  std::uint64_t bytes_ = 0;
};

}  // namespace mlp::inline MLP_ABI::detail::onnx
