#include "cli/options/job_settings.h"

#include <array>
#include <utility>

#include "cli/options/parsed_option.h"
#include "cli/options/quantities.h"
#include "cli/options/retry_causes.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

using Text = const std::string&;

constexpr std::array kLimits = {
    JobSetting{"timeout", "TIME", "Kill a job and all that it started after TIME: seconds, or 500ms, 2m, 1h",
               [](Text text, JobOptions& options) { options.timeout = parse_duration(text); }},
    JobSetting{"cpu-limit", "TIME", "Kill a job when it and all that it started have used so much CPU time",
               [](Text text, JobOptions& options) { options.cpu_time = parse_duration(text); }},
    JobSetting{"memory", "SIZE", "Kill a job when it and all that it started take more memory: 500M, 2G",
               [](Text text, JobOptions& options) { options.memory = parse_size(text); }},
    JobSetting{"output-limit", "SIZE", "Kill a job that writes more than SIZE to its output and error",
               [](Text text, JobOptions& options) { options.output = parse_size(text); }},
};

constexpr std::array kFailures = {
    JobSetting{"retries", "N", "Run a job that failed again, up to N times",
               [](Text text, JobOptions& options) { options.retry.retries = parse_retries(text); }},
    JobSetting{"backoff", "TIME", "Wait so long before the first retry, and twice as long before each other",
               [](Text text, JobOptions& options) { options.retry.backoff = parse_duration(text); }},
    JobSetting{
        "retry-on", "CAUSES",
        "Retry only then: exit, exit=75, signal, signal=KILL, exception=NAME, timeout, lost; several with commas",
        [](Text text, JobOptions& options) { set_retry_causes(text, options.retry); }},
};

}  // namespace

std::span<const JobSetting> limit_settings() {
  return kLimits;
}

std::span<const JobSetting> failure_settings() {
  return kFailures;
}

void add_job_settings(CLI::App& app, std::span<const JobSetting> settings,
                      const std::function<void(const JobSetting& setting, const std::string& text)>& store) {
  for (const JobSetting& setting : settings)
    add_parsed(app, std::string("--") + setting.name, setting.type, setting.help,
               [&setting, store](const std::string& text) {
                 JobOptions checked;
                 setting.set(text, checked);
                 store(setting, text);
               });
}

void set_job_setting(const std::string& name, const std::string& text, JobOptions& options) {
  for (const std::span<const JobSetting> settings : {limit_settings(), failure_settings()})
    for (const JobSetting& setting : settings)
      if (name == setting.name) return setting.set(text, options);
  throw UsageError("there is no setting '" + name + "' of jobs");
}

}  // namespace prong::cli
