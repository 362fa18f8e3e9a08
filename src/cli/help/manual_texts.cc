#include "cli/help/manual_texts.h"

#include "cli/options/option_groups.h"

namespace prong::cli {

Section inputs_section(const char* otherwise) {
  return {.title = kInputsGroup,
          .paragraphs = {
              {"::: INPUT ...",
               "The words are inputs. Several sources are combined: every input of one with every "
               "input of the others, the last changing fastest"},
              {":::: FILE ...", "The lines of each file are inputs (-: those of standard input)"},
              {":::+ ::::+", "The same, side by side with the source before, not in every combination with it"},
              {.text = std::string("Without any of these and without -a, ") + otherwise},
          }};
}

Section exit_status_section() {
  return {.title = kExitStatusGroup,
          .paragraphs = {
              {"0", "All jobs succeeded"},
              {"1 to 100", "So many jobs failed"},
              {"101", "More than 100 jobs failed"},
              {"124", "--budget or --stall has ended jobs"},
              {"130", "Ended by Ctrl-C: once lets running jobs end, twice kills them"},
              {"129, 143", "Ended by SIGHUP or SIGTERM, which kill running jobs"},
              {"141", "Nobody reads the output any more"},
              {"255", "Wrong usage, or Prong itself could not work"},
          }};
}

Section python_section() {
  return {.title = kEnvironmentGroup,
          .paragraphs = {
              {"PRONG_PYTHON",
               "The Python to use. Without it: the python3 beside this program, else the python3 in "
               "PATH. It must have the package prong"},
          }};
}

}  // namespace prong::cli
