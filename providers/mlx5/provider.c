/* SPDX-License-Identifier: MIT */
/*
 * The cold table of provider mlx5: which devices it can drive, and how they are opened.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#include "channel.h"

/* The direct path is preferred wherever it works. */
#define SCORE_DIRECT 100

/* Told for diagnosis alone: nothing that is read of a completion depends on it. */
static const char *cqe_version(struct ibv_context *context)
{
	struct mlx5dv_context dv = { 0 };

	if (mlx5dv_query_device(context, &dv))
		return "";
	return dv.flags & MLX5DV_CONTEXT_FLAGS_CQE_V1 ? " (version 1)" : " (version 0)";
}

static int probe(struct ibv_device *ibdev, struct ibv_context *context, char *why, size_t size)
{
	struct ibv_td_init_attr attr = { 0 };
	struct ibv_td *td;
	int rc;

	if (!mlx5dv_is_supported(ibdev)) {
		snprintf(why, size,
			 "not an mlx5 device (libmlx5 does not drive it); use provider verbs");
		return -EOPNOTSUPP;
	}
	if (!bvi_mlx5_cpu_suits()) {
		snprintf(
			why, size,
			"this CPU lacks SSSE3, by which works are put into the device's byte order; "
			"use provider verbs");
		return -EOPNOTSUPP;
	}
	td = ibv_alloc_td(context, &attr);
	if (!td) {
		rc = errno ? -errno : -EIO;
		snprintf(
			why, size,
			"the kernel gives a channel no doorbell register of its own (ibv_alloc_td: %s); "
			"use provider verbs",
			strerror(-rc));
		return rc;
	}
	ibv_dealloc_td(td);
	snprintf(why, size, "direct: own WQEs and CQEs%s, a doorbell register per channel",
		 cqe_version(context));
	return SCORE_DIRECT;
}

/* A plain context: nothing here needs DEVX, which mlx5dv_open_device() would add, and which asks for privileges. */
static int open_context(struct ibv_device *ibdev, struct ibv_context **context)
{
	struct ibv_context *ctx = ibv_open_device(ibdev);

	if (!ctx)
		return errno ? -errno : -EIO;
	*context = ctx;
	return 0;
}

/*
 * libmlx5 has short messages put into completions, and polling copies them to the addresses that the
 * receives name (mlx5_copy_to_recv_wqe() in qp.c). Those of a DMA-BUF are no addresses of this process,
 * and memory that was unmapped would end it.
 */
static struct ibv_qp *qp_create_plain(struct ibv_context *context, struct ibv_qp_init_attr_ex *init)
{
	struct mlx5dv_qp_init_attr dv_init = {
		.comp_mask = MLX5DV_QP_INIT_ATTR_MASK_QP_CREATE_FLAGS,
		.create_flags = MLX5DV_QP_CREATE_DISABLE_SCATTER_TO_CQE,
	};

	return mlx5dv_create_qp(context, init, &dv_init);
}

static bvi_qp_create_fn *qp_create(struct ibv_device *ibdev)
{
	return mlx5dv_is_supported(ibdev) ? qp_create_plain : NULL;
}

/* Whether the firmware can is not told before it is asked (EOPNOTSUPP). */
static int set_udp_sport(struct ibv_qp *qp, uint16_t port)
{
	return qp ? -mlx5dv_modify_qp_udp_sport(qp, port) : 0;
}

const struct bv_provider bvi_provider_mlx5 = {
	.name = "mlx5",
	.probe = probe,
	.open = open_context,
	.qp_create = qp_create,
	.channel_create = bvi_mlx5_channel_create,
	.channel_before_reset = bvi_mlx5_channel_before_reset,
	.channel_reset = bvi_mlx5_channel_reset,
	.channel_unsignaled = bvi_mlx5_channel_unsignaled,
	.channel_destroy = bvi_mlx5_channel_destroy,
	.describe = bvi_mlx5_describe,
	.set_udp_sport = set_udp_sport,
};
