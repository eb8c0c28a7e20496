#pragma once

#include <exception>
#include <typeinfo>

/// Calls call(), which may throw exactly an E, as documented. Any other exception ends the fuzzer, and its
/// input is kept.
template <class E>
void only_throws(auto&& call) {
  try {
    call();
  } catch (const std::exception& error) {
    if (typeid(error) != typeid(E)) throw;
  }
}
