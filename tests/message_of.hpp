#pragma once

#include <stdexcept>
#include <string>

/// What an exception of that type says which call() throws.
template <class Error = std::invalid_argument>
std::string message_of(auto&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no such exception";
}
