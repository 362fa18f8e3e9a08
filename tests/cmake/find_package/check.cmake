# Installs the build into a folder of its own, moves that folder, and builds and runs the consumer against it.
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(work ${build}/tests/find_package)
file(REMOVE_RECURSE ${work})
run(${CMAKE_COMMAND} --install ${build} --prefix ${work}/as_installed)
file(RENAME ${work}/as_installed ${work}/prefix)
run(${CMAKE_COMMAND} -S ${consumer} -B ${work}/consumer -G ${generator}
  -D CMAKE_BUILD_TYPE=Debug -D CMAKE_PREFIX_PATH=${work}/prefix -D wanted_version=${version})
run(${CMAKE_COMMAND} --build ${work}/consumer)
run(${work}/consumer/consumer ${work}/prefix ${version})
