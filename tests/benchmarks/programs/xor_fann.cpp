#include <fann.h>

#include <cmath>
#include <cstdio>

int main() {
  fann_train_data* const data = fann_create_train(4, 2, 1);
  for (int j = 0; j < 4; ++j) {
    data->input[j][0] = static_cast<float>(j / 2);
    data->input[j][1] = static_cast<float>(j % 2);
    data->output[j][0] = static_cast<float>(j / 2 != j % 2);
  }

  fann* const net = fann_create_standard(3, 2, 8, 1);
  fann_set_activation_function_hidden(net, FANN_SIGMOID_SYMMETRIC);
  fann_set_activation_function_output(net, FANN_LINEAR);
  fann_set_training_algorithm(net, FANN_TRAIN_BATCH);
  fann_set_learning_rate(net, 0.2f);
  fann_randomize_weights(net, -1, 1);
  for (int i = 0; i < 20000; ++i) fann_train_epoch(net, data);

  float worst = 0;
  for (int j = 0; j < 4; ++j) {
    const float y = fann_run(net, data->input[j])[0];
    std::printf("%.3f ", y);
    worst = std::fmax(worst, std::fabs(y - data->output[j][0]));
  }
  std::puts("");
  fann_destroy(net);
  fann_destroy_train(data);
  return worst < 0.1f ? 0 : 1;
}
