// What a process sets up for itself: parentage, descriptors, limits, name. Launcher, templates and workers.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "os/fd.h"

namespace prong::os {

pid_t process_id() noexcept;
pid_t parent_id() noexcept;

/// A plain fork, only for processes without other threads: 0 in the child, -1 and errno when refused.
pid_t try_fork() noexcept;
/// Ends without running destructors or exit handlers.
[[noreturn]] void exit_now(int status) noexcept;
/// Becomes the program argv[0], found as it is written; both lists end with a null. Ends with status 127 if that is
/// refused.
[[noreturn]] void become_program(char* const* argv, char* const* environment) noexcept;
/// Runs `handler` in each child that fork() makes from now on; once registered it stays.
void after_fork_in_child(void (*handler)()) noexcept;
/// Runs the handlers around each fork() from now on; once registered they stay.
void around_fork(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept;
/// Grows with each fork() of this process and its ancestors, before and after it: while it stays the same, nobody has
/// got a copy of this process. (System calls that make one without fork() are not seen.)
std::uint64_t fork_count() noexcept;
/// Whether this process may execute the file.
bool is_executable(const std::string& path) noexcept;

/// Whether this process has no other thread; false if that cannot be told.
bool has_one_thread() noexcept;

/// This process becomes the parent of orphaned descendants. Throws SystemError.
void become_subreaper();
/// Dies by SIGKILL with `parent`; ends at once (_exit) if the parent is not `parent`.
void die_with_parent(pid_t parent) noexcept;
/// Blocks until getppid() == `parent` (adoption after the middle process ended). False if that will not come: `parent`
/// is gone, another process adopted us, or 10 s are over.
bool wait_for_adoption(pid_t parent) noexcept;

/// A session of its own, without terminal, unless it leads a group already.
void start_session() noexcept;
/// Makes `pid` (0: this process) the leader of a group of its own.
void start_group(pid_t pid) noexcept;

/// Closes every descriptor from 3 up that is not in `keep`.
void close_all_but(std::span<const int> keep) noexcept;
/// Descriptors 0, 1 and 2 are open afterwards: standard input as /dev/null, the others as they are, or /dev/null.
void settle_standard_streams();

/// /dev/null for reading and writing, close-on-exec. Throws SystemError.
Fd open_null();
/// The file, which is made if there is none; every write goes to its end. Throws SystemError.
Fd open_to_append(const std::string& path);
/// Every write to the open file goes to its end.
void append_only(int fd) noexcept;
/// The file has no bytes any more.
void make_empty(int fd) noexcept;

/// As `ps` and `top` show it; at most 15 characters.
void set_process_name(const char* name) noexcept;
/// Best effort: no core dumps from here on, in this process and what it starts.
void disable_core_dumps() noexcept;
/// Best effort: when memory runs out, the kernel ends this process and what it starts before others.
void prefer_as_oom_victim() noexcept;

/// Best effort: adds to the niceness of this process and what it starts. Only while it has no other threads.
void be_nicer(int by) noexcept;

/// The environment of this process as "NAME=value".
std::vector<std::string> current_environment();
/// Sets or replaces a variable of this process. Not while other threads read the environment.
void set_environment(const char* name, const std::string& value);

}  // namespace prong::os
