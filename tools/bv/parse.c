/* SPDX-License-Identifier: MIT */
/* Strict: a value is taken whole or refused, and no sign, blank or rest is passed over. */
#include "parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

#define DAY_NS (24 * 3600 * 1e9)

/* Digits only: strtoull() would take blanks and a minus sign. */
static int number(const char *text, char **end, uint64_t *value)
{
	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, end, 10);
	return errno == 0 ? 0 : -EINVAL;
}

/* The power of two that a unit multiplies by, or -1. */
static int unit_shift(const char *unit)
{
	static const char units[] = "KMG";
	const char *place;

	if (unit[0] == '\0')
		return 0;
	place = strchr(units, unit[0] >= 'a' ? unit[0] - 'a' + 'A' : unit[0]);
	if (place == NULL || unit[1] != '\0')
		return -1;
	return 10 * ((int)(place - units) + 1);
}

int parse_size(const char *text, const char *what, uint64_t max, uint64_t *value)
{
	uint64_t size;
	char *end;
	int shift;

	if (number(text, &end, &size) < 0 || (shift = unit_shift(end)) < 0)
		return fail(-EINVAL, "%s '%s' is not a size: use 8, 64, 4K, 1M", what, text);
	if (size > max >> shift)
		return fail(-EINVAL, "%s '%s' is too large: at most %llu bytes", what, text,
			    (unsigned long long)max);
	*value = size << shift;
	return 0;
}

int parse_count(const char *text, const char *what, uint64_t min, uint64_t max, uint64_t *value)
{
	uint64_t count;
	char *end;

	if (number(text, &end, &count) < 0 || *end != '\0' || count < min || count > max)
		return fail(-EINVAL, "%s '%s' is not a number from %llu to %llu", what, text,
			    (unsigned long long)min, (unsigned long long)max);
	*value = count;
	return 0;
}

int parse_port(const char *text, uint8_t *port)
{
	uint64_t value = 0;
	const int rc = parse_count(text, "--port", 1, 255, &value);

	if (rc == 0)
		*port = (uint8_t)value;
	return rc;
}

int parse_gid_index(const char *text, int *index)
{
	uint64_t value = 0;
	const int rc = parse_count(text, "--gid-index", 0, 65535, &value);

	if (rc == 0)
		*index = (int)value;
	return rc;
}

int parse_time(const char *text, const char *what, int64_t *ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "", 1e9 }, { "s", 1e9 }, { "ms", 1e6 }, { "us", 1e3 } };
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && end != text; i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		value *= units[i].ns;
		if (errno != 0 || !(value >= 1) || value > DAY_NS)
			break;
		*ns = (int64_t)value;
		return 0;
	}
	return fail(-EINVAL, "%s '%s' is not a time: use 2, 0.5s, 300ms, 50us", what, text);
}

/* Calls @item for each part between commas; an empty part is an error. */
static int each(const char *text, const char *what, size_t max_items,
		int (*item)(const char *word, size_t index, void *context), void *context,
		size_t *count)
{
	char word[32];
	size_t n = 0;
	int rc;

	for (;;) {
		const size_t length = strcspn(text, ",");

		if (length == 0 || length >= sizeof(word))
			return fail(-EINVAL, "%s: '%s' in the list is %s", what, text,
				    length == 0 ? "empty" : "too long");
		if (n == max_items)
			return fail(-EINVAL, "%s: more than %zu in the list", what, max_items);
		memcpy(word, text, length);
		word[length] = '\0';
		rc = item(word, n++, context);
		if (rc < 0)
			return rc;
		if (text[length] == '\0')
			break;
		text += length + 1;
	}
	*count = n;
	return 0;
}

struct sizes {
	const char *what;
	uint64_t max;
	uint32_t *list;
};

static int one_size(const char *word, size_t index, void *context)
{
	const struct sizes *sizes = context;
	uint64_t value = 0;
	int rc = parse_size(word, sizes->what, sizes->max, &value);

	if (rc == 0)
		sizes->list[index] = (uint32_t)value;
	return rc;
}

int parse_sizes(const char *text, const char *what, uint64_t max, uint32_t *list, size_t max_items,
		size_t *nlist)
{
	struct sizes sizes = { .what = what, .max = max, .list = list };

	return each(text, what, max_items, one_size, &sizes, nlist);
}

struct words {
	const char *what;
	char (*list)[16];
};

static int one_word(const char *word, size_t index, void *context)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-";
	const struct words *words = context;

	if (strlen(word) > 15 || word[strspn(word, allowed)] != '\0')
		return fail(-EINVAL, "%s: '%s' is not a name", words->what, word);
	for (size_t i = 0; i < index; i++) {
		if (strcmp(words->list[i], word) == 0)
			return fail(-EINVAL, "%s: '%s' is in the list twice", words->what, word);
	}
	snprintf(words->list[index], sizeof(words->list[index]), "%s", word);
	return 0;
}

int parse_words(const char *text, const char *what, char (*list)[16], size_t max_items,
		size_t *nlist)
{
	struct words words = { .what = what, .list = list };

	return each(text, what, max_items, one_word, &words, nlist);
}
