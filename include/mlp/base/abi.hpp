#pragma once

#include <mlp/base/eigen.hpp>

/// MLP_ABI, the name of the inline namespace inside mlp that holds the library: mlp::Dense is mlp::avx2_fma_32::Dense.
/// It names what decides how objects are laid out and which instructions functions hold: the instruction set, fused
/// multiply-adds, and the alignment in bytes of Eigen's objects. So the linker tells apart two source files of one
/// program that are compiled with different flags, and rejects a function of the one that is called from the other.
#if defined EIGEN_VECTORIZE_AVX512
#define MLP_ABI_SET avx512
#elif defined EIGEN_VECTORIZE_AVX2
#define MLP_ABI_SET avx2
#elif defined EIGEN_VECTORIZE_AVX
#define MLP_ABI_SET avx
#elif defined EIGEN_VECTORIZE
#define MLP_ABI_SET simd
#else
#define MLP_ABI_SET scalar
#endif
#if defined EIGEN_VECTORIZE_FMA
#define MLP_ABI_FMA _fma_
#else
#define MLP_ABI_FMA _
#endif
#define MLP_ABI_JOIN_TOKENS(a, b, c) a##b##c
#define MLP_ABI_JOIN(a, b, c) MLP_ABI_JOIN_TOKENS(a, b, c)
#define MLP_ABI MLP_ABI_JOIN(MLP_ABI_SET, MLP_ABI_FMA, EIGEN_MAX_ALIGN_BYTES)
