#include <mlp/core/workspace.hpp>

#include "core/networks.hpp"
#include "message_of.hpp"

#include <doctest/doctest.h>

#include <type_traits>

using namespace mlp;

TEST_CASE("a workspace has y and dy of each layer; after a smaller batch it needs no new memory") {
  const auto net = initialized(Classifier{});
  auto ws = net.workspace(5);
  CHECK((ws.output<0>().rows() == 6 && ws.output<0>().cols() == 5));
  CHECK((ws.gradient<1>().rows() == 3 && ws.gradient<1>().cols() == 5));
  CHECK(ws.outputs().data() == ws.output<1>().data());
  CHECK(ws.output_gradient().data() == ws.gradient<1>().data());
  const float* const before = ws.output<0>().data();
  ws.resize(net, 2);
  CHECK(ws.outputs().cols() == 2);
  ws.resize(net, 5);
  CHECK(ws.output<0>().data() == before);
}

TEST_CASE("a static batch: everything lies within the object, and another size is an error") {
  const auto net = initialized(Classifier{});
  static_assert(Classifier::workspace_is_fixed<4> && !Classifier::workspace_is_fixed<Dynamic>);
  static_assert(!Dynamic3::workspace_is_fixed<4>);
  auto ws = net.workspace<4>();
  const auto* const begin = reinterpret_cast<const char*>(&ws);
  const auto* const y = reinterpret_cast<const char*>(ws.output<0>().data());
  CHECK((y >= begin && y < begin + sizeof ws));
  static_assert(decltype(ws.outputs())::ColsAtCompileTime == 4);
  CHECK(message_of([&] { ws.resize(net, 3); }) == "Workspace: expected 4 samples in a batch, found 3");
}
