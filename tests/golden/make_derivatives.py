#!/usr/bin/env python3
"""Writes derivatives.hpp beside this script: Jacobians and Hessians times a vector of a network 4-6-5-3, as
torch.autograd.functional gives them in float64.

    python3 tests/golden/make_derivatives.py
"""

import pathlib

import torch
from make_golden import array, flat, matrix, probabilities, wave
from torch import nn
from torch.autograd.functional import hvp, jacobian

SIZES = (4, 6, 5, 3)
SAMPLES = 7


def network(f):
    """y(theta, x): theta is layer after layer W (outputs x inputs, column after column), then b."""

    def y(theta, x):
        for layer, (n, m) in enumerate(zip(SIZES, SIZES[1:])):
            w, b, theta = theta[: n * m], theta[n * m : n * m + m], theta[n * m + m :]
            x = x @ w.reshape(n, m) + b
            x = f(x) if layer < 2 else x
        return x

    return y


def main():
    count = sum((n + 1) * m for n, m in zip(SIZES, SIZES[1:]))
    theta = torch.tensor(wave(count, 0.875, 1.7, 0.6, 256))
    direction = torch.tensor(wave(count, 1, 2.9, 0.2, 256))
    x = torch.tensor(matrix(4, SAMPLES, wave(4 * SAMPLES, 1.5, 0.9, 0.1, 64)))
    values = torch.tensor(matrix(3, SAMPLES, [abs(v) for v in wave(3 * SAMPLES, 1, 2.1, 0.2, 64)]))
    labels = torch.tensor([2, 0, 1, 1, 2, 0, 2])
    classes = torch.tensor(probabilities(3, SAMPLES, 0.9))
    losses = {
        "mse": (nn.MSELoss(), values),
        "bce": (nn.BCEWithLogitsLoss(), values),
        "labels": (nn.CrossEntropyLoss(), labels),
        "classes": (nn.CrossEntropyLoss(), classes),
    }
    text = (
        array("parameters", flat(theta))
        + array("direction", flat(direction))
        + array("x", flat(x))
        + array("values", flat(values))
        + array("labels", flat(labels), "int")
        + array("classes", flat(classes))
    )
    for name, f in (
        ("tanh", torch.tanh),
        ("sigmoid", torch.sigmoid),
        ("softplus", nn.functional.softplus),
        ("gelu", nn.functional.gelu),
        ("silu", nn.functional.silu),
        ("mish", nn.functional.mish),
        ("elu", nn.functional.elu),
        ("selu", nn.functional.selu),
        ("relu", torch.relu),
    ):
        y = network(f)
        text += array(name + "_jacobian", flat(jacobian(lambda x: y(theta, x), x[0]).t()))
        for loss_name, (loss, t) in losses.items():
            product = hvp(lambda theta: loss(y(theta, x), t), theta, direction)[1]
            text += array(f"{name}_{loss_name}", flat(product))
        text += f"inline constexpr Derivatives {name}{{{name}_jacobian, "
        text += ", ".join(f"{name}_{loss}" for loss in losses) + "};\n\n"
    pathlib.Path(__file__).with_name("derivatives.hpp").write_text(HEADER + text + FOOTER)


HEADER = f"""\
// Written by make_derivatives.py with PyTorch {torch.__version__} in float64; do not edit. To make it anew:
//   python3 tests/golden/make_derivatives.py
#pragma once

#include <span>

namespace golden::derivatives {{

// clang-format off

/// For the network with an activation: dy/dx of the first sample, 3 x 4 (column after column), and H v for
/// each
/// loss and its targets.
struct Derivatives {{
  std::span<const double> jacobian, mse, bce, labels, classes;
}};

"""

FOOTER = """\
// clang-format on

}  // namespace golden::derivatives
"""

if __name__ == "__main__":
    main()
