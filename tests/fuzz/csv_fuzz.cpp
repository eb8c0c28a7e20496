#include <mlp/io/csv.hpp>

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>

#include "only_throws.hpp"

// The first byte selects the options, the others are the file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlp;
  if (size == 0) return 0;
  const unsigned choice = data[0];
  CsvOptions options;
  options.header = (choice & 1) == 0;
  options.delimiter = (choice & 2) == 0 ? ',' : ';';
  options.on_missing = (choice & 4) != 0 ? Missing::mean : (choice & 8) != 0 ? Missing::drop : Missing::error;
  if ((choice & 16) != 0) options.classes = {"a", "b"};
  if ((choice & 32) != 0) options.targets = {options.header ? "t" : "1"};
  const std::string text(data + 1, data + size);
  const auto reads = [&](auto read) {
    only_throws<std::runtime_error>([&] {
      std::istringstream in(text);
      read(in);
    });
  };
  reads([&](std::istream& in) { read_csv(in, "a.csv", options); });
  reads([&](std::istream& in) { read_csv<Matrix<double>>(in, "a.csv", options); });
  reads([&](std::istream& in) { read_csv_features(in, "a.csv", options); });
  return 0;
}
