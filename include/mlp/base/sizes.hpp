#pragma once

#include <mlp/base/counts.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>

namespace mlp::inline MLP_ABI {

namespace detail {

// A size that is part of the type takes no space; a Dynamic one is a number. Name tells apart the four of Sizes: two
// empty members of the same type would not share an address.
template <Index N, int Name>
struct Extent {
  constexpr Extent() = default;
  constexpr explicit Extent(Index n) {
    if (n != N) throw_unequal("mlp", N, " as the size in the type", n);
  }
  static constexpr Index value() { return N; }
};
template <int Name>
struct Extent<Dynamic, Name> {
  constexpr explicit Extent(Index n) : n_(checked_count(n)) {}
  constexpr Index value() const { return n_; }

 private:
  Index n_;
};

}  // namespace detail

/// The base class that gives a layer or network its sizes: the numbers of inputs, outputs, parameters, and of state
/// coefficients (running statistics). Each is a template argument, or Dynamic and then an argument of the constructor.
/// A size that is a template argument has a static function, usable in constant expressions.
template <Index In, Index Out, Index Parameters = 0, Index State = 0>
class Sizes {
 public:
  constexpr Sizes() requires(In != Dynamic && Out != Dynamic && Parameters != Dynamic &&
                             State != Dynamic) = default;
  /// Errors: std::invalid_argument if a size is not the template argument, is negative, or exceeds what memory could
  /// hold.
  constexpr explicit Sizes(Index inputs, Index outputs, Index parameters = 0, Index state = 0)
      : inputs_(inputs), outputs_(outputs), parameters_(parameters), state_(state) {}

  static constexpr Index inputs() requires(In != Dynamic) { return In; }
  constexpr Index inputs() const requires(In == Dynamic) { return inputs_.value(); }
  static constexpr Index outputs() requires(Out != Dynamic) { return Out; }
  constexpr Index outputs() const requires(Out == Dynamic) { return outputs_.value(); }
  static constexpr Index parameter_count() requires(Parameters != Dynamic) { return Parameters; }
  constexpr Index parameter_count() const requires(Parameters == Dynamic) { return parameters_.value(); }
  static constexpr Index state_count() requires(State != Dynamic) { return State; }
  constexpr Index state_count() const requires(State == Dynamic) { return state_.value(); }

 private:
  [[no_unique_address]] detail::Extent<In, 0> inputs_;
  [[no_unique_address]] detail::Extent<Out, 1> outputs_;
  [[no_unique_address]] detail::Extent<Parameters, 2> parameters_;
  [[no_unique_address]] detail::Extent<State, 3> state_;
};

}  // namespace mlp::inline MLP_ABI
