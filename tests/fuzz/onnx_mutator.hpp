#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <protozero/exception.hpp>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "mutate.hpp"

/// libFuzzer's own mutations break the lengths of nested protobuf messages. This mutator splits an ONNX model
/// into fields, changes one of them and writes all lengths anew.
/// Source: onnx.proto of ONNX 1.12, whose field numbers stand in the code.
class OnnxMutator {
 public:
  explicit OnnxMutator(unsigned seed) : random_(seed) {}

  /// The mutated model, which may be larger than most_bytes; empty if the bytes are not a message.
  std::string mutate(const std::string& bytes, std::size_t most_bytes) {
    Fields fields;
    if (!read(bytes, Kind::model, fields) || fields.empty()) return {};
    std::vector<Place> places;
    list_places(fields, Kind::model, places);
    change(places, most_bytes);
    if (!is_one_in(4)) fit_tensors(fields, Kind::model, most_bytes);
    return write(fields);
  }

 private:
  enum class Kind { none, model, graph, node, tensor, attribute, value, type, tensor_type, shape, dim, pair };

  // The kind of message that a field of `outer` holds, or none.
  static Kind kind_of(Kind outer, std::uint32_t tag) {
    using enum Kind;
    constexpr struct {
      Kind outer;
      std::uint32_t tag;
      Kind inner;
    } messages[] = {{model, 7, graph},      {model, 8, pair},        {model, 14, pair},
                    {graph, 1, node},       {graph, 5, tensor},      {graph, 11, value},
                    {graph, 12, value},     {graph, 13, value},      {node, 5, attribute},
                    {attribute, 5, tensor}, {attribute, 6, graph},   {value, 2, type},
                    {type, 1, tensor_type}, {tensor_type, 2, shape}, {shape, 1, dim}};
    for (const auto& message : messages) {
      if (message.outer == outer && message.tag == tag) return message.inner;
    }
    return none;
  }

  using Wire = protozero::pbf_wire_type;
  struct Field;
  using Fields = std::vector<Field>;
  struct Field {
    std::uint32_t tag;
    Wire wire;
    Kind kind = Kind::none;    // unless none, the field is a message of these fields
    std::uint64_t number = 0;  // of a varint or fixed size
    std::string bytes = {};
    Fields fields = {};
  };
  struct Place {
    Fields* list;
    std::size_t index;
    Kind outer;
    Field& field() const { return (*list)[index]; }
  };

  static bool read(const std::string& bytes, Kind kind, Fields& fields) try {
    for (protozero::pbf_reader reader(bytes); reader.next();) {
      Field field{reader.tag(), reader.wire_type()};
      if (field.wire == Wire::varint) field.number = reader.get_uint64();
      else if (field.wire == Wire::fixed32) field.number = reader.get_fixed32();
      else if (field.wire == Wire::fixed64) field.number = reader.get_fixed64();
      else field.bytes = reader.get_string();
      if (field.wire == Wire::length_delimited) field.kind = kind_of(kind, field.tag);
      if (field.kind != Kind::none && !read(field.bytes, field.kind, field.fields)) {
        field.kind = Kind::none;
        field.fields.clear();
      }
      fields.push_back(std::move(field));
    }
    return true;
  } catch (const protozero::exception&) {
    return false;
  }

  static std::string write(const Fields& fields) {
    std::string bytes;
    protozero::pbf_writer writer(bytes);
    for (const Field& field : fields) {
      if (field.wire == Wire::varint) writer.add_uint64(field.tag, field.number);
      else if (field.wire == Wire::fixed32)
        writer.add_fixed32(field.tag, static_cast<std::uint32_t>(field.number));
      else if (field.wire == Wire::fixed64) writer.add_fixed64(field.tag, field.number);
      else writer.add_bytes(field.tag, field.kind == Kind::none ? field.bytes : write(field.fields));
    }
    return bytes;
  }

  static void list_places(Fields& fields, Kind outer, std::vector<Place>& places) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      places.push_back({&fields, i, outer});
      list_places(fields[i].fields, fields[i].kind, places);
    }
  }

  std::size_t below(std::size_t n) { return random_() % n; }
  bool is_one_in(std::size_t n) { return below(n) == 0; }

  void change(const std::vector<Place>& places, std::size_t most_bytes) {
    const Place place = places[below(places.size())];
    Fields& list = *place.list;
    const std::size_t choice = below(16);
    if (choice == 0) list.erase(list.begin() + static_cast<std::ptrdiff_t>(place.index));
    else if (choice == 1) list.push_back(Field(place.field()));
    else if (choice == 2) std::swap(place.field(), list[below(list.size())]);
    else if (choice == 3) place.field().tag = static_cast<std::uint32_t>(1 + below(16));
    else if (choice < 8) copy_like(place, places);
    else change_payload(place.field(), most_bytes);
  }

  // Names are the edges of the graph: copies the name from another such field, or sets any text.
  void copy_like(const Place& place, const std::vector<Place>& places) {
    const bool takes_any_text = is_one_in(4);
    std::vector<const Field*> others;
    for (const Place& other : places) {
      const Field& field = other.field();
      const bool is_same = other.outer == place.outer && field.tag == place.field().tag;
      const bool is_text = field.wire == Wire::length_delimited && field.kind == Kind::none;
      if (takes_any_text ? is_text : is_same) others.push_back(&field);
    }
    if (others.empty()) return;
    Field copy = *others[below(others.size())];
    copy.tag = place.field().tag;
    place.field() = std::move(copy);
  }

  void change_payload(Field& field, std::size_t most_bytes) {
    if (field.wire == Wire::length_delimited) {
      if (field.kind != Kind::none) field.bytes = write(field.fields);
      field.kind = Kind::none;
      field.bytes = mutated(field.bytes, most_bytes);
    } else if (is_one_in(2)) {
      field.number = is_one_in(2) ? below(18) : std::uint64_t{0} - below(3);
    } else {
      field.number ^= std::uint64_t{1} << below(field.wire == Wire::fixed32 ? 32 : 64);
    }
  }

  // Makes a tensor's raw data as long as its type and sizes require, unless the sizes are packed.
  void fit_tensors(Fields& fields, Kind kind, std::size_t most_bytes) {
    for (Field& field : fields) fit_tensors(field.fields, field.kind, most_bytes);
    double bytes = kind == Kind::tensor ? 4 : -1;
    for (const Field& field : fields) {
      if (field.tag == 1) bytes *= field.wire == Wire::varint ? static_cast<double>(field.number) : -1;
      if (field.tag == 2) bytes *= field.number == 7 || field.number == 11 ? 2 : field.number == 10 ? 0.5 : 1;
    }
    for (Field& field : fields) {
      if (field.tag == 9 && bytes >= 0 && bytes <= static_cast<double>(most_bytes)) {
        field.bytes.resize(static_cast<std::size_t>(bytes), '\x3F');
      }
    }
  }

  std::minstd_rand random_;
};

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most_bytes,
                                               unsigned seed) {
  return mutate_or(data, size, most_bytes, seed,
                   [&](const std::string& bytes) { return OnnxMutator(seed).mutate(bytes, most_bytes); });
}
