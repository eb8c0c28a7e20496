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

// Some callbacks also want the training itself, to save it or to go on with a saved one. They have members
//   void begin(training)        before its first batch
//   bool after(training, now)   in place of the call, after each batch
//   void end(training)          after the last one
// of which each may be missing.
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

}  // namespace mlp::detail
