#include "cli/output/line_buffer.h"

#include <algorithm>

namespace prong::cli {

void LineBuffer::append(std::string_view bytes) {
  bytes_.erase(0, begin_);
  searched_ -= std::min(searched_, begin_);
  begin_ = 0;
  bytes_ += bytes;
}

std::size_t LineBuffer::find_end() const {
  const std::size_t end = bytes_.find(delimiter_, std::max(begin_, searched_));
  searched_ = std::min(end, bytes_.size());
  return end;
}

bool LineBuffer::has_line() const {
  return find_end() != std::string::npos;
}

bool LineBuffer::take(std::string& line) {
  const std::size_t end = find_end();
  if (end == std::string::npos) return false;
  line.assign(bytes_, begin_, end - begin_);
  begin_ = end + 1;
  return true;
}

bool LineBuffer::take_rest(std::string& line) {
  if (size() == 0) return false;
  line.assign(bytes_, begin_);
  begin_ = bytes_.size();
  return true;
}

}  // namespace prong::cli
