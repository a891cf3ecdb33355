/* SPDX-License-Identifier: MIT */
/*
 * The text of what went wrong. The function that first decides a failure writes it, those above
 * only pass the code up, and main() prints it once.
 */
#ifndef BV_TOOLS_BV_ERROR_H
#define BV_TOOLS_BV_ERROR_H

struct bv_channel;

/* Exit statuses of every command. */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Records the text; returns @rc. */
__attribute__((format(printf, 2, 3))) int fail(int rc, const char *format, ...);

/* The same, followed by what the library says, of @ch's failed work at length; @ch may be NULL. */
__attribute__((format(printf, 3, 4))) int fail_bv(int rc, struct bv_channel *ch, const char *format,
						  ...);

/* Never NULL; "" if nothing failed. */
const char *fail_text(void);

#endif
