/* SPDX-License-Identifier: MIT */
/*
 * Posts that the channel's state forbids. The state is a table of functions, so the calls that are
 * allowed never ask; these are what the tables of the other states hold.
 */
#include <stdio.h>

#include "error.h"
#include "provider.h"

const char *bv_channel_state_name(enum bv_channel_state state)
{
	switch (state) {
	case BV_CHANNEL_PREPARED:
		return "PREPARED";
	case BV_CHANNEL_READY:
		return "READY";
	case BV_CHANNEL_ERROR:
		return "ERROR";
	default:
		return "unknown";
	}
}

static BV_COLD int64_t refuse(const struct bv_channel *ch, const char *call)
{
	const struct bvi_channel_core *core = ch->core;
	const char *state = bv_channel_state_name(core->state);
	const int64_t number = core->first_error.work & ~BV_WORK_RECV;

	if (core->state != BV_CHANNEL_ERROR)
		return bvi_fail(-EINVAL,
				"%s: the channel is %s, it must be READY: call "
				"bv_channel_connect() first",
				call, state);
	/* Flushes follow from what stopped it. */
	if (!core->failed ||
	    (core->stopped && core->first_error.status == BV_STATUS_WORK_REQUEST_FLUSH_ERROR))
		return bvi_fail(
			-EIO,
			"%s: the channel is in %s, it must be READY: %s; bv_channel_reset() "
			"it and connect again",
			call, state, core->stopped ? core->stopped : "it could not be connected");
	return bvi_fail(-EIO,
			"%s: the channel is in %s, it must be READY: %s work %lld failed with "
			"%s; bv_channel_reset() it and connect again",
			call, state, core->failed_recv ? "receive" : "send-queue",
			(long long)number, bv_status_name(core->first_error.status));
}

/* "bv_post_" and what kind of post it was. */
static BV_COLD int64_t refuse_post(const struct bv_channel *ch, uint64_t what, const char *kind)
{
	const enum bv_op op = bvi_what_op(what);
	char call[64];

	snprintf(call, sizeof(call), "bv_post_%s%s",
		 op == BV_OP_SEND      ? "send" :
		 op == BV_OP_WRITE     ? "write" :
		 op == BV_OP_READ      ? "read" :
		 op == BV_OP_FETCH_ADD ? "fetch_add" :
					 "compare_swap",
		 kind);
	return refuse(ch, call);
}

/* Each stub has the parameters of its slot, and uses few of them. */
int64_t bvi_refuse_post(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
			uint64_t what)
{
	(void)sg, (void)remote;
	return refuse_post(ch, what, "");
}

int64_t bvi_refuse_inline(struct bv_channel *ch, const void *buf, const struct bv_remote *remote,
			  uint64_t what)
{
	(void)buf, (void)remote;
	return refuse_post(ch, what, "_inline");
}

int64_t bvi_refuse_imm(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
		       uint64_t what, uint32_t imm)
{
	(void)sg, (void)remote, (void)imm;
	return refuse_post(ch, what, "_imm");
}

int64_t bvi_refuse_inline_imm(struct bv_channel *ch, const void *buf,
			      const struct bv_remote *remote, uint64_t what, uint32_t imm)
{
	(void)buf, (void)remote, (void)imm;
	return refuse_post(ch, what, "_inline_imm");
}

int64_t bvi_refuse_other(struct bv_channel *ch, const void *payload, const struct bv_remote *remote,
			 uint64_t what, uint64_t swap_add, uint64_t compare)
{
	(void)payload, (void)remote, (void)swap_add, (void)compare;
	return refuse_post(ch, what, what & BVI_WHAT_INLINE ? "_inline" : "");
}

int64_t bvi_post_no_atomics(struct bv_channel *ch, const void *payload,
			    const struct bv_remote *remote, uint64_t what, uint64_t swap_add,
			    uint64_t compare)
{
	if (bvi_what_is_atomic(what))
		return bvi_reject_atomic(ch, (const struct bv_scatter *)payload, remote,
					 bvi_what_flags(what));
	return ch->ops->post_other(ch, payload, remote, what, swap_add, compare);
}

int64_t bvi_refuse_recv(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge)
{
	(void)sg, (void)nsge;
	return refuse(ch, "bv_post_recv");
}

int bvi_refuse_recv_many(struct bv_channel *ch, const struct bv_scatter *sg, unsigned n)
{
	(void)sg, (void)n;
	return (int)refuse(ch, "bv_post_recv_many");
}
