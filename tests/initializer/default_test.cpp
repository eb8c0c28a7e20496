#include <mlp/activation/relu.hpp>
#include <mlp/activation/selu.hpp>
#include <mlp/activation/tanh.hpp>
#include <mlp/initializer/default.hpp>
#include <mlp/initializer/he.hpp>
#include <mlp/initializer/lecun.hpp>

#include <doctest/doctest.h>

#include <type_traits>

using namespace mlp;

TEST_CASE("initializer_of: what the activation asks for, else GlorotUniform") {
  static_assert(std::is_same_v<detail::initializer_of<ReLU>::type, ReLU::Initializer>);
  static_assert(std::is_same_v<detail::initializer_of<Tanh>::type, GlorotUniform>);
  static_assert(std::is_same_v<detail::initializer_of<int>::type, GlorotUniform>);
}

TEST_CASE("the initializers that activations ask for") {
  static_assert(std::is_same_v<ReLU::Initializer, HeUniform>);
  static_assert(std::is_same_v<SELU::Initializer, LeCunNormal>);
}
