# prong_python: makes python/prong importable from the tree, with the extension and the programs of this build.
set(package_dir ${PROJECT_SOURCE_DIR}/python/prong)
add_custom_target(prong_python ALL)

if(TARGET _core)
  set_target_properties(_core PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${package_dir})
  add_dependencies(prong_python _core)
endif()

foreach(program prong_launcher_main prong_cli)
  if(TARGET ${program})
    get_target_property(name ${program} OUTPUT_NAME)
    add_custom_command(OUTPUT ${package_dir}/_bin/${name}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${package_dir}/_bin
      COMMAND ${CMAKE_COMMAND} -E create_symlink $<TARGET_FILE:${program}> ${package_dir}/_bin/${name}
      DEPENDS ${program}
      VERBATIM)
    add_custom_target(${program}_in_tree DEPENDS ${package_dir}/_bin/${name})
    add_dependencies(prong_python ${program}_in_tree)
  endif()
endforeach()
