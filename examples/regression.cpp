// Fits a curve to noisy points, and learns how noisy they are: the network predicts a mean and a variance for
// each x. Writes regression.svg, with the data, the fit, and the losses of training.

#include <mlp/mlp.hpp>

#include "regression/plot.hpp"

#include <cmath>
#include <cstdio>
#include <exception>
#include <vector>

using namespace mlp;

using Net = Mlp<GaussianNLL, Dense<1, 32, SiLU>, Dense<32, 32, SiLU>, Dense<32, 2>>;
using Data = Dataset<Matrix<float>>;

float curve(float x) { return std::sin(2 * x) + 0.3f * x; }
float deviation(float x) { return x < 0 ? 0.08f : 0.08f + 0.08f * x; }

Data noisy_points(Index count, Rng& rng) {
  Data data{Matrix<float>(1, count), Matrix<float>(1, count)};
  for (Index j = 0; j < count; ++j) {
    const auto x = static_cast<float>(rng.uniform(-3, 3));
    data.x(j) = x;
    data.t(j) = curve(x) + deviation(x) * static_cast<float>(rng.normal());
  }
  return data;
}

std::vector<double> numbers(const Matrix<float>& row) { return {row.data(), row.data() + row.size()}; }

Plot plot_of_fit(const Net& net, const Data& data) {
  Matrix<float> grid(1, 200);
  grid.row(0).setLinSpaced(-3, 3);
  const Matrix<float> prediction = net.predict(grid);  // a row of means, a row of variances
  const Matrix<float> mean = prediction.row(0), margin = 2 * prediction.row(1).cwiseSqrt();
  Plot plot("Data and fit", "x", "t");
  plot.band("mean ± 2 deviations", "#d62728", numbers(grid), numbers(mean - margin), numbers(mean + margin));
  plot.points("data", "#1f77b4", numbers(data.x), numbers(data.t));
  plot.line("mean", "#d62728", numbers(grid), numbers(mean));
  plot.line("the curve itself", "#222222", numbers(grid), numbers(grid.unaryExpr(&curve)));
  return plot;
}

Plot plot_of_losses(const History& history) {
  std::vector<double> epochs;
  for (std::size_t i = 1; i <= history.loss.size(); ++i) epochs.push_back(static_cast<double>(i));
  Plot plot("Loss", "epoch", "negative log-likelihood");
  plot.line("training", "#1f77b4", epochs, history.loss);
  plot.line("validation", "#ff7f0e", epochs, history.validation_loss);
  return plot;
}

int main() try {
  Rng rng{1};
  const Data train = noisy_points(800, rng), validation = noisy_points(300, rng),
             test = noisy_points(300, rng);
  Net net;
  net.initialize(rng);

  FitOptions options{.epochs = 200, .batch_size = 32, .seed = 1, .patience = 30};
  options.schedule = CosineSchedule{.steps = options.steps(train.size()), .minimum = 0.01};
  const History history =
      fit(net, train, validation, Adam{.learning_rate = 1e-2}, options, [](const Progress& now) {
        if (now.epoch_is_done() && now.epoch % 20 == 0) {
          std::printf("epoch %3td  loss %7.4f  validation %7.4f\n", now.epoch, now.loss,
                      now.validation->loss);
        }
      });
  std::printf("best epoch: %td of %zu\n\n", history.best_epoch, history.loss.size());

  const Matrix<float> mean = net.predict(test.x).topRows(1), variance = net.predict(test.x).bottomRows(1);
  std::printf("R^2 on %td points that it has not seen: %.3f\n", test.size(), r2_score(mean, test.t));
  const auto within = (mean - test.t).array().abs() <= 2 * variance.array().sqrt();
  std::printf("within two deviations of the mean: %.1f %% (of a normal distribution: 95.4 %%)\n\n",
              100 * within.cast<double>().mean());

  write_svg("regression.svg", {plot_of_fit(net, train), plot_of_losses(history)});
  std::puts("wrote regression.svg");
} catch (const std::exception& error) {
  std::fprintf(stderr, "regression: %s\n", error.what());
  return 1;
}
