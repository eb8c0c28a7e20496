#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// The metadata of a model as JSON, such as {"StandardScaler": {"mean": [0], "scale": [1]}}.
namespace mlp::inline MLP_ABI::detail {

/// Lists of texts or numbers, or lists of lists of numbers, under at most two keys. JSON is parsed token by
/// token, because the nodes of a tree take many times the memory of the text.
/// Bounds: time proportional to the text, memory at most 16 bytes for each of its bytes, besides the
/// requested texts.
class JsonLists {
 public:
  struct List {
    std::vector<double> numbers;
    std::vector<std::string> texts;
    std::size_t text_count = 0;     // texts holds at most most_texts of them
    std::vector<std::size_t> ends;  // of the inner lists, as positions in numbers
  };

  /// Returns false if the text does not have this form.
  bool parse(const std::string& text, std::size_t most_texts) {
    most_texts_ = most_texts;
    return text.find('\0') == text.npos &&  // which the parser would take for the end
           nlohmann::json::sax_parse(text, this);
  }

  bool contains(const std::string& path) const { return lists_.count(path) > 0; }

  /// The list of texts, numbers or lists of numbers under these keys, joined by a point.
  /// Errors: std::out_of_range if there is none of that kind.
  const List& texts(const std::string& path) const {
    const List& list = lists_.at(path);
    if (!list.numbers.empty() || !list.ends.empty()) throw_other_kind();
    return list;
  }
  const std::vector<double>& numbers(const std::string& path) const {
    const List& list = lists_.at(path);
    if (list.text_count > 0 || !list.ends.empty()) throw_other_kind();
    return list.numbers;
  }
  const List& lists(const std::string& path) const {
    const List& list = lists_.at(path);
    if (list.text_count > 0 || (list.ends.empty() ? 0 : list.ends.back()) != list.numbers.size()) {
      throw_other_kind();
    }
    return list;
  }

  // The callbacks of nlohmann::json.

  bool null() { return false; }
  bool boolean(bool) { return false; }
  bool binary(std::vector<std::uint8_t>&) { return false; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) { return false; }
  bool number_integer(std::int64_t value) { return add(static_cast<double>(value)); }
  bool number_unsigned(std::uint64_t value) { return add(static_cast<double>(value)); }
  bool number_float(double value, const std::string&) { return add(value); }

  bool string(std::string& text) {
    if (list_ == nullptr || level_ != 1) return false;
    if (++list_->text_count <= most_texts_) list_->texts.push_back(std::move(text));
    return true;
  }
  bool start_object(std::size_t) { return level_ == 0 && keys_.size() < 2 && keys_.size() == depth_++; }
  bool end_object() {
    keys_.resize(--depth_);
    return true;
  }
  bool key(std::string& key) {
    if (keys_.size() == depth_) keys_.pop_back();
    keys_.push_back(std::move(key));
    return keys_.back().find('.') == std::string::npos;
  }
  bool start_array(std::size_t) {
    if (++level_ == 1) return begin();
    const auto& ends = list_->ends;
    return level_ == 2 && list_->numbers.size() == (ends.empty() ? 0 : ends.back());
  }
  bool end_array() {
    if (--level_ == 1) list_->ends.push_back(list_->numbers.size());
    return true;
  }

 private:
  static constexpr std::size_t most_lists_ = 8;

  [[noreturn]] static void throw_other_kind() {
    raise<std::out_of_range>("JsonLists: a list of another kind");
  }

  // Begins a list; a number by itself is a list of one.
  bool begin() {
    if (keys_.size() != depth_ || lists_.size() == most_lists_) return false;
    std::string path;
    for (const std::string& key : keys_) path += (path.empty() ? "" : ".") + key;
    const auto [added, is_new] = lists_.try_emplace(path);
    list_ = &added->second;
    return is_new;
  }
  bool add(double value) {
    if (level_ == 0 && !begin()) return false;
    list_->numbers.push_back(value);
    return true;
  }

  std::size_t most_texts_ = 0, depth_ = 0;  // of objects
  int level_ = 0;                           // of arrays
  std::vector<std::string> keys_;
  std::map<std::string, List> lists_;
  List* list_ = nullptr;
};

inline std::string dump(const nlohmann::json& json) {
  try {
    return json.dump();
  } catch (const nlohmann::json::exception&) {
    raise<std::invalid_argument>("save: expected names in UTF-8, found other bytes");
  }
}

// Columns of numbers as lists.
template <class M>
nlohmann::json columns_of(const M& m) {
  nlohmann::json columns = nlohmann::json::array();
  for (Index j = 0; j < m.cols(); ++j) {
    nlohmann::json column = nlohmann::json::array();
    for (Index i = 0; i < m.rows(); ++i) column.push_back(static_cast<double>(m(i, j)));
    columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace mlp::inline MLP_ABI::detail
