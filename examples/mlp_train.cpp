// Continues the training of a classifier from a file: mlp_train MODEL.safetensors DATA.csv RESULT.safetensors
//
// The network's shape, its loss, the scaler of its inputs and the names of its classes come from the model's
// file, the samples from a table whose last column is the class.

#include <mlp/mlp.hpp>

#include <mlp/io/csv.hpp>
#include <mlp/io/safetensors.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>

using namespace mlp;

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: mlp_train MODEL.safetensors DATA.csv RESULT.safetensors\n", stderr);
    return EXIT_FAILURE;
  }
  try {
    Model<> model = load_model(argv[1]);
    Dataset<Labels> data =
        read_csv(argv[2], {.features = model.info.features, .classes = model.info.classes}).data;
    data.x = model.info.prepare(data.x);

    const auto report = [&](const char* when) {
      const Evaluation found = evaluate(model.net, data);
      std::printf("%s  loss %.4f, accuracy %.1f %%\n", when, found.loss, 100 * found.accuracy);
    };
    std::printf("%s\n", printable(architecture(model.net), 10'000).c_str());
    report("before");
    fit(model.net, data, AdamW{.learning_rate = 1e-3}, {.epochs = 100, .batch_size = 16, .seed = 1});
    report("after ");
    save(model.net, argv[3], model.info);
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mlp_train: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
