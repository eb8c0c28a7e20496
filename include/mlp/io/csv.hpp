#pragma once

#include <mlp/dataset.hpp>
#include <mlp/io/file.hpp>
#include <mlp/types.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <istream>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace mlp {

/// What becomes of a sample that lacks a value.
enum class Missing {
  error,  // it is an error
  drop,   // the sample is left out
  mean,   // a feature gets the mean of its column in this file; a target that is missing is an error
};

/// Columns are named by the header or, without one, "1", "2", ... from the left.
struct CsvOptions {
  bool header = true;
  char delimiter = ',';
  std::vector<std::string> features = {};  // the columns of x, in this order; none: all but the targets
  std::vector<std::string> targets = {};   // the columns of t; none: the last
  std::vector<std::string> classes = {};   // the names of labels 0, 1, ...; none: all in the file, sorted
  std::vector<std::string> missing = {"", "NA", "nan", "?"};  // stand for no value, as does any nan or inf
  Missing on_missing = Missing::error;

  void validate() const {
    if (delimiter == '"' || delimiter == '\n' || delimiter == '\r') {
      detail::raise<std::invalid_argument>(
          "CsvOptions: expected a delimiter other than a quotation mark or the end of a line");
    }
  }
};

/// Samples, the names of the rows of x and t, and for Labels the names of the classes.
template <class Target = Labels, class S = typename detail::default_scalar<Target>::type>
struct CsvData {
  Dataset<Target, S> data;
  std::vector<std::string> features, targets, classes;
};

/// Samples without targets, and the names of the rows of x.
template <class S = float>
struct CsvFeatures {
  Matrix<S> x;
  std::vector<std::string> features;
};

namespace detail {

inline std::string_view without_blanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// std::from_chars, unlike strtod and streams, asks no locale what a decimal point is.
inline std::errc parse_number(std::string_view text, double& value) {
  text = without_blanks(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && rest != end ? std::errc::invalid_argument : error;
}

// The records of a stream, one after the other; memory grows with the longest that was read.
// Source: RFC 4180. Also taken: lines that end in LF or CR alone, empty lines, which are skipped, and a byte
//         order mark of UTF-8.
class CsvRecords {
 public:
  CsvRecords(std::istream& in, std::string name, char delimiter)
      : in_(in), name_(std::move(name)), delimiter_(static_cast<unsigned char>(delimiter)) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (refill() && std::string_view(buffer_.data(), size_).starts_with(byte_order_mark)) at_ = 3;
  }

  // Reads the next record; false at the end.
  bool next() {
    while (end_line()) continue;
    text_.clear();
    ends_.clear();
    line_ = next_line_;
    if (peek() == end) return false;
    do read_field();
    while (take(delimiter_));
    end_line();
    return true;
  }

  Index size() const { return static_cast<Index>(ends_.size()); }

  std::string_view operator[](Index i) const {
    const auto k = static_cast<std::size_t>(i);
    const std::size_t begin = k == 0 ? 0 : ends_[k - 1];
    return std::string_view(text_).substr(begin, ends_[k] - begin);
  }

  // In the line in which the record begins.
  [[noreturn]] void fail(const std::string& what) const {
    raise<std::runtime_error>(name_ + ":" + std::to_string(line_) + ": " + what);
  }

 private:
  static constexpr int end = -1;

  int peek() {
    if (at_ == size_ && !refill()) return end;
    return static_cast<unsigned char>(buffer_[at_]);
  }

  bool take(int c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  bool refill() {
    at_ = size_ = 0;
    if (!in_) return false;
    in_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    if (in_.bad())
      raise<std::runtime_error>(name_ + ": expected a readable file, found an error while reading");
    size_ = static_cast<std::size_t>(in_.gcount());
    return size_ > 0;
  }

  bool end_line() {
    const bool is_cr = take('\r');
    if (!take('\n') && !is_cr) return false;
    ++next_line_;
    return true;
  }

  bool at_end_of_field() {
    const int c = peek();
    return c == delimiter_ || c == '\n' || c == '\r' || c == end;
  }

  void read_field() {
    if (take('"')) {
      read_quoted();
      if (!at_end_of_field()) fail_here("expected the end of the field after its closing quotation mark");
    } else {
      for (; !at_end_of_field(); ++at_) {
        if (peek() == '"') fail_here("expected quotation marks around the whole field or none");
        text_ += buffer_[at_];
      }
    }
    ends_.push_back(text_.size());
  }

  void read_quoted() {
    for (;; ++at_) {
      const int c = peek();
      if (c == end) fail_here("expected a closing quotation mark before the end of the file");
      if (c == '"') {
        ++at_;
        if (peek() != '"') return;
      }
      if (c == '\n') ++next_line_;
      text_ += static_cast<char>(c);
    }
  }

  [[noreturn]] void fail_here(const std::string& expected) const {
    fail("column " + std::to_string(size() + 1) + ": " + expected);
  }

  std::istream& in_;
  std::string name_;
  int delimiter_;
  std::array<char, 16384> buffer_;
  std::size_t at_ = 0, size_ = 0;
  Index line_ = 1, next_line_ = 1;
  std::string text_;               // the record's fields, one behind the other
  std::vector<std::size_t> ends_;  // of each
};

// A table with named columns; refers to the options.
class CsvTable {
 public:
  CsvTable(std::istream& in, const std::string& name, const CsvOptions& options)
      : options_(options), name_(name), records_(in, name, options.delimiter) {
    if (!records_.next()) fail("expected a first line, found an empty file");
    first_is_next_ = !options.header;
    for (Index i = 0; i < records_.size(); ++i) {
      names_.push_back(options.header ? std::string(records_[i]) : std::to_string(i + 1));
    }
  }

  const CsvOptions& options() const { return options_; }
  Index columns() const { return static_cast<Index>(names_.size()); }
  const std::string& name(Index i) const { return names_[static_cast<std::size_t>(i)]; }

  std::vector<std::string> names(const std::vector<Index>& columns) const {
    std::vector<std::string> result;
    for (const Index i : columns) result.push_back(name(i));
    return result;
  }

  std::vector<Index> find(const std::vector<std::string>& names) const {
    std::vector<Index> columns;
    for (const std::string& wanted : names) {
      const auto found = std::find(names_.begin(), names_.end(), wanted);
      if (found == names_.end()) fail("expected a column " + in_quotes(wanted) + ", found none");
      if (std::find(found + 1, names_.end(), wanted) != names_.end()) {
        fail("expected one column " + in_quotes(wanted) + ", found several");
      }
      columns.push_back(found - names_.begin());
    }
    return columns;
  }

  // Goes to the next record; false at the end.
  bool next() {
    if (std::exchange(first_is_next_, false)) return true;
    if (!records_.next()) return false;
    if (records_.size() != columns()) {
      records_.fail("expected " + std::to_string(columns()) + " columns, found " +
                    std::to_string(records_.size()));
    }
    return true;
  }

  std::string_view text(Index i) const { return records_[i]; }

  bool is_missing(Index i) const {
    const auto& missing = options_.missing;
    return std::find(missing.begin(), missing.end(), without_blanks(text(i))) != missing.end();
  }

  // Sets value, or returns false if it is missing.
  template <class S>
  bool number(Index i, S& value) const {
    if (is_missing(i)) return false;
    double parsed = 0;
    const std::errc error = parse_number(text(i), parsed);
    if (error == std::errc::invalid_argument) fail(i, "expected a number");
    if (!std::isfinite(parsed)) return false;
    if (error != std::errc() || std::abs(parsed) > double{std::numeric_limits<S>::max()}) {
      fail(i, "expected a number in the range of the scalar type");
    }
    value = static_cast<S>(parsed);
    return true;
  }

  [[noreturn]] void fail(Index i, const std::string& expected) const {
    const std::string name_of_column = options_.header ? " (" + printable(name(i)) + ")" : "";
    records_.fail("column " + std::to_string(i + 1) + name_of_column + ": " + expected + ", found " +
                  in_quotes(text(i)));
  }

  [[noreturn]] void fail(const std::string& what) const { raise<std::runtime_error>(name_ + ": " + what); }

 private:
  const CsvOptions& options_;
  std::string name_;
  CsvRecords records_;
  std::vector<std::string> names_;
  bool first_is_next_ = false;
};

// What becomes t: add() takes it from the record that the table is at, or returns false if it is missing and
// the sample is to be dropped.
template <class S>
class CsvNumbers {
 public:
  CsvNumbers(const CsvTable& table, std::vector<Index> columns)
      : table_(table), columns_(std::move(columns)) {}

  bool add() {
    const std::size_t before = values_.size();
    for (const Index i : columns_) {
      S value = 0;
      if (!table_.number(i, value)) {
        if (table_.options().on_missing != Missing::drop) table_.fail(i, "expected a number");
        values_.resize(before);
        return false;
      }
      values_.push_back(value);
    }
    return true;
  }

  Matrix<S> take(std::vector<std::string>&) const {
    const auto rows = static_cast<Index>(columns_.size());
    return Eigen::Map<const Matrix<S>>(values_.data(), rows, static_cast<Index>(values_.size()) / rows);
  }

 private:
  const CsvTable& table_;
  std::vector<Index> columns_;
  std::vector<S> values_;
};

class CsvLabels {
 public:
  CsvLabels(const CsvTable& table, const std::vector<Index>& columns)
      : table_(table), column_(columns.front()) {
    const auto& classes = table.options().classes;
    for (const std::string& name : classes) ids_.emplace(name, static_cast<int>(ids_.size()));
    if (ids_.size() != classes.size()) {
      raise<std::invalid_argument>("CsvOptions: expected classes of different names, found one twice");
    }
    if (columns.size() != 1) {
      throw_unequal("CsvOptions", 1, " target, the column of labels", static_cast<Index>(columns.size()));
    }
  }

  bool add() {
    if (table_.is_missing(column_)) {
      if (table_.options().on_missing != Missing::drop) table_.fail(column_, "expected a label");
      return false;
    }
    const std::string_view name = table_.text(column_);
    auto found = ids_.find(name);
    if (found == ids_.end()) {
      if (!table_.options().classes.empty()) table_.fail(column_, "expected one of the given classes");
      found = ids_.emplace(name, static_cast<int>(ids_.size())).first;
    }
    labels_.push_back(found->second);
    return true;
  }

  Labels take(std::vector<std::string>& classes) const {
    const Labels labels = Eigen::Map<const Labels>(labels_.data(), static_cast<Index>(labels_.size()));
    classes = table_.options().classes;
    if (!classes.empty()) return labels;

    // As numbers if all of them are, else as text.
    double value = 0;
    const bool are_numbers = std::all_of(ids_.begin(), ids_.end(), [&](const auto& entry) {
      return parse_number(entry.first, value) == std::errc() && !std::isnan(value);
    });
    std::vector<std::tuple<double, std::string, int>> sorted;
    for (const auto& [name, id] : ids_) {
      if (are_numbers) parse_number(name, value);
      sorted.emplace_back(are_numbers ? value : 0, name, id);
    }
    std::sort(sorted.begin(), sorted.end());
    std::vector<int> label_of(ids_.size());
    for (const auto& [number, name, id] : sorted) {
      label_of[static_cast<std::size_t>(id)] = static_cast<int>(classes.size());
      classes.push_back(name);
    }
    return labels.unaryExpr([&](int id) { return label_of[static_cast<std::size_t>(id)]; });
  }

 private:
  const CsvTable& table_;
  Index column_;
  std::map<std::string, int, std::less<>> ids_;
  std::vector<int> labels_;
};

struct CsvNothing {
  bool add() const { return true; }
};

// Reads all records: x, and what targets.add() takes from each.
template <class S>
Matrix<S> read_csv_records(CsvTable& table, const std::vector<Index>& features, auto& targets) {
  const Missing on_missing = table.options().on_missing;
  const auto rows = static_cast<Index>(features.size());
  if (rows == 0) table.fail("expected at least one column of features, found none");
  std::vector<S> values;
  std::vector<Index> holes;  // places in values, where a 0 stands for the mean of the others
  while (table.next()) {
    const std::size_t before = values.size(), holes_before = holes.size();
    for (const Index i : features) {
      S value = 0;
      if (!table.number(i, value)) {
        if (on_missing == Missing::error) table.fail(i, "expected a number");
        holes.push_back(static_cast<Index>(values.size()));
      }
      values.push_back(value);
    }
    const bool is_dropped = on_missing == Missing::drop && holes.size() > holes_before;
    if (is_dropped || !targets.add()) {
      values.resize(before);
      holes.resize(holes_before);
    }
  }
  if (values.empty()) table.fail("expected at least one sample, found none");

  Matrix<S> x = Eigen::Map<const Matrix<S>>(values.data(), rows, static_cast<Index>(values.size()) / rows);
  if (holes.empty()) return x;
  Vector<double> mean = x.template cast<double>().rowwise().sum();
  Vector<double> count = Vector<double>::Constant(rows, static_cast<double>(x.cols()));
  for (const Index hole : holes) --count(hole % rows);
  mean.array() /= count.array();
  for (const Index hole : holes) {
    const Index i = hole % rows;
    if (!std::isfinite(mean(i))) {
      table.fail("expected numbers with a mean in column " +
                 in_quotes(table.name(features[static_cast<std::size_t>(i)])));
    }
    x.data()[hole] = static_cast<S>(mean(i));
  }
  return x;
}

inline std::vector<Index> csv_features(const CsvTable& table, const std::vector<Index>& targets) {
  if (!table.options().features.empty()) return table.find(table.options().features);
  std::vector<Index> columns;
  for (Index i = 0; i < table.columns(); ++i) {
    if (std::find(targets.begin(), targets.end(), i) == targets.end()) columns.push_back(i);
  }
  return columns;
}

inline std::ifstream open_csv(const std::filesystem::path& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) file_error(path, "a readable file", last_error().message());
  return in;
}

}  // namespace detail

/// Reads a table of comma-separated values: a sample per record, a feature or target per column.
///
///     // Labels:
///     const auto train = read_csv("train.csv", {.targets = {"species"}});
///     const auto test = read_csv("test.csv", {.targets = {"species"}, .classes = train.classes});
///     // Numbers:
///     const auto houses = read_csv<Matrix<float>>("houses.csv", {.targets = {"price", "rent"}});
///
/// Labels are the places of their names among the classes, which are sorted: as numbers if all of them are,
/// else as text. A number has a decimal point, whatever the locale; blanks around it do not count. A nan or
/// an infinity is a missing value. Fields in quotation marks may hold anything (RFC 4180).
/// Shapes: x features x N; t N labels, or targets x N.
/// Errors: std::runtime_error naming the file, line and column, what was expected and what was found, if it
///         can't be read, has no samples, is no table, lacks a column, or a field is not what it has to be;
///         std::invalid_argument if an option is out of range. `name` stands for the file in messages.
/// Source: RFC 4180, Common Format and MIME Type for Comma-Separated Values (CSV) Files (2005).
template <class Target = Labels, class S = typename detail::default_scalar<Target>::type>
CsvData<Target, S> read_csv(std::istream& in, const std::string& name, const CsvOptions& options = {}) {
  options.validate();
  detail::CsvTable table(in, name, options);
  const std::vector<Index> columns =
      options.targets.empty() ? std::vector<Index>{table.columns() - 1} : table.find(options.targets);
  const std::vector<Index> features = detail::csv_features(table, columns);
  CsvData<Target, S> result{{}, table.names(features), table.names(columns), {}};
  std::conditional_t<detail::is_labels<Target>, detail::CsvLabels,
                     detail::CsvNumbers<typename Target::Scalar>>
      targets(table, columns);
  result.data.x = detail::read_csv_records<S>(table, features, targets);
  result.data.t = targets.take(result.classes);
  return result;
}

template <class Target = Labels, class S = typename detail::default_scalar<Target>::type>
CsvData<Target, S> read_csv(const std::filesystem::path& path, const CsvOptions& options = {}) {
  std::ifstream in = detail::open_csv(path);
  return read_csv<Target, S>(in, detail::path_text(path), options);
}

/// Reads samples without targets: options.features, or else all columns.
/// Errors: as for read_csv.
template <class S = float>
CsvFeatures<S> read_csv_features(std::istream& in, const std::string& name, const CsvOptions& options = {}) {
  options.validate();
  detail::CsvTable table(in, name, options);
  const std::vector<Index> features = detail::csv_features(table, table.find(options.targets));
  detail::CsvNothing no_targets;
  Matrix<S> x = detail::read_csv_records<S>(table, features, no_targets);
  return {std::move(x), table.names(features)};
}

template <class S = float>
CsvFeatures<S> read_csv_features(const std::filesystem::path& path, const CsvOptions& options = {}) {
  std::ifstream in = detail::open_csv(path);
  return read_csv_features<S>(in, detail::path_text(path), options);
}

}  // namespace mlp
