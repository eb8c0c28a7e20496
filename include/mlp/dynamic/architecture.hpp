#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/number_text.hpp>
#include <mlp/base/printable.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/concepts.hpp>

#include <algorithm>
#include <cstddef>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

/// A network's architecture as text that a person can read and write:
///
///     Mlp(SoftmaxCrossEntropy, Dense(784, 256, ReLU), Dropout(256, p=0.5), Dense(256, 10))
///
/// A part is written as its name and, in parentheses, its sizes, its parts and its options: name=number,
/// name=true, name=false or name=[number, ...]. Missing options have their defaults.
///
/// A part defines its text: all have `static constexpr const char* name`; activations and losses have `static
/// void each_option(auto& self, auto&& f)`, which calls f("alpha", self.alpha), ...; layers have `void
/// describe(auto& text) const`, which calls text.add_size(inputs()), text.add_part(activation()),
/// text.add_option("p", p()), and the inverse, `static L read(const auto& text)`.
namespace mlp::inline MLP_ABI {

namespace detail {

template <class P>
consteval const char* name_of() {
  if constexpr (requires { P::name; }) return P::name;
  else return "custom";
}

/// The text of one part, parsed.
struct PartText {
  std::string name;
  std::vector<Index> sizes = {};
  std::vector<PartText> parts = {};
  std::vector<std::pair<std::string, std::vector<double>>> options = {};

  void add_size(Index size) { sizes.push_back(size); }
  void add_option(const char* option, double value) { options.emplace_back(option, std::vector{value}); }
  void add_option(const char* option, std::vector<double> values) {
    options.emplace_back(option, std::move(values));
  }
  template <class P>
  void add_part(const P& part);

  /// Errors: std::invalid_argument if there is no such size.
  Index size(std::size_t i) const {
    if (i >= sizes.size()) fail(message({"expected ", i + 1, " sizes, found ", sizes.size()}));
    return sizes[i];
  }

  const PartText& part(std::size_t i) const {
    if (i >= parts.size()) fail(message({"expected ", i + 1, " parts, found ", parts.size()}));
    return parts[i];
  }

  const std::vector<double>* find(std::string_view option) const {
    const auto found =
        std::find_if(options.begin(), options.end(), [&](const auto& o) { return o.first == option; });
    return found == options.end() ? nullptr : &found->second;
  }

  /// The option's value, or `value` if the text lacks the option.
  double option(std::string_view option_name, double value) const {
    const auto* const values = find(option_name);
    return values == nullptr ? value : single(option_name, *values);
  }

  double single(std::string_view option_name, const std::vector<double>& values) const {
    if (values.size() != 1) fail(message({"expected one number as ", option_name, ", found a list"}));
    return values.front();
  }

  [[noreturn]] void fail(MessagePart what) const {
    raise<std::invalid_argument>({"architecture: ", printable(name), ": ", what});
  }
};

template <class P>
PartText describe(const P& part) {
  PartText text{name_of<P>()};
  if constexpr (requires { part.describe(text); }) {
    part.describe(text);
  } else if constexpr (requires { P::each_option(part, [](const char*, const auto&) {}); }) {
    const P defaults{};
    P::each_option(part, [&](const char* option, const auto& value) {
      using Value = std::remove_cvref_t<decltype(value)>;
      P::each_option(defaults, [&](const char* other, const auto& usual) {
        if constexpr (std::is_same_v<Value, std::remove_cvref_t<decltype(usual)>>) {
          if (option == std::string_view(other) && value != usual) text.add_option(option, value);
        }
      });
    });
  }
  return text;
}

template <class P>
void PartText::add_part(const P& part) {
  detail::visit(part, [&](const auto& chosen) { parts.push_back(detail::describe(chosen)); });
}

/// Makes an activation or a loss with the options in the text.
template <class P>
P read_options(const PartText& text) {
  P part{};
  if (!text.sizes.empty() || !text.parts.empty()) text.fail("expected only options, found others");
  std::size_t known = 0;
  if constexpr (requires { P::each_option(part, [](const char*, auto&) {}); }) {
    P::each_option(part, [&](const char* option, auto& value) {
      const std::vector<double>* const values = text.find(option);
      if (values == nullptr) return;
      ++known;
      if constexpr (std::is_same_v<decltype(value), std::vector<double>&>) {
        value = *values;
      } else {
        value = static_cast<std::remove_reference_t<decltype(value)>>(text.single(option, *values));
      }
    });
  }
  if (known != text.options.size()) text.fail("expected only its own options, found others");
  return part;
}

inline std::string to_text(const PartText& part) {
  std::string list;
  const auto add = [&list](const std::string& item) { list += (list.empty() ? "" : ", ") + item; };
  for (const Index size : part.sizes) add(std::to_string(size));
  for (const PartText& inner : part.parts) add(to_text(inner));
  for (const auto& [option, values] : part.options) {
    std::string numbers;
    for (const double value : values) numbers += (numbers.empty() ? "" : ", ") + shortest(value);
    add(option + "=" + (values.size() == 1 ? numbers : "[" + numbers + "]"));
  }
  return list.empty() ? part.name : part.name + "(" + list + ")";
}

/// Parses the text that to_text writes.
/// Bounds: time proportional to the text; memory at most 16 bytes for each of its bytes, and 32 MB: at most
/// most_names parts and options, and at most most_levels parts nested in another.
class PartParser {
 public:
  explicit PartParser(std::string_view text) : text_(text) {}

  /// Errors: std::invalid_argument naming the position, what was expected and what was found.
  PartText parse() {
    PartText part = parse_part(parse_name(), 0);
    peek();
    if (at_ != text_.size()) fail("the end");
    return part;
  }

 private:
  static constexpr int most_levels = 16;
  static constexpr int most_names = 100'000;

  // The next character that is not a blank; 0 at the end.
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail(message({"'", std::string_view(&c, 1), "'"}));
  }

  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  std::string parse_name() {
    if (!is_letter(peek())) fail("a name");
    if (++names_ > most_names) fail(message({"no more than ", most_names, " parts and options"}));
    const std::size_t begin = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  template <class Number>
  Number parse_number(const char* what) {
    peek();
    Number value = 0;
    const auto [rest, error] = number_from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc()) fail(what);
    at_ = static_cast<std::size_t>(rest - text_.data());
    return value;
  }

  PartText parse_part(std::string part_name, int level) {
    if (level == most_levels) fail(message({"no more than ", most_levels, " parts within another"}));
    PartText part{std::move(part_name)};
    if (!take('(')) return part;
    if (take(')')) return part;
    std::set<std::string> seen;
    do {
      if (is_digit(peek())) {
        part.sizes.push_back(parse_number<Index>("a size"));
        continue;
      }
      std::string name = parse_name();
      if (take('=')) {
        if (!seen.insert(name).second) fail(message({"option ", printable(name), " only once"}));
        part.options.emplace_back(std::move(name), parse_values());
      } else {
        part.parts.push_back(parse_part(std::move(name), level + 1));
      }
    } while (take(','));
    expect(')');
    return part;
  }

  std::vector<double> parse_values() {
    if (is_letter(peek()) && text_.substr(at_, 3) != "inf" && text_.substr(at_, 3) != "nan") {
      const std::string word = parse_name();
      if (word != "true" && word != "false") fail("a number, true or false");
      return {word == "true" ? 1. : 0.};
    }
    std::vector<double> values;
    if (!take('[')) return {parse_number<double>("a number")};
    if (take(']')) return values;
    do values.push_back(parse_number<double>("a number"));
    while (take(','));
    expect(']');
    return values;
  }

  [[noreturn]] void fail(MessagePart expected) const {
    const std::string found = at_ < text_.size() ? in_quotes(text_.substr(at_, 20)) : "the end";
    raise<std::invalid_argument>(
        {"architecture: expected ", expected, " at character ", at_ + 1, ", found ", found});
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int names_ = 0;
};

}  // namespace detail

/// The architecture of a network as text: see above. A user-defined part without a name is "custom".
template <class Net>
std::string architecture(const Net& net) {
  detail::PartText text{"Mlp"};
  text.add_part(net.loss_function());
  net.for_each_layer([&](const auto& layer, Index, Index) { text.add_part(layer); });
  return detail::to_text(text);
}

}  // namespace mlp::inline MLP_ABI
