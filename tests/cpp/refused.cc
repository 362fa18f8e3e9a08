// What the compiler must refuse, each with a sentence for people. Compiled, never linked, by check_refused: the text
// behind "refused:" must be in what the compiler says.
#include <functional>
#include <string>
#include <vector>

#include "prong/prong.h"

// The comments belong to their lines.
// clang-format off

struct Unknown {
  std::vector<int> numbers;
};

struct NotDefault {
  explicit NotDefault(int n) : number(n) {}
  int number;
  template <typename Archive>
  void serialize(Archive& archive) {
    archive(number);
  }
};

struct Widget {
  int area() const { return 1; }
  int twice() {
    prong::Pool pool;
    return pool.submit([this] { return 2 * area(); }).get();  // refused: captures a reference, a pointer, `this`
  }
};

void change(int& number) { number = 1; }
int square(int n) { return n * n; }

void refused(prong::Pool& pool) {
  int number = 0;
  const std::string text = "text";
  pool.submit(std::function<int()>([] { return 1; }));            // refused: a std::function cannot be sent
  pool.submit(&Widget::area, Widget());                           // refused: a pointer to a member cannot be sent
  pool.submit([text] { return text.size(); });                    // refused: captures something that owns memory
  pool.submit([&number] { return number; });                      // refused: captures a reference, a pointer
  pool.submit([](int* pointer) { return *pointer; }, &number);    // refused: a pointer means nothing in another process
  pool.submit([](Unknown unknown) { return unknown.numbers[0]; }, Unknown());  // refused: this type cannot be sent
  pool.submit([](const NotDefault& made) { return made.number; }, NotDefault(1));  // refused: must be default-constructible
  pool.submit(change, number);                                    // refused: it would change a copy
  pool.submit(square, 1, 2);                                      // refused: wrong number of arguments
  pool.submit(square, text);                                      // refused: an argument cannot be converted
  pool.submit([] { return Unknown(); }).get();                    // refused: this type cannot be sent
}
