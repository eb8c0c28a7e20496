#include <mlp/io/csv.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <locale>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "message_of.hpp"

using namespace mlp;

namespace {

using Names = std::vector<std::string>;

template <class Target = Labels, class S = typename detail::default_scalar<Target>::type>
CsvData<Target, S> read(const std::string& text, const CsvOptions& options = {}) {
  std::istringstream in(text);
  return read_csv<Target, S>(in, "a.csv", options);
}

CsvFeatures<double> read_features(const std::string& text, const CsvOptions& options = {}) {
  std::istringstream in(text);
  return read_csv_features<double>(in, "a.csv", options);
}

const std::string flowers =
    "length,width,species\n"
    "5.1,3.5,setosa\n"
    "7,3.2,versicolor\n"
    "4.9,-3e0,setosa\n"
    "6.3,+3.3,Virginica\n";

}  // namespace

TEST_CASE("CSV: classification, and the classes are sorted") {
  const auto csv = read(flowers);
  CHECK(csv.features == Names{"length", "width"});
  CHECK(csv.targets == Names{"species"});
  CHECK(csv.classes == Names{"Virginica", "setosa", "versicolor"});  // as sorted() of Python and LabelEncoder
  CHECK(csv.data.t == Labels{{1, 2, 1, 0}});
  CHECK(csv.data.x == Matrix<float>{{5.1f, 7, 4.9f, 6.3f}, {3.5f, 3.2f, -3, 3.3f}});
  static_assert(std::is_same_v<decltype(csv.data), Dataset<Labels, float>>);
  static_assert(std::is_same_v<decltype(read<Labels, double>("").data), Dataset<Labels, double>>);
}

TEST_CASE("CSV: classes that are numbers are sorted as numbers") {
  CHECK(read("x,t\n1,10\n2,9\n3,-1\n4,10\n").classes == Names{"-1", "9", "10"});
  CHECK(read("x,t\n1,10\n2,9\n3,-1\n4,10\n").data.t == Labels{{2, 1, 0, 2}});
  CHECK(read("x,t\n1,10\n2,9\n3,b\n").classes == Names{"10", "9", "b"});
  CHECK(read("x,t\n1,10\n2,9\n3,NaN\n").classes == Names{"10", "9", "NaN"});
}

TEST_CASE("CSV: given classes keep their order, so that files of other classes have the same labels") {
  const CsvOptions options{.classes = {"versicolor", "setosa", "unseen", "Virginica"}};
  const auto csv = read(flowers, options);
  CHECK(csv.classes == options.classes);
  CHECK(csv.data.t == Labels{{1, 0, 1, 3}});
  CHECK(message_of<std::runtime_error>([] {
          read(flowers, {.classes = {"setosa", "versicolor"}});
        }) == "a.csv:5: column 3 (species): expected one of the given classes, found \"Virginica\"");
}

TEST_CASE("CSV: regression, with columns chosen and ordered by name") {
  const std::string houses = "id,rent,area,price,rooms\nA7,1,20,300,4\nB9,5,60,700,8\n";
  const auto csv = read<Matrix<float>>(houses, {.features = {"rooms", "area"}, .targets = {"price", "rent"}});
  CHECK(csv.features == Names{"rooms", "area"});
  CHECK(csv.targets == Names{"price", "rent"});
  CHECK(csv.classes.empty());
  CHECK(csv.data.x == Matrix<float>{{4, 8}, {20, 60}});
  CHECK(csv.data.t == Matrix<float>{{300, 700}, {1, 5}});

  const auto last = read<Matrix<double>>("a,b,c\n1,2,0.1\n");
  static_assert(std::is_same_v<decltype(last.data), Dataset<Matrix<double>, double>>);
  CHECK(last.data.x == Eigen::Vector2d(1, 2));
  CHECK(last.data.t(0, 0) == 0.1);
}

TEST_CASE("CSV: features alone") {
  const auto all = read_features("a,b\n1,2\n3,4\n");
  CHECK(all.features == Names{"a", "b"});
  CHECK(all.x == Eigen::Matrix2d{{1, 3}, {2, 4}});
  CHECK(read_features("a,b\nx,2\ny,4\n", {.features = {"b"}}).x == Eigen::RowVector2d(2, 4));
  CHECK(read_features("a,b\nx,2\ny,4\n", {.targets = {"a"}}).x == Eigen::RowVector2d(2, 4));
}

TEST_CASE("CSV: without a header, columns are named by number") {
  const auto csv = read("1;no;2\n3;yes;4\n", {.header = false, .delimiter = ';', .targets = {"2"}});
  CHECK(csv.features == Names{"1", "3"});
  CHECK(csv.targets == Names{"2"});
  CHECK(csv.data.x == Eigen::Matrix2f{{1, 3}, {2, 4}});
  CHECK(csv.data.t == Labels{{0, 1}});
  CHECK(message_of<std::runtime_error>([] { read("1,a\n2,b\nx,c\n", {.header = false}); }) ==
        "a.csv:3: column 1: expected a number, found \"x\"");
}

TEST_CASE("CSV: quotation marks, ends of lines, blanks and the byte order mark") {
  const auto expected = read("a,b\n1,u\n2,v\n");
  for (const std::string text : {"a,b\r\n1,u\r\n2,v\r\n", "a,b\n1,u\n2,v", "a,b\r1,u\r2,v\r",
                                 "a,b\n1,u\n2,v\n\n\r\n", "\n\na,b\n\n1,u\n\n2,v\n",
                                 "\xEF\xBB\xBF"
                                 "a,b\n1,u\n2,v\n",
                                 "\"a\",\"b\"\r\n\"1\",\"u\"\r\n\"2\",\"v\"", "a,b\n 1\t,u\n\"  2\",v\n"}) {
    CAPTURE(text);
    const auto csv = read(text);
    CHECK(csv.features == expected.features);
    CHECK(csv.classes == expected.classes);
    CHECK(csv.data.x == expected.data.x);
    CHECK(csv.data.t == expected.data.t);
  }
  const auto csv = read("\"a,1\",\"say \"\"b\"\"\"\n1,\"two\r\nlines\"\n2,\"\"\"\"\n3, blank \n");
  CHECK(csv.features == Names{"a,1"});
  CHECK(csv.targets == Names{"say \"b\""});
  CHECK(csv.classes == Names{" blank ", "\"", "two\r\nlines"});
  // A character of UTF-8 that begins like the mark.
  CHECK(read_features("\xEF\xBD\xA1\n1\n").features == Names{"\xEF\xBD\xA1"});
}

TEST_CASE("CSV: records that end at any byte of the buffer") {
  for (std::size_t size = 16370; size < 16390; ++size) {
    const auto csv = read("a,t\r\n1,\"" + std::string(size, 'x') + "\"\"y\"\r\n2,z\r\n");
    CHECK(csv.classes == Names{std::string(size, 'x') + "\"y", "z"});
    CHECK(csv.data.x == Eigen::RowVector2f(1, 2));
  }
}

TEST_CASE("CSV: a decimal point is a point in every locale") {
  struct Comma : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  const std::locale with_comma(std::locale::classic(), new Comma);
  const std::locale before = std::locale::global(with_comma);
  std::istringstream in("x,t\n1234.5,a\n");
  in.imbue(with_comma);
  const auto csv = read_csv(in, "a.csv");
  std::locale::global(before);
  CHECK(csv.data.x(0, 0) == 1234.5f);
}

TEST_CASE("CSV: missing values are an error, dropped or the mean") {
  const std::string gaps = "a,b,t\n1,2,u\n,4,u\n3,?,v\n8,NA,w\n6,9,\n inf ,-NaN,u\n";
  CHECK(message_of<std::runtime_error>([&] { read(gaps); }) ==
        "a.csv:3: column 1 (a): expected a number, found \"\"");

  const auto dropped = read(gaps, {.on_missing = Missing::drop});
  CHECK(dropped.data.x == Eigen::Vector2f(1, 2));
  CHECK(dropped.classes == Names{"u"});

  CHECK(message_of<std::runtime_error>([&] { read(gaps, {.on_missing = Missing::mean}); }) ==
        "a.csv:6: column 3 (t): expected a label, found \"\"");
  const auto filled = read_features(gaps, {.features = {"a", "b"}, .on_missing = Missing::mean});
  CHECK(filled.x == Matrix<double>{{1, 4.5, 3, 8, 6, 4.5}, {2, 4, 5, 5, 9, 5}});
  CHECK(message_of<std::runtime_error>([] {
          read_features("a,b\n1,\n2,?\n", {.on_missing = Missing::mean});
        }) == "a.csv: expected numbers with a mean in column \"b\"");

  // Targets that are numbers.
  const std::string costs = "a,s,t\n1,2,3\n4,5,\n,6,7\n8,nan,9\n10,11,12\n";
  const auto whole = read<Matrix<float>>(costs, {.targets = {"s", "t"}, .on_missing = Missing::drop});
  CHECK(whole.data.x == Eigen::RowVector2f(1, 10));
  CHECK(whole.data.t == Eigen::Matrix2f{{2, 11}, {3, 12}});
  CHECK(message_of<std::runtime_error>([&] { read<Matrix<float>>(costs, {.on_missing = Missing::mean}); }) ==
        "a.csv:3: column 3 (t): expected a number, found \"\"");

  // Other words for it.
  CHECK(read_features("a\n1\n-\n\"\"\n", {.missing = {"-", ""}, .on_missing = Missing::drop}).x.size() == 1);
  CHECK(message_of<std::runtime_error>([] {
          read_features("a\n1\n?\n", {.missing = {}, .on_missing = Missing::drop});
        }) == "a.csv:3: column 1 (a): expected a number, found \"?\"");
}

TEST_CASE("CSV: an error names the file, line and column, what was expected and what was found") {
  const auto says = [](const std::string& text, const CsvOptions& options = {}) {
    return message_of<std::runtime_error>([&] { read(text, options); });
  };
  SUBCASE("a number") {
    const std::string place = "a.csv:3: column 2 (b): ";
    for (const std::string field :
         {"abc", "1.5x", "1,5", "0x10", "1 2", "--1", "+-1", "+", "-", ".", "e5", "1e"}) {
      CHECK(says("a,b,t\n1,2,u\n3,\"" + field + "\",v\n") ==
            place + "expected a number, found \"" + field + "\"");
    }
    for (const std::string field : {"1e39", "-1e39", "1e999", "1e-999"}) {
      CHECK(says("a,b,t\n1,2,u\n3," + field + ",v\n") ==
            place + "expected a number in the range of the scalar type, found \"" + field + "\"");
    }
    CHECK(read<Labels, double>("a,t\n1e39,u\n").data.x(0, 0) == 1e39);
    // What is found neither floods nor commands a terminal.
    CHECK(says("a,b,t\n1,2,u\n3,\x1B[2J" + std::string(1000, 'x') + ",v\n") ==
          place + "expected a number, found \"?[2J" + std::string(36, 'x') + "...\"");
    CHECK(says("a,b,t\n1,2,u\n3," + std::string(39, 'x') + "\xC3\xA9,v\n") ==
          place + "expected a number, found \"" + std::string(39, 'x') + "...\"");
    // Lines within quotation marks count, and it is the first of the record that is named.
    CHECK(says("a,\"b\n\nb\",t\n1,2,\"\n\"\n\n3,\"x\ny\",v\n") ==
          "a.csv:7: column 2 (b??b): expected a number, found \"x?y\"");
  }
  SUBCASE("columns") {
    CHECK(says("a,b,t\n1,2,u\n3,4\n") == "a.csv:3: expected 3 columns, found 2");
    CHECK(says("a,b,t\n1,2,u\n3,4,v,\n") == "a.csv:3: expected 3 columns, found 4");
    CHECK(says(flowers, {.targets = {"kind"}}) == "a.csv: expected a column \"kind\", found none");
    CHECK(says(flowers, {.features = {"Length"}}) == "a.csv: expected a column \"Length\", found none");
    CHECK(says("a,b,a\n1,2,3\n", {.targets = {"a"}}) == "a.csv: expected one column \"a\", found several");
    CHECK(says("t\nu\n") == "a.csv: expected at least one column of features, found none");
    CHECK(says("1,2\n", {.header = false, .targets = {"3"}}) == "a.csv: expected a column \"3\", found none");
  }
  SUBCASE("samples") {
    for (const std::string text : {"", "\n\r\n", "\xEF\xBB\xBF"}) {
      CHECK(says(text) == "a.csv: expected a first line, found an empty file");
    }
    CHECK(says("a,t\n") == "a.csv: expected at least one sample, found none");
    CHECK(says("a,t\n?,u\n", {.on_missing = Missing::drop}) ==
          "a.csv: expected at least one sample, found none");
  }
  SUBCASE("quotation marks") {
    CHECK(says("a,t\n1,\"u\n2,v\n") ==
          "a.csv:2: column 2: expected a closing quotation mark before the end of the file");
    CHECK(says("a,t\n1,\"u\"v\n") ==
          "a.csv:2: column 2: expected the end of the field after its closing quotation mark");
    CHECK(says("a,t\n1,u\"v\"\n") ==
          "a.csv:2: column 2: expected quotation marks around the whole field or none");
  }
  SUBCASE("options") {
    for (const char delimiter : {'"', '\n', '\r'}) {
      CHECK(message_of([&] { read(flowers, {.delimiter = delimiter}); }) ==
            "CsvOptions: expected a delimiter other than a quotation mark or the end of a line");
    }
    CHECK(message_of([] {
            read(flowers, {.targets = {"width", "species"}});
          }) == "CsvOptions: expected 1 target, the column of labels, found 2");
    CHECK(message_of([] {
            read(flowers, {.classes = {"setosa", "setosa"}});
          }) == "CsvOptions: expected classes of different names, found one twice");
  }
  SUBCASE("files") {
    CHECK(message_of<std::runtime_error>([] { read_csv("no-such.csv"); }) ==
          "no-such.csv: expected a readable file, found No such file or directory");
    const auto folder = std::filesystem::temp_directory_path();
    CHECK(message_of<std::runtime_error>([&] {
            read_csv_features(folder);
          }).starts_with(folder.string() + ": expected a readable file, found "));
  }
}

TEST_CASE("CSV: no bytes do anything but load or be a std::runtime_error") {
  for (const Missing on_missing : {Missing::error, Missing::drop, Missing::mean}) {
    const std::string gap = on_missing == Missing::error ? "41" : "NA";
    const std::string whole = "a,\"b\"\"\",t\r\n1,2.5,\"u\n\"\r\n-3," + gap + ",v\r\n";
    const CsvOptions options{.on_missing = on_missing};
    int loaded = 0, rejected = 0, wrong = 0;
    const auto feed = [&](const std::string& text) {
      try {
        const auto csv = read(text, options);
        ++loaded;
        wrong += csv.data.x.cols() != csv.data.t.size() || !csv.data.x.allFinite() ||
                 csv.data.t.maxCoeff() >= static_cast<int>(csv.classes.size());
      } catch (const std::runtime_error&) {
        ++rejected;
      }
    };
    for (std::size_t at = 0; at < whole.size(); ++at) {
      feed(whole.substr(0, at));
      feed(whole.substr(at));
      for (int byte = 0; byte < 256; ++byte) {
        std::string changed = whole;
        changed[at] = static_cast<char>(byte);
        feed(changed);
        feed(changed.insert(at, 1, static_cast<char>(byte)));
      }
    }
    CHECK(wrong == 0);
    CHECK(rejected > 0);
    CHECK(loaded > 0);
  }
}

TEST_CASE("CSV: the longest lines take time and memory in proportion") {
  const std::string commas(1'000'000, ',');
  CHECK(message_of<std::runtime_error>([&] { read("a,t\n1" + commas); }) ==
        "a.csv:2: expected 2 columns, found 1000001");
  CHECK(message_of<std::runtime_error>([&] { read(commas + "\n1"); }) ==
        "a.csv:2: expected 1000001 columns, found 1");
  const std::string digits(10'000'000, '1');
  CHECK(message_of<std::runtime_error>([&] { read("a,t\n" + digits + ",u"); }) ==
        "a.csv:2: column 1 (a): expected a number in the range of the scalar type, found \"" +
            digits.substr(0, 40) + "...\"");
  CHECK(read("a,t\n1," + digits).classes == Names{digits});
}
