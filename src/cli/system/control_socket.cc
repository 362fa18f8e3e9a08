#include "cli/system/control_socket.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "cli/system/thread.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestAnswer = std::size_t{256} << 20;
constexpr std::size_t kPieceSize = std::size_t{64} << 10;
constexpr std::size_t kMostClients = 512;
constexpr std::size_t kMostUnsent = std::size_t{1} << 20;
constexpr int kPauseWithoutDescriptors = 100;  // ms
constexpr int kPauseWithoutFile = 1000;        // ms
constexpr int kDeepest = 16;                   // of requests: what is nested deeper is left out
constexpr int kBacklog = 512;
constexpr std::string_view kEnding = ".sock";
constexpr std::string_view kQueueEnding = ".queue";
constexpr auto kPatience = std::chrono::seconds(10);

[[noreturn]] void fail(const std::string& what) {
  throw SystemError(what, errno);
}

/// The address of a file in an open folder: however long its path is, it fits.
class Address {
 public:
  Address(const Descriptor& folder, const std::string& file) {
    const std::string path = "/proc/self/fd/" + std::to_string(folder.get()) + "/" + file;
    address_.sun_family = AF_UNIX;
    if (path.size() >= sizeof address_.sun_path) throw SystemError("name the socket '" + file + "'", ENAMETOOLONG);
    std::memcpy(address_.sun_path, path.c_str(), path.size() + 1);
  }

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  static constexpr socklen_t kSize = sizeof(sockaddr_un);

 private:
  sockaddr_un address_{};
};

Descriptor open_folder(const std::string& folder) {
  Descriptor opened(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0) fail("open the folder '" + folder + "'");
  return opened;
}

Descriptor make_socket(int flags = 0) {
  Descriptor made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (made.get() < 0) fail("make a socket");
  return made;
}

bool is_alive(const Descriptor& folder, const std::string& file) {
  const Descriptor probe = make_socket(SOCK_NONBLOCK);
  return ::connect(probe.get(), Address(folder, file).get(), Address::kSize) == 0 || errno == EAGAIN;
}

/// Under its name only when somebody listens: before, it would look like one that was left behind.
Descriptor listen_on(const std::string& folder, const std::string& file) {
  const Descriptor opened = open_folder(folder);
  if (is_alive(opened, file)) throw UsageError("somebody listens on '" + folder + "/" + file + "' already");
  const std::string temporary = "." + file;
  Descriptor listener = make_socket(SOCK_NONBLOCK);
  ::unlinkat(opened.get(), temporary.c_str(), 0);
  if (::bind(listener.get(), Address(opened, temporary).get(), Address::kSize) != 0 ||
      ::listen(listener.get(), kBacklog) != 0 ||
      ::renameat(opened.get(), temporary.c_str(), opened.get(), file.c_str()) != 0)
    fail("listen on '" + folder + "/" + file + "'");
  return listener;
}

bool is_dead(const Descriptor& folder, const std::string& file) {
  const Descriptor probe = make_socket(SOCK_NONBLOCK);
  return ::connect(probe.get(), Address(folder, file).get(), Address::kSize) != 0 && errno == ECONNREFUSED;
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> names;
  DIR* opened = ::opendir(folder.c_str());
  if (opened == nullptr) fail("list the folder '" + folder + "'");
  while (const dirent* entry = ::readdir(opened)) names.emplace_back(entry->d_name);
  ::closedir(opened);
  return names;
}

bool may_ask(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == ::geteuid() || peer.uid == 0;
}

/// What is no JSON is "discarded".
json parsed(const std::string& text) {
  return json::parse(
      text, [](int depth, json::parse_event_t, json&) { return depth <= kDeepest; }, false);
}

/// Throws SystemError, UsageError.
void prepare_folder(const std::string& folder) {
  struct stat status {};
  if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST) fail("make the folder '" + folder + "'");
  if (::lstat(folder.c_str(), &status) != 0) fail("look at the folder '" + folder + "'");
  const bool is_ours = S_ISDIR(status.st_mode) && status.st_uid == ::geteuid();
  if (!is_ours || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    throw UsageError("'" + folder + "' is not a folder that you alone can enter; remove it, or set XDG_RUNTIME_DIR");
}

void ring(const Descriptor& bell) {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(bell.get(), &one, sizeof one));
}

}  // namespace

// ---- the folder

std::string control_folder() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  struct stat status {};
  const bool has_runtime = runtime != nullptr && *runtime == '/' && ::stat(runtime, &status) == 0;
  const std::string folder =
      has_runtime ? std::string(runtime) + "/prong" : "/tmp/prong-" + std::to_string(::geteuid());
  prepare_folder(folder);
  return folder;
}

std::string socket_of_run(const std::string& pid) {
  return pid + std::string(kEnding);
}

std::string socket_of_queue(const std::string& name) {
  return name + std::string(kQueueEnding);
}

std::vector<std::string> living_runs(const std::string& folder) {
  const Descriptor opened = open_folder(folder);
  std::vector<std::string> living;
  for (const std::string& file : files_in(folder)) {
    if (!file.ends_with(kEnding)) continue;
    if (is_dead(opened, file))
      ::unlinkat(opened.get(), file.c_str(), 0);
    else if (!file.starts_with('.'))
      living.push_back(file.substr(0, file.size() - kEnding.size()));
  }
  std::ranges::sort(living);
  return living;
}

// ---- the server

ControlServer::ControlServer(const std::string& folder, const std::string& file, std::function<void()> wake,
                             const ControlSettings& settings)
    : folder_(folder),
      name_(file),
      path_(folder + "/" + file),
      longest_(settings.longest),
      listener_(listen_on(folder, file)),
      file_(number_of(path_)),
      bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      watch_(settings.lasts ? ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK) : -1),
      wake_(std::move(wake)) {
  if (bell_.get() < 0) fail("make an event descriptor");
  watch_folder();
  thread_ = start_without_signals([this] { serve(); });
}

ControlServer::~ControlServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    remove_file();
  }
  ring(bell_);
  thread_.join();
}

// Another may have taken its place.
void ControlServer::remove_file() const {
  if (number_of(path_) == file_) ::unlink(path_.c_str());
}

// Without a watch (there are not many of them) it is not seen that the file is gone.
void ControlServer::watch_folder() const {
  constexpr std::uint32_t kLosses = IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
  if (watch_.get() >= 0) ::inotify_add_watch(watch_.get(), folder_.c_str(), kLosses);
}

void ControlServer::look_after_file() {
  std::array<char, 4096> events;
  while (::read(watch_.get(), events.data(), events.size()) > 0) {
  }
  is_lost_ = !stopping_ && number_of(path_) != file_;
  if (!is_lost_) return;
  try {
    prepare_folder(folder_);
    watch_folder();  // before the file is there: nothing is missed
    listener_ = listen_on(folder_, name_);
    file_ = number_of(path_);
    is_lost_ = false;
  } catch (const std::exception&) {  // it is tried again
  }
}

std::vector<ControlServer::Request> ControlServer::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(requests_, {});
}

void ControlServer::answer(std::uint64_t client, const json& text) {
  const std::lock_guard lock(mutex_);
  const auto found = clients_.find(client);
  if (found == clients_.end()) return;
  --found->second.unanswered;
  found->second.to_send += text.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  ring(bell_);
}

bool ControlServer::is_there(std::uint64_t client) const {
  const std::lock_guard lock(mutex_);
  return clients_.contains(client);
}

void ControlServer::serve() {
  pthread_setname_np(pthread_self(), "prong-control");
  while (wait_and_handle()) {
  }
}

/// Who does not read its answers is not listened to.
short ControlServer::wanted_of(const Client& client) const {
  const bool listens = !client.ended && client.to_send.size() - client.sent < kMostUnsent;
  return static_cast<short>((listens ? POLLIN : 0) | (client.to_send.empty() ? 0 : POLLOUT));
}

bool ControlServer::wait_and_handle() {
  std::vector<pollfd> sources = {{bell_.get(), POLLIN, 0}};
  std::vector<std::uint64_t> ids;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [id, client] : clients_) send_to(client);
    std::erase_if(clients_, [](const auto& each) { return each.second.is_over(); });
    for (const auto& [id, client] : clients_) {
      sources.push_back({client.socket.get(), wanted_of(client), 0});
      ids.push_back(id);
    }
    if (stopping_) return false;
  }
  sources.push_back({watch_.get(), POLLIN, 0});
  sources.push_back({accepts_later_ ? -1 : listener_.get(), POLLIN, 0});
  const int patience = accepts_later_ ? kPauseWithoutDescriptors : is_lost_ ? kPauseWithoutFile : -1;
  accepts_later_ = false;
  if (::poll(sources.data(), sources.size(), patience) < 0) return errno == EINTR;
  std::uint64_t rings = 0;
  static_cast<void>(!::read(bell_.get(), &rings, sizeof rings));
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (sources[i + 1].revents != 0) news |= handle(ids[i], clients_.at(ids[i]), sources[i + 1].revents);
    std::erase_if(clients_, [](const auto& each) { return each.second.is_over(); });
    if (sources.back().revents != 0) accept_all();
    if (is_lost_ || sources[sources.size() - 2].revents != 0) look_after_file();
  }
  if (news) wake_();
  return true;
}

bool ControlServer::handle(std::uint64_t id, Client& client, short events) {
  const bool gone = (events & (POLLERR | POLLNVAL)) != 0 || ((events & POLLHUP) != 0 && client.ended);
  client.over |= gone;
  return !gone && !client.ended && (events & (POLLIN | POLLHUP)) != 0 && read_from(id, client);
}

void ControlServer::accept_all() {
  while (clients_.size() < kMostClients || make_room()) {
    Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.get() < 0) {
      accepts_later_ = errno == EMFILE || errno == ENFILE || errno == ENOMEM;
      return;
    }
    if (may_ask(socket.get())) clients_[next_client_++].socket = std::move(socket);
  }
  accepts_later_ = true;  // all of them wait for something
}

/// The oldest that waits for nothing goes: it will connect again when it has something to ask.
bool ControlServer::make_room() {
  const auto found = std::ranges::find_if(
      clients_, [](const auto& each) { return each.second.idle() && each.second.received.empty(); });
  if (found == clients_.end()) return false;
  clients_.erase(found);
  return true;
}

/// True if a request has come.
bool ControlServer::read_from(std::uint64_t id, Client& client) {
  std::array<char, kPieceSize> bytes;
  const ssize_t size = ::recv(client.socket.get(), bytes.data(), bytes.size(), 0);
  if (size < 0) {
    client.over = errno != EAGAIN && errno != EINTR;
    return false;
  }
  client.ended = size == 0;
  const bool news = take_lines(id, client, {bytes.data(), static_cast<std::size_t>(size)});
  client.over |= client.received.size() > longest_;
  return news;
}

bool ControlServer::take_lines(std::uint64_t id, Client& client, std::string_view piece) {
  bool news = false;
  for (std::size_t end = piece.find('\n'); end != std::string::npos; end = piece.find('\n')) {
    client.received += piece.substr(0, end);
    requests_.push_back({id, parsed(client.received)});
    ++client.unanswered;
    client.received.clear();
    piece.remove_prefix(end + 1);
    news = true;
  }
  client.received += piece;
  return news;
}

void ControlServer::send_to(Client& client) {
  if (client.to_send.empty()) return;
  const std::string_view rest = std::string_view(client.to_send).substr(client.sent);
  const ssize_t sent = ::send(client.socket.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
  if (sent >= 0)
    client.sent += static_cast<std::size_t>(sent);
  else if (errno != EAGAIN && errno != EINTR)
    client.over = true;
  if (!client.over && client.sent < client.to_send.size()) return;
  client.to_send = std::string();  // and its memory
  client.sent = 0;
}

// ---- the other side

ControlConnection::ControlConnection(const std::string& folder, const std::string& file)
    : name_(file.substr(0, file.rfind('.'))), socket_(make_socket()) {
  const Descriptor opened = open_folder(folder);
  if (::connect(socket_.get(), Address(opened, file).get(), Address::kSize) != 0) fail("ask '" + name_ + "'");
  if (!may_ask(socket_.get())) throw SystemError("ask '" + name_ + "', which another user has started", EPERM);
}

json ControlConnection::ask(const std::string& request, std::optional<std::chrono::seconds> patience,
                            const std::function<bool()>& give_up) {
  const std::string what = "ask '" + name_ + "'";
  const timeval time{.tv_sec = patience.value_or(std::chrono::seconds(0)).count(), .tv_usec = 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  const std::string line = request + "\n";
  for (std::size_t sent = 0; sent < line.size();) {
    const ssize_t size = ::send(socket_.get(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR && !(give_up && give_up())) continue;
    if (size < 0) throw SystemError(what, errno == EAGAIN ? ETIMEDOUT : errno == EPIPE ? ECONNRESET : errno);
    sent += static_cast<std::size_t>(size);
  }
  std::string answer;
  std::array<char, kPieceSize> bytes;
  while (answer.size() <= kLongestAnswer && !answer.ends_with('\n')) {
    const ssize_t size = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (size == 0) throw SystemError(what + ": it ended without an answer", ECONNRESET);
    if (size < 0 && errno == EINTR && !(give_up && give_up())) continue;
    if (size < 0) throw SystemError(what, errno == EAGAIN ? ETIMEDOUT : errno);
    answer.append(bytes.data(), static_cast<std::size_t>(size));
  }
  json text = json::parse(answer, nullptr, false);
  if (text.is_discarded()) throw SystemError(what + ": the answer is not JSON", EPROTO);
  return text;
}

json ask(const std::string& folder, const std::string& file, const json& request) {
  return ControlConnection(folder, file).ask(request.dump(), kPatience);
}

}  // namespace prong::cli
