// Training code written by hand over oneDNN's primitives: inner products with the weight layouts that oneDNN
// chooses, bias and activation fused into the forward pass.
#include "onednn.hpp"

#include <omp.h>

#include "../suite.hpp"

#include <map>
#include <unordered_map>
#include <utility>

namespace suite {

namespace {

/// Primitives in the order in which they run.
class Program {
 public:
  void add(const dnnl::primitive& primitive, std::unordered_map<int, memory> arguments) {
    steps_.emplace_back(primitive, std::move(arguments));
  }

  /// Returns m if it has that layout, else a memory to which the program copies m at this point.
  memory as(const memory& m, const memory::desc& layout) {
    if (m.get_desc() == layout) return m;
    memory copy(layout, engine());
    add(dnnl::reorder(m, copy), {{DNNL_ARG_FROM, m}, {DNNL_ARG_TO, copy}});
    return copy;
  }

  void run() const {
    for (const auto& [primitive, arguments] : steps_) primitive.execute(stream(), arguments);
    stream().wait();
  }

 private:
  std::vector<std::pair<dnnl::primitive, std::unordered_map<int, memory>>> steps_;
};

}  // namespace

template <class Net, class Task>
class OneDnn {
  using Forward = dnnl::inner_product_forward;
  using Kind = dnnl::algorithm;
  // The factor of z for ReLU and of exp(z) - 1 for ELU, where z < 0.
  static constexpr float alpha = Net::choose(0.0f, 0.0f, 1.0f);

 public:
  explicit OneDnn(const Vector& theta) : theta_(theta) {}

  void step(const Batch<Net>& batch) {
    if (!training_) training_ = std::make_unique<Training>(*this, batch.n);
    training_->x.set_data_handle(const_cast<float*>(batch.x));
    training_->forward.run();
    loss_gradient<Net>(floats(training_->y), batch, floats(training_->dy));
    training_->backward.run();
    for (auto& [parameter, gradient, update] : training_->gradients) {
      update(floats(parameter), floats(gradient),
             static_cast<Index>(parameter.get_desc().get_size() / sizeof(float)));
    }
  }

  template <int n>
  const float* infer(const float* x) {
    auto& pass = inference_[n];
    if (!pass) pass = std::make_unique<Pass>(*this, n, dnnl::prop_kind::forward_inference);
    pass->x.set_data_handle(const_cast<float*>(x));
    pass->forward.run();
    return floats(pass->y);
  }

 private:
  // The forward pass of n samples. Weights that it needs in another layout than training are copied by the
  // program itself, so that inference after a step is right.
  struct Pass {
    Pass(OneDnn& model, Index n, dnnl::prop_kind kind) : x(plain(n, Net::inputs), engine()) {
      memory input = x;
      const float* p = model.theta_.data();
      for (std::size_t i = 0; i < Net::depth; ++i) {
        const int in = Net::sizes[i], out = Net::sizes[i + 1];
        const bool last = i + 1 == Net::depth;
        dnnl::primitive_attr attributes;
        if (!last) {
          dnnl::post_ops activation;
          append(activation, Net::choose(Kind::eltwise_relu, Kind::eltwise_tanh, Kind::eltwise_elu), alpha);
          attributes.set_post_ops(activation);
        }
        products.push_back(
            describe<Forward>(attributes, kind, i == 0 ? plain(n, in) : any(n, in), any(out, in),
                              memory::desc({out}, memory::data_type::f32, memory::format_tag::a),
                              last ? plain(n, out) : any(n, out)));
        const auto& product = products.back();
        if (model.W_.size() == i) {
          memory given(matrix(out, in, memory::format_tag::ba), engine(), const_cast<float*>(p));
          model.W_.emplace_back(product.weights_desc(), engine());
          dnnl::reorder(given, model.W_[i]).execute(stream(), given, model.W_[i]);
          model.b_.emplace_back(product.bias_desc(), engine());
          std::copy_n(p + in * out, out, floats(model.b_[i]));
        }
        p += (in + 1) * out;
        inputs.push_back(forward.as(input, product.src_desc()));
        outputs.emplace_back(product.dst_desc(), engine());
        forward.add(Forward(product), {{DNNL_ARG_SRC, inputs[i]},
                                       {DNNL_ARG_WEIGHTS, forward.as(model.W_[i], product.weights_desc())},
                                       {DNNL_ARG_BIAS, model.b_[i]},
                                       {DNNL_ARG_DST, outputs[i]}});
        input = outputs[i];
      }
      y = input;
    }

    memory x, y;
    Program forward;
    std::vector<Forward::primitive_desc> products;
    std::vector<memory> inputs, outputs;  // of the layers
  };

  struct Training : Pass {
    Training(OneDnn& model, Index n)
        : Pass(model, n, dnnl::prop_kind::forward_training), dy(plain(n, Net::outputs), engine()) {
      memory gradient = dy;
      for (std::size_t i = Net::depth; i-- > 0;) {
        const int in = Net::sizes[i], out = Net::sizes[i + 1];
        const auto& product = this->products[i];
        const auto by_weights = describe<dnnl::inner_product_backward_weights>(
            product, this->inputs[i].get_desc(), any(out, in), product.bias_desc(), any(n, out));
        const memory dW(by_weights.diff_weights_desc(), engine()), db(by_weights.diff_bias_desc(), engine());
        backward.add(dnnl::inner_product_backward_weights(by_weights),
                     {{DNNL_ARG_SRC, this->inputs[i]},
                      {DNNL_ARG_DIFF_DST, backward.as(gradient, by_weights.diff_dst_desc())},
                      {DNNL_ARG_DIFF_WEIGHTS, dW},
                      {DNNL_ARG_DIFF_BIAS, db}});
        gradients.push_back({model.W_[i], backward.as(dW, model.W_[i].get_desc()), {}});
        gradients.push_back({model.b_[i], db, {}});
        if (i == 0) break;

        const auto by_inputs =
            describe<dnnl::inner_product_backward_data>(product, any(n, in), any(out, in), any(n, out));
        memory dx(by_inputs.diff_src_desc(), engine());
        backward.add(dnnl::inner_product_backward_data(by_inputs),
                     {{DNNL_ARG_DIFF_DST, backward.as(gradient, by_inputs.diff_dst_desc())},
                      {DNNL_ARG_WEIGHTS, backward.as(model.W_[i], by_inputs.weights_desc())},
                      {DNNL_ARG_DIFF_SRC, dx}});

        const memory& h = this->outputs[i - 1];
        const auto by_activation = describe_backward(
            Net::choose(Kind::eltwise_relu_use_dst_for_bwd, Kind::eltwise_tanh_use_dst_for_bwd,
                        Kind::eltwise_elu_use_dst_for_bwd),
            h.get_desc(), alpha);
        gradient = backward.as(dx, h.get_desc());
        backward.add(dnnl::eltwise_backward(by_activation),
                     {{DNNL_ARG_DST, h}, {DNNL_ARG_DIFF_DST, gradient}, {DNNL_ARG_DIFF_SRC, gradient}});
      }
    }

    memory dy;
    Program backward;
    struct Gradient {
      memory parameter, gradient;  // in the same layout
      Update<Task> update;
    };
    std::vector<Gradient> gradients;
  };

  Vector theta_;  // the initial parameters
  std::vector<memory> W_, b_;
  std::unique_ptr<Training> training_;
  std::map<int, std::unique_ptr<Pass>> inference_;
};

static const bool added = (omp_set_num_threads(1), add_peer<OneDnn>("oneDNN", PEER_VERSION));

}  // namespace suite
