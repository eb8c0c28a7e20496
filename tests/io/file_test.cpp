#include <mlp/io/file.hpp>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "message_of.hpp"
#include "temp_folder.hpp"

namespace fs = std::filesystem;
using namespace mlp::detail;

namespace {

// The result of fsync for files or for folders, where a test replaces the system's.
struct Answer {
  bool fails = false;
  int error = 0;
};
Answer for_files, for_folders;

}  // namespace

extern "C" int fsync(int file) {
  struct stat status {};
  const Answer answer = fstat(file, &status) == 0 && S_ISDIR(status.st_mode) ? for_folders : for_files;
  if (!answer.fails) return static_cast<int>(syscall(SYS_fsync, file));
  errno = answer.error;
  return -1;
}

namespace {

std::string read_error(const fs::path& path) {
  return message_of<std::runtime_error>([&] { read_file(path); });
}

std::string write_error(const fs::path& path, const std::string& bytes = "new") {
  return message_of<std::runtime_error>([&] { write_file(path, bytes); });
}

auto count(const fs::path& folder) { return std::distance(fs::directory_iterator(folder), {}); }

}  // namespace

TEST_CASE("file: a written file is read back") {
  const TempFolder folder;
  const fs::path path = folder / "a";
  for (const std::size_t size : {0u, 1u, 65535u, 65536u, 65537u, 200000u}) {
    std::string bytes(size, '\n');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * i / 7);
    write_file(path, bytes);
    CHECK(read_file(path) == bytes);
    CHECK(count(folder.path()) == 1);
  }
  fs::create_symlink(path, folder / "link");
  CHECK(read_file(folder / "link") == read_file(path));
  CHECK(read_file("/proc/self/statm").size() > 0);  // whose size is reported as 0
}

TEST_CASE("file: a new file has the default permissions") {
  const TempFolder folder;
  const mode_t before = umask(027);
  write_file(folder / "a", "1");
  umask(before);
  CHECK(fs::status(folder / "a").permissions() == fs::perms{0640});
}

TEST_CASE("file: a name without a folder") {
  const TempFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  write_file("a", "1");
  CHECK(read_file("a") == "1");
  fs::current_path(before);
}

TEST_CASE("file: files that cannot be read") {
  const TempFolder folder;
  const std::string name = folder.path().string();
  CHECK(read_error(folder / "none") ==
        name + "/none: expected a readable file, found No such file or directory");
  CHECK(read_error("") == ": expected a readable file, found No such file or directory");
  CHECK(read_error(folder.path()) == name + ": expected a file, found a folder");
  CHECK(read_error("/dev/zero") == "/dev/zero: expected a file, found a device, pipe or socket");
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(read_error(folder / "pipe") == name + "/pipe: expected a file, found a device, pipe or socket");
}

TEST_CASE("file: a failed write changes nothing") {
  const TempFolder folder;
  const std::string name = folder.path().string();
  const fs::path path = folder / "a";
  write_file(path, "old");

  CHECK(write_error(folder.path()) == name + ": expected a file, found a folder");
  CHECK(write_error("/dev/full") == "/dev/full: expected a file, found a device, pipe or socket");
  CHECK(write_error(folder / "none" / "a") ==
        name + "/none/a: expected a writable file, found No such file or directory");
  CHECK(write_error(path / "a") == name + "/a/a: expected a writable file, found Not a directory");
  CHECK(write_error("") == ": expected a writable file, found No such file or directory");
  CHECK(count(folder.path()) == 1);

  SUBCASE("a folder without write permission") {
    fs::permissions(folder.path(), fs::perms{0555});
    if (geteuid() != 0) {  // root ignores permissions
      CHECK(write_error(path) == name + "/a: expected a writable file, found Permission denied");
    }
    fs::permissions(folder.path(), fs::perms{0755});
  }
  SUBCASE("a full disk") {
    const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    REQUIRE(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    const rlimit small{100000, limit.rlim_max};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    const std::string at_flush = write_error(path, std::string(100001, 'n'));
    const std::string at_write = write_error(path, std::string(1000000, 'n'));
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    std::signal(SIGXFSZ, ignored);
    CHECK(at_flush == name + "/a: expected a writable file, found File too large");
    CHECK(at_write == at_flush);
  }
  CHECK(read_file(path) == "old");
  CHECK(count(folder.path()) == 1);
}

TEST_CASE("file: several threads write one file") {
  const TempFolder folder;
  write_file(folder / "a.0.tmp", "not ours");
  std::vector<std::thread> writers;
  for (char c = '0'; c < '4'; ++c) {
    writers.emplace_back([&, c] {
      for (int i = 0; i < 20; ++i) write_file(folder / "a", std::string(50000, c));
    });
  }
  for (std::thread& writer : writers) writer.join();
  const std::string bytes = read_file(folder / "a");
  CHECK(bytes == std::string(50000, bytes.at(0)));
  CHECK(read_file(folder / "a.0.tmp") == "not ours");
  CHECK(count(folder.path()) == 2);
}

TEST_CASE("file: a program killed while it writes leaves the old file or the new one") {
  const TempFolder folder;
  const fs::path path = folder / "a";
  const std::string old_bytes(1 << 20, 'o'), new_bytes((1 << 20) + 1, 'n');
  write_file(path, old_bytes);
  std::minstd_rand random;
  for (int i = 0; i < 40; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      for (;;) {
        write_file(path, new_bytes);
        write_file(path, old_bytes);
      }
    }
    REQUIRE(child > 0);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 8000));
    const std::string meanwhile = read_file(path);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const std::string after = read_file(path);
    CHECK((meanwhile == old_bytes || meanwhile == new_bytes));
    CHECK((after == old_bytes || after == new_bytes));
  }
  CHECK(count(folder.path()) > 1);  // some were killed during a write
}

TEST_CASE("file: a replaced file keeps its permissions") {
  const TempFolder folder;
  write_file(folder / "a", "1");
  for (const auto rights : {fs::perms{0600}, fs::perms{0664}, fs::perms{0755}}) {
    fs::permissions(folder / "a", rights);
    write_file(folder / "a", "2");
    CHECK(fs::status(folder / "a").permissions() == rights);
  }
  if (geteuid() == 0) {
    REQUIRE(chown((folder / "a").c_str(), 1, 2) == 0);
    write_file(folder / "a", "3");
    struct stat status {};
    REQUIRE(stat((folder / "a").c_str(), &status) == 0);
    CHECK(status.st_uid == 1);
    CHECK(status.st_gid == 2);
    CHECK((status.st_mode & 07777) == 0755);
  } else {
    fs::permissions(folder / "a", fs::perms{0400});
    CHECK(write_error(folder / "a").ends_with("/a: expected a writable file, found Permission denied"));
  }
}

TEST_CASE("file: a symbolic link stays, and its target is replaced") {
  const TempFolder folder;
  fs::create_directory(folder / "models");
  write_file(folder / "models" / "a", "old");
  fs::create_symlink("models/a", folder / "relative");
  fs::create_symlink(folder / "relative", folder / "absolute");
  for (const char* name : {"relative", "absolute"}) {
    write_file(folder / name, name);
    CHECK(fs::is_symlink(folder / name));
    CHECK(read_file(folder / "models" / "a") == name);
  }
  fs::create_symlink("models/new", folder / "dangling");
  write_file(folder / "dangling", "new");
  CHECK(read_file(folder / "models" / "new") == "new");
  CHECK(count(folder / "models") == 2);

  write_file(folder / "models" / "a.0.tmp", "left over");
  remove_leftovers(folder / "absolute");
  CHECK(count(folder / "models") == 2);

  fs::create_symlink("circle", folder / "circle");
  CHECK(write_error(folder / "circle").find("/circle: expected a writable file, found Too many levels") !=
        std::string::npos);
}

TEST_CASE("file: names as long as the system allows") {
  const TempFolder folder;
  const std::string a = std::string(254, 'x') + "a", b = std::string(254, 'x') + "b";
  CHECK(temporary_path(a, 0) != temporary_path(b, 0));
  CHECK(temporary_path(folder / a, 1).parent_path() == folder.path());
  for (int i = 0; i < 2; ++i) write_file(folder / a, "a");
  write_file(folder / b, "b");
  CHECK(read_file(folder / a) == "a");
  CHECK(read_file(folder / b) == "b");
  CHECK(count(folder.path()) == 2);
  CHECK(write_error(folder / (a + "a")).ends_with("found File name too long"));
}

TEST_CASE("file: a file larger than memory") {
  const TempFolder folder;
  write_file(folder / "sparse", "");
  std::error_code error;
  fs::resize_file(folder / "sparse", 15'000'000'000'000, error);
  if (!error) {
    const std::string message = read_error(folder / "sparse");
    CHECK(message.find("/sparse: expected a file that fits into") != std::string::npos);
    CHECK(message.ends_with("found 15000000000000 bytes"));
  }
}

TEST_CASE("file: a write that fails without setting errno is an error") {
  const TempFolder folder;
  write_file(folder / "a", "old");
  for_files = {true, 0};
  const std::string error = write_error(folder / "a");
  for_files = {};
  CHECK(error.ends_with("/a: expected a writable file, found Input/output error"));
  CHECK(read_file(folder / "a") == "old");
  CHECK(count(folder.path()) == 1);
}

TEST_CASE("file: an error after the replacement is reported as one") {
  const TempFolder folder;
  write_file(folder / "a", "old");
  for_folders = {true, ENOSPC};
  const std::string error = write_error(folder / "a");
  for_folders = {true, EINVAL};  // a system that cannot synchronize folders
  CHECK(write_error(folder / "b") == "no such exception");
  for_folders = {};
  CHECK(error.find("/a: the new file is in place") != std::string::npos);
  CHECK(error.ends_with("No space left on device"));
  CHECK(read_file(folder / "a") == "new");
}
