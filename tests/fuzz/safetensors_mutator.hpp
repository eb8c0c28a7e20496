#pragma once

#include <mlp/io/bytes.hpp>
#include <mlp/io/safetensors/container.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "mutate.hpp"

/// libFuzzer's own mutations break nearly every safetensors file, in the first 8 bytes (the length of the
/// header) or in data_offsets. This mutator changes the header or the data and adapts the rest.
class SafetensorsMutator {
 public:
  explicit SafetensorsMutator(unsigned seed) : random_(seed) {}

  /// The mutated file, which may be larger than most_bytes.
  std::string mutate(const std::string& bytes, std::size_t most_bytes) {
    const auto claimed = mlp::detail::from_little_endian<std::uint64_t>(bytes.data());
    const auto length = static_cast<std::size_t>(std::min(claimed, std::uint64_t{bytes.size() - 8}));
    std::string header = bytes.substr(8, length), data = bytes.substr(8 + length);

    if (is_one_in(8)) {
      data = mutated(data, most_bytes);
    } else if (is_one_in(4)) {
      header = mutated(header, most_bytes);
    } else if (Json json = Json::parse(header, nullptr, false); !json.is_discarded()) {
      mutate_json(json.contains("__metadata__") && is_one_in(3) ? json["__metadata__"] : json);
      if (!is_one_in(4)) fit_data(json, data, most_bytes);
      header = to_text(json);
    } else {
      header = mutated(header, most_bytes);
    }

    std::string result(8, '\0');
    mlp::detail::to_little_endian(std::uint64_t{header.size()}, result.data());
    return result + header + data;
  }

 private:
  using Json = nlohmann::ordered_json;

  std::size_t below(std::size_t n) { return random_() % n; }
  bool is_one_in(std::size_t n) { return below(n) == 0; }

  static std::string to_text(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  }

  static void list_values(Json& json, std::vector<Json*>& values) {
    values.push_back(&json);
    if (!json.is_structured()) return;
    for (Json& inner : json) list_values(inner, values);
  }

  void mutate_json(Json& json) {
    std::vector<Json*> values;
    list_values(json, values);
    Json& value = *values[below(values.size())];
    if (is_one_in(16)) {
      value = Json(*values[below(values.size())]);
    } else if (value.is_string()) {
      mutate_text(value.get_ref<std::string&>());
    } else if (value.is_number()) {
      mutate_number(value);
    } else if (value.is_structured() && !value.empty()) {
      mutate_items(value);
    } else {
      value = Json::array({0});
    }
  }

  // Text in the metadata may be JSON itself: its escapes stay valid.
  void mutate_text(std::string& text) {
    Json inner = Json::parse(text, nullptr, false);
    if (inner.is_structured() && !is_one_in(8)) {
      mutate_json(inner);
      text = to_text(inner);
    } else {
      text = mutated(text, text.size() + 32);
    }
  }

  void mutate_number(Json& value) {
    static const std::vector<Json> others = {0,     1,         2,          3,          4,      8,
                                             255,   256,       -1,         0.5,        1e-300, 3.5e38,
                                             1e300, -0.0,      2147483647, 4294967296, 1e30,   -1e9,
                                             1e-45, INT64_MAX, INT64_MIN,  UINT64_MAX, nullptr};
    if (value.is_number_integer() && is_one_in(2))
      value = value.get<std::int64_t>() / 2 + static_cast<int>(below(5));
    else value = others[below(others.size())];
  }

  // Removes, repeats or swaps an element or a member.
  void mutate_items(Json& value) {
    const auto at = [&] {
      return std::next(value.begin(), static_cast<std::ptrdiff_t>(below(value.size())));
    };
    const std::size_t choice = below(3);
    if (choice == 0) value.erase(at());
    else if (choice == 1) std::swap(*at(), *at());
    else if (value.is_array()) value.push_back(Json(*at()));
    else value[mutated(at().key(), 64)] = Json(*at());
  }

  // Lays out the tensors' data one after the other, each as long as its type and shape require.
  void fit_data(Json& json, std::string& data, std::size_t most_bytes) {
    if (!json.is_object()) return;
    std::size_t end = 0;
    for (auto& [name, tensor] : json.items()) {
      if (name == "__metadata__" || !tensor.is_object() || !tensor.contains("dtype") ||
          !tensor["dtype"].is_string())
        continue;
      auto bytes = static_cast<double>(mlp::detail::tensor_element_size(tensor["dtype"].get<std::string>()));
      for (const Json& n : tensor.value("shape", Json::array())) bytes *= n.is_number() ? n.get<double>() : 0;
      if (!(bytes >= 0 && bytes <= static_cast<double>(most_bytes))) continue;
      tensor["data_offsets"] = {end, end + static_cast<std::size_t>(bytes)};
      end += static_cast<std::size_t>(bytes);
    }
    data.resize(std::min(end, most_bytes), '\x3F');
  }

  std::minstd_rand random_;
};

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most_bytes,
                                               unsigned seed) {
  return mutate_or(data, size, most_bytes, seed, [&](const std::string& bytes) {
    return bytes.size() < 8 ? std::string() : SafetensorsMutator(seed).mutate(bytes, most_bytes);
  });
}
