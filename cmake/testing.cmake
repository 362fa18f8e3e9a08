# prong_tests(<target> [OWN_MAIN] [LINKS <library>...] SOURCES <file>...)
#
# A GoogleTest program, each test of which is one ctest test with a time limit. Without SOURCES, or without
# PRONG_BUILD_TESTS, nothing is made. With OWN_MAIN one of SOURCES has the function main.
if(PRONG_BUILD_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()

set(PRONG_TEST_PROGRAMS_DIR ${PROJECT_BINARY_DIR}/tests/programs)
set(PRONG_TEST_TIMEOUT_S 60)
# Building tests takes longer than running them; so they are optimised less, and gtest is parsed once.
set(PRONG_TEST_COMPILE_OPTIONS -O1 $<$<CONFIG:RelWithDebInfo>:-g1>)
set(PRONG_TEST_ENVIRONMENT
  "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:abort_on_error=1"
  "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
  "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:die_after_fork=0"
  "PRONG_TEST_SANITIZE=${PRONG_SANITIZE}")

function(prong_tests target)
  cmake_parse_arguments(tests "OWN_MAIN" "" "LINKS;SOURCES" ${ARGN})
  if(NOT PRONG_BUILD_TESTS OR NOT tests_SOURCES)
    return()
  endif()
  add_executable(${target} ${tests_SOURCES})
  target_link_libraries(${target} PRIVATE
    ${tests_LINKS} prong_test_support prong_compile_settings GTest::gtest
    $<$<NOT:$<BOOL:${tests_OWN_MAIN}>>:prong_test_main>)
  target_compile_options(${target} PRIVATE ${PRONG_TEST_COMPILE_OPTIONS})
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_precompile_headers(${target} REUSE_FROM prong_test_main)
  # ctest has no wrapper for tests; an emulator is one. See tests/support/watch.cc.
  set_target_properties(${target} PROPERTIES CROSSCOMPILING_EMULATOR ${PRONG_TEST_PROGRAMS_DIR}/watch)
  add_dependencies(${target} prong_watch)
  gtest_discover_tests(${target}
    DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${PRONG_TEST_TIMEOUT_S} ENVIRONMENT "${PRONG_TEST_ENVIRONMENT}")
endfunction()
