#pragma once

#include <cstdint>
#include <string_view>

// Printed by the test itself, sorted: `test_golden_same_bits -s | grep -o '{.*},' | sort -u`. A change of the
// library's arithmetic changes them; another machine or compiler does not. Seen with g++ 12 and clang++ 14 on
// x86-64 (AVX2), with and without -ffp-contract=off, with Eigen 3.4 and 5, and with g++ 12 for AArch64, RISC-V and
// s390x under QEMU and for Windows under Wine.
namespace golden {

struct SameBits {
  std::string_view name;
  std::uint64_t hash;
};

inline constexpr SameBits same_bits[] = {
    {"BinaryCrossEntropy", 0xd2bbe8c294f7a65f},
    {"BinaryCrossEntropy(positive_weights=[1, 2, 3, 4])", 0xe68c31201bcce24b},
    {"Dense(7, 37), BatchNorm(37)", 0xec19b939efbe44e0},
    {"Dense(7, 37), LayerNorm(37)", 0x5f985e5578dbb264},
    {"Dense(7, 37), Residual(Dense(37, 37, Tanh))", 0x3aa14560875a44f8},
    {"Dense(7, 37, ELU)", 0x60309d6776fa5da7},
    {"Dense(7, 37, GELU(approximate=true))", 0xcbd0c269f63fdf44},
    {"Dense(7, 37, GELU)", 0x519fb74f547dcb6e},
    {"Dense(7, 37, HardTanh)", 0xe7b8264938bf052a},
    {"Dense(7, 37, LeakyReLU)", 0xae18b30dd3930b87},
    {"Dense(7, 37, Mish)", 0x276d50e82fc5c8b8},
    {"Dense(7, 37, ReLU)", 0x4654a9e02ff7a232},
    {"Dense(7, 37, SELU)", 0x8a56bf4983fc00a4},
    {"Dense(7, 37, SiLU)", 0x3325942a886f32e0},
    {"Dense(7, 37, Sigmoid)", 0xa95076b4b703beb0},
    {"Dense(7, 37, Softplus)", 0x2cf18c9e0f9c69f9},
    {"Dense(7, 37, Softsign)", 0x311df082d4d237bf},
    {"Dense(7, 37, Tanh)", 0xc8a7cbd919f274e9},
    {"Dense(7, 37, Tanh), Dropout(37, p=0.3)", 0x33d0cc6d7d4fa560},
    {"GaussianNLL", 0x5231aa0a15cb9b08},
    {"Hinge", 0x451858bee5adf554},
    {"Huber(delta=0.5)", 0x225701e7b91fa3dd},
    {"MeanAbsoluteError", 0x75733a4b58b034b4},
    {"PoissonNLL(full=true)", 0x9b8a4c14fc61fc4c},
    {"SoftmaxCrossEntropy", 0xf86da704c86244a8},
    {"SoftmaxCrossEntropy(class_weights=[1, 2, 3, 0.7], label_smoothing=0.1)", 0xe5c0a44f126665a9},
    {"SoftmaxCrossEntropy, shares", 0xbf7aec8fe50dd07d},
    {"double, Adagrad", 0xcc53ded70be2e060},
    {"double, Adam", 0x008b902f21a02e6d},
    {"double, AdamW", 0xe531655d0122752c},
    {"double, Lbfgs", 0x913f52fd7a232d08},
    {"double, RMSprop", 0x4bb1bc52e4ab724e},
    {"double, Sgd", 0xbd53a6f8ff012a63},
    {"double, Sgd, nesterov", 0x2d25f70cd0ed2791},
    {"double, elementary functions", 0x13aaa2a4026e2689},
    {"double, fit", 0x48cc611cc1d8f80e},
    {"float, Adagrad", 0x18a8d4e83313c2b2},
    {"float, Adam", 0x015e75b4bc4f07ea},
    {"float, AdamW", 0x9abb2a27689ea49c},
    {"float, Lbfgs", 0xee012913c7dbf074},
    {"float, RMSprop", 0x98094b5bb9af9307},
    {"float, Sgd", 0xde7aa50f23063d2b},
    {"float, Sgd, nesterov", 0xcb99eafdab2f6e04},
    {"float, elementary functions", 0x4f59db44c4f858fe},
    {"float, fit", 0xb17daaecc9c07645},
};

}  // namespace golden
