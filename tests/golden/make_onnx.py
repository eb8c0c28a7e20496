#!/usr/bin/env python3
"""Writes ../files/onnx/*.onnx, and onnx.hpp beside this script: a few samples for each file and what PyTorch or
scikit-learn computes for them, for io/onnx_test.cpp to compare with.

    /usr/bin/python3 tests/golden/make_onnx.py       (torch 1.13, scikit-learn 1.2.1, onnx 1.12)

Files of PyTorch are what torch.onnx.export writes, for every activation and layer. Its exporter writes the activations
alike at opset 13 and 17, which is checked here, so there is one file for each.

Files of scikit-learn are graphs as its converter, skl2onnx, makes them, with parameters of networks trained here:
- StandardScaler and MinMaxScaler: ai.onnx.ml's Scaler, y = (x - offset) * scale; or, with the option to divide, Sub and
  Div; newer versions write Mul and Add for the MinMaxScaler.
- MLPClassifier and MLPRegressor: (Cast ->) MatMul, Add, Relu, ..., MatMul, Add.
- The classifier goes on with Softmax or, if binary, Sigmoid, 1 - p by Sub, and Concat to two columns: "probabilities".
  ArgMax, ArrayFeatureExtractor, Cast and Reshape make "output_label" of them; ZipMap, unless switched off,
  "output_probability", a map from the names of classes.
- The regressor ends with a Reshape to (-1, outputs): "variable".
"""

import io
import pathlib
import warnings

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from sklearn import datasets
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from torch import nn

HERE = pathlib.Path(__file__).parent
FOLDER = HERE.parent / "files" / "onnx"
warnings.filterwarnings("ignore")
torch.manual_seed(1)
goldens = []


def save(name, model, architecture, x, y):
    """x and y have a row per sample. The architecture is the one that the library must read from the file."""
    onnx.checker.check_model(model)
    (FOLDER / f"{name}.onnx").write_bytes(model.SerializeToString())
    goldens.append((name, architecture, np.asarray(x, np.float32).reshape(len(x), -1), np.asarray(y, np.float64)))


def exported(module, x, opset, **options):
    buffer = io.BytesIO()
    axes = {"x": {0: "n"}, "y": {0: "n"}}
    torch.onnx.export(module, x, buffer, opset_version=opset, input_names=["x"], output_names=["y"],
                      dynamic_axes=axes, **options)
    return onnx.load_from_string(buffer.getvalue())


def pytorch(name, module, architecture, opset=13, shape=(3,), **options):
    module.eval()
    with torch.no_grad():
        for p in module.parameters():
            if p.numel() > 1:  # but not a PReLU's slope
                p.add_(0.2 * torch.randn_like(p))
        for b in module.buffers():
            if b.is_floating_point():
                b.add_(0.5 * torch.rand_like(b))
        x = 1.5 * torch.randn(4, *shape)
        y = module(x)
    save(name, exported(module, x, opset, **options), architecture, x, y)
    return module, x


ACTIVATIONS = [
    ("relu", nn.ReLU(), "ReLU"),
    ("leaky_relu", nn.LeakyReLU(0.2), "LeakyReLU(negative_slope=0.2)"),
    ("prelu", nn.PReLU(), "LeakyReLU(negative_slope=0.25)"),
    ("elu", nn.ELU(0.7), "ELU(alpha=0.7)"),
    ("selu", nn.SELU(), "SELU"),
    ("gelu", nn.GELU(), "GELU"),
    ("gelu_tanh", nn.GELU(approximate="tanh"), "GELU(approximate=1)"),
    ("silu", nn.SiLU(), "SiLU"),
    ("mish", nn.Mish(), "Mish"),
    ("softplus", nn.Softplus(), "Softplus"),
    ("softplus_beta", nn.Softplus(beta=2.5), "Softplus(beta=2.5)"),
    ("softsign", nn.Softsign(), "Softsign"),
    ("sigmoid", nn.Sigmoid(), "Sigmoid"),
    ("tanh", nn.Tanh(), "Tanh"),
    ("hard_tanh", nn.Hardtanh(-0.3, 2), "HardTanh(min_value=-0.3, max_value=2)"),
]


def pytorch_activations():
    for name, activation, text in ACTIVATIONS:
        # Ahead of the last layer, so that a Sigmoid is not taken for the loss's.
        module = nn.Sequential(nn.Linear(3, 2), activation, nn.Linear(2, 2))
        module, x = pytorch(name, module, f"Mlp(MeanSquaredError, Dense(3, 2, {text}), Dense(2, 2))")
        ops = [[n.op_type for n in exported(module, x, opset).graph.node] for opset in (13, 17)]
        assert ops[0] == ops[1]


class Shortcut(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.inner = nn.Sequential(nn.Linear(3, 2), nn.SiLU(), nn.Linear(2, 3))

    def forward(self, x):
        x = self.first(x)
        return x + torch.relu(self.inner(x + torch.tanh(x)))


class View(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, x):
        return self.linear(x.view(x.size(0), -1)).reshape(-1, 2)


class DropFirst(nn.Module):
    """In training mode without being random: the exporter keeps its Dropout."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 2)
        self.dropout = nn.Dropout(0.3)

    def forward(self, x):
        return self.dropout(self.linear(x))


def pytorch_layers():
    norm = nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2, eps=1e-3), nn.ReLU(), nn.Linear(2, 2))
    text = "Mlp(MeanSquaredError, Dense(3, 2), LayerNorm(2, epsilon=0.001), Activate(2, ReLU), Dense(2, 2))"
    pytorch("layer_norm_13", norm, text)
    pytorch("layer_norm_17", norm, text, 17)
    pytorch("layer_norm_plain", nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4, elementwise_affine=False)),
            "Mlp(MeanSquaredError, Dense(3, 4), LayerNorm(4, epsilon=1e-05))")
    norm = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2), nn.BatchNorm1d(2, 1e-3, 0.25), nn.ReLU(), nn.Softmax(1))
    text = ("Mlp(SoftmaxCrossEntropy, BatchNorm(3, epsilon=1e-05, momentum=0.1), Dense(3, 2), "
            "BatchNorm(2, epsilon=0.001, momentum=0.25), Activate(2, ReLU))")
    pytorch("batch_norm_13", norm, text, do_constant_folding=False)
    pytorch("batch_norm_17", norm, text, 17, do_constant_folding=False)
    pytorch("classifier", nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(), nn.Linear(4, 3), nn.Softmax(-1)),
            "Mlp(SoftmaxCrossEntropy, Dense(3, 4, ReLU), Dense(4, 3))", 17)
    pytorch("binary", nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1), nn.Sigmoid()),
            "Mlp(BinaryCrossEntropy, Dense(3, 4, Tanh), Dense(4, 1))")
    pytorch("no_bias", nn.Sequential(nn.Linear(3, 4, bias=False), nn.ReLU(), nn.Linear(4, 2, bias=False)),
            "Mlp(MeanSquaredError, Dense(3, 4, ReLU), Dense(4, 2))")
    pytorch("flatten", nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), "Mlp(MeanSquaredError, Dense(4, 2))", shape=(2, 2))
    pytorch("view", View(), "Mlp(MeanSquaredError, Dense(4, 2))", shape=(2, 2))
    pytorch("view_9", View(), "Mlp(MeanSquaredError, Dense(4, 2))", 9, shape=(2, 2))
    pytorch("residual", Shortcut(),
            "Mlp(MeanSquaredError, Dense(3, 3), Residual(Residual(Activate(3, Tanh)), Dense(3, 2, SiLU), Dense(2, 3, ReLU)))")
    pytorch("hard_tanh_9", nn.Sequential(nn.Linear(3, 2), nn.Hardtanh(-0.3, 2)),
            "Mlp(MeanSquaredError, Dense(3, 2, HardTanh(min_value=-0.3, max_value=2)))", 9)
    for opset in (11, 13):
        pytorch(f"dropout_{opset}", DropFirst(), "Mlp(MeanSquaredError, Dense(3, 2), Dropout(2, p=0.3))", opset,
                training=torch.onnx.TrainingMode.TRAINING)


def graph(nodes, initializers, outputs, inputs=3, input_type=TensorProto.FLOAT, opset=15):
    g = helper.make_graph(nodes, "graph", [helper.make_tensor_value_info("X", input_type, [None, inputs])],
                          outputs, initializers)
    return helper.make_model(g, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 1)],
                             ir_version=8)


def tensor_out(name, columns):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, columns])


def numbers(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(values, dtype), name)


class Converter:
    """Nodes and initializers, as skl2onnx writes them for a pipeline."""

    def __init__(self):
        self.nodes, self.initializers, self.value = [], [], "X"

    def apply(self, op, *more, output=None, first=False, **attributes):
        output = output or f"{op.lower()}_result{len(self.nodes)}"
        inputs = [*more, self.value] if first else [self.value, *more]
        self.nodes.append(helper.make_node(op, inputs, [output], name=f"{op}{len(self.nodes)}", **attributes))
        self.value = output

    def constant(self, name, values, dtype=np.float32):
        name = f"{name}{len(self.initializers)}"
        self.initializers.append(numbers(name, values, dtype))
        return name

    def network(self, model):
        for i, (w, b) in enumerate(zip(model.coefs_, model.intercepts_)):
            self.apply("MatMul", self.constant("coefficient", w))
            self.apply("Add", self.constant("intercepts", b.reshape(1, -1)))
            if i + 1 < len(model.coefs_):
                self.apply({"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid"}[model.activation])

    def label(self, classes):
        probabilities = self.value
        self.apply("ArgMax", axis=1, output="argmax_output")
        dtype = np.int64 if isinstance(classes[0], int) else object
        name = self.constant("classes", classes, dtype)
        self.apply("ArrayFeatureExtractor", first=True, output="label", domain="ai.onnx.ml", *[name])
        self.apply("Reshape", self.constant("shape", [-1], np.int64), output="output_label")
        self.value = probabilities


def map_out(name, key):
    value = onnx.ValueInfoProto(name=name)
    element = value.type.sequence_type.elem_type.map_type
    element.key_type = key
    element.value_type.tensor_type.elem_type = TensorProto.FLOAT
    return value


def sklearn_files():
    iris = datasets.load_iris()
    x, t = iris.data[:, :3], iris.target
    some = x[::40].astype(np.float32)

    scaler = StandardScaler().fit(x)
    model = MLPClassifier((4,), random_state=1, max_iter=100).fit(scaler.transform(x), t)
    c = Converter()
    c.apply("Scaler", domain="ai.onnx.ml", offset=scaler.mean_, scale=1 / scaler.scale_, output="variable1")
    c.apply("Cast", to=TensorProto.FLOAT)
    c.network(model)
    c.apply("Softmax", axis=1, output="probabilities")
    c.label([str(n) for n in iris.target_names])
    c.apply("ZipMap", domain="ai.onnx.ml", classlabels_strings=[str(n) for n in iris.target_names],
            output="output_probability")
    outputs = [helper.make_tensor_value_info("output_label", TensorProto.STRING, [None]),
               map_out("output_probability", TensorProto.STRING)]
    save("sklearn_classifier", graph(c.nodes, c.initializers, outputs),
         "Mlp(SoftmaxCrossEntropy, Dense(3, 4, ReLU), Dense(4, 3))", some, model.predict_proba(scaler.transform(some)))

    scaler = MinMaxScaler((-1, 1)).fit(x)
    model = MLPClassifier((4,), activation="tanh", random_state=1, max_iter=100).fit(scaler.transform(x), t == 2)
    c = Converter()
    c.apply("Mul", c.constant("scale", scaler.scale_))
    c.apply("Add", c.constant("min", scaler.min_))
    c.network(model)
    c.apply("Sigmoid", output="p")
    c.apply("Sub", c.constant("unity", 1), first=True, output="negative_class_proba")
    c.nodes.append(helper.make_node("Concat", ["negative_class_proba", "p"], ["probabilities"], axis=1))
    c.value = "probabilities"
    c.label([0, 1])
    outputs = [helper.make_tensor_value_info("output_label", TensorProto.INT64, [None]), tensor_out("probabilities", 2)]
    y = model.predict_proba(scaler.transform(some))[:, 1:]
    save("sklearn_binary", graph(c.nodes, c.initializers, outputs),
         "Mlp(BinaryCrossEntropy, Dense(3, 4, Tanh), Dense(4, 1))", some, y)

    c.apply("ZipMap", domain="ai.onnx.ml", classlabels_int64s=[0, 1], output="output_probability")
    outputs[1] = map_out("output_probability", TensorProto.INT64)
    save("sklearn_binary_zipmap", graph(c.nodes, c.initializers, outputs),
         "Mlp(BinaryCrossEntropy, Dense(3, 4, Tanh), Dense(4, 1))", some, y)

    scaler = StandardScaler().fit(x)
    model = MLPRegressor((4, 3), activation="logistic", random_state=1, max_iter=100)
    model.fit(scaler.transform(x), iris.data[:, 3])
    c = Converter()
    c.apply("Cast", to=TensorProto.FLOAT)
    c.apply("Sub", c.constant("mean", scaler.mean_))
    c.apply("Div", c.constant("scale", scaler.scale_))
    c.network(model)
    c.apply("Reshape", c.constant("shape", [-1, 1], np.int64), output="variable")
    save("sklearn_regressor",
         graph(c.nodes, c.initializers, [tensor_out("variable", 1)], input_type=TensorProto.DOUBLE),
         "Mlp(MeanSquaredError, Dense(3, 4, Sigmoid), Dense(4, 3, Sigmoid), Dense(3, 1))", some,
         model.predict(scaler.transform(some)).reshape(-1, 1))


def tensors():
    """The same layer with its numbers stored in every possible way."""
    rng = np.random.default_rng(1)
    w, b, x = rng.normal(size=(3, 2)).astype(np.float16), rng.normal(size=2).astype(np.float16), rng.normal(size=(4, 3))
    x = x.astype(np.float32)
    y = x.astype(np.float64) @ w.astype(np.float64) + b.astype(np.float64)
    text = "Mlp(MeanSquaredError, Dense(3, 2))"

    def kept(name, *tensors, to=None):
        tensors = [helper.make_tensor(n, d, s, v, raw) for n, d, s, v, raw in tensors]
        names = ["w", "b"]
        nodes = []
        if to:
            nodes = [helper.make_node("Cast", [n], [n + "_cast"], to=to) for n in names]
            names = [n + "_cast" for n in names]
        nodes.append(helper.make_node("Gemm", ["X", *names], ["y"], alpha=0.5, beta=2.0))
        save("tensors_" + name, graph(nodes, tensors, [tensor_out("y", 2)]), text, x, 0.5 * (y - b) + 2.0 * b)

    F, D, H = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16
    kept("float", ("w", F, (3, 2), w.astype(np.float32).ravel(), False), ("b", F, (2,), b.astype(np.float32), False))
    kept("double", ("w", D, (3, 2), w.astype(np.float64).ravel(), False),
         ("b", D, (2,), b.astype(np.float64).tobytes(), True), to=F)
    kept("half", ("w", H, (3, 2), w.tobytes(), True), ("b", H, (2,), b, False), to=F)

    nodes = [helper.make_node("Constant", [], ["w"], value=numbers("", w)),
             helper.make_node("Constant", [], ["b"], value_floats=b.astype(float)),
             helper.make_node("MatMul", ["X", "w"], ["xw"]),
             helper.make_node("Add", ["b", "xw"], ["z"]),
             helper.make_node("Constant", [], ["one"], value_float=1.0),
             helper.make_node("Clip", ["z", "", "one"], ["y"])]
    save("tensors_constant", graph(nodes, [], [tensor_out("y", 2)]),
         "Mlp(MeanSquaredError, Dense(3, 2, HardTanh(min_value=-inf)))", x, np.minimum(y, 1))


def floats(values):
    return "{" + ", ".join(repr(float(v)) for v in np.asarray(values).ravel()) + "}"


def main():
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.onnx"):
        old.unlink()
    pytorch_activations()
    pytorch_layers()
    sklearn_files()
    tensors()
    with open(HERE / "onnx.hpp", "w", encoding="utf-8") as out:
        out.write(f"""// Written by make_onnx.py with PyTorch {torch.__version__.split('a')[0]}; do not edit. To make it anew:
// python3 tests/golden/make_onnx.py
#pragma once

#include <vector>

namespace golden::onnx {{

/// A file in tests/files/onnx, the architecture to be read from it, 4 samples, and their outputs.
struct File {{
  const char* name;
  const char* architecture;
  std::vector<double> x, y;
}};

// clang-format off
inline const File files[] = {{
""")
        for name, architecture, x, y in goldens:
            out.write(f'    {{"{name}", "{architecture}",\n     {floats(x)},\n     {floats(y)}}},\n')
        out.write("};\n// clang-format on\n\n}  // namespace golden::onnx\n")
    total = sum(f.stat().st_size for f in FOLDER.glob("*.onnx"))
    print(f"{len(goldens)} files of {total} bytes")


main()
