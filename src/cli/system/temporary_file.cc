#include "cli/system/temporary_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>

#include "prong/error.h"

namespace prong::cli {
namespace {

// Where the file system has no files without names (NFS), it has one for a moment.
int named_for_a_moment(const std::string& folder) {
  std::string path = folder + "/prong-XXXXXX";
  const int file = ::mkostemp(path.data(), O_CLOEXEC);
  if (file >= 0) ::unlink(path.c_str());
  return file;
}

}  // namespace

std::string temporary_folder() {
  const char* chosen = ::getenv("TMPDIR");
  return chosen && *chosen ? chosen : "/tmp";
}

Descriptor unnamed_temporary_file() {
  const std::string folder = temporary_folder();
  int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) file = named_for_a_moment(folder);
  if (file < 0) throw SystemError("make a temporary file in '" + folder + "'", errno);
  return Descriptor(file);
}

}  // namespace prong::cli
