// How a Command becomes the payload of a job, and back.
#include <algorithm>
#include <utility>

#include "base/codec.h"
#include "prong/command.h"
#include "prong/error.h"

namespace prong {
namespace {

// "PC" and the version of the encoding. Queues have commands of the one before in their journals.
constexpr std::uint32_t kMagic = 0x50430003;
constexpr std::uint32_t kMagicWithoutNumber = 0x50430002;

bool has_nul(const std::string& text) {
  return text.find('\0') != std::string::npos;
}

void check(const Command& command) {
  if (command.arguments.empty() || command.arguments.front().empty())
    throw UsageError("a command has no program; its first argument must be the program to run");
  if ((command.output == Capture::kFile && command.output_file.empty()) ||
      (command.error_output == Capture::kFile && command.error_output_file.empty()))
    throw UsageError("a command's output goes to a file that is not named; set output_file or error_output_file");
  if (std::ranges::any_of(command.arguments, has_nul) || has_nul(command.directory) || has_nul(command.output_file) ||
      has_nul(command.error_output_file) || (command.environment && std::ranges::any_of(*command.environment, has_nul)))
    throw UsageError("a command contains a NUL byte, which no argument, path or environment entry can hold");
}

void write(base::Writer& writer, const Command& command) {
  writer.u32(kMagic);
  writer.u64(command.number);
  writer.texts(command.arguments);
  writer.text(command.directory);
  writer.u8(command.environment.has_value());
  if (command.environment) writer.texts(*command.environment);
  writer.u8(command.input.has_value());
  if (command.input) writer.text(*command.input);
  writer.u8(static_cast<std::uint8_t>(command.output));
  writer.u8(static_cast<std::uint8_t>(command.error_output));
  writer.text(command.output_file);
  writer.text(command.error_output_file);
}

Capture read_capture(base::Reader& reader) {
  const std::uint8_t value = reader.u8();
  if (value > static_cast<std::uint8_t>(Capture::kFile)) throw UsageError("not an encoded command: unknown capture");
  return static_cast<Capture>(value);
}

}  // namespace

Payload encode(const Command& command) {
  check(command);
  base::Writer writer;
  write(writer, command);
  return Payload::copy_of(writer.view());
}

Payload encode(const Command& command, Payload input) {
  return Payload::with_attachments(encode(command), {std::move(input)});
}

Command decode_command(ByteSpan bytes) {
  base::Reader reader(bytes);
  const std::uint32_t magic = reader.u32();
  if (magic != kMagic && magic != kMagicWithoutNumber) throw UsageError("not an encoded command: wrong magic");
  Command command;
  if (magic == kMagic) command.number = reader.u64();
  command.arguments = reader.texts();
  command.directory = reader.text();
  if (reader.u8()) command.environment = reader.texts();
  if (reader.u8()) command.input = reader.text();
  command.output = read_capture(reader);
  command.error_output = read_capture(reader);
  command.output_file = reader.text();
  command.error_output_file = reader.text();
  if (!reader.finished()) throw UsageError("not an encoded command: wrong length");
  return command;
}

}  // namespace prong
