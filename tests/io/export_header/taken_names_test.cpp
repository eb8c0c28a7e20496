#include <mlp/io/export_header/taken_names.hpp>

#include <doctest/doctest.h>

using namespace mlp;

// export_header_test.cpp compiles namespaces of names that are free, and checks all lists.
TEST_CASE("is_taken: keywords, C's library with its suffixes, POSIX, and std with its numbers") {
  for (const char* name : {"namespace", "main", "errno", "strtoul", "fork", "mode_t", "sin", "sinf", "sinl",
                           "fabsf", "std", "std2", "std11"}) {
    CAPTURE(name);
    CHECK(detail::is_taken(name));
  }
}

TEST_CASE("is_taken: parts of taken names, and names that only begin like one, are free") {
  for (const char* name :
       {"model", "name", "sinx", "sins", "sinff", "si", "strtoulf", "std_model", "f", "l"}) {
    CAPTURE(name);
    CHECK(!detail::is_taken(name));
  }
}
