#include "cli/session/control.h"

#include <unistd.h>

#include <csignal>
#include <exception>
#include <string>

#include "prong/error.h"

namespace prong::cli {
namespace {

using nlohmann::json;

constexpr int kMostJobs = 100'000;

json refusal(const std::string& why) {
  return {{"error", why}};
}

}  // namespace

Control::Control(Controllable& run, Signals& signals) : run_(run), signals_(signals) {
  try {
    const std::string folder = control_folder();
    living_runs(folder);  // removes those of runs that were killed
    server_ = std::make_unique<ControlServer>(folder, socket_of_run(std::to_string(::getpid())),
                                              [&signals] { signals.wake(); });
  } catch (const std::exception&) {
    server_.reset();
  }
}

void Control::heed() {
  if (!server_) return;
  for (const ControlServer::Request& request : server_->take())
    server_->answer(request.client, carry_out(request.text));
}

json Control::carry_out(const json& request) {
  const json command = request.is_object() ? request.value("command", json()) : json();
  if (command == "jobs") {
    const json jobs = request.value("jobs", json());
    if (!jobs.is_number_integer() || jobs < 1 || jobs > kMostJobs) return refusal("jobs must be a number from 1 up");
    run_.set_jobs(jobs);
  } else if (command == "pause" || command == "resume") {
    run_.set_paused(command == "pause");
  } else if (command == "stop") {
    signals_.ask(SIGINT);
  } else if (command == "kill") {
    signals_.ask(SIGTERM);
  } else if (command != "status") {
    return refusal("there is no such command; there are status, jobs, pause, resume, stop and kill");
  }
  return run_.report();
}

}  // namespace prong::cli
