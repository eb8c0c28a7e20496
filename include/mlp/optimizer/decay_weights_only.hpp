#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>

#include <type_traits>
#include <utility>
#include <vector>

namespace mlp::inline MLP_ABI {

/// An optimizer whose weight decay acts on weights alone, not on biases and the parameters of normalizations.
/// It has the options of Opt; decay_weights_only(optimizer, net) makes one.
template <class Opt>
class DecayWeightsOnly : public Opt {
 public:
  /// mask has a number for each parameter, not 0 if the parameter decays, as a network's weight_mask() does.
  template <class Mask>
  DecayWeightsOnly(Opt optimizer, const Mask& mask) : Opt(std::move(optimizer)) {
    for (Index i = 0; i < mask.size(); ++i) {
      const bool decays = mask(i) != 0;
      if (ranges_.empty() || ranges_.back().decays != decays) ranges_.push_back({i, i, decays});
      ranges_.back().end = i + 1;
    }
  }

  void step(auto& theta, const auto& gradient, auto& slot_vectors, Index t) const {
    detail::check_option(!ranges_.empty() && ranges_.back().end == theta.size(), "DecayWeightsOnly",
                         "as many parameters as in its mask", theta.size());
    const Opt& decaying = *this;
    Opt plain = *this;
    plain.weight_decay = 0;
    for (const Range& range : ranges_) {
      const auto part = [&](auto& v) {
        using V = std::remove_reference_t<decltype(v)>;
        using M = Matrix<typename V::Scalar>;
        return Eigen::Map<std::conditional_t<std::is_const_v<V>, const M, M>, 0, Eigen::OuterStride<>>(
            v.data() + range.begin, range.end - range.begin, v.cols(), Eigen::OuterStride<>(v.rows()));
      };
      auto p = part(theta), s = part(slot_vectors);
      (range.decays ? decaying : plain).step(p, part(gradient), s, t);
    }
  }

 private:
  struct Range {
    Index begin, end;
    bool decays;
  };
  std::vector<Range> ranges_;
};

/// Restricts the weight decay of an optimizer to the weights of net:
///
///     fit(net, train, decay_weights_only(AdamW{.weight_decay = 0.01}, net));
template <class Opt, class Net>
DecayWeightsOnly<Opt> decay_weights_only(Opt optimizer, const Net& net) {
  return {std::move(optimizer), net.weight_mask()};
}

}  // namespace mlp::inline MLP_ABI
