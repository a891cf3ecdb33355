/* SPDX-License-Identifier: MIT */
/*
 * Starting the queues of a channel anew, after its QP went to RESET. The driver starts the rings;
 * completions may still lie in the CQs, since not every driver takes them out (rxe does not).
 */
#include "channel.h"

static void discard(struct ibv_cq *cq)
{
	struct ibv_wc wc;

	while (ibv_poll_cq(cq, 1, &wc) > 0)
		;
}

static void discard_ex(struct ibv_cq_ex *cq)
{
	struct ibv_poll_cq_attr attr = { 0 };

	if (ibv_start_poll(cq, &attr) != 0)
		return;
	while (ibv_next_poll(cq) == 0)
		;
	ibv_end_poll(cq);
}

/*
 * Some drivers hold a queue's lock while a list of works is made or a queue is polled, and take it to move
 * the QP or to clean the queue of its works.
 */
void bvi_verbs_channel_before_reset(struct bv_channel *ch)
{
	/* What the driver refuses is withdrawn, what it takes is forgotten with the rest. */
	(void)bv_flush(ch);
	bvi_verbs_poll_end(to_verbs(ch), BV_WAKE_SEND | BV_WAKE_RECV);
}

void bvi_verbs_channel_reset(struct bv_channel *ch)
{
	struct verbs_channel *v = to_verbs(ch);

	if (v->send_cq_ex) {
		discard_ex(v->send_cq_ex);
		discard_ex(v->recv_cq_ex);
	} else {
		discard(v->send_cq);
		discard(v->recv_cq);
	}
	for (unsigned i = 0; i < VERBS_BURST; i++)
		v->wc[i].wr_id = VERBS_NO_WORK;
	v->unsignaled = 0;
	v->is_numbered = false;
	v->plain_end = NULL;
	v->more_end = NULL;
	v->chain.n = 0;
	v->chained = 0;
}
