// prong-launcher: started by the engine, never by hand. Its arguments are described in launcher/protocol.h.
#include <cstdio>
#include <exception>

#include "launcher/launcher.h"

int main(int argc, char** argv) {
  const auto arguments = prong::launcher::from_argv(argc, argv);
  if (arguments.socket < 3) {
    std::fputs("prong-launcher is started by Prong itself: see the program 'prong'\n", stderr);
    return 2;
  }
  try {
    prong::launcher::Launcher(arguments).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "prong-launcher: %s\n", error.what());
    return 1;
  }
  return 0;
}
