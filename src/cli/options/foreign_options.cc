#include "cli/options/foreign_options.h"

#include <algorithm>
#include <array>

namespace prong::cli {
namespace {

struct Advice {
  std::string_view option;
  const char* text;
};

constexpr const char* kLines = "each line is an input; -n N gives a job N of them";
constexpr const char* kCommandsShown = "--dry-run shows the commands before, --joblog FILE records them";
constexpr const char* kNotNeeded = "it is not needed";
constexpr const char* kJobs = "-j N says how many jobs run at a time";
constexpr const char* kProgress = "use --progress or --bar";
constexpr const char* kFill = "-X gives each job as many inputs as a command line takes";
constexpr const char* kOneMachine = "jobs run on this machine";
constexpr const char* kNoQuestions = "there are no questions; --dry-run shows what would be run";
constexpr const char* kNoShell = "it is not needed: no shell reads the words of a command, and never the inputs";
constexpr const char* kPlaceholder = "it is not needed: {} stands for the input, and -I TEXT sets another text";
constexpr const char* kEmptyInput = "it is not needed: without inputs nothing is run";

constexpr std::array kAdvice = {
    Advice{"-L", kLines},
    Advice{"-l", kLines},
    Advice{"--max-lines", kLines},
    Advice{"-i", kPlaceholder},
    Advice{"-t", kCommandsShown},
    Advice{"-v", kCommandsShown},
    Advice{"--verbose", kCommandsShown},
    Advice{"-p", kNoQuestions},
    Advice{"--interactive", kNoQuestions},
    Advice{"-r", kEmptyInput},
    Advice{"--no-run-if-empty", kEmptyInput},
    Advice{"-x", kNotNeeded},
    Advice{"--exit", kNotNeeded},
    Advice{"--max-chars", "use -s SIZE"},
    Advice{"-m", kFill},
    Advice{"--xargs", kFill},
    Advice{"-q", kNoShell},
    Advice{"--quote", kNoShell},
    Advice{"--will-cite", kNotNeeded},
    Advice{"--no-notice", kNotNeeded},
    Advice{"--eta", kProgress},
    Advice{"-u", "--line-buffer shows lines as they come"},
    Advice{"--ungroup", "--line-buffer shows lines as they come"},
    Advice{"--group", "it is not needed: the output of each job is shown whole"},
    Advice{"--wd", "use --cwd FOLDER"},
    Advice{"--workdir", "use --cwd FOLDER"},
    Advice{"--tagstring", "--tag begins each line with the input"},
    Advice{"--retry", "use --retries N"},
    Advice{"--shuf", "use shuf FILE | prong run ..."},
    Advice{"-S", kOneMachine},
    Advice{"--sshlogin", kOneMachine},
    Advice{"--slf", kOneMachine},
    Advice{"--sshloginfile", kOneMachine},
    Advice{"--workers", kJobs},
    Advice{"--threads", kJobs},
    Advice{"--cpus", kJobs},
    Advice{"--ordered", "use -k"},
    Advice{"--parallel", kJobs},
    Advice{"-V", "write prong --version"},
    Advice{"--version", "write prong --version"},
};

// Without what is joined to it: -L1, --max-lines=1.
std::string_view name_alone(std::string_view option) {
  return option.starts_with("--") ? option.substr(0, option.find('=')) : option.substr(0, 2);
}

}  // namespace

std::optional<std::string> advice_on_foreign_option(std::string_view option) {
  const auto found = std::ranges::find(kAdvice, name_alone(option), &Advice::option);
  return found == kAdvice.end() ? std::nullopt : std::optional<std::string>(found->text);
}

}  // namespace prong::cli
