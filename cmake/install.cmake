# cmake --install: the library for find_package(prong), the launcher and the command line.
if(SKBUILD)
  return()
endif()
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/prong)

install(DIRECTORY include/prong DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET prong_launcher_main)
  install(TARGETS prong_launcher_main DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/prong)
endif()
if(TARGET prong_cli)
  install(TARGETS prong_cli DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET prong_share)
  install(DIRECTORY ${PROJECT_BINARY_DIR}/share/ DESTINATION ${CMAKE_INSTALL_DATADIR} PATTERN written EXCLUDE)
  install(FILES ${PROJECT_SOURCE_DIR}/packaging/prong@.service DESTINATION ${CMAKE_INSTALL_DATADIR}/systemd/user)
endif()
install(EXPORT prong_targets NAMESPACE prong:: FILE prong-targets.cmake DESTINATION ${package_dir})
configure_package_config_file(cmake/prong-config.cmake.in ${PROJECT_BINARY_DIR}/prong-config.cmake
  INSTALL_DESTINATION ${package_dir}
  PATH_VARS CMAKE_INSTALL_LIBEXECDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/prong-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/prong-config.cmake ${PROJECT_BINARY_DIR}/prong-config-version.cmake
  DESTINATION ${package_dir})
