# prong_program(<target> NAME <file name> [LINKS <library>...] SOURCES <file>...)
#
# A program of the project, built as <file name> in PRONG_PROGRAMS_DIR.
set(PRONG_PROGRAMS_DIR ${PROJECT_BINARY_DIR}/bin)
set(PRONG_LAUNCHER_BUILD_PATH ${PRONG_PROGRAMS_DIR}/prong-launcher)
set(PRONG_LAUNCHER_INSTALL_PATH ${CMAKE_INSTALL_FULL_LIBEXECDIR}/prong/prong-launcher)

function(prong_program target)
  cmake_parse_arguments(program "" "NAME" "LINKS;SOURCES" ${ARGN})
  if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/main.cc)
    return()
  endif()
  add_executable(${target} ${program_SOURCES})
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${program_NAME}
    RUNTIME_OUTPUT_DIRECTORY ${PRONG_PROGRAMS_DIR})
  target_link_libraries(${target} PRIVATE ${program_LINKS} prong_compile_settings)
  if(NOT PRONG_SANITIZE)
    # To find and relocate the C++ library takes longer than all else that happens before main.
    target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc)
  endif()
endfunction()
