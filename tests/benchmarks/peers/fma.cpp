// The limit: fused multiply-adds on registers, as wide as the compiler's flags allow.
#include "../suite.hpp"

namespace suite {

namespace {

constexpr int chains = 12;  // independent, enough to hide the latency of two units

void multiply_add(benchmark::State& state) {
  using Packet = Eigen::internal::packet_traits<float>::type;
  using Eigen::internal::pset1;
  float start = 0.5f;
  benchmark::DoNotOptimize(start);
  const Packet a = pset1<Packet>(start), b = pset1<Packet>(start);
  Packet sum[chains];
  for (auto& s : sum) s = a;
  for (auto _ : state) {
    for (int i = 0; i < 1000; ++i) {
#pragma GCC unroll 12
      for (auto& s : sum) s = Eigen::internal::pmadd(s, a, b);
    }
  }
  for (auto& s : sum) benchmark::DoNotOptimize(s);
}

void add_limit() {
  constexpr int flop = 1000 * chains * 2 * Eigen::internal::packet_traits<float>::size;
  add({"limit", "", 1e9, true, 0}, "FMA", flop, multiply_add)->Repetitions(20);
}

const bool added = (peers().push_back({"FMA", "", add_limit}), true);

}  // namespace

}  // namespace suite
