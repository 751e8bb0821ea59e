# The version header, and what the build is made of.
configure_file(${PROJECT_SOURCE_DIR}/cmake/version.h.in ${PROJECT_BINARY_DIR}/include/svd/version.h @ONLY)

file(STRINGS ${DNNL_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h dnnl_version_lines REGEX "define DNNL_VERSION_(MAJOR|MINOR|PATCH)")
string(REGEX MATCHALL "[0-9]+" dnnl_version "${dnnl_version_lines}")
list(JOIN dnnl_version "." dnnl_version)
set(SVD_BUILD_INFO "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}, ${CMAKE_BUILD_TYPE}")
if(SVD_SANITIZE)
  string(APPEND SVD_BUILD_INFO " (${SVD_SANITIZE})")
endif()
string(APPEND SVD_BUILD_INFO ", oneDNN ${dnnl_version}, Highway ${hwy_VERSION}, libvips ${vips_VERSION}, "
                             "libavcodec ${ffmpeg_libavcodec_VERSION}")
