#include <fann.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

std::string read(const std::string& path, std::ptrdiff_t header) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file.ignore(header)), {});
}

fann_train_data* load(const std::string& prefix) {
  const std::string images = read(prefix + "-images-idx3-ubyte", 16),
                    labels = read(prefix + "-labels-idx1-ubyte", 8);
  fann_train_data* const data = fann_create_train(static_cast<unsigned>(labels.size()), 784, 10);
  std::transform(images.begin(), images.end(), data->input[0],
                 [](char byte) { return static_cast<float>(static_cast<unsigned char>(byte)) / 255; });
  for (std::size_t j = 0; j < labels.size(); ++j) {
    for (int k = 0; k < 10; ++k) data->output[j][k] = static_cast<float>(labels[j] == k);
  }
  return data;
}

int main(int, char** argv) {
  const std::string folder = argv[1];
  fann_train_data* const train = load(folder + "/train");
  fann_train_data* const test = load(folder + "/t10k");

  fann* const net = fann_create_standard(3, 784, 128, 10);
  fann_set_activation_function_hidden(net, FANN_SIGMOID_SYMMETRIC);
  fann_set_activation_function_output(net, FANN_SIGMOID);
  fann_set_training_algorithm(net, FANN_TRAIN_INCREMENTAL);
  fann_set_learning_rate(net, 0.1f);
  fann_shuffle_train_data(train);
  fann_train_epoch(net, train);

  unsigned right = 0;
  for (unsigned j = 0; j < fann_length_train_data(test); ++j) {
    const float* const y = fann_run(net, test->input[j]);
    right += test->output[j][std::max_element(y, y + 10) - y] == 1;
  }
  const double accuracy = static_cast<double>(right) / fann_length_train_data(test);
  std::printf("%.4f\n", accuracy);
  fann_destroy(net);
  fann_destroy_train(train);
  fann_destroy_train(test);
  return accuracy > 0.85 ? 0 : 1;
}
