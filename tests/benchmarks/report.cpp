#include "report.hpp"

#include "suite.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

namespace suite {

namespace {

std::vector<Column>& columns() {
  static std::vector<Column> all;
  return all;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Three digits, without an exponent where that is readable.
std::string number(double value) {
  char text[32];
  const int decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : value >= 0.1 ? 3 : 4;
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

using Table = std::vector<std::vector<std::string>>;  // the first row is the heading

/// As Markdown that is aligned also as plain text.
std::string print(const Table& table) {
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

/// Table rows: this library, then all others in alphabetical order.
bool stands_before(const std::string& a, const std::string& b) {
  if ((a == "mlp") != (b == "mlp")) return a == "mlp";
  return a < b;
}

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
  }
  return "unknown processor";
}

}  // namespace

std::vector<Peer>& peers() {
  static std::vector<Peer> all;
  return all;
}

benchmark::internal::Benchmark* add(const Column& column, const std::string& peer, Index items,
                                    std::function<void(benchmark::State&)> run) {
  const auto same = [&](const Column& other) {
    return other.table == column.table && other.name == column.name;
  };
  const auto place = std::find_if(columns().begin(), columns().end(), same);
  const auto index = place - columns().begin();
  if (place == columns().end()) columns().push_back(column);
  // A name that a filter can be written for; the report finds its column by the number in front.
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
    if (run.error_occurred) {
      errors_.push_back(name.substr(name.find('/') + 1) + ": " + run.error_message);
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
  double seconds, bytes;
  for (std::string program, peer; lines >> program >> peer >> seconds >> bytes;) {
    programs_[program][peer] = number(seconds) + " s, " + number(bytes / 1024) + " KB";
  }
}

double Report::limit() const {
  for (const auto& [index, peers] : results_) {
    if (columns()[index].table == "limit") return 1 / median(peers.begin()->second.seconds_per_item);
  }
  return NAN;
}

std::string Report::markdown() const {
  std::ostringstream text;
  text << "# Benchmark results\n\n"
       << processor() << "; " SUITE_COMPILER ", `" SUITE_FLAGS "`; Eigen " << EIGEN_WORLD_VERSION << '.'
       << EIGEN_MAJOR_VERSION << '.' << EIGEN_MINOR_VERSION;
  for (const Peer& peer : peers()) {
    if (!peer.version.empty()) text << ", " << peer.name << ' ' << peer.version;
  }
  text << ". One thread. Written by `cmake --workflow --preset benchmark`.\n\n";
  if (const std::string missing = SUITE_MISSING; !missing.empty())
    text << "Not installed, so left out: " << missing << ".\n\n";
  for (const std::string& error : errors_) text << "Failed: " << error << ".\n\n";
  text << "Medians, all from one run in which the peers took turns. A cell holds the figure, the time it "
          "takes in "
          "units of mlp's (above 1: mlp is faster),\nand the share of the limit that a loop of nothing but "
          "multiply-adds in registers reached: "
       << number(limit() / 1e9) << " GFLOP/s.\n\n";

  std::vector<std::string> tables;
  for (const Column& column : columns()) {
    if (column.table != "limit" && std::find(tables.begin(), tables.end(), column.table) == tables.end()) {
      tables.push_back(column.table);
    }
  }
  for (const std::string& name : tables) {
    Table times{{""}}, scores{{""}};
    std::set<std::string, decltype(&stands_before)> rows(stands_before);
    bool has_scores = false;
    for (const auto& [index, peers] : results_) {
      if (columns()[index].table != name) continue;
      times[0].push_back(columns()[index].name);
      for (const auto& [peer, result] : peers) rows.insert(peer);
    }
    scores[0] = times[0];
    for (const std::string& row : rows) {
      times.push_back({row});
      scores.push_back({row});
      for (const auto& [index, peers] : results_) {
        const Column& column = columns()[index];
        if (column.table != name) continue;
        const auto result = peers.find(row);
        std::string time, score;
        if (result != peers.end()) {
          const double seconds = median(result->second.seconds_per_item);
          time = number(column.per_second ? 1 / seconds / column.scale : seconds * column.scale);
          if (const auto mlp = peers.find("mlp"); mlp != peers.end()) {
            time += ", " + number(seconds / median(mlp->second.seconds_per_item)) + "x";
          }
          if (column.flop > 0)
            time += ", " + number(std::round(100 * column.flop / seconds / limit())) + " %";
          if (!result->second.learned.empty()) score = number(result->second.learned.back());
        }
        has_scores |= !score.empty();
        times.back().push_back(time);
        scores.back().push_back(score);
      }
    }
    text << "## " << name << "\n\n" << print(times);
    if (has_scores) {
      scores.erase(std::remove_if(scores.begin() + 1, scores.end(),
                                  [](const auto& row) {
                                    return std::all_of(row.begin() + 1, row.end(),
                                                       [](const std::string& cell) { return cell.empty(); });
                                  }),
                   scores.end());
      text << "What they had learned then, on data they had not seen (accuracy, share of the variance "
              "explained, for xor 1 - the "
              "worst error):\n\n"
           << print(scores);
    }
  }
  if (!programs_.empty()) {
    std::set<std::string, decltype(&stands_before)> rows(stands_before);
    Table table{{""}};
    for (const auto& [program, peers] : programs_) {
      table[0].push_back(program);
      for (const auto& [peer, cell] : peers) rows.insert(peer);
    }
    for (const std::string& row : rows) {
      table.push_back({row});
      for (const auto& [program, peers] : programs_)
        table.back().push_back(peers.contains(row) ? peers.at(row) : "");
    }
    text << "## Programs: seconds to compile, size when stripped\n\n" << print(table);
  }
  return text.str();
}

}  // namespace suite
