/* SPDX-License-Identifier: MIT */
/*
 * One text for whatever went wrong on a channel: what failed, with whom, why, what to look at, and
 * what followed from it. Only what a failed completion really tells is in it.
 */
#include <stdarg.h>
#include <stdio.h>

#include "error.h"
#include "pd.h"
#include "provider.h"

static _Thread_local char buffer[BV_ERRINFO_TEXT_MAX];

static __attribute__((format(printf, 2, 3))) size_t add(size_t used, const char *format, ...)
{
	va_list args;
	int n;

	if (used >= sizeof(buffer))
		return used;
	va_start(args, format);
	n = vsnprintf(buffer + used, sizeof(buffer) - used, format, args);
	va_end(args);
	return used + (n > 0 ? (size_t)n : 0);
}

static size_t add_failure(size_t used, const struct bvi_channel_core *core)
{
	const struct bv_wc *wc = &core->first_error;
	const struct bv_device *dev = core->pd->device;

	used = add(used, "%s:%u channel qpn 0x%x (%s): %s work %lld failed: %s [%s]", dev->name,
		   core->attr.port, core->local.qpn, dev->provider->name,
		   core->failed_recv ? "receive" : "send-queue",
		   (long long)(wc->work & ~BV_WORK_RECV), bv_status_name(wc->status),
		   bv_error_class_name(bv_status_class(wc->status)));
	if (wc->vendor_err)
		used = add(used, ", vendor syndrome 0x%x", wc->vendor_err);
	return used;
}

static size_t add_peer(size_t used, const struct bvi_channel_core *core)
{
	char gid[BV_GID_TEXT_MAX];

	if (core->peer.qpn == 0)
		return add(used, "\n  not connected");
	used = add(used, "\n  peer qpn 0x%x", core->peer.qpn);
	if (core->peer.lid)
		used = add(used, ", lid %u", core->peer.lid);
	else
		used = add(used, ", gid %s", bv_gid_format(core->peer.gid, gid));
	return add(used, ", mtu %u", core->mtu);
}

/* Nominal: a device may wait up to four times as long (IBTA volume 1, 9.7.6.1.3). */
static size_t add_budget(size_t used, const struct bvi_channel_core *core)
{
	const struct bv_channel_attr *attr = &core->attr;
	const double unit = 1e6;

	switch (core->first_error.status) {
	case BV_STATUS_RETRY_EXCEEDED_ERROR:
		if (attr->ack_timeout == 0)
			return used;
		return add(used, "; tried %u times, waiting %.3f ms each", attr->retry + 1u,
			   (double)bv_ack_timeout_ns(attr->ack_timeout) / unit);
	case BV_STATUS_RNR_RETRY_EXCEEDED_ERROR:
		return add(used, "; retried %u times, waiting as long as the peer asked for",
			   attr->rnr_retry);
	default:
		return used;
	}
}

const char *bv_error_text(const struct bv_channel *ch)
{
	const struct bvi_channel_core *core = ch ? ch->core : NULL;
	size_t used;

	if (!core || !core->failed)
		return bv_last_error()->text;
	used = add_failure(0, core);
	used = add_peer(used, core);
	used = add_budget(used, core);
	used = add(used, "\n  %s", bv_status_hint(core->first_error.status));
	if (core->flushed)
		add(used, "\n  %llu other work%s flushed because of this one",
		    (unsigned long long)core->flushed, core->flushed == 1 ? " was" : "s were");
	return buffer;
}
