#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>

#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace mlp::inline MLP_ABI::detail {

// Throws std::invalid_argument unless all weights are finite and >= 0. `name` begins the message: "Loss:
// expected option".
inline void check_weights_option(const char* name, const std::vector<double>& weights) {
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!(weights[i] >= 0 && weights[i] <= (std::numeric_limits<double>::max)()))
      raise<std::invalid_argument>({name, " that are finite and >= 0, found ", weights[i], " at index ", i});
  }
}

// Throws std::invalid_argument unless there are no weights or one for each output; `what` names the outputs
// in the message.
inline void check_weight_count(const char* name, const std::vector<double>& weights, Index outputs,
                               const char* what) {
  if (!weights.empty() && static_cast<Index>(weights.size()) != outputs)
    raise<std::invalid_argument>({name, " for ", outputs, what, ", found ", weights.size()});
}

}  // namespace mlp::inline MLP_ABI::detail
