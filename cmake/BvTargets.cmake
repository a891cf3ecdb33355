# SPDX-License-Identifier: MIT
#
# The vocabulary of the folders' CMakeLists.txt:
#
#   bareverbs_headers   <bareverbs/...> and nothing else
#   bv_core_headers     the provider contract: "core/provider.h", <bv_config.h>
#   bv_provider()       a provider: one folder, one call
#   bv_tool()           a program in build/bin, installed
#   bv_test()           a program run by ctest
#   bv_unit_test()      the same, white-box: may include any file below the source root

add_library(bareverbs_headers INTERFACE)
add_library(bareverbs::headers ALIAS bareverbs_headers)
target_include_directories(bareverbs_headers INTERFACE
	$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
	$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

# A folder of links holds what a provider may see of core/, so that the rest of core/ is out of reach.
set(bv_contract "${PROJECT_BINARY_DIR}/contract/core")
file(MAKE_DIRECTORY "${bv_contract}")
foreach(item IN ITEMS provider.h)
	file(CREATE_LINK "${PROJECT_SOURCE_DIR}/core/${item}" "${bv_contract}/${item}" SYMBOLIC)
endforeach()
add_library(bv_core_headers INTERFACE)
target_include_directories(bv_core_headers INTERFACE
	"${PROJECT_BINARY_DIR}/contract" "${PROJECT_BINARY_DIR}/generated")
target_link_libraries(bv_core_headers INTERFACE bareverbs_headers)

# bv_provider(<name> <sources>... [LIBS <targets>...]): OBJECT library bv_provider_<name>, linked
# into libbareverbs.
function(bv_provider name)
	cmake_parse_arguments(arg "" "" "LIBS" ${ARGN})
	add_library(bv_provider_${name} OBJECT ${arg_UNPARSED_ARGUMENTS})
	target_link_libraries(bv_provider_${name} PRIVATE bv_core_headers bv::ibverbs ${arg_LIBS})
	bv_warnings(bv_provider_${name})
	bv_coverage(bv_provider_${name})
	set_property(GLOBAL APPEND PROPERTY BV_PROVIDERS ${name})
endfunction()

# bv_tool(<name> SOURCES <files>... [LIBS <targets>...])
function(bv_tool name)
	cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
	add_executable(${name} ${arg_SOURCES})
	target_link_libraries(${name} PRIVATE ${arg_LIBS})
	bv_warnings(${name})
	install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

# bv_test(<name> SOURCES <files>... [LIBS <targets>...] [ARGS <arguments>...]
#	  [EMU <mlx5emu options>... | ON] [LABELS <labels>...] [TIMEOUT <s>] [NO_RUN])
# With EMU the program runs under `mlx5emu run [options] --`. Exit status 77 is a skip. NO_RUN only
# builds; bv_add_test() then declares as many runs of it as wanted.
function(bv_test name)
	cmake_parse_arguments(arg "NO_RUN" "TIMEOUT" "SOURCES;LIBS;ARGS;EMU;LABELS" ${ARGN})
	add_executable(${name} ${arg_SOURCES})
	set_target_properties(${name} PROPERTIES
		RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin/tests")
	target_link_libraries(${name} PRIVATE ${arg_LIBS} bv::cmocka)
	bv_warnings(${name})
	bv_coverage(${name})
	if(NOT arg_NO_RUN)
		bv_add_test(${name} COMMAND $<TARGET_FILE:${name}> ${arg_ARGS} EMU ${arg_EMU}
			LABELS ${arg_LABELS} TIMEOUT ${arg_TIMEOUT})
	endif()
endfunction()

# bv_unit_test(<name> SOURCES ... LIBS ...): a bv_test() labelled unit that sees all our headers.
function(bv_unit_test name)
	cmake_parse_arguments(arg "" "" "LABELS" ${ARGN})
	bv_test(${name} ${arg_UNPARSED_ARGUMENTS} LABELS unit ${arg_LABELS})
	target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
	target_link_libraries(${name} PRIVATE bv_core_headers)
endfunction()

# bv_simd_levels(<variable>): the levels of instructions that provider mlx5 has on this machine in this build
# (providers/mlx5/cpu.c), but for movdir64b, which tests/variants has on every machine.
function(bv_simd_levels out)
	set(levels base)
	set(flags "")
	if(EXISTS /proc/cpuinfo)
		file(STRINGS /proc/cpuinfo flags REGEX "^flags" LIMIT_COUNT 1)
	endif()
	if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND NOT BV_SANITIZER MATCHES "thread")
		if(flags MATCHES "avx512bw" AND flags MATCHES "avx512vl" AND flags MATCHES "avx512_?vbmi" AND flags MATCHES "bmi2")
			list(APPEND levels avx512)
		endif()
	endif()
	set(${out} ${levels} PARENT_SCOPE)
endfunction()

# bv_add_test(<name> COMMAND <command>... [EMU ...] [LABELS ...] [TIMEOUT <s>]): one ctest entry.
# Label slow keeps it out of a plain ctest: `ctest -C Nightly`, or the target nightly, runs those too.
function(bv_add_test name)
	cmake_parse_arguments(arg "" "TIMEOUT" "COMMAND;EMU;LABELS" ${ARGN})
	if(arg_EMU)
		list(GET arg_COMMAND 0 program)
		list(REMOVE_ITEM arg_EMU ON)
		list(PREPEND arg_COMMAND $<TARGET_FILE:mlx5emu> run ${arg_EMU} --)
		list(APPEND arg_LABELS emu)
		# Else the device's close() and socket() come before the sanitizer's, which then
		# takes a reused descriptor for the old one. A shell does not survive TSan.
		if(BV_SANITIZER_RUNTIME AND program MATCHES "TARGET_FILE")
			list(PREPEND arg_COMMAND "${CMAKE_COMMAND}" -E env
				LD_PRELOAD=${BV_SANITIZER_RUNTIME})
		endif()
	endif()
	if(NOT arg_TIMEOUT)
		set(arg_TIMEOUT 120)
	endif()
	set(when "")
	if("slow" IN_LIST arg_LABELS)
		set(when CONFIGURATIONS Nightly)
	endif()
	add_test(NAME ${name} COMMAND ${arg_COMMAND} ${when})
	set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${arg_TIMEOUT}
		LABELS "${arg_LABELS}" ENVIRONMENT "${bv_test_environment}")
endfunction()

# A device that this host really has is none of the tests' business.
set(bv_test_environment
	"MLX5EMU_HIDE_REAL=1"
	"ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1"
	"LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/lsan.supp:print_suppressions=0"
	"UBSAN_OPTIONS=print_stacktrace=1"
	"TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp:second_deadlock_stack=1")
