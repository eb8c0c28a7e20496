#include <mlp/core/concept_details.hpp>

#include <doctest/doctest.h>

#include <type_traits>

using namespace mlp;

namespace {

struct None {};
struct OfScalar {
  template <class S>
  struct Cache {};
};
struct OfScalarAndBatch {
  template <class S, int Batch>
  struct Cache {};
};

struct Chosen {
  using Alternatives = void;
  int value;
  void visit(auto&& use) const { use(value); }
};

}  // namespace

TEST_CASE("cache_of: Cache<S, Batch>, Cache<S> or nothing") {
  static_assert(std::is_same_v<detail::cache_of<None, float, 4>::type, detail::NoCache>);
  static_assert(std::is_same_v<detail::cache_of<OfScalar, float, 4>::type, OfScalar::Cache<float>>);
  static_assert(
      std::is_same_v<detail::cache_of<OfScalarAndBatch, float, 4>::type, OfScalarAndBatch::Cache<float, 4>>);
  static_assert(!detail::HasCache<None, float> && detail::HasCache<OfScalar, float>);
}

TEST_CASE("validate: calls what a part defines") {
  struct Validated {
    bool& called;
    void validate() const { called = true; }
  };
  bool called = false;
  detail::validate(Validated{called});
  CHECK(called);
  detail::validate(None{});
}

TEST_CASE("visit: the part itself, or the one that it holds") {
  int seen = 0;
  detail::visit(3, [&](int part) { seen = part; });
  CHECK(seen == 3);
  detail::visit(Chosen{5}, [&](int part) { seen = part; });
  CHECK(seen == 5);
}
