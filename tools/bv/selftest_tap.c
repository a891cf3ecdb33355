/* SPDX-License-Identifier: MIT */
#include "selftest_tap.h"

#include <stdlib.h>
#include <string.h>

/* What follows @prefix, or NULL if it is not there. */
static const char *after(const char *line, const char *prefix)
{
	const size_t length = strlen(prefix);

	return strncmp(line, prefix, length) == 0 ? line + length : NULL;
}

/* "12 name": the number, and where the rest starts; NULL if there is no number. */
static const char *number_of(const char *text, unsigned *number)
{
	char *end;
	unsigned long value;

	if (text[0] < '0' || text[0] > '9')
		return NULL;
	value = strtoul(text, &end, 10);
	*number = value <= 1000000 ? (unsigned)value : 0;
	return end + strspn(end, " ");
}

static struct tap_line result(const char *line, const char *text, enum tap_kind kind)
{
	struct tap_line tap = { .kind = kind };
	const char *rest = number_of(text, &tap.number);

	if (rest == NULL)
		return (struct tap_line){ .kind = TAP_OTHER, .text = line };
	if (after(rest, "# SKIP") != NULL)
		tap.kind = TAP_SKIP;
	tap.text = rest;
	return tap;
}

static struct tap_line comment(const char *text)
{
	struct tap_line tap = { .kind = TAP_BEGIN };
	const char *begin = after(text, "begin ");

	if (begin != NULL) {
		tap.text = number_of(begin, &tap.number);
		if (tap.text != NULL)
			return tap;
	}
	return (struct tap_line){ .kind = TAP_COMMENT, .text = text };
}

struct tap_line tap_parse(const char *line)
{
	struct tap_line tap = { .kind = TAP_OTHER, .text = line };
	const char *text;

	text = after(line, "ok ");
	if (text != NULL)
		return result(line, text, TAP_OK);
	text = after(line, "not ok ");
	if (text != NULL)
		return result(line, text, TAP_NOT_OK);
	text = after(line, "# ");
	if (text != NULL)
		return comment(text);
	text = after(line, "1..");
	if (text != NULL && number_of(text, &tap.number) != NULL)
		tap.kind = TAP_PLAN;
	text = after(line, "skipped: ");
	if (text != NULL)
		tap = (struct tap_line){ .kind = TAP_REASON, .text = text };
	text = after(line, "Bail out! ");
	if (text != NULL)
		tap = (struct tap_line){ .kind = TAP_BAIL, .text = text };
	return tap;
}

/* The length of the ID at the start of @text, 0 if there is none. */
static size_t id_length(const char *text)
{
	static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", digits[] = "0123456789";
	const size_t letters = strspn(text, capitals);
	const size_t dash = letters > 0 && text[letters] == '-';
	size_t length = letters + dash;
	const size_t number = strspn(text + length, digits);

	if (number == 0)
		return 0;
	length += number;
	if (letters == 0) {
		if (text[length] != '.')
			return 0;
		length++;
		length += strspn(text + length, digits);
	}
	return text[length] == ' ' || text[length] == '\0' ? length : 0;
}

size_t tap_ids(const char *guarantee)
{
	size_t used = 0, length;

	while ((length = id_length(guarantee + used)) > 0) {
		used += length;
		used += strspn(guarantee + used, " ");
	}
	return used;
}
