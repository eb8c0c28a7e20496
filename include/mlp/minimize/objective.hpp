#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/core/network.hpp>
#include <mlp/core/sample_weights.hpp>
#include <mlp/data/dataset.hpp>
#include <mlp/kernel/tile.hpp>
#include <mlp/loss/mean_squared_error.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace mlp::inline MLP_ABI {

namespace detail {

// MeanSquaredError, or a loss that is chosen at run time and may hold it.
template <class L>
concept MayBeSumOfSquares = std::is_same_v<L, MeanSquaredError> || requires {
  typename L::Alternatives;
};

}  // namespace detail

namespace check {

template <class L>
constexpr void loss_is_a_sum_of_squares() {
  static_assert(detail::MayBeSumOfSquares<L>,
                "mlp: LevenbergMarquardt minimizes sums of squares: the loss must be MeanSquaredError");
}

}  // namespace check

/// The mean loss of a network over a whole dataset, as a function of the network's parameters theta. fit
/// passes it to Lbfgs and LevenbergMarquardt, and you can pass it to the minimizer of another library. It
/// refers to the network and the dataset, which must outlive it, and leaves the network with the theta of the
/// latest call. The same theta gives the same bits: layers that draw random numbers draw the same ones each
/// time.
/// Shapes: theta and gradient P, any Eigen vectors of the network's scalar, such as a Map over an array;
/// curvature P x P. A plain vector or matrix is resized.
/// Errors: std::invalid_argument if data are empty or do not fit, net has state, or a size is not P.
template <class Net, class Target>
class Objective {
 public:
  using S = typename Net::Scalar;

  Objective(Net& net, const Dataset<Target, S>& data)
      : net_(&net), data_(&data), workspace_(net), sample_workspace_(net) {
    check_dataset(data, "Objective");
    detail::check_equal(net.state_count(), 0, "Objective",
                        " numbers of state (BatchNorm's, which only a Trainer's steps change)");
    net.loss(data.x.leftCols(1), [&] {  // checks the sizes
      if constexpr (detail::is_labels<Target>) return data.t.head(1);
      else return data.t.leftCols(1);
    }());
  }
  Objective(Net&, const Dataset<Target, S>&&) = delete;  // a temporary would not outlive the call

  /// The loss alone.
  template <class Theta>
  S operator()(const Theta& theta) {
    begin(theta);
    return mean_over_pieces([this](const auto& x, const auto& t, const auto& w, S) {
      net_->forward(x, workspace_);
      return detail::mean_loss(net_->loss_function(), workspace_.outputs(), t, w);
    });
  }

  /// The loss L and its gradient dL/dtheta.
  template <class Theta, class Gradient>
  S operator()(const Theta& theta, Gradient&& gradient) {
    begin(theta);
    clear(gradient, 1);
    return mean_over_pieces([&](const auto& x, const auto& t, const auto& w, S share) {
      const S loss = net_->loss_and_gradient(x, t, w, workspace_, piece_gradient_);
      detail::add_multiple(share, piece_gradient_, gradient, gradient);
      return loss;
    });
  }

  /// The loss, its gradient, and the lower triangle of the Gauss-Newton approximation of its Hessian,
  ///   L = 1/(K N) sum r^2,  dL/dtheta = 2/(K N) J^T r,  curvature = 2/(K N) J^T J,
  /// where r = y - t are the residuals of all K outputs and N samples, and J = dr/dtheta their Jacobian,
  /// which is never held as a whole. With sample weights w, a sample's residuals and its rows of J are
  /// multiplied by sqrt(w N / sum w). The loss must be MeanSquaredError, and each layer must treat every
  /// sample by itself.
  template <class Theta, class Gradient, class Curvature>
  S operator()(const Theta& theta, Gradient&& gradient, Curvature&& curvature) {
    check::loss_is_a_sum_of_squares<typename Net::LossType>();
    check_chosen_loss();
    begin(theta);
    clear(gradient, 1);
    clear(curvature, net_->parameter_count());
    if constexpr (detail::MayBeSumOfSquares<typename Net::LossType> && !detail::is_labels<Target>) {
      constexpr Index block = 256;  // rows of J at a time
      const Index outputs = net_->outputs(), residuals = outputs * data_->size();
      rows_.resize(net_->parameter_count(), (std::min)(block, residuals));
      const S scale = S(2) / static_cast<S>(residuals);
      const Vector<S>& w = data_->weights;
      const S mean_weight =
          w.size() > 0 ? static_cast<S>(detail::sum_of_weights(w) / static_cast<double>(w.size())) : S(1);
      Index count = 0;
      for (Index j = 0; j < data_->size(); ++j) {
        const auto x = column(data_->x, j);
        const auto y = net_->forward(x, sample_workspace_);
        const S weight = w.size() > 0 ? w(j) / mean_weight : S(1);
        for (Index k = 0; k < outputs; ++k) {
          auto dy = sample_workspace_.output_gradient();
          dy.setZero();
          dy(k) = 1;
          auto row = column(rows_, count);
          net_->backward(x, sample_workspace_, row);
          gradient += weight * scale * (y(k) - data_->t(k, j)) * row;
          if (weight != 1) row *= std::sqrt(weight);
          if (++count == rows_.cols() || j * outputs + k + 1 == residuals) {
            curvature.template selfadjointView<Eigen::Lower>().rankUpdate(rows_.leftCols(count), scale);
            count = 0;
          }
        }
      }
    }
    return (*this)(theta);
  }

 private:
  void check_chosen_loss() const {
    if constexpr (requires { typename Net::LossType::Alternatives; }) {
      net_->loss_function().visit([]<class L>(const L&) {
        if constexpr (!std::is_same_v<L, MeanSquaredError>) {
          detail::raise<std::invalid_argument>(
              {"LevenbergMarquardt: expected the loss MeanSquaredError, found ", L::name});
        }
      });
    }
  }

  template <class Theta>
  void begin(const Theta& theta) {
    check::scalar_is_the_networks<typename Theta::Scalar, S>();
    detail::check_equal(theta.size(), net_->parameter_count(), "Objective", " parameters");
    net_->parameters() = theta;
    workspace_.rng = sample_workspace_.rng = Rng{};
  }

  // Sets a gradient, or a curvature, to 0.
  template <class M>
  void clear(M& m, Index cols) {
    const Index rows = net_->parameter_count();
    if constexpr (std::is_base_of_v<Eigen::PlainObjectBase<M>, M> && M::SizeAtCompileTime == Dynamic) {
      m.resize(rows, cols);
    } else {
      detail::check_equal(m.rows(), rows, "Objective", " rows of the gradient");
      detail::check_equal(m.cols(), cols, "Objective", " columns of the gradient");
    }
    m.setZero();
  }

  // The loss over all data. pass(x, t, w, share) returns the loss of a piece of the data; the sum over the
  // pieces counts it with `share`, the piece's part of the total weight.
  template <class Pass>
  S mean_over_pieces(Pass&& pass) {
    constexpr Index piece = 1024;
    const double whole = net_->batch_weight(data_->t, data_->weights);
    double sum = 0;
    for (Index i = 0; i < data_->size(); i += piece) {
      const Index count = (std::min)(piece, data_->size() - i);
      detail::with_samples(*data_, i, count, [&](const auto& x, const auto& t, const auto& w) {
        const double share = net_->batch_weight(t, w) / whole;
        sum = multiply_add(share, static_cast<double>(pass(x, t, w, static_cast<S>(share))), sum);
      });
    }
    return static_cast<S>(sum);
  }

  Net* net_;
  const Dataset<Target, S>* data_;
  Workspace<Net> workspace_;
  Workspace<Net, 1> sample_workspace_;
  typename Net::ParameterVector piece_gradient_;
  Matrix<S> rows_;
};

template <class Net, class Target, class S>
Objective(Net&, const Dataset<Target, S>&) -> Objective<Net, Target>;

}  // namespace mlp::inline MLP_ABI
