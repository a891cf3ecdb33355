/* SPDX-License-Identifier: MIT */
/*
 * Detail of failed calls: one text per thread, behind bv_last_error().
 *
 * Whoever first decides an error writes it, with bvi_fail(), and returns the code; the functions
 * above it only hand the code on. Cold paths alone: what is ordinary (-EAGAIN of a post, -ETIMEDOUT
 * of a wait) writes nothing.
 */
#ifndef BV_CORE_ERROR_H
#define BV_CORE_ERROR_H

#include <errno.h>

#include <bareverbs/error.h>

/* bvi_fail(-EINVAL, "port %u: …", port) records the text and is the code. */
#define bvi_fail(code, ...) bvi_fail_at(code, __FILE__, __LINE__, __VA_ARGS__)

BV_COLD __attribute__((format(printf, 4, 5))) int bvi_fail_at(int code, const char *file, int line,
							      const char *format, ...);

/* What an -errno means, in words. */
const char *bvi_errno_text(int rc);

/* A foreign call's 0, +errno, or -1 with errno set, as 0 or -errno. */
static inline int bv_rc(int rc)
{
	return rc == 0 ? 0 : rc > 0 ? -rc : errno > 0 ? -errno : -EIO;
}

#endif
