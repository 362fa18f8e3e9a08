// prong completion bash|zsh|fish
#include <cstdio>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/help/completion_scripts.h"
#include "cli/options/parse.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

ManualText manual_text() {
  return {
      .usage = {"prong completion bash|zsh|fish"},
      .sections = {{.title = "Shells",
                    .paragraphs = {{.text = "An installation puts the scripts where the shells look for them. These "
                                            "are for other cases:"},
                                   {"bash", "In ~/.bashrc: source <(prong completion bash)"},
                                   {"zsh", "In a folder of $fpath, as _prong: prong completion zsh > ~/.zfunc/_prong"},
                                   {"fish", "prong completion fish > ~/.config/fish/completions/prong.fish"}}}},
      .examples = {{"In this bash", "source <(prong completion bash)"}},
      .operand = "bash|zsh|fish",
  };
}

std::string script_for(const std::string& shell) {
  if (shell == "bash") return bash_completion(all_manuals());
  if (shell == "zsh") return zsh_completion(all_manuals());
  if (shell == "fish") return fish_completion(all_manuals());
  throw UsageError("'" + shell + "' is not a shell that there is a script for: write bash, zsh or fish");
}

}  // namespace

int completion_command(const Words& words) {
  CLI::App app("Show a script for completion in bash, zsh or fish", "prong completion");
  std::string shell;
  app.add_option("shell", shell)->group("");
  parse(app, manual_text(), words);
  if (shell.empty()) throw UsageError("for which shell? Write bash, zsh or fish");
  std::fputs(script_for(shell).c_str(), stdout);
  return kAllDone;
}

}  // namespace prong::cli
