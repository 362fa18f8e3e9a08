#include "face/thrown.h"

#include <exception>

#include "face/demangle.h"

namespace prong::face {
namespace {

/// "caused by ..." for what is nested in `exception`, innermost last.
template <typename Exception>
std::string causes_of(const Exception& exception) {
  try {
    std::rethrow_if_nested(exception);
    return {};
  } catch (...) {
    const Raised cause = describe_current_exception();
    return "caused by " + cause.type + ": " + cause.message + "\n" + cause.traceback;
  }
}

}  // namespace

Raised describe_current_exception() {
  Raised thrown{.type = current_exception_type(), .bases = current_exception_bases()};
  try {
    throw;
  } catch (const std::exception& exception) {
    thrown.message = exception.what();
    thrown.traceback = causes_of(exception);
  } catch (const std::string& text) {
    thrown.message = text;
  } catch (const char* text) {
    thrown.message = text ? text : "";
  } catch (int number) {
    thrown.message = std::to_string(number);
  } catch (...) {
    thrown.message = "";  // nothing more is known of it
  }
  return thrown;
}

}  // namespace prong::face
