/* SPDX-License-Identifier: MIT */
/* Lines of the Test Anything Protocol as bv-conform writes them (tests/conform/harness.h). */
#ifndef BV_TOOLS_BV_SELFTEST_TAP_H
#define BV_TOOLS_BV_SELFTEST_TAP_H

#include <stddef.h>

enum tap_kind {
	TAP_OTHER,   /* of whoever else writes there: @text is the line */
	TAP_PLAN,    /* 1..@number */
	TAP_BEGIN,   /* test @number begins, @text is its name */
	TAP_OK,      /* the same test passed */
	TAP_NOT_OK,  /* or failed */
	TAP_SKIP,    /* or was skipped */
	TAP_REASON,  /* @text: why it will be skipped */
	TAP_COMMENT, /* @text: of the test in progress */
	TAP_BAIL,    /* @text: why no further test can be run */
};

struct tap_line {
	enum tap_kind kind;
	unsigned number;
	const char *text; /* within the line */
};

/* @line has no line end. */
struct tap_line tap_parse(const char *line);

/*
 * Splits "WR-1 B4 no bytes reported": how many bytes at its start are IDs and blanks. IDs are
 * capitals with a number ("B4", "WR-1"), or numbers with a point ("9.1", "16.").
 */
size_t tap_ids(const char *guarantee);

#endif
