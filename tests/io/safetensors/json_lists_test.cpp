#include <mlp/io/safetensors/json_lists.hpp>

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "message_of.hpp"

using mlp::detail::JsonLists;

namespace {

bool parses(const std::string& text) { return JsonLists().parse(text, 10); }

JsonLists parsed(const std::string& text, std::size_t most_texts = 10) {
  JsonLists json;
  REQUIRE(json.parse(text, most_texts));
  return json;
}

bool is_refused(auto&& call) { return message_of<std::out_of_range>(call) != "no such exception"; }

}  // namespace

TEST_CASE("json_lists: lists at the top and under keys") {
  CHECK(parsed(R"(["a", "\u00e4"])").texts("").texts == std::vector<std::string>{"a", "\u00E4"});
  CHECK(parsed("[]").texts("").texts.empty());
  CHECK(parsed("[1, -2, 2.5e3, 18446744073709551615]").numbers("") ==
        std::vector<double>{1, -2, 2500, 18446744073709551615.});
  const JsonLists samples = parsed(R"({"inputs": [[1, 2], [3, 4]], "predictions": [[5], []], "none": []})");
  CHECK(samples.lists("inputs").numbers == std::vector<double>{1, 2, 3, 4});
  CHECK(samples.lists("inputs").ends == std::vector<std::size_t>{2, 4});
  CHECK(samples.lists("predictions").ends == std::vector<std::size_t>{1, 1});
  CHECK(samples.lists("none").ends.empty());
  const JsonLists scaler = parsed(R"({"A": {"x": [1], "y": 2}, "B": {"x": [3]}, "C": {}, "z": [4]})");
  CHECK(scaler.numbers("A.x") == std::vector<double>{1});
  CHECK(scaler.numbers("A.y") == std::vector<double>{2});
  CHECK(scaler.numbers("B.x") == std::vector<double>{3});
  CHECK(scaler.numbers("z") == std::vector<double>{4});
  CHECK(scaler.contains("A.x"));
  CHECK(!scaler.contains("x"));
}

TEST_CASE("json_lists: other forms are refused") {
  for (const char* text :
       {"", "[", "{", "null", "\"a\"", "[null]", "[true]", "[[\"a\"]]", "[[[1]]]", "[1, [2]]",
        R"({"a": {"b": {"c": 1}}})", R"([{"a": 1}])", R"({"a.b": 1})", R"({"a": "b"})", "[1]]", "[1e999]",
        R"({"a": 1, "a": 2})", R"({"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1})"}) {
    CAPTURE(text);
    CHECK(!parses(text));
  }
  CHECK(!parses(std::string("[1]\0", 4)));
  CHECK(!parses(std::string(1'000'000, '[')));
}

TEST_CASE("json_lists: a list of another kind") {
  const JsonLists json =
      parsed(R"({"texts": ["a"], "numbers": [1], "lists": [[1]], "mixed": ["a", 1], "loose": [[1], 2]})");
  for (const char* path : {"numbers", "lists", "mixed", "loose", "none"}) {
    CHECK(is_refused([&] { json.texts(path); }));
  }
  for (const char* path : {"texts", "lists", "mixed", "loose"})
    CHECK(is_refused([&] { json.numbers(path); }));
  for (const char* path : {"texts", "numbers", "mixed", "loose"})
    CHECK(is_refused([&] { json.lists(path); }));
}

TEST_CASE("json_lists: no more texts are kept than requested") {
  const auto list = parsed(R"(["a", "b", "c"])", 2).texts("");
  CHECK(list.texts == std::vector<std::string>{"a", "b"});
  CHECK(list.text_count == 3);
}

TEST_CASE("json_lists: written JSON is read back") {
  const Eigen::MatrixXf m{{1, -0.f, 1e-45f}, {3e38f, 0.1f, 7}};
  const JsonLists json = parsed(mlp::detail::dump({{"m", mlp::detail::columns_of(m)}}));
  CHECK(Eigen::Map<const Eigen::MatrixXd>(json.lists("m").numbers.data(), 2, 3).cast<float>() == m);
  CHECK(message_of([] { mlp::detail::dump("\xFF"); }) == "save: expected names in UTF-8, found other bytes");
}
