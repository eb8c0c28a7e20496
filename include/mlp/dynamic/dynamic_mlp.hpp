#pragma once

#include <mlp/base/types.hpp>
#include <mlp/core/network.hpp>
#include <mlp/dynamic/any_loss.hpp>
#include <mlp/dynamic/architecture.hpp>
#include <mlp/dynamic/sequential.hpp>

#include <string_view>
#include <utility>
#include <vector>

/// A network whose shape is known only when the program runs. Its layers, activations and loss are values that hold one
/// of the library's, and they satisfy the concepts of core/concepts.hpp: everything that trains, checks or saves an Mlp
/// does the same with a DynamicMlp, with the same bits.
///
///     DynamicMlp net(SoftmaxCrossEntropy{}, {DynamicDense(784, hidden, ReLU{}), DynamicDense(hidden, 10)});
///     DynamicMlp same = from_architecture("Mlp(SoftmaxCrossEntropy, Dense(784, 64, ReLU), Dense(64, 10))");
namespace mlp::inline MLP_ABI {

/// A network whose layers are chosen at run time.
template <class S>
using BasicDynamicMlp = BasicMlp<S, AnyLoss, Sequential>;
using DynamicMlp = BasicDynamicMlp<float>;

/// The same network, with its shape in values instead of types. Loss and layers must be the library's.
template <class S, class L, class... Layers>
BasicDynamicMlp<S> to_dynamic(const BasicMlp<S, L, Layers...>& net) {
  std::vector<AnyLayer> layers;
  net.for_each_layer([&](const auto& layer, Index, Index) { layers.emplace_back(layer); });
  BasicDynamicMlp<S> result(AnyLoss(net.loss_function()), Sequential(std::move(layers)));
  result.parameters() = net.parameters();
  result.state() = net.state();
  return result;
}
template <class S>
const BasicDynamicMlp<S>& to_dynamic(const BasicDynamicMlp<S>& net) {
  return net;
}

namespace detail {

// A template, so that programs that read no architecture do not compile it.
std::pair<AnyLoss, Sequential> read_architecture(const auto& text) {
  PartText part = PartParser(text).parse();
  if (part.name != "Mlp") part.fail("expected Mlp(loss, layer, ...)");
  const AnyLoss loss = AnyLoss::read(part.part(0));
  part.parts.erase(part.parts.begin());
  return {loss, Sequential::read(part)};
}

}  // namespace detail

/// The network with that architecture (see architecture.hpp), all parameters 0.
/// Errors: std::invalid_argument if the text is malformed, names a part that the library does not have, or sizes disagree.
template <class S = float>
BasicDynamicMlp<S> from_architecture(std::string_view text) {
  auto [loss, layers] = detail::read_architecture(text);
  return BasicDynamicMlp<S>(std::move(loss), std::move(layers));
}

}  // namespace mlp::inline MLP_ABI
