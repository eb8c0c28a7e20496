#pragma once

#include <mlp/base/abi.hpp>

namespace mlp::inline MLP_ABI::detail {

// std::bit_cast, which libc++ lacks before LLVM 14, by what it is made of in g++, clang++ and MSVC.
template <class To, class From>
constexpr To bit_cast(const From& from) noexcept {
  static_assert(sizeof(To) == sizeof(From));
  return __builtin_bit_cast(To, from);
}

}  // namespace mlp::inline MLP_ABI::detail
