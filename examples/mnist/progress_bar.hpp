#pragma once

#include <mlp/training/fit.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#ifdef _WIN32
#include <io.h>
#else
#include <unistd.h>
#endif

/// A line that is redrawn while a network trains. Does nothing if the output is not a terminal.
class ProgressBar {
 public:
  void show(const mlp::Progress& p) {
    if (!is_terminal_) return;
    const double epoch_done = static_cast<double>(p.batch) / static_cast<double>(p.batches);
    const double run_done = (static_cast<double>(p.epoch - 1) + epoch_done) / static_cast<double>(p.epochs);
    if (done_at_start_ < 0) {  // above 0 if the training was resumed
      done_at_start_ = run_done;
      start_ = std::chrono::steady_clock::now();
      return;
    }
    const double now = seconds_since_start();
    if (now - drawn_ < 0.05 && !p.epoch_is_done()) return;
    drawn_ = now;

    const auto left = static_cast<long long>(now / (run_done - done_at_start_) * (1 - run_done) + 0.5);
    const double rate = static_cast<double>(p.samples) / p.seconds;
    std::printf("%sepoch %*td/%td %s %*td/%td  loss %.4f  %.0f images/s  %lld:%02lld left%s", begin_line,
                digits(p.epochs), p.epoch, p.epochs, bar(epoch_done).c_str(), digits(p.batches), p.batch,
                p.batches, p.loss, rate, left / 60, left % 60, end_line);
    std::fflush(stdout);
  }

  /// Clears the line for other output.
  void clear() const {
    if (is_terminal_) std::printf("%s%s", begin_line, end_line);
  }

 private:
  // A carriage return moves to the beginning of the line, unless a narrow terminal has wrapped it: hence
  // "wrap off", and in the end "erase to the right" and "wrap on".
  static constexpr const char* begin_line = "\r\x1b[?7l";
  static constexpr const char* end_line = "\x1b[K\x1b[?7h";

  static bool stdout_is_terminal() {
#ifdef _WIN32
    return _isatty(_fileno(stdout)) != 0;
#else
    return isatty(STDOUT_FILENO) != 0;
#endif
  }

  static int digits(mlp::Index n) { return static_cast<int>(std::to_string(n).size()); }

  static std::string bar(double done) {
    constexpr int width = 16, eighths_per_cell = 8;
    const char* const cells[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
    const int eighths = static_cast<int>(done * width * eighths_per_cell);
    std::string drawn;
    for (int i = 0; i < width; ++i) drawn += cells[std::clamp(eighths - i * eighths_per_cell, 0, 8)];
    return "▕" + drawn + "▏";
  }

  double seconds_since_start() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  bool is_terminal_ = stdout_is_terminal();
  std::chrono::steady_clock::time_point start_;
  double done_at_start_ = -1, drawn_ = 0;
};
