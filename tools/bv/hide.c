/* SPDX-License-Identifier: MIT */
#include "hide.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

#define TEXT_MAX 16384

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* "10.0.0.1" with nothing that makes it a version; its length, or 0. */
static size_t ipv4_length(const char *text)
{
	size_t length = 0;

	for (int group = 0; group < 4; group++) {
		char *end;
		unsigned long value;

		if (group > 0 && text[length++] != '.')
			return 0;
		if (!isdigit((unsigned char)text[length]))
			return 0;
		value = strtoul(text + length, &end, 10);
		if (value > 255 || end - (text + length) > 3)
			return 0;
		length = (size_t)(end - text);
	}
	if (is_word(text[length]) || (text[length] == '.' && is_word(text[length + 1])))
		return 0;
	return length;
}

/*
 * Groups of hexadecimal digits between colons: three colons or more, or two side by side. Its length,
 * or 0. An IPv4 address may be its end.
 */
static size_t colons_length(const char *text)
{
	const size_t length = strspn(text, "0123456789abcdefABCDEF:");
	size_t colons = 0, last = 0, total = length;
	bool twice = false;

	for (size_t i = 0; i < length; i++) {
		if (text[i] != ':')
			continue;
		twice |= i > 0 && text[i - 1] == ':';
		colons++;
		last = i + 1;
	}
	if (length < 3 || (colons < 3 && !twice) || colons == length)
		return 0;
	if (last < length && ipv4_length(text + last) > 0)
		total = last + ipv4_length(text + last);
	else if (is_word(text[length]))
		return 0;
	/* "gid ::1: text" */
	if (total == length && text[total - 1] == ':' && !(total > 1 && text[total - 2] == ':'))
		total--;
	return total;
}

static size_t address_length(const char *text, const char **instead)
{
	size_t length = colons_length(text);

	*instead = "<hidden>";
	if (length > 0 && strncmp(text, "fe80:", 5) == 0)
		*instead = "fe80::<hidden>";
	else if (length > 0 && strncmp(text, "::ffff:", 7) == 0)
		*instead = "::ffff:<hidden>";
	return length > 0 ? length : ipv4_length(text);
}

static size_t word_length(const char *text, const struct hide_word *words, size_t nwords,
			  const char **instead)
{
	for (size_t i = 0; i < nwords; i++) {
		const size_t length = words[i].word != NULL ? strlen(words[i].word) : 0;

		if (length == 0 || strncmp(text, words[i].word, length) != 0 ||
		    is_word(text[length]))
			continue;
		*instead = words[i].instead;
		return length;
	}
	return 0;
}

void hide_text(const char *text, const struct hide_word *words, size_t nwords, char *out,
	       size_t size)
{
	bool inside = false; /* of a word, or behind the point of a number */
	size_t used = 0;

	while (*text != '\0' && used + 1 < size) {
		const char *instead = NULL;
		size_t length = inside ? 0 : word_length(text, words, nwords, &instead);

		if (length == 0 && !inside)
			length = address_length(text, &instead);
		if (length > 0) {
			used += (size_t)snprintf(out + used, size - used, "%s", instead);
			text += length;
			inside = true;
			continue;
		}
		inside = is_word(*text) || (*text == '.' && inside);
		out[used++] = *text++;
	}
	out[used < size ? used : size - 1] = '\0';
}

static int hide_string(json_t *value, const struct hide_word *words, size_t nwords)
{
	char *out = malloc(TEXT_MAX);
	int rc = -1;

	if (out != NULL) {
		hide_text(json_string_value(value), words, nwords, out, TEXT_MAX);
		rc = json_string_set(value, out);
	}
	free(out);
	return rc == 0 ? 0 : fail(-ENOMEM, "out of memory");
}

int hide_json(json_t *root, const struct hide_word *words, size_t nwords)
{
	const char *name;
	json_t *value;
	size_t i;
	int rc = 0;

	if (json_is_string(root))
		return hide_string(root, words, nwords);
	json_object_foreach(root, name, value)
	{
		(void)name;
		if (rc == 0)
			rc = hide_json(value, words, nwords);
	}
	json_array_foreach(root, i, value)
	{
		if (rc == 0)
			rc = hide_json(value, words, nwords);
	}
	return rc;
}
