# What a wheel holds besides python/prong/*.py. The command line finds the launcher as in any other prefix.
install(TARGETS _core LIBRARY DESTINATION prong)
install(TARGETS prong_launcher_main prong_cli RUNTIME DESTINATION prong/_bin)
install(TARGETS prong_cli RUNTIME DESTINATION ${SKBUILD_SCRIPTS_DIR})
install(TARGETS prong_launcher_main RUNTIME DESTINATION ${SKBUILD_DATA_DIR}/libexec/prong)
install(DIRECTORY ${PROJECT_BINARY_DIR}/share/ DESTINATION ${SKBUILD_DATA_DIR}/share PATTERN written EXCLUDE)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/prong@.service DESTINATION ${SKBUILD_DATA_DIR}/share/systemd/user)
