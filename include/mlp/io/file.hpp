#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/printable.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#include <sys/stat.h>
#else
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

/// Reads whole files within bounds, and writes a file completely or not at all.
namespace mlp::inline MLP_ABI::detail {

/// A path as text for messages, in UTF-8 on every system.
inline std::string path_text(const std::filesystem::path& path) {
#ifdef _WIN32
  const std::u8string text = path.u8string();  // string() throws if the code page lacks a character
  return {reinterpret_cast<const char*>(text.data()), text.size()};
#else
  return path.string();
#endif
}

[[noreturn]] inline void file_error(const std::string& file, MessagePart expected, MessagePart found) {
  raise<std::runtime_error>({file, ": expected ", expected, ", found ", found});
}
[[noreturn]] inline void file_error(const std::filesystem::path& path, MessagePart expected,
                                    MessagePart found) {
  file_error(path_text(path), expected, found);
}
[[noreturn]] inline void file_error(const char* file, MessagePart expected, MessagePart found) {
  file_error(std::string(file), expected, found);
}

// The error in errno, or EIO if a call failed without setting errno.
inline std::error_code last_error() { return {errno != 0 ? errno : EIO, std::generic_category()}; }

[[noreturn]] inline void fail_irregular(const std::filesystem::path& path, bool is_folder) {
  file_error(path, "a file", is_folder ? "a folder" : "a device, pipe or socket");
}

// Returns the memory of the machine in bytes, or the largest number if the system does not report it.
inline std::uint64_t physical_memory() {
#if defined(_SC_PHYS_PAGES) && defined(_SC_PAGESIZE)
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  if (pages > 0 && page > 0) return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page);
#endif
  return (std::numeric_limits<std::uint64_t>::max)();
}

// A sparse file can be larger than any memory. Some systems promise memory that they do not have and kill the
// program that uses it, so the size is checked before anything is read.
inline void check_fits_in_memory(const std::filesystem::path& path, std::uint64_t bytes) {
  if (bytes > physical_memory()) {
    file_error(path, message({"a file that fits into the ", physical_memory(), " bytes of memory"}),
               message({bytes, " bytes"}));
  }
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using FileHandle = std::unique_ptr<std::FILE, CloseFile>;

/// A regular file, open for reading. Opening does not block (a pipe may never get a writer), and the type is
/// checked on the open file, so that no one can exchange the file between check and use.
class InputFile {
 public:
  /// Errors: std::runtime_error naming the file if it does not exist, can't be read, or is not a regular
  /// file.
  explicit InputFile(const std::filesystem::path& path) : path_(path) {
    errno = 0;
#ifdef _WIN32
    std::error_code ignored;
    const auto status = std::filesystem::status(path, ignored);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
      fail_irregular(path, std::filesystem::is_directory(status));
    }
    file_.reset(_wfopen(path.c_str(), L"rb"));
    if (!file_) file_error(path, "a readable file", last_error().message());
    size_ = std::filesystem::file_size(path, ignored);
#else
    const int opened = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (opened < 0) file_error(path, "a readable file", last_error().message());
    file_.reset(fdopen(opened, "rb"));
    if (!file_) {
      const std::string why = last_error().message();
      close(opened);
      file_error(path, "a readable file", why);
    }
    struct stat status {};
    if (fstat(opened, &status) != 0) file_error(path, "a readable file", last_error().message());
    if (!S_ISREG(status.st_mode)) fail_irregular(path, S_ISDIR(status.st_mode));
    size_ = static_cast<std::uint64_t>(status.st_size);
#endif
  }

  const std::filesystem::path& path() const { return path_; }
  std::FILE* handle() const { return file_.get(); }

  /// The size in bytes at opening; 0 for files that the system generates while they are read.
  std::uint64_t size() const { return size_; }

  /// Reads up to `size` bytes and returns the number read, which is smaller only at the end of the file.
  std::size_t read(char* to, std::size_t size) {
    errno = 0;
    const std::size_t count = std::fread(to, 1, size, file_.get());
    if (count < size && std::ferror(file_.get()) != 0) {
      file_error(path_, "a readable file", last_error().message());
    }
    return count;
  }

 private:
  std::filesystem::path path_;
  FileHandle file_;
  std::uint64_t size_ = 0;
};

/// Errors: std::runtime_error naming the file if it can't be read or is larger than memory.
inline std::string read_file(InputFile& in) {
  check_fits_in_memory(in.path(), in.size());
  std::string bytes;
  try {
    bytes.reserve(static_cast<std::size_t>(in.size()));
  } catch (const std::bad_alloc&) {
    file_error(in.path(), "a file that fits into memory", message({in.size(), " bytes"}));
  }
  // Read to the end, because the file may have grown, and because files in /proc report a size of 0.
  std::array<char, 65536> block;
  while (const std::size_t count = in.read(block.data(), block.size())) bytes.append(block.data(), count);
  return bytes;
}
inline std::string read_file(const std::filesystem::path& path) {
  InputFile in(path);
  return read_file(in);
}

#ifdef _WIN32
// <windows.h> would define thousands of macros in the user's program.
extern "C" __declspec(dllimport) int __stdcall MoveFileExW(const wchar_t* from, const wchar_t* to,
                                                           unsigned long flags);
extern "C" __declspec(dllimport) int __stdcall ReplaceFileW(const wchar_t* replaced, const wchar_t* by,
                                                            const wchar_t* backup, unsigned long flags,
                                                            void* exclude, void* reserved);
extern "C" __declspec(dllimport) unsigned long __stdcall GetLastError();
#endif

/// Follows symbolic links in the last component of a path, including links to files that do not exist yet.
inline std::filesystem::path link_target(std::filesystem::path path) {
  std::error_code error;
  for (int links = 0; std::filesystem::is_symlink(std::filesystem::symlink_status(path, error)); ++links) {
    if (links == 40) error = std::make_error_code(std::errc::too_many_symbolic_link_levels);
    const auto next = error ? std::filesystem::path() : std::filesystem::read_symlink(path, error);
    if (error) file_error(path, "a writable file", error.message());
    path = path.parent_path() / next;  // `next` alone, if it is absolute
  }
  return path;
}

// The temporary file lies beside its target, because a rename is atomic only within one file system. A name
// that is too long for a suffix is replaced by its hash.
inline std::filesystem::path temporary_path(const std::filesystem::path& path, int i) {
  std::filesystem::path name = path.filename();
  if (name.native().size() > 240) {
    std::uint64_t hash = 0xCBF29CE484222325;  // FNV-1a
    for (const auto unit : name.native()) hash = (hash ^ static_cast<std::uint64_t>(unit)) * 0x100000001B3;
    name = "mlp-" + std::to_string(hash);
  }
  return path.parent_path() / (name += "." + std::to_string(i) + ".tmp");
}

/// Removes the temporary files that killed programs left beside this path. No other program may be writing to
/// it.
inline void remove_leftovers(const std::filesystem::path& path) {
  const std::filesystem::path target = link_target(path);
  for (int i = 0; std::filesystem::remove(temporary_path(target, i)); ++i) {
  }
}

// Returns nullptr and sets errno if the file exists already or cannot be created.
inline FileHandle create_file(const std::filesystem::path& path) {
  errno = 0;
#ifdef _WIN32
  const int made = _wopen(path.c_str(), _O_WRONLY | _O_CREAT | _O_EXCL | _O_BINARY, _S_IREAD | _S_IWRITE);
  return FileHandle(made < 0 ? nullptr : _wfdopen(made, L"wb"));
#else
  const int made = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  return FileHandle(made < 0 ? nullptr : fdopen(made, "wb"));
#endif
}

// Gives a new file the owner, group and permissions of the file it replaces, as far as the system allows.
inline bool copy_rights([[maybe_unused]] const std::filesystem::path& from, [[maybe_unused]] std::FILE* to) {
#ifndef _WIN32
  struct stat old {};
  if (stat(from.c_str(), &old) != 0) return true;  // a new file keeps the default permissions
  if (access(from.c_str(), W_OK) != 0) return false;
  mode_t rights = old.st_mode & 07777;
  if (fchown(fileno(to), old.st_uid, old.st_gid) != 0 &&
      fchown(fileno(to), static_cast<uid_t>(-1), old.st_gid) != 0) {
    // A different group gets no more permissions than everyone has.
    rights = (rights & 0707) | (rights & 07) << 3;
  }
  return fchmod(fileno(to), rights) == 0;
#else
  return true;
#endif
}

// Writes the file's data from the system's buffers to the disk.
inline bool synchronize(std::FILE* file) {
#ifdef _WIN32
  return _commit(_fileno(file)) == 0;
#else
#ifdef F_FULLFSYNC
  if (fcntl(fileno(file), F_FULLFSYNC) == 0) return true;  // macOS's fsync leaves data in the disk's cache
#endif
  return fsync(fileno(file)) == 0;
#endif
}

// Writes the entries of a folder to the disk. Systems that cannot synchronize folders are not an error.
inline std::error_code synchronize_folder([[maybe_unused]] const std::filesystem::path& folder) {
#ifndef _WIN32
  const int opened = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return {};
  errno = 0;
  const std::error_code error = fsync(opened) == 0 ? std::error_code() : last_error();
  close(opened);
  if (error.value() != EINVAL) return error;
#endif
  return {};
}

// Atomic: at any moment the path names the old file or the new one.
inline std::error_code replace_file(const std::filesystem::path& path, const std::filesystem::path& by) {
  std::error_code error;
#ifdef _WIN32
  constexpr unsigned long replace_existing = 1, write_through = 8;
  // ReplaceFile keeps the old file's permissions, but requires an old file.
  if (ReplaceFileW(path.c_str(), by.c_str(), nullptr, 0, nullptr, nullptr) == 0 &&
      MoveFileExW(by.c_str(), path.c_str(), replace_existing | write_through) == 0) {
    error.assign(static_cast<int>(GetLastError()), std::system_category());
  }
#else
  std::filesystem::rename(by, path, error);
#endif
  return error;
}

/// Atomic: at any moment, the path holds the complete old file or the complete new one. All bytes are on the
/// disk before the new file gets the name; on an error the old file stays. Several programs may write the
/// same path. The new file takes over the old file's permissions; a symbolic link stays, and its target is
/// replaced.
/// Errors: std::runtime_error naming the file; the message tells if the new file is already in place.
inline void write_file(const std::filesystem::path& path, std::string_view bytes) {
  const std::filesystem::path target = link_target(path);
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(target, error);
  // Renaming over a device would remove it.
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    fail_irregular(path, std::filesystem::is_directory(status));
  }
  std::filesystem::path temporary;
  FileHandle file;
  for (int i = 0; !file; ++i) {
    temporary = temporary_path(target, i);
    file = create_file(temporary);
    if (!file && errno != EEXIST) file_error(path, "a writable file", last_error().message());
  }
  const bool has_rights = copy_rights(target, file.get());
  if (has_rights) errno = 0;
  const bool is_written = has_rights &&
                          std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size() &&
                          std::fflush(file.get()) == 0 && synchronize(file.get());
  error = is_written ? std::error_code() : last_error();
  errno = 0;
  if (std::fclose(file.release()) != 0 && !error) error = last_error();
  if (!error) error = replace_file(target, temporary);
  if (error) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    file_error(path, "a writable file", error.message());
  }
  if (const std::error_code late = synchronize_folder(target.parent_path())) {
    raise<std::runtime_error>({path_text(path),
                               ": the new file is in place, but its folder could not be written "
                               "to the disk, so that a crash of the machine may restore the old file: ",
                               late.message()});
  }
}

}  // namespace mlp::inline MLP_ABI::detail
