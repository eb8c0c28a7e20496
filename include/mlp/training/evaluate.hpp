#pragma once

#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/sample_weights.hpp>
#include <mlp/data/dataset.hpp>

#include <algorithm>

namespace mlp::inline MLP_ABI {

struct Evaluation {
  double loss;
  double accuracy;  // as the loss defines it; nan for a loss that defines none, such as MeanSquaredError
};

/// The mean loss and accuracy over a dataset, in which the samples count by their weights if it has some.
/// Errors: std::invalid_argument if the data are empty or do not fit the network.
template <class Net, class Target, class X>
Evaluation evaluate(const Net& net, const Dataset<Target, typename Net::Scalar, X>& data) {
  check_dataset(data, "evaluate");
  constexpr Index piece = 1024;
  double loss_sum = 0, loss_weight = 0, accuracy_sum = 0, accuracy_weight = 0;
  for (Index i = 0; i < data.size(); i += piece) {
    const Index count = (std::min)(piece, data.size() - i);
    detail::with_samples(data, i, count, [&](const auto& x, const auto& t, const auto& w) {
      const auto [loss, accuracy] = net.loss_and_accuracy(x, t, w);
      const double weight = net.batch_weight(t, w),
                   samples = w.size() == 0 ? static_cast<double>(count) : detail::sum_of_weights(w);
      loss_sum = multiply_add(weight, static_cast<double>(loss), loss_sum);
      loss_weight += weight;
      accuracy_sum = multiply_add(samples, static_cast<double>(accuracy), accuracy_sum);
      accuracy_weight += samples;
    });
  }
  return {loss_weight > 0 ? loss_sum / loss_weight : 0, accuracy_sum / accuracy_weight};
}

}  // namespace mlp::inline MLP_ABI
