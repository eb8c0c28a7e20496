#include <doctest/doctest.h>

#include <mlp/minimize/minimize_result.hpp>

#include <set>
#include <string>

using namespace mlp;

TEST_CASE("every reason to stop has its own text, and two reasons are success") {
  std::set<std::string> words;
  int converged = 0;
  for (const StopReason reason :
       {StopReason::gradient_tolerance, StopReason::change_tolerance, StopReason::no_progress,
        StopReason::max_iterations, StopReason::max_evaluations, StopReason::callback}) {
    words.insert(to_string(reason));
    converged += MinimizeResult{.reason = reason}.converged();
  }
  CHECK(words.size() == 6);
  CHECK(!words.contains(""));
  CHECK(converged == 2);
  CHECK(MinimizeResult{.reason = StopReason::gradient_tolerance}.converged());
  CHECK(MinimizeResult{.reason = StopReason::change_tolerance}.converged());
}
