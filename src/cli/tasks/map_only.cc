#include "cli/tasks/map_only.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

#include "cli/options/quantities.h"
#include "cli/system/descriptor.h"
#include "cli/tasks/map_result.h"
#include "cli/tasks/python.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

constexpr const char* kTerminal = "/dev/tty";

struct OneCall {
  Input input;
  Words columns;
};

bool names_standard_input(const SourceSettings& settings, const Arguments& arguments) {
  const auto is_dash = [](const std::string& word) { return word == "-"; };
  return std::ranges::any_of(settings.files, is_dash) ||
         std::ranges::any_of(arguments.sources, [&](const SourceWords& source) {
           return source.are_files && std::ranges::any_of(source.words, is_dash);
         });
}

// Which of the jobs is meant. Without any source of inputs, what was given is made the only one.
std::size_t number_of(const OnlySettings& only, const SourceSettings& settings, Arguments& arguments) {
  if (settings.files.empty() && arguments.sources.empty()) {
    if (settings.is_csv())
      throw UsageError("--only: which table? Name its file (:::: table.csv), and by --only the number of the job");
    arguments.sources.push_back({.words = {*only.which}});
    return 1;
  }
  try {
    return parse_count(*only.which);
  } catch (const UsageError&) {
    throw UsageError("--only: '" + *only.which +
                     "' is not the number of a job (1, 2, ...); it may be an input itself if no others are given");
  }
}

// nullopt: a signal has asked to stop first.
std::optional<OneCall> find_job(std::size_t number, const Settings& settings, Arguments& arguments, Signals& signals) {
  std::optional<OpenedInputs> opened = open_sources(settings.sources, arguments, signals);
  if (!opened) return std::nullopt;
  OneCall call{.input = {.values = {}, .number = number}, .columns = {}};
  for (std::size_t read = 0; read < number; ++read) {
    const Next next = wait_for_next(*opened->inputs, signals, call.input.values, [] {});
    if (next == Next::kNotYet) return std::nullopt;
    if (next == Next::kEnd)
      throw UsageError("--only: there is no job " + std::to_string(number) + "; the inputs make " +
                       std::to_string(read));
  }
  call.columns = std::move(opened->column_names);
  return call;
}

// As a file without a name, since it may be longer than a variable, and hold any bytes.
void hand_over(const Words& parameters, const Values& inputs) {
  const auto text = [](const Values& values) { return std::string(encode_map_input(values).text()); };
  const std::string bytes = text({text(parameters), text(inputs)});
  const int file = ::memfd_create("prong-input", 0);
  if (file < 0) throw SystemError("create memory for the input", errno);
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t written = ::write(file, bytes.data() + done, bytes.size() - done);
    if (written < 0) throw SystemError("keep the input in memory", errno);
    done += static_cast<std::size_t>(written);
  }
  ::lseek(file, 0, SEEK_SET);
  ::setenv("PRONG_MAP_ONLY", std::to_string(file).c_str(), 1);
}

// Inputs came from there: what is left of them is not for the function, nor for its debugger.
void take_terminal_as_standard_input() {
  Descriptor terminal(::open(kTerminal, O_RDONLY | O_CLOEXEC));
  if (terminal.get() < 0) terminal = Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ::dup2(terminal.get(), STDIN_FILENO);
}

[[noreturn]] void become(const std::vector<std::string>& command, const std::vector<std::string>& variables) {
  for (const std::string& variable : variables) {
    const std::size_t end = variable.find('=');
    ::setenv(variable.substr(0, end).c_str(), variable.c_str() + end + 1, 1);
  }
  ::signal(SIGPIPE, SIG_DFL);
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execvp(words.front(), words.data());
  throw SystemError("run '" + command.front() + "'", errno);
}

}  // namespace

int map_only(const OnlySettings& only, const MapOptions& options, const Settings& settings, Arguments& arguments) {
  const bool input_is_taken = names_standard_input(settings.sources, arguments);
  const std::size_t number = number_of(only, settings.sources, arguments);
  {
    Signals signals;
    const std::optional<OneCall> call = find_job(number, settings, arguments, signals);
    if (!call) return signals.exit_status();
    const FunctionTask task(options, settings.sources, call->columns);
    if (settings.dry_run) return std::puts(task.describe(call->input).c_str()), 0;
    hand_over(task.parameters(), call->input.values);
  }
  if (input_is_taken) take_terminal_as_standard_input();
  MapOptions call = options;
  if (call.result == MapResult::kCells) call.result = MapResult::kLines;  // it is shown, and kept nowhere
  std::vector<std::string> variables = map_environment(call);
  if (only.debug) variables.emplace_back("PRONG_MAP_PDB=1");
  become(python_command("_map_only"), variables);
}

}  // namespace prong::cli
