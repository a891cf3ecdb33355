/* SPDX-License-Identifier: MIT */
/*
 * Likely causes of each status, and what to do. What evidence speaks for (the port's state, counters
 * that grew, the operation) comes first; then what users of verbs most often found.
 *
 * The conditions behind the statuses are those of the InfiniBand specification, volume 1, 11.6.2 and
 * 9.9; each pair is one sentence of cause and one of remedy.
 */
#include <stdarg.h>
#include <stdio.h>

#include "diagnosis.h"

/* cause(d, "what", "what to do, %s", …): the arguments are those of the remedy. */
static __attribute__((format(printf, 3, 4))) void cause(struct bv_diagnosis *d, const char *what,
							const char *remedy, ...)
{
	struct bv_diagnosis_cause *c = &d->causes[d->ncauses];
	va_list args;

	if (d->ncauses == BV_DIAGNOSIS_CAUSES)
		return;
	snprintf(c->cause, sizeof(c->cause), "%s", what);
	va_start(args, remedy);
	vsnprintf(c->remedy, sizeof(c->remedy), remedy, args);
	va_end(args);
	d->ncauses++;
}

/* By how much a counter grew since the caller's snapshot. */
static uint64_t grown(const struct bv_diagnosis *d, enum bv_counter i)
{
	const bool both = d->before.valid & d->now.valid & 1u << i;

	return both && d->now.value[i] > d->before.value[i] ? d->now.value[i] - d->before.value[i] :
							      0;
}

static bool port_down(const struct bv_diagnosis *d)
{
	return d->port_valid && d->port_state != BV_PORT_ACTIVE;
}

static bool is_recv(const struct bv_diagnosis *d)
{
	return d->work & BV_WORK_RECV;
}

/* The device writes into its list, so that the region needs local write. */
static bool fills_memory(const struct bv_diagnosis *d)
{
	return is_recv(d) || bvi_op_fetches(d->what.op);
}

/* What the peer must allow. */
static const char *access_of(enum bv_op op)
{
	if (op == BV_OP_READ)
		return "BV_ACCESS_REMOTE_READ";
	return bvi_op_fetches(op) ? "BV_ACCESS_REMOTE_ATOMIC" : "BV_ACCESS_REMOTE_WRITE";
}

static void length_causes(struct bv_diagnosis *d)
{
	if (is_recv(d)) {
		cause(d, "a message came that is longer than the receive",
		      "post receives that hold the longest message; this one held %llu bytes",
		      (unsigned long long)d->what.bytes);
		return;
	}
	cause(d, "the work holds more bytes than the port's longest message, or than the answer",
	      "keep it within max_msg (bv_channel_query)");
}

static void qp_operation_causes(struct bv_diagnosis *d)
{
	if (bvi_op_fetches(d->what.op))
		cause(d,
		      "reads and atomics are not possible on this connection: one side allows none in flight",
		      "set rd_atomic above 0 on both sides");
	cause(d, "the device cannot execute the request on this queue pair",
	      "compare the work above with the attributes of bv_channel_create()");
	cause(d, "the request was malformed",
	      "try provider verbs: if the same work passes there, report this text as a bug of "
	      "bareverbs");
}

static void protection_causes(struct bv_diagnosis *d)
{
	if (fills_memory(d))
		cause(d, "the region does not allow the device to write to it",
		      "register it with BV_ACCESS_LOCAL_WRITE");
	cause(d, "the region was deregistered before the work completed",
	      "keep regions until the completion of every work that names them");
	cause(d, "an element does not lie in its region",
	      "hold the ranges above against bv_mr_addr() and bv_mr_length(); bv_gather_checked() "
	      "and bv_scatter_checked() would have refused them");
	cause(d, "the lkey is of a region of another protection domain",
	      "register the memory with the pd of the channel");
}

static void flush_causes(struct bv_diagnosis *d)
{
	if (d->stopped) {
		cause(d, "the channel was ended, by this side or by an event of the device",
		      "the reason: %s; bv_channel_reset() it and connect again", d->stopped);
		return;
	}
	if (port_down(d))
		cause(d, "the device or its port went away",
		      "see dmesg; reset the channel when it is back");
	cause(d, "another work failed first, and its completion was not reaped yet",
	      "poll the other queue too: %s", is_recv(d) ? "bv_poll_send()" : "bv_poll_recv()");
	cause(d, "the peer ended the connection, or the device was reset",
	      "see the peer's log, and dmesg");
}

static void bad_response_causes(struct bv_diagnosis *d)
{
	cause(d,
	      "answers of another connection arrive: the peer's channel was made anew, or two share "
	      "a queue pair number",
	      "exchange fresh endpoints: each belongs to one connection");
}

static void local_access_causes(struct bv_diagnosis *d)
{
	cause(d, "arriving data met memory that is not registered for local write, or its end",
	      "register the memory with BV_ACCESS_LOCAL_WRITE, and as long as it is used");
}

static void invalid_request_causes(struct bv_diagnosis *d)
{
	const unsigned long long bytes = d->what.bytes;

	if (d->what.op == BV_OP_SEND || (d->what.op == BV_OP_WRITE && d->what.has_imm) ||
	    d->what.op == BV_OP_NONE)
		cause(d, "the peer's receive is shorter than the message",
		      "see the peer's channel for a local length error; it needs receives of %llu "
		      "bytes",
		      bytes);
	if (d->what.op != BV_OP_SEND)
		cause(d, "the peer's channel does not allow this operation",
		      "add %s to the access of its bv_channel_create()", access_of(d->what.op));
	if (bvi_op_fetches(d->what.op))
		cause(d, "more reads and atomics are in flight than the peer serves",
		      "set rd_atomic alike on both sides");
}

static void remote_access_causes(struct bv_diagnosis *d)
{
	cause(d, "the rkey is not, or no longer, that of a registered region",
	      "the peer must keep the region registered, and send a new bv_remote each time it "
	      "registers");
	cause(d, "the range is not within the peer's region",
	      "hold the remote range above against the peer's bv_mr_remote(); bv_remote_slice() "
	      "refuses what lies outside");
	cause(d, "the peer's region does not grant this access", "register it with %s%s",
	      access_of(d->what.op), d->what.op == BV_OP_READ ? "" : " and BV_ACCESS_LOCAL_WRITE");
	cause(d, "the peer's region is of another protection domain than its channel",
	      "make both from one bv_pd");
}

static void remote_operation_causes(struct bv_diagnosis *d)
{
	cause(d,
	      "the peer failed while it served the request: most often its receive names memory "
	      "that it must not, or cannot, write",
	      "see the error of the peer's channel: it has the cause");
}

/* An IPv4-mapped GID as the address to ping; else the GID is the IPv6 address. */
static void ping_target(const struct bv_diagnosis *d, char text[BV_GID_TEXT_MAX])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *gid = d->peer_gid;
	bool ipv4 = true;

	for (size_t i = 0; i < sizeof(mapped); i++)
		ipv4 = ipv4 && gid[i] == mapped[i];
	if (ipv4)
		snprintf(text, BV_GID_TEXT_MAX, "%u.%u.%u.%u", gid[12], gid[13], gid[14], gid[15]);
	else
		bv_gid_format(gid, text);
}

/* Bytes beside the payload: BTH, RETH, ICRC and UDP; `ping -s` counts none of IP and ICMP. */
#define PACKET_OVERHEAD 40u

static void retry_causes(struct bv_diagnosis *d)
{
	const bool lossy = grown(d, BV_COUNTER_OUT_OF_SEQUENCE) ||
			   grown(d, BV_COUNTER_PACKET_SEQ_ERR) ||
			   grown(d, BV_COUNTER_IMPLIED_NAK_SEQ_ERR);
	char peer[BV_GID_TEXT_MAX];

	ping_target(d, peer);
	if (port_down(d))
		cause(d, "this port is down", "check cable, switch port and `ip link`");
	if (lossy)
		cause(d, "the network loses or reorders packets: the sequence counters above grew",
		      "check PFC and ECN of the switches; raise retry or ack_timeout");
	cause(d, "the peer's process ended, or its channel is in error or not connected yet",
	      "see the peer's log; connect both sides before the first post");
	if (d->peer_lid) {
		cause(d, "the path is broken: a switch port, the subnet manager",
		      "`ibtracert` to LID %u", d->peer_lid);
	} else {
		cause(d, "the path does not carry packets of this MTU",
		      "`ping -M do -s %u %s`; if it fails, raise the MTU of interfaces and "
		      "switches, or lower mtu",
		      d->mtu + PACKET_OVERHEAD, peer);
		cause(d,
		      "UDP port 4791 is blocked in one direction, or the GID is not on the peer's "
		      "network",
		      "look at firewalls and ACLs; `ip route get %s` must name the interface of "
		      "our GID (`bv info`)",
		      peer);
	}
	if (d->budget_ns < BV_SEC / 10)
		cause(d, "the time allowed is short: a busy peer or switch may answer later",
		      "raise ack_timeout (bv_ack_timeout_code) and retry");
}

static void rnr_causes(struct bv_diagnosis *d)
{
	cause(d, "the peer had no receive posted when this message came",
	      "post receives before the sends come, and as many as can be in flight");
	cause(d, "the peer is slow to post receives again",
	      "raise rnr_retry here (7 is for ever), or min_rnr_timer at the peer");
}

static void read_request_causes(struct bv_diagnosis *d)
{
	cause(d, "more reads and atomics are in flight than the peer serves",
	      "set rd_atomic alike on both sides");
}

static void abort_causes(struct bv_diagnosis *d)
{
	cause(d, "the peer aborted the operation", "see the error of the peer's channel");
}

static void fatal_causes(struct bv_diagnosis *d)
{
	cause(d, "the device failed",
	      "see dmesg; close the device and open it again when it is back");
}

static void timeout_causes(struct bv_diagnosis *d)
{
	cause(d, "the answer did not come in time",
	      "is the peer alive, or overloaded? raise ack_timeout");
}

static void bind_causes(struct bv_diagnosis *d)
{
	cause(d, "the memory window could not be bound to its region",
	      "the region needs bind access, and must hold the window");
}

static void unknown_causes(struct bv_diagnosis *d)
{
	if (port_down(d))
		cause(d, "this port is down", "check cable, switch port and `ip link`");
	cause(d, "the status does not tell",
	      "see dmesg for the device's own report, and the peer's channel for its error");
}

void bvi_diagnosis_causes(struct bv_diagnosis *d)
{
	static void (*const tables[])(struct bv_diagnosis * d) = {
		[BV_STATUS_LOCAL_LENGTH_ERROR] = length_causes,
		[BV_STATUS_LOCAL_QP_OPERATION_ERROR] = qp_operation_causes,
		[BV_STATUS_LOCAL_PROTECTION_ERROR] = protection_causes,
		[BV_STATUS_WORK_REQUEST_FLUSH_ERROR] = flush_causes,
		[BV_STATUS_MEMORY_WINDOW_BIND_ERROR] = bind_causes,
		[BV_STATUS_BAD_RESPONSE_ERROR] = bad_response_causes,
		[BV_STATUS_LOCAL_ACCESS_ERROR] = local_access_causes,
		[BV_STATUS_REMOTE_INVALID_REQUEST_ERROR] = invalid_request_causes,
		[BV_STATUS_REMOTE_ACCESS_ERROR] = remote_access_causes,
		[BV_STATUS_REMOTE_OPERATION_ERROR] = remote_operation_causes,
		[BV_STATUS_RETRY_EXCEEDED_ERROR] = retry_causes,
		[BV_STATUS_RNR_RETRY_EXCEEDED_ERROR] = rnr_causes,
		[BV_STATUS_REMOTE_INVALID_READ_REQUEST_ERROR] = read_request_causes,
		[BV_STATUS_REMOTE_ABORT_ERROR] = abort_causes,
		[BV_STATUS_FATAL_ERROR] = fatal_causes,
		[BV_STATUS_RESPONSE_TIMEOUT_ERROR] = timeout_causes,
	};
	const unsigned i = (unsigned)d->status;

	d->ncauses = 0;
	if (i < sizeof(tables) / sizeof(tables[0]) && tables[i])
		tables[i](d);
	else
		unknown_causes(d);
}
