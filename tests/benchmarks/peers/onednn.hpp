// What is common to code over oneDNN's primitives, in versions 2 and 3.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include <mlp/base/types.hpp>

namespace suite {

using dnnl::memory;
using mlp::Index;

inline dnnl::engine& engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

inline dnnl::stream& stream() {
  static dnnl::stream in_order(engine());
  return in_order;
}

inline memory::desc matrix(Index rows, Index cols, memory::format_tag format) {
  return {{rows, cols}, memory::data_type::f32, format};
}
inline memory::desc plain(Index rows, Index cols) { return matrix(rows, cols, memory::format_tag::ab); }
inline memory::desc any(Index rows, Index cols) { return matrix(rows, cols, memory::format_tag::any); }

inline float* floats(const memory& m) { return static_cast<float*>(m.get_data_handle()); }

// The descriptor of a primitive. oneDNN 2 makes it from a descriptor of the operation; since version 3, it is made
// from the operation's arguments themselves.
template <class Primitive>
using Description = typename Primitive::primitive_desc;
#if DNNL_VERSION_MAJOR < 3
template <class Primitive>
Description<Primitive> describe(const dnnl::primitive_attr& attributes, const auto&... operation) {
  return {typename Primitive::desc(operation...), attributes, engine()};
}
template <class Primitive>
Description<Primitive> describe(const dnnl::inner_product_forward::primitive_desc& hint,
                                const auto&... operation) {
  return {typename Primitive::desc(operation...), engine(), hint};
}
inline Description<dnnl::eltwise_backward> describe_backward(dnnl::algorithm activation,
                                                             const memory::desc& h, float alpha) {
  using Forward = dnnl::eltwise_forward;
  const Forward::primitive_desc hint(
      Forward::desc(dnnl::prop_kind::forward_training, activation, h, alpha, 0), engine());
  return {dnnl::eltwise_backward::desc(activation, h, h, alpha, 0), engine(), hint};
}
inline void append(dnnl::post_ops& operations, dnnl::algorithm activation, float alpha) {
  operations.append_eltwise(1, activation, alpha, 0);
}
#else
template <class Primitive>
Description<Primitive> describe(const auto& attributes_or_hint, const auto&... operation) {
  return {engine(), operation..., attributes_or_hint};
}
inline Description<dnnl::eltwise_backward> describe_backward(dnnl::algorithm activation,
                                                             const memory::desc& h, float alpha) {
  const Description<dnnl::eltwise_forward> hint(engine(), dnnl::prop_kind::forward_training, activation, h, h,
                                                alpha);
  return {engine(), activation, h, h, h, alpha, hint};
}
inline void append(dnnl::post_ops& operations, dnnl::algorithm activation, float alpha) {
  operations.append_eltwise(activation, alpha, 0);
}
#endif

}  // namespace suite
