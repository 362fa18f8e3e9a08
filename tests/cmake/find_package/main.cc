// consumer PREFIX VERSION: uses Prong as it was installed under PREFIX.
#include <prong/version.h>

#include <iostream>
#include <string_view>

int main(int argc, char** argv) {
  if (argc != 3 || prong::kVersion != argv[2]) {
    std::cerr << "the headers are of version " << prong::kVersion << "\n";
    return 1;
  }
  return 0;
}
