/* SPDX-License-Identifier: MIT */
/*
 * Posts that the channel's state forbids. The state is a table of functions, so the calls that are
 * allowed never ask; these are what the tables of the other states hold.
 */
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

/* Each stub has the parameters of its slot, and uses none but the channel. */
int64_t bvi_refuse_send(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			unsigned flags)
{
	(void)sg, (void)nsge, (void)flags;
	return refuse(ch, "bv_post_send");
}

int64_t bvi_refuse_send_imm(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			    uint32_t imm, unsigned flags)
{
	(void)sg, (void)nsge, (void)imm, (void)flags;
	return refuse(ch, "bv_post_send_imm");
}

int64_t bvi_refuse_inline(struct bv_channel *ch, const void *buf, size_t len, unsigned flags)
{
	(void)buf, (void)len, (void)flags;
	return refuse(ch, "bv_post_send_inline");
}

int64_t bvi_refuse_inline_imm(struct bv_channel *ch, const void *buf, size_t len, uint32_t imm,
			      unsigned flags)
{
	(void)buf, (void)len, (void)imm, (void)flags;
	return refuse(ch, "bv_post_send_inline_imm");
}

int64_t bvi_refuse_write(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			 const struct bv_remote *remote, unsigned flags)
{
	(void)sg, (void)nsge, (void)remote, (void)flags;
	return refuse(ch, "bv_post_write");
}

int64_t bvi_refuse_write_imm(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			     const struct bv_remote *remote, uint32_t imm, unsigned flags)
{
	(void)sg, (void)nsge, (void)remote, (void)imm, (void)flags;
	return refuse(ch, "bv_post_write_imm");
}

int64_t bvi_refuse_write_inline(struct bv_channel *ch, const void *buf, size_t len,
				const struct bv_remote *remote, unsigned flags)
{
	(void)buf, (void)len, (void)remote, (void)flags;
	return refuse(ch, "bv_post_write_inline");
}

int64_t bvi_refuse_write_inline_imm(struct bv_channel *ch, const void *buf, size_t len,
				    const struct bv_remote *remote, uint32_t imm, unsigned flags)
{
	(void)buf, (void)len, (void)remote, (void)imm, (void)flags;
	return refuse(ch, "bv_post_write_inline_imm");
}

int64_t bvi_refuse_read(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge,
			const struct bv_remote *remote, unsigned flags)
{
	(void)sg, (void)nsge, (void)remote, (void)flags;
	return refuse(ch, "bv_post_read");
}

int64_t bvi_refuse_fetch_add(struct bv_channel *ch, const struct bv_scatter *result,
			     const struct bv_remote *remote, uint64_t add, unsigned flags)
{
	(void)result, (void)remote, (void)add, (void)flags;
	return refuse(ch, "bv_post_fetch_add");
}

int64_t bvi_refuse_compare_swap(struct bv_channel *ch, const struct bv_scatter *result,
				const struct bv_remote *remote, uint64_t compare, uint64_t swap,
				unsigned flags)
{
	(void)result, (void)remote, (void)compare, (void)swap, (void)flags;
	return refuse(ch, "bv_post_compare_swap");
}

int64_t bvi_refuse_recv(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge)
{
	(void)sg, (void)nsge;
	return refuse(ch, "bv_post_recv");
}
