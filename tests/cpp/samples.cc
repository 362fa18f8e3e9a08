#include "cpp/samples.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <numeric>

namespace samples {

int square(int n) {
  return n * n;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::string greet(std::string_view name, const char* greeting) {
  return std::string(greeting) + ", " + std::string(name);
}

long sum(std::span<const int> numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0L);
}

int take_ownership(std::unique_ptr<int> number) {
  return *number;
}

const std::string& longest(const std::vector<std::string>& words) {
  return *std::max_element(words.begin(), words.end(),
                           [](const auto& a, const auto& b) { return a.size() < b.size(); });
}

std::string_view first_word(const std::string& text) {
  return std::string_view(text).substr(0, text.find(' '));
}

Point mirrored(const Point& point) noexcept {
  return {.x = point.y, .y = point.x};
}

void nothing() {}

int process_id() {
  return ::getpid();
}

bool is_alive(int pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stat, text);
  const auto state = text.rfind(") ");
  return state != std::string::npos && text[state + 2] != 'Z';
}

}  // namespace samples
