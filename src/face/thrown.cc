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
    const Thrown cause = describe_current_exception();
    return "caused by " + cause.type + ": " + cause.message + "\n" + cause.causes;
  }
}

}  // namespace

Thrown describe_current_exception() {
  Thrown thrown{.type = current_exception_type(), .message = {}, .causes = {}};
  try {
    throw;
  } catch (const std::exception& exception) {
    thrown.message = exception.what();
    thrown.causes = causes_of(exception);
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
