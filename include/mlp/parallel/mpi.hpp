#pragma once

#include <mlp/dataset.hpp>
#include <mlp/random.hpp>
#include <mlp/training.hpp>
#include <mlp/types.hpp>

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

/// Data-parallel training by many processes. Each rank holds the whole network and works on its share of a
/// batch; then each takes the same step, along
///   g = sum_r n_r / N g_r, where rank r has n_r of N samples, and g_r is the gradient of their mean loss.
/// As many ranks give the same bits (if the MPI library adds in the same order each time, as its standard
/// recommends), another number of them the same but for rounding.
/// Errors: what goes wrong on one rank ends the run, for the others would wait for it. What goes wrong on all
/// alike, such as a loss that is not finite, is thrown.
/// The caller calls MPI_Init before and MPI_Finalize after.
namespace mlp::mpi {

/// Which process this is, of how many.
struct Place {
  int rank = 0, size = 1;

  explicit Place(MPI_Comm comm = MPI_COMM_WORLD) {
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
  }
};

/// Prints "mlp: rank R of N: what" to stderr and ends the program on all ranks.
[[noreturn]] inline void end_run(const std::string& what, MPI_Comm comm = MPI_COMM_WORLD) {
  const Place place(comm);
  std::fprintf(stderr, "mlp: rank %d of %d: %s\n", place.rank, place.size, what.c_str());
  MPI_Abort(comm, EXIT_FAILURE);
  std::abort();
}

/// Returns body(), and ends the run if that throws: for the main part of a program.
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

// For callers that made MPI return its errors.
inline void check(int code, const char* call, MPI_Comm comm) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  end_run(std::string(call) + ": " + text, comm);
}

// MPI counts in int: what is longer goes in pieces.
inline constexpr Index max_count = Index{1} << 30;

// data becomes its sum over all ranks.
template <class S>
void add_up(S* data, Index n, MPI_Comm comm, Index piece = max_count) {
  const MPI_Datatype type = std::is_same_v<S, float> ? MPI_FLOAT : MPI_DOUBLE;
  for (Index i = 0; i < n; i += piece) {
    const int count = static_cast<int>(std::min(piece, n - i));
    check(MPI_Allreduce(MPI_IN_PLACE, data + i, count, type, MPI_SUM, comm), "MPI_Allreduce", comm);
  }
}

// data becomes what it is on rank 0.
template <class T>
void broadcast(T* data, Index n, MPI_Comm comm, Index piece = max_count) {
  static_assert(std::is_trivially_copyable_v<T>);
  auto* const bytes = reinterpret_cast<std::byte*>(data);
  const Index size = n * Index{sizeof(T)};
  for (Index i = 0; i < size; i += piece) {
    const int count = static_cast<int>(std::min(piece, size - i));
    check(MPI_Bcast(bytes + i, count, MPI_BYTE, 0, comm), "MPI_Bcast", comm);
  }
}

inline void check_same(Index found, const char* what, MPI_Comm comm) {
  Index expected = found;
  broadcast(&expected, 1, comm);
  if (found != expected) {
    end_run(std::string("expected ") + what + " as on rank 0, " + std::to_string(expected) + ", found " +
                std::to_string(found),
            comm);
  }
}

// Rank 0's generator, and on the others one that it seeds: the masks of dropout must differ between shards.
inline Rng share(Rng rng, MPI_Comm comm) {
  broadcast(&rng, 1, comm);
  const int rank = Place(comm).rank;
  for (int r = 1; r < rank; ++r) rng();
  return rank == 0 ? rng : Rng{rng()};
}

}  // namespace detail

/// One rank's Trainer. All ranks call step (or backward) at once, each with its own samples, as many as it
/// likes or none; the loss and gradient() are then those of all samples. Starts from rank 0's parameters and
/// random numbers; the optimizer must be the same everywhere.
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
  /// std::invalid_argument if none has samples.
  template <class X, class T>
  S step(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t) {
    return this->finish_step(backward(x, t));
  }

  template <class X, class T>
  S backward(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t) {
    const auto n = static_cast<double>(x.cols());
    S loss = 0;
    if (n > 0) loss = end_run_on_error([&] { return Base::backward(x, t); }, comm_);
    else this->gradient().setZero();

    double sums[] = {n * static_cast<double>(loss), n};  // ahead of the gradient, whose weight needs N
    detail::add_up(sums, 2, comm_);
    if (sums[1] == 0)
      mlp::detail::raise<std::invalid_argument>("mlp: expected samples on a rank, found none");
    this->gradient() *= static_cast<S>(n / sums[1]);
    detail::add_up(this->gradient().data(), this->gradient().size(), comm_);
    return Place(comm_).size == 1 ? loss : static_cast<S>(sums[0] / sums[1]);
  }

 private:
  MPI_Comm comm_;
};

/// As mlp::fit, called by all ranks of comm at once; each takes a contiguous part of every batch. train,
/// optimizer and options must be the same everywhere: each rank holds all data. Where they are too large for
/// that, give each rank's shard to a Trainer. All ranks call the callback; if it returns bool, rank 0's
/// answer counts. The losses are those of whole batches and the same on all ranks, the seconds are each
/// rank's own.
/// Errors, on all ranks: std::invalid_argument if an option is out of range, std::runtime_error if the loss
/// is not finite. Anything else ends the run.
template <class Net, class Target, class Opt, std::invocable<const Progress&> Callback>
History fit(Net& net, const Dataset<Target, typename Net::Scalar>& train, Opt optimizer,
            const FitOptions& options, Callback&& callback, MPI_Comm comm = MPI_COMM_WORLD) {
  detail::check_same(options.epochs, "epochs", comm);
  detail::check_same(options.batch_size, "batch_size", comm);
  detail::check_same(static_cast<Index>(options.seed), "a seed", comm);
  detail::check_same(train.size(), "a number of samples", comm);
  mlp::detail::check_fit_options(options);
  end_run_on_error([&] { check_dataset(train, "fit"); }, comm);

  const Place place(comm);
  Rng rng{options.seed};
  Trainer trainer(net, std::move(optimizer), Rng{rng()}, comm);
  const auto part_of = [&](Index count) {
    return std::pair(count * place.rank / place.size, count * (place.rank + 1) / place.size);
  };
  const auto after_batch = [&](const Progress& now) {
    auto answer = [&] { return callback(now); };
    if constexpr (std::is_same_v<decltype(answer()), bool>) {
      bool goes_on = end_run_on_error(answer, comm);
      detail::broadcast(&goes_on, 1, comm);
      return goes_on;
    } else {
      end_run_on_error(answer, comm);
    }
  };
  return mlp::detail::run_epochs(train, options, rng, trainer, part_of, after_batch);
}

template <class Net, class Target, class Opt>
History fit(Net& net, const Dataset<Target, typename Net::Scalar>& train, Opt optimizer,
            const FitOptions& options = {}, MPI_Comm comm = MPI_COMM_WORLD) {
  return mpi::fit(
      net, train, std::move(optimizer), options, [](const Progress&) {}, comm);
}

}  // namespace mlp::mpi
