#!/usr/bin/env python3
"""Writes safetensors.hpp beside this script: files of a PyTorch network, as safetensors.torch.save_file would write its
state dict, in four types, and the network's outputs for some inputs.

    python3 tests/golden/make_safetensors.py

The format is simple enough to be written here, from its description (https://huggingface.co/docs/safetensors).
"""

import json
import pathlib
import struct

import torch

torch.manual_seed(1)


def to_bytes(state):
    """The tensors by name, after a header with their positions."""
    names = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64"}
    header, data = {}, b""
    for name, tensor in sorted(state.items(), key=lambda item: (-item[1].element_size(), item[0])):
        integers = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[tensor.element_size()]
        flat = tensor.detach().contiguous().reshape(-1).view(integers).numpy()
        raw = flat.astype(flat.dtype.newbyteorder("<")).tobytes()
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def numbers(values):
    return ", ".join(repr(float(v)) for v in values.reshape(-1))


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.BatchNorm1d(4),
                                       torch.nn.Linear(4, 2))

    def forward(self, x):
        return self.net(x)


net = Net()
for _ in range(5):
    net(torch.randn(6, 3) + 1)
net.eval()
x = torch.randn(4, 3)

lines_of_header = []
write = lines_of_header.append

write(f"// Written by make_safetensors.py with PyTorch {torch.__version__}; do not edit. To make it anew:")
write("//   python3 tests/golden/make_safetensors.py")
write("#pragma once\n")
write("#include <string>\n#include <vector>\n")
write("namespace golden {\n")
write("// nn.Sequential(Flatten, Linear(3, 4), Tanh, BatchNorm1d(4), Linear(4, 2)), a member `net` of a module: its file")
write("// in hexadecimal, inputs, a sample after the other, and outputs.")
write("struct SavedNetwork {\n  const char* type;\n  const char* file;\n  std::vector<float> inputs, outputs;\n};\n")
write("inline const std::vector<SavedNetwork> saved_networks = {")
for dtype, name in ((torch.float32, "F32"), (torch.float64, "F64"), (torch.float16, "F16"), (torch.bfloat16, "BF16")):
    typed = {k: v.to(dtype) if v.is_floating_point() else v for k, v in net.state_dict().items()}
    rounded = Net()
    rounded.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in typed.items()})
    rounded.eval()
    text = to_bytes(typed).hex()
    lines = "\n".join('     "' + text[i:i + 96] + '"' for i in range(0, len(text), 96))
    write(f'    {{"{name}",\n{lines},\n     {{{numbers(x)}}},\n     {{{numbers(rounded(x))}}}}},')
write("};\n")
write("}  // namespace golden")

pathlib.Path(__file__).with_name("safetensors.hpp").write_text("\n".join(lines_of_header) + "\n")
