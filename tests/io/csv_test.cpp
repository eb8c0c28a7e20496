#include <mlp/io/csv.hpp>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <locale>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

#include "message_of.hpp"
#include "peak_memory.hpp"
#include "temp_folder.hpp"

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
  CHECK(csv.classes == Names{"Virginica", "setosa", "versicolor"});  // as Python's sorted() and LabelEncoder
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

TEST_CASE("CSV: given classes keep their order, so that several files share the same labels") {
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
  // A UTF-8 character that begins with the same byte as the byte order mark.
  CHECK(read_features("\xEF\xBD\xA1\n1\n").features == Names{"\xEF\xBD\xA1"});
}

TEST_CASE("CSV: records may end at any byte of the buffer") {
  for (std::size_t size = 16370; size < 16390; ++size) {
    const auto csv = read("a,t\r\n1,\"" + std::string(size, 'x') + "\"\"y\"\r\n2,z\r\n");
    CHECK(csv.classes == Names{std::string(size, 'x') + "\"y", "z"});
    CHECK(csv.data.x == Eigen::RowVector2f(1, 2));
  }
}

TEST_CASE("CSV: the decimal point does not depend on the locale") {
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

TEST_CASE("CSV: missing values are errors, dropped or replaced by the mean") {
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
  CHECK(message_of<std::runtime_error>([] {
          read_features("a,\"\x1B[2J\"\n1,\n2,?\n", {.on_missing = Missing::mean});
        }) == "a.csv: expected numbers with a mean in column \"?[2J\"");

  // Numeric targets.
  const std::string costs = "a,s,t\n1,2,3\n4,5,\n,6,7\n8,nan,9\n10,11,12\n";
  const auto whole = read<Matrix<float>>(costs, {.targets = {"s", "t"}, .on_missing = Missing::drop});
  CHECK(whole.data.x == Eigen::RowVector2f(1, 10));
  CHECK(whole.data.t == Eigen::Matrix2f{{2, 11}, {3, 12}});
  CHECK(message_of<std::runtime_error>([&] { read<Matrix<float>>(costs, {.on_missing = Missing::mean}); }) ==
        "a.csv:3: column 3 (t): expected a number, found \"\"");

  // Other words for a missing value.
  CHECK(read_features("a\n1\n-\n\"\"\n", {.missing = {"-", ""}, .on_missing = Missing::drop}).x.size() == 1);
  CHECK(message_of<std::runtime_error>([] {
          read_features("a\n1\n?\n", {.missing = {}, .on_missing = Missing::drop});
        }) == "a.csv:3: column 1 (a): expected a number, found \"?\"");
}

TEST_CASE("CSV: means of more columns than one block") {
  const Index columns = 1000;
  std::string text;
  for (const int row : {0, 1, 2}) {
    for (Index i = 0; i < columns; ++i) {
      const Index gap = i % 3;
      text += (i > 0 ? "," : "") + (row == gap ? "" : std::to_string(i + row));
    }
    text += '\n';
  }
  const Matrix<double> x = read_features(text, {.header = false, .on_missing = Missing::mean}).x;
  REQUIRE(x.rows() == columns);
  REQUIRE(x.cols() == 3);
  for (Index i = 0; i < columns; ++i) {
    for (Index j = 0; j < 3; ++j) {
      const double others = static_cast<double>(i) + static_cast<double>(3 - j) / 2;
      CHECK(x(i, j) == (j == i % 3 ? others : static_cast<double>(i + j)));
    }
  }
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
    // Messages neither flood a terminal nor send it control characters.
    CHECK(says("a,b,t\n1,2,u\n3,\x1B[2J" + std::string(1000, 'x') + ",v\n") ==
          place + "expected a number, found \"?[2J" + std::string(36, 'x') + "...\"");
    CHECK(says("a,b,t\n1,2,u\n3," + std::string(39, 'x') + "\xC3\xA9,v\n") ==
          place + "expected a number, found \"" + std::string(39, 'x') + "...\"");
    // Lines within quotation marks count, and the message names the record's first line.
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
    CHECK(message_of([] { read(flowers, {.delimiter = '\0'}); }) ==
          "CsvOptions: expected a delimiter other than a byte of 0");
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
    const TempFolder folder;
    REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
    const auto pipe = (folder / "pipe").string(), name = folder.path().string();
    for (const std::string& path : {pipe, name, std::string("/dev/zero")}) {
      const std::string expected =
          path + ": expected a file, found " + (path == name ? "a folder" : "a device, pipe or socket");
      CHECK(message_of<std::runtime_error>([&] { read_csv(path); }) == expected);
      CHECK(message_of<std::runtime_error>([&] { read_csv_features(path); }) == expected);
    }
    // A stream that fails while it is read.
    struct Broken : std::streambuf {
      int_type underflow() override { throw std::runtime_error("broken"); }
    } broken;
    std::istream in(&broken);
    CHECK(message_of<std::runtime_error>([&] { read_csv(in, "a.csv"); }) ==
          "a.csv: expected a readable file, found an error while reading");
  }
  SUBCASE("bytes of 0") {
    const std::string what = "expected text, found a byte of 0 (a file in UTF-16 has them: save it as UTF-8)";
    CHECK(says(std::string("a\0,\0t\0\n\0", 8)) == "a.csv:1: column 1: " + what);
    CHECK(says(std::string("a,t\n1,u\n2,v\0\n", 13)) == "a.csv:3: column 2: " + what);
    CHECK(says(std::string("a,t\n\"1\0\",u\n", 11)) == "a.csv:2: column 1: " + what);
    CHECK(says(std::string("a,t\n\0", 5)) == "a.csv:2: column 1: " + what);
  }
}

TEST_CASE("CSV: a file is read like a stream") {
  const TempFolder folder;
  const auto path = folder / "a.csv";
  std::ofstream(path, std::ios::binary) << flowers;
  CHECK(read_csv(path).data.x == read(flowers).data.x);
  CHECK(read_csv(path).classes == read(flowers).classes);
  CHECK(read_csv_features<double>(path, {.targets = {"species"}}).x ==
        read_features(flowers, {.targets = {"species"}}).x);
  CHECK(message_of<std::runtime_error>([&] { read_csv(path, {.targets = {"width"}}); }) ==
        path.string() + ":2: column 3 (species): expected a number, found \"setosa\"");
}

TEST_CASE("CSV: a file of terabytes that takes a few bytes on the disk") {
  const TempFolder folder;
  const auto path = folder / "sparse.csv";
  std::ofstream(path, std::ios::binary) << "a,t\n1,u\n";
  std::error_code error;
  std::filesystem::resize_file(path, 15'000'000'000'000, error);
  if (error) return;
  CHECK(message_of<std::runtime_error>([&] {
          read_csv(path);
        }).starts_with(path.string() + ":3: column 1: expected text, found a byte of 0"));
}

TEST_CASE("CSV: any bytes load or throw std::runtime_error") {
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

TEST_CASE("CSV: time and memory are proportional to the length of a line") {
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

// The forms of files that take the most memory per byte.
TEST_CASE("CSV: memory is at most 32 bytes for each byte of the file") {
  constexpr std::size_t size = 300'000;
  const auto repeated = [](const std::string& line, std::size_t at_least) {
    std::string text;
    while (text.size() < at_least) text += line;
    return text;
  };
  bool loads = false;
  const auto peak = [&](const std::string& text, auto reads) {
    std::istringstream in(text);
    bool loaded = false;
    const std::size_t bytes = peak_memory::of([&] {
      reads(in);
      loaded = true;
    });
    CHECK(loaded == loads);
    CHECK(static_cast<double>(bytes) / static_cast<double>(text.size()) <= 32);  // without the 32 MB
  };
  const auto features = [](const CsvOptions& options) {
    return [&options](std::istream& in) { read_csv_features<double>(in, "a.csv", options); };
  };
  const auto numbers = [](const CsvOptions& options) {
    return [&options](std::istream& in) { read_csv<Matrix<double>>(in, "a.csv", options); };
  };
  const auto labels = [](const CsvOptions& options) {
    return [&options](std::istream& in) { read_csv<Labels, double>(in, "a.csv", options); };
  };
  const CsvOptions mean{.on_missing = Missing::mean};
  const CsvOptions no_header{.header = false, .on_missing = Missing::mean};

  SUBCASE("a header") {
    // One field more than a power of 2, where a vector that doubles its size reallocates.
    const std::string commas(1 << 18, ',');
    for (const CsvOptions& options : {mean, no_header}) {
      peak(commas, features(options));
      peak(commas, numbers(options));
      peak(commas, labels(options));
    }
    peak(commas + "\n" + commas, features(mean));
    peak(commas + "\n" + std::string(1 << 17, ','), features(mean));
  }
  SUBCASE("no values") {
    for (const std::size_t columns : {3u, 9u, 1000u, 100'000u}) {
      const std::string text = repeated(std::string(columns, ',') + "\n", size);
      for (const CsvOptions& options : {mean, no_header}) peak(text, features(options));
    }
  }
  SUBCASE("one value in each column") {
    loads = true;
    const std::string ones = repeated("1,", size) + "1\n", header = std::string(size / 2, ',') + "\n";
    peak(ones, features(no_header));
    peak(ones, numbers(no_header));
    peak(header + ones, features(mean));
    peak(header + ones, numbers(mean));
  }
  SUBCASE("numbers") {
    loads = true;
    const CsvOptions both{.header = false, .features = {"1", "2"}, .targets = {"1", "2"}};
    const std::string text = repeated("1,2\n", size);
    peak(text, numbers(both));
    peak(text, numbers(no_header));
    peak("1,2\n" + repeated(",2\n", size), numbers(no_header));
  }
  SUBCASE("labels that are all different") {
    loads = true;
    const CsvOptions all{.header = false, .missing = {""}, .on_missing = Missing::mean};
    std::string letters = "1,a\n", digits = letters, longer = letters;
    for (std::size_t i = 0; letters.size() < size; ++i) {
      letters += {',', "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-"[i / 4096 % 64],
                  static_cast<char>('0' + i / 64 % 64), static_cast<char>('0' + i % 64), '\n'};
    }
    for (int i = 0; digits.size() < size; ++i) digits += "," + std::to_string(i) + "\n";
    for (int i = 100'000'000; longer.size() < size; ++i) longer += ",a class " + std::to_string(i) + "\n";
    peak(letters, labels(all));
    peak("1,1" + digits.substr(3), labels(all));
    peak(longer, labels(all));
    peak("1,a\n,b" + std::string(size, 'x') + "\n", labels(all));
  }
  SUBCASE("names") {
    for (const std::string name : {"", "column of a longer name "}) {
      std::string header, values;
      CsvOptions options = mean;
      for (int i = 0; header.size() + values.size() < size; ++i) {
        options.features.push_back(name + std::to_string(i));
        header += (i > 0 ? "," : "") + options.features.back();
        values += i > 0 ? ",1" : "1";
      }
      loads = false;
      peak(header, features(mean));
      peak(header, features(options));
      loads = true;
      const std::string text = header + "\n" + values + "\n";
      peak(text, features(mean));
      peak(text, features(options));
      options.targets = options.features;
      peak(text, numbers(options));
    }
  }
}

TEST_CASE("CSV: names are found in time proportional to their number") {
  const int columns = 50'000;
  CsvOptions options;
  std::string header, values;
  for (int i = 0; i < columns; ++i) {
    const std::string name = std::to_string(columns - i);
    header += name + ",";
    values += std::to_string(i % 10) + ",";
    (i % 2 == 0 ? options.features : options.targets).push_back(name);
  }
  const std::string text = header + "t\n" + values + "u\n";
  const auto csv = read<Matrix<float>>(text, options);
  CHECK(csv.features == options.features);
  CHECK(csv.targets == options.targets);
  CHECK(csv.data.x.topRows(5) == Matrix<float>{{0}, {2}, {4}, {6}, {8}});
  CHECK(csv.data.t.topRows(5) == Matrix<float>{{1}, {3}, {5}, {7}, {9}});

  options.features.clear();  // hence all but the targets
  options.targets.pop_back();
  CHECK(read<Matrix<float>>(header + "t\n" + values + "2\n", options).features.size() == columns / 2 + 2);

  // A name may be given more than once.
  CHECK(read<Labels>(flowers, {.features = {"width", "width"}}).data.x.row(1)(1) == 3.2f);

  options = {.classes = Names(300'000, "u")};
  CHECK(message_of([&] { read(flowers, options); }) ==
        "CsvOptions: expected classes of different names, found one twice");
}
