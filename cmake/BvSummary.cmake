# SPDX-License-Identifier: MIT
#
# What was decided, at the end of every configure.

get_property(bv_providers GLOBAL PROPERTY BV_PROVIDERS)
list(JOIN bv_providers " " bv_providers)
message(STATUS "bareverbs ${PROJECT_VERSION}")
message(STATUS "  compiler      ${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}")
message(STATUS "  build type    ${CMAKE_BUILD_TYPE}")
message(STATUS "  BV_PROVIDER_* ${bv_providers}")
message(STATUS "  BV_SELFTEST   ${BV_SELFTEST}")
message(STATUS "  BV_SANITIZER  ${BV_SANITIZER}")
message(STATUS "  BV_COVERAGE   ${BV_COVERAGE}")
message(STATUS "  BV_WERROR     ${BV_WERROR}")
message(STATUS "  BV_TRACE      ${BV_TRACE}")
message(STATUS "  rdma-core     libibverbs ${ibverbs_VERSION}, libmlx5 ${mlx5_VERSION}")
message(STATUS "  tests         ${BUILD_TESTING}")
message(STATUS "  prefix        ${CMAKE_INSTALL_PREFIX}")
