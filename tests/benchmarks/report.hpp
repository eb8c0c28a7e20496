#pragma once

#include <benchmark/benchmark.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace suite {

/// Whether Google Benchmark is older than version 1.8, which renamed the members of Run that hold an error, and
/// expects a unit in the option --benchmark_min_time.
template <class Run>
inline constexpr bool is_before_1_8 = requires(Run run) {
  run.error_occurred;
};

/// Collects all runs, and writes their medians as Markdown tables, with a row for each peer and a column for
/// each call of `add`.
class Report : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override;

  /// Reads the file of programs/measure.cmake: lines with a program, its peer, microseconds and bytes.
  void read_programs(const std::filesystem::path& file);

  std::string markdown() const;

  /// Whether every peer's outputs were right and every peer learned.
  bool all_passed() const { return errors_.empty(); }

 private:
  struct Result {
    std::vector<double> seconds_per_item;
    std::vector<double> learned;
  };

  double limit() const;  // floating-point operations per second, or nan if it was not measured
  std::string time_cell(std::size_t column, const std::string& peer) const;
  std::string learned_cell(std::size_t column, const std::string& peer) const;
  template <class Cell>
  std::string table(const std::string& name, Cell cell) const;

  std::map<std::size_t, std::map<std::string, Result>> results_;  // by column and peer
  std::vector<std::string> errors_;
};

}  // namespace suite
