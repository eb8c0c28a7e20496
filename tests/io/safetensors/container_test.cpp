#include <mlp/io/safetensors/container.hpp>

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "golden/tensors.hpp"
#include "message_of.hpp"
#include "temp_folder.hpp"

using namespace mlp;

namespace {

const std::string a_whole_number =
    sizeof(Index) == 8 ? "expected a whole number in [0, 2^63)" : "expected a whole number in [0, 2^31)";

std::string file_of(std::string_view json, std::string_view data = "", std::uint64_t extra_length = 0) {
  std::string bytes(8, '\0');
  detail::to_little_endian(std::uint64_t{json.size()} + extra_length, bytes.data());
  return bytes.append(json).append(data);
}

// The error for this header, without the file's name.
std::string error_of(std::string_view json, std::string_view data = "") {
  const std::string message =
      message_of<std::runtime_error>([&] { tensors_from_bytes(file_of(json, data), "a.st"); });
  return message.starts_with("a.st: ") ? message.substr(6) : "without the file: " + message;
}

// The error for a tensor "a" with these fields and 8 bytes of data.
std::string error_of_tensor(const std::string& fields) {
  const std::string message = error_of("{\"a\":{" + fields + "}}", "01234567");
  const std::string start = "tensor \"a\": ";
  return message.starts_with(start) ? message.substr(start.size()) : "without the tensor: " + message;
}

std::string write_error(const TensorFile& file) {
  return message_of<std::invalid_argument>([&] { to_bytes(file); });
}

TensorFile round_trip(const TensorFile& file) { return tensors_from_bytes(to_bytes(file), "a.st"); }

// Whether the bytes load and are written and read back as the same, or are refused with the documented error.
bool is_handled(std::string_view bytes) {
  TensorFile file;
  try {
    file = tensors_from_bytes(bytes, "a.st");
  } catch (const std::runtime_error& error) {
    return typeid(error) == typeid(std::runtime_error) &&
           std::string_view(error.what()).starts_with("a.st: ");
  }
  return round_trip(file) == file;
}

}  // namespace

TEST_CASE("tensors: a file as the format defines it") {
  const TensorFile file = tensors_from_bytes(golden::tensors_file, "a.st");
  CHECK(to_bytes(file) == golden::tensors_file);
  CHECK(file.metadata ==
        std::map<std::string, std::string>{{"", ""}, {"format", "a\\b"}, {"größe", "1 \u2126"}});
  std::string names;
  for (const Tensor& tensor : file.tensors) names += tensor.name + " " + tensor.type + "; ";
  CHECK(names == "w F32; scalar F64; none F32; ok BOOL; steps I64; seed U64; größe \"h\" F16; b BF16; ");

  const float inf = std::numeric_limits<float>::infinity();
  REQUIRE(file.find("w") == &file.tensors.front());
  CHECK(file.find("w")->shape == std::vector<Index>{2, 3});
  const auto w = tensor_values<float>(*file.find("w"), "a.st");
  CHECK(w == std::vector<float>{0.1f, 0, 3e38f, 1e-45f, inf, -2});
  CHECK(std::signbit(w[1]));
  CHECK(tensor_values<double>(*file.find("w"), "a.st")[0] == double{0.1f});
  CHECK(file.find("scalar")->shape.empty());
  CHECK(tensor_values<double>(*file.find("scalar"), "a.st") == std::vector<double>{3.141592653589793});
  CHECK(tensor_values<float>(*file.find("scalar"), "a.st") == std::vector<float>{3.1415927f});
  CHECK(file.find("none")->shape == std::vector<Index>{0, 4});
  CHECK(tensor_values<float>(*file.find("none"), "a.st").empty());
  CHECK(file.find("ok")->bytes == std::string("\1\0\1", 3));
  CHECK(tensor_values<std::int64_t>(*file.find("steps"), "a.st") ==
        std::vector<std::int64_t>{-2, std::int64_t{1} << 40});
  CHECK(tensor_values<std::uint64_t>(*file.find("seed"), "a.st") ==
        std::vector<std::uint64_t>{~std::uint64_t{0}});
  CHECK(file.find("W") == nullptr);
}

TEST_CASE("tensors: 16-bit numbers") {
  const TensorFile file = tensors_from_bytes(golden::tensors_file, "a.st");
  const auto check = [&](const char* name, std::span<const std::uint32_t> expected) {
    const auto values = tensor_values<float>(*file.find(name), "a.st");
    const auto wide = tensor_values<double>(*file.find(name), "a.st");
    REQUIRE(values.size() == expected.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto as_float = std::bit_cast<float>(expected[i]);
      if (std::isnan(as_float)) {
        CHECK(std::isnan(values[i]));
        CHECK(std::isnan(wide[i]));
      } else {
        CHECK(std::bit_cast<std::uint32_t>(values[i]) == expected[i]);
        CHECK(wide[i] == double{as_float});
      }
    }
  };
  check("größe \"h\"", golden::half_bits);
  check("b", golden::bfloat16_bits);
}

TEST_CASE("tensors: a written file is read back") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> w{1, -0.0f, nan, std::numeric_limits<float>::denorm_min()};
  const double b = -0x1.fffffffffffffp-1022;
  const std::int64_t i = std::numeric_limits<std::int64_t>::min();
  const std::uint64_t u = 0x0123456789ABCDEF;
  std::string all;
  for (char c = 0; c < 127; ++c) all += c;
  const TensorFile file{
      {{all, "\n"}, {"b", all + "\u00E9\U0001F600"}},
      {make_tensor(all, {2, 2}, w.data()), make_tensor("", {}, &b), make_tensor("z", {1, 0}, &i),
       make_tensor("i", {1}, &i), make_tensor("u", {1, 1, 1}, &u)}};
  const TensorFile read = round_trip(file);
  CHECK((read == file));
  CHECK(read.find("u")->bytes == "\xEF\xCD\xAB\x89\x67\x45\x23\x01");
  const auto back = tensor_values<float>(*read.find(all), "a.st");
  for (std::size_t k = 0; k < w.size(); ++k) {
    CHECK(std::bit_cast<std::uint32_t>(back[k]) == std::bit_cast<std::uint32_t>(w[k]));
  }
  CHECK(tensor_values<double>(*read.find(""), "a.st") == std::vector<double>{b});
  CHECK(tensor_values<std::int64_t>(*read.find("i"), "a.st") == std::vector<std::int64_t>{i});
  CHECK(tensor_values<std::uint64_t>(*read.find("u"), "a.st") == std::vector<std::uint64_t>{u});

  const TempFolder folder;
  write_tensors(file, folder / "a.st");
  CHECK((read_tensors(folder / "a.st") == file));
  CHECK(to_bytes({}) == file_of("{}      "));
  CHECK(round_trip({}).tensors.empty());
  CHECK(to_bytes({{{"a", "b"}}, {}}) == file_of("{\"__metadata__\":{\"a\":\"b\"}}      "));
}

TEST_CASE("tensors: a double that float cannot hold") {
  const std::vector<double> values{1e300, -1e300, 1e-300, 1 + 0x1p-30};
  const float inf = std::numeric_limits<float>::infinity();
  CHECK(tensor_values<float>(make_tensor("a", {4}, values.data()), "a.st") ==
        std::vector<float>{inf, -inf, 0, 1});
}

TEST_CASE("tensors: files of other programs") {
  // Blanks, keys in any order, data in another order than the header, unaligned numbers, escapes.
  const TensorFile file = tensors_from_bytes(
      file_of("{ \"b\":{\"data_offsets\":[1,3],\"shape\":[2],\"dtype\":\"I8\"},\n\t\"\\u0061\\/\" : "
              "{\"dtype\":\"U8\","
              "\"shape\":[],\"data_offsets\":[0,1]},\"e\":{\"dtype\":\"F64\",\"shape\":[9,0],\"data_"
              "offsets\":[1,1]} } \n",
              "xyz"),
      "a.st");
  REQUIRE(file.tensors.size() == 3);
  CHECK((file.tensors[0] == Tensor{"b", "I8", {2}, "yz"}));
  CHECK((file.tensors[1] == Tensor{"a/", "U8", {}, "x"}));
  CHECK((file.tensors[2] == Tensor{"e", "F64", {9, 0}, ""}));
  for (const char* type :
       {"BOOL", "U8", "I8", "I16", "U16", "F16", "BF16", "I32", "U32", "F32", "F64", "I64", "U64"}) {
    const Index size = detail::tensor_element_size(type);
    const TensorFile one{{}, {{"a", type, {3}, std::string(static_cast<std::size_t>(3 * size), 'x')}}};
    CHECK((round_trip(one) == one));
  }
}

TEST_CASE("tensors: numbers of another type than requested") {
  const Tensor ids{"a\n", "I64", {1}, "01234567"}, odd{"b", "Q\x1B", {}, ""};
  const auto error = [](auto call) { return message_of<std::runtime_error>(call); };
  CHECK(error([&] { tensor_values<float>(ids, "a.st"); }) ==
        "a.st: tensor \"a?\": expected F64, F32, F16 or BF16, found \"I64\"");
  CHECK(error([&] { tensor_values<double>(odd, "a.st"); }) ==
        "a.st: tensor \"b\": expected F64, F32, F16 or BF16, found \"Q?\"");
  CHECK(error([&] { tensor_values<std::uint64_t>(ids, "a.st"); }) ==
        "a.st: tensor \"a?\": expected U64, found \"I64\"");
  CHECK(error([&] { tensor_values<std::int64_t>(odd, "a.st"); }) ==
        "a.st: tensor \"b\": expected I64, found \"Q?\"");
}

TEST_CASE("tensors: files that are not safetensors") {
  const auto error = [](std::string_view bytes) {
    return message_of<std::runtime_error>([&] { tensors_from_bytes(bytes, "a.st"); });
  };
  CHECK(error("") == "a.st: expected 8 bytes of a header's length, found 0");
  CHECK(error("1234567") == "a.st: expected 8 bytes of a header's length, found 7");
  CHECK(error(file_of("{}", "", 1)) ==
        "a.st: expected a header of at most 2 bytes, as the file has, found 3");
  CHECK(error(std::string(8, '\xFF')) ==
        "a.st: expected a header of at most 0 bytes, as the file has, found 18446744073709551615");
  CHECK(error(file_of(std::string(100'000'001, ' '))) ==
        "a.st: expected a header of at most 100000000 bytes, found 100000001");
  CHECK(message_of<std::runtime_error>([] { read_tensors("no-such-file"); }) ==
        "no-such-file: expected a readable file, found No such file or directory");
}

TEST_CASE("tensors: a header that is not JSON") {
  CHECK(error_of("") == "expected a header that begins with \"{\", found \"\"");
  CHECK(error_of(" {}") == "expected a header that begins with \"{\", found \" \"");
  CHECK(error_of("\xEF\xBB\xBF{}").starts_with("expected a header that begins with \"{\", found "));
  CHECK(error_of("[]") == "expected a header that begins with \"{\", found \"[\"");
  CHECK(error_of("{") == "expected a header in JSON, found an error at its byte 2, in \"{\"");
  CHECK(error_of("{},") == "expected a header in JSON, found an error at its byte 3, in \"{},\"");
  CHECK(error_of("{}{}") == "expected a header in JSON, found an error at its byte 3, in \"{}{\"");
  CHECK(error_of({"{}\0{", 4}) == "expected a header in JSON, found a byte of 0 in it");
  CHECK(error_of("{/**/}") == "expected a header in JSON, found an error at its byte 2, in \"{/\"");
  CHECK(error_of("{\"a\" {}}") == "expected a header in JSON, found an error at its byte 6, in \"\"a\" {\"");
  CHECK(error_of("{\"a\x1B\":{}}") ==
        "expected a header in JSON, found an error at its byte 4, in \"\"a<U+001B>\"");
  CHECK(
      error_of("{\"\xFF\":{}}").starts_with("expected a header in JSON, found an error at its byte 3, in "));
  CHECK(error_of("{\"\xC0\x80\":{}}")
            .starts_with("expected a header in JSON, found an error at its byte 3, in "));
  CHECK(error_of("{\"\xED\xA0\x80\":{}}")
            .starts_with("expected a header in JSON, found an error at its byte 4, in "));
  CHECK(error_of("{\"\\ud800\":{}}") ==
        "expected a header in JSON, found an error at its byte 9, in \"\"\\ud800\"\"");
  CHECK(error_of("{\"" + std::string(1000, 'a')) ==
        "expected a header in JSON, found an error at its byte 1003, in \"\"" + std::string(39, 'a') +
            "...\"");
}

TEST_CASE("tensors: a header with unexpected values") {
  CHECK(error_of("{\"a\":1}") == "tensor \"a\": expected an object, found 1");
  CHECK(error_of("{\"a\":null}") == "tensor \"a\": expected an object, found null");
  CHECK(error_of("{\"a\":\"\\n\"}") == "tensor \"a\": expected an object, found \"?\"");
  CHECK(error_of("{\"a\":[" + std::string(100000, '[')) ==
        "tensor \"a\": expected an object, found an array");
  CHECK(error_of("{\"__metadata__\":1.5}") == "__metadata__: expected an object, found 1.5");
  CHECK(error_of("{\"__metadata__\":{\"\\u001B\":1}}") == "__metadata__: ?: expected a string, found 1");
  CHECK(error_of("{\"__metadata__\":{\"a\":{}}}") == "__metadata__: a: expected a string, found an object");
  CHECK(error_of("{\"__metadata__\":{\"a\":[]}}") == "__metadata__: a: expected a string, found an array");
  CHECK(error_of("{\"__metadata__\":{\"a\":\"\",\"\\u0061\":\"\"}}") ==
        "__metadata__: expected each key once, found \"a\" twice");
  CHECK(error_of("{\"__metadata__\":{},\"__metadata__\":{}}") ==
        "expected each key once, found \"__metadata__\" twice");
  const std::string tensor = "{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}";
  CHECK(error_of("{\"a\":" + tensor + ",\"b\":" + tensor + ",\"a\":" + tensor + "}", "0") ==
        "expected each key once, found \"a\" twice");
}

TEST_CASE("tensors: a tensor with unexpected values") {
  const std::string type = "\"dtype\":\"F32\",", shape = "\"shape\":[2],", range = "\"data_offsets\":[0,8]";
  CHECK(error_of_tensor(type + shape + range) == "without the tensor: without the file: no such exception");
  CHECK(error_of_tensor("") == "expected dtype, shape and data_offsets, found 0 of them");
  CHECK(error_of_tensor(shape + range) == "expected dtype, shape and data_offsets, found 2 of them");
  CHECK(error_of_tensor(type + shape + "\"strides\":[1]") ==
        "expected no keys but dtype, shape and data_offsets, found \"strides\"");
  CHECK(error_of_tensor(type + type + shape + range) == "expected each key once, found \"dtype\" twice");
  CHECK(error_of_tensor("\"dtype\":[]") == "dtype: expected a string, found an array");
  CHECK(error_of_tensor("\"dtype\":true") == "dtype: expected a string, found a boolean");
  CHECK(error_of_tensor("\"shape\":2") == "shape: expected an array, found 2");
  CHECK(error_of_tensor("\"shape\":{}") == "shape: expected an array, found an object");
  const auto shape_error = [](const std::string& found) {
    return "shape: " + a_whole_number + ", found " + found;
  };
  CHECK(error_of_tensor("\"shape\":[[") == shape_error("an array"));
  CHECK(error_of_tensor("\"shape\":[{") == shape_error("an object"));
  CHECK(error_of_tensor("\"shape\":[\"2\"") == shape_error("\"2\""));
  CHECK(error_of_tensor("\"shape\":[-1") == shape_error("-1"));
  CHECK(error_of_tensor("\"shape\":[2.0") == shape_error("2.0"));
  CHECK(error_of_tensor("\"shape\":[1e2") == shape_error("1e2"));
  CHECK(error_of_tensor("\"shape\":[9223372036854775808") == shape_error("9223372036854775808"));
  CHECK(error_of_tensor("\"shape\":[18446744073709551618") == shape_error("18446744073709551618"));
  CHECK(error_of_tensor("\"data_offsets\":[-0") == "data_offsets: " + a_whole_number + ", found 0");

  CHECK(error_of_tensor("\"dtype\":\"F8\"," + shape + range) ==
        "expected a type of safetensors, found \"F8\"");
  CHECK(error_of_tensor("\"dtype\":\"\\u001b" + std::string(50, 'x') + "\"," + shape + range) ==
        "expected a type of safetensors, found \"?" + std::string(39, 'x') + "...\"");
  const auto with_range = [&](const std::string& text) {
    return error_of_tensor(type + shape + "\"data_offsets\":" + text);
  };
  CHECK(with_range("[]") == "expected data_offsets of a begin and an end, found []");
  CHECK(with_range("[0]") == "expected data_offsets of a begin and an end, found [0]");
  CHECK(with_range("[0,8,8]") == "expected data_offsets of a begin and an end, found [0, 8, 8]");
  CHECK(with_range("[8,0]") == "expected data_offsets of a begin and an end, found [8, 0]");
  CHECK(with_range("[0,7]") == "expected 8 bytes of F32 [2], found 7");
  CHECK(with_range("[1,8]") == "expected 8 bytes of F32 [2], found 7");
  constexpr Index most = std::numeric_limits<Index>::max();
  CHECK(with_range("[0," + std::to_string(most) + "]") ==
        "expected 8 bytes of F32 [2], found " + std::to_string(most));
  const auto with_shape = [&](const std::string& text) {
    return error_of_tensor(type + "\"shape\":" + text + "," + range);
  };
  CHECK(with_shape("[]") == "expected 4 bytes of F32 [], found 8");
  CHECK(with_shape("[0,2]") == "expected 0 bytes of F32 [0, 2], found 8");
  const auto check_too_large = [&](const std::string& text) {
    CHECK(with_shape(text) == "expected a shape whose bytes can be counted, found " + text);
  };
  const std::string root = std::to_string(sizeof(Index) == 8 ? 3037000500 : 46341);  // of most, rounded up
  check_too_large("[" + root + ", " + root + "]");
  // 4 times 2^32 x 2^32 would wrap to 0 in 64 bits, 4 times 2^16 x 2^16 in 32.
  const std::string half = std::to_string(Index{1} << 4 * sizeof(Index));
  check_too_large("[" + half + ", " + half + "]");
  check_too_large("[" + std::to_string(most / 4 + 1) + "]");
  check_too_large("[" + std::to_string(most) + ", 0]");
}

TEST_CASE("tensors: data that leave gaps or overlap") {
  const auto error = [](int a, int b, int c, int d, std::string_view data) {
    const auto tensor = [](int begin, int end) {
      return "{\"dtype\":\"U8\",\"shape\":[" + std::to_string(end - begin) + "],\"data_offsets\":[" +
             std::to_string(begin) + "," + std::to_string(end) + "]}";
    };
    return error_of("{\"a\":" + tensor(a, b) + ",\"b\":" + tensor(c, d) + "}", data);
  };
  CHECK(error(0, 2, 2, 4, "0123") == "without the file: no such exception");
  CHECK(error(2, 4, 0, 2, "0123") == "without the file: no such exception");
  const std::string begin = "expected data that begin where those before them end, at ";
  CHECK(error(1, 2, 2, 4, "0123") == "tensor \"a\": " + begin + "0, found 1");
  CHECK(error(0, 1, 2, 4, "0123") == "tensor \"b\": " + begin + "1, found 2");
  CHECK(error(0, 3, 2, 4, "0123") == "tensor \"b\": " + begin + "3, found 2");
  CHECK(error(0, 4, 0, 4, "0123") == "tensor \"b\": " + begin + "4, found 0");
  CHECK(error(0, 4, 2, 2, "0123") == "tensor \"b\": " + begin + "4, found 2");
  CHECK(error(0, 2, 2, 4, "012") == "expected 4 bytes of data, as its tensors have, found 3");
  CHECK(error(0, 2, 2, 4, "01234") == "expected 4 bytes of data, as its tensors have, found 5");
  CHECK(error_of("{}", "0") == "expected 0 bytes of data, as its tensors have, found 1");
}

TEST_CASE("tensors: files that cannot be written") {
  const float value = 1;
  const Tensor good = make_tensor("a", {}, &value);
  CHECK(write_error({{}, {good, good}}) == "to_bytes: expected each key once, found \"a\" twice");
  CHECK(write_error({{}, {make_tensor("__metadata__", {}, &value)}}) ==
        "to_bytes: __metadata__: shape: expected a string, found an array");
  CHECK(write_error({{}, {make_tensor("\xFF", {}, &value)}})
            .starts_with("to_bytes: expected a header in JSON"));
  CHECK(write_error({{{"a", "\xFF"}}, {}}).starts_with("to_bytes: expected a header in JSON"));
  CHECK(write_error({{}, {{"a", "F32", {2}, "1234"}}}) ==
        "to_bytes: tensor \"a\": expected 8 bytes of F32 [2], found 4");
  CHECK(write_error({{}, {{"a", "F33", {}, "1234"}}}) ==
        "to_bytes: tensor \"a\": expected a type of safetensors, found \"F33\"");
  CHECK(write_error({{}, {{"a", "F32", {-1, -1}, "1234"}}}) ==
        "to_bytes: tensor \"a\": shape: " + a_whole_number + ", found -1");
}

TEST_CASE("tensors: every prefix and every change of one byte is read or refused") {
  const std::string whole = file_of(
      "{\"__metadata__\":{\"k\":\"v\"},\"a\":{\"dtype\":\"F16\",\"shape\":[1,2],\"data_offsets\":[0,4]},"
      "\"b\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[4,5]}}",
      "01234");
  REQUIRE(tensors_from_bytes(whole, "a.st").tensors.size() == 2);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CHECK(message_of<std::runtime_error>([&] {
            tensors_from_bytes(whole.substr(0, size), "a.st");
          }).starts_with("a.st: expected "));
  }
  int wrong = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    for (int change = 1; change < 256; ++change) {
      changed[i] = static_cast<char>(whole[i] ^ change);
      if (!is_handled(changed)) ++wrong;
    }
  }
  CHECK(wrong == 0);
}
