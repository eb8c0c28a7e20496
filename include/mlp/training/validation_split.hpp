#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/random.hpp>
#include <mlp/data/dataset.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace mlp::inline MLP_ABI::detail {

/// Deals samples at random into two datasets: (kept for validation, used for training). The first one gets the
/// fraction, to a whole number of samples.
/// Errors: std::invalid_argument if one of the two would be empty.
template <class Data>
std::pair<Data, Data> split_validation(const Data& data, double fraction, Rng& rng) {
  auto parts = split(data, fraction, rng);
  if (parts.first.size() == 0 || parts.second.size() == 0) {
    raise<std::invalid_argument>(
        {"fit: expected a validation_fraction that leaves samples on both sides, found ", fraction, " of ",
         data.size(), " samples"});
  }
  return parts;
}

}  // namespace mlp::inline MLP_ABI::detail
