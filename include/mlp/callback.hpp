#pragma once

#include <type_traits>

/// What training calls to tell how far it is.
namespace mlp::detail {

struct NoCallback {
  void operator()(const auto&) const {}
};

// Calls callback(now), and returns whether to go on: a callback may, but need not, return that as a bool.
bool goes_on(auto& callback, const auto& now) {
  if constexpr (std::is_same_v<decltype(callback(now)), bool>) {
    return callback(now);
  } else {
    callback(now);
    return true;
  }
}

}  // namespace mlp::detail
