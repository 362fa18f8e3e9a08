// Everything that Prong decodes from bytes that another process wrote: reports of exceptions, commands, programs.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/codec.h"
#include "launcher/protocol.h"
#include "prong/command.h"
#include "prong/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  if (const auto raised = prong::base::decode_raised(bytes)) {
    const auto again =
        prong::base::decode_raised(prong::as_bytes(prong::base::encode_raised(*raised, raised->value.bytes())));
    if (!again || again->message != raised->message) __builtin_trap();
  }
  if (const auto program = prong::launcher::decode_program(bytes)) {
    if (!prong::launcher::decode_program(prong::as_bytes(prong::launcher::encode_program(*program)))) __builtin_trap();
  }
  try {
    (void)prong::decode_command(bytes);
  } catch (const prong::UsageError&) {
  }
  return 0;
}
