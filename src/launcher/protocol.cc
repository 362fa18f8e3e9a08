#include "launcher/protocol.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "base/codec.h"
#include "os/clock.h"
#include "os/memory.h"

namespace prong::launcher {
namespace {

constexpr std::int64_t kSendPatienceNs = 10'000'000'000;

int to_int(std::string_view text, int otherwise) {
  int value = otherwise;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : otherwise;
}

std::string to_list(const std::vector<int>& numbers) {
  std::string list;
  for (const int number : numbers) list += (list.empty() ? "" : ",") + std::to_string(number);
  return list;
}

std::vector<int> from_list(std::string_view list) {
  std::vector<int> numbers;
  while (!list.empty()) {
    const std::string_view number = list.substr(0, list.find(','));
    numbers.push_back(to_int(number, -1));
    list.remove_prefix(std::min(list.size(), number.size() + 1));
  }
  return numbers;
}

}  // namespace

bool send(int socket, const Message& message, std::span<const int> fds) {
  const auto bytes = std::as_bytes(std::span(&message, 1));
  const std::int64_t deadline = os::monotonic_now() + kSendPatienceNs;
  for (;;) {
    const os::SendResult result = os::send_message(socket, bytes, fds);
    if (result != os::SendResult::kFull) return result == os::SendResult::kSent;
    if (!os::wait_writable(socket, deadline)) return false;
  }
}

Received receive(int socket, Message& message, std::vector<os::Fd>& fds) {
  const auto bytes = std::as_writable_bytes(std::span(&message, 1));
  const os::ReceiveResult result = os::receive_message(socket, bytes, fds);
  if (result.kind == os::ReceiveResult::Kind::kNothing) return Received::kNothing;
  if (result.kind == os::ReceiveResult::Kind::kClosed) return Received::kClosed;
  if (result.size != sizeof message || message.magic != Message::kMagic) return Received::kClosed;
  message.stage[sizeof message.stage - 1] = '\0';
  return Received::kMessage;
}

std::string encode_program(const Program& program) {
  base::Writer writer;
  writer.texts(program.arguments);
  writer.texts(program.environment);
  return writer.take();
}

std::optional<Program> decode_program(ByteSpan bytes) {
  base::Reader reader(bytes);
  Program program;
  program.arguments = reader.texts();
  program.environment = reader.texts();
  if (!reader.finished() || program.arguments.empty()) return std::nullopt;
  return program;
}

os::Fd write_program(const Program& program) {
  const std::string encoded = encode_program(program);
  os::Fd file = os::create_memfd("prong-program", 0);
  const ByteSpan parts[] = {as_bytes(encoded)};
  os::write_parts(file, parts);
  return file;
}

std::optional<Program> read_program(int file) {
  std::string bytes(os::file_size(file), '\0');
  if (!os::read_at(file, 0, std::as_writable_bytes(std::span(bytes)))) return std::nullopt;
  return decode_program(as_bytes(bytes));
}

std::vector<std::string> to_argv(const std::string& path, const LauncherArguments& arguments) {
  return {path,
          std::to_string(arguments.socket),
          std::to_string(arguments.program_pidfd),
          std::to_string(arguments.program_pid),
          std::to_string(arguments.template_socket),
          std::to_string(arguments.template_pid),
          std::to_string(static_cast<int>(arguments.has_guard)),
          std::to_string(arguments.guarded_pid),
          std::to_string(arguments.nursery_program),
          to_list(arguments.command_fds)};
}

LauncherArguments from_argv(int argc, char** argv) {
  const auto number = [&](int index, int otherwise) {
    return index < argc ? to_int(argv[index], otherwise) : otherwise;
  };
  LauncherArguments arguments;
  arguments.socket = number(1, -1);
  arguments.program_pidfd = number(2, -1);
  arguments.program_pid = number(3, 0);
  arguments.template_socket = number(4, -1);
  arguments.template_pid = number(5, 0);
  arguments.has_guard = number(6, 0) != 0;
  arguments.guarded_pid = number(7, 0);
  arguments.nursery_program = number(8, -1);
  if (argc > 9) arguments.command_fds = from_list(argv[9]);
  return arguments;
}

}  // namespace prong::launcher
