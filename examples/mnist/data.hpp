#pragma once

#include <mlp/data/byte_matrix.hpp>
#include <mlp/data/dataset.hpp>
#include <mlp/io/idx.hpp>

#include <filesystem>
#include <stdexcept>
#include <string>

#ifndef MLP_MNIST_DATA
#define MLP_MNIST_DATA "mnist-data"  // folder of the whole set, if it was fetched
#endif
#ifndef MLP_MNIST_SUBSET
#define MLP_MNIST_SUBSET "examples/data/mnist"  // folder of the 10,000 training images
#endif

/// Digits, their pixels as bytes.
using Digits = mlp::Dataset<mlp::Labels, float, mlp::ByteMatrix<float>>;

struct Data {
  Digits train, test;
};

struct Files {
  std::filesystem::path train_images, train_labels, test_images, test_labels;
};

/// The four files of MNIST in a folder, gzipped or not.
/// Errors: std::runtime_error naming the first that isn't there.
inline Files find_files(const std::filesystem::path& folder) {
  const auto find = [&](const std::string& name) {
    for (const char* const ending : {".gz", ""}) {
      if (std::filesystem::exists(folder / (name + ending))) return folder / (name + ending);
    }
    throw std::runtime_error(folder.string() + ": expected a file " + name + ".gz or " + name +
                             ", found neither");
  };
  return {find("train-images-idx3-ubyte"), find("train-labels-idx1-ubyte"), find("t10k-images-idx3-ubyte"),
          find("t10k-labels-idx1-ubyte")};
}

inline Data read(const Files& files) {
  return {mlp::read_idx_bytes(files.train_images, files.train_labels),
          mlp::read_idx_bytes(files.test_images, files.test_labels)};
}
