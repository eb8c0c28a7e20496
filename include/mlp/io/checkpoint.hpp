#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/io/file.hpp>
#include <mlp/io/safetensors.hpp>
#include <mlp/io/safetensors/container.hpp>
#include <mlp/training/callback.hpp>
#include <mlp/training/fit.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <ratio>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// Checkpoints: training that is stopped at any time and resumed ends with the same bits as training that
/// never stopped.
///
/// Format: a safetensors file (see container.hpp) with the metadata format = "mlp checkpoint", version = "1",
/// and a tensor for each value that a Trainer or fit must restore: parameters, state and slots in the
/// network's scalar type, slots as [slots, parameters]; counts as I64, generators and seeds as U64, other
/// numbers as F64. Data and options, including the optimizer's, are not stored: pass them again to resume.
namespace mlp::inline MLP_ABI {

namespace detail {

inline Tensor tensor_of(const char* name, const Index& count) {
  const auto number = static_cast<std::int64_t>(count);
  return make_tensor(name, {}, &number);
}
inline Tensor tensor_of(const char* name, const std::uint64_t& number) {
  return make_tensor(name, {}, &number);
}
inline Tensor tensor_of(const char* name, const double& number) { return make_tensor(name, {}, &number); }
inline Tensor tensor_of(const char* name, const std::vector<double>& numbers) {
  return make_tensor(name, {static_cast<Index>(numbers.size())}, numbers.data());
}
inline Tensor tensor_of(const char* name, const Rng& rng) {
  return make_tensor(name, {static_cast<Index>(rng.words().size())}, rng.words().data());
}
template <class M>
Tensor tensor_of(const char* name, const Eigen::DenseBase<M>& m) {
  return make_tensor(name,
                     M::ColsAtCompileTime == 1 ? std::vector{m.rows()} : std::vector{m.cols(), m.rows()},
                     m.derived().data());
}

// The tensor has the type and shape of tensor_of(value), except for the length of a std::vector.
inline void set_value(Index& count, const Tensor& from, const std::string& file) {
  constexpr std::int64_t most = std::int64_t{1} << 53;
  const std::int64_t found = tensor_values<std::int64_t>(from, file)[0];
  if (found < 0 || found > most) {
    file_error(file, message({from.name, " in [0, ", most, "]"}), found);
  }
  count = static_cast<Index>(found);
}
inline void set_value(double& number, const Tensor& from, const std::string& file) {
  number = tensor_values<double>(from, file)[0];
}
inline void set_value(std::vector<double>& numbers, const Tensor& from, const std::string& file) {
  numbers = tensor_values<double>(from, file);
}
inline void set_value(Rng& rng, const Tensor& from, const std::string& file) {
  const auto found = tensor_values<std::uint64_t>(from, file);
  Rng::Words words;
  std::copy(found.begin(), found.end(), words.begin());
  if (words == Rng::Words{}) file_error(file, message({from.name, " with a word other than 0"}), "none");
  rng = Rng(words);
}
template <class M>
void set_value(M&& m, const Tensor& from, const std::string& file) {
  const auto found = tensor_values<typename std::remove_cvref_t<M>::Scalar>(from, file);
  std::copy(found.begin(), found.end(), m.data());
}

template <class Training>
TensorFile checkpoint_of(const Training& training) {
  TensorFile file{{{"format", "mlp checkpoint"}, {"version", "1"}}, {}};
  Training::each_state(
      training, [&](const char* name, const auto& value) { file.tensors.push_back(tensor_of(name, value)); });
  return file;
}

inline std::string text_of(const Tensor& tensor) {
  return printable(tensor.type) + " " + text_of(tensor.shape);
}

// A network with a nan or infinity in it can't be trained further.
template <class T>
void check_finite(const T* values, std::size_t n, const char* name, const std::string& file) {
  for (std::size_t i = 0; i < n; ++i) {
    if (!std::isfinite(values[i])) {
      file_error(file, message({"finite ", name}), values[i]);
    }
  }
}

// Throws unless the file holds exactly the tensors that set_state reads, with the types and shapes that they
// have in `before`, and the values of constants are equal.
template <class Training>
void check_state(Training& training, const TensorFile& before, const TensorFile& from,
                 const std::string& file) {
  std::set<std::string> left;
  for (const Tensor& tensor : from.tensors) left.insert(tensor.name);
  Training::each_state(training, [&]<class T>(const char* name, T&& value) {
    const Tensor& expected = *before.find(name);
    const Tensor* found = from.find(name);
    const std::string named = std::string(name) + " as " + text_of(expected);
    if (found == nullptr) file_error(file, named, "none");
    const bool fits =
        std::is_same_v<T, std::vector<double>&> ? found->shape.size() == 1 : found->shape == expected.shape;
    if (!fits || found->type != expected.type) file_error(file, named, text_of(*found));
    if constexpr (std::is_const_v<std::remove_reference_t<T>>) {
      using Number =
          std::conditional_t<std::is_signed_v<std::remove_cvref_t<T>>, std::int64_t, std::uint64_t>;
      const Number number = tensor_values<Number>(*found, file)[0];
      if (number != static_cast<Number>(value)) {
        file_error(file, message({name, " ", value}), number);
      }
    } else if constexpr (requires { value.allFinite(); }) {
      const auto values = tensor_values<typename std::remove_cvref_t<T>::Scalar>(*found, file);
      check_finite(values.data(), values.size(), name, file);
    }
    left.erase(name);
  });
  if (!left.empty()) file_error(file, "no other tensor", in_quotes(*left.begin()));
}

template <class Training>
void set_state(Training& training, const TensorFile& from, const std::string& file) {
  Training::each_state(training, [&](const char* name, auto&& value) {
    if constexpr (!std::is_const_v<std::remove_reference_t<decltype(value)>>) {
      set_value(value, *from.find(name), file);
    }
  });
  if constexpr (requires { &Training::restored; }) training.restored(file.c_str());
}

template <class Training>
void load_checkpoint(Training& training, std::string_view bytes, const std::string& file) {
  const TensorFile from = tensors_from_bytes(bytes, file), before = checkpoint_of(training);
  for (const auto& [key, expected] : before.metadata) {
    const auto found = from.metadata.find(key);
    if (found == from.metadata.end() || found->second != expected) {
      file_error(file, message({key, " \"", expected, "\""}),
                 found == from.metadata.end() ? "none" : in_quotes(found->second));
    }
  }
  check_state(training, before, from, file);
  try {
    set_state(training, from, file);
  } catch (...) {
    set_state(training, before, file);
    throw;
  }
}

}  // namespace detail

/// Writes the state that `training`, a Trainer between two steps or the run that fit passes to a callback,
/// needs to resume here. If the program is killed meanwhile, the old file stays.
/// Errors: std::runtime_error if a number is not finite or the file can't be written; the old file then
/// stays.
template <class Training>
void save_checkpoint(const Training& training, const std::filesystem::path& path) {
  Training::each_state(training, [&](const char* name, const auto& value) {
    if constexpr (requires { value.allFinite(); }) {
      detail::check_finite(value.data(), static_cast<std::size_t>(value.size()), name,
                           detail::path_text(path));
    }
  });
  write_tensors(detail::checkpoint_of(training), path);
}

/// Restores `training` and its network from a file of save_checkpoint.
/// Errors: std::runtime_error if the file can't be read or belongs to a training with other parameters,
/// optimizer slots, data, seed or batches. `training` and its network are then unchanged.
template <class Training>
void load_checkpoint(Training& training, const std::filesystem::path& path) {
  detail::load_checkpoint(training, detail::read_file(path), detail::path_text(path));
}

/// When a Checkpoint writes its file, and where it writes the best network.
struct CheckpointOptions {
  /// Of the intervals that are set, the one that ends first counts; if none is set, each epoch.
  Index every_steps = 0;
  double every_minutes = 0;
  /// A file for the network of the best epoch, the one with the smallest validation loss or, without
  /// validation, the smallest loss; with average_decay, the averaged network. load and load_model of
  /// safetensors.hpp read it.
  std::filesystem::path best = {};

  void validate() const {
    detail::check_option(every_steps >= 0, "CheckpointOptions", "every_steps >= 0", every_steps);
    detail::check_option(every_minutes >= 0, "CheckpointOptions", "every_minutes >= 0", every_minutes);
  }
};

/// A callback with which fit can be stopped at any time and resumed:
///   fit(net, train, Adam{}, options, Checkpoint("run.checkpoint", {.every_minutes = 10}));
/// If the file exists, fit resumes there; a finished run returns its history at once. The file is written as
/// the options define, and at the end. An existing file must belong to the same data, seed, batch_size and
/// accumulate; other options may change: more epochs prolong a finished run.
/// The callback passed to it is called as fit would call it: begin after the file is read, the others before
/// each write, so that after a crash a batch may be reported again, but none is missed. If it returns false,
/// fit stops there, and a later run resumes there. Without a path, a Checkpoint only calls that callback.
/// mpi::fit accepts no Checkpoint; with an mpi::Trainer in a loop of one's own, each rank saves its own file.
/// Errors: as load_checkpoint and save_checkpoint; std::invalid_argument if an option is out of range.
template <class Callback = detail::NoCallback>
class Checkpoint {
 public:
  explicit Checkpoint(std::filesystem::path path, const CheckpointOptions& options = {},
                      Callback callback = {})
      : path_(std::move(path)), options_(options), callback_(std::move(callback)) {
    options_.validate();
  }

  void begin(auto& training) {
    if (!path_.empty()) detail::remove_leftovers(path_);
    if (!path_.empty() && std::filesystem::exists(path_)) load_checkpoint(training, path_);
    note_saved(training);
    detail::begin(callback_, training);
  }

  bool after(auto& training, const Progress& now) {
    const bool goes_on = detail::goes_on(callback_, training, now);
    // Before the checkpoint: a run that resumes from it relies on this file being written.
    if (!options_.best.empty() && now.epoch_is_done() && is_best(training.history(), now)) {
      mlp::save(training.validated(), options_.best);
    }
    is_saved_ = false;
    if (is_due(now)) save(training);
    return goes_on;
  }

  void end(auto& training) {
    detail::end(callback_, training);
    if (!is_saved_) save(training);
  }

 private:
  using Clock = std::chrono::steady_clock;

  static bool is_best(const History& history, const Progress& now) {
    if (now.validation) return history.best_epoch == now.epoch;
    return std::min_element(history.loss.begin(), history.loss.end()) == history.loss.end() - 1;
  }

  bool is_due(const Progress& now) const {
    const Index steps = options_.every_steps;
    const double minutes = options_.every_minutes;
    if (steps == 0 && minutes == 0) return now.epoch_is_done();
    return (steps > 0 && now.steps - saved_steps_ >= steps) ||
           (minutes > 0 &&
            Clock::now() - saved_at_ >= std::chrono::duration<double, std::ratio<60>>(minutes));
  }

  void save(const auto& training) {
    if (!path_.empty()) save_checkpoint(training, path_);
    note_saved(training);
  }

  void note_saved(const auto& training) {
    is_saved_ = true;
    saved_steps_ = training.progress().steps;
    saved_at_ = Clock::now();
  }

  std::filesystem::path path_;
  CheckpointOptions options_;
  Callback callback_;
  bool is_saved_ = false;
  Index saved_steps_ = 0;
  Clock::time_point saved_at_ = {};
};

}  // namespace mlp::inline MLP_ABI
