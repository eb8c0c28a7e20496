# Runs PROGRAM with ARGUMENTS and expects that it ends with CODE (1, if not given) and a text on stderr that matches
# EXPECTED.
if(NOT DEFINED CODE)
  set(CODE 1)
endif()
execute_process(COMMAND ${PROGRAM} ${ARGUMENTS} RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE error)
if(NOT code STREQUAL CODE OR NOT error MATCHES "${EXPECTED}")
  message(FATAL_ERROR "expected the end '${CODE}' and '${EXPECTED}', found '${code}' and:\n${error}")
endif()
