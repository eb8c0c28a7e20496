#!/usr/bin/env python3
"""Writes pytorch.hpp beside this script: PyTorch's results in float64, with which the tests compare.

    python3 tests/golden/make_golden.py

All that goes into a computation is a multiple of 1/256, so that float and double start from the same numbers.
Matrices are written column after column, and a column is a sample: the bytes of PyTorch's samples x features.
"""

import math
import pathlib

import torch
from torch import nn

torch.set_default_dtype(torch.float64)


def wave(count, amplitude, frequency, phase, grid):
    """Numbers without a pattern, the same everywhere: multiples of 1/grid within +-amplitude."""
    return [round(grid * amplitude * math.sin(frequency * k + phase)) / grid for k in range(count)]


def probabilities(classes, samples, phase):
    """Columns of multiples of 1/64; each sums to 1."""
    columns = []
    for j in range(samples):
        parts = [1 + int(9 * (1 + math.sin(phase + 2.3 * j + 1.1 * k))) for k in range(classes)]
        parts = [64 * p // sum(parts) for p in parts]
        parts[j % classes] += 64 - sum(parts)
        columns.append([p / 64 for p in parts])
    return columns


def numbers(values):
    """Shortest decimals that read back as the same doubles, in lines of at most 110 characters."""
    lines, line = [], "   "
    for value in values:
        item = " " + repr(value) + ","
        if len(line) + len(item) > 110:
            lines.append(line)
            line = "   "
        line += item
    return "\n".join(lines + [line])


def array(name, values, type="double"):
    values = [v.item() if isinstance(v, torch.Tensor) else v for v in values]
    assert all(math.isfinite(v) for v in values), name
    return f"inline constexpr {type} {name}[] = {{\n{numbers(values)}\n}};\n"


def flat(tensor):
    return tensor.detach().contiguous().flatten().tolist()


def activations():
    points = [0.0]
    for z in (2**-8, 0.125, 0.5, 0.75, 1.0, 1.5, 2.25, 3.5, 4.75, 6.0, 8.5, 13.0, 40.0, 1e4):
        points += [z, -z]
    text = array("activation_points", points)
    for name, f in (
        ("elu", nn.ELU()),
        ("elu_15", nn.ELU(1.5)),
        ("gelu", nn.GELU()),
        ("gelu_approximate", nn.GELU("tanh")),
        ("hard_tanh", nn.Hardtanh()),
        ("hard_tanh_075_6", nn.Hardtanh(-0.75, 6.0)),
        ("leaky_relu", nn.LeakyReLU(0.01)),
        ("leaky_relu_02", nn.LeakyReLU(0.2)),
        ("mish", nn.Mish()),
        ("relu", nn.ReLU()),
        ("selu", nn.SELU()),
        ("sigmoid", nn.Sigmoid()),
        ("silu", nn.SiLU()),
        ("softplus", nn.Softplus()),
        ("softplus_05", nn.Softplus(0.5)),
        ("softsign", nn.Softsign()),
        ("tanh", nn.Tanh()),
    ):
        z = torch.tensor(points, requires_grad=True)
        a = f(z)
        a.sum().backward()
        text += array(name + "_values", flat(a)) + array(name + "_derivatives", flat(z.grad))
        text += f"inline constexpr Activation {name}{{{name}_values, {name}_derivatives}};\n"
    return text


def loss_case(name, loss, y, t):
    y = torch.tensor(y, requires_grad=True)
    labels = loss_takes_labels(t)
    t = torch.tensor(t)
    value = loss(y, t)
    value.backward()
    samples, rows = y.shape
    return (
        array(name + "_y", flat(y))
        + array(name + "_t", flat(t), "int" if labels else "double")
        + array(name + "_gradient", flat(y.grad))
        + f"inline constexpr Loss<{'int' if labels else 'double'}> {name}{{\n"
        + f"    {rows}, {samples}, {name}_y, {name}_t, {value.item()!r}, {name}_gradient}};\n"
    )


def loss_takes_labels(t):
    return isinstance(t[0], int)


def matrix(rows, samples, values):
    assert len(values) == rows * samples
    return [values[rows * j : rows * (j + 1)] for j in range(samples)]


def losses():
    rows, samples = 5, 7
    y = matrix(rows, samples, wave(35, 4, 1.9, 0.3, 64))
    t = matrix(rows, samples, wave(35, 2, 0.7, 1.1, 64))
    yes = matrix(rows, samples, [abs(v) for v in wave(35, 1, 1.3, 0.2, 64)])
    yes[0][0], yes[3][1] = 0.0, 1.0
    labels = [0, 4, 2, 1, 3, 0, 4]
    classes = probabilities(rows, samples, 0.4)
    classes[2] = [0.0, 0.0, 1.0, 0.0, 0.0]
    classes[5] = [0.5, 0.25, 0.125, 0.25, 0.0]  # sums to 9/8: PyTorch accepts that
    big = 1e4
    text = loss_case("mse", nn.MSELoss(), y, t)
    text += loss_case("bce", nn.BCEWithLogitsLoss(), y, yes)
    text += loss_case("bce_large", nn.BCEWithLogitsLoss(), [[big, -big]] * 4, [[1.0, 0.0], [0.0, 1.0]] * 2)
    text += loss_case("bce_weight", nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.5])), y, yes)
    weights = torch.tensor([0.5, 2.0, 1.0, 0.0, 3.0])
    text += loss_case("bce_weights", nn.BCEWithLogitsLoss(pos_weight=weights), y, yes)
    text += loss_case("ce_labels", nn.CrossEntropyLoss(), y, labels)
    text += loss_case("ce_probabilities", nn.CrossEntropyLoss(), y, classes)
    large = [[big, -big, 0.0], [-big, big, -big], [-big, 0.0, big], [0.0, -big, big]]
    text += loss_case("ce_labels_large", nn.CrossEntropyLoss(), large, [0, 0, 2, 1])
    text += loss_case(
        "ce_probabilities_large",
        nn.CrossEntropyLoss(),
        large,
        [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.25, 0.25, 0.5], [0.0, 0.0, 1.0]],
    )
    for name, loss in (
        ("weighted", nn.CrossEntropyLoss(weights)),
        ("smooth", nn.CrossEntropyLoss(label_smoothing=0.25)),
        ("weighted_smooth", nn.CrossEntropyLoss(weights, label_smoothing=0.25)),
    ):
        text += loss_case(f"ce_labels_{name}", loss, y, labels)
        text += loss_case(f"ce_probabilities_{name}", loss, y, classes)
    return text + element_wise_losses(y, t) + hinges(y, labels) + gaussians()


def element_wise_losses(y, t):
    errors = (torch.tensor(y) - torch.tensor(t)).abs()
    assert all((errors != delta).all() for delta in (0, 1, 1.75)), "no error at a kink"
    counts = [[float(abs(round(v))) for v in column] for column in y]
    logs = [[v / 4 for v in column] for column in y]
    rates = [[1 + abs(v) for v in column] for column in y]
    text = loss_case("mae", nn.L1Loss(), y, t)
    text += loss_case("huber", nn.HuberLoss(), y, t)
    text += loss_case("huber_175", nn.HuberLoss(delta=1.75), y, t)
    text += loss_case("poisson_logs", nn.PoissonNLLLoss(), logs, counts)
    text += loss_case("poisson_logs_full", nn.PoissonNLLLoss(full=True), logs, counts)
    text += loss_case("poisson_rates", nn.PoissonNLLLoss(log_input=False), rates, counts)
    far = nn.PoissonNLLLoss(log_input=False, full=True, eps=0.5)
    text += loss_case("poisson_rates_full", far, rates, counts)
    return text


def hinges(y, labels):
    signs = [[1.0 if v > 0 else -1.0 for v in column] for column in matrix(5, 7, wave(35, 1, 1.3, 0.2, 64))]
    margins = 1 - torch.tensor(y) * torch.tensor(signs)
    assert (margins != 0).all(), "no score at a kink"
    text = loss_case("hinge", lambda y, t: (1 - t * y).clamp(min=0).mean(), y, signs)
    return text + loss_case("hinge_labels", nn.MultiMarginLoss(), y, labels)


def gaussians():
    """Of 6 outputs, 3 are means and 3 logarithms of variances."""
    y = matrix(6, 7, wave(42, 1, 1.9, 0.3, 64))
    t = matrix(3, 7, wave(21, 1, 0.7, 1.1, 64))
    text = ""
    for name, epsilon in (("gaussian", 1e-6), ("gaussian_quarter", 0.25)):
        loss = nn.GaussianNLLLoss(eps=epsilon)
        text += loss_case(name, lambda y, t: loss(y[:, :3], t, y[:, 3:].exp() + epsilon), y, t)
    return text


def set_parameters(net, theta):
    """theta: layer after layer W (outputs x inputs, column after column), then b."""
    for layer in net:
        if isinstance(layer, nn.Linear):
            n, m = layer.in_features, layer.out_features
            w, b, theta = theta[: n * m], theta[n * m : n * m + m], theta[n * m + m :]
            with torch.no_grad():
                layer.weight.copy_(torch.tensor(w).reshape(n, m).t())
                layer.bias.copy_(torch.tensor(b))
    assert not theta


def flat_parameters(net, of=lambda p: p):
    theta = []
    for layer in net:
        if isinstance(layer, nn.Linear):
            theta += flat(of(layer.weight).t()) + flat(of(layer.bias))
    return theta


def network_case(name, net, loss, link, x, t):
    count = sum(p.numel() for p in net.parameters())
    theta = wave(count, 0.875, 1.7, 0.6, 256)
    set_parameters(net, theta)
    labels = loss_takes_labels(t)
    t = torch.tensor(t)
    x = torch.tensor(x, requires_grad=True)
    y = net(x)
    value = loss(y, t)
    value.backward()
    assert flat_parameters(net) == theta
    return (
        array(name + "_parameters", theta)
        + array(name + "_x", flat(x))
        + array(name + "_t", flat(t), "int" if labels else "double")
        + array(name + "_predictions", flat(link(y)))
        + array(name + "_gradient", flat_parameters(net, lambda p: p.grad))
        + array(name + "_input_gradient", flat(x.grad))
        + f"inline constexpr Network<{'int' if labels else 'double'}> {name}{{\n"
        + f"    {x.shape[0]}, {name}_parameters, {name}_x, {name}_t, {value.item()!r},\n"
        + f"    {name}_predictions, {name}_gradient, {name}_input_gradient}};\n"
    )


def tanh_labels():
    net = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
    return net, nn.CrossEntropyLoss(), matrix(4, 7, wave(28, 1.5, 0.9, 0.1, 64)), [2, 0, 1, 1, 2, 0, 2]


def networks():
    softmax = nn.Softmax(dim=1)
    net, loss, x, labels = tanh_labels()
    text = network_case("tanh_labels", net, loss, softmax, x, labels)
    net = nn.Sequential(
        nn.Linear(4, 6), nn.LeakyReLU(0.01), nn.Linear(6, 5), nn.Sigmoid(), nn.Linear(5, 3)
    )
    text += network_case(
        "deep_probabilities", net, nn.CrossEntropyLoss(), softmax, x, probabilities(3, 7, 0.9)
    )
    x = matrix(3, 5, wave(15, 1.5, 1.1, 0.7, 64))
    net = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.Linear(4, 2))
    t = matrix(2, 5, wave(10, 1, 2.1, 0.2, 64))
    text += network_case("sigmoid_mse", net, nn.MSELoss(), lambda y: y, x, t)
    net = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))
    t = [[1.0], [0.0], [0.75], [0.0], [1.0]]
    text += network_case("tanh_bce", net, nn.BCEWithLogitsLoss(), torch.sigmoid, x, t)
    return text


def trajectory(name, steps, **options):
    net, loss, x, labels = tanh_labels()
    set_parameters(net, wave(sum(p.numel() for p in net.parameters()), 0.875, 1.7, 0.6, 256))
    optimizer = torch.optim.SGD(net.parameters(), **options)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss(net(torch.tensor(x)), torch.tensor(labels))
        value.backward()
        optimizer.step()
        losses.append(value.item())
    assert losses[-1] < losses[0]
    momentum, decay = options.get("momentum", 0.0), options.get("weight_decay", 0.0)
    nesterov = "true" if options.get("nesterov") else "false"
    return (
        array(name + "_losses", losses)
        + array(name + "_parameters", flat_parameters(net))
        + f"inline constexpr Trajectory {name}{{\n"
        + f"    {options['lr']}, {momentum}, {decay}, {nesterov}, {name}_losses, {name}_parameters}};\n"
    )


def trajectories():
    return (
        trajectory("sgd", 60, lr=0.5)
        + trajectory("sgd_momentum", 60, lr=0.1, momentum=0.9)
        + trajectory("sgd_nesterov", 60, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01)
        + trajectory("sgd_decay", 60, lr=0.5, weight_decay=0.01)
    )


def check_mazur():
    """The numbers in mazur_test.cpp, to their last digit."""
    x, t = torch.tensor([0.05, 0.10]), torch.tensor([0.01, 0.99])
    w = torch.tensor([[0.15, 0.20], [0.25, 0.30]], requires_grad=True)
    v = torch.tensor([[0.40, 0.45], [0.50, 0.55]], requires_grad=True)

    def forward():
        o = torch.sigmoid(v @ torch.sigmoid(w @ x + 0.35) + 0.60)
        return o, ((t - o) ** 2).sum() / 2

    def check(found, digits):
        assert all(abs(a - float(b)) <= 10.0 ** -(len(b) - 2) for a, b in zip(flat(found), digits.split()))

    o, error = forward()
    check(o, "0.75136507 0.772928465")
    check(error, "0.298371109")
    error.backward()
    with torch.no_grad():
        w -= 0.5 * w.grad
        v -= 0.5 * v.grad
    check(w, "0.149780716 0.19956143 0.24975114 0.29950229")
    check(v, "0.35891648 0.408666186 0.511301270 0.561370121")
    check(forward()[1], "0.291027774")


HEADER = f"""\
// Written by make_golden.py with PyTorch {torch.__version__} in float64; do not edit. To make it anew:
//   python3 tests/golden/make_golden.py
#pragma once

#include <span>

/// PyTorch's results. Matrices are stored column after column, and a column is a sample.
namespace golden {{

// clang-format off

struct Activation {{
  std::span<const double> values, derivatives;  // at activation_points
}};

template <class T>
struct Loss {{
  int outputs, samples;
  std::span<const double> y;
  std::span<const T> t;
  double value;
  std::span<const double> gradient;
}};

/// Parameters and gradient: layer after layer, W (outputs x inputs), then b.
template <class T>
struct Network {{
  int samples;
  std::span<const double> parameters, x;
  std::span<const T> t;
  double loss;
  std::span<const double> predictions, gradient, input_gradient;
}};

/// Training of tanh_labels: the loss before each step and the parameters after the last.
struct Trajectory {{
  double learning_rate, momentum, weight_decay;
  bool nesterov;
  std::span<const double> losses, parameters;
}};

"""


if __name__ == "__main__":
    check_mazur()
    text = HEADER + "\n".join([activations(), losses(), networks(), trajectories()])
    text += "\n// clang-format on\n\n}  // namespace golden\n"
    pathlib.Path(__file__).with_name("pytorch.hpp").write_text(text)
