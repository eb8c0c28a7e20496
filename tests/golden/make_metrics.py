#!/usr/bin/env python3
"""Writes metrics.hpp beside this script: results of sklearn.metrics, with which metrics_test.cpp compares.

    python3 tests/golden/make_metrics.py

Scores are multiples of 1/8, so that many are equal; of the five classes one has no sample and another no
prediction.
"""

import math
import pathlib
import warnings

import numpy as np
from sklearn import metrics

CLASSES = 5
SAMPLES = 40


def wave(count, frequency, phase):
    """Numbers without a pattern, the same everywhere, in [-1, 1]."""
    return np.array([math.sin(frequency * k + phase) for k in range(count)])


def array(name, values, type="double"):
    lines, line = [], "   "
    for value in np.asarray(values).flatten().tolist():
        item = f" {value!r},"
        if len(line) + len(item) > 110:
            lines.append(line)
            line = "   "
        line += item
    return f"inline constexpr {type} {name}[] = {{\n" + "\n".join(lines + [line]) + "\n};\n"


def number(name, value):
    return f"inline constexpr double {name} = {float(value)!r};\n"


def labels():
    """Class 3 is never predicted correctly and class 4 never predicted."""
    t = np.floor(2 + 2 * wave(SAMPLES, 1.7, 0.3)).astype(int)
    t[t == 3] = 4
    predicted = np.where(wave(SAMPLES, 2.9, 1.0) > -0.2, t, (t + 1) % CLASSES)
    predicted[predicted == 4] = 3
    assert sorted(set(t)) == [0, 1, 2, 4] and sorted(set(predicted)) == [0, 1, 2, 3]
    text = array("labels", t, "int") + array("predicted", predicted, "int")
    text += number("accuracy", metrics.accuracy_score(t, predicted))
    text += "/// Row by row.\n"
    text += array("confusion", metrics.confusion_matrix(t, predicted, labels=range(CLASSES)), "int")

    def scores(average):
        return metrics.precision_recall_fscore_support(
            t, predicted, labels=range(CLASSES), average=average, zero_division=0
        )

    for name, values in zip(["precision", "recall", "f1"], scores(None)):
        text += array(name, values)
    for average in ["macro", "micro", "weighted"]:
        text += array(average, scores(average)[:3])
    return text


def rankings():
    t = np.arange(SAMPLES) * 7 % CLASSES
    scores = np.round(8 * wave(CLASSES * SAMPLES, 2.3, 0.9)).reshape(SAMPLES, CLASSES) / 8
    scores[np.arange(SAMPLES), t] += 0.375
    text = array("ranked_labels", t, "int")
    text += "/// Column by column, a column being a sample.\n" + array("scores", scores)
    # For equal scores, scikit-learn takes the last class and mlp the first: reverse the classes.
    top_k = [
        metrics.top_k_accuracy_score(CLASSES - 1 - t, scores[:, ::-1], k=k, labels=range(CLASSES))
        for k in range(1, CLASSES)
    ]
    text += array("top_k_accuracy", top_k)

    binary = (wave(SAMPLES, 1.9, 0.1) > 0.2).astype(int)
    binary_scores = np.round(8 * (0.3 * binary + wave(SAMPLES, 3.1, 0.5))) / 8
    assert len(set(binary_scores)) < SAMPLES / 2
    text += array("binary_labels", binary, "int") + array("binary_scores", binary_scores)
    text += number("binary_roc_auc", metrics.roc_auc_score(binary, binary_scores))

    # scikit-learn requires rows that sum to 1: multiples of 1/64, which are exact.
    parts = np.floor(13 * (1 + scores / 2)).astype(int)
    parts[np.arange(SAMPLES), (t + 2) % CLASSES] += 128 - parts.sum(axis=1)
    text += array("probabilities", parts / 128)
    text += number("roc_auc", metrics.roc_auc_score(t, parts / 128, multi_class="ovr", average="macro"))
    return text


def regression():
    t = np.round(64 * wave(3 * SAMPLES, 1.3, 0.2)).reshape(SAMPLES, 3) / 64 * [1, 4, 0.5] + [0, 3, 1]
    y = t + np.round(64 * wave(3 * SAMPLES, 2.1, 0.7)).reshape(SAMPLES, 3) / 64 * [0.2, 1, 0.75]
    text = "/// Column by column.\n" + array("targets", t) + array("outputs", y)
    text += array("r2_of_each", metrics.r2_score(t, y, multioutput="raw_values"))
    text += number("r2", metrics.r2_score(t, y))
    text += number("mean_absolute_error", metrics.mean_absolute_error(t, y))
    return text


if __name__ == "__main__":
    warnings.simplefilter("error")
    text = f"""\
// Written by make_metrics.py with scikit-learn 1.2.1; do not edit. To make it anew:
// python3 tests/golden/make_metrics.py
#pragma once

namespace golden::metrics {{

// clang-format off

inline constexpr int classes = {CLASSES}, samples = {SAMPLES};

{labels()}
{rankings()}
{regression()}
// clang-format on

}}  // namespace golden::metrics
"""
    pathlib.Path(__file__).with_name("metrics.hpp").write_text(text)
