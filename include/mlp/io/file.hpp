#pragma once

#include <mlp/types.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#if defined(__unix__) || defined(__APPLE__)
#include <fcntl.h>
#include <unistd.h>
#endif

/// Whole files, and what messages about files say.
namespace mlp::detail {

// What a hostile file holds must neither flood a terminal nor command it.
inline std::string printable(std::string_view text) {
  std::size_t size = std::min(text.size(), std::size_t{40});
  // Not within a character of UTF-8.
  while (size < text.size() && size > 0 && (text[size] & 0xC0) == 0x80) --size;
  std::string result(text.substr(0, size));
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (static_cast<unsigned char>(result[i]) < 0x20 || result[i] == 0x7F) result[i] = '?';
    // U+0080 to U+009F are controls too.
    const bool is_pair = result[i] == '\xC2' && i + 1 < result.size();
    if (is_pair && static_cast<unsigned char>(result[i + 1]) < 0xA0) result.replace(i, 2, "?");
  }
  return size < text.size() ? result + "..." : result;
}

inline std::string in_quotes(std::string_view text) { return "\"" + printable(text) + "\""; }

[[noreturn]] inline void file_error(const std::string& file, const std::string& expected,
                                    const std::string& found) {
  raise<std::runtime_error>(file + ": expected " + expected + ", found " + found);
}

// Of errno, where it is set.
inline std::string system_message(int error) {
  return std::generic_category().message(error != 0 ? error : EIO);
}

// To read a pipe may wait forever, and to rename over a device would end it.
inline void check_regular_file(const std::filesystem::path& path) {
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(path, ignored);
  if (std::filesystem::is_directory(status)) file_error(path.string(), "a file", "a folder");
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    file_error(path.string(), "a file", "a device, pipe or socket");
  }
}

inline std::string read_file(const std::filesystem::path& path) {
  check_regular_file(path);
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) file_error(path.string(), "a readable file", system_message(errno));
  std::string bytes;
  std::error_code no_size;
  if (const auto size = std::filesystem::file_size(path, no_size); !no_size) {
    bytes.reserve(static_cast<std::size_t>(size));
  }
  // To its end, as the file may have grown, and those in /proc say that they are empty.
  std::array<char, 65536> block;
  while (in) {
    in.read(block.data(), static_cast<std::streamsize>(block.size()));
    if (in.bad()) file_error(path.string(), "a readable file", system_message(errno));
    bytes.append(block.data(), static_cast<std::size_t>(in.gcount()));
  }
  return bytes;
}

// What the system has of a file goes to the disc.
inline bool synchronize([[maybe_unused]] std::FILE* file) {
#if defined(__unix__) || defined(__APPLE__)
  return fsync(fileno(file)) == 0;
#else
  return true;
#endif
}

// So do the names in a folder. Where the system cannot do that for a folder, it is not asked to.
inline bool synchronize_folder([[maybe_unused]] const std::filesystem::path& folder) {
#if defined(__unix__) || defined(__APPLE__)
  const int opened = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return true;
  const int error = fsync(opened) == 0 ? 0 : errno;
  close(opened);
  errno = error;
  return error == 0 || error == EINVAL;
#else
  return true;
#endif
}

inline std::filesystem::path temporary_path(std::filesystem::path path, int i) {
  return path += "." + std::to_string(i) + ".tmp";
}

// Removes what programs that were killed while they wrote this file have left beside it. No other may be at it.
inline void remove_leftovers(const std::filesystem::path& path) {
  for (int i = 0; std::filesystem::remove(temporary_path(path, i)); ++i) {
  }
}

// Whatever happens meanwhile, under this path there is the whole old file or the whole new one: all bytes are
// on the disc before the new file gets the name. On an error the old one stays. Many may write the same path.
inline void write_file(const std::filesystem::path& path, std::string_view bytes) {
  check_regular_file(path);
  std::filesystem::path temporary;
  std::FILE* file = nullptr;
  for (int i = 0; file == nullptr; ++i) {
    temporary = temporary_path(path, i);
    file = std::fopen(temporary.string().c_str(), "wbx");  // x: a file of that name is an error
    if (file == nullptr && errno != EEXIST)
      file_error(path.string(), "a writable file", system_message(errno));
  }
  const bool is_written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() &&
                          std::fflush(file) == 0 && synchronize(file);
  std::error_code error(is_written ? 0 : errno, std::generic_category());
  if (std::fclose(file) != 0 && is_written) error.assign(errno, std::generic_category());
  if (!error) std::filesystem::rename(temporary, path, error);
  if (error) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    file_error(path.string(), "a writable file", error.message());
  }
  if (!synchronize_folder(path.parent_path()))
    file_error(path.string(), "a writable folder", system_message(errno));
}

}  // namespace mlp::detail
