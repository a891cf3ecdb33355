# SPDX-License-Identifier: MIT
#
# Foreign libraries, each as one imported target bv::<name>. A target links only what it uses.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# bv_dependency(<name> <pkg-config name> <Debian package>): imported target bv::<name>.
macro(bv_dependency name module package)
	pkg_check_modules(${name} QUIET IMPORTED_TARGET GLOBAL ${module})
	if(NOT ${name}_FOUND)
		message(FATAL_ERROR "${module} not found: install ${package} (tools/test.sh does)")
	endif()
	add_library(bv::${name} ALIAS PkgConfig::${name})
endmacro()

bv_dependency(ibverbs libibverbs libibverbs-dev)
bv_dependency(jansson jansson libjansson-dev)
if(BV_PROVIDER_MLX5)
	bv_dependency(mlx5 libmlx5 libibverbs-dev)
endif()
if(BUILD_TESTING)
	bv_dependency(cmocka cmocka libcmocka-dev)
endif()
pkg_check_modules(rdmacm QUIET IMPORTED_TARGET GLOBAL librdmacm)
if(rdmacm_FOUND)
	add_library(bv::rdmacm ALIAS PkgConfig::rdmacm)
endif()
