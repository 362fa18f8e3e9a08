// A tour of Prong in C++: functions, lambdas, own types, failures, commands.
#include <prong/prong.h>

#include <csignal>
#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;

/// A type of our own: `serialize` names what is to be sent.
struct Circle {
  std::string name;
  double radius = 0;

  template <typename Archive>
  void serialize(Archive& archive) {
    archive(name, radius);
  }
};

double area(const Circle& circle) {
  if (circle.radius < 0) throw std::domain_error(circle.name + " has a negative radius");
  return 3.14159265 * circle.radius * circle.radius;
}

void hang() {
  for (;;) std::raise(SIGSTOP);
}

void crash() {
  std::raise(SIGSEGV);
}

int main(int argc, char** argv) {
  prong::init(argc, argv);  // first: workers are this program, started again, and branch off here

  prong::Pool pool;  // one worker per CPU that this process may use

  // One job, one future.
  prong::Future<double> one = pool.submit(area, Circle{"one", 1});
  std::cout << "area: " << one.get() << '\n';

  // Lambdas may capture numbers, enums, arrays and structs of such by value.
  const int factor = 3;
  std::cout << "lambda: " << pool.submit([factor](int n) { return factor * n; }, 14).get() << '\n';

  // Many jobs, results in order.
  for (const double value : pool.map(area, std::vector<Circle>{{"small", 1}, {"large", 10}}))
    std::cout << "map: " << value << '\n';

  // An exception comes back with its type and message, as a prong::JobRaised.
  try {
    pool.submit(area, Circle{"odd", -1}).get();
  } catch (const prong::JobRaised& failure) {
    std::cout << "raised: " << failure.type() << ": " << failure.message() << '\n';
  }

  // A crash costs one job. Without exceptions: ask for the outcome.
  std::cout << "crash: " << describe(pool.submit(crash).outcome()) << '\n';

  // So does a job that hangs, if it has a limit.
  std::cout << "limit: " << describe(pool.options({.timeout = 200ms}).submit(hang).outcome()) << '\n';

  // The pool goes on.
  std::cout << "afterwards: " << pool.submit([] { return "all is well"; }).get() << '\n';

  // One function in a process of its own, one command line.
  std::cout << "call: " << prong::call(area, Circle{"called", 2}) << '\n';
  std::cout << "run: " << prong::run({"echo", "hello"}).output.text();
}
