#include "cli/program.h"

int main(int argc, char** argv) {
  return prong::cli::program({argv + 1, argv + argc});
}
