/* SPDX-License-Identifier: MIT */
/*
 * Scopes. What failed is not collected while completions come by, but told afterwards from the
 * numbers: so it does not matter who reaped, and a scope in which nothing fails looks at nothing.
 */
#include <bareverbs/scope.h>

#include "debug.h"
#include "error.h"
#include "pd.h"
#include "recovery.h"

void bv_scope_begin(struct bv_scope *s, struct bv_channel *ch, unsigned flags)
{
	*s = (struct bv_scope){
		.flags = flags,
		.ch = ch,
		.send = ch->sq_posted,
		.recv = ch->rq_posted,
		.thread = bvi_debug_scope_begin(ch),
	};
}

static void add_error(struct bv_scope *s, const struct bv_channel *ch, const struct bv_wc *wc)
{
	const struct bv_provider *provider = ch->core->pd->device->provider;
	struct bv_work_info info;
	struct bv_wc *error;

	s->failed++;
	if (s->nerrors == BV_SCOPE_ERRORS)
		return;
	error = &s->errors[s->nerrors++];
	*error = *wc;
	if (!ch->core->in_reset && provider->describe(ch, wc->work, &info) == 0)
		error->op = (uint8_t)info.op;
}

/* From the first one that failed on, all have. */
static void collect_sends(struct bv_scope *s, struct bv_channel *ch)
{
	const struct bvi_channel_core *core = ch->core;
	const uint64_t first = (uint64_t)core->first_send_error.work;
	struct bv_wc wc;

	if (!core->failed_send)
		return;
	for (uint64_t n = first > s->send ? first : s->send; n < bvi_sq_done(ch); n++)
		if (bv_test(ch, (int64_t)n, &wc) == -EIO)
			add_error(s, ch, &wc);
}

/* Results are kept for the last max_recv ones, and no more can have failed. */
static void collect_recvs(struct bv_scope *s, struct bv_channel *ch)
{
	const uint64_t kept = ch->rq_done - ch->max_recv;
	struct bv_wc wc;

	if (!ch->core->failed)
		return;
	for (uint64_t n = kept > s->recv ? kept : s->recv; n < ch->rq_done; n++)
		if (bv_test(ch, (int64_t)n, &wc) == -EIO)
			add_error(s, ch, &wc);
}

static int fail_late(const struct bv_channel *ch, uint64_t sends, uint64_t recvs,
		     int64_t timeout_ns)
{
	return bvi_fail(-ETIMEDOUT,
			"scope: channel qpn 0x%x: %llu works of the send queue (the first is %llu) "
			"and %llu receives (the first is %llu) were not done after %.3f us: the "
			"channel went to ERROR to get their buffers back",
			ch->core->local.qpn, (unsigned long long)sends,
			(unsigned long long)(ch->sq_posted - sends), (unsigned long long)recvs,
			(unsigned long long)((ch->rq_posted - recvs) & ~(uint64_t)BV_WORK_RECV),
			(double)timeout_ns / 1e3);
}

/* Everything is done or dropped afterwards: 0, -ETIMEDOUT, or -ENOTRECOVERABLE. */
static int end_late(struct bv_channel *ch, int64_t timeout_ns)
{
	const uint64_t sends = bvi_sq_outstanding(ch), recvs = ch->rq_posted - ch->rq_done;

	(void)bvi_channel_flush(ch, "a scope ended at its deadline", BVI_FLUSH_NS);
	if (bvi_outstanding(ch) > 0)
		return -ENOTRECOVERABLE; /* the text is the driver's */
	return fail_late(ch, sends, recvs, timeout_ns);
}

static int fail_left(const struct bv_channel *ch, uint64_t sends, uint64_t recvs)
{
	return bvi_fail(
		-EINPROGRESS,
		"scope: channel qpn 0x%x: %llu works of the send queue and %llu receives had "
		"not been reaped at the end of a manual scope: reap them, or use an "
		"automatic one",
		ch->core->local.qpn, (unsigned long long)sends, (unsigned long long)recvs);
}

static int end(struct bv_scope *s, struct bv_channel *ch, int64_t timeout_ns)
{
	struct bvi_deadline deadline = bvi_deadline_after(timeout_ns);
	/* What stood before the scope is waited for only if the scope added to it. */
	const uint64_t send = ch->sq_posted == s->send ? 0 : ch->sq_posted;
	const uint64_t recv = ch->rq_posted == s->recv ? 0 : ch->rq_posted;
	const uint64_t sends = send > bvi_sq_done(ch) ? send - bvi_sq_done(ch) : 0;
	const uint64_t recvs = recv > ch->rq_done ? recv - ch->rq_done : 0;
	int rc;

	rc = bvi_channel_settle(ch, send, recv, &deadline);
	if (rc < 0)
		rc = end_late(ch, timeout_ns);
	if (rc == -ENOTRECOVERABLE)
		return rc;
	collect_sends(s, ch);
	collect_recvs(s, ch);
	if (s->flags & BV_MANUAL && sends + recvs > 0)
		return fail_left(ch, sends, recvs);
	if (rc < 0)
		return rc;
	return s->failed > 0 ? -EIO : 0;
}

int bv_scope_end(struct bv_scope *s, int64_t timeout_ns)
{
	struct bv_channel *ch = s->ch;

	if (!ch)
		return s->result;
	bvi_debug_scope_end(ch, s->thread);
	s->result = end(s, ch, timeout_ns);
	s->ch = NULL;
	return s->result;
}
