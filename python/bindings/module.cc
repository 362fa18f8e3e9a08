// prong._core: the engine, as the Python modules of prong see it. Holds no logic of its own.
#include "bindings.h"
#include "buffer.h"
#include "errors.h"
#include "job.h"
#include "prong/version.h"

NB_MODULE(_core, module) {
  using namespace prong::python;
  module.doc() = "Prong's engine. Private: use the names in prong.";
  module.attr("__version__") = PRONG_VERSION;
  // What a daemon thread holds, or the program keeps for ever, is still there when the interpreter ends.
  nb::set_leak_warnings(false);
  module.def("warn_of_leaks", &nb::set_leak_warnings, "wanted"_a, "Whether to print at exit what was never freed.");
  add_error_translation();
  add_buffer_type(module);
  add_job_type(module);
  add_options(module);
  add_pool(module);
  add_groups(module);
  add_streams(module);
  add_commands(module);
  add_worker(module);
}
