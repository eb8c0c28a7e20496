#!/usr/bin/env python3
"""Writes rng.hpp beside this script: the numbers that random_test.cpp expects, from an independent implementation.

    python3 tests/golden/make_rng_golden.py

The generators are written down from the authors' C (https://prng.di.unimi.it: splitmix64.c, xoshiro256plusplus.c)
and first reproduce the outputs of that C which the tests of the Rust crate rand_xoshiro quote.
"""

import math
import pathlib

MASK = 2**64 - 1


def splitmix64(x):
    while True:
        x = (x + 0x9E3779B97F4A7C15) & MASK
        z = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def xoshiro256pp(s0, s1, s2, s3):
    def rotl(x, k):
        return ((x << k) & MASK) | (x >> (64 - k))

    while True:
        yield (rotl((s0 + s3) & MASK, 23) + s0) & MASK
        t = (s1 << 17) & MASK
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= t
        s3 = rotl(s3, 45)


def take(n, generator):
    return [next(generator) for _ in range(n)]


def check_published():
    assert take(5, splitmix64(1477776061723855037)) == [
        1985237415132408290, 2979275885539914483, 13511426838097143398, 8488337342461049707,
        15141737807933549159,
    ]  # fmt: skip
    assert take(10, xoshiro256pp(1, 2, 3, 4)) == [
        41943041, 58720359, 3588806011781223, 3591011842654386, 9228616714210784205, 9973669472204895162,
        14011001112246962877, 12406186145184390807, 15849039046786891736, 10450023813501588000,
    ]  # fmt: skip


def seeded(seed):
    return xoshiro256pp(*take(4, splitmix64(seed)))


def uniform(rng):
    return (next(rng) >> 11) / 2**53


def normal(rng):
    """The polar method: Marsaglia and Bray (1964), the first of its two numbers."""
    while True:
        u, v = 2 * uniform(rng) - 1, 2 * uniform(rng) - 1
        s = u * u + v * v
        if 0 < s < 1:
            return u * math.sqrt(-2 * math.log(s) / s)


def below(rng, n):
    """x mod n for the first x that is not among the 2^64 mod n smallest."""
    while True:
        x = next(rng)
        if x >= 2**64 % n:
            return x % n


def shuffle(rng, values):
    """Knuth, The Art of Computer Programming, volume 2, algorithm 3.4.2 P."""
    for j in range(len(values), 1, -1):
        k = below(rng, j)
        values[k], values[j - 1] = values[j - 1], values[k]
    return values


def array(name, values, type, suffix=""):
    lines, line = [], "   "
    for value in values:
        item = f" {value!r}{suffix},"
        if len(line) + len(item) > 110:
            lines.append(line)
            line = "   "
        line += item
    return f"inline constexpr {type} {name}[] = {{\n" + "\n".join(lines + [line]) + "\n};\n"


if __name__ == "__main__":
    check_published()
    seeds = [0, 42, MASK]
    draws = {seed: seeded(seed) for seed in seeds}
    rng = {name: seeded(seed) for seed, name in enumerate(["uniform", "normal", "below", "shuffle"], start=1)}
    large = 3 * 2**61  # a quarter of all draws are rejected
    text = f"""\
// Written by make_rng_golden.py; do not edit. To make it anew: python3 tests/golden/make_rng_golden.py
#pragma once

#include <cstdint>

namespace golden {{

// clang-format off

/// The first eight numbers of xoshiro256++ seeded by SplitMix64 with 0, 42 and 2^64 - 1.
{"".join(array(f"rng_{i}", take(8, draws[seed]), "std::uint64_t", "u") for i, seed in enumerate(seeds))}\
/// Seeds 1, 2, 3, 3 (after the numbers below 10) and 4.
{array("rng_uniform", [uniform(rng["uniform"]) for _ in range(4)], "double")}\
{array("rng_normal", [normal(rng["normal"]) for _ in range(6)], "double")}\
{array("rng_below_10", [below(rng["below"], 10) for _ in range(12)], "int")}\
{array("rng_below_large", [below(rng["below"], large) for _ in range(12)], "std::int64_t")}\
{array("rng_shuffle_10", shuffle(rng["shuffle"], list(range(10))), "int")}\

// clang-format on

}}  // namespace golden
"""
    pathlib.Path(__file__).with_name("rng.hpp").write_text(text)
