#include "pool/launcher_path.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "os/this_process.h"
#include "prong/error.h"

/// In programs that found an installed Prong by CMake's find_package: the launcher's place, wherever the installation
/// was moved to. See cmake/prong-config.cmake.in.
extern "C" [[gnu::weak]] const char* const prong_installed_launcher;

namespace prong::pool {
namespace {

namespace fs = std::filesystem;

/// The file that holds this code: a shared library, or the program itself.
fs::path own_file() {
  Dl_info info{};
  std::error_code ignored;
  if (::dladdr(reinterpret_cast<void*>(&find_launcher), &info) != 0 && info.dli_fname != nullptr) {
    const fs::path file = fs::canonical(info.dli_fname, ignored);
    if (!ignored && file.extension() != "") return file;
  }
  return fs::read_symlink("/proc/self/exe", ignored);
}

std::vector<std::string> candidates() {
  std::vector<std::string> found;
  if (const char* chosen = std::getenv("PRONG_LAUNCHER"); chosen != nullptr && *chosen != '\0') return {chosen};
  const fs::path folder = own_file().parent_path();
  found.push_back(folder / "_bin" / "prong-launcher");
  found.push_back(folder / "prong-launcher");
  found.push_back(folder / ".." / "libexec" / "prong" / "prong-launcher");
  if (&prong_installed_launcher != nullptr) found.emplace_back(prong_installed_launcher);
#ifdef PRONG_LAUNCHER_BUILD_PATH
  found.emplace_back(PRONG_LAUNCHER_BUILD_PATH);
#endif
#ifdef PRONG_LAUNCHER_INSTALL_PATH
  found.emplace_back(PRONG_LAUNCHER_INSTALL_PATH);
#endif
  return found;
}

}  // namespace

std::string find_launcher() {
  std::string tried;
  for (const std::string& path : candidates()) {
    if (os::is_executable(path)) return path;
    tried += "\n  " + path;
  }
  throw PoolError("cannot find the program prong-launcher; set PRONG_LAUNCHER to its path. Tried:" + tried);
}

}  // namespace prong::pool
