#include "report.hpp"

#include "suite.hpp"
#include "timing.hpp"

#include <strings.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace suite {

namespace {

std::vector<Column>& columns() {
  static std::vector<Column> all;
  return all;
}

std::size_t column_index(const Column& column) {
  const auto place = std::find_if(columns().begin(), columns().end(), [&](const Column& other) {
    return other.table == column.table && other.name == column.name;
  });
  const auto index = static_cast<std::size_t>(place - columns().begin());
  if (place == columns().end()) columns().push_back(column);
  return index;
}

/// Three digits, without an exponent if that is readable.
std::string number(double value) {
  char text[32];
  const int decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : value >= 0.1 ? 3 : 4;
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

/// A Markdown table that is also aligned as plain text.
std::string print(const std::vector<std::vector<std::string>>& table) {
  std::vector<std::size_t> widths(table.front().size());
  for (const auto& row : table) {
    for (std::size_t j = 0; j < row.size(); ++j) widths[j] = std::max(widths[j], row[j].size());
  }
  std::string text;
  for (std::size_t i = 0; i < table.size(); ++i) {
    for (std::size_t j = 0; j < widths.size(); ++j) {
      const std::string& cell = table[i][j];
      text.append("| ")
          .append(j == 0 ? cell : "")
          .append(widths[j] - cell.size(), ' ')
          .append(j == 0 ? "" : cell) += ' ';
    }
    text += "|\n";
    if (i > 0) continue;
    for (std::size_t j = 0; j < widths.size(); ++j) {
      text.append("|").append(widths[j] + 1, '-') += j == 0 ? '-' : ':';
    }
    text += "|\n";
  }
  return text + '\n';
}

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
  }
  return "unknown processor";
}

/// The error of a run, or null.
template <class Run>
const std::string* error_of(const Run& run) {
  if constexpr (is_before_1_8<Run>) return run.error_occurred ? &run.error_message : nullptr;
  else return run.skipped ? &run.skip_message : nullptr;
}

}  // namespace

std::vector<Peer>& peers() {
  static std::vector<Peer> all;
  return all;
}

benchmark::internal::Benchmark* add(const Column& column, const std::string& peer, Index items,
                                    std::function<void(benchmark::State&)> run) {
  const std::size_t index = column_index(column);
  // A name that a filter can match; the report finds the column by the number at its start.
  const std::string name = std::to_string(index) + "/" + column.table + "/" + column.name + "/" + peer;
  return benchmark::RegisterBenchmark(name.c_str(),
                                      [=](benchmark::State& state) {
                                        static const bool shows_progress = isatty(STDERR_FILENO) != 0;
                                        if (shows_progress)
                                          std::fprintf(stderr, "\r\033[K%s\r", name.c_str());
                                        run(state);
                                        state.counters["items"] = static_cast<double>(items);
                                        if (shows_progress) std::fputs("\033[K", stderr);
                                      })
      ->UseRealTime();
}

void Report::ReportRuns(const std::vector<Run>& runs) {
  for (const Run& run : runs) {
    const std::string& name = run.run_name.function_name;
    if (run.run_type != Run::RT_Iteration) continue;
    if (const std::string* error = error_of(run)) {
      errors_.push_back(name.substr(name.find('/') + 1) + ": " + *error);
      continue;
    }
    Result& result = results_[std::stoul(name)][name.substr(name.rfind('/') + 1)];
    result.seconds_per_item.push_back(run.real_accumulated_time / static_cast<double>(run.iterations) /
                                      run.counters.at("items").value);
    if (run.counters.contains("learned")) result.learned.push_back(run.counters.at("learned").value);
  }
}

void Report::read_programs(const std::filesystem::path& file) {
  std::ifstream lines(file);
  double microseconds, bytes;
  for (std::string program, peer; lines >> program >> peer >> microseconds >> bytes;) {
    const bool is_baseline = program == "include";
    for (const std::string task : {"xor", "mnist"}) {
      if (!is_baseline && task != program) continue;
      std::string row = is_baseline ? "nothing but <Eigen/Core>" : peer;
      for (const Peer& known : peers()) {
        if (strcasecmp(known.name.c_str(), peer.c_str()) == 0) row = known.name;
      }
      const auto put = [&](const char* what, double scale, double value) {
        const std::size_t column = column_index(
            {"A program: compile time, and stripped size without shared libraries", task + what, scale});
        results_[column][row].seconds_per_item = {value};
      };
      put(", s", 1e-6, microseconds);
      put(", KB", 1.0 / 1024, bytes);
    }
  }
}

double Report::limit() const {
  for (const auto& [column, peers] : results_) {
    if (columns()[column].table != "limit") continue;
    const auto& seconds = peers.begin()->second.seconds_per_item;
    return 1 / *std::min_element(seconds.begin(), seconds.end());  // the fastest run counts as the limit
  }
  return NAN;
}

std::string Report::time_cell(std::size_t index, const std::string& peer) const {
  const Column& column = columns()[index];
  const auto& peers = results_.at(index);
  if (!peers.contains(peer)) return "";
  const double seconds = timing::median(peers.at(peer).seconds_per_item);
  std::string cell = number(column.per_second ? 1 / seconds / column.scale : seconds * column.scale);
  if (peers.contains("mlp")) {
    cell.append(", ").append(number(seconds / timing::median(peers.at("mlp").seconds_per_item))).append("x");
  }
  if (const double share = column.flop / seconds / limit(); share > 0) {
    cell.append(", ").append(std::to_string(std::lround(100 * share))).append(" %");
  }
  return cell;
}

std::string Report::learned_cell(std::size_t index, const std::string& peer) const {
  const auto& peers = results_.at(index);
  if (!peers.contains(peer) || peers.at(peer).learned.empty()) return "";
  return number(peers.at(peer).learned.back());
}

// A table of the nonempty rows and columns; an empty text if there are none.
template <class Cell>
std::string Report::table(const std::string& name, Cell cell) const {
  const auto ours_first = [](const std::string& a, const std::string& b) {
    return std::pair(!a.starts_with("mlp"), a) < std::pair(!b.starts_with("mlp"), b);
  };
  std::map<std::string, std::vector<std::string>, decltype(ours_first)> rows(ours_first);
  std::vector<std::string> heading{""};
  for (const auto& [column, peers] : results_) {
    if (columns()[column].table != name) continue;
    heading.push_back(columns()[column].name);
    for (const auto& [peer, result] : peers) rows[peer];
  }
  for (auto& [peer, cells] : rows) {
    for (const auto& [column, peers] : results_) {
      if (columns()[column].table == name) cells.push_back((this->*cell)(column, peer));
    }
  }
  std::vector<std::vector<std::string>> lines{heading};
  for (auto& [peer, cells] : rows) {
    if (std::all_of(cells.begin(), cells.end(), [](const std::string& text) { return text.empty(); }))
      continue;
    cells.insert(cells.begin(), peer);
    lines.push_back(cells);
  }
  return lines.size() > 1 ? print(lines) : "";
}

std::string Report::markdown() const {
  std::ostringstream text;
  text << "# Benchmark results\n\n"
       << processor() << "; " SUITE_COMPILER ", `" SUITE_FLAGS "`; Eigen " << EIGEN_WORLD_VERSION << '.'
       << EIGEN_MAJOR_VERSION << '.' << EIGEN_MINOR_VERSION;
  for (const Peer& peer : peers()) {
    if (!peer.version.empty()) text << ", " << peer.name << ' ' << peer.version;
  }
  text << ". Written by `cmake --workflow --preset benchmark`"
       << (is_quick() ? ", in the quick mode of CI" : "") << ".\n\n";
  if (const std::string missing = SUITE_MISSING; !missing.empty()) {
    text << "Not installed, so left out: " << missing << ".\n\n";
  }
  for (const std::string& error : errors_) text << "Failed: " << error << ".\n\n";
  text << "Medians of one run on one thread, in which the peers took turns. A cell holds the figure, the "
          "time (or size) in\n"
          "units of mlp's, so that above 1 mlp is better, and the share of the limit: multiply-adds of "
          "registers alone\n"
          "reached "
       << number(limit() / 1e9) << " GFLOP/s.\n\n";
  std::vector<std::string> tables;
  for (const Column& column : columns()) {
    if (column.table != "limit" && std::find(tables.begin(), tables.end(), column.table) == tables.end()) {
      tables.push_back(column.table);
    }
  }
  for (const std::string& name : tables) {
    const std::string times = table(name, &Report::time_cell), learned = table(name, &Report::learned_cell);
    if (!times.empty()) text << "## " << name << "\n\n" << times;
    if (!learned.empty()) {
      text << "What had been learned at the end (accuracy or explained share of the variance on test "
              "samples; for xor\n"
              "1 - the worst error):\n\n"
           << learned;
    }
  }
  return text.str();
}

}  // namespace suite
