// Trains a network with another library's minimizer. Objective is the loss over a dataset as a function of
// the parameters, which is all that such a library needs. Here NLopt does what fit can't: it keeps parameters
// within bounds. A network whose weights are at least 0 and whose activation is increasing is itself
// increasing, as a calibration curve must be, however noisy the measurements are.

#include <mlp/minimize/lbfgs.hpp>
#include <mlp/minimize/objective.hpp>
#include <mlp/mlp.hpp>

#include <nlopt.h>

#include <cmath>
#include <cstdio>

using Net = mlp::BasicMlp<double, mlp::MeanSquaredError, mlp::Dense<1, 8, mlp::Tanh>, mlp::Dense<8, 1>>;
using Data = mlp::Dataset<mlp::Matrix<double>>;
using Objective = mlp::Objective<Net, mlp::Matrix<double>>;

// The function that NLopt calls: the loss, and its gradient if NLopt requests it.
double loss_and_gradient(unsigned count, const double* parameters, double* gradient, void* objective) {
  auto& loss = *static_cast<Objective*>(objective);
  const Eigen::Map<const Eigen::VectorXd> theta(parameters, count);
  return gradient ? loss(theta, Eigen::Map<Eigen::VectorXd>(gradient, count)) : loss(theta);
}

// Trains net with weights >= 0 and free biases. Returns whether NLopt succeeded.
bool fit_rising(Net& net, const Data& data) {
  net.weights<0>() = net.weights<0>().cwiseAbs();
  net.weights<1>() = net.weights<1>().cwiseAbs();
  Net lowest;  // bounds have the layout of parameters, so a network can hold them
  lowest.parameters().setConstant(-HUGE_VAL);
  lowest.weights<0>().setZero();
  lowest.weights<1>().setZero();

  Objective objective(net, data);
  Eigen::VectorXd theta = net.parameters();
  double loss = 0;
  const nlopt_opt minimizer = nlopt_create(NLOPT_LD_LBFGS, static_cast<unsigned>(theta.size()));
  nlopt_set_lower_bounds(minimizer, lowest.parameters().data());
  nlopt_set_min_objective(minimizer, loss_and_gradient, &objective);
  nlopt_set_ftol_rel(minimizer, 1e-9);
  nlopt_set_maxeval(minimizer, 2000);
  const nlopt_result result = nlopt_optimize(minimizer, theta.data(), &loss);
  std::printf("NLopt: %s after %d evaluations\n", nlopt_result_to_string(result),
              nlopt_get_numevals(minimizer));
  nlopt_destroy(minimizer);
  net.parameters() = theta;
  return result > 0;
}

// The smallest slope of the curve, per unit of x; above 0 if it rises everywhere.
double least_slope(const Net& net) {
  const Eigen::RowVectorXd y = net.predict(Eigen::RowVectorXd::LinSpaced(1001, 0, 1));
  return 1000 * (y.tail(1000) - y.head(1000)).minCoeff();
}

int main() {
  mlp::Rng rng{1};
  Data data{mlp::Matrix<double>(1, 40), mlp::Matrix<double>(1, 40)};
  mlp::fill(data.x, [&] { return rng.uniform(); });
  mlp::fill(data.t, [&] { return 0.05 * rng.normal(); });
  data.t.array() += data.x.array().sqrt();

  Net free, rising;
  free.initialize(rng);
  rising.parameters() = free.parameters();
  const mlp::MinimizeResult minimum = mlp::fit(free, data, mlp::Lbfgs{});
  std::printf("Lbfgs: %s after %td evaluations\n", to_string(minimum.reason), minimum.evaluations);
  const bool done = fit_rising(rising, data);

  const double slope = least_slope(rising);
  std::printf("\n        loss      least slope\n");
  std::printf("free    %.5f   %9.3f\n", mlp::evaluate(free, data).loss, least_slope(free));
  std::printf("rising  %.5f   %9.3f\n", mlp::evaluate(rising, data).loss, slope);
  return done && slope >= 0 ? 0 : 1;
}
