// What the binding sources offer each other; one add_ function per Python module that is faced.
#pragma once

#include <chrono>
#include <memory>

#include "handle.h"
#include "python.h"

namespace prong::python {

void add_options(nb::module_& module);   // _options.py
void add_pool(nb::module_& module);      // _engine.py
void add_groups(nb::module_& module);    // _maps.py
void add_streams(nb::module_& module);   // _maps.py
void add_commands(nb::module_& module);  // _run.py
void add_worker(nb::module_& module);    // _worker.py

std::chrono::nanoseconds duration(double seconds);
std::shared_ptr<const JobOptions> options_of(nb::handle object);

/// What workers are told, for as long as Python keeps this.
struct Told {
  DefinitionPtr definition;
};

/// A function that workers know: its token and what it needs.
struct Function {
  std::uint32_t token = 0;
  Needs needs;
};
/// What a job needs that calls it. `extra`: None or a list of Told.
Needs needs_of(const Function& function, nb::handle extra);

/// An opaque payload, for initializers, finalizers and commands.
struct Sealed {
  Payload payload;
};

/// What Python calls a pool's core.
struct Core {
  HandlePtr handle;
};

/// What CPython has to do around a fork. They need the GIL, and leave it in both processes.
ForkHooks python_fork_hooks();

}  // namespace prong::python
