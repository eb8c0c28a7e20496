# Runs PROGRAM with ARGUMENTS and expects exit code 1 and a text on stderr that matches EXPECTED.
execute_process(COMMAND ${PROGRAM} ${ARGUMENTS} RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE error)
if(NOT code EQUAL 1 OR NOT error MATCHES "${EXPECTED}")
  message(FATAL_ERROR "expected exit code 1 and '${EXPECTED}', found ${code} and:\n${error}")
endif()
