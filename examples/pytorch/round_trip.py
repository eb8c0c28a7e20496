#!/usr/bin/env python3
"""Trains a network in PyTorch, runs and trains it in C++, and loads it in PyTorch again.

    python3 examples/pytorch/round_trip.py [FOLDER OF THE BUILT EXAMPLES [FOLDER FOR THE MODELS]]

Needs PyTorch (Debian: python3-torch), and the examples mlp_predict and mlp_train. The package `safetensors`, where it is
installed, can replace read_tensors and write_tensors: its load_file and save_file do the same.
"""

import csv
import io
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy as np
import torch
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests/files/iris.csv"
EXAMPLES = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build/mnist/examples"


def write_tensors(state, path, metadata):
    """safetensors.torch.save_file, for float32."""
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in state.items():
        raw = tensor.detach().numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read_tensors(path):
    """safetensors.torch.load_file, for float32."""
    raw = path.read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    header, data, state = json.loads(raw[8 : 8 + size]), raw[8 + size :], {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            values = np.frombuffer(data[begin:end], "<f4").astype(np.float32)
            state[name] = torch.from_numpy(values.reshape(entry["shape"]))
    return state


def accuracy(net, x, t):
    with torch.no_grad():
        return 100 * (net(x).argmax(1) == t).double().mean().item()


def predictions(model, data):
    """The output of mlp_predict: a row of probabilities for each sample."""
    command = [EXAMPLES / "mlp_predict", model]
    table = subprocess.run(command, stdin=open(data), capture_output=True, text=True, check=True).stdout
    return np.array([[float(v) for v in row[:3]] for row in list(csv.reader(io.StringIO(table)))[1:]])


torch.manual_seed(1)
with open(DATA) as table:
    rows = list(csv.reader(table))
features, classes = rows[0][:-1], sorted({row[-1] for row in rows[1:]})
raw = torch.tensor([[float(v) for v in row[:-1]] for row in rows[1:]])
t = torch.tensor([classes.index(row[-1]) for row in rows[1:]])
mean, scale = raw.mean(0), raw.std(0, unbiased=False)
x = (raw - mean) / scale

net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for _ in range(50):
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(x), t).backward()
    optimizer.step()
print(f"trained in PyTorch: accuracy {accuracy(net, x, t):.1f} %")

with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else folder)

    # To C++, with all that is needed to use the network: for weights alone, mlp would have to be given the
    # shape.
    metadata = {
        "mlp.version": "1",
        "mlp.architecture": "Mlp(SoftmaxCrossEntropy, Dense(4, 16, ReLU), Dense(16, 3))",
        "mlp.features": json.dumps(features),
        "mlp.classes": json.dumps(classes),
        "mlp.scaler": json.dumps({"StandardScaler": {"mean": mean.tolist(), "scale": scale.tolist()}}),
    }
    write_tensors(net.state_dict(), folder / "iris.safetensors", metadata)
    whole = nn.Sequential(net, nn.Softmax(1))
    torch.onnx.export(whole, x, folder / "iris.onnx", input_names=["x"], output_names=["p"],
                      dynamic_axes={"x": {0: "n"}, "p": {0: "n"}})  # fmt: skip

    here = whole(x).detach().numpy()
    there = predictions(folder / "iris.safetensors", DATA)
    print(f"mlp_predict iris.safetensors: differs by {np.abs(here - there).max():.1e}")
    # The scaler is not part of this file: PyTorch exports only the network.
    scaled = folder / "scaled.csv"
    scaled.write_text("a,b,c,d\n" + "\n".join(",".join(repr(v) for v in row) for row in x.tolist()) + "\n")
    print(f"mlp_predict iris.onnx: differs by {np.abs(here - predictions(folder / 'iris.onnx', scaled)).max():.1e}")

    # Trained further in C++, and back.
    command = [EXAMPLES / "mlp_train", folder / "iris.safetensors", DATA, folder / "better.safetensors"]
    report = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    print("mlp_train:\n  " + report.strip().replace("\n", "\n  "))
    net.load_state_dict(read_tensors(folder / "better.safetensors"))
    print(f"back in PyTorch: accuracy {accuracy(net, x, t):.1f} %")
