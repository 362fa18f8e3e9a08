// Inheritance: what a process that this thread starts now would get from it. Two that are the same start the same
// processes. The coordinator.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace prong::os {

/// All that exec leaves as it is, as text to be compared: folder, root, umask, limits, nice, scheduling, affinity,
/// memory policy, users and groups, capabilities, seccomp, labels of security modules, session keyring, namespaces,
/// cgroups, environment. Left out is what os::spawn() sets anyway (signals), the open files and Landlock: see
/// same_output(). Nothing if some of it cannot be read.
std::optional<std::string> inheritance();

/// Whether standard output and error of another process are the very ones of this process: the same open files, not
/// just the same names. False also if that cannot be told.
bool same_output(pid_t other) noexcept;

}  // namespace prong::os
