#pragma once

#include <stdexcept>
#include <string>

/// The message of the exception of type Error that call() throws.
template <class Error = std::invalid_argument>
std::string message_of(auto&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no such exception";
}
