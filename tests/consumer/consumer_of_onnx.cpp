#include <protozero/pbf_reader.hpp>

int main() {
  protozero::pbf_reader message("\x08\x01", 2);
  return message.next() && message.get_int32() == 1 ? 0 : 1;
}
