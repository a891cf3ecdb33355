# SPDX-License-Identifier: MIT
#
# What the installed rdma-core offers, asked by symbol and never by version: distributions patch and
# backport. The answers land in <bv_config.h>, as macros that are defined or not (use #ifdef).

include(CheckSymbolExists)

set(CMAKE_REQUIRED_LIBRARIES PkgConfig::ibverbs)
check_symbol_exists(ibv_query_gid_table infiniband/verbs.h BV_HAVE_IBV_QUERY_GID_TABLE)
check_symbol_exists(ibv_query_gid_ex infiniband/verbs.h BV_HAVE_IBV_QUERY_GID_EX)
check_symbol_exists(ibv_reg_dmabuf_mr infiniband/verbs.h BV_HAVE_IBV_REG_DMABUF_MR)
check_symbol_exists(ibv_is_fork_initialized infiniband/verbs.h
	BV_HAVE_IBV_IS_FORK_INITIALIZED)
check_symbol_exists(ibv_reg_mr_ex infiniband/verbs.h BV_HAVE_IBV_REG_MR_EX)
check_symbol_exists(ibv_qp_to_qp_ex infiniband/verbs.h BV_HAVE_IBV_WR_API)
check_symbol_exists(ibv_set_ece infiniband/verbs.h BV_HAVE_IBV_ECE)
check_symbol_exists(ibv_query_qp_data_in_order infiniband/verbs.h
	BV_HAVE_IBV_QUERY_QP_DATA_IN_ORDER)
if(BV_PROVIDER_MLX5)
	list(APPEND CMAKE_REQUIRED_LIBRARIES PkgConfig::mlx5)
	check_symbol_exists(mlx5dv_reg_dmabuf_mr infiniband/mlx5dv.h BV_HAVE_MLX5DV_REG_DMABUF_MR)
	check_symbol_exists(mlx5dv_devx_alloc_uar infiniband/mlx5dv.h
		BV_HAVE_MLX5DV_DEVX_ALLOC_UAR)
endif()
unset(CMAKE_REQUIRED_LIBRARIES)

set(BV_HAVE_VERBS ${BV_PROVIDER_VERBS})
set(BV_HAVE_MLX5 ${BV_PROVIDER_MLX5})
if(rdmacm_FOUND)
	set(BV_HAVE_RDMACM ON)
endif()
configure_file("${PROJECT_SOURCE_DIR}/cmake/bv_config.h.in"
	"${PROJECT_BINARY_DIR}/generated/bv_config.h")
