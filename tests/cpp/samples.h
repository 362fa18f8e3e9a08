// Functions and types that the tests of the C++ face send about.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace samples {

struct Point {
  double x = 0;
  double y = 0;
  bool operator==(const Point&) const = default;

  template <typename Archive>
  void serialize(Archive& archive) {
    archive(x, y);
  }
};

/// Serialized by a free function, as for a type that cannot be changed.
struct Legacy {
  std::string name;
  int age = 0;
};

template <typename Archive>
void serialize(Archive& archive, Legacy& legacy) {
  archive(legacy.name, legacy.age);
}

/// A function object with state that is not just bytes.
struct Prefixer {
  std::string prefix;
  std::string operator()(const std::string& text) const { return prefix + text; }

  template <typename Archive>
  void serialize(Archive& archive) {
    archive(prefix);
  }
};

int square(int n);
double mean(const std::vector<double>& values);
std::string greet(std::string_view name, const char* greeting);
long sum(std::span<const int> numbers);
int take_ownership(std::unique_ptr<int> number);
const std::string& longest(const std::vector<std::string>& words);
std::string_view first_word(const std::string& text);
Point mirrored(const Point& point) noexcept;
void nothing();
int process_id();
/// Whether the process exists and is no zombie.
bool is_alive(int pid);

}  // namespace samples
