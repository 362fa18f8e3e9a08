#include "cli/output/pieces.h"

#include <algorithm>

namespace prong::cli {
namespace {

constexpr std::size_t kPiece = 256 * 1024;
constexpr std::size_t kGathered = 64 * 1024;

}  // namespace

void for_each_piece(const Payload& payload, const PutText& put) {
  std::string piece(std::min(kPiece, payload.size()), '\0');
  for (std::uint64_t offset = 0; offset < payload.size();) {
    const std::size_t size = payload.read(offset, std::as_writable_bytes(std::span(piece)));
    if (size == 0) return;  // a process that the job left behind has cut it off
    put(std::string_view(piece).substr(0, size));
    offset += size;
  }
}

void Prefixer::put(std::string_view piece, const PutText& put) {
  if (prefix_.empty()) return put(piece);
  prefixed_.clear();
  while (!piece.empty()) {
    const auto end = piece.find('\n');
    const std::size_t size = end == std::string_view::npos ? piece.size() : end + 1;
    if (at_line_start_) prefixed_ += prefix_;
    prefixed_ += piece.substr(0, size);
    at_line_start_ = end != std::string_view::npos;
    piece.remove_prefix(size);
    if (prefixed_.size() < kGathered && !piece.empty()) continue;
    put(prefixed_);
    prefixed_.clear();
  }
}

}  // namespace prong::cli
