# What can be chosen at configuration time, with the defaults of a developer's build.
option(PRONG_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(PRONG_BUILD_CLI "Build the command line program" ${PROJECT_IS_TOP_LEVEL})
option(PRONG_BUILD_EXAMPLES "Build the C++ examples" ${PROJECT_IS_TOP_LEVEL})
option(PRONG_BUILD_BENCHMARKS "Build the C++ benchmarks (needs Google Benchmark)" OFF)
option(PRONG_BUILD_PYTHON "Build the Python extension (needs nanobind)" OFF)
option(PRONG_WERROR "Treat warnings as errors" ${PROJECT_IS_TOP_LEVEL})
set(PRONG_SANITIZE "" CACHE STRING "Sanitizers: nothing, 'address' (with undefined), 'thread' or 'fuzzer' (Clang)")
set_property(CACHE PRONG_SANITIZE PROPERTY STRINGS "" address thread fuzzer)

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()
