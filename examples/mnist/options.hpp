#pragma once

#include <mlp/base/types.hpp>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <locale>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

/// The options on the command line of the MNIST example.
struct Options {
  std::filesystem::path data;  // empty: the whole set if it is there, else the bundled subset
  mlp::Index epochs = 10;
  mlp::Index batch = 64;
  double learning_rate = 0.1;
  double momentum = 0.9;
  std::uint64_t seed = 1;
  int threads = 0;  // one per core
  std::filesystem::path png = "misclassified.png";
  std::filesystem::path checkpoint;  // empty: none
  double stop_at = 2;                // an accuracy that is never reached
  bool help = false;
};

inline constexpr const char* usage =
    "usage: mnist [options]\n"
    "\n"
    "Trains a 784-256-128-10 network on MNIST, prints its accuracy on the test images and draws those it\n"
    "gets wrong.\n"
    "\n"
    "  --data DIR          folder of the four IDX files, gzipped or not\n"
    "                      (default: the whole set if it was fetched, else the bundled subset)\n"
    "  --epochs N          passes over the training images (10)\n"
    "  --batch N           images per step (64)\n"
    "  --learning-rate X   of the first step; it decreases linearly to 0 (0.1)\n"
    "  --momentum X        in [0, 1) (0.9)\n"
    "  --seed N            of the initial weights and of the shuffling (1)\n"
    "  --threads N         at most N; the result is the same for any number (one per core)\n"
    "  --png FILE          where to draw the misclassified digits (misclassified.png)\n"
    "  --checkpoint FILE   save the training there regularly; if the file exists, resume from it, with the\n"
    "                      result of an uninterrupted run\n"
    "  --stop-at X         end after the first epoch with this test accuracy, such as 0.95;\n"
    "                      not to reach it is an error\n"
    "  --help              print this\n";

namespace detail {

[[noreturn]] inline void option_error(std::string_view option, const std::string& expected,
                                      const std::string& found) {
  throw std::invalid_argument(std::string(option) + ": expected " + expected + ", found " + found);
}

/// The number that the whole of `text` spells, if is_right(number).
/// Errors: std::invalid_argument otherwise.
template <class T>
T parse_number(std::string_view option, const std::string& text, const std::string& expected, auto is_right) {
  std::istringstream in(text);
  in.imbue(std::locale::classic());
  T value{};
  const bool is_number =
      (in >> std::noskipws >> value) && in.peek() == std::istringstream::traits_type::eof();
  if (!is_number || !is_right(value)) option_error(option, expected, '"' + text + '"');
  return value;
}

}  // namespace detail

/// Errors: std::invalid_argument naming the option, what was expected and what was found.
inline Options parse_options(int argc, const char* const* argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    const auto text = [&] {
      if (i + 1 == argc) detail::option_error(option, "a value after it", "nothing");
      return std::string(argv[++i]);
    };
    const auto path = [&](const char* expected) {
      const std::string value = text();
      if (value.empty()) detail::option_error(option, expected, "an empty name");
      return std::filesystem::path(value);
    };
    const auto whole = [&](long long least, long long most) {
      return detail::parse_number<long long>(
          option, text(), "a whole number from " + std::to_string(least) + " to " + std::to_string(most),
          [=](long long n) { return n >= least && n <= most; });
    };
    const auto real = [&](const char* expected, auto is_right) {
      return detail::parse_number<double>(option, text(), expected, is_right);
    };

    if (option == "--data") options.data = path("a folder");
    else if (option == "--epochs") options.epochs = static_cast<mlp::Index>(whole(1, 100'000));
    else if (option == "--batch") options.batch = static_cast<mlp::Index>(whole(1, 100'000));
    else if (option == "--learning-rate")
      options.learning_rate = real("a number > 0", [](double x) { return x > 0; });
    else if (option == "--momentum")
      options.momentum = real("a number in [0, 1)", [](double x) { return x >= 0 && x < 1; });
    else if (option == "--seed")
      options.seed = static_cast<std::uint64_t>(whole(0, std::numeric_limits<long long>::max()));
    else if (option == "--threads") options.threads = static_cast<int>(whole(1, 1024));
    else if (option == "--png") options.png = path("a file name");
    else if (option == "--checkpoint") options.checkpoint = path("a file name");
    else if (option == "--stop-at")
      options.stop_at = real("an accuracy in (0, 1]", [](double x) { return x > 0 && x <= 1; });
    else if (option == "--help" || option == "-h") options.help = true;
    else detail::option_error(option, "an option that --help lists", "an unknown one");
  }
  return options;
}
