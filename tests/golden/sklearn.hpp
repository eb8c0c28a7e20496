// Written by make_sklearn.py with scikit-learn 1.2.1; do not edit. To make it anew:
// python3 tests/golden/make_sklearn.py
#pragma once

namespace golden::sklearn {

inline constexpr int seeds = 10, hidden = 32, batch_size = 32;
inline constexpr double learning_rate = 0.005;

/// The accuracy on the test samples, or for a regression R2: the worst seed, the mean, the best.
struct DataSet {
  const char* name;
  int epochs;
  double min, mean, max;
};

inline constexpr DataSet data_sets[] = {
    {"iris", 50, 0.9459459459459459, 0.9675675675675676, 0.972972972972973},
    {"wine", 20, 0.9545454545454546, 0.975, 0.9772727272727273},
    {"breast_cancer", 20, 0.9577464788732394, 0.9683098591549296, 0.9788732394366197},
    {"digits", 20, 0.9621380846325167, 0.9672605790645881, 0.9755011135857461},
    {"diabetes", 20, 0.33059839953797454, 0.3788768891567714, 0.4346552490054272},
};

}  // namespace golden::sklearn
