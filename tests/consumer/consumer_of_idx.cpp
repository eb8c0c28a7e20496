#include <mlp/io/idx.hpp>

#include <stdexcept>
#include <string>

int main() {
  try {
    mlp::read_idx_labels("no-such-file");
  } catch (const std::runtime_error& error) {
    return std::string(error.what()).find("no-such-file") != std::string::npos ? 0 : 1;
  }
  return 1;
}
