/* SPDX-License-Identifier: MIT */
/*
 * Errors come in two kinds, and each has one place.
 *
 *  - A call that fails returns -errno, and did nothing. The thread's bv_last_error() tells what
 *    failed, why, and what to do. -EAGAIN from a post and -ETIMEDOUT from a wait are ordinary, and
 *    leave bv_last_error() alone.
 *  - A work that fails is reported by its completion: struct bv_wc (work.h) carries a bv_status and
 *    the vendor's code. The first one is *the* error of its channel (bv_channel_error, channel.h);
 *    the flushes that follow are counted.
 */
#ifndef BV_BAREVERBS_ERROR_H
#define BV_BAREVERBS_ERROR_H

#include <bareverbs/common.h>

BV_BEGIN_DECLS

struct bv_channel;

/**
 * enum bv_status - How a work ended
 *
 * The values equal enum ibv_wc_status (infiniband/verbs.h); the conditions are those of the
 * InfiniBand specification, volume 1, section 11.6.2.
 */
enum bv_status {
	BV_STATUS_SUCCESS = 0,
	BV_STATUS_LOCAL_LENGTH_ERROR = 1,
	BV_STATUS_LOCAL_QP_OPERATION_ERROR = 2,
	BV_STATUS_LOCAL_EEC_OPERATION_ERROR = 3,
	BV_STATUS_LOCAL_PROTECTION_ERROR = 4,
	BV_STATUS_WORK_REQUEST_FLUSH_ERROR = 5,
	BV_STATUS_MEMORY_WINDOW_BIND_ERROR = 6,
	BV_STATUS_BAD_RESPONSE_ERROR = 7,
	BV_STATUS_LOCAL_ACCESS_ERROR = 8,
	BV_STATUS_REMOTE_INVALID_REQUEST_ERROR = 9,
	BV_STATUS_REMOTE_ACCESS_ERROR = 10,
	BV_STATUS_REMOTE_OPERATION_ERROR = 11,
	BV_STATUS_RETRY_EXCEEDED_ERROR = 12,
	BV_STATUS_RNR_RETRY_EXCEEDED_ERROR = 13,
	BV_STATUS_LOCAL_RDD_VIOLATION_ERROR = 14,
	BV_STATUS_REMOTE_INVALID_READ_REQUEST_ERROR = 15,
	BV_STATUS_REMOTE_ABORT_ERROR = 16,
	BV_STATUS_INVALID_EECN_ERROR = 17,
	BV_STATUS_INVALID_EEC_STATE_ERROR = 18,
	BV_STATUS_FATAL_ERROR = 19,
	BV_STATUS_RESPONSE_TIMEOUT_ERROR = 20,
	BV_STATUS_GENERAL_ERROR = 21,
	BV_STATUS_TAG_MATCHING_ERROR = 22,
	BV_STATUS_TAG_MATCHING_RENDEZVOUS_INCOMPLETE = 23,
};

/**
 * enum bv_error_class - Whose fault a failed work most likely is
 * @BV_CLASS_SUCCESS: none: it did not fail
 * @BV_CLASS_LOCAL_PROGRAMMING: this program broke a rule: bad lkey, length, queue state
 * @BV_CLASS_LOCAL_RESOURCE: the queue went away under the work, or a window could not be bound
 * @BV_CLASS_REMOTE: the peer refused: key, range, access right, its own failure
 * @BV_CLASS_TRANSPORT: no answer in the retry budget: peer gone, path broken, no receive posted
 * @BV_CLASS_TIMEOUT: the response did not come
 * @BV_CLASS_FATAL: the device gave up
 * @BV_CLASS_UNKNOWN: the status does not tell
 */
enum bv_error_class {
	BV_CLASS_SUCCESS,
	BV_CLASS_LOCAL_PROGRAMMING,
	BV_CLASS_LOCAL_RESOURCE,
	BV_CLASS_REMOTE,
	BV_CLASS_TRANSPORT,
	BV_CLASS_TIMEOUT,
	BV_CLASS_FATAL,
	BV_CLASS_UNKNOWN,
};

/**
 * enum bv_error_kind - What kind of failure a call's -errno is
 * @BV_ERROR_NONE: it is not negative
 * @BV_ERROR_INVALID_INPUT: EINVAL, EMSGSIZE, ERANGE, EBADMSG, EPROTO: the arguments are wrong
 * @BV_ERROR_RESOURCE: ENOMEM, EMFILE, ENFILE, EAGAIN, ENOSPC, ENETDOWN: something is short, full or
 *	down
 * @BV_ERROR_PERMISSION: EPERM, EACCES
 * @BV_ERROR_NOT_FOUND: ENOENT, ENODEV
 * @BV_ERROR_DRIVER: anything else; the text of bv_last_error() is kept
 */
enum bv_error_kind {
	BV_ERROR_NONE,
	BV_ERROR_INVALID_INPUT,
	BV_ERROR_RESOURCE,
	BV_ERROR_PERMISSION,
	BV_ERROR_NOT_FOUND,
	BV_ERROR_DRIVER,
};

/**
 * bv_status_name - The name of a completion status, e.g. "remote access error"
 * @status: any value; one that is no bv_status gives "unknown error"
 *
 * Return: a constant string, never NULL.  Owner: the library.  Threads: any.  Blocks: never.
 */
BV_API const char *bv_status_name(enum bv_status status);

/**
 * bv_status_class - Whose fault a completion status most likely is
 * @status: any value; one that is no bv_status gives BV_CLASS_UNKNOWN
 *
 * Return: the class.  Owner: nothing changes hands.  Threads: any.  Blocks: never.
 */
BV_API enum bv_error_class bv_status_class(enum bv_status status);

/**
 * bv_status_hint - What usually causes a completion status, and what to look at first
 * @status: any value
 *
 * Return: a constant string, never NULL and never empty.
 * Owner: the library.  Threads: any.  Blocks: never.
 */
BV_API const char *bv_status_hint(enum bv_status status);

/**
 * bv_error_class_name - The name of an error class, e.g. "transport"
 * @cls: any value
 *
 * Return: a constant string, never NULL.  Owner: the library.  Threads: any.  Blocks: never.
 */
BV_API const char *bv_error_class_name(enum bv_error_class cls);

/**
 * bv_error_kind - Sort a call's return value
 * @rc: what a bareverbs call returned: negative errno, or >= 0 for BV_ERROR_NONE
 *
 * Return: the kind.  Owner: nothing changes hands.  Threads: any.  Blocks: never.
 */
BV_API enum bv_error_kind bv_error_kind(int rc);

#define BV_ERRINFO_TEXT_MAX 1024

/**
 * struct bv_errinfo - Detail of the last failed call of this thread
 * @code: the negative errno that the call returned; 0 if no call of this thread has failed yet
 * @line: where the library decided the error
 * @file: where the library decided the error; a constant string
 * @text: what failed, why, and what to do; one or more lines without a trailing newline
 */
struct bv_errinfo {
	int code;
	int line;
	const char *file;
	char text[BV_ERRINFO_TEXT_MAX];
};

/**
 * bv_last_error - Detail of the last failed call of the calling thread
 *
 * Advisory: the call's return value is the error. A call that succeeds leaves it alone, so look
 * only after a failure.
 *
 * Return: never NULL.
 * Owner: the library; valid until this thread's next failing call, or its end.
 * Threads: each its own.  Blocks: never.
 */
BV_API const struct bv_errinfo *bv_last_error(void);

/**
 * bv_error_text - One line for whatever went wrong
 * @ch: a channel, or NULL
 *
 * If a work of @ch has failed: one line on the first that did, as bv_channel_error() has it;
 * bv_diagnose() (diagnosis.h) tells more, and the likely causes in order.
 * Else the text of bv_last_error().
 *
 * Return: never NULL; "" if nothing failed.
 * Owner: the library; valid until this thread's next call into the library.
 * Threads: the one that uses @ch.  Blocks: never.
 */
BV_API const char *bv_error_text(const struct bv_channel *ch);

BV_END_DECLS

#endif
