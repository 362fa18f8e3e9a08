// spawn_loop PARALLEL COMMAND < INPUTS
//
// Runs `COMMAND line` for every line of its input, PARALLEL at a time, and does nothing else: no output is collected,
// no status is kept, no limit is watched. What it needs is what the kernel needs, so it is the limit that any runner of
// commands can hope for. Exits with 1 if anything went wrong.
#include <spawn.h>
#include <sys/wait.h>

#include <cstdlib>
#include <iostream>
#include <string>

extern char** environ;

namespace {

void start(const char* command, std::string line) {
  char* const arguments[] = {const_cast<char*>(command), line.data(), nullptr};
  if (posix_spawn(nullptr, command, nullptr, nullptr, arguments, environ) != 0) std::exit(1);
}

void wait_for_one() {
  int status = 0;
  if (waitpid(-1, &status, 0) < 0 || status != 0) std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 1;
  std::ios::sync_with_stdio(false);
  const int parallel = std::atoi(argv[1]);
  int running = 0;
  for (std::string line; std::getline(std::cin, line); ++running) {
    if (running == parallel) {
      wait_for_one();
      --running;
    }
    start(argv[2], line);
  }
  for (; running > 0; --running) wait_for_one();
}
