// Learns to read handwritten digits: trains a network of three dense layers on MNIST, reports its accuracy on
// images that it has not seen, and draws those that it gets wrong.

#include <mlp/io/checkpoint.hpp>
#include <mlp/mlp.hpp>

#include "mnist/data.hpp"
#include "mnist/montage.hpp"
#include "mnist/options.hpp"
#include "mnist/progress_bar.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

using namespace mlp;

using Net = Mlp<SoftmaxCrossEntropy, Dense<784, 256, ReLU>, Dense<256, 128, ReLU>, Dense<128, 10>>;

/// An optimizer is a rule that updates a vector, and a schedule is an optimizer around another one: this one
/// decreases the rate of `sgd` linearly to 0.
struct LinearDecay {
  static constexpr Index slots = Sgd::slots;

  Sgd sgd;
  Index steps;  // in the whole run

  void step(auto& theta, const auto& gradient, auto& state, Index t) const {
    Sgd now = sgd;
    now.learning_rate *= 1 - static_cast<double>(t - 1) / static_cast<double>(steps);
    now.step(theta, gradient, state, t);
  }

  void validate() const { sgd.validate(); }
};

// The files of the whole set if it was fetched, else of the bundled subset.
Files find_files() {
  try {
    return find_files(MLP_MNIST_DATA);
  } catch (const std::exception&) {
    std::puts("The whole MNIST set is not in " MLP_MNIST_DATA
              ".\n"
              "Training on the bundled 10,000 of its 60,000 images, which costs 2 % of accuracy. To get it:\n"
              "  cmake --build --preset mnist --target mnist_data\n"
              "or\n"
              "  examples/data/fetch_mnist.sh " MLP_MNIST_DATA "\n");
    return find_files(MLP_MNIST_SUBSET);
  }
}

Data load(const std::filesystem::path& folder) {
  const Files files = folder.empty() ? find_files() : find_files(folder);
  Data data = read(files);
  std::printf("data      %td training and %td test images from %s\n", data.train.size(), data.test.size(),
              files.train_images.parent_path().string().c_str());
  return data;
}

/// Prints a line per epoch, and ends the training once the requested test accuracy is reached.
class Report {
 public:
  Report(const Net& net, const Digits& test, double stop_at) : net_(&net), test_(&test), stop_at_(stop_at) {}

  void begin(const auto& training) const {
    const Progress& now = training.progress();
    const bool resumed = now.epoch > 0;
    if (resumed) std::printf("resumed   at epoch %td, batch %td\n", now.epoch, now.batch);
    std::printf("\n   epoch      loss   test accuracy   seconds\n");
    if (!resumed) std::printf("%5d/%-5td                 %5.2f %%\n", 0, now.epochs, 100 * accuracy());
    std::fflush(stdout);
  }

  bool operator()(const Progress& now) {
    bar_.show(now);
    if (!now.epoch_is_done()) return true;
    const double reached = accuracy();
    bar_.clear();
    std::printf("%5td/%-5td %.5f         %5.2f %%   %7.2f\n", now.epoch, now.epochs, now.loss, 100 * reached,
                now.seconds);
    std::fflush(stdout);
    return reached < stop_at_;  // false ends the training
  }

 private:
  double accuracy() const { return evaluate(*net_, *test_).accuracy; }

  const Net* net_;
  const Digits* test_;
  double stop_at_;
  ProgressBar bar_;
};

void train(Net& net, const Data& data, const Options& options) {
  const Index steps = options.epochs * ((data.train.size() - 1) / options.batch + 1);
  const Sgd sgd{.learning_rate = options.learning_rate,
                .momentum = options.momentum,
                .weight_decay = 2e-4,
                .nesterov = options.momentum > 0};
  std::printf("network   784-256-128-10, %td parameters, seed %llu\n", net.parameter_count(),
              static_cast<unsigned long long>(options.seed));
  std::printf("training  %td epochs in batches of %td, learning rate %g falling to 0, momentum %g\n",
              options.epochs, options.batch, options.learning_rate, options.momentum);
  fit(net, data.train, LinearDecay{sgd, steps},
      {.epochs = options.epochs,
       .batch_size = options.batch,
       .seed = options.seed,
       .threads = options.threads},
      Checkpoint(options.checkpoint, {.every_steps = 250}, Report(net, data.test, options.stop_at)));
}

// Rows are true digits, columns predicted ones.
using Confusion = Eigen::Matrix<Index, 10, 10>;

// "98.3", or "-" for a fraction of 0.
std::string percent(Index part, Index whole) {
  if (whole == 0) return "-";
  char text[16];
  std::snprintf(text, sizeof text, "%.1f", 100 * static_cast<double>(part) / static_cast<double>(whole));
  return text;
}

void print(const Confusion& confusion) {
  std::printf("\n  true                       predicted                        recall\n      ");
  for (int j = 0; j < 10; ++j) std::printf("%5d", j);
  std::printf("       %%\n");
  for (int i = 0; i < 10; ++i) {
    std::printf("%6d", i);
    for (int j = 0; j < 10; ++j) {
      if (confusion(i, j) == 0) std::printf("    .");
      else std::printf("%5td", confusion(i, j));
    }
    std::printf("   %5s\n", percent(confusion(i, i), confusion.row(i).sum()).c_str());
  }
  std::printf("\n     %%");
  for (int j = 0; j < 10; ++j) std::printf(" %4s", percent(confusion(j, j), confusion.col(j).sum()).c_str());
  std::printf("   precision\n\n");
}

// Prints the results on the test images. Returns the misclassified ones, the most confident first.
std::vector<Mistake> report(const Net& net, const Digits& test) {
  const Matrix<float> probabilities = net.predict(test.x.matrix());
  Confusion confusion = Confusion::Zero();
  std::vector<Mistake> mistakes;
  for (Index j = 0; j < test.size(); ++j) {
    int predicted = 0;
    const float confidence = probabilities.col(j).maxCoeff(&predicted);
    ++confusion(test.t(j), predicted);
    if (predicted != test.t(j)) mistakes.push_back({j, test.t(j), predicted, confidence});
  }
  std::sort(mistakes.begin(), mistakes.end(), [](const Mistake& a, const Mistake& b) {
    return a.confidence != b.confidence ? a.confidence > b.confidence : a.sample < b.sample;
  });

  print(confusion);
  std::printf("accuracy  %.2f %%: %td of %td test images right, %zu misclassified\n",
              100 * static_cast<double>(confusion.trace()) / static_cast<double>(test.size()),
              confusion.trace(), test.size(), mistakes.size());
  return mistakes;
}

void run(const Options& options) {
  const Data data = load(options.data);
  Rng rng{options.seed};
  Net net;
  net.initialize(rng);
  train(net, data, options);
  const std::vector<Mistake> mistakes = report(net, data.test);
  const std::size_t drawn = write_montage(options.png, data.test.x.bytes(), mistakes);
  std::printf("drawn in  %s%s\n", options.png.string().c_str(),
              drawn < mistakes.size() ? (" (the surest " + std::to_string(drawn) + ")").c_str() : "");
  const bool reached = options.stop_at > 1 || evaluate(net, data.test).accuracy >= options.stop_at;
  if (!reached) throw std::runtime_error("expected to reach the accuracy of --stop-at, found no such epoch");
}

int main(int argc, char** argv) {
  try {
    const Options options = parse_options(argc, argv);
    if (options.help) std::fputs(usage, stdout);
    else run(options);
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "mnist: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
