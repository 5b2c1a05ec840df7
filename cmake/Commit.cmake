# The short commit that `inngest version` shows, as INNGEST_COMMIT for the one file that needs it; configuring runs again
# after each commit.
find_package(Git QUIET)
set(INNGEST_COMMIT source)
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} rev-parse --short HEAD WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(commit)
    set(INNGEST_COMMIT ${commit})
  endif()
endif()
if(EXISTS ${CMAKE_SOURCE_DIR}/.git/logs/HEAD)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/.git/logs/HEAD)
endif()
set_source_files_properties(src/cli/version.c PROPERTIES COMPILE_DEFINITIONS INNGEST_COMMIT="${INNGEST_COMMIT}")
