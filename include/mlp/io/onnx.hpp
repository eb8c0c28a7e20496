#pragma once

#include <mlp/io/file.hpp>
#include <mlp/io/model.hpp>
#include <mlp/io/onnx/reader.hpp>
namespace mlp {
template <class S = float>
Model<S> onnx_from_bytes(std::string_view bytes, const std::string& file) {
  return detail::onnx::read_model<S>(bytes, file);
}
}
