# Installs into an empty folder, builds the docs' example with find_package(svd) there, and runs it.
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${ARGV}: ${result}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
run(${CMAKE_COMMAND} -DFOLDER=${WORK}/prefix/include -P ${CMAKE_CURRENT_LIST_DIR}/check_headers.cmake)
string(REGEX MATCH "^[0-9]+\\.[0-9]+" minor_version ${VERSION})
set(configure ${CMAKE_COMMAND} -S ${SOURCE}/tests/install/consumer -DCMAKE_PREFIX_PATH=${WORK}/prefix
    -DEXAMPLE=${SOURCE}/docs/example.cpp)
run(${configure} -B ${WORK}/build -DWANTED_VERSION=${minor_version})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/check_version)

# Another minor version is refused when a program is built, and when it starts: the soname ends with ours.
foreach(other 0.0 0.99 1.0)
  execute_process(COMMAND ${configure} -B ${WORK}/other -DWANTED_VERSION=${other} RESULT_VARIABLE result
                  OUTPUT_QUIET ERROR_VARIABLE output)
  if(result EQUAL 0 OR NOT output MATCHES "compatible")
    message(FATAL_ERROR "find_package(svd ${other}) found version ${VERSION}: ${output}")
  endif()
endforeach()
run(${CMAKE_OBJDUMP} -p ${WORK}/build/example)
if(NOT output MATCHES "NEEDED +libsvd\\.so\\.${minor_version}\n")
  message(FATAL_ERROR "expected the soname libsvd.so.${minor_version}: ${output}")
endif()
run(${WORK}/prefix/bin/svd synth --size tiny --output ${WORK}/tiny.safetensors)

# The example, with the library; and the program, which finds the bundled picture beside itself.
run(${CMAKE_COMMAND} -E env ${WORK}/prefix/bin/svd sample --checkpoint ${WORK}/tiny.safetensors --num_frames 1
    --num_steps 1 --threads 2 --output_folder ${WORK}/out --input_path ${SOURCE}/tests/install/small.png)
if(NOT EXISTS ${WORK}/out/000000.mp4)
  message(FATAL_ERROR "no video: ${output}")
endif()
run(${WORK}/build/example ${WORK}/tiny.safetensors ${SOURCE}/tests/install/small.png ${WORK}/example.mp4 1)
if(NOT EXISTS ${WORK}/example.mp4)
  message(FATAL_ERROR "no video: ${output}")
endif()
file(REMOVE_RECURSE ${WORK})
