#!/usr/bin/env python3
"""Writes optimizers.hpp beside this script: results of PyTorch's optimizers and schedules, in float64.

    python3 tests/golden/make_optimizers.py
"""

import math
import pathlib

import torch
from torch import nn
from torch.optim import lr_scheduler

from make_golden import array, flat_parameters, matrix, set_parameters, wave

CHECKPOINTS = [1, 10, 50, 200]
BATCH = 8
X = matrix(4, 24, wave(96, 1.5, 0.9, 0.1, 64))
LABELS = [j * (j + 1) // 2 % 3 for j in range(24)]
THETA = wave(67, 0.875, 1.7, 0.6, 256)

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.25),
    "sgd_momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
    "sgd_nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "adam_decay": lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.05),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.5),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01),
    "rmsprop_all": lambda p: torch.optim.RMSprop(
        p, lr=0.002, alpha=0.9, eps=1e-2, weight_decay=0.02, momentum=0.8, centered=True
    ),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1),
    "adagrad_all": lambda p: torch.optim.Adagrad(
        p, lr=0.2, lr_decay=0.01, weight_decay=0.02, initial_accumulator_value=0.1, eps=1e-6
    ),
}


def train(make_optimizer, noise=lambda k: 0.0):
    """Parameters after the steps of CHECKPOINTS, and the losses of their batches before them."""
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    set_parameters(net, THETA)
    optimizer = make_optimizer(net.parameters())
    x, t = torch.tensor(X), torch.tensor(LABELS)
    k, parameters, losses = 0, [], []
    for step in range(1, CHECKPOINTS[-1] + 1):
        batch = slice((step - 1) * BATCH % 24, (step - 1) * BATCH % 24 + BATCH)
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(net(x[batch]), t[batch])
        loss.backward()
        for p in net.parameters():
            p.grad += torch.tensor([noise(k + i) for i in range(p.numel())]).reshape(p.shape)
            k += p.numel()
        optimizer.step()
        with torch.no_grad():
            for p in net.parameters():
                p += torch.tensor([noise(k + i) for i in range(p.numel())]).reshape(p.shape)
                k += p.numel()
        if step in CHECKPOINTS:
            parameters.append(flat_parameters(net))
            losses.append(loss.item())
    return parameters, losses


def trajectory(name, make_optimizer):
    parameters, losses = train(make_optimizer)
    delta = 2.0**-32
    sensitivities = [0.0] * len(CHECKPOINTS)
    for noise in (
        lambda k: delta,
        lambda k: -delta,
        lambda k: math.copysign(delta, math.sin(1.7 * k + 0.3)),
        lambda k: math.copysign(delta, math.sin(2.9 * k * k)),
    ):
        other_parameters, other_losses = train(make_optimizer, noise)
        for c in range(len(CHECKPOINTS)):
            pairs = zip(parameters[c] + [losses[c]], other_parameters[c] + [other_losses[c]])
            sensitivities[c] = max(sensitivities[c], max(abs(a - b) for a, b in pairs) / delta)
    sensitivities = [float(math.ceil(s)) for s in sensitivities]
    assert losses[-1] < 0.7 * losses[0], name
    return (
        array(name + "_parameters", sum(parameters, []))
        + array(name + "_losses", losses)
        + array(name + "_sensitivities", sensitivities)
        + f"inline constexpr Trajectory {name}{{\n"
        + f"    {name}_parameters, {name}_losses, {name}_sensitivities}};\n"
    )


def factors(steps, make_scheduler):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make_scheduler(optimizer)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def plateau(losses, **options):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, eps=0, **options)
    found = []
    for loss in losses:
        scheduler.step(loss)
        found.append(optimizer.param_groups[0]["lr"])
    return found


def one_cycle(optimizer, steps, **options):
    return lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=steps, cycle_momentum=False, **options)


def schedules():
    text = ""
    for name, steps, make in (
        ("step_lr", 30, lambda o: lr_scheduler.StepLR(o, step_size=7, gamma=0.75)),
        ("exponential_lr", 30, lambda o: lr_scheduler.ExponentialLR(o, gamma=0.9)),
        ("cosine", 21, lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=20, eta_min=0.125)),
        ("restarts", 20, lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=6)),
        (
            "longer_restarts",
            50,
            lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=5, T_mult=2, eta_min=0.125),
        ),
        ("one_cycle", 25, lambda o: one_cycle(o, 25)),
        ("one_cycle_all", 14, lambda o: one_cycle(o, 14, pct_start=0.45, div_factor=10, final_div_factor=50)),
    ):
        text += array(name, factors(steps, make))
    losses = [2, 1, 1, 0.995, 0.98, 0.98, 0.99, 1, 0.98, 0.98, 0.98, 0.5, 0.5, 0.6, 0.5, 0.4]
    losses = [float(loss) for loss in losses + [0.398, 0.397, 0.396, 0.395, 0.394] + 20 * [0.4] + 3 * [0.3]]
    text += array("plateau_losses", losses)
    options = {"factor": 0.5, "patience": 2, "threshold": 2**-7, "cooldown": 2, "min_lr": 0.1}
    text += array("plateau", plateau(losses, **options))
    text += array("plateau_default", plateau(losses))
    return text


HEADER = f"""\
// Written by make_optimizers.py with PyTorch {torch.__version__} in float64; do not edit. To make it anew:
//   python3 tests/golden/make_optimizers.py
#pragma once

#include <span>

/// Results of PyTorch's optimizers and learning-rate schedules.
namespace golden::optimizers {{

// clang-format off

/// The training of a network 4-8-3, tanh, on {len(LABELS)} samples in batches of {BATCH}, which take turns. At each
/// checkpoint (a number of steps): the parameters, the loss before the last step, and how far the worst of
/// these moves per unit of error in each gradient and each parameter in each step.
struct Trajectory {{
  std::span<const double> parameters, losses, sensitivities;
}};

inline constexpr int batch_size = {BATCH};
"""


if __name__ == "__main__":
    text = HEADER + array("checkpoints", CHECKPOINTS, "int")
    text += array("x", sum(X, [])) + array("t", LABELS, "int") + array("start", THETA)
    text += "\n" + "".join(trajectory(name, make) for name, make in OPTIMIZERS.items())
    text += "\n/// Factors in steps 1, 2, ...; the plateau's after each of its losses.\n" + schedules()
    text += "\n// clang-format on\n\n}  // namespace golden::optimizers\n"
    pathlib.Path(__file__).with_name("optimizers.hpp").write_text(text)
