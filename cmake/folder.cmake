# What every target is built with.
add_library(svd_build_options INTERFACE)
target_compile_options(svd_build_options INTERFACE -Wall -Wextra)
target_include_directories(svd_build_options INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src
                                                       ${PROJECT_BINARY_DIR}/include)
if(SVD_SANITIZE)
  target_compile_options(svd_build_options INTERFACE -fsanitize=${SVD_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(svd_build_options INTERFACE -fsanitize=${SVD_SANITIZE})
  if(SVD_SANITIZE MATCHES "thread")
    target_compile_definitions(svd_build_options INTERFACE SVD_PARALLEL_STD)
  endif()
endif()
if(SVD_FUZZ)
  target_compile_options(svd_build_options INTERFACE -fsanitize=fuzzer-no-link)  # libFuzzer sees where a run went
endif()

# svd_folder(NAME SOURCES a.cpp b.cpp LINKS x y PRIVATE_LINKS z)
# One static library for one folder under src/. LINKS is the list of folders whose headers it may include; libraries
# from outside that its headers do not show go into PRIVATE_LINKS.
function(svd_folder name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC svd_build_options ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
endfunction()
