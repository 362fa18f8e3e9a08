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
  add_error_translation();
  add_buffer_type(module);
  add_job_type(module);
  add_options(module);
  add_pool(module);
  add_groups(module);
  add_commands(module);
  add_worker(module);
}
