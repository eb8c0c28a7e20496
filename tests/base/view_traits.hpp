#pragma once

#include <type_traits>
#include <utility>

/// What the types of views tell.

template <class V, int Rows, int Cols>
constexpr bool has_sizes = V::RowsAtCompileTime == Rows&& V::ColsAtCompileTime == Cols;

template <class V>
constexpr bool is_writable = !std::is_const_v<std::remove_pointer_t<decltype(std::declval<V&>().data())>>;
