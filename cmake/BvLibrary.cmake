# SPDX-License-Identifier: MIT
#
# libbareverbs, shared and static, from the objects of core and of every provider, and its
# installation: headers, pkg-config file and CMake package.

get_property(bv_providers GLOBAL PROPERTY BV_PROVIDERS)
set(bv_objects bv_core)
foreach(name IN LISTS bv_providers)
	list(APPEND bv_objects bv_provider_${name})
endforeach()

set(bv_map "${PROJECT_SOURCE_DIR}/core/bareverbs.map")
add_library(bareverbs SHARED)
target_link_libraries(bareverbs PRIVATE ${bv_objects} PUBLIC bareverbs_headers)
target_link_options(bareverbs PRIVATE "LINKER:--version-script=${bv_map}"
	"LINKER:-z,relro" "LINKER:-z,now" $<$<NOT:$<BOOL:${BV_SANITIZER}>>:LINKER:-z,defs>)
set_target_properties(bareverbs PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0
	LINK_DEPENDS "${bv_map}")

# White-box tests link the static library: its hidden symbols are theirs to call.
add_library(bareverbs_static STATIC)
target_link_libraries(bareverbs_static PRIVATE ${bv_objects} PUBLIC bareverbs_headers)
set_target_properties(bareverbs_static PROPERTIES OUTPUT_NAME bareverbs EXPORT_NAME static)

add_library(bareverbs::bareverbs ALIAS bareverbs)
add_library(bareverbs::static ALIAS bareverbs_static)
