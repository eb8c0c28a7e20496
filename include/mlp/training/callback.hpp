#pragma once

#include <mlp/base/abi.hpp>

#include <type_traits>

/// Callbacks: functions that training calls with its progress.
namespace mlp::inline MLP_ABI::detail {

struct NoCallback {
  void operator()(const auto&) const {}
};

// Calls callback(now) and returns whether training goes on: it does unless the callback returns false.
bool goes_on(auto& callback, const auto& now) {
  if constexpr (std::is_same_v<decltype(callback(now)), bool>) {
    return callback(now);
  } else {
    callback(now);
    return true;
  }
}

// A callback that needs the training itself, for instance to save it, has one or more of the members
//   void begin(training)        called before the first batch
//   bool after(training, now)   called after each batch, in place of callback(now)
//   void end(training)          called after the last batch
void begin(auto& callback, auto& training) {
  if constexpr (requires { callback.begin(training); }) callback.begin(training);
}
bool goes_on(auto& callback, auto& training, const auto& now) {
  if constexpr (requires { callback.after(training, now); }) {
    return callback.after(training, now);
  } else {
    return detail::goes_on(callback, now);
  }
}
void end(auto& callback, auto& training) {
  if constexpr (requires { callback.end(training); }) callback.end(training);
}

}  // namespace mlp::inline MLP_ABI::detail
