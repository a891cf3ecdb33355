/* SPDX-License-Identifier: MIT */
/*
 * Flat JSON objects. Every refusal names the member and what it should have been.
 */
#include "json.h"

#include <stdbool.h>
#include <string.h>

#include "error.h"

/* The longest form that we write is a third of this; more is not worth parsing. */
#define TEXT_MAX 4096u

/* Whether "@string" is somewhere in the text. */
static bool quotes(const char *text, size_t length, const char *string)
{
	const size_t size = strlen(string);
	const char *at = text;

	if (size == 0)
		return true;
	while ((at = memmem(at, length - (size_t)(at - text), string, size))) {
		const char *end = at + size;

		if (at > text && at[-1] == '"' && end < text + length && *end == '"')
			return true;
		at++;
	}
	return false;
}

/*
 * Jansson (2.14) that finds no memory for the next character of a string leaves it out and goes on: an
 * address would be another one. Our strings need no escapes, so they are in the text as they are.
 */
static bool is_whole(const char *text, size_t length, const json_t *object)
{
	json_t *all = (json_t *)(uintptr_t)object; /* jansson's iterators are not const */

	if (memchr(text, '\\', length))
		return true;
	for (void *it = json_object_iter(all); it; it = json_object_iter_next(all, it)) {
		const json_t *member = json_object_iter_value(it);

		if (json_is_string(member) && !quotes(text, length, json_string_value(member)))
			return false;
	}
	return true;
}

int bvi_json_load(const char *what, const char *text, size_t length, json_t **object)
{
	json_error_t error = { .text = "" };
	json_t *root;

	if (!text || length > TEXT_MAX)
		return bvi_fail(-EBADMSG, "%s: JSON of 1 to %u bytes expected", what, TEXT_MAX);
	errno = 0;
	root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	/* Where jansson finds no memory it says nothing, or blames the token; malloc() says it. */
	if ((!root && (errno == ENOMEM || !error.text[0])) ||
	    (root && !is_whole(text, length, root))) {
		json_decref(root);
		return bvi_fail(-ENOMEM, "%s: no memory to parse JSON", what);
	}
	if (!root)
		return bvi_fail(-EBADMSG, "%s: not JSON at line %d, column %d: %s", what,
				error.line, error.column, error.text);
	if (!json_is_object(root)) {
		json_decref(root);
		return bvi_fail(-EBADMSG, "%s: JSON, but not an object in braces", what);
	}
	*object = root;
	return 0;
}

static bool listed(const char *key, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(key, names[i]) == 0)
			return true;
	return false;
}

int bvi_json_only(const char *what, const json_t *object, const char *const *names, size_t count)
{
	json_t *all = (json_t *)(uintptr_t)object; /* jansson's iterators are not const */

	for (void *it = json_object_iter(all); it; it = json_object_iter_next(all, it))
		if (!listed(json_object_iter_key(it), names, count))
			return bvi_fail(-EBADMSG, "%s: unknown member \"%s\"", what,
					json_object_iter_key(it));
	return 0;
}

int bvi_json_uint(const char *what, const json_t *object, const char *name, uint64_t min,
		  uint64_t max, uint64_t *value)
{
	const json_t *member = json_object_get(object, name);
	json_int_t number;

	if (!member)
		return bvi_fail(-EBADMSG, "%s: member \"%s\" is missing", what, name);
	if (!json_is_integer(member))
		return bvi_fail(-EBADMSG, "%s: member \"%s\" is not an integer", what, name);
	number = json_integer_value(member);
	if (number < 0 || (uint64_t)number < min || (uint64_t)number > max)
		return bvi_fail(-EBADMSG, "%s: member \"%s\" is %lld, not in %llu..%llu", what,
				name, (long long)number, (unsigned long long)min,
				(unsigned long long)max);
	*value = (uint64_t)number;
	return 0;
}

/* strtoull() would also take signs, spaces and overflow. */
static bool parse_hex(const char *text, uint64_t *value)
{
	static const char digits[] = "0123456789abcdef";
	const size_t length = strlen(text);
	uint64_t sum = 0;

	if (length < 3 || length > 18 || strncmp(text, "0x", 2) != 0)
		return false;
	for (const char *p = text + 2; *p; p++) {
		const char *digit = strchr(digits, *p >= 'A' && *p <= 'F' ? *p - 'A' + 'a' : *p);

		if (!digit)
			return false;
		sum = sum << 4 | (uint64_t)(digit - digits);
	}
	*value = sum;
	return true;
}

int bvi_json_uint64(const char *what, const json_t *object, const char *name, uint64_t *value)
{
	const json_t *member = json_object_get(object, name);

	if (!json_is_string(member))
		return bvi_json_uint(what, object, name, 0, INT64_MAX, value);
	if (!parse_hex(json_string_value(member), value))
		return bvi_fail(-EBADMSG,
				"%s: member \"%s\" is a string, but not \"0x\" and 1 to 16 "
				"hexadecimal digits",
				what, name);
	return 0;
}

int bvi_json_string(const char *what, const json_t *object, const char *name, const char **value)
{
	const json_t *member = json_object_get(object, name);

	if (!json_is_string(member))
		return bvi_fail(-EBADMSG, "%s: member \"%s\" is %s", what, name,
				member ? "not a string" : "missing");
	*value = json_string_value(member);
	return 0;
}

/* jansson writes as much as fits; a caller's buffer is only written when all does. */
int bvi_json_dump(const char *what, json_t *object, char *text, size_t size)
{
	char line[TEXT_MAX];
	size_t length;

	length = object ? json_dumpb(object, line, sizeof(line), JSON_COMPACT) : 0;
	json_decref(object);
	if (length == 0 || length > sizeof(line))
		return bvi_fail(-ENOMEM, "%s: no memory to write JSON", what);
	if (length >= size)
		return bvi_fail(-ENOSPC,
				"%s: JSON of %zu bytes and a terminator do not fit into %zu", what,
				length, size);
	memcpy(text, line, length);
	text[length] = '\0';
	return (int)length;
}
