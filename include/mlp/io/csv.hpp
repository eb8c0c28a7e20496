#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/number_text.hpp>
#include <mlp/base/types.hpp>
#include <mlp/data/dataset.hpp>
#include <mlp/io/file.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <filesystem>
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

namespace mlp::inline MLP_ABI {

/// What read_csv does with a sample that lacks a value.
enum class Missing {
  error,  // throws
  drop,   // leaves the sample out
  mean,   // gives a feature the mean of its column in this file; throws if a target is missing
};

/// Columns are named by the header or, without one, "1", "2", ... from the left.
struct CsvOptions {
  bool header = true;
  char delimiter = ',';
  std::vector<std::string> features = {};  // the columns of x, in this order; if empty, all but the targets
  std::vector<std::string> targets = {};   // the columns of t; if empty, the last
  std::vector<std::string> classes = {};   // the names of labels 0, 1, ...; if empty, all in the file, sorted
  std::vector<std::string> missing = {"", "NA", "nan", "?"};  // mean no value, as nan and inf do
  Missing on_missing = Missing::error;

  void validate() const {
    if (delimiter == '\0') {
      detail::raise<std::invalid_argument>("CsvOptions: expected a delimiter other than a byte of 0");
    }
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

inline std::errc parse_number(std::string_view text, double& value) {
  text = without_blanks(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  const auto [rest, error] = number_from_chars(text.data(), end, value);
  return error == std::errc() && rest != end ? std::errc::invalid_argument : error;
}

// Reads up to `size` bytes of a file into `to` and returns the number read: 0 only at the end.
using CsvSource = std::function<std::size_t(char* to, std::size_t size)>;

// The fields of a record.
struct CsvFields {
  std::string text;               // of all fields, without separators
  std::vector<std::size_t> ends;  // of each field in the text

  Index size() const { return static_cast<Index>(ends.size()); }

  std::string_view operator[](Index i) const {
    const auto k = static_cast<std::size_t>(i);
    const std::size_t begin = k == 0 ? 0 : ends[k - 1];
    return std::string_view(text).substr(begin, ends[k] - begin);
  }
};

// The records of a file, one after the other; memory grows with the longest record.
// Source: RFC 4180. Also accepts lines that end in LF or CR alone, empty lines, which are skipped, and a byte
//         order mark of UTF-8. A byte of 0 is an error: a sparse file may hold terabytes of them.
class CsvRecords {
 public:
  CsvRecords(CsvSource source, std::string name, char delimiter)
      : source_(std::move(source)),
        name_(std::move(name)),
        delimiter_(static_cast<unsigned char>(delimiter)) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (refill() && std::string_view(buffer_.data(), size_).starts_with(byte_order_mark)) at_ = 3;
  }

  // Reads the next record; returns false at the end.
  bool next() {
    while (end_line()) continue;
    line_ = next_line_;
    if (peek() == end) {
      fields_ = CsvFields();  // frees its memory
      return false;
    }
    fields_.text.clear();
    fields_.ends.clear();
    do read_field();
    while (take(delimiter_));
    end_line();
    return true;
  }

  const CsvFields& fields() const { return fields_; }
  CsvFields& fields() { return fields_; }

  // Reports an error in the line in which the record begins.
  [[noreturn]] void fail(MessagePart what) const {
    raise<std::runtime_error>({name_, ":", line_, ": ", what});
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
    size_ = source_(buffer_.data(), buffer_.size());
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
      read_plain();
      if (peek() == '"') fail_here("expected quotation marks around the whole field or none");
      if (peek() == 0) fail_at_zero();
    }
    fields_.ends.push_back(fields_.text.size());
  }

  // Stops at the first byte that cannot be part of a field without quotation marks.
  void read_plain() {
    do {
      const std::size_t begin = at_;
      while (at_ < size_ && is_plain(static_cast<unsigned char>(buffer_[at_]))) ++at_;
      fields_.text.append(buffer_.data() + begin, at_ - begin);
    } while (at_ == size_ && refill());
  }

  bool is_plain(int c) const { return c != delimiter_ && c != '\n' && c != '\r' && c != '"' && c != 0; }

  void read_quoted() {
    for (;; ++at_) {
      const int c = peek();
      if (c == end) fail_here("expected a closing quotation mark before the end of the file");
      if (c == 0) fail_at_zero();
      if (c == '"') {
        ++at_;
        if (peek() != '"') return;
      }
      if (c == '\n') ++next_line_;
      fields_.text += static_cast<char>(c);
    }
  }

  [[noreturn]] void fail_here(MessagePart expected) const {
    fail(message({"column ", fields_.size() + 1, ": ", expected}));
  }

  [[noreturn]] void fail_at_zero() const {
    fail_here("expected text, found a byte of 0 (a file in UTF-16 has them: save it as UTF-8)");
  }

  CsvSource source_;
  std::string name_;
  int delimiter_;
  std::array<char, 16384> buffer_;
  std::size_t at_ = 0, size_ = 0;
  Index line_ = 1, next_line_ = 1;
  CsvFields fields_;
};

// A table with named columns; keeps a reference to the options.
class CsvTable {
 public:
  CsvTable(CsvSource source, const std::string& name, const CsvOptions& options)
      : options_(options), name_(name), records_(std::move(source), name, options.delimiter) {
    if (!records_.next()) fail("expected a first line, found an empty file");
    CsvFields& first = records_.fields();
    columns_ = first.size();
    first.ends.shrink_to_fit();  // a line of delimiters has a field for each byte
    first_is_next_ = !options.header;
    if (options.header) header_ = std::exchange(first, {});
  }

  const CsvOptions& options() const { return options_; }
  Index columns() const { return columns_; }
  std::string name(Index i) const {
    return options_.header ? std::string(header_[i]) : std::to_string(i + 1);
  }

  std::vector<std::string> names(const std::vector<Index>& columns) const {
    std::vector<std::string> result;
    result.reserve(columns.size());
    for (const Index i : columns) result.push_back(name(i));
    return result;
  }

  // One pass over the columns, however many names there are.
  std::vector<Index> find(const std::vector<std::string>& names) const {
    if (names.empty()) return {};
    constexpr Index none = -1, several = -2;
    std::map<std::string_view, Index> column_of;
    for (const std::string& wanted : names) column_of.emplace(wanted, none);
    for (Index i = 0; i < columns_; ++i) {
      const auto found = column_of.find(name(i));
      if (found != column_of.end()) found->second = found->second == none ? i : several;
    }
    std::vector<Index> result;
    result.reserve(names.size());
    for (const std::string& wanted : names) {
      const Index column = column_of.find(wanted)->second;
      if (column == none) fail(message({"expected a column ", in_quotes(wanted), ", found none"}));
      if (column == several) fail(message({"expected one column ", in_quotes(wanted), ", found several"}));
      result.push_back(column);
    }
    return result;
  }

  // Moves to the next record; returns false at the end.
  bool next() {
    if (std::exchange(first_is_next_, false)) return true;
    if (!records_.next()) return false;
    if (const Index found = records_.fields().size(); found != columns_) {
      records_.fail(message({"expected ", columns_, " columns, found ", found}));
    }
    return true;
  }

  std::string_view text(Index i) const { return records_.fields()[i]; }

  bool is_missing(Index i) const {
    const auto& missing = options_.missing;
    return std::find(missing.begin(), missing.end(), without_blanks(text(i))) != missing.end();
  }

  // Sets value, or returns false if the field is missing.
  template <class S>
  bool number(Index i, S& value) const {
    if (is_missing(i)) return false;
    double parsed = 0;
    const std::errc error = parse_number(text(i), parsed);
    if (error == std::errc::invalid_argument) fail(i, "expected a number");
    if (!std::isfinite(parsed)) return false;
    if (error != std::errc() || std::abs(parsed) > double{(std::numeric_limits<S>::max)()}) {
      fail(i, "expected a number in the range of the scalar type");
    }
    value = static_cast<S>(parsed);
    return true;
  }

  [[noreturn]] void fail(Index i, MessagePart expected) const {
    const std::string name_of_column = options_.header ? " (" + printable(name(i)) + ")" : "";
    records_.fail(
        message({"column ", i + 1, name_of_column, ": ", expected, ", found ", in_quotes(text(i))}));
  }

  [[noreturn]] void fail(MessagePart what) const { raise<std::runtime_error>({name_, ": ", what}); }

 private:
  const CsvOptions& options_;
  std::string name_;
  CsvRecords records_;
  CsvFields header_;  // converted to strings, which take 32 bytes each, only for the result
  Index columns_ = 0;
  bool first_is_next_ = false;
};

// Collects the numbers of t: add() appends those of the table's current record, or returns false if one is
// missing and the sample is to be dropped.
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

    // Sorted as numbers if all names are numbers, else as text.
    double value = 0;
    const bool are_numbers = std::all_of(ids_.begin(), ids_.end(), [&](const auto& entry) {
      return parse_number(entry.first, value) == std::errc() && !std::isnan(value);
    });
    std::vector<std::pair<double, Ids::const_iterator>> sorted;
    sorted.reserve(ids_.size());
    for (auto entry = ids_.begin(); entry != ids_.end(); ++entry) {
      if (are_numbers) parse_number(entry->first, value);
      sorted.emplace_back(are_numbers ? value : 0, entry);
    }
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
      return std::tie(a.first, a.second->first) < std::tie(b.first, b.second->first);
    });
    std::vector<int> label_of(ids_.size());
    classes.reserve(ids_.size());
    for (const auto& [number, entry] : sorted) {
      label_of[static_cast<std::size_t>(entry->second)] = static_cast<int>(classes.size());
      classes.push_back(entry->first);
    }
    return labels.unaryExpr([&](int id) { return label_of[static_cast<std::size_t>(id)]; });
  }

 private:
  using Ids = std::map<std::string, int, std::less<>>;

  const CsvTable& table_;
  Index column_;
  Ids ids_;
  std::vector<int> labels_;
};

struct CsvNothing {
  bool add() const { return true; }
};

// Replaces each NaN by the mean of its row.
template <class S>
void fill_gaps(const CsvTable& table, const std::vector<Index>& features, Matrix<S>& x) {
  constexpr Index block = 256;  // rows at a time, because sums of all could take more memory than x
  for (Index first = 0; first < x.rows(); first += block) {
    const Index rows = (std::min)(block, x.rows() - first);
    Eigen::Array<double, block, 1> sum, count;
    sum.setZero();
    count.setZero();
    for (Index j = 0; j < x.cols(); ++j) {
      for (Index i = 0; i < rows; ++i) {
        const S value = x(first + i, j);
        if (std::isnan(value)) continue;
        sum(i) += static_cast<double>(value);
        ++count(i);
      }
    }
    for (Index j = 0; j < x.cols(); ++j) {
      for (Index i = 0; i < rows; ++i) {
        S& value = x(first + i, j);
        if (!std::isnan(value)) continue;
        const double mean = sum(i) / count(i);
        if (!std::isfinite(mean)) {
          table.fail(message({"expected numbers with a mean in column ",
                              in_quotes(table.name(features[static_cast<std::size_t>(first + i)]))}));
        }
        value = static_cast<S>(mean);
      }
    }
  }
}

// Reads all records: returns x, and calls targets.add() for each.
template <class S>
Matrix<S> read_csv_records(CsvTable& table, const std::vector<Index>& features, auto& targets) {
  const Missing on_missing = table.options().on_missing;
  const auto rows = static_cast<Index>(features.size());
  if (rows == 0) table.fail("expected at least one column of features, found none");
  Matrix<S> x;
  bool has_gaps = false;
  {
    std::vector<S> values;
    values.reserve(features.size());
    while (table.next()) {
      const std::size_t before = values.size();
      bool is_whole = true;
      for (const Index i : features) {
        S value = std::numeric_limits<S>::quiet_NaN();  // a gap, until the mean of its column is known
        if (!table.number(i, value)) {
          if (on_missing == Missing::error) table.fail(i, "expected a number");
          is_whole = false;
        }
        values.push_back(value);
      }
      if ((on_missing == Missing::drop && !is_whole) || !targets.add()) values.resize(before);
      else has_gaps |= !is_whole;
    }
    if (values.empty()) table.fail("expected at least one sample, found none");
    x = Eigen::Map<const Matrix<S>>(values.data(), rows, static_cast<Index>(values.size()) / rows);
  }
  if (has_gaps) fill_gaps(table, features, x);
  return x;
}

inline std::vector<Index> csv_features(const CsvTable& table, const std::vector<Index>& targets) {
  if (!table.options().features.empty()) return table.find(table.options().features);
  std::vector<bool> is_target(static_cast<std::size_t>(table.columns()));
  for (const Index i : targets) is_target[static_cast<std::size_t>(i)] = true;
  std::vector<Index> columns;
  columns.reserve(is_target.size());
  for (Index i = 0; i < table.columns(); ++i) {
    if (!is_target[static_cast<std::size_t>(i)]) columns.push_back(i);
  }
  return columns;
}

template <class Target, class S>
CsvData<Target, S> read_csv_from(CsvSource source, const std::string& name, const CsvOptions& options) {
  options.validate();
  CsvTable table(std::move(source), name, options);
  const std::vector<Index> columns =
      options.targets.empty() ? std::vector<Index>{table.columns() - 1} : table.find(options.targets);
  const std::vector<Index> features = csv_features(table, columns);
  std::conditional_t<is_labels<Target>, CsvLabels, CsvNumbers<typename Target::Scalar>> targets(table,
                                                                                                columns);
  CsvData<Target, S> result;
  result.data.x = read_csv_records<S>(table, features, targets);
  result.data.t = targets.take(result.classes);
  result.features = table.names(features);
  result.targets = table.names(columns);
  return result;
}

template <class S>
CsvFeatures<S> read_csv_features_from(CsvSource source, const std::string& name, const CsvOptions& options) {
  options.validate();
  CsvTable table(std::move(source), name, options);
  const std::vector<Index> features = csv_features(table, table.find(options.targets));
  CsvNothing no_targets;
  Matrix<S> x = read_csv_records<S>(table, features, no_targets);
  return {std::move(x), table.names(features)};
}

inline CsvSource csv_source(std::istream& in, const std::string& name) {
  return [&](char* to, std::size_t size) {
    if (!in) return std::size_t{0};
    in.read(to, static_cast<std::streamsize>(size));
    if (in.bad()) file_error(name, "a readable file", "an error while reading");
    return static_cast<std::size_t>(in.gcount());
  };
}

inline CsvSource csv_source(InputFile& file) {
  return [&](char* to, std::size_t size) { return file.read(to, size); };
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
/// Labels are indices into the classes, which are sorted: as numbers if all of them are numbers, else as
/// text. Numbers have a decimal point in every locale, and blanks around them are ignored; nan and infinity
/// are missing values. Fields in quotation marks may hold any character (RFC 4180) except bytes of 0.
/// Shapes: x features x N; t N labels, or targets x N.
/// Errors: std::runtime_error naming the file, line and column, the expected and the found value, if the file
///         can't be read or is not a regular file, has no samples, has lines of different lengths, lacks a
///         column, holds a byte of 0, or a field is not what its column requires; std::invalid_argument if an
///         option is out of range. `name` is the file's name in messages.
/// Bounds: with float or double, at most 32 bytes of memory for each byte of the file, and 32 MB; a column
///         that the options name several times counts several times, and lists in the options are extra. Time
///         is proportional to the file's size times the number of words in options.missing, and to the
///         logarithm of the number of classes or names.
/// Source: RFC 4180, Common Format and MIME Type for Comma-Separated Values (CSV) Files (2005).
template <class Target = Labels, class S = typename detail::default_scalar<Target>::type>
CsvData<Target, S> read_csv(std::istream& in, const std::string& name, const CsvOptions& options = {}) {
  return detail::read_csv_from<Target, S>(detail::csv_source(in, name), name, options);
}

template <class Target = Labels, class S = typename detail::default_scalar<Target>::type>
CsvData<Target, S> read_csv(const std::filesystem::path& path, const CsvOptions& options = {}) {
  detail::InputFile file(path);
  return detail::read_csv_from<Target, S>(detail::csv_source(file), detail::path_text(path), options);
}

/// Reads samples without targets: options.features, or all columns if that is empty.
/// Errors, bounds: as for read_csv.
template <class S = float>
CsvFeatures<S> read_csv_features(std::istream& in, const std::string& name, const CsvOptions& options = {}) {
  return detail::read_csv_features_from<S>(detail::csv_source(in, name), name, options);
}

template <class S = float>
CsvFeatures<S> read_csv_features(const std::filesystem::path& path, const CsvOptions& options = {}) {
  detail::InputFile file(path);
  return detail::read_csv_features_from<S>(detail::csv_source(file), detail::path_text(path), options);
}

}  // namespace mlp::inline MLP_ABI
