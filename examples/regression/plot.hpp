#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// A chart of points, lines and bands over two axes, written as SVG.
class Plot {
 public:
  using Numbers = std::vector<double>;

  Plot(std::string title, std::string x_label, std::string y_label)
      : title_(std::move(title)), x_label_(std::move(x_label)), y_label_(std::move(y_label)) {}

  void points(const std::string& name, const std::string& color, const Numbers& x, const Numbers& y) {
    add({Kind::points, name, color, x, y, {}});
  }
  void line(const std::string& name, const std::string& color, const Numbers& x, const Numbers& y) {
    add({Kind::line, name, color, x, y, {}});
  }
  /// The area between two curves.
  void band(const std::string& name, const std::string& color, const Numbers& x, const Numbers& low,
            const Numbers& high) {
    add({Kind::band, name, color, x, low, high});
  }

  /// The drawing, with its upper left corner at (left, top).
  std::string svg(double left, double top) const {
    std::string out = "<g transform=\"translate(" + text(left) + " " + text(top) + ")\">\n";
    out += write(width / 2, -16, "middle", title_, "font-weight=\"bold\"");
    for (const double x : ticks(x_range_)) {
      out += "<path d=\"M" + text(at_x(x)) + " 0V" + text(height) + "\" stroke=\"#e4e4e4\"/>\n";
      out += write(at_x(x), height + 18, "middle", label(x));
    }
    for (const double y : ticks(y_range_)) {
      out += "<path d=\"M0 " + text(at_y(y)) + "H" + text(width) + "\" stroke=\"#e4e4e4\"/>\n";
      out += write(-8, at_y(y) + 4, "end", label(y));
    }
    out += write(width / 2, height + 40, "middle", x_label_);
    out +=
        write(0, 0, "middle", y_label_, "transform=\"translate(-46 " + text(height / 2) + ") rotate(-90)\"");
    for (const Series& series : all_) out += drawn(series);
    out += "<path d=\"M0 0H" + text(width) + "V" + text(height) + "H0Z\" fill=\"none\" stroke=\"#555\"/>\n";
    for (std::size_t i = 0; i < all_.size(); ++i) {
      const double y = row_height * (static_cast<double>(i) + 0.8);
      out += key(all_[i], y) + write(width - 26 - 16, y + 4, "end", all_[i].name);
    }
    return out + "</g>\n";
  }

  static constexpr double width = 420, height = 340, row_height = 17;

 private:
  enum class Kind { points, line, band };
  struct Series {
    Kind kind;
    std::string name, color;
    Numbers x, y, high;
  };
  struct Range {
    double low = std::numeric_limits<double>::infinity(), high = -low;

    void take_in(const Numbers& numbers) {
      for (const double v : numbers) {
        low = std::min(low, v);
        high = std::max(high, v);
      }
    }
  };

  void add(Series series) {
    x_range_.take_in(series.x);
    y_range_.take_in(series.y);
    y_range_.take_in(series.high);
    all_.push_back(std::move(series));
  }

  static std::string text(double v) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.2f", v);
    return buffer;
  }
  static std::string label(double v) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%g", std::abs(v) < 1e-12 ? 0 : v);
    return buffer;
  }
  static std::string write(double x, double y, const char* anchor, const std::string& what,
                           const std::string& more = "") {
    return "<text x=\"" + text(x) + "\" y=\"" + text(y) + "\" text-anchor=\"" + anchor + "\" " + more + ">" +
           what + "</text>\n";
  }

  // About five round numbers within the range: multiples of 1, 2 or 5 times a power of ten.
  static Numbers ticks(const Range& range) {
    const double rough = (range.high - range.low) / 5, power = std::pow(10, std::floor(std::log10(rough)));
    double step = 10 * power;
    for (const double factor : {5., 2., 1.}) {
      if (factor * power >= rough) step = factor * power;
    }
    Numbers result;
    for (double v = std::ceil(range.low / step) * step; v <= range.high; v += step) result.push_back(v);
    return result;
  }

  // A margin of 4 % keeps the data away from the frame.
  static double at(double v, const Range& range) {
    return 0.04 + 0.92 * (v - range.low) / (range.high - range.low);
  }
  double at_x(double x) const { return width * at(x, x_range_); }
  // The legend is above the data.
  double at_y(double y) const {
    const double top = row_height * static_cast<double>(all_.size());
    return top + (height - top) * (1 - at(y, y_range_));
  }

  std::string drawn(const Series& s) const {
    std::string out;
    if (s.kind == Kind::points) {
      for (std::size_t i = 0; i < s.x.size(); ++i) {
        out += "<circle cx=\"" + text(at_x(s.x[i])) + "\" cy=\"" + text(at_y(s.y[i])) + "\" r=\"2\" fill=\"" +
               s.color + "\" fill-opacity=\"0.5\"/>\n";
      }
      return out;
    }
    for (std::size_t i = 0; i < s.x.size(); ++i)
      out += (i == 0 ? 'M' : 'L') + text(at_x(s.x[i])) + " " + text(at_y(s.y[i]));
    if (s.kind == Kind::line)
      return "<path d=\"" + out + "\" fill=\"none\" stroke-width=\"2\" stroke=\"" + s.color + "\"/>\n";
    for (std::size_t i = s.x.size(); i-- > 0;) out += 'L' + text(at_x(s.x[i])) + " " + text(at_y(s.high[i]));
    return "<path d=\"" + out + "Z\" fill-opacity=\"0.2\" fill=\"" + s.color + "\"/>\n";
  }

  // The mark beside a name in the legend.
  static std::string key(const Series& s, double y) {
    const std::string at = "x=\"" + text(width - 36) + "\" width=\"26\" fill=\"" + s.color + "\" ";
    switch (s.kind) {
      case Kind::points:
        return "<circle cx=\"" + text(width - 23) + "\" cy=\"" + text(y) + "\" r=\"3\" fill=\"" + s.color +
               "\"/>\n";
      case Kind::line:
        return "<rect " + at + "y=\"" + text(y - 1) + "\" height=\"2\"/>\n";
      case Kind::band:
        return "<rect " + at + "y=\"" + text(y - 6) + "\" height=\"12\" fill-opacity=\"0.2\"/>\n";
    }
    return "";
  }

  std::string title_, x_label_, y_label_;
  std::vector<Series> all_;
  Range x_range_, y_range_;
};

/// Writes plots side by side.
inline void write_svg(const std::string& path, const std::vector<Plot>& plots) {
  constexpr double left = 70, right = 20, top = 50, bottom = 60;
  const double cell = left + Plot::width + right;
  const auto total = static_cast<int>(cell * static_cast<double>(plots.size()));
  std::ofstream file(path);
  file << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << total << "\" height=\""
       << static_cast<int>(top + Plot::height + bottom)
       << "\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n"
          "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
  for (std::size_t i = 0; i < plots.size(); ++i)
    file << plots[i].svg(left + cell * static_cast<double>(i), top);
  file << "</svg>\n";
  if (!file.flush()) throw std::runtime_error(path + ": expected a file that can be written");
}
