#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/dynamic/architecture.hpp>
#include <mlp/dynamic/dynamic_mlp.hpp>
#include <mlp/io/export_header/taken_names.hpp>
#include <mlp/io/file.hpp>
#include <mlp/io/model.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <map>
#include <numbers>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

/// A network as source code, for microcontrollers and audio plug-ins.
namespace mlp::inline MLP_ABI {

struct ExportHeaderOptions {
  /// The namespace of all declarations in the header; not a name of the language, C's library or POSIX.
  std::string name = "model";
  /// The header's probe is a static_assert if a prediction takes at most this many operations: about one for
  /// each weight, and 80 for an activation. With the default, g++ and clang++ need two thirds of their
  /// limits; MSVC stops after 100'000 steps unless /constexpr:steps raises its limit.
  Index largest_static_probe = 300'000;
};

namespace detail {

// The text with each $key replaced by its value.
inline std::string filled(std::string text,
                          std::initializer_list<std::pair<std::string_view, std::string>> values) {
  for (const auto& [key, value] : values) {
    const std::string marked = "$" + std::string(key);
    for (std::size_t at = 0; (at = text.find(marked, at)) != std::string::npos; at += value.size()) {
      text.replace(at, marked.size(), value);
    }
  }
  return text;
}

// A finite number as text that C++17 reads back bit by bit, which it guarantees for hexadecimal ones alone.
template <class S>
std::string number_text(S value) {
  const S magnitude = std::abs(value);
  const bool is_short = magnitude < 10'000 && magnitude == std::trunc(magnitude);
  std::array<char, 32> digits;
  char* const begin = digits.data();
  const auto end = is_short
                       ? std::to_chars(begin, begin + digits.size(), magnitude, std::chars_format::fixed, 1)
                       : std::to_chars(begin, begin + digits.size(), magnitude, std::chars_format::hex);
  return (std::signbit(value) ? "-" : "") + std::string(is_short ? "" : "0x") + std::string(begin, end.ptr) +
         (std::is_same_v<S, float> ? "f" : "");
}

// "{a, b, ...}" of item(0) ... item(n - 1), in lines.
inline std::string list_text(Index n, auto&& item) {
  constexpr std::size_t columns = 110;
  std::string text = "{", line;
  for (Index i = 0; i < n; ++i) {
    const std::string next = " " + item(i) + (i + 1 < n ? "," : "");
    if (!line.empty() && 3 + line.size() + next.size() > columns) text += "\n   " + std::exchange(line, "");
    line += next;
  }
  return text + "\n   " + line + "}";
}

// A string literal that does not depend on the source's encoding: octal escapes for all but ASCII.
inline std::string string_literal(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code >= 0x7F) {
      literal += '\\';
      for (const int shift : {6, 3, 0}) literal += static_cast<char>('0' + ((code >> shift) & 7));
    } else {
      if (c == '"' || c == '\\' || c == '?') literal += '\\';  // ??/ was a trigraph before C++17
      literal += c;
    }
  }
  return literal + "\"";
}

inline bool is_identifier(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto is_part = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && is_letter(name.front()) && std::all_of(name.begin(), name.end(), is_part) &&
         name.find("__") == std::string_view::npos && !is_taken(name);
}

// The approximations in an exported header: the numbers of terms of exp(r) = 1 + r + r^2 (1/2! + r/3! + ...)
// and of atanh(s) = s + s^3 (1/3 + s^2/5 + ...), and the terms of exp(x^2) erfc(x) (1 + 2x) = t_0 + t_1 t +
// ... for x >= 0, with t = (x - c) / (x + c): a polynomial that is exact at Chebyshev's nodes, and elsewhere
// within 7e-9 in float, 6e-18 in double.
template <class S>
struct HeaderTerms {
  static constexpr int exp = 6, atanh = 4;
  static constexpr int newton_steps = 4, roots = 6;
  static constexpr double log_2_high = 0x1.62e4p-1, log_2_low = 0x1.7f7d1cf79abcap-20;
  static constexpr int small_powers = 16;
  static constexpr double erfc_center = 3, erfc_grid = 0x1p8;
  static constexpr std::array erfc = {1.25300805635,      -0.135621100058,   -0.0475621561464,
                                      0.129644720915,     -0.119275281369,   0.0683131967196,
                                      -0.0237635597022,   0.00250677867186,  0.00187506024587,
                                      -0.000734082050393, -9.25376912641e-5, 8.00745497478e-5};
};
template <>
struct HeaderTerms<double> {
  static constexpr int exp = 12, atanh = 9;
  static constexpr int newton_steps = 5, roots = 9;
  static constexpr double log_2_high = 0x1.62e42feep-1, log_2_low = 0x1.a39ef35793c76p-33;
  static constexpr int small_powers = 64;
  static constexpr double erfc_center = 3.75, erfc_grid = 0x1p20;
  static constexpr std::array erfc = {
      1.23751263083782758,     -0.140240598585546962,   0.00358541548546377496,  0.0822767384901451591,
      -0.108803930141717858,   0.0923043211603787671,   -0.0586933985902123672,  0.0283622774189406648,
      -0.00974657955250424297, 0.00175562585300172579,  0.000293713634285008126, -0.000290154080979527131,
      5.16492113907028519e-5,  2.23842403142244383e-5,  -1.14444124391417231e-5, -9.73561901518266329e-7,
      1.7520579701663181e-6,   -5.72159725599098718e-8, -2.59106968779665785e-7, 2.32619132766965674e-8,
      3.89654525489859681e-8,  -3.74356803363458322e-9, -5.28428697963142057e-9, 3.11031071983916499e-10,
      4.43495907000962826e-10};
};

// Writes the header of one network: the functions that it needs, its constants, and the steps of a
// prediction.
template <class S>
class HeaderWriter {
  static_assert(std::is_same_v<S, float> || std::is_same_v<S, double>,
                "mlp: export_header expects a network in float or double");

 public:
  HeaderWriter(const BasicDynamicMlp<S>& net, const ModelInfo<S>& info, const ExportHeaderOptions& options)
      : net_(net), info_(info), options_(options) {
    if (!is_identifier(options.name)) {
      raise<std::invalid_argument>(
          {"export_header: expected as name an identifier of letters, digits and single underscores that "
           "neither C++ nor C's library uses, found ",
           in_quotes(options.name)});
    }
    info.validate(net.inputs(), net.outputs());
  }

  std::string text() {
    net_.for_each_layer([&](const auto& layer, Index, Index) { steps_left_ += steps(layer); });
    add_scaler();
    net_.for_each_layer([&](const auto& layer, Index at, Index state_at) { add(layer, at, state_at); });
    if (code_.empty()) add(Activate<Dynamic, AnyActivation>(net_.inputs(), Identity{}), 0, 0);
    net_.loss_function().visit([&](const auto& loss) { add_link(loss); });
    const std::string probe = probe_text();  // also sets probe_error_
    return comment_text() + guard_text() + "namespace " + options_.name + " {\n\n" + declarations_text() +
           "namespace detail {\n\n" + functions_ + constants_ + "\n" + infer_text() +
           "}  // namespace detail\n\n" + predict_text() + probe + "}  // namespace " + options_.name + "\n";
  }

 private:
  using Terms = HeaderTerms<S>;
  static constexpr S unit_ = std::numeric_limits<S>::epsilon() / 2;  // the largest relative error of rounding
  static constexpr int input_ = -1, output_ = -2;                    // besides buffers 0, 1, ...
  static constexpr Index functions_work_ = 80;                       // of an activation, in multiplications

  std::string number(double value) const {
    const S rounded = static_cast<S>(value);
    if (!std::isfinite(rounded)) {
      raise<std::invalid_argument>(
          {"export_header: expected finite numbers in ", where_, ", found ", rounded});
    }
    return number_text(rounded);
  }

  std::string numbers(const auto& values) const {
    return list_text(values.size(), [&](Index i) { return number(static_cast<double>(values(i))); });
  }

  void add_constants(const std::string& name, const auto& values) {
    constants_ += "inline constexpr scalar " + name + "[" + std::to_string(values.size()) +
                  "] = " + numbers(values) + ";\n";
    constant_count_ += values.size();
  }

  // A constant array that a function reads.
  std::string table(const char* name, Index size, auto&& value) const {
    return "inline constexpr scalar " + std::string(name) + "[" + std::to_string(size) +
           "] = " + list_text(size, [&](Index i) { return number(value(static_cast<int>(i))); }) + ";\n";
  }

  bool is_new(const std::string& function) { return defined_.insert(function).second; }

  // The functions. Each computes what the library's does, but uses nothing except + - * / and conversions,
  // which all C++17 compilers evaluate at compile time.

  void need_polynomial() {
    if (!is_new("polynomial")) return;
    functions_ += R"(// terms[0] + terms[1] t + terms[2] t^2 + ...
template <int N>
constexpr scalar polynomial(const scalar (&terms)[N], scalar t) noexcept {
  scalar sum = terms[N - 1];
  for (int i = N - 2; i >= 0; --i) sum = sum * t + terms[i];
  return sum;
}

)";
  }

  void need_exp() {
    if (!is_new("exp")) return;
    need_polynomial();
    using Limits = std::numeric_limits<S>;
    constexpr int lowest_power = Limits::min_exponent - 1;
    constexpr int large_powers = (Limits::max_exponent - lowest_power) / Terms::small_powers + 1;
    double factorial = 1;
    functions_ += table("exp_terms", Terms::exp, [&](int i) { return 1 / (factorial *= i + 2); });
    functions_ += table("small_powers", Terms::small_powers, [](int i) { return std::ldexp(1., i); });
    functions_ += table("large_powers", large_powers,
                        [](int i) { return std::ldexp(1., Terms::small_powers * i + lowest_power); });
    // Two numbers below the logarithm of the largest number, so that rounding can't cause an overflow.
    const S highest = std::nextafter(std::nextafter(std::log((Limits::max)()), S(0)), S(0));
    functions_ += filled(R"(
// exp(r) - 1 for r between -log(2) / 2 and log(2) / 2, by Taylor's polynomial.
constexpr scalar expm1_near_0(scalar r) noexcept { return r + r * r * polynomial(exp_terms, r); }

// exp(z) = 2^k exp(r) with z = k log(2) + r. 0 below the smallest normal number.
constexpr scalar exp(scalar z) noexcept {
  if (!(z <= $highest)) return z * $largest;  // inf or nan
  if (z < $lowest) return 0;
  const int k = static_cast<int>(z * $inverse + (z < 0 ? -$half : $half));
  const scalar kk = static_cast<scalar>(k), r = (z - kk * $high) - kk * $low;
  const int power = k + $offset;  // not negative
  return (1 + expm1_near_0(r)) * small_powers[power % $count] * large_powers[power / $count];
}

)",
                         {{"highest", number(highest)},
                          {"largest", number((Limits::max)())},
                          {"lowest", number(std::log(static_cast<double>((Limits::min)())))},
                          {"inverse", number(std::numbers::log2e)},
                          {"half", number(0.5)},
                          {"high", number(Terms::log_2_high)},
                          {"low", number(Terms::log_2_low)},
                          {"offset", std::to_string(-lowest_power)},
                          {"count", std::to_string(Terms::small_powers)}});
  }

  void need_expm1() {
    if (!is_new("expm1")) return;
    need_exp();
    functions_ += filled(R"(// For z <= 0.
constexpr scalar expm1(scalar z) noexcept { return z > -$bound ? expm1_near_0(z) : exp(z) - 1; }

)",
                         {{"bound", number(0.34375)}});
  }

  void need_log1p() {
    if (!is_new("log1p")) return;
    need_polynomial();
    functions_ += table("atanh_terms", Terms::atanh, [](int i) { return 1. / (2 * i + 3); });
    functions_ += filled(R"(
// log(1 + e) for e between 0 and 1, as 2 atanh(e / (2 + e)), or log(2) + log(1 + (e - 1) / 2).
constexpr scalar log1p(scalar e) noexcept {
  const bool is_high = e > $bound;
  const scalar s = is_high ? (e - 1) / (e + 3) : e / (e + 2);
  return (is_high ? $log2 : 0) + 2 * (s + s * s * s * polynomial(atanh_terms, s * s));
}

)",
                         {{"bound", number(0.40625)}, {"log2", number(std::numbers::ln2)}});
  }

  void need_erfc() {
    if (!is_new("erfc")) return;
    need_exp();
    functions_ += table("erfc_terms", static_cast<Index>(Terms::erfc.size()),
                        [](int i) { return Terms::erfc[static_cast<std::size_t>(i)]; });
    functions_ += filled(R"(
// With x = |z| and h near x, with so few digits that h^2 is exact,
//   erfc(x) = exp(-h^2) exp(-(x - h)(x + h)) p(t) / (1 + 2x), t = (x - c) / (x + c)
constexpr scalar erfc(scalar z) noexcept {
  const scalar x = z < 0 ? -z : z;
  if (!(x <= $end)) return z < 0 ? 2 : z > 0 ? 0 : z;
  const scalar h = static_cast<scalar>(static_cast<long>(x * $grid)) / $grid;
  const scalar p = polynomial(erfc_terms, (x - $center) / (x + $center));
  const scalar value = exp(-h * h) * (1 + expm1_near_0(-(x - h) * (x + h))) * (p / (1 + 2 * x));
  return z < 0 ? 2 - value : value;
}

)",
                         {{"end", number(std::is_same_v<S, float> ? 10 : 27)},
                          {"grid", number(Terms::erfc_grid)},
                          {"center", number(Terms::erfc_center)}});
  }

  void need_inverse_sqrt() {
    if (!is_new("inverse_sqrt")) return;
    functions_ +=
        table("roots", Terms::roots, [](int i) { return std::ldexp(1., 1 << (Terms::roots - 1 - i)); });
    functions_ += filled(R"(
// 1 / sqrt(x) for x > 0: Newton's iteration for a number between 1/4 and 1, times a power of 2.
constexpr scalar inverse_sqrt(scalar x) noexcept {
  scalar scale = 1;
  for (const scalar root : roots) {
    const scalar inverse = 1 / root;
    if (x >= root * root) {
      x = x * inverse * inverse;
      scale *= inverse;
    } else if (x < inverse * inverse) {
      x = x * root * root;
      scale *= root;
    }
  }
  if (x >= 1) {
    x = x / 4;
    scale = scale / 2;
  }
  scalar y = $a - $b * x;
  for (int i = 0; i < $steps; ++i) y = y * ($c - x * y * y / 2);
  return y * scale;
}

)",
                         {{"a", number(2.0625)},
                          {"b", number(1.0625)},
                          {"c", number(1.5)},
                          {"steps", std::to_string(Terms::newton_steps)}});
  }

  // Defines a function of z that computes `body`, once, and returns its name. Activations of one kind with
  // different options have different names.
  std::string function(const std::string& name, const std::string& body) {
    std::string& known = names_[body];
    if (known.empty()) {
      known = name;
      for (int i = 2; !is_new(known); ++i) known = name + "_" + std::to_string(i);
      functions_ += "constexpr scalar " + known + "(scalar z) noexcept {\n  " + body + "\n}\n\n";
    }
    return known;
  }

  std::string function(const Identity&) { return function("identity", "return z;"); }
  std::string function(const ReLU&) { return function("relu", "return z < 0 ? 0 : z;"); }
  std::string function(const LeakyReLU& f) {
    return function("leaky_relu", "return z > 0 ? z : " + number(f.negative_slope) + " * z;");
  }
  std::string function(const ELU& f) {
    need_expm1();
    return function("elu", "return z > 0 ? z : " + number(f.alpha) + " * expm1(z);");
  }
  std::string function(const SELU& f) {
    need_expm1();
    return function("selu", "return z > 0 ? " + number(f.lambda) + " * z : " + number(f.lambda * f.alpha) +
                                " * expm1(z);");
  }
  std::string function(const GELU& f) {
    if (f.approximate) {
      const std::string sigmoid = function(Sigmoid{});
      const double two_c = 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
      return function("gelu_of_tanh", "return z * " + sigmoid + "(z * (" + number(two_c) + " + " +
                                          number(two_c * 0.044715) + " * z * z));");
    }
    need_erfc();
    return function(
        "gelu", "return z * (" + number(0.5) + " * erfc(" + number(-0.5 * std::numbers::sqrt2) + " * z));");
  }
  std::string function(const SiLU&) { return function("silu", "return z * " + function(Sigmoid{}) + "(z);"); }
  std::string function(const Mish&) {
    need_exp();
    return function("mish", R"(const scalar e = exp(z < 0 ? z : -z);
  const scalar above = z < 0 ? e * (e + 2) : 1 + 2 * e;
  return z * (above / (above + 2 * (z < 0 ? 1 : e * e)));)");
  }
  std::string function(const Softplus& f) {
    need_exp();
    need_log1p();
    return function("softplus", "return (z < 0 ? 0 : z) + log1p(exp(" + number(f.beta) +
                                    " * (z < 0 ? z : -z))) / " + number(f.beta) + ";");
  }
  std::string function(const Softsign&) { return function("softsign", "return z / (1 + (z < 0 ? -z : z));"); }
  std::string function(const Sigmoid&) {
    need_exp();
    return function("sigmoid", R"(const scalar e = exp(z < 0 ? z : -z);
  return (z < 0 ? e : 1) / (1 + e);)");
  }
  std::string function(const Tanh&) {
    need_expm1();
    return function("tanh", R"(const scalar m = expm1(2 * (z < 0 ? z : -z));
  return (z < 0 ? m : -m) / (2 + m);)");
  }
  std::string function(const HardTanh& f) {
    return function("hard_tanh", filled("return z < $low ? $low : z > $high ? $high : z;",
                                        {{"low", number(f.min_value)}, {"high", number(f.max_value)}}));
  }
  std::string function(const AnyActivation& f) {
    std::string name;
    f.visit([&](const auto& chosen) { name = function(chosen); });
    return name;
  }

  // The steps of a prediction. Each reads x or the output of the step before it.

  static int steps(const Dropout<Dynamic>&) { return 0; }
  static int steps(const Residual<Sequential>& block) {
    int sum = 1;
    block.for_each_layer([&](const auto& layer, Index, Index) { sum += steps(layer); });
    return sum;
  }
  static int steps(const auto&) { return 1; }

  static std::string place(int i) { return i == input_ ? "x" : i == output_ ? "y" : "h" + std::to_string(i); }

  // Element-wise steps work in place unless a later step reads their input.
  void step(const std::string& call, const std::string& arguments, Index outputs, bool is_elementwise) {
    const auto is_kept = [this](int i) { return std::find(kept_.begin(), kept_.end(), i) != kept_.end(); };
    int to = output_;
    if (--steps_left_ > 0) {
      to = is_elementwise && here_ != input_ && !is_kept(here_) ? here_ : 0;
      while ((to == here_ && !is_elementwise) || is_kept(to)) ++to;
      if (to == static_cast<int>(buffers_.size())) buffers_.push_back(0);
      Index& size = buffers_[static_cast<std::size_t>(to)];
      size = (std::max)(size, outputs);
    }
    code_ += "  " + call + "(" + arguments + place(here_) + ", " + place(to) + ");\n";
    here_ = to;
  }

  static std::string sized(const char* function, std::initializer_list<Index> sizes,
                           const std::string& f = "") {
    std::string list;
    for (const Index size : sizes) list += (list.empty() ? "" : ", ") + std::to_string(size);
    return std::string(function) + "<" + list + (f.empty() ? "" : ", " + f) + ">";
  }

  // Begins a layer of the network: returns the suffix of its constants' names, and names it in later errors.
  std::string next_layer(const auto& layer) {
    const std::string index = std::to_string(layer_count_++);
    where_ = "layer " + index + ", " + to_text(describe(layer));
    constants_ += "\n// " + where_ + "\n";
    return "_" + index;
  }

  // Models the rounding errors of a layer as perturbations of its parameters, from `at` on.
  void add_spread(Index at, const auto& parameters, Index roundings) {
    spread_.segment(at, parameters.size()) =
        static_cast<S>(roundings) * unit_ * parameters.array().abs().matrix();
  }

  void add(const DynamicDense& layer, Index at, Index) {
    const std::string id = next_layer(layer), f = function(layer.activation());
    const auto theta = segment_of(net_.parameters(), at, layer.parameter_count());
    add_constants("weights" + id, layer.weights(theta).reshaped());
    add_constants("bias" + id, layer.bias(theta));
    if (is_new("dense")) {
      functions_ +=
          R"(// y = f(W x + b). W is stored by columns; four at a time are faster and round less often.
template <int In, int Out, scalar (*f)(scalar)>
constexpr void dense(const scalar (&W)[In * Out], const scalar (&b)[Out], const scalar* x,
                     scalar* y) noexcept {
  constexpr int rest = In % 4;
  for (int i = 0; i < Out; ++i) y[i] = b[i];
  for (int j = 0; j < rest; ++j) {
    for (int i = 0; i < Out; ++i) y[i] += W[j * Out + i] * x[j];
  }
  for (int j = rest; j < In; j += 4) {
    const scalar x0 = x[j], x1 = x[j + 1], x2 = x[j + 2], x3 = x[j + 3];
    for (int i = 0, w = j * Out; i < Out; ++i, ++w) {
      y[i] += (W[w] * x0 + W[w + Out] * x1) + (W[w + 2 * Out] * x2 + W[w + 3 * Out] * x3);
    }
  }
  for (int i = 0; i < Out; ++i) y[i] = f(y[i]);
}

)";
    }
    step(sized("dense", {layer.inputs(), layer.outputs()}, f), "weights" + id + ", bias" + id + ", ",
         layer.outputs(), false);
    add_spread(at, theta, layer.inputs() / 4 + 4);
    work_ += layer.parameter_count() + functions_work_ * layer.outputs();
  }

  void add(const Activate<Dynamic, AnyActivation>& layer, Index, Index) {
    next_layer(layer);
    activate(layer.inputs(), function(layer.activation()));
  }

  void add(const Dropout<Dynamic>&, Index, Index) { ++layer_count_; }

  void add(const LayerNorm<Dynamic>& layer, Index at, Index) {
    const std::string id = next_layer(layer);
    const auto theta = segment_of(net_.parameters(), at, layer.parameter_count());
    add_constants("gamma" + id, layer.weights(theta));
    add_constants("beta" + id, layer.bias(theta));
    need_inverse_sqrt();
    if (is_new("layer_norm")) {
      functions_ += R"(// y = gamma (x - mean) / sqrt(variance + epsilon) + beta
template <int N>
constexpr void layer_norm(const scalar (&gamma)[N], const scalar (&beta)[N], scalar epsilon, const scalar* x,
                          scalar* y) noexcept {
  scalar sum = 0, squares = 0;
  for (int i = 1; i < N; ++i) sum += x[i] - x[0];
  const scalar mean = x[0] + sum / N;
  for (int i = 0; i < N; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const scalar scale = inverse_sqrt(squares / N + epsilon);
  for (int i = 0; i < N; ++i) y[i] = gamma[i] * ((x[i] - mean) * scale) + beta[i];
}

)";
    }
    step(sized("layer_norm", {layer.inputs()}),
         "gamma" + id + ", beta" + id + ", " + number(layer.epsilon()) + ", ", layer.inputs(), true);
    const Index roundings = layer.inputs() + 8;
    add_spread(at, theta, roundings);
    spread_.segment(at + layer.inputs(), layer.inputs()) +=
        spread_.segment(at, layer.inputs());  // of the mean
    work_ += 4 * layer.inputs();
  }

  void add(const BatchNorm<Dynamic>& layer, Index at, Index state_at) {
    const std::string id = next_layer(layer);
    const auto theta = segment_of(net_.parameters(), at, layer.parameter_count());
    const auto state = segment_of(net_.state(), state_at, layer.state_count());
    const Vector<double> gamma = layer.weights(theta).template cast<double>(),
                         variance = layer.running_variance(state).template cast<double>();
    shift_and_scale(id, layer.running_mean(state),
                    gamma.cwiseQuotient((variance.array() + layer.epsilon()).sqrt().matrix()),
                    layer.bias(theta));
    add_spread(at, theta, 8);
  }

  void add(const Residual<Sequential>& block, Index at, Index state_at) {
    const int from = here_;
    kept_.push_back(from);
    block.for_each_layer([&](const auto& layer, Index inner, Index state_inner) {
      add(layer, at + inner, state_at + state_inner);
    });
    kept_.pop_back();
    if (is_new("add")) {
      functions_ += R"(template <int N>
constexpr void add(const scalar* p, const scalar* q, scalar* sum) noexcept {
  for (int i = 0; i < N; ++i) sum[i] = p[i] + q[i];
}

)";
    }
    step(sized("add", {block.outputs()}), place(from) + ", ", block.outputs(), true);
    work_ += block.outputs();
  }

  void add_scaler() {
    where_ = "the scaler";
    std::visit(
        [this]<class T>(const T& scaler) {
          if constexpr (!std::is_same_v<T, std::monostate>) {
            const Vector<double> factor = scaler.scale.template cast<double>().cwiseInverse();
            constants_ += "\n// The scaler\n";
            ++steps_left_;
            if constexpr (std::is_same_v<T, StandardScaler<S>>) {
              shift_and_scale("", scaler.mean, factor, Vector<S>::Zero(scaler.mean.size()));
            } else {
              low_ = scaler.low;
              shift_and_scale("", scaler.min, factor, Vector<S>::Constant(scaler.min.size(), low_));
            }
          }
        },
        info_.scaler);
  }

  // y = (x - mean) factor + shift
  void shift_and_scale(const std::string& id, const auto& mean, const Vector<double>& factor,
                       const auto& shift) {
    add_constants("mean" + id, mean);
    add_constants("factor" + id, factor);
    add_constants("shift" + id, shift);
    if (is_new("shift_and_scale")) {
      functions_ += R"(template <int N>
constexpr void shift_and_scale(const scalar (&mean)[N], const scalar (&factor)[N], const scalar (&shift)[N],
                               const scalar* x, scalar* y) noexcept {
  for (int i = 0; i < N; ++i) y[i] = (x[i] - mean[i]) * factor[i] + shift[i];
}

)";
    }
    step(sized("shift_and_scale", {mean.size()}), "mean" + id + ", factor" + id + ", shift" + id + ", ",
         mean.size(), true);
    work_ += mean.size();
  }

  void need_activate() {
    if (!is_new("activate")) return;
    functions_ += R"(template <int N, scalar (*f)(scalar)>
constexpr void activate(const scalar* x, scalar* y) noexcept {
  for (int i = 0; i < N; ++i) y[i] = f(x[i]);
}

)";
  }

  void activate(Index size, const std::string& f) {
    need_activate();
    step(sized("activate", {size}, f), "", size, true);
    work_ += functions_work_ * size;
  }

  // The loss's map from outputs to predictions, in place, if it has one.

  void add_link(const auto&) {}
  void add_link(const BinaryCrossEntropy&) { link_each(net_.outputs(), function(Sigmoid{}), "y"); }
  void add_link(const PoissonNLL& loss) {
    if (!loss.log_input) return;
    need_exp();
    link_each(net_.outputs(), "exp", "y");
  }
  void add_link(const GaussianNLL& loss) {
    need_exp();
    where_ = "the loss";
    const Index n = net_.outputs() / 2;
    link_each(n, function("variance", "return exp(z) + " + number(loss.epsilon) + ";"),
              "y + " + std::to_string(n));
  }
  void add_link(const SoftmaxCrossEntropy&) {
    need_exp();
    functions_ += R"(template <int N>
constexpr void softmax(scalar* y) noexcept {
  scalar largest = y[0], sum = 0;
  for (int i = 1; i < N; ++i) largest = y[i] > largest ? y[i] : largest;
  for (int i = 0; i < N; ++i) {
    y[i] = exp(y[i] - largest);
    sum += y[i];
  }
  for (int i = 0; i < N; ++i) y[i] = y[i] / sum;
}

)";
    to_prediction_ = "softmax<outputs>(y)";
    work_ += functions_work_ * net_.outputs();
  }

  void link_each(Index count, const std::string& f, const std::string& y) {
    need_activate();
    to_prediction_ = sized("activate", {count}, f) + "(" + y + ", " + y + ")";
    work_ += functions_work_ * count;
  }

  // The probe: two samples, and the network's outputs for them. The header rounds in another order than the
  // network, and other processors in yet another. The effect on the outputs is estimated by perturbing, at
  // random, each layer's output by a few roundings, and each parameter by as many as its products take.

  Matrix<S> probes() const {
    if (info_.probes.cols() > 0) return info_.probes.leftCols(std::min<Index>(2, info_.probes.cols()));
    // A sample and its negative: of two units whose inputs are opposite, one is on and one is off.
    Rng rng(1);
    Matrix<S> z(net_.inputs(), 2);
    for (Index i = 0; i < z.rows(); ++i) {
      z(i, 0) = static_cast<S>(2 * rng.below(16) - 15) / 16;  // not 0, and short to write
      z(i, 1) = -z(i, 0);
    }
    return std::visit(
        [&]<class T>(const T& scaler) -> Matrix<S> {
          if constexpr (std::is_same_v<T, std::monostate>) return z;
          else return scaler.inverse_transform(z);
        },
        info_.scaler);
  }

  std::string columns_text(const char* name, const char* rows, const Matrix<S>& m) const {
    return "inline constexpr scalar " + std::string(name) + "[" + std::to_string(m.cols()) + "][" + rows +
           "] = " + list_text(m.cols(), [&](Index j) { return numbers(m.col(j)); }) + ";\n";
  }

  static void shake(Matrix<S>& h, S offset, auto& random) {
    for (S& a : h.reshaped()) a += random() * 4 * unit_ * (std::abs(a) + offset);
  }

  static void pass(const Residual<Sequential>& block, Index at, Index state_at, const BasicDynamicMlp<S>& net,
                   Matrix<S>& h, auto& random) {
    const Matrix<S> x = h;
    block.for_each_layer([&](const auto& layer, Index inner, Index state_inner) {
      pass(layer, at + inner, state_at + state_inner, net, h, random);
    });
    h += x;
    shake(h, 0, random);
  }
  static void pass(const auto& layer, Index at, Index state_at, const BasicDynamicMlp<S>& net, Matrix<S>& h,
                   auto& random) {
    const Matrix<S> x = h;
    h.resize(layer.outputs(), x.cols());
    auto y = matrix_view<Dynamic, Dynamic>(h.data(), h.rows(), h.cols());
    LayerAdaptor(layer).infer(segment_of(net.parameters(), at, layer.parameter_count()),
                              segment_of(net.state(), state_at, state_count(layer)),
                              dense_view<Dynamic, Dynamic>(x), y);
    shake(h, 0, random);
  }

  std::string probe_text() {
    const Matrix<S> x = probes(), z = info_.prepare(x), y = net_.infer(z);
    const auto linked = [this](Matrix<S> outputs) {
      auto view = matrix_view<Dynamic, Dynamic>(outputs.data(), outputs.rows(), outputs.cols());
      net_.loss_function().to_prediction(view);
      return outputs;
    };
    const Matrix<S> p = linked(y);
    // Functions may return 0 for values below the smallest normal number.
    const auto least = [](const Matrix<S>& values, S roundings) -> Matrix<S> {
      return roundings * ((unit_ * values.array().abs()).max)((std::numeric_limits<S>::min)()).matrix();
    };
    Matrix<S> dy = least(y, 8), dp = least(p, 8 + static_cast<S>(p.rows()) / 4);
    Rng rng(2);
    const auto random = [&rng] { return static_cast<S>(rng.uniform(-1, 1)); };
    BasicDynamicMlp<S> other = net_;
    for (int trial = 0; trial < 8; ++trial) {
      for (Index i = 0; i < spread_.size(); ++i)
        other.parameters()(i) = net_.parameters()(i) + random() * spread_(i);
      Matrix<S> h = z;
      shake(h, std::abs(low_), random);
      other.for_each_layer(
          [&](const auto& layer, Index at, Index state_at) { pass(layer, at, state_at, other, h, random); });
      dy = dy.cwiseMax(8 * (h - y).cwiseAbs());
      dp = dp.cwiseMax(8 * (linked(h) - p).cwiseAbs());
    }
    where_ = "the network's outputs for the probe";
    std::string text =
        "namespace detail {\n\n// Inputs, the network's outputs for them, and by how much rounding may "
        "change those.\n" +
        columns_text("probe_inputs", "inputs", x) + columns_text("probe_outputs", "outputs", y) +
        columns_text("probe_output_errors", "outputs", dy);
    if (!to_prediction_.empty()) {
      text += columns_text("probe_predictions", "outputs", p) +
              columns_text("probe_prediction_errors", "outputs", dp);
    }
    if (const S largest = p.cwiseAbs().maxCoeff(); largest > 0) probe_error_ = dp.maxCoeff() / largest;
    text += filled(
        R"(
constexpr bool is_near(const scalar (&y)[outputs], const scalar (&expected)[outputs],
                       const scalar (&error)[outputs]) noexcept {
  for (int i = 0; i < outputs; ++i) {
    const scalar difference = y[i] - expected[i];
    if (!((difference < 0 ? -difference : difference) <= error[i])) return false;
  }
  return true;
}

}  // namespace detail

// Whether this header still computes the outputs of the network that it was made from.
constexpr bool probe() noexcept {
  for (int i = 0; i < $count; ++i) {
    scalar y[outputs] = {};
    detail::infer(detail::probe_inputs[i], y);
    if (!detail::is_near(y, detail::probe_outputs[i], detail::probe_output_errors[i])) return false;
$to_prediction  }
  return true;
}

)",
        {{"count", std::to_string(x.cols())},
         {"to_prediction",
          to_prediction_.empty()
              ? ""
              : "    detail::to_prediction(y);\n    if (!detail::is_near(y, detail::probe_predictions[i], "
                "detail::probe_prediction_errors[i])) return false;\n"}});
    if (work_ <= options_.largest_static_probe) {
      return text + "static_assert(probe(), \"" + options_.name +
             ": the probe's outputs differ from those of the exported network\");\n\n";
    }
    return text +
           "// Not a static_assert, which would exceed the default limits of compilers: call it once, "
           "at start-up or\n"
           "// in a test.\n\n";
  }

  std::string infer_text() const {
    std::string buffers;
    for (std::size_t i = 0; i < buffers_.size(); ++i) {
      buffers += (i == 0 ? "  scalar " : ", ") + place(static_cast<int>(i)) + "[" +
                 std::to_string(buffers_[i]) + "] = {}";
    }
    std::string text = "constexpr void infer(const scalar (&x)[inputs], scalar (&y)[outputs]) noexcept {\n" +
                       buffers + (buffers.empty() ? "" : ";\n") + code_ + "}\n\n";
    if (!to_prediction_.empty())
      text += "constexpr void to_prediction(scalar (&y)[outputs]) noexcept { " + to_prediction_ + "; }\n\n";
    return text;
  }

  std::string predict_text() const {
    return "// The network's prediction for one sample.\n"
           "constexpr void predict(const scalar (&x)[inputs], scalar (&y)[outputs]) noexcept {\n"
           "  detail::infer(x, y);\n" +
           std::string(to_prediction_.empty() ? "" : "  detail::to_prediction(y);\n") + "}\n\n";
  }

  std::string declarations_text() const {
    std::string text = "using scalar = " + std::string(std::is_same_v<S, float> ? "float" : "double") +
                       ";\ninline constexpr int inputs = " + std::to_string(net_.inputs()) +
                       ", outputs = " + std::to_string(net_.outputs()) + ";\n";
    const auto add_names = [&](const char* array, const std::vector<std::string>& names) {
      const auto n = static_cast<Index>(names.size());
      if (n == 0) return;
      text += "inline constexpr const char* " + std::string(array) + "[" + std::to_string(n) + "] = " +
              list_text(n, [&](Index i) { return string_literal(names[static_cast<std::size_t>(i)]); }) +
              ";\n";
    };
    add_names("features", info_.features);
    add_names("classes", info_.classes);
    return text + "\n";
  }

  static std::string two_digits(S value) {
    std::array<char, 32> digits;
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::general, 2);
    return std::string(digits.data(), end.ptr);
  }

  // A macro would replace the namespace's name.
  std::string guard_text() const {
    return filled(R"(#ifdef $name
#error "$name is a macro here: expected another name in ExportHeaderOptions of mlp::export_header"
#endif

)",
                  {{"name", options_.name}});
  }

  std::string comment_text() const {
    const auto bytes = [](Index count) { return std::to_string(count * Index{sizeof(S)}) + " bytes"; };
    return filled(R"(#pragma once

// A neural network as source code, made by mlp::export_header: C++17 without any #include, heap or exception.
//
//   $architecture
//
//   $scalar y[$name::outputs];
//   $name::predict(x, y);  // x: $scalar[$name::inputs]
//
// Its constants take $constants, the activations $buffers of stack. It computes the predictions of the
// network in $scalar, but rounds in another order: a sum over n products is off by at most n / 4 + 4
// roundings of each product, a function by 8 roundings of its value. Its predictions for the probe may
// therefore be off by $error of the largest prediction.

)",
                  {{"architecture", architecture(net_)},
                   {"constants", bytes(constant_count_)},
                   {"buffers", bytes(std::accumulate(buffers_.begin(), buffers_.end(), Index{0}))},
                   {"error", two_digits(probe_error_)},
                   {"scalar", std::is_same_v<S, float> ? "float" : "double"},
                   {"name", options_.name}});
  }

  const BasicDynamicMlp<S>& net_;
  const ModelInfo<S>& info_;
  const ExportHeaderOptions& options_;

  std::string functions_, constants_, code_, to_prediction_;
  std::set<std::string> defined_;
  std::map<std::string, std::string> names_;  // of functions, by their bodies

  int steps_left_ = 0, layer_count_ = 0;
  int here_ = input_;           // the buffer that the last step wrote
  std::vector<int> kept_;       // buffers that a Residual block still needs
  std::vector<Index> buffers_;  // their sizes
  std::string where_;
  Index constant_count_ = 0, work_ = 0;

  Vector<S> spread_ = Vector<S>::Zero(net_.parameter_count());
  S low_ = 0, probe_error_ = 0;
};

}  // namespace detail

/// The text of the header that export_header writes.
template <class S, class L, class... Layers>
std::string to_header(const BasicMlp<S, L, Layers...>& net,
                      const std::type_identity_t<ModelInfo<S>>& info = {},
                      const ExportHeaderOptions& options = {}) {
  const auto& dynamic = to_dynamic(net);
  return detail::HeaderWriter<S>(dynamic, info, options).text();
}

/// Writes a trained network as a C++17 header that needs neither this library nor any other:
///
///     export_header(net, "digits.hpp", {.classes = {"zero", "one", ...}}, {.name = "digits"});
///
///     #include "digits.hpp"
///     float y[digits::outputs];
///     digits::predict(x, y);                 // x: float[digits::inputs]; digits::classes[...]
///
/// predict(x, y) is constexpr and noexcept, and computes net.predict, after info.scaler if that is set. The
/// header includes nothing, allocates nothing and calls no other code: it defines exp, tanh and other
/// functions itself. Weights are constants (in read-only memory), bit by bit those of the network.
///
/// Rounding: with u half of epsilon, each sum z = W x + b over n inputs is within (n / 4 + 4) u (|W| |x| +
/// |b|) of the exact one, and each function within 8 u |f(z)| (GELU, and Softplus with a beta: 8 u (|f(z)| +
/// |z|)); results below the smallest normal number may be 0. The network's own sums are within (n + 1) u (|W|
/// |x| + |b|), and its functions, which are Eigen's, within the same bounds as the header's. For a Dense
/// layer whose activation has slopes up to s, the two therefore differ by at most
///     s (5/4 n + 5) u (|W| |x| + |b|) + 16 u |y|,
/// and later layers pass on the difference. With ReLU and similar activations only the sums differ: the
/// library's order of additions and number of roundings depend on the processor.
///
/// Probe: the header holds two samples (of info.probes, if set) with the network's outputs for them, and a
/// static_assert compares, within a few times the effect of rounding. A header that a compiler or an editor
/// has damaged therefore does not compile: for 784-128-10 the probe finds 4 of 5 weights in the first layer,
/// and all in the second, that are a tenth off. If the network is too large for a static_assert (see
/// ExportHeaderOptions), the probe is only a function `bool probe()`, to be called by a test or at start-up.
///
/// Errors: std::invalid_argument if a parameter or option is not finite (the message names the layer),
/// options.name is not an identifier or is reserved, or info does not fit the network; export_header:
/// std::runtime_error if the file can't be written.
template <class S, class L, class... Layers>
void export_header(const BasicMlp<S, L, Layers...>& net, const std::filesystem::path& path,
                   const std::type_identity_t<ModelInfo<S>>& info = {},
                   const ExportHeaderOptions& options = {}) {
  detail::write_file(path, to_header(net, info, options));
}

}  // namespace mlp::inline MLP_ABI
