#include "prong/init.h"

#include <filesystem>
#include <string>
#include <utility>

#include "face/function_runner.h"
#include "face/image.h"
#include "prong/error.h"
#include "prong/worker.h"

namespace prong {
namespace {

namespace fs = std::filesystem;

/// Whether this process branches off in init() when it is started again.
bool init_called = false;

JobRunner& runner() {
  static face::FunctionRunner only;
  return only;
}

TemplateHooks hooks() {
  // Every worker would hash and search the image again.
  face::program_image();
  return {.fork = {}, .in_worker = {}, .runner = []() -> JobRunner& { return runner(); }};
}

/// The file that this program was started from, if it is still there; else the kernel's own name for it, which works
/// when the file was replaced or removed.
std::string own_path() {
  const fs::path by_kernel = "/proc/" + fs::read_symlink("/proc/self").native() + "/exe";
  std::error_code ignored;
  const fs::path by_name = fs::read_symlink(by_kernel, ignored);
  return fs::equivalent(by_name, by_kernel, ignored) ? by_name.native() : by_kernel.native();
}

}  // namespace

void init(int, char**) {
  init_called = true;
  switch (role_from_environment()) {
    case Role::kNone:
      return;
    case Role::kWorker:
      serve_worker(runner());
    case Role::kNursery:
    case Role::kTemplate:
      serve_template(hooks());
  }
}

Program this_program() {
  if (!init_called)
    throw UsageError(
        "prong::init(argc, argv) was not called; it must stand first in main, because workers are made by "
        "starting the program again");
  return {.arguments = {own_path()}};
}

namespace detail {

PoolOptions with_own_workers(PoolOptions options) {
  const bool by_exec = options.start == StartKind::kFresh || options.start == StartKind::kSpawn;
  if (by_exec && options.program.arguments.empty()) {
    Program program = this_program();
    options.program.arguments = std::move(program.arguments);
  }
  if (options.start == StartKind::kFork && !options.fork_template)
    options.fork_template = [](int control_fd) { serve_template(hooks(), control_fd); };
  return options;
}

}  // namespace detail
}  // namespace prong
