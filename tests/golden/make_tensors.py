#!/usr/bin/env python3
"""Writes tensors.hpp beside this script: a safetensors file as the format defines it, and PyTorch's
values of its 16-bit numbers.

    python3 tests/golden/make_tensors.py
"""

import json
import pathlib
import struct

import numpy as np
import torch

# 0, the least and the greatest of the subnormal and of the normal numbers, 1, its neighbors, inf, nan.
HALVES = [0x0000, 0x0001, 0x0002, 0x0200, 0x03FF, 0x0400, 0x0401, 0x3555, 0x3BFF, 0x3C00, 0x3C01, 0x7BFF, 0x7C00,
          0x7C01, 0x7E00, 0x7FFF]
BFLOATS = [0x0000, 0x0001, 0x007F, 0x0080, 0x3EAB, 0x3F7F, 0x3F80, 0x3F81, 0x7F7F, 0x7F80, 0x7F81, 0x7FC0]


def with_negatives(bits):
    return np.array(bits + [b | 0x8000 for b in bits], dtype="<u2")


TENSORS = {
    "w": ("F32", np.array([[0.1, -0.0, 3e38], [1e-45, np.inf, -2]], dtype="<f4")),
    "scalar": ("F64", np.array(np.pi, dtype="<f8")),
    "none": ("F32", np.zeros((0, 4), dtype="<f4")),
    "ok": ("BOOL", np.array([True, False, True])),
    "steps": ("I64", np.array([-2, 2**40], dtype="<i8")),
    "seed": ("U64", np.array([2**64 - 1], dtype="<u8")),
    "größe \"h\"": ("F16", with_negatives(HALVES)),
    "b": ("BF16", with_negatives(BFLOATS)),
}
METADATA = {"": "", "format": "a\\b", "größe": "1 \u2126"}


def file_bytes():
    header, data = {"__metadata__": METADATA}, b""
    for name, (dtype, values) in TENSORS.items():
        begin = len(data)
        data += values.tobytes()
        header[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": [begin, len(data)]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def float_bits(name, dtype):
    values = torch.from_numpy(TENSORS[name][1].view(np.int16)).view(dtype).float()
    return ", ".join(f"0x{bits:08X}" for bits in values.numpy().view(np.uint32))


def literal(data, width=24):
    lines = (data[i:i + width] for i in range(0, len(data), width))
    return "\n".join('    "' + "".join(f"\\{byte:03o}" for byte in line) + '"' for line in lines)


data = file_bytes()
out = pathlib.Path(__file__).with_name("tensors.hpp")
out.write_text(f"""\
// Written by make_tensors.py with PyTorch {torch.__version__}; do not edit. To make it anew:
//   python3 tests/golden/make_tensors.py
#pragma once

#include <cstdint>
#include <string_view>

namespace golden {{

// clang-format off

inline constexpr std::string_view tensors_file(
{literal(data)},
    {len(data)});

// The bits of the floats in its 16-bit tensors.
inline constexpr std::uint32_t half_bits[] = {{{float_bits('größe "h"', torch.float16)}}};
inline constexpr std::uint32_t bfloat16_bits[] = {{{float_bits("b", torch.bfloat16)}}};

// clang-format on

}}  // namespace golden
""")
