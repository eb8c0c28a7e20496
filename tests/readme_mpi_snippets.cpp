#include <mlp/mlp.hpp>
#include <mlp/parallel/mpi.hpp>

#include <iostream>

#include "clusters.hpp"

using namespace mlp;

// What the pieces of code with MPI_Init in the guides (examples/*.md) take for granted.
int main(int argc, char** argv) {
  Mlp<SoftmaxCrossEntropy, Dense<2, 8, Tanh>, Dense<8, 3>> net;
  Rng rng{1};
  net.initialize(rng);
  const Dataset<Labels> train = clusters(320), test = clusters(64);
#include "readme_mpi_snippets.inc"
}
