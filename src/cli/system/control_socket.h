// Control sockets: how processes of one user talk to each other: over Unix sockets in a folder of his own, one JSON
// value per line each way. Requests of others than this user (and root) are never read.
//
//   ControlServer       listens, in a thread of its own; requests are taken and answered by the thread that made it
//   ControlConnection   the other side: requests and their answers; ask(): one of each
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/system/descriptor.h"
#include "cli/system/file_number.h"

namespace prong::cli {

/// $XDG_RUNTIME_DIR/prong, else /tmp/prong-UID; made if it is not there. Throws SystemError, and UsageError if what is
/// there is not a folder of this user that nobody else can enter.
std::string control_folder();

/// The file on which a run listens.
std::string socket_of_run(const std::string& pid);
/// The PIDs of the runs that listen in the folder. Sockets of others are removed: they were killed.
std::vector<std::string> living_runs(const std::string& folder);
/// The file on which the server of a queue listens. It stays when that is killed.
std::string socket_of_queue(const std::string& name);

struct ControlSettings {
  std::size_t longest = std::size_t{1} << 20;  ///< a longer request, in bytes, ends its connection
  bool lasts = false;  ///< the file is made again if others remove it, or its folder: who stays for weeks sees that
};

class ControlServer {
 public:
  struct Request {
    std::uint64_t client = 0;
    nlohmann::json text;
  };

  /// Listens on a file in the folder. `wake`: called by the thread when requests have come. Throws SystemError.
  ControlServer(const std::string& folder, const std::string& file, std::function<void()> wake,
                const ControlSettings& settings = {});
  /// Answers that were given are sent, as far as clients take them at once.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  /// Those that have come since the last call.
  std::vector<Request> take();
  void answer(std::uint64_t client, const nlohmann::json& text);
  /// False: it has gone away.
  bool is_there(std::uint64_t client) const;

 private:
  struct Client {
    Descriptor socket;
    std::string received;  // the beginning of a line
    std::string to_send;
    std::size_t sent = 0;          // of that
    std::uint64_t unanswered = 0;  // requests
    bool ended = false;            // it will ask no more
    bool over = false;

    bool idle() const { return unanswered == 0 && to_send.empty(); }
    bool is_over() const { return over || (ended && idle()); }
  };

  void serve();
  bool wait_and_handle();
  short wanted_of(const Client& client) const;
  bool handle(std::uint64_t id, Client& client, short events);
  void accept_all();
  bool make_room();
  bool read_from(std::uint64_t id, Client& client);
  bool take_lines(std::uint64_t id, Client& client, std::string_view piece);
  static void send_to(Client& client);

  void remove_file() const;
  void watch_folder() const;
  void look_after_file();

  std::string folder_;
  std::string name_;
  std::string path_;
  std::size_t longest_;
  Descriptor listener_;  // the thread's alone
  FileNumber file_;      // of path_; guarded by mutex_
  Descriptor bell_;      // rung when there are answers, or at the end
  Descriptor watch_;     // tells what the folder has lost; none: nobody wants to know
  std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;            // this and the following: guarded by mutex_
  std::map<std::uint64_t, Client> clients_;  // sockets: the thread's alone
  bool stopping_ = false;
  std::uint64_t next_client_ = 1;  // the thread's alone, as the next one
  bool accepts_later_ = false;     // there were no descriptors
  bool is_lost_ = false;           // the file; it cannot be made yet
  std::thread thread_;
};

class ControlConnection {
 public:
  /// Throws SystemError: ECONNREFUSED and ENOENT: nobody is there.
  ControlConnection(const std::string& folder, const std::string& file);

  /// `patience`: for the answer; none: for ever. `give_up` is asked after each signal. Throws SystemError: ECONNRESET:
  /// the other side has ended; ETIMEDOUT; EINTR: it was given up.
  nlohmann::json ask(const std::string& request, std::optional<std::chrono::seconds> patience,
                     const std::function<bool()>& give_up = {});

 private:
  std::string name_;
  Descriptor socket_;
};

/// One request, and its answer within ten seconds. Throws SystemError.
nlohmann::json ask(const std::string& folder, const std::string& file, const nlohmann::json& request);

}  // namespace prong::cli
