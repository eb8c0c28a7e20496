// Runs the suite, prints the report and writes it to a file.
//   --quick            one short turn on the bundled subset of MNIST, for CI
//   --markdown=FILE    the report's file
//   --programs=FILE    the file that programs/measure.cmake wrote
// and Google Benchmark's own options. OpenBLAS, which libtorch and dlib may use, reads its number of threads
// from the environment: OPENBLAS_NUM_THREADS=1, as the target run_benchmarks sets it.
#include "report.hpp"
#include "suite.hpp"

#include <mlp/base/random.hpp>
#include <mlp/base/views.hpp>
#include <mlp/io/idx.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>

namespace suite {

namespace {

bool quick = false;

constexpr Index largest_batch = 256;  // all others divide it

template <class Target>
mlp::Dataset<Target> first(const mlp::Dataset<Target>& data, Index n) {
  if constexpr (std::is_same_v<Target, mlp::Labels>) return {data.x.leftCols(n), data.t.head(n)};
  else return {data.x.leftCols(n), data.t.leftCols(n)};
}

mlp::Dataset<mlp::Labels> read(const std::string& part) {
  for (const std::string folder : {SUITE_MNIST_DATA, SUITE_MNIST_SUBSET}) {
    for (const std::string ending : {".gz", ""}) {
      const std::filesystem::path images = folder + "/" + part + "-images-idx3-ubyte" + ending;
      if ((quick && folder == SUITE_MNIST_DATA) || !std::filesystem::exists(images)) continue;
      const auto data = mlp::read_idx(images, folder + "/" + part + "-labels-idx1-ubyte" + ending);
      return first(data, data.size() / largest_batch * largest_batch);
    }
  }
  throw std::runtime_error("expected MNIST in " SUITE_MNIST_SUBSET);
}

// x = P z, t = sin z_0 + z_1 z_2 / 2, z normal
mlp::Dataset<Matrix> draw(const Matrix& P, Index samples, mlp::Rng& rng) {
  Matrix z(P.cols(), samples);
  mlp::fill(z, [&] { return rng.normal(); });
  return {P * z, z.row(0).array().sin() + z.row(1).array() * z.row(2).array() / 2};
}

}  // namespace

bool is_quick() { return quick; }

const Data<mlp::Labels>& mnist() {
  static const Data<mlp::Labels> all{read("train"), read("t10k")};
  return all;
}

const Data<Matrix>& tabular() {
  static const Data<Matrix> all = [] {
    mlp::Rng rng{2};
    Matrix P(64, 4);
    mlp::fill(P, [&] { return rng.normal() / 2; });
    auto train = draw(P, mnist().train.size(), rng);
    return Data<Matrix>{std::move(train), draw(P, 8 * largest_batch, rng)};
  }();
  return all;
}

}  // namespace suite

int main(int argc, char** argv) {
  try {
    std::string markdown, programs;
    const std::string unit = suite::is_before_1_8<benchmark::BenchmarkReporter::Run> ? "" : "s";
    std::vector<std::string> options{argv[0], "--benchmark_enable_random_interleaving=true",
                                     "--benchmark_repetitions=5", "--benchmark_min_time=0.1" + unit};
    for (int i = 1; i < argc; ++i) {
      const std::string option = argv[i];
      if (option == "--quick") {
        suite::quick = true;
        options.insert(options.end(), {"--benchmark_repetitions=1", "--benchmark_min_time=0.01" + unit});
      } else if (option.starts_with("--markdown=")) {
        markdown = option.substr(option.find('=') + 1);
      } else if (option.starts_with("--programs=")) {
        programs = option.substr(option.find('=') + 1);
      } else {
        options.push_back(option);
      }
    }
    std::vector<char*> arguments;
    for (std::string& option : options) arguments.push_back(option.data());
    int count = static_cast<int>(arguments.size());
    benchmark::Initialize(&count, arguments.data());
    if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return EXIT_FAILURE;

    std::sort(suite::peers().begin(), suite::peers().end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    for (const auto& peer : suite::peers()) peer.add_benchmarks();
    suite::Report report;
    benchmark::RunSpecifiedBenchmarks(&report);
    report.read_programs(programs);
    std::fputs(report.markdown().c_str(), stdout);
    if (!markdown.empty()) std::ofstream(markdown) << report.markdown();
    return report.all_passed() ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "benchmarks: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
