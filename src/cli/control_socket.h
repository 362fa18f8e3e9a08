// Control sockets: how processes of one user talk to each other: over Unix sockets in a folder of his own, one JSON
// value per line each way. Requests of others than this user (and root) are never read.
//
//   ControlServer   listens, in a thread of its own; requests are taken and answered by the thread that made it
//   ask()           the other side: one request, one answer
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/descriptor.h"

namespace prong::cli {

/// $XDG_RUNTIME_DIR/prong, else /tmp/prong-UID; made if it is not there. Throws SystemError, and UsageError if what is
/// there is not a folder of this user that nobody else can enter.
std::string control_folder();

/// The names of the sockets in the folder on which somebody listens, without ".sock". Others are removed: whoever made
/// them was killed.
std::vector<std::string> living_sockets(const std::string& folder);

class ControlServer {
 public:
  struct Request {
    std::uint64_t client = 0;
    nlohmann::json text;
  };

  /// Listens on NAME.sock in the folder. `wake`: called by the thread when requests have come. Throws SystemError.
  ControlServer(const std::string& folder, const std::string& name, std::function<void()> wake);
  /// Answers that were given are sent, as far as clients take them at once.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  /// Those that have come since the last call.
  std::vector<Request> take();
  void answer(std::uint64_t client, const nlohmann::json& text);

 private:
  struct Client {
    Descriptor socket;
    std::string received;
    std::string to_send;
    bool over = false;
  };

  void serve();
  bool wait_and_handle();
  void accept_all();
  bool read_from(std::uint64_t id, Client& client);
  bool take_lines(std::uint64_t id, Client& client);
  static void send_to(Client& client);

  std::string path_;
  Descriptor listener_;
  Descriptor bell_;  // rung when there are answers, or at the end
  std::function<void()> wake_;
  std::mutex mutex_;
  std::vector<Request> requests_;            // this and the following: guarded by mutex_
  std::map<std::uint64_t, Client> clients_;  // sockets: the thread's alone
  bool stopping_ = false;
  std::uint64_t next_client_ = 1;  // the thread's alone
  std::thread thread_;
};

/// One request to the socket NAME.sock in the folder, and its answer. Throws SystemError (ECONNREFUSED and ENOENT:
/// nobody is there; ETIMEDOUT: no answer came within ten seconds).
nlohmann::json ask(const std::string& folder, const std::string& name, const nlohmann::json& request);

}  // namespace prong::cli
