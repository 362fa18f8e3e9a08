# prong_layer(<name> [LINKS <library>...] SOURCES <file>... TESTS <file>...)
#
# One layer: the static library prong_<name> of SOURCES, which may use the layers in LINKS and what those use, and the
# program <name>_tests of TESTS. A layer of headers alone has no SOURCES.
function(prong_layer name)
  cmake_parse_arguments(layer "" "" "LINKS;SOURCES;TESTS" ${ARGN})
  set(target prong_${name})
  if(layer_SOURCES)
    set(scope PUBLIC)
    add_library(${target} STATIC ${layer_SOURCES})
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:prong_compile_settings>)
  else()
    set(scope INTERFACE)
    add_library(${target} INTERFACE)
  endif()
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(${target} ${scope} cxx_std_20)
  target_include_directories(${target} ${scope}
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
  target_link_libraries(${target} ${scope} ${layer_LINKS} Threads::Threads)
  prong_tests(${name}_tests LINKS ${target} SOURCES ${layer_TESTS})
endfunction()
