#pragma once

// What each compiler spells in its own way. MSVC has no word for some of it and does without.

// After the parameters of a lambda: inline it wherever it is called.
#ifdef __GNUC__
#define MLP_ALWAYS_INLINE __attribute__((always_inline))
#else
#define MLP_ALWAYS_INLINE
#endif

// Before a loop of constant length: arrays of packets stay in registers only if the loops over them are unrolled,
// which g++ -O2 does not do by itself.
#if defined __clang__
#define MLP_UNROLL _Pragma("unroll")
#elif defined __GNUC__
#define MLP_UNROLL _Pragma("GCC unroll 16")
#else
#define MLP_UNROLL
#endif

// Around templates whose arguments are packets: a vector register's type has attributes, and g++ warns that template
// arguments lose them.
#ifdef __GNUC__
#define MLP_BEGIN_PACKETS \
  _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wignored-attributes\"")
#define MLP_END_PACKETS _Pragma("GCC diagnostic pop")
#else
#define MLP_BEGIN_PACKETS
#define MLP_END_PACKETS
#endif
