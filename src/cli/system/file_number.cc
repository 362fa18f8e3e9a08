#include "cli/system/file_number.h"

#include <sys/stat.h>

namespace prong::cli {

FileNumber number_of(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? FileNumber(status.st_dev, status.st_ino) : FileNumber();
}

}  // namespace prong::cli
