# cmake -DPROJECT=folder -P check_types.cmake: checks the types of the page's scripts, as its tsconfig.json says.
cmake_minimum_required(VERSION 3.25)

find_program(TSC NAMES tsc)
if(NOT TSC)
  set(message "tsc is not installed; on Debian: apt-get install node-typescript")
  if("$ENV{CI}" STREQUAL "true")
    message(FATAL_ERROR "${message}")
  endif()
  message(STATUS "skipped: ${message}")
  return()
endif()
execute_process(COMMAND ${TSC} --project ${PROJECT} --pretty false COMMAND_ERROR_IS_FATAL ANY)
