/* SPDX-License-Identifier: MIT */
/*
 * Diagnoses: a failed work explained.
 *
 * bv_error_text() tells it in one line and asks nobody. bv_diagnose() also asks the kernel for the
 * port's state and counters, and lists the likely causes in order, each with what to do; the result
 * is a plain value with a text form and a JSON form.
 *
 * Of a failed completion the number of the work, the status and the vendor's code are valid, no more
 * (ibv_poll_cq(3)). What the work was comes from what was posted, never from the completion.
 */
#ifndef BV_BAREVERBS_DIAGNOSIS_H
#define BV_BAREVERBS_DIAGNOSIS_H

#include <bareverbs/channel.h>
#include <bareverbs/common.h>
#include <bareverbs/device.h>
#include <bareverbs/error.h>
#include <bareverbs/work.h>

BV_BEGIN_DECLS

/* Elements of a work's list that are told one by one; the rest is only counted. */
#define BV_WORK_RANGES 4
#define BV_DIAGNOSIS_CAUSES 6
/* Enough for the forms with their terminators. */
#define BV_DIAGNOSIS_TEXT_MAX 6144
#define BV_DIAGNOSIS_JSON_MAX 8192

/**
 * struct bv_work_range - One element of a work's list
 * @addr, @length: local memory, bytes
 * @lkey: the key that it was posted with
 */
struct bv_work_range {
	uint64_t addr;
	uint32_t length;
	uint32_t lkey;
};

/**
 * struct bv_work_info - What a work was, as it was posted
 * @op: what it does; BV_OP_RECV for a receive; BV_OP_NONE: no longer known, the rest is 0
 * @has_imm: it carries the immediate @imm, host order
 * @is_inline: its payload of @bytes was copied at the post; @nranges is 0
 * @bytes: of all its elements
 * @nranges: elements of its list; empty ones may be left out
 * @nshown: how many of them are known one by one, in @range
 * @remote_addr, @rkey: of the peer's memory; both 0 if the operation has none
 */
struct bv_work_info {
	enum bv_op op;
	bool has_imm;
	bool is_inline;
	uint32_t imm;
	uint64_t bytes;
	uint32_t nranges;
	uint32_t nshown;
	struct bv_work_range range[BV_WORK_RANGES];
	uint64_t remote_addr;
	uint32_t rkey;
};

/* Counters of a port, as the kernel's files under hw_counters/ and counters/ are called. */
enum bv_counter {
	BV_COUNTER_LOCAL_ACK_TIMEOUT_ERR,
	BV_COUNTER_OUT_OF_SEQUENCE,
	BV_COUNTER_PACKET_SEQ_ERR,
	BV_COUNTER_IMPLIED_NAK_SEQ_ERR,
	BV_COUNTER_DUPLICATE_REQUEST,
	BV_COUNTER_RNR_NAK_RETRY_ERR,
	BV_COUNTER_OUT_OF_BUFFER,
	BV_COUNTER_REQ_REMOTE_ACCESS_ERRORS,
	BV_COUNTER_RESP_REMOTE_ACCESS_ERRORS,
	BV_COUNTER_REQ_REMOTE_INVALID_REQUEST,
	BV_COUNTER_RESP_LOCAL_LENGTH_ERROR,
	BV_COUNTER_ROCE_SLOW_RESTART,
	BV_COUNTER_NP_ECN_MARKED_ROCE_PACKETS,
	BV_COUNTER_RX_ICRC_ENCAPSULATED,
	BV_COUNTER_PORT_RCV_ERRORS,
	BV_COUNTER_SYMBOL_ERROR,
	BV_COUNTER_LINK_DOWNED,
	BV_COUNTERS,
};

/**
 * struct bv_counters - Counters of a port at one moment
 * @valid: bit 1 << enum bv_counter: the device has it, and it could be read
 * @value: since the driver was loaded; the whole port's, not one channel's
 */
struct bv_counters {
	uint32_t valid;
	uint64_t value[BV_COUNTERS];
};

/* One likely cause, and what to do about it. */
struct bv_diagnosis_cause {
	char cause[224];
	char remedy[224];
};

/**
 * struct bv_diagnosis - A failed work explained
 * @device, @provider, @kind, @port, @qpn: where
 * @work: its handle; BV_WORK_RECV is set for a receive
 * @status, @vendor_err: all that the completion tells
 * @vendor_seen: statuses that users saw together with @vendor_err on such devices, as bits 1 <<
 *	enum bv_status; what the code means is not published, and nothing is concluded from it
 * @what: the work
 * @connected: the peer's part is valid
 * @peer_qpn, @peer_lid, @peer_gid, @mtu: the peer; a LID of 0 where the GID counts
 * @tries, @wait_ns: how often the device sent it, and how long it waited for an answer each time,
 *	at least; 0 where the status does not speak of it
 * @budget_ns: @tries * @wait_ns; BV_FOREVER if there is no limit
 * @port_valid, @port_state: the port's state now; not valid from bv_error_text()
 * @before, @now: counters at the snapshot that the caller took (valid is 0: none), and now
 * @stopped: why the channel was ended, by this side or by an event; NULL: it was not
 * @flushed: later works that ended because of this one, as far as they were reaped
 * @ncauses, @causes: likely causes, the likeliest first
 */
struct bv_diagnosis {
	char device[64];
	const char *provider;
	enum bv_device_kind kind;
	uint8_t port;
	uint32_t qpn;
	int64_t work;
	enum bv_status status;
	uint32_t vendor_err;
	uint32_t vendor_seen;
	struct bv_work_info what;
	bool connected;
	uint32_t peer_qpn;
	uint16_t peer_lid;
	uint8_t peer_gid[16];
	uint32_t mtu;
	uint32_t tries;
	int64_t wait_ns;
	int64_t budget_ns;
	bool port_valid;
	enum bv_port_state port_state;
	struct bv_counters before;
	struct bv_counters now;
	const char *stopped;
	uint64_t flushed;
	uint32_t ncauses;
	struct bv_diagnosis_cause causes[BV_DIAGNOSIS_CAUSES];
};

/**
 * bv_counters_read - The error counters of a port, as they are now
 * @dev: an open device
 * @port: 1..ports of the device
 * @counters: receives them
 *
 * Take it before what may fail, and give it to bv_diagnose(): only what grew between the two tells
 * something.
 *
 * Return: the number of counters that could be read, 0 if the device has none; -EINVAL an argument
 *	is NULL.
 * Owner: a copy.  Threads: any.  Blocks: reads files of the kernel, which may ask the device.
 */
BV_API int bv_counters_read(const struct bv_device *dev, uint8_t port,
			    struct bv_counters *counters);

/**
 * bv_counter_name - "local_ack_timeout_err": the kernel's file of that name
 * @counter: any value
 *
 * Return: a constant string, never NULL.  Owner: the library.  Threads: any.  Blocks: never.
 */
BV_API const char *bv_counter_name(enum bv_counter counter);

/**
 * bv_diagnose - Explain the first failed work of a channel
 * @ch: in any state
 * @before: counters at an earlier moment; NULL: none were taken
 * @diagnosis: receives it
 *
 * Return: 1 and *@diagnosis is filled; 0 no work has failed; -EINVAL an argument is NULL.
 * Owner: a copy; strings are the library's.  Threads: the one that uses @ch.
 * Blocks: in the kernel, and as bv_counters_read().
 */
BV_API int bv_diagnose(const struct bv_channel *ch, const struct bv_counters *before,
		       struct bv_diagnosis *diagnosis);

/**
 * bv_diagnosis_text - The long form: some ten lines, the last without a newline
 * @diagnosis: from bv_diagnose()
 * @text, @size: the buffer, bytes; BV_DIAGNOSIS_TEXT_MAX always suffices, less cuts the text
 *
 * Return: the length of the whole text; -EINVAL an argument is NULL or @size is 0.
 * Owner: the caller's buffer.  Threads: any.  Blocks: never.
 */
BV_API int bv_diagnosis_text(const struct bv_diagnosis *diagnosis, char *text, size_t size);

/**
 * bv_diagnosis_to_json - The JSON form, on one line
 * @diagnosis: from bv_diagnose()
 * @text, @size: the buffer, bytes; BV_DIAGNOSIS_JSON_MAX always suffices
 *
 * Addresses and keys are strings of hexadecimal digits; what is not known is null or left out.
 *
 * Return: the length of the text without its terminator; -EINVAL an argument is NULL; -ENOSPC @size
 *	is too small; -ENOMEM.
 * Owner: the caller's buffer.  Threads: any.  Blocks: never.
 */
BV_API BV_MUST_CHECK int bv_diagnosis_to_json(const struct bv_diagnosis *diagnosis, char *text,
					      size_t size);

BV_END_DECLS

#endif
