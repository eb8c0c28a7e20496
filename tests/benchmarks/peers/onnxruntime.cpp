// ONNX Runtime, for inference of networks that this library exports. Input and output tensors lie over plain
// memory: rows are samples in ONNX, which is the suite's layout. Debian's build reports each operator's schema as
// registered twice, which is harmless.
#include <onnxruntime_cxx_api.h>

#include "../suite.hpp"

#include <mlp/dynamic/dynamic_mlp.hpp>
#include <mlp/io/onnx.hpp>

#include <map>
#include <sstream>

namespace suite {

template <class Net, class Task>
class OnnxRuntime {
 public:
  explicit OnnxRuntime(const Vector& theta) {
    std::ostringstream text;
    text << "Mlp(MeanSquaredError";  // a loss that does not map the outputs
    for (std::size_t i = 0; i < Net::depth; ++i) {
      text << ", Dense(" << Net::sizes[i] << ", " << Net::sizes[i + 1]
           << (i + 1 < Net::depth ? Net::choose(", ReLU)", ", Tanh)", ", ELU)") : ")");
    }
    text << ")";
    auto net = mlp::from_architecture(text.str());
    net.parameters() = theta;
    const std::string model = mlp::to_onnx(net);
    Ort::SessionOptions options;
    options.SetIntraOpNumThreads(1).SetGraphOptimizationLevel(ORT_ENABLE_ALL);
    session_ = Ort::Session(environment(), model.data(), model.size(), options);
  }

  template <int n>
  const float* infer(const float* x) requires std::is_void_v<Task> {
    auto& [input, x_before, y, output] = tensors_[n];
    if (x != x_before) {
      x_before = x;
      y.resize(Net::outputs, n);
      input = tensor(const_cast<float*>(x), n, Net::inputs);
      output = tensor(y.data(), n, Net::outputs);
    }
    const char *in = "input", *out = "output";
    session_.Run(Ort::RunOptions{nullptr}, &in, &input, 1, &out, &output, 1);
    return y.data();
  }

 private:
  struct Tensors {
    Ort::Value input{nullptr};
    const float* x = nullptr;
    Matrix y;
    Ort::Value output{nullptr};
  };

  static Ort::Env& environment() {
    static Ort::Env env(ORT_LOGGING_LEVEL_WARNING);
    return env;
  }

  static Ort::Value tensor(float* data, Index rows, Index cols) {
    const std::array<std::int64_t, 2> shape{rows, cols};
    static const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    return Ort::Value::CreateTensor<float>(memory, data, static_cast<std::size_t>(rows * cols), shape.data(),
                                           2);
  }

  Ort::Session session_{nullptr};
  std::map<int, Tensors> tensors_;  // by the number of samples
};

static const bool added = add_peer<OnnxRuntime>("ONNX Runtime", PEER_VERSION);

}  // namespace suite
