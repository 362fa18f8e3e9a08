// Job settings: the options of commands that are about each job by itself. They have the same names, forms and meanings
// for `run` and `map`, for `submit`, and in what is submitted to a queue.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "prong/options.h"

namespace CLI {
class App;
}

namespace prong::cli {

struct JobSetting {
  const char* name;  ///< "timeout"
  const char* type;  ///< of the value, in the help
  const char* help;
  void (*set)(const std::string& text, JobOptions& options);  ///< throws UsageError
};

std::span<const JobSetting> limit_settings();
std::span<const JobSetting> failure_settings();

/// Adds them as options to `app`; `store` gets the text of each that is given, after it was checked.
void add_job_settings(CLI::App& app, std::span<const JobSetting> settings,
                      const std::function<void(const JobSetting& setting, const std::string& text)>& store);

/// Sets one by its name. Throws UsageError, also if there is none of that name.
void set_job_setting(const std::string& name, const std::string& text, JobOptions& options);

}  // namespace prong::cli
