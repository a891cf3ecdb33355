/* SPDX-License-Identifier: MIT */
/*
 * Events of the two completion queues, through libibverbs: it keeps the consumer index.
 */
#include <errno.h>

#include "channel.h"

static int arm(struct ibv_cq *cq, bool solicited)
{
	const int rc = ibv_req_notify_cq(cq, solicited);

	if (bvi_likely(rc == 0))
		return 0;
	return rc > 0 ? -rc : errno > 0 ? -errno : -EIO;
}

int bvi_verbs_arm(struct bv_channel *ch, unsigned queues)
{
	struct verbs_channel *v = to_verbs(ch);
	int rc = 0;

	bvi_verbs_poll_end(v, queues);
	if (queues & BV_WAKE_SEND)
		rc = arm(v->send_cq, false);
	if (rc == 0 && queues & BV_WAKE_RECV)
		rc = arm(v->recv_cq, queues & BV_WAKE_SOLICITED);
	return rc;
}
