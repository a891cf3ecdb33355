/* SPDX-License-Identifier: MIT */
/*
 * The text forms of a diagnosis: one line for logs, some ten for people.
 */
#include <inttypes.h>
#include <stdio.h>

#include "diagnosis.h"
#include "error.h"

const char *bvi_work_name(const struct bv_diagnosis *d)
{
	const bool imm = d->what.has_imm;

	switch (d->what.op) {
	case BV_OP_SEND:
		return imm ? "SEND with immediate" : "SEND";
	case BV_OP_WRITE:
		return imm ? "RDMA WRITE with immediate" : "RDMA WRITE";
	case BV_OP_READ:
		return "RDMA READ";
	case BV_OP_FETCH_ADD:
		return "FETCH AND ADD";
	case BV_OP_COMPARE_SWAP:
		return "COMPARE AND SWAP";
	default:
		return d->work & BV_WORK_RECV ? "receive" : "send-queue work";
	}
}

/* "0x7f..0000 lkey 0x1200", of the first element. */
static void add_local(const struct bv_work_info *what, struct bvi_text *out)
{
	if (what->is_inline)
		bvi_text_add(out, " inline");
	if (what->nshown == 0)
		return;
	bvi_text_add(out, " at 0x%" PRIx64 " lkey 0x%x", what->range[0].addr, what->range[0].lkey);
	if (what->nranges > 1)
		bvi_text_add(out, " and %u more", what->nranges - 1);
}

/* " (4096 B at 0x… lkey 0x… -> 0x… rkey 0x…)" */
static void add_work(const struct bv_work_info *what, struct bvi_text *out)
{
	if (what->op == BV_OP_NONE)
		return;
	bvi_text_add(out, " (%" PRIu64 " B", what->bytes);
	add_local(what, out);
	if (what->op == BV_OP_WRITE || bvi_op_fetches(what->op))
		bvi_text_add(out, " %s 0x%" PRIx64 " rkey 0x%x",
			     what->op == BV_OP_WRITE ? "->" : "<-", what->remote_addr, what->rkey);
	if (what->has_imm)
		bvi_text_add(out, ", imm 0x%x", what->imm);
	bvi_text_add(out, ")");
}

static void add_head(const struct bv_diagnosis *d, struct bvi_text *out)
{
	bvi_text_add(out, "%s:%u channel qpn 0x%x (%s): %s #%" PRId64, d->device, d->port, d->qpn,
		     d->provider, bvi_work_name(d), d->work & ~BV_WORK_RECV);
	add_work(&d->what, out);
	bvi_text_add(out, " failed: %s [%s]", bv_status_name(d->status),
		     bv_error_class_name(bv_status_class(d->status)));
}

static void add_peer(const struct bv_diagnosis *d, struct bvi_text *out)
{
	char gid[BV_GID_TEXT_MAX];

	if (!d->connected) {
		bvi_text_add(out, "not connected");
		return;
	}
	bvi_text_add(out, "peer qpn 0x%x, ", d->peer_qpn);
	if (d->peer_lid)
		bvi_text_add(out, "lid %u", d->peer_lid);
	else
		bvi_text_add(out, "gid %s", bv_gid_format(d->peer_gid, gid));
	bvi_text_add(out, ", mtu %u", d->mtu);
}

static void add_budget(const struct bv_diagnosis *d, struct bvi_text *out)
{
	const double ms = 1e6;

	if (d->tries == 0 || d->budget_ns == BV_FOREVER)
		return;
	if (d->status == BV_STATUS_RNR_RETRY_EXCEEDED_ERROR)
		bvi_text_add(
			out,
			"; retried %u times, each time waiting as long as both sides agreed on "
			"(min_rnr_timer, %.3f ms: %.3f ms in all)",
			d->tries - 1, (double)d->wait_ns / ms, (double)d->budget_ns / ms);
	else
		bvi_text_add(out, "; tried %u times, waiting %.3f ms each, %.3f ms in all",
			     d->tries, (double)d->wait_ns / ms, (double)d->budget_ns / ms);
}

static void add_flushed(const struct bv_diagnosis *d, struct bvi_text *out)
{
	bvi_text_add(out, "%" PRIu64 " other work%s flushed because of this one", d->flushed,
		     d->flushed == 1 ? " was" : "s were");
}

void bvi_diagnosis_line(const struct bv_diagnosis *d, struct bvi_text *out)
{
	add_head(d, out);
	if (d->vendor_err)
		bvi_text_add(out, ", vendor syndrome 0x%x", d->vendor_err);
	bvi_text_add(out, "; ");
	add_peer(d, out);
	add_budget(d, out);
	if (d->flushed) {
		bvi_text_add(out, "; ");
		add_flushed(d, out);
	}
	bvi_text_add(out, "; %s", bv_status_hint(d->status));
}

static void add_vendor(const struct bv_diagnosis *d, struct bvi_text *out)
{
	const char *sep = " (not documented; users saw it together with ";

	if (!d->vendor_err)
		return;
	bvi_text_add(out, "\n  vendor syndrome 0x%x", d->vendor_err);
	for (unsigned status = 0; status < 32; status++) {
		if (!(d->vendor_seen & 1u << status))
			continue;
		bvi_text_add(out, "%s\"%s\"", sep, bv_status_name((enum bv_status)status));
		sep = ", ";
	}
	bvi_text_add(out, d->vendor_seen ? ")" : " (not documented)");
}

/* Elements of a list beyond the first, which the head line has. */
static void add_ranges(const struct bv_work_info *what, struct bvi_text *out)
{
	if (what->nranges <= 1)
		return;
	bvi_text_add(out, "\n  its list:");
	for (uint32_t i = 0; i < what->nshown; i++)
		bvi_text_add(out, "%s %u B at 0x%" PRIx64 " lkey 0x%x", i ? "," : "",
			     what->range[i].length, what->range[i].addr, what->range[i].lkey);
	if (what->nranges > what->nshown)
		bvi_text_add(out, ", %u more", what->nranges - what->nshown);
}

static void add_port(const struct bv_diagnosis *d, struct bvi_text *out)
{
	static const char *const states[] = { "NOP",   "DOWN",   "INIT",
					      "ARMED", "ACTIVE", "ACTIVE_DEFER" };
	const unsigned state = (unsigned)d->port_state;

	bvi_text_add(out, "\n  port %u: %s", d->port,
		     !d->port_valid                             ? "its state cannot be read" :
		     state < sizeof(states) / sizeof(states[0]) ? states[state] :
								  "unknown");
}

/* With a snapshot what grew; without one what is not zero, of which some may be old. */
static void add_counters(const struct bv_diagnosis *d, struct bvi_text *out)
{
	const uint32_t both = d->now.valid & d->before.valid;
	const uint32_t valid = d->before.valid ? both : d->now.valid;
	const char *sep = d->before.valid ? "; counters since the snapshot: " :
					    "; counters since the driver was loaded: ";

	for (unsigned i = 0; i < BV_COUNTERS; i++) {
		const uint64_t before = both & 1u << i ? d->before.value[i] : 0;

		if (!(valid & 1u << i) || d->now.value[i] == before)
			continue;
		bvi_text_add(out, "%s%s %s%" PRIu64, sep, bv_counter_name((enum bv_counter)i),
			     d->before.valid ? "+" : "", d->now.value[i] - before);
		sep = ", ";
	}
	if (sep[0] == ';')
		bvi_text_add(out, d->now.valid ? "; no error counter grew" :
						 "; the device has no error counters");
}

int bv_diagnosis_text(const struct bv_diagnosis *d, char *text, size_t size)
{
	struct bvi_text out = { text, size, 0 };

	if (!d || !text || size == 0)
		return bvi_fail(-EINVAL, "bv_diagnosis_text: an argument is NULL, or size is 0");
	add_head(d, &out);
	add_vendor(d, &out);
	add_ranges(&d->what, &out);
	bvi_text_add(&out, "\n  ");
	add_peer(d, &out);
	add_budget(d, &out);
	add_port(d, &out);
	add_counters(d, &out);
	for (uint32_t i = 0; i < d->ncauses && i < BV_DIAGNOSIS_CAUSES; i++)
		bvi_text_add(&out, "\n  %s(%u) %s\n              %s",
			     i == 0 ? "likely: " : "        ", i + 1, d->causes[i].cause,
			     d->causes[i].remedy);
	if (d->flushed) {
		bvi_text_add(&out, "\n  ");
		add_flushed(d, &out);
	}
	return (int)out.used;
}
