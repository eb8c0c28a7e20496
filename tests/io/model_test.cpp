#include <mlp/io/model.hpp>

#include <doctest/doctest.h>

#include <limits>

#include "message_of.hpp"

using namespace mlp;

namespace {

// y = W x + b with W = (1 2; 3 4; 5 6), b = (0, 0, 6).
DynamicMlp linear() {
  DynamicMlp net(SoftmaxCrossEntropy{}, {DynamicDense(2, 3)});
  net.parameters() << 1, 3, 5, 2, 4, 6, 0, 0, 6;
  return net;
}

const Matrix<float> data{{1, 3}, {-2, 2}};  // means 2 and 0, deviations 1 and 2

}  // namespace

TEST_CASE("ModelInfo: prepare applies the scaler, or nothing") {
  ModelInfo<> info;
  CHECK(info.prepare(data) == data);
  info.scaler = StandardScaler(data);
  CHECK(info.prepare(data) == Matrix<float>{{-1, 1}, {-1, 1}});
  info.scaler = MinMaxScaler(data);
  CHECK(info.prepare(data) == Matrix<float>{{0, 1}, {0, 1}});
  CHECK(info.prepare(data.col(1)) == Matrix<float>{{1}, {1}});
}

TEST_CASE("Model: predict and classify take samples as they are before the scaler") {
  Model<> model{linear(), {}};
  CHECK(model.predict(data) == model.net.predict(data));
  CHECK(model.classify(data) == Labels{{2, 2}});
  model.info.scaler = StandardScaler(data);
  const Matrix<float> scaled{{-1, 1}, {-1, 1}};
  CHECK(model.predict(data) == model.net.predict(scaled));
  CHECK(model.classify(data) == Labels{{0, 2}});
}

TEST_CASE("ModelInfo: validate accepts what fits the network") {
  ModelInfo<> info;
  CHECK_NOTHROW(info.validate(2, 3));
  info.features = {"length", "width"};
  info.classes = {"a", "b", "c"};
  info.scaler = StandardScaler(data);
  info.probes = data;
  CHECK_NOTHROW(info.validate(2, 3));
  info.classes = {"no", "yes"};
  CHECK_NOTHROW(info.validate(2, 1));  // one output decides between two classes
}

TEST_CASE("ModelInfo: validate names what does not fit") {
  const auto message = [](const ModelInfo<>& info) { return message_of([&] { info.validate(2, 3); }); };
  CHECK(message({.features = {"length"}}) ==
        "ModelInfo: expected 2 names of features, one for each input, or none, found 1");
  CHECK(message({.classes = {"a", "b"}}) == "ModelInfo: expected 3 names of classes, or none, found 2");
  CHECK(message({.probes = Matrix<float>::Zero(3, 1)}) ==
        "ModelInfo: expected 2 rows in probes, one for each input, found 3");
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(message({.probes = Matrix<float>::Constant(2, 1, nan)}) ==
        "ModelInfo: expected probes of finite numbers, found nan or infinity");

  StandardScaler<> standard(data);
  standard.scale(1) = 0;
  CHECK(message({.scaler = standard}) ==
        "ModelInfo: expected a scaler of finite numbers and scales > 0, found another");
  standard.scale.setOnes(3);
  CHECK(message({.scaler = standard}) ==
        "ModelInfo: expected 2 scales of the scaler, one for each input, found 3");
  MinMaxScaler<> min_max(data);
  min_max.low = nan;
  CHECK(message({.scaler = min_max}) ==
        "ModelInfo: expected a scaler of finite numbers and scales > 0, found another");
  min_max.min.setZero(1);
  CHECK(message({.scaler = min_max}) ==
        "ModelInfo: expected 2 features of the scaler, one for each input, found 1");
}
