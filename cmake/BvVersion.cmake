# SPDX-License-Identifier: MIT
#
# The version has one home, include/bareverbs/version.h; CMake, pkg-config and the CMake package
# read it from there.

function(bv_read_version header out)
	set(version "")
	foreach(part IN ITEMS MAJOR MINOR PATCH)
		file(STRINGS "${header}" line REGEX "^#define[ \t]+BV_VERSION_${part}[ \t]+[0-9]+")
		if(NOT line MATCHES "([0-9]+)$")
			message(FATAL_ERROR "${header} does not define BV_VERSION_${part} as a number")
		endif()
		list(APPEND version ${CMAKE_MATCH_1})
	endforeach()
	list(JOIN version "." version)
	set(${out} "${version}" PARENT_SCOPE)
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${header}")
endfunction()
