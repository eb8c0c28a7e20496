#!/usr/bin/env python3
"""Writes scikit-learn's small data sets to ../files/*.csv, and sklearn.hpp beside this script: how well
scikit-learn's networks learn them, with which datasets_test.cpp compares.

    python3 tests/golden/make_sklearn.py

Every fourth sample of a file is a test sample. Inputs (and the target of the regression) are scaled by the mean
and deviation of the others, which train one hidden layer of ReLUs with Adam, once from each of SEEDS seeds.
"""

import csv
import pathlib
import warnings

import numpy as np
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

HERE = pathlib.Path(__file__).parent
SEEDS = 10
HIDDEN = 32
BATCH_SIZE = 32
LEARNING_RATE = 0.005
# Data set, name of the target column, epochs.
SETS = [
    ("iris", "species", 50),
    ("wine", "cultivar", 20),
    ("breast_cancer", "diagnosis", 20),
    ("digits", "digit", 20),
    ("diabetes", "progression", 20),
]


def load(name):
    """Raw values of the features, and labels by name, or numbers for the regression."""
    data = getattr(datasets, f"load_{name}")(**({"scaled": False} if name == "diabetes" else {}))
    t = data.target if name == "diabetes" else np.array([str(n) for n in data.target_names])[data.target]
    return data.feature_names, data.data, t


def shortest(value):
    """The shortest decimal that reads back as the same double, and an integer without a point."""
    return repr(int(value)) if value == int(value) else repr(float(value))


def write_csv(name, features, target, x, t):
    is_number = t.dtype.kind == "f"
    with open(HERE.parent / "files" / f"{name}.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*features, target])
        for row, label in zip(x, t):
            writer.writerow([shortest(v) for v in row] + [shortest(label) if is_number else label])


def score(x, t, epochs, seed):
    is_test = np.arange(len(x)) % 4 == 3
    scaler = StandardScaler().fit(x[~is_test])
    options = dict(
        hidden_layer_sizes=(HIDDEN,),
        alpha=0,
        batch_size=BATCH_SIZE,
        learning_rate_init=LEARNING_RATE,
        max_iter=epochs,
        n_iter_no_change=epochs + 1,
        random_state=seed,
    )
    if t.dtype.kind == "f":
        net = MLPRegressor(**options)
        t = (t - t[~is_test].mean()) / t[~is_test].std()
    else:
        net = MLPClassifier(**options)
    net.fit(scaler.transform(x[~is_test]), t[~is_test])
    return net.score(scaler.transform(x[is_test]), t[is_test])


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows = ""
    for name, target, epochs in SETS:
        features, x, t = load(name)
        write_csv(name, features, target, x, t)
        scores = [score(x, t, epochs, seed) for seed in range(1, SEEDS + 1)]
        low, mean, high = (float(f(scores)) for f in (np.min, np.mean, np.max))
        rows += f'    {{"{name}", {epochs}, {low!r}, {mean!r}, {high!r}}},\n'
    text = f"""\
// Written by make_sklearn.py with scikit-learn 1.2.1; do not edit. To make it anew:
// python3 tests/golden/make_sklearn.py
#pragma once

namespace golden::sklearn {{

inline constexpr int seeds = {SEEDS}, hidden = {HIDDEN}, batch_size = {BATCH_SIZE};
inline constexpr double learning_rate = {LEARNING_RATE};

/// The accuracy on the test samples, or for a regression R2: the worst seed, the mean, the best.
struct DataSet {{
  const char* name;
  int epochs;
  double min, mean, max;
}};

inline constexpr DataSet data_sets[] = {{
{rows}}};

}}  // namespace golden::sklearn
"""
    (HERE / "sklearn.hpp").write_text(text)
