#pragma once

#include <mlp/base/types.hpp>

#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// A misclassified test image.
struct Mistake {
  mlp::Index sample;  // its column
  int truth, predicted;
  float confidence;  // the probability of the predicted digit
};

namespace detail {

struct Color {
  std::uint8_t red, green, blue;
};

inline Color mix(Color from, Color to, float share) {
  const auto channel = [share](std::uint8_t a, std::uint8_t b) {
    return static_cast<std::uint8_t>(static_cast<float>(a) * (1 - share) + static_cast<float>(b) * share);
  };
  return {channel(from.red, to.red), channel(from.green, to.green), channel(from.blue, to.blue)};
}

/// An image to draw on, with the few operations that a montage needs.
class Canvas {
 public:
  Canvas(int width, int height, Color paper)
      : width_(width), height_(height), pixels_(static_cast<std::size_t>(width * height), paper) {}

  void fill(int left, int top, int width, int height, Color color) {
    for (int y = top; y < top + height; ++y) {
      for (int x = left; x < left + width; ++x) pixels_[static_cast<std::size_t>(y * width_ + x)] = color;
    }
  }

  /// Letters of 5 x 7 dots, `scale` pixels to a dot. Returns the position of the next letter.
  int write(int left, int top, std::string_view text, int scale, Color color) {
    for (const char letter : text) {
      const std::array<std::uint8_t, 7> rows = glyph(letter);
      for (int y = 0; y < 7; ++y) {
        for (int x = 0; x < 5; ++x) {
          if (rows[static_cast<std::size_t>(y)] >> (4 - x) & 1) {
            fill(left + x * scale, top + y * scale, scale, scale, color);
          }
        }
      }
      left += 6 * scale;
    }
    return left;
  }

  /// Errors: std::runtime_error if the file can't be written.
  void save_png(const std::filesystem::path& path) const {
    std::ofstream file(path, std::ios::binary);
    const auto append = [](void* to, void* bytes, int size) {
      static_cast<std::ofstream*>(to)->write(static_cast<const char*>(bytes), size);
    };
    static_assert(sizeof(Color) == 3);
    const bool encoded =
        file && stbi_write_png_to_func(append, &file, width_, height_, 3, pixels_.data(), 3 * width_) != 0;
    file.close();
    if (!encoded || !file) {
      throw std::runtime_error(path.string() + ": expected a file that can be written, found none");
    }
  }

 private:
  // The seven rows of a letter, from the top; the highest of the five bits is the leftmost.
  static std::array<std::uint8_t, 7> glyph(char letter) {
    switch (letter) {
      case '0':
        return {0x0e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e};
      case '1':
        return {0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e};
      case '2':
        return {0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f};
      case '3':
        return {0x1f, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0e};
      case '4':
        return {0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02};
      case '5':
        return {0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e};
      case '6':
        return {0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e};
      case '7':
        return {0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08};
      case '8':
        return {0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e};
      case '9':
        return {0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c};
      case '>':
        return {0x00, 0x04, 0x02, 0x1f, 0x02, 0x04, 0x00};
      case 'c':
        return {0x00, 0x00, 0x0e, 0x10, 0x10, 0x11, 0x0e};
      case 'd':
        return {0x01, 0x01, 0x0d, 0x13, 0x11, 0x11, 0x0f};
      case 'e':
        return {0x00, 0x00, 0x0e, 0x11, 0x1f, 0x10, 0x0e};
      case 'i':
        return {0x04, 0x00, 0x0c, 0x04, 0x04, 0x04, 0x0e};
      case 'p':
        return {0x00, 0x00, 0x1e, 0x11, 0x1e, 0x10, 0x10};
      case 'r':
        return {0x00, 0x00, 0x16, 0x19, 0x10, 0x10, 0x10};
      case 't':
        return {0x08, 0x08, 0x1c, 0x08, 0x08, 0x09, 0x06};
      case 'u':
        return {0x00, 0x00, 0x11, 0x11, 0x11, 0x13, 0x0d};
      default:
        return {};
    }
  }

  int width_, height_;
  std::vector<Color> pixels_;
};

}  // namespace detail

/// Draws the first of these images (and returns how many) on cards, row by row, each above "true digit >
/// predicted digit". Shapes: images 784 x N, each with 28 rows of 28 pixels, one after the other; 0 is the
/// background, 255 ink. Errors: std::runtime_error if the file can't be written.
inline std::size_t write_montage(const std::filesystem::path& path, const mlp::Matrix<std::uint8_t>& images,
                                 std::span<const Mistake> mistakes) {
  using detail::Color;
  constexpr Color paper{246, 244, 239}, card{255, 255, 255}, ink{38, 40, 46}, faint{168, 166, 160},
      accent{208, 52, 44};
  constexpr std::size_t most = 150;
  constexpr int side = 28, scale = 2, frame = 4, gap = 14, margin = 28, header = 34, text = 2;
  constexpr int card_width = scale * side + 2 * frame, card_height = card_width + 24;
  constexpr int glyph = 6 * text;

  mistakes = mistakes.first(std::min(mistakes.size(), most));
  const int count = static_cast<int>(mistakes.size());
  const int columns = std::clamp(count, 4, 15), rows = (count + columns - 1) / columns;
  detail::Canvas canvas(2 * margin + columns * (card_width + gap) - gap,
                        2 * margin + header + rows * (card_height + gap) - gap, paper);
  const auto caption = [&](int left, int top, const std::string& truth, const std::string& predicted) {
    left = canvas.write(left, top, truth, text, ink);
    left = canvas.write(left, top, ">", text, faint);
    canvas.write(left, top, predicted, text, accent);
  };

  caption(margin, margin, "true ", " predicted");
  for (int i = 0; i < count; ++i) {
    const Mistake& mistake = mistakes[static_cast<std::size_t>(i)];
    const int left = margin + i % columns * (card_width + gap);
    const int top = margin + header + i / columns * (card_height + gap);
    canvas.fill(left, top, card_width, card_height, card);
    for (int y = 0; y < side; ++y) {
      for (int x = 0; x < side; ++x) {
        const float pixel = static_cast<float>(images(y * side + x, mistake.sample)) / 255;
        canvas.fill(left + frame + scale * x, top + frame + scale * y, scale, scale, mix(card, ink, pixel));
      }
    }
    caption(left + (card_width - 3 * glyph + text) / 2, top + card_width + 2, std::to_string(mistake.truth),
            std::to_string(mistake.predicted));
  }
  canvas.save_png(path);
  return mistakes.size();
}
