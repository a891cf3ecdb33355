/* SPDX-License-Identifier: MIT */
/*
 * Completion statuses: name, class and hint. The values are those of enum ibv_wc_status.
 *
 * The conditions are those of the InfiniBand specification, volume 1, 11.6.2; the hints are what
 * users of verbs found behind them.
 */
#include <bareverbs/error.h>

#include <assert.h>

#include <infiniband/verbs.h>

static_assert((int)BV_STATUS_WORK_REQUEST_FLUSH_ERROR == (int)IBV_WC_WR_FLUSH_ERR &&
		      (int)BV_STATUS_RETRY_EXCEEDED_ERROR == (int)IBV_WC_RETRY_EXC_ERR &&
		      (int)BV_STATUS_GENERAL_ERROR == (int)IBV_WC_GENERAL_ERR &&
		      (int)BV_STATUS_TAG_MATCHING_RENDEZVOUS_INCOMPLETE ==
			      (int)IBV_WC_TM_RNDV_INCOMPLETE,
	      "enum bv_status has the values of enum ibv_wc_status");

static const char no_hint[] =
	"nothing more is known; the vendor syndrome and the kernel log may tell";

static const char *const names[] = {
	[BV_STATUS_SUCCESS] = "success",
	[BV_STATUS_LOCAL_LENGTH_ERROR] = "local length error",
	[BV_STATUS_LOCAL_QP_OPERATION_ERROR] = "local queue pair operation error",
	[BV_STATUS_LOCAL_EEC_OPERATION_ERROR] = "local EE context operation error",
	[BV_STATUS_LOCAL_PROTECTION_ERROR] = "local protection error",
	[BV_STATUS_WORK_REQUEST_FLUSH_ERROR] = "work request flush error",
	[BV_STATUS_MEMORY_WINDOW_BIND_ERROR] = "memory window bind error",
	[BV_STATUS_BAD_RESPONSE_ERROR] = "bad response error",
	[BV_STATUS_LOCAL_ACCESS_ERROR] = "local access error",
	[BV_STATUS_REMOTE_INVALID_REQUEST_ERROR] = "remote invalid request error",
	[BV_STATUS_REMOTE_ACCESS_ERROR] = "remote access error",
	[BV_STATUS_REMOTE_OPERATION_ERROR] = "remote operation error",
	[BV_STATUS_RETRY_EXCEEDED_ERROR] = "retry exceeded error",
	[BV_STATUS_RNR_RETRY_EXCEEDED_ERROR] = "receiver-not-ready retry exceeded error",
	[BV_STATUS_LOCAL_RDD_VIOLATION_ERROR] = "local RDD violation error",
	[BV_STATUS_REMOTE_INVALID_READ_REQUEST_ERROR] = "remote invalid read request error",
	[BV_STATUS_REMOTE_ABORT_ERROR] = "remote abort error",
	[BV_STATUS_INVALID_EECN_ERROR] = "invalid EE context number error",
	[BV_STATUS_INVALID_EEC_STATE_ERROR] = "invalid EE context state error",
	[BV_STATUS_FATAL_ERROR] = "fatal error",
	[BV_STATUS_RESPONSE_TIMEOUT_ERROR] = "response timeout error",
	[BV_STATUS_GENERAL_ERROR] = "general error",
	[BV_STATUS_TAG_MATCHING_ERROR] = "tag matching error",
	[BV_STATUS_TAG_MATCHING_RENDEZVOUS_INCOMPLETE] = "tag matching rendezvous incomplete",
};

static const enum bv_error_class classes[] = {
	[BV_STATUS_SUCCESS] = BV_CLASS_SUCCESS,
	[BV_STATUS_LOCAL_LENGTH_ERROR] = BV_CLASS_LOCAL_PROGRAMMING,
	[BV_STATUS_LOCAL_QP_OPERATION_ERROR] = BV_CLASS_LOCAL_PROGRAMMING,
	[BV_STATUS_LOCAL_EEC_OPERATION_ERROR] = BV_CLASS_LOCAL_PROGRAMMING,
	[BV_STATUS_LOCAL_PROTECTION_ERROR] = BV_CLASS_LOCAL_PROGRAMMING,
	[BV_STATUS_WORK_REQUEST_FLUSH_ERROR] = BV_CLASS_LOCAL_RESOURCE,
	[BV_STATUS_MEMORY_WINDOW_BIND_ERROR] = BV_CLASS_LOCAL_RESOURCE,
	[BV_STATUS_BAD_RESPONSE_ERROR] = BV_CLASS_UNKNOWN,
	[BV_STATUS_LOCAL_ACCESS_ERROR] = BV_CLASS_LOCAL_PROGRAMMING,
	[BV_STATUS_REMOTE_INVALID_REQUEST_ERROR] = BV_CLASS_REMOTE,
	[BV_STATUS_REMOTE_ACCESS_ERROR] = BV_CLASS_REMOTE,
	[BV_STATUS_REMOTE_OPERATION_ERROR] = BV_CLASS_REMOTE,
	[BV_STATUS_RETRY_EXCEEDED_ERROR] = BV_CLASS_TRANSPORT,
	[BV_STATUS_RNR_RETRY_EXCEEDED_ERROR] = BV_CLASS_TRANSPORT,
	[BV_STATUS_LOCAL_RDD_VIOLATION_ERROR] = BV_CLASS_LOCAL_PROGRAMMING,
	[BV_STATUS_REMOTE_INVALID_READ_REQUEST_ERROR] = BV_CLASS_REMOTE,
	[BV_STATUS_REMOTE_ABORT_ERROR] = BV_CLASS_REMOTE,
	[BV_STATUS_INVALID_EECN_ERROR] = BV_CLASS_LOCAL_PROGRAMMING,
	[BV_STATUS_INVALID_EEC_STATE_ERROR] = BV_CLASS_LOCAL_PROGRAMMING,
	[BV_STATUS_FATAL_ERROR] = BV_CLASS_FATAL,
	[BV_STATUS_RESPONSE_TIMEOUT_ERROR] = BV_CLASS_TIMEOUT,
	[BV_STATUS_GENERAL_ERROR] = BV_CLASS_UNKNOWN,
	[BV_STATUS_TAG_MATCHING_ERROR] = BV_CLASS_UNKNOWN,
	[BV_STATUS_TAG_MATCHING_RENDEZVOUS_INCOMPLETE] = BV_CLASS_UNKNOWN,
};

/* Those left out have nothing to tell. */
static const char *const hints[] = {
	[BV_STATUS_SUCCESS] = "the work is done",
	[BV_STATUS_LOCAL_LENGTH_ERROR] =
		"the message does not fit: post a larger receive, or send less; a work is at "
		"most max_msg bytes",
	[BV_STATUS_LOCAL_QP_OPERATION_ERROR] =
		"the device refused the work request itself: a malformed request, or one that "
		"this queue pair may not execute",
	[BV_STATUS_LOCAL_EEC_OPERATION_ERROR] =
		"an end-to-end context refused the work; only reliable datagrams have one",
	[BV_STATUS_LOCAL_PROTECTION_ERROR] =
		"an element does not lie in its region, or the lkey is of another pd or was "
		"deregistered; a receive or read also needs local write access",
	[BV_STATUS_WORK_REQUEST_FLUSH_ERROR] =
		"the queue pair went into the error state first: look for the earlier failure, "
		"on the other queue too; if there is none, the peer closed or the device was "
		"reset",
	[BV_STATUS_MEMORY_WINDOW_BIND_ERROR] =
		"the window could not be bound: the region lacks bind access, or is too small",
	[BV_STATUS_BAD_RESPONSE_ERROR] =
		"the peer answered with an opcode that was not expected: do both sides have "
		"each other's packet sequence number, and does no third one share the queue "
		"pair number?",
	[BV_STATUS_LOCAL_ACCESS_ERROR] =
		"arriving data hit a region without local write access, or past its end",
	[BV_STATUS_REMOTE_INVALID_REQUEST_ERROR] =
		"the peer cannot take this request: its receive is smaller than the message, or "
		"its channel does not allow the operation (access, rd_atomic)",
	[BV_STATUS_REMOTE_ACCESS_ERROR] =
		"the peer refused the address, the range or the rkey: is its region still "
		"registered, large enough, in the channel's pd, and shared with this access?",
	[BV_STATUS_REMOTE_OPERATION_ERROR] =
		"the peer's own side failed while it served the request: its channel has the "
		"cause",
	[BV_STATUS_RETRY_EXCEEDED_ERROR] =
		"the peer did not answer: is it alive and connected (its own channel's error?), "
		"the GID and the path right, the link up; does the network carry frames of this "
		"MTU and UDP port 4791 both ways; if it loses packets, raise retry or "
		"ack_timeout",
	[BV_STATUS_RNR_RETRY_EXCEEDED_ERROR] =
		"the peer had no receive posted in time: post receives before the sends come, "
		"or raise rnr_retry or the peer's min_rnr_timer",
	[BV_STATUS_LOCAL_RDD_VIOLATION_ERROR] =
		"the reliable datagram domains differ; only reliable datagrams have them",
	[BV_STATUS_REMOTE_INVALID_READ_REQUEST_ERROR] =
		"the peer cannot serve the read: more reads in flight than its rd_atomic, or a "
		"malformed request",
	[BV_STATUS_REMOTE_ABORT_ERROR] =
		"the peer aborted the operation: its channel has the cause",
	[BV_STATUS_FATAL_ERROR] =
		"the device failed: close it and open it again; the kernel log has the reason",
	[BV_STATUS_RESPONSE_TIMEOUT_ERROR] =
		"the response did not come in time: is the peer alive, or overloaded?",
};

/* Any value is safe: the status of a completion is whatever the device wrote. */
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

const char *bv_status_name(enum bv_status status)
{
	const unsigned int i = (unsigned int)status;

	return i < COUNT(names) ? names[i] : "unknown error";
}

enum bv_error_class bv_status_class(enum bv_status status)
{
	const unsigned int i = (unsigned int)status;

	return i < COUNT(classes) ? classes[i] : BV_CLASS_UNKNOWN;
}

const char *bv_status_hint(enum bv_status status)
{
	const unsigned int i = (unsigned int)status;

	return i < COUNT(hints) && hints[i] ? hints[i] : no_hint;
}

const char *bv_error_class_name(enum bv_error_class cls)
{
	static const char *const class_names[] = {
		[BV_CLASS_SUCCESS] = "success",
		[BV_CLASS_LOCAL_PROGRAMMING] = "local programming",
		[BV_CLASS_LOCAL_RESOURCE] = "local resource",
		[BV_CLASS_REMOTE] = "remote",
		[BV_CLASS_TRANSPORT] = "transport",
		[BV_CLASS_TIMEOUT] = "timeout",
		[BV_CLASS_FATAL] = "fatal",
		[BV_CLASS_UNKNOWN] = "unknown",
	};
	const unsigned int i = (unsigned int)cls;

	return i < COUNT(class_names) ? class_names[i] : "unknown";
}
