# Compile through ccache where it is installed.
find_program(INNGEST_CCACHE ccache)
if(INNGEST_CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${INNGEST_CCACHE})
endif()
