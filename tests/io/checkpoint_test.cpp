#include <mlp/activation/tanh.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/views.hpp>
#include <mlp/io/checkpoint.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/layer/dropout.hpp>
#include <mlp/loss/mean_squared_error.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/optimizer/adam.hpp>
#include <mlp/optimizer/sgd.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "clusters.hpp"
#include "message_of.hpp"
#include "random_network.hpp"

using namespace mlp;

namespace {

// Has randomness and a state, so that a checkpoint holds every kind of tensor.
using Net = Mlp<SoftmaxCrossEntropy, Dense<2, 4, Tanh>, Dropout<4>, BatchNorm<4>, Dense<4, 3>>;

Net new_net(std::uint64_t seed = 1) {
  Net net(Dense<2, 4, Tanh>{}, Dropout<4>{0.3}, BatchNorm<4>{}, Dense<4, 3>{});
  Rng rng{seed};
  net.initialize(rng);
  return net;
}

using OnBatch = std::function<bool(const Progress&)>;

// A file that is removed before and after the test.
struct File {
  std::filesystem::path path;
  explicit File(const char* name = "mlp_checkpoint_test")
      : path(std::filesystem::temp_directory_path() / name) {
    std::filesystem::remove(path);
  }
  ~File() { std::filesystem::remove(path); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
};

struct Setup {
  FitOptions options;
  bool validation = false;
  Dataset<Labels> train = clusters(26), validated = clusters(12);
};

template <class Opt, class Callback>
History fit_with(Net& net, const Opt& optimizer, const Setup& setup, Callback&& callback) {
  if (setup.validation)
    return fit(net, setup.train, setup.validated, optimizer, setup.options, std::move(callback));
  return fit(net, setup.train, optimizer, setup.options, std::move(callback));
}

bool same(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

void check_same(const History& a, const History& b) {
  CHECK(same(a.loss, b.loss));
  CHECK(a.seconds.size() == b.seconds.size());
  CHECK(same(a.learning_rate, b.learning_rate));
  CHECK(same(a.gradient_norm, b.gradient_norm));
  CHECK(same(a.validation_loss, b.validation_loss));
  CHECK(same(a.validation_accuracy, b.validation_accuracy));
  CHECK(a.best_epoch == b.best_epoch);
}

// The last state of a run, without the times of its epochs.
std::string last_state(const std::filesystem::path& path) {
  TensorFile file = read_tensors(path);
  std::erase_if(file.tensors, [](const Tensor& tensor) { return tensor.name.ends_with("seconds"); });
  return to_bytes(file);
}

template <class Opt>
void check_resumes_after_every_batch(const Opt& optimizer, const Setup& setup) {
  const File file;
  Index calls = 0, stop_at = 0;
  bool crash = false;
  const auto run = [&](Net& net) {
    calls = 0;
    return fit_with(net, optimizer, setup, Checkpoint(file.path, {.every_steps = 1}, [&](const Progress&) {
                      if (++calls == stop_at && crash) throw std::logic_error("crash");
                      return calls != stop_at;
                    }));
  };
  Net expected = new_net();
  const History history = run(expected);
  const std::string state = last_state(file.path);
  const Index batches = calls;
  REQUIRE(batches >= 10);
  for (Index k = 1; k <= batches; ++k) {
    // A run that stops there, and one that crashes there and has to repeat some batches.
    for (const bool crashes : {false, true}) {
      CAPTURE(k);
      CAPTURE(crashes);
      std::filesystem::remove(file.path);
      Net stopped = new_net();
      stop_at = k;
      crash = crashes;
      message_of<std::logic_error>([&] { run(stopped); });
      stop_at = 0;
      Net net = new_net(std::filesystem::exists(file.path) ? 99 : 1);
      const History resumed = run(net);
      CHECK((crash ? calls > batches - k : calls == batches - k));
      CHECK(net.parameters() == expected.parameters());
      CHECK(net.state() == expected.state());
      check_same(resumed, history);
      CHECK(last_state(file.path) == state);
    }
  }
  // Nothing is left to do.
  Net again = new_net(99);
  check_same(run(again), history);
  CHECK(calls == 0);
  CHECK(again.parameters() == expected.parameters());
  CHECK(again.state() == expected.state());
}

const Adam adam{.learning_rate = 0.05};
const Sgd sgd{.learning_rate = 0.5, .momentum = 0.9};

}  // namespace

TEST_CASE("checkpoint: Adam and a schedule, resumed after every batch") {
  check_resumes_after_every_batch(
      adam, {{.epochs = 3, .batch_size = 7, .seed = 5, .schedule = CosineSchedule{.steps = 12}}});
}

TEST_CASE("checkpoint: validation, patience and a schedule with a state, resumed after every batch") {
  Setup setup{{.epochs = 7,
               .batch_size = 13,
               .schedule = ReduceOnPlateau{.factor = 0.5, .patience = 0},
               .patience = 3}};
  setup.validation = true;
  check_resumes_after_every_batch(sgd, setup);
}

namespace {

// Resumes from a file, twice over, and goes on.
struct LoadsTwice {
  std::filesystem::path path;
  void begin(auto& training) const {
    for (int i = 0; i < 2; ++i) load_checkpoint(training, path);
  }
  bool operator()(const Progress&) const { return true; }
};

}  // namespace

TEST_CASE("checkpoint: a learning rate that plateaus have reduced is as low after resuming") {
  for (const bool validation : {false, true}) {
    CAPTURE(validation);
    const File file;
    // No epoch halves the loss: each, but for the first and those of cooldown, halves the rate.
    Setup setup{{.epochs = 9,
                 .batch_size = 13,
                 .schedule = ReduceOnPlateau{.factor = 0.5, .patience = 0, .threshold = 0.9, .cooldown = 1}}};
    setup.validation = validation;
    const Sgd slow{.learning_rate = 0.01, .momentum = 0.9};
    Net expected = new_net(), stopped = new_net(), net = new_net(99);
    const History history = fit_with(expected, slow, setup, [](const Progress&) { return true; });
    REQUIRE(history.learning_rate[4] == 0.0025);
    REQUIRE(history.learning_rate[8] == 0.000625);
    fit_with(stopped, slow, setup, Checkpoint(file.path, {}, [](const Progress& now) {
               return now.epoch < 6 || !now.epoch_is_done();
             }));
    const History resumed = fit_with(net, slow, setup, LoadsTwice{file.path});
    check_same(resumed, history);
    CHECK(net.parameters() == expected.parameters());
    CHECK(net.state() == expected.state());
  }
}

TEST_CASE("checkpoint: accumulated batches, a moving average and weights, resumed after every batch") {
  Setup setup{{.epochs = 2,
               .batch_size = 4,
               .accumulate = 3,
               .schedule = ReduceOnPlateau{},
               .clip_norm = 1,
               .validation_fraction = 0.25,
               .average_decay = 0.75}};
  setup.train.weights = Vector<float>::LinSpaced(26, 0.5f, 2);
  check_resumes_after_every_batch(adam, setup);
}

TEST_CASE("checkpoint: a finished run resumes with more epochs") {
  const File file;
  Setup setup{{.epochs = 4, .batch_size = 13, .schedule = ReduceOnPlateau{.patience = 0}, .patience = 3}};
  setup.validation = true;
  const auto run = [&](Net& net, Index epochs, const std::filesystem::path& path) {
    setup.options.epochs = epochs;
    return fit_with(net, sgd, setup, Checkpoint(path, {}, [](const Progress&) { return true; }));
  };
  Net expected = new_net(), net = new_net();
  const History history = run(expected, 4, {});
  CHECK(!std::filesystem::exists(file.path));
  for (const Index epochs : {2, 4}) {
    const History resumed = run(net, epochs, file.path);
    CHECK(static_cast<Index>(resumed.loss.size()) == epochs);
    if (epochs == 4) check_same(resumed, history);
  }
  CHECK(net.parameters() == expected.parameters());
  CHECK(message_of<std::runtime_error>([&] { run(net, 3, file.path); }) ==
        file.path.string() + ": expected epoch in [0, 3], found 4");
}

TEST_CASE("checkpoint: a Trainer in a user's own loop") {
  const File file;
  const Dataset<Labels> data = clusters(8);
  Net expected = new_net(), net = new_net(99);
  Trainer a(expected, adam, Rng{3}), b(net, adam);
  for (int i = 0; i < 3; ++i) a.step(data.x, data.t);
  save_checkpoint(a, file.path);
  load_checkpoint(b, file.path);
  CHECK(b.steps() == 3);
  for (int i = 0; i < 3; ++i) {
    CHECK(b.step(data.x, data.t) == a.step(data.x, data.t));
    CHECK(net.parameters() == expected.parameters());
    CHECK(net.state() == expected.state());
  }
  expected.parameters()(2) = std::numeric_limits<float>::quiet_NaN();
  CHECK(message_of<std::runtime_error>([&] { save_checkpoint(a, file.path); }) ==
        file.path.string() + ": expected finite parameters, found nan");
  load_checkpoint(a, file.path);  // the old file is still there and restores the network
  CHECK(a.steps() == 3);
}

TEST_CASE("checkpoint: when it is written, and when its callback is called") {
  const File file;
  const auto steps_saved = [&](const CheckpointOptions& options) {
    std::filesystem::remove(file.path);
    // As if killed while writing.
    std::filesystem::path half = file.path;
    std::ofstream(half += ".0.tmp") << "half";
    Net net = new_net();
    std::vector<Index> steps;
    // Called before each write, so it sees the previous checkpoint.
    const auto look = [&](const Progress& now) {
      if (std::filesystem::exists(file.path)) {
        steps.push_back(now.steps - 1);
        std::filesystem::remove(file.path);
      }
      return true;
    };
    fit_with(net, sgd, {{.epochs = 2, .batch_size = 7}}, Checkpoint(file.path, options, look));
    CHECK(std::filesystem::exists(file.path));
    CHECK(!std::filesystem::exists(half));
    return steps;
  };
  CHECK(steps_saved({}) == std::vector<Index>{4});
  CHECK(steps_saved({.every_steps = 3}) == std::vector<Index>{3, 6});
  CHECK(steps_saved({.every_minutes = 1e9}).empty());
  CHECK(steps_saved({.every_steps = 3, .every_minutes = 1e-9}).size() == 7);
  CHECK(message_of([] { Checkpoint("", {.every_steps = -1}); }) ==
        "CheckpointOptions: expected every_steps >= 0, found -1");
  CHECK(message_of([] { Checkpoint("", {.every_minutes = -1}); }) ==
        "CheckpointOptions: expected every_minutes >= 0, found -1");
}

TEST_CASE("checkpoint: the network of the best epoch") {
  const File file, best{"mlp_checkpoint_test_best"};
  for (const bool validation : {true, false}) {
    CAPTURE(validation);
    Setup setup{{.epochs = 7, .batch_size = 13, .seed = 3}};
    setup.validation = validation;
    // Labels that have nothing to do with the samples, so that the last epoch isn't the best.
    for (Index j = 0; j < setup.train.size(); ++j) setup.train.t(j) = static_cast<int>(j / 3 % 3);
    if (validation) setup.options.average_decay = 0.5;
    std::vector<Net> after_epoch;
    std::vector<double> losses;
    for (const Index last_batch : {7, 14}) {  // stops within an epoch and resumes
      Net net = new_net(last_batch == 7 ? 1 : 99);
      const auto look = [&](const Progress& now) {
        if (now.epoch_is_done()) after_epoch.push_back(net);
        return 2 * (now.epoch - 1) + now.batch < last_batch;
      };
      const History history = fit_with(net, sgd, setup, Checkpoint(file.path, {.best = best.path}, look));
      losses = validation ? history.validation_loss : history.loss;
    }
    std::filesystem::remove(file.path);
    Net found = new_net(99);
    load(found, best.path);
    const auto smallest = std::min_element(losses.begin(), losses.end());
    CHECK(smallest != losses.end() - 1);
    if (validation) CHECK(evaluate(found, setup.validated).loss == *smallest);
    else CHECK(found.parameters() == after_epoch.at(std::size_t(smallest - losses.begin())).parameters());
  }
}

namespace {

// Calls a function with fit's run before the first batch.
template <class F>
struct AtBegin {
  F f;
  void begin(auto& training) { f(training); }
  bool operator()(const Progress&) const { return false; }
};

// Calls a function with fit's run after each batch.
template <class F>
struct AfterBatch {
  F f;
  bool after(auto& training, const Progress& now) {
    f(training, now);
    return true;
  }
};

// The error for loading the checkpoint `bytes`, or "".
template <class Training>
std::string message_of_loading(Training& training, const std::string& bytes) {
  const std::string message =
      message_of<std::runtime_error>([&] { detail::load_checkpoint(training, bytes, "FILE"); });
  return message == "no such exception" ? "" : message;
}

// The same; checks that nothing has changed.
template <class Training>
std::string refusal(Training& training, const std::string& bytes) {
  const TensorFile before = detail::checkpoint_of(training);
  const std::string message = message_of_loading(training, bytes);
  if (!message.empty()) CHECK(detail::checkpoint_of(training) == before);
  return message;
}

void set(TensorFile& file, const char* name, Tensor tensor) {
  tensor.name = name;
  *const_cast<Tensor*>(file.find(name)) = std::move(tensor);
}

Tensor count(std::int64_t n) { return make_tensor("", {}, &n); }

}  // namespace

TEST_CASE("checkpoint: a file of another training is refused") {
  const File file;
  const auto error = [&](const auto& optimizer, const Setup& setup) {
    Net net = new_net(99);
    const Net before = net;
    const std::string message = message_of<std::runtime_error>(
        [&] { fit_with(net, optimizer, setup, Checkpoint(file.path, {}, [](auto&) { return true; })); });
    CHECK(net.parameters() == before.parameters());
    CHECK(net.state() == before.state());
    const std::string start = file.path.string() + ": ";
    CHECK(message.starts_with(start));
    return message.substr(std::min(start.size(), message.size()));
  };
  const FitOptions options{.epochs = 2, .batch_size = 7, .seed = 5};
  const auto with = [&](auto change) {
    Setup setup{options};
    change(setup);
    return setup;
  };
  Net net = new_net();
  fit_with(net, sgd, {options}, Checkpoint(file.path, {}, [](auto&) { return true; }));
  CHECK(error(sgd, with([](Setup& s) { s.train = clusters(25); })) == "expected samples 25, found 26");
  CHECK(error(sgd, with([](Setup& s) { s.options.seed = 6; })) == "expected seed 6, found 5");
  CHECK(error(sgd, with([](Setup& s) { s.options.batch_size = 8; })) == "expected batch_size 8, found 7");
  CHECK(error(sgd, with([](Setup& s) { s.options.accumulate = 2; })) == "expected accumulate 2, found 1");
  CHECK(error(sgd, with([](Setup& s) { s.options.average_decay = 0.5; })) ==
        "expected average as F32 [35], found none");
  CHECK(error(sgd, with([](Setup& s) { s.validation = true; })) ==
        "expected epochs of history.validation_loss in [2, 2], found 0");
  CHECK(error(adam, {options}) == "expected slots as F32 [2, 35], found F32 [35]");
}

TEST_CASE("checkpoint: a file of another Trainer is refused") {
  using Small = BasicMlp<double, MeanSquaredError, Dense<1, 1>>;
  Small net;
  Trainer trainer(net, Sgd{});
  const std::string bytes = to_bytes(detail::checkpoint_of(trainer));
  BasicMlp<float, MeanSquaredError, Dense<1, 1>> single;
  Trainer other_scalar(single, Sgd{});
  CHECK(refusal(other_scalar, bytes) == "FILE: expected parameters as F32 [2], found F64 [2]");
  Trainer other_optimizer(net, adam);
  CHECK(refusal(other_optimizer, bytes) == "FILE: expected slots as F64 [2, 2], found F64 [2]");

  const auto with = [&](auto change) {
    TensorFile file = tensors_from_bytes(bytes, "");
    change(file);
    return refusal(trainer, to_bytes(file));
  };
  const double bad[] = {0, std::numeric_limits<double>::infinity()};
  const std::uint64_t zeros[4] = {};
  CHECK(with([&](auto& f) { set(f, "parameters", make_tensor("", {2}, bad)); }) ==
        "FILE: expected finite parameters, found inf");
  CHECK(with([&](auto& f) { set(f, "rng", make_tensor("", {4}, zeros)); }) ==
        "FILE: expected rng with a word other than 0, found none");
  CHECK(with([&](auto& f) { set(f, "steps", count(-1)); }) ==
        "FILE: expected steps in [0, 9007199254740992], found -1");
  CHECK(with([&](auto& f) { f.metadata["version"] = "2"; }) == "FILE: expected version \"1\", found \"2\"");
  CHECK(with([&](auto& f) { f.metadata.clear(); }) == "FILE: expected format \"mlp checkpoint\", found none");
  CHECK(with([](auto& f) { f.tensors.pop_back(); }) == "FILE: expected steps as I64 [], found none");
  CHECK(with([](auto& f) {
          f.tensors.push_back(count(1));
          f.tensors.back().name = "epoch";
        }) == "FILE: expected no other tensor, found \"epoch\"");
  CHECK(with([](auto&) {}) == "");
}

TEST_CASE("checkpoint: impossible positions in a training are refused") {
  Setup setup{{.epochs = 3, .batch_size = 9, .accumulate = 2, .patience = 2}};
  setup.validation = true;
  Net net = new_net();
  const File file;
  fit_with(net, sgd, setup,
           Checkpoint(file.path, {}, [](const Progress& now) { return now.epoch < 2 || now.batch < 2; }));
  const auto try_all = [&](auto& training) {
    const TensorFile start = read_tensors(file.path);
    const auto with = [&](const char* name, Tensor tensor) {
      TensorFile changed = start;
      set(changed, name, std::move(tensor));
      return refusal(training, to_bytes(changed));
    };
    CHECK(with("epoch", count(2)) == "");
    CHECK(with("epoch", count(4)) == "FILE: expected epoch in [0, 3], found 4");
    CHECK(with("epoch", count(0)) == "FILE: expected batch in [3, 3], found 2");
    CHECK(with("epoch", count(1)) == "FILE: expected steps in [1, 1], found 3");
    CHECK(with("batch", count(0)) == "FILE: expected batch in [1, 3], found 0");
    CHECK(with("batch", count(4)) == "FILE: expected batch in [1, 3], found 4");
    CHECK(with("steps", count(4)) == "FILE: expected steps in [3, 3], found 4");
    CHECK(with("history.best_epoch", count(2)) == "FILE: expected history.best_epoch in [0, 1], found 2");
    const double two[2] = {};
    for (const std::string name :
         {"loss", "seconds", "learning_rate", "gradient_norm", "validation_loss", "validation_accuracy"}) {
      CHECK(with(("history." + name).c_str(), make_tensor("", {2}, two)) ==
            "FILE: expected epochs of history." + name + " in [1, 1], found 2");
    }
    CHECK(with("history.loss", make_tensor("", {}, two)) ==
          "FILE: expected history.loss as F64 [1], found F64 []");

    // A file with any changed number loads, or is refused and changes nothing. (The test below changes the
    // header, too.)
    std::string bytes = to_bytes(start);
    for (std::size_t i = bytes.rfind('}'); i < bytes.size(); ++i) {
      for (const int bit : {1, 128}) {
        const char right = bytes[i];
        bytes[i] = static_cast<char>(right ^ bit);
        refusal(training, bytes);
        bytes[i] = right;
      }
    }
  };
  Net other = new_net(99);
  fit_with(other, sgd, setup, AtBegin<decltype(try_all)>{try_all});
}

TEST_CASE("checkpoint: refusing or resuming at the end of an epoch keeps the epoch's validation") {
  const File file;
  Setup setup{{.epochs = 3, .batch_size = 13}};
  setup.validation = true;
  Net net = new_net();
  std::vector<double> losses;
  const auto check = [&](auto& training, const Progress& now) {
    TensorFile wrong = detail::checkpoint_of(training);
    set(wrong, "history.best_epoch", count(99));
    CHECK(refusal(training, to_bytes(wrong)) == "FILE: expected history.best_epoch in [0, " +
                                                    std::to_string(now.epoch - !now.epoch_is_done()) +
                                                    "], found 99");
    CHECK(now.validation.has_value() == now.epoch_is_done());
    if (!now.validation) return;
    CHECK(now.validation->loss == training.history().validation_loss.back());
    CHECK(now.validation->accuracy == training.history().validation_accuracy.back());
    losses.push_back(now.validation->loss);
    save_checkpoint(training, file.path);
  };
  const History history = fit_with(net, sgd, setup, AfterBatch<decltype(check)>{check});
  CHECK(same(losses, history.validation_loss));

  const auto resumes = [&](auto& training) {
    CHECK(!training.progress().validation);
    load_checkpoint(training, file.path);
    CHECK(training.progress().validation->loss == losses.back());
  };
  Net other = new_net(99);
  fit_with(other, sgd, setup, AtBegin<decltype(resumes)>{resumes});
}

TEST_CASE("checkpoint: load restores what save wrote, for random networks") {
  const File file;
  Rng rng{1};
  for (int i = 0; i < 100; ++i) {
    const std::string text = random_architecture(rng);
    CAPTURE(text);
    DynamicMlp net = from_architecture(text), other = from_architecture(text);
    Trainer trainer(net, sgd), other_trainer(other, sgd);
    fill(net.parameters(), [&] { return random_number<float>(rng, true); });
    fill(net.state(), [&] { return random_number<float>(rng, true); });
    save_checkpoint(trainer, file.path);
    load_checkpoint(other_trainer, file.path);
    CHECK(same_bits(other.parameters(), net.parameters()));
    CHECK(same_bits(other.state(), net.state()));
  }
}

namespace {

// An optimizer without slots, for a small file.
struct Plain {
  static constexpr Index slots = 0;
  void step(auto& theta, const auto& gradient, auto&, Index) const { theta -= gradient; }
};

}  // namespace

TEST_CASE("checkpoint: every prefix and every change of a byte loads or is refused") {
  BasicMlp<float, MeanSquaredError, Dense<1, 1>> net;
  Trainer trainer(net, Plain{});
  const std::string bytes = to_bytes(detail::checkpoint_of(trainer));
  const Vector<float> parameters = net.parameters();
  const Rng rng = trainer.rng();
  const auto refuses = [&](const std::string& changed) {
    const std::string message = message_of_loading(trainer, changed);
    if (message.empty()) {
      detail::load_checkpoint(trainer, bytes, "FILE");
      return false;
    }
    if (!message.starts_with("FILE: ")) FAIL(message);
    const bool is_as_before = net.parameters() == parameters && trainer.rng() == rng && trainer.steps() == 0;
    if (!is_as_before) FAIL("changed, but refused: ", message);
    return true;
  };
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK(refuses(bytes.substr(0, size)));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    for (int value = 1; value < 256; ++value) {
      changed[i] = static_cast<char>(bytes[i] ^ value);
      refuses(changed);
    }
  }
}
