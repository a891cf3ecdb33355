/* SPDX-License-Identifier: MIT */
/*
 * The cold table of provider verbs: it drives whatever libibverbs drives.
 */
#include <errno.h>
#include <stdio.h>

#include "channel.h"

/* Works everywhere; a direct path, where there is one, is better. */
#define SCORE_GENERIC 10

static int probe(struct ibv_device *ibdev, struct ibv_context *context, char *why, size_t size)
{
	(void)context;
	/* rdma_create_qp(3) and iw_cm of Linux: the connection itself moves an iWARP queue pair. */
	if (ibdev->transport_type == IBV_TRANSPORT_IWARP) {
		snprintf(why, size,
			 "iWARP: rdma_cm alone connects its queue pairs, endpoints cannot");
		return -EOPNOTSUPP;
	}
	snprintf(why, size,
		 "generic: libibverbs, by ibv_wr_* where the driver has them, else ibv_post_send");
	return SCORE_GENERIC;
}

static int open_context(struct ibv_device *ibdev, struct ibv_context **context)
{
	struct ibv_context *ctx = ibv_open_device(ibdev);

	if (!ctx)
		return errno > 0 ? -errno : -EIO;
	*context = ctx;
	return 0;
}

static bvi_qp_create_fn *qp_create(struct ibv_device *ibdev)
{
	(void)ibdev;
	return NULL;
}

/* Verbs have no call for it. */
static int set_udp_sport(struct ibv_qp *qp, uint16_t port)
{
	(void)qp;
	(void)port;
	return -EOPNOTSUPP;
}

const struct bv_provider bvi_provider_verbs = {
	.name = "verbs",
	.probe = probe,
	.open = open_context,
	.qp_create = qp_create,
	.channel_create = bvi_verbs_channel_create,
	.channel_before_reset = bvi_verbs_channel_before_reset,
	.channel_reset = bvi_verbs_channel_reset,
	.channel_unsignaled = bvi_verbs_channel_unsignaled,
	.channel_destroy = bvi_verbs_channel_destroy,
	.describe = bvi_verbs_describe,
	.set_udp_sport = set_udp_sport,
};
