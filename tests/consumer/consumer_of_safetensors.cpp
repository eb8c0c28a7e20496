#include <mlp/io/safetensors/container.hpp>

int main() {
  return mlp::tensors_from_bytes(mlp::to_bytes({{{"a", "b"}}, {}}), "").metadata.size() == 1 ? 0 : 1;
}
