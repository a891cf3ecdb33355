# SPDX-License-Identifier: MIT
#
# libbareverbs, shared and static, from the objects of core and of every provider, and its
# installation: headers, pkg-config file and CMake package.

include(CMakePackageConfigHelpers)

# The objects, and the foreign libraries that their folders named.
get_property(bv_providers GLOBAL PROPERTY BV_PROVIDERS)
list(TRANSFORM bv_providers PREPEND bv_provider_ OUTPUT_VARIABLE bv_parts)
foreach(part IN ITEMS bv_core LISTS bv_parts)
	list(APPEND bv_objects $<TARGET_OBJECTS:${part}>)
	get_target_property(libraries ${part} LINK_LIBRARIES)
	list(APPEND bv_foreign ${libraries})
endforeach()
list(FILTER bv_foreign INCLUDE REGEX "^bv::|^Threads::")
list(REMOVE_DUPLICATES bv_foreign)

set(bv_map "${PROJECT_SOURCE_DIR}/core/bareverbs.map")
add_library(bareverbs SHARED ${bv_objects})
target_link_libraries(bareverbs PRIVATE ${bv_foreign} PUBLIC bareverbs_headers)
target_link_options(bareverbs PRIVATE "LINKER:--version-script=${bv_map}"
	"LINKER:-z,relro" "LINKER:-z,now")
if(NOT BV_SANITIZER) # its runtime comes with the program
	target_link_options(bareverbs PRIVATE "LINKER:-z,defs")
endif()
set_target_properties(bareverbs PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0
	LINK_DEPENDS "${bv_map}")

# White-box tests link the static library: its hidden symbols are theirs to call.
add_library(bareverbs_static STATIC ${bv_objects})
target_link_libraries(bareverbs_static PRIVATE ${bv_foreign} PUBLIC bareverbs_headers)
set_target_properties(bareverbs_static PROPERTIES OUTPUT_NAME bareverbs EXPORT_NAME static)

set_target_properties(bareverbs_headers PROPERTIES EXPORT_NAME headers)
add_library(bareverbs::bareverbs ALIAS bareverbs)
add_library(bareverbs::static ALIAS bareverbs_static)

# In bareverbs.pc the foreign libraries are private: a shared libbareverbs needs none of them named.
foreach(library IN LISTS bv_foreign)
	string(REGEX REPLACE "^bv::" "" name "${library}")
	if(${name}_MODULE_NAME)
		list(APPEND bv_pc_requires ${${name}_MODULE_NAME})
		string(APPEND bv_package_modules
			"pkg_check_modules(${name} REQUIRED QUIET IMPORTED_TARGET ${${name}_MODULE_NAME})\n")
	endif()
endforeach()
list(JOIN bv_pc_requires " " bv_pc_requires)
file(RELATIVE_PATH bv_pc_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" bv_pc_prefix "${bv_pc_prefix}")

set(bv_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/bareverbs")
configure_file(cmake/bareverbs.pc.in bareverbs.pc @ONLY)
configure_package_config_file(cmake/bareverbs-config.cmake.in bareverbs-config.cmake
	INSTALL_DESTINATION "${bv_package_dir}")
# Before 1.0 a minor version may break: only the same one will do.
write_basic_package_version_file(bareverbs-config-version.cmake COMPATIBILITY SameMinorVersion)

install(TARGETS bareverbs bareverbs_static bareverbs_headers EXPORT bareverbs
	LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
	ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/bareverbs DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
	FILES_MATCHING PATTERN "*.h")
install(EXPORT bareverbs NAMESPACE bareverbs:: DESTINATION "${bv_package_dir}"
	FILE bareverbs-targets.cmake)
install(FILES "${PROJECT_BINARY_DIR}/bareverbs-config.cmake"
	"${PROJECT_BINARY_DIR}/bareverbs-config-version.cmake" DESTINATION "${bv_package_dir}")
install(FILES "${PROJECT_BINARY_DIR}/bareverbs.pc"
	DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
