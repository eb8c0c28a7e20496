// The network of mnist.cpp, trained by several processes: each batch is divided among the ranks.
//   mpirun -n 4 mnist_mpi [epochs [images]]
// Open MPI refuses more ranks than cores without --oversubscribe.

#include <mlp/mlp.hpp>
#include <mlp/parallel/mpi.hpp>

#include "mnist/data.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

using namespace mlp;

/// The first images of a set, all of them if there are not more.
Digits first(const Digits& data, Index images) {
  images = std::min(images, data.size());
  return {ByteMatrix<float>(data.x.bytes().leftCols(images)), data.t.head(images)};
}

void run(Index epochs, Index images) {
  if (epochs <= 0 || images <= 0) throw std::invalid_argument("expected epochs and images > 0");
  const mpi::World world;
  const bool whole = std::filesystem::exists(MLP_MNIST_DATA "/train-images-idx3-ubyte.gz");
  const Data all = read(find_files(whole ? MLP_MNIST_DATA : MLP_MNIST_SUBSET));
  const auto train = first(all.train, images), test = first(all.test, images);
  Mlp<SoftmaxCrossEntropy, Dense<784, 256, ReLU>, Dense<256, 128, ReLU>, Dense<128, 10>> net;
  Rng rng{1};
  net.initialize(rng);

  if (world.rank == 0) {
    std::printf("%d ranks, %td training images, batches of 256\n", world.size, train.size());
    std::printf("epoch     loss   accuracy   images/s\n");
  }
  const auto report = [&](const Progress& now) {
    if (world.rank != 0 || !now.epoch_is_done()) return;
    std::printf("%5td  %.5f    %5.2f %%   %8.0f\n", now.epoch, now.loss, 100 * evaluate(net, test).accuracy,
                static_cast<double>(now.samples) / now.seconds);
    std::fflush(stdout);
  };
  mpi::fit(net, train, Sgd{.learning_rate = 0.05, .momentum = 0.9},
           {.epochs = epochs, .batch_size = 256, .seed = 1}, report);
}

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  mpi::end_run_on_error(
      [&] { run(argc > 1 ? std::atoi(argv[1]) : 10, argc > 2 ? std::atoi(argv[2]) : 60'000); });
  MPI_Finalize();
}
