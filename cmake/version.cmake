# Sets PRONG_VERSION from include/prong/version.h, the one place where the version is written.
file(STRINGS "${CMAKE_CURRENT_LIST_DIR}/../include/prong/version.h" version_line
  REGEX "^#define PRONG_VERSION \"[0-9]+\\.[0-9]+\\.[0-9]+\"$")
string(REGEX REPLACE "^.*\"(.*)\"$" "\\1" PRONG_VERSION "${version_line}")
if(NOT PRONG_VERSION)
  message(FATAL_ERROR "include/prong/version.h has no line '#define PRONG_VERSION \"x.y.z\"'")
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  "${CMAKE_CURRENT_LIST_DIR}/../include/prong/version.h")
