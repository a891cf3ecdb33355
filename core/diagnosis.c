/* SPDX-License-Identifier: MIT */
/*
 * Gathering what is known of a failed work: from the channel, from the provider, and, on request,
 * from the kernel. Nothing is taken from the completion but its number, status and vendor's code.
 */
#include <string.h>

#include "device.h"
#include "diagnosis.h"
#include "error.h"
#include "pd.h"
#include "provider.h"

#define VENDOR_MELLANOX 0x02c9u

/*
 * Vendor syndromes of mlx5 devices, as they turn up in users' logs beside the status. They are not
 * documented: seen together is all that is said.
 */
static uint32_t seen_with(uint32_t vendor_err)
{
	static const struct {
		uint8_t vendor_err;
		uint8_t status;
	} pairs[] = {
		{ 0x51, BV_STATUS_LOCAL_PROTECTION_ERROR },
		{ 0x52, BV_STATUS_LOCAL_PROTECTION_ERROR },
		{ 0x81, BV_STATUS_RETRY_EXCEEDED_ERROR },
		{ 0x88, BV_STATUS_REMOTE_ACCESS_ERROR },
		{ 0x89, BV_STATUS_REMOTE_OPERATION_ERROR },
		{ 0x8a, BV_STATUS_REMOTE_INVALID_REQUEST_ERROR },
		{ 0xf9, BV_STATUS_WORK_REQUEST_FLUSH_ERROR },
	};
	uint32_t seen = 0;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i].vendor_err == vendor_err)
			seen |= 1u << pairs[i].status;
	return seen;
}

/*
 * IBTA volume 1, 9.7.6.1.3: the time-out counts from the last packet that was sent, and a device may
 * take up to four times as long. Without an answer it sends as often again as it was told.
 */
static void add_budget(const struct bvi_channel_core *core, struct bv_diagnosis *d)
{
	switch (d->status) {
	case BV_STATUS_RETRY_EXCEEDED_ERROR:
		d->tries = core->attr.retry + 1u;
		d->wait_ns = bv_ack_timeout_ns(core->ack_timeout);
		d->budget_ns = d->wait_ns == BV_FOREVER ? BV_FOREVER : d->tries * d->wait_ns;
		break;
	case BV_STATUS_RNR_RETRY_EXCEEDED_ERROR:
		/* The peer said how long each wait was: its timer is what both agreed on. */
		d->tries = core->attr.rnr_retry + 1u;
		d->wait_ns = bv_rnr_timer_ns(core->min_rnr_timer);
		d->budget_ns = core->attr.rnr_retry * d->wait_ns;
		break;
	default:
		break;
	}
}

static void add_peer(const struct bvi_channel_core *core, struct bv_diagnosis *d)
{
	if (core->peer.qpn == 0)
		return;
	d->connected = true;
	d->peer_qpn = core->peer.qpn;
	d->peer_lid = core->peer.lid;
	memcpy(d->peer_gid, core->peer.gid, sizeof(d->peer_gid));
	d->mtu = core->mtu;
}

bool bvi_diagnosis_facts(const struct bv_channel *ch, struct bv_diagnosis *d)
{
	const struct bvi_channel_core *core = ch->core;
	const struct bv_device *dev = core->pd->device;
	struct bv_work_info what;

	if (!core->failed)
		return false;
	*d = (struct bv_diagnosis){
		.provider = dev->provider->name,
		.kind = dev->kind,
		.port = core->attr.port,
		.qpn = core->local.qpn,
		.work = core->first_error.work,
		.status = (enum bv_status)core->first_error.status,
		.vendor_err = core->first_error.vendor_err,
		.stopped = core->stopped,
		.flushed = core->flushed,
	};
	memcpy(d->device, dev->name, sizeof(d->device));
	if (dev->limits.vendor_id == VENDOR_MELLANOX)
		d->vendor_seen = seen_with(d->vendor_err);
	if (dev->provider->describe(ch, d->work, &what) == 0)
		d->what = what;
	add_peer(core, d);
	add_budget(core, d);
	return true;
}

int bv_diagnose(const struct bv_channel *ch, const struct bv_counters *before,
		struct bv_diagnosis *diagnosis)
{
	struct ibv_port_attr port = { .state = IBV_PORT_NOP };
	const struct bv_device *dev;

	if (!ch || !diagnosis)
		return bvi_fail(-EINVAL, "bv_diagnose: an argument is NULL");
	if (!bvi_diagnosis_facts(ch, diagnosis))
		return 0;
	dev = ch->core->pd->device;
	if (bv_rc(ibv_query_port(dev->context, diagnosis->port, &port)) == 0) {
		diagnosis->port_valid = true;
		diagnosis->port_state = (enum bv_port_state)port.state;
	}
	bv_counters_read(dev, diagnosis->port, &diagnosis->now);
	if (before)
		diagnosis->before = *before;
	bvi_diagnosis_causes(diagnosis);
	return 1;
}
