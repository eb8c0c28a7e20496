#pragma once

#include <mlp/base/counts.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/data/dataset.hpp>
#include <mlp/training/fit.hpp>

#include <mpi.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

/// Data-parallel training with several processes. Each rank holds the whole network and processes its share
/// of a batch; then all ranks take the same step, along
///   g = sum_r w_r g_r / sum_r w_r, with w_r the batch_weight and g_r the gradient of rank r's samples.
/// The same number of ranks gives the same bits (if the MPI library adds in the same order each time, as its
/// standard recommends); another number gives the same result up to rounding.
/// Errors: an error on one rank ends the run, because the others would wait for it. An error on all ranks
/// alike, such as a loss that is not finite, is thrown.
/// The caller calls MPI_Init before and MPI_Finalize after.
namespace mlp::inline MLP_ABI::mpi {

/// The rank of this process, and the number of ranks.
struct World {
  int rank = 0, size = 1;

  explicit World(MPI_Comm comm = MPI_COMM_WORLD) {
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
  }
};

/// Prints "mlp: rank R of N: what" to stderr and ends the program on all ranks.
[[noreturn]] inline void end_run(const std::string& what, MPI_Comm comm = MPI_COMM_WORLD) {
  const World world(comm);
  std::fprintf(stderr, "mlp: rank %d of %d: %s\n", world.rank, world.size, what.c_str());
  MPI_Abort(comm, EXIT_FAILURE);
  std::abort();
}

/// Returns body(), and ends the run if it throws: for the main part of a program.
template <class Body>
decltype(auto) end_run_on_error(Body&& body, MPI_Comm comm = MPI_COMM_WORLD) {
#ifdef __cpp_exceptions
  try {
    return body();
  } catch (const std::exception& error) {
    end_run(error.what(), comm);
  } catch (...) {
    end_run("expected a std::exception, found another", comm);
  }
#else
  return body();
#endif
}

namespace detail {

// Needed only if the caller made MPI return its errors; by default it aborts.
inline void check(int code, const char* call, MPI_Comm comm) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  end_run(mlp::detail::message({call, ": ", text}), comm);
}

// MPI counts in int: longer data are sent in pieces.
inline constexpr Index max_count = Index{1} << 30;

// Replaces data by its sum over all ranks.
template <class S>
void add_up(S* data, Index n, MPI_Comm comm, Index piece = max_count) {
  const MPI_Datatype type = std::is_same_v<S, float> ? MPI_FLOAT : MPI_DOUBLE;
  for (Index i = 0; i < n; i += piece) {
    const int count = static_cast<int>((std::min)(piece, n - i));
    check(MPI_Allreduce(MPI_IN_PLACE, data + i, count, type, MPI_SUM, comm), "MPI_Allreduce", comm);
  }
}

// Replaces data by the data of rank 0.
template <class T>
void broadcast(T* data, Index n, MPI_Comm comm, Index piece = max_count) {
  static_assert(std::is_trivially_copyable_v<T>);
  auto* const bytes = reinterpret_cast<std::byte*>(data);
  const Index size = n * Index{sizeof(T)};
  for (Index i = 0; i < size; i += piece) {
    const int count = static_cast<int>((std::min)(piece, size - i));
    check(MPI_Bcast(bytes + i, count, MPI_BYTE, 0, comm), "MPI_Bcast", comm);
  }
}

inline void check_same(Index found, const char* what, MPI_Comm comm) {
  Index expected = found;
  broadcast(&expected, 1, comm);
  if (found != expected) {
    end_run(mlp::detail::message({"expected ", what, " as on rank 0, ", expected, ", found ", found}), comm);
  }
}

// Rank 0's generator; on the others, one seeded from it, because the masks of dropout must differ between
// shards.
inline Rng share(Rng rng, MPI_Comm comm) {
  broadcast(&rng, 1, comm);
  const int rank = World(comm).rank;
  for (int r = 1; r < rank; ++r) rng();
  return rank == 0 ? rng : Rng{rng()};
}

}  // namespace detail

/// The Trainer of one rank. All ranks call step (or backward) at the same time, each with its own samples,
/// any number or none; the loss and gradient() are then those of all samples. Starts from rank 0's parameters
/// and random numbers; the optimizer must be the same on all ranks.
template <class Net, class Opt>
class Trainer : public mlp::Trainer<Net, Opt> {
  using Base = mlp::Trainer<Net, Opt>;

 public:
  using S = typename Net::Scalar;

  Trainer(Net& net, Opt optimizer, Rng rng = Rng{}, MPI_Comm comm = MPI_COMM_WORLD)
      : Base(net, std::move(optimizer), detail::share(rng, comm)), comm_(comm) {
    detail::check_same(net.parameter_count(), "a number of parameters", comm);
    detail::broadcast(net.parameters().data(), net.parameter_count(), comm);
  }

  /// As mlp::Trainer's. Errors, on all ranks: std::runtime_error if the loss is not finite,
  /// std::invalid_argument if no rank has samples.
  template <class X, class T, class W = mlp::detail::NoWeights>
  S step(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t, const W& w = {}) {
    return this->finish_step(backward(x, t, w));
  }

  /// As mlp::Trainer's. The state is the mean of the ranks' states, weighted by their numbers of samples.
  template <class X, class T, class W = mlp::detail::NoWeights>
  S backward(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t, const W& w = {}) {
    S loss = 0;
    double weight = 0;
    if (x.cols() > 0) {
      loss = end_run_on_error([&] { return Base::backward(x, t, w); }, comm_);
      weight = Base::batch_weight();
    } else {
      this->gradient().setZero();
    }
    // Before the gradient, whose scaling needs the total weight.
    double sums[] = {weight * static_cast<double>(loss), weight, static_cast<double>(x.cols())};
    detail::add_up(sums, 3, comm_);
    if (sums[2] == 0)
      mlp::detail::raise<std::invalid_argument>("mlp: expected samples on at least one rank, found none");
    batch_weight_ = sums[1];
    const S share = static_cast<S>(sums[1] > 0 ? weight / sums[1] : 0);
    this->gradient() *= share;
    detail::add_up(this->gradient().data(), this->gradient().size(), comm_);
    if (this->net().state_count() > 0) {
      auto state = this->net().state();
      state *= static_cast<S>(static_cast<double>(x.cols()) / sums[2]);
      detail::add_up(state.data(), state.size(), comm_);
    }
    if (World(comm_).size == 1) return loss;
    return static_cast<S>(sums[1] > 0 ? sums[0] / sums[1] : 0);
  }

  /// The weight of the last backward's batch, over all ranks.
  double batch_weight() const { return batch_weight_; }
  /// Rank 0's value.
  double from_root(double value) const {
    detail::broadcast(&value, 1, comm_);
    return value;
  }

 private:
  MPI_Comm comm_;
  double batch_weight_ = 0;
};

namespace detail {

template <class Net, class Data, class Opt, class Callback>
History fit(Net& net, const Data& train, const Data* validation, Opt&& optimizer, const FitOptions& options,
            Callback&& callback, MPI_Comm comm) {
  check_same(options.epochs, "epochs", comm);
  check_same(options.batch_size, "batch_size", comm);
  check_same(options.accumulate, "accumulate", comm);
  check_same(static_cast<Index>(options.seed), "a seed", comm);
  check_same(train.size(), "a number of samples", comm);
  mlp::detail::check_fit_options(options, validation != nullptr);
  end_run_on_error(
      [&] {
        check_dataset(train, "fit");
        if (validation != nullptr) check_dataset(*validation, "fit: validation");
      },
      comm);

  const World world(comm);
  const auto make_trainer = [&](const Rng& rng) { return Trainer(net, std::move(optimizer), rng, comm); };
  const auto part_of = [&](Index count) {
    return std::pair(count * world.rank / world.size, count * (world.rank + 1) / world.size);
  };
  const auto after_batch = [&](const Progress& now) {
    auto answer = [&] { return callback(now); };
    if constexpr (std::is_same_v<decltype(answer()), bool>) {
      bool goes_on = end_run_on_error(answer, comm);
      broadcast(&goes_on, 1, comm);
      return goes_on;
    } else {
      end_run_on_error(answer, comm);
    }
  };
  return mlp::detail::run_fit(train, validation, options, make_trainer, part_of, after_batch);
}

}  // namespace detail

/// As mlp::fit, called by all ranks of comm at the same time; each processes a contiguous part of every
/// batch. train, optimizer and options must be the same on all ranks: each rank holds all data. If the data
/// are too large, pass each rank's shard to a Trainer instead. All ranks call the callback; if it returns
/// bool, rank 0's answer counts. The losses are those of whole batches and the same on all ranks; the seconds
/// are each rank's own.
/// Errors, on all ranks: std::invalid_argument if an option is out of range, std::runtime_error if the loss
/// is not finite. Any other error ends the run.
template <class Net, class Target, class X, class Opt, std::invocable<const Progress&> Callback>
History fit(Net& net, const Dataset<Target, typename Net::Scalar, X>& train, Opt optimizer,
            const FitOptions& options, Callback&& callback, MPI_Comm comm = MPI_COMM_WORLD) {
  return detail::fit<Net, Dataset<Target, typename Net::Scalar, X>>(net, train, nullptr, std::move(optimizer),
                                                                    options, callback, comm);
}

template <class Net, class Target, class X, class Opt>
History fit(Net& net, const Dataset<Target, typename Net::Scalar, X>& train, Opt optimizer,
            const FitOptions& options = {}, MPI_Comm comm = MPI_COMM_WORLD) {
  return mpi::fit(net, train, std::move(optimizer), options, mlp::detail::NoCallback{}, comm);
}

/// The same with validation data, all of which every rank holds and evaluates.
template <class Net, class Target, class X, class Opt, class Callback = mlp::detail::NoCallback>
History fit(Net& net, const Dataset<Target, typename Net::Scalar, X>& train,
            const Dataset<Target, typename Net::Scalar, X>& validation, Opt optimizer,
            const FitOptions& options = {}, Callback&& callback = {}, MPI_Comm comm = MPI_COMM_WORLD) {
  return detail::fit(net, train, &validation, std::move(optimizer), options, callback, comm);
}

}  // namespace mlp::inline MLP_ABI::mpi
