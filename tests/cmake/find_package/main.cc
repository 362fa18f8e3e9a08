// consumer PREFIX VERSION: uses Prong as it was installed under PREFIX, and runs a job with the launcher that lies
// there.
#include <prong/prong.h>

#include <filesystem>
#include <iostream>
#include <string>

namespace {

int twice(int number) {
  return 2 * number;
}

bool expect(bool holds, const std::string& what) {
  if (!holds) std::cerr << "not so: " << what << "\n";
  return holds;
}

}  // namespace

int main(int argc, char** argv) {
  prong::init(argc, argv);
  const std::filesystem::path prefix = argv[1];
  prong::Pool pool(prong::PoolOptions{.workers = 1});
  bool good = expect(prong::kVersion == argv[2], "the headers are of the version that was asked for");
  good &= expect(pool.submit(twice, 21).get() == 42, "a worker runs a function");
  const std::string launcher = "/proc/" + std::to_string(pool.stats().launcher_pid) + "/exe";
  good &= expect(std::filesystem::read_symlink(launcher) == prefix / "libexec/prong/prong-launcher",
                 "the launcher is the installed one");
  return good ? 0 : 1;
}
