# SPDX-License-Identifier: MIT
#
# What a person building may choose, and what holds for every target.

option(BV_PROVIDER_VERBS "Build provider verbs (any device libibverbs drives)" ON)
option(BV_PROVIDER_MLX5 "Build provider mlx5 (own WQEs and CQEs on mlx5 devices)" ON)
option(BV_SELFTEST "Build and install the conformance suite, which `bv selftest` runs" ON)
option(BV_WERROR "Treat compiler warnings as errors" OFF)
option(BV_TRACE "Compile trace points into the cold paths" OFF)
option(BV_COVERAGE "Count the lines and branches of the library that run (gcc)" OFF)
set(BV_SANITIZER "" CACHE STRING "Sanitizers: empty, 'address,undefined' or 'thread'")
set_property(CACHE BV_SANITIZER PROPERTY STRINGS "" "address,undefined" "thread")

get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(NOT multi_config AND NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Debug, Release, RelWithDebInfo" FORCE)
endif()

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
# Where bv finds its helper programs, in the build as where it is installed.
file(RELATIVE_PATH BV_LIBEXEC_FROM_BIN "${CMAKE_INSTALL_FULL_BINDIR}"
	"${CMAKE_INSTALL_FULL_LIBEXECDIR}/bareverbs")

# C11 without extensions hides the POSIX and Linux interfaces; this brings them back for every file.
add_compile_definitions($<$<COMPILE_LANGUAGE:C>:_GNU_SOURCE>)
# __FILE__ in error details must not tell where the library was built.
add_compile_options(-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
# Calls inside the library bind to the library, as its version script promises anyway.
add_compile_options($<$<COMPILE_LANGUAGE:C>:-fno-semantic-interposition>)

# Links the sanitizer's runtime as a shared library and sets BV_SANITIZER_RUNTIME to its path.
macro(bv_shared_runtime)
	set(runtime asan)
	if(BV_SANITIZER STREQUAL "thread")
		set(runtime tsan)
	elseif(BV_SANITIZER STREQUAL "undefined")
		set(runtime ubsan)
	endif()
	set(runtime_file lib${runtime}.so)
	if(CMAKE_C_COMPILER_ID MATCHES "Clang")
		set(runtime_file libclang_rt.${runtime}-${CMAKE_SYSTEM_PROCESSOR}.so)
	endif()
	execute_process(COMMAND "${CMAKE_C_COMPILER}" -print-file-name=${runtime_file}
		OUTPUT_VARIABLE BV_SANITIZER_RUNTIME OUTPUT_STRIP_TRAILING_WHITESPACE)
	if(CMAKE_C_COMPILER_ID MATCHES "Clang")
		get_filename_component(runtime_directory "${BV_SANITIZER_RUNTIME}" DIRECTORY)
		add_link_options(-shared-libsan "LINKER:-rpath,${runtime_directory}")
	endif()
endmacro()

set(bv_sanitizers "" "address" "undefined" "address,undefined" "thread")
if(NOT BV_SANITIZER IN_LIST bv_sanitizers)
	message(FATAL_ERROR "BV_SANITIZER='${BV_SANITIZER}': use 'address,undefined' or 'thread'")
endif()
if(BV_SANITIZER)
	add_compile_options(-fsanitize=${BV_SANITIZER} -fno-sanitize-recover=all
		-fno-omit-frame-pointer)
	add_link_options(-fsanitize=${BV_SANITIZER})
	# mlx5emu is preloaded, and the runtime has to come before it, also into programs built without
	# one: so the runtime is shared. Clang's shared TSan dies at start (seen with 14): it stays in
	# our programs, and programs of others cannot run below such a build.
	if(NOT (CMAKE_C_COMPILER_ID MATCHES "Clang" AND BV_SANITIZER STREQUAL "thread"))
		bv_shared_runtime()
	endif()
endif()

set(bv_warning_flags -Wall -Wextra -Wconversion -Wshadow -Wcast-qual -Wvla -Wundef
	$<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
	$<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
	$<$<BOOL:${BV_WERROR}>:-Werror>)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND BV_SANITIZER)
	# gcc's flow analysis loses its way in instrumented code, as its manual says, and it warns of
	# each fence that TSan ignores: ours order accesses of a device, which TSan cannot see anyway.
	list(APPEND bv_warning_flags -Wno-maybe-uninitialized
		-Wno-tsan)
endif()

# bv_warnings(<target>): the warnings that every target of ours compiles with.
function(bv_warnings target)
	target_compile_options(${target} PRIVATE ${bv_warning_flags})
endfunction()

if(BV_COVERAGE)
	if(NOT CMAKE_C_COMPILER_ID STREQUAL "GNU" OR BV_SANITIZER)
		message(FATAL_ERROR "BV_COVERAGE: use gcc, and no sanitizer (preset coverage-gcc does)")
	endif()
	# The counters' runtime, for whatever contains counted objects.
	add_link_options(--coverage)
endif()

# bv_coverage(<target>): it counts what of the library is compiled into it: sources, inline functions.
# - Counters are added to atomically: several threads of a process add to one.
# - What providers see of core/ through the folder of links is counted with core/ itself.
# - Functions always inlined are compiled once, as functions: else each call is a copy with branches
#   of its own, of which its constant arguments leave one way to go (1560 in mlx5/sq.c, not 100).
function(bv_coverage target)
	if(BV_COVERAGE)
		target_compile_options(${target} PRIVATE --coverage -fprofile-abs-path
			-fprofile-update=atomic
			-fprofile-prefix-map=${PROJECT_BINARY_DIR}/contract=${PROJECT_SOURCE_DIR})
		target_compile_definitions(${target} PRIVATE always_inline=unused)
	endif()
endfunction()
