#!/usr/bin/env python3
"""Writes layers.hpp beside this script: results of PyTorch's norms, alone and in a network, in float64.

    python3 tests/golden/make_layers.py

See make_golden.py for the numbers that go in and how matrices lie.
"""

import pathlib

import torch
from make_golden import array, flat, matrix, wave
from torch import nn

ROWS, SAMPLES = 19, 7  # a whole tile of 16 and a part of one


def parameters(modules, of=lambda p: p):
    """Layer after layer: W (outputs x inputs, column after column), then b; gamma, then beta."""
    theta = []
    for m in modules:
        if isinstance(m, nn.Linear):
            theta += flat(of(m.weight).t()) + flat(of(m.bias))
        elif isinstance(m, (nn.LayerNorm, nn.BatchNorm1d)):
            theta += flat(of(m.weight)) + flat(of(m.bias))
    return theta


def state(modules):
    norms = (m for m in modules if isinstance(m, nn.BatchNorm1d))
    return sum((flat(m.running_mean) + flat(m.running_var) for m in norms), [])


def norm_inputs():
    n = ROWS * SAMPLES
    x, dy = matrix(ROWS, SAMPLES, wave(n, 2, 1.9, 0.3, 64)), matrix(ROWS, SAMPLES, wave(n, 1, 0.7, 1.1, 64))
    return x, dy, wave(ROWS, 1.5, 2.3, 0.9, 64), wave(ROWS, 1, 1.3, 0.2, 64)


def norm_case(name, norm):
    """The passes on one batch, then the running statistics after two more, and the output that they give."""
    x, dy, gamma, beta = (torch.tensor(v) for v in norm_inputs())
    x.requires_grad_()
    with torch.no_grad():
        norm.weight.copy_(gamma)
        norm.bias.copy_(beta)
    y = norm(x)
    y.backward(dy)
    norm(2 * x.detach() + 1)
    norm(x.detach().square())
    norm.eval()
    text, members = "", []
    for member, values in (
        ("y", flat(y)),
        ("dx", flat(x.grad)),
        ("gradient", flat(norm.weight.grad) + flat(norm.bias.grad)),
        ("state", state([norm])),
        ("predictions", flat(norm(x))),
    ):
        if values:
            text += array(f"{name}_{member}", values)
        members.append(f"{name}_{member}" if values else "{}")
    return (
        text
        + f"inline constexpr Norm {name}{{\n"
        + f"    {norm.eps!r}, {getattr(norm, 'momentum', 0.0)!r}, {', '.join(members[:3])},\n"
        + f"    {', '.join(members[3:])}}};\n"
    )


class Residual(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.f = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.f(x)


def network():
    net = nn.Sequential(
        nn.Linear(4, 6),
        nn.BatchNorm1d(6),
        nn.Tanh(),
        Residual(nn.LayerNorm(6), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 6), nn.BatchNorm1d(6)),
        nn.LayerNorm(6),
        nn.Linear(6, 3),
    )
    modules = list(net.modules())
    with torch.no_grad():
        for k, m in enumerate(m for m in modules if isinstance(m, nn.Linear)):
            m.weight.copy_(torch.tensor(wave(m.weight.numel(), 0.875, 1.7, k, 256)).reshape(m.weight.shape))
            m.bias.copy_(torch.tensor(wave(m.bias.numel(), 0.5, 1.1, k, 256)))
    start = parameters(modules)
    x = matrix(4, 14, wave(56, 1.5, 0.9, 0.1, 64))
    labels = [2, 0, 1, 1, 2, 0, 2, 1, 1, 0, 2, 0, 1, 0]
    batches = [(torch.tensor(x[k : k + 7]), torch.tensor(labels[k : k + 7])) for k in (0, 7)]
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.5)
    losses = []
    for step in range(20):
        optimizer.zero_grad()
        xs, ts = batches[step % 2]
        value = nn.CrossEntropyLoss()(net(xs), ts)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    assert losses[-1] < losses[0]
    trained, running = parameters(modules), state(modules)
    net.eval()
    inputs = torch.tensor(x, requires_grad=True)
    y = net(inputs)
    y.sum(0)[0].backward()  # the first output of each sample
    return (
        array("residual_net_start", start)
        + array("residual_net_x", flat(inputs))
        + array("residual_net_t", labels, "int")
        + array("residual_net_losses", losses)
        + array("residual_net_parameters", trained)
        + array("residual_net_state", running)
        + array("residual_net_predictions", flat(nn.Softmax(dim=1)(y)))
        + array("residual_net_dx", flat(inputs.grad))
    )


HEADER = f"""\
// Written by make_layers.py with PyTorch {torch.__version__} in float64; do not edit. To make it anew:
//   python3 tests/golden/make_layers.py
#pragma once

#include <span>

namespace golden {{

// clang-format off

inline constexpr int norm_rows = {ROWS}, norm_samples = {SAMPLES};

/// The training passes on norm_x, with the incoming gradient norm_dy and norm_parameters (gamma, then beta);
/// then the running statistics (mean, then variance) after training on x, 2 x + 1 and x^2, and the prediction
/// for x with them.
struct Norm {{
  double epsilon, momentum;
  std::span<const double> y, dx, gradient, state, predictions;
}};

/// residual_net_*: 20 steps of SGD (learning rate 0.1, momentum 0.5), on the first 7 and the last 7 of the 14
/// samples in turn; dx is the derivative of each sample's first output, in prediction after the last step.

"""


if __name__ == "__main__":
    x, dy, gamma, beta = norm_inputs()
    text = HEADER + array("norm_x", sum(x, [])) + array("norm_dy", sum(dy, []))
    text += array("norm_parameters", gamma + beta)
    text += norm_case("layer_norm", nn.LayerNorm(ROWS)) + norm_case("batch_norm", nn.BatchNorm1d(ROWS))
    text += norm_case("layer_norm_options", nn.LayerNorm(ROWS, eps=0.125))
    text += norm_case("batch_norm_options", nn.BatchNorm1d(ROWS, eps=0.125, momentum=0.25))
    text += network()
    text += "\n// clang-format on\n\n}  // namespace golden\n"
    pathlib.Path(__file__).with_name("layers.hpp").write_text(text)
