#include <mlp/training/progress.hpp>

#include <doctest/doctest.h>

#include <stdexcept>

#include "message_of.hpp"

using namespace mlp;

TEST_CASE("progress: from epoch to epoch") {
  Progress now;
  now.epochs = 2;
  now.batch = now.batches = 3;  // as at the end of an epoch 0
  CHECK(now.epochs_done() == 0);
  now.samples = 10;
  now.seconds = 5;
  now.validation = Evaluation{1, 1};
  now.begin_epoch();
  CHECK(now.epoch == 1);
  CHECK(now.batch == 0);
  CHECK(now.samples == 0);
  CHECK(now.seconds == 0);
  CHECK(!now.validation);
  CHECK(now.epochs_done() == 0);
  now.batch = 3;
  CHECK(now.epoch_is_done());
  CHECK(now.epochs_done() == 1);
}

TEST_CASE("progress: one from a checkpoint is possible in the run") {
  const auto error = [](Index epoch, Index batch) {
    Progress now;
    now.epochs = 2;
    now.batches = 3;
    now.epoch = epoch;
    now.batch = batch;
    return message_of<std::runtime_error>([&] { detail::check_restored("FILE", now); });
  };
  CHECK(error(0, 3) == "no such exception");
  CHECK(error(0, 2) == "FILE: expected batch in [3, 3], found 2");
  CHECK(error(1, 0) == "FILE: expected batch in [1, 3], found 0");
  CHECK(error(2, 1) == "no such exception");
  CHECK(error(3, 1) == "FILE: expected epoch in [0, 2], found 3");
}
