/* SPDX-License-Identifier: MIT */
#include "words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void emu_plan_fail(struct emu_plan_parser *p, const char *where, const char *format, ...)
{
	struct emu_fault_error *e = p->error;
	va_list args;

	if (p->failed)
		return;
	p->failed = true;
	e->line = 1;
	e->column = 1;
	for (const char *c = p->text; c < where; c++) {
		e->column++;
		if (*c == '\n') {
			e->line++;
			e->column = 1;
		}
	}
	va_start(args, format);
	vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	/* The text may quote the plan: nothing unprintable goes to a terminal. */
	for (char *c = e->text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

/* ---- words ---- */

int emu_word_shown(struct emu_word w)
{
	return w.size > 40 ? 40 : (int)w.size;
}

bool emu_word_is(struct emu_word w, const char *name)
{
	return strlen(name) == w.size && memcmp(name, w.at, w.size) == 0;
}

bool emu_plan_at_separator(const struct emu_plan_parser *p)
{
	return p->at == p->end || *p->at == ';' || *p->at == '\n';
}

void emu_plan_skip_blanks(struct emu_plan_parser *p)
{
	while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\r'))
		p->at++;
	if (p->at < p->end && *p->at == '#')
		while (p->at < p->end && *p->at != '\n')
			p->at++;
}

/* Bytes up to one of the characters that end a word. */
struct emu_word emu_plan_take(struct emu_plan_parser *p)
{
	struct emu_word w = { p->at, 0 };

	while (p->at < p->end && *p->at != '\0' && !strchr(" \t\r\n;#=", *p->at))
		p->at++;
	w.size = (size_t)(p->at - w.at);
	return w;
}

/* ---- values ---- */

/* Digits from the front of @w; false when there are none or they do not fit. */
static bool digits(struct emu_word *w, uint64_t *out)
{
	const bool hex = w->size > 2 && w->at[0] == '0' && w->at[1] == 'x';
	const unsigned base = hex ? 16 : 10;
	size_t i = hex ? 2 : 0;
	const size_t start = i;
	uint64_t value = 0;

	for (; i < w->size; i++) {
		const char c = w->at[i];
		unsigned digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned)(c - '0');
		else if (hex && c >= 'a' && c <= 'f')
			digit = (unsigned)(c - 'a') + 10;
		else if (hex && c >= 'A' && c <= 'F')
			digit = (unsigned)(c - 'A') + 10;
		else
			break;
		if (value > (UINT64_MAX - digit) / base)
			return false;
		value = value * base + digit;
	}
	if (i == start)
		return false;
	w->at += i;
	w->size -= i;
	*out = value;
	return true;
}

uint64_t emu_word_number(struct emu_plan_parser *p, struct emu_word w, uint64_t low, uint64_t high)
{
	struct emu_word rest = w;
	uint64_t value = 0;

	if (!digits(&rest, &value) || rest.size || value < low || value > high)
		emu_plan_fail(p, w.at, "'%.*s' is not a number from %llu to %llu",
			      emu_word_shown(w), w.at, (unsigned long long)low,
			      (unsigned long long)high);
	return value;
}

/* A whole number and its unit; up to a day, so that sums of times never wrap. */
uint64_t emu_word_duration(struct emu_plan_parser *p, struct emu_word w)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 } };
	const uint64_t day = UINT64_C(86400000000000);
	struct emu_word rest = w;
	uint64_t value;

	if (digits(&rest, &value)) {
		for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
			if (emu_word_is(rest, units[i].name) && value <= day / units[i].ns)
				return value * units[i].ns;
	}
	emu_plan_fail(p, w.at, "'%.*s' is not a time of at most a day, such as 20us, 5ms or 1s",
		      emu_word_shown(w), w.at);
	return 0;
}

/* Percent with up to four decimals, in parts per million. */
uint32_t emu_word_rate(struct emu_plan_parser *p, struct emu_word w)
{
	struct emu_word rest = w;
	uint64_t whole = 0;
	uint32_t parts = 0, unit = 1000;
	bool ok = digits(&rest, &whole) && whole <= 100;

	if (ok && rest.size && *rest.at == '.') {
		rest.at++;
		rest.size--;
		ok = rest.size > 1;
		for (; rest.size && *rest.at >= '0' && *rest.at <= '9' && unit; unit /= 10) {
			parts += (uint32_t)(*rest.at - '0') * unit;
			rest.at++;
			rest.size--;
		}
	}
	parts += (uint32_t)whole * 10000;
	if (!ok || !emu_word_is(rest, "%") || parts > EMU_FAULT_ALWAYS)
		emu_plan_fail(p, w.at,
			      "'%.*s' is not a rate from 0%% to 100%%, such as 1%% or 0.25%%",
			      emu_word_shown(w), w.at);
	return parts;
}

/* "5", "5..9" or "5..". */
void emu_word_range(struct emu_plan_parser *p, struct emu_word w, struct emu_fault_rule *r)
{
	struct emu_word rest = w;
	bool ok = digits(&rest, &r->first);

	r->last = r->first;
	if (ok && rest.size >= 2 && memcmp(rest.at, "..", 2) == 0) {
		rest.at += 2;
		rest.size -= 2;
		r->last = UINT64_MAX;
		ok = rest.size == 0 || digits(&rest, &r->last);
	}
	if (!ok || rest.size || r->first == 0 || r->last < r->first)
		emu_plan_fail(p, w.at, "'%.*s' is not a position from 1, such as 5, 5..9 or 5..",
			      emu_word_shown(w), w.at);
}

/* A list of names as a message has room for. */
struct names {
	char text[EMU_FAULT_ERROR_TEXT - 80];
	size_t size;
	bool full;
};

static void add_name(struct names *names, const char *name)
{
	static const char cut[] = " ...";

	names->full |= names->size + strlen(name) + sizeof(cut) + 1 > sizeof(names->text);
	if (names->full)
		memcpy(names->text + names->size, cut, sizeof(cut));
	else
		names->size += (size_t)snprintf(names->text + names->size,
						sizeof(names->text) - names->size, " %s", name);
}

static uint64_t bits_of(struct emu_plan_parser *p, struct emu_word w,
			const struct emu_word_bits *known)
{
	struct names names = { .size = 0 };

	for (unsigned i = 0; known[i].name; i++) {
		if (emu_word_is(w, known[i].name))
			return known[i].bits;
		add_name(&names, known[i].name);
	}
	emu_plan_fail(p, w.at, "unknown %s '%.*s'; known:%s", known->what, emu_word_shown(w), w.at,
		      names.text);
	return 0;
}

uint64_t emu_word_list(struct emu_plan_parser *p, struct emu_word w,
		       const struct emu_word_bits *known)
{
	uint64_t bits = 0;

	while (!p->failed) {
		const char *comma = memchr(w.at, ',', w.size);
		struct emu_word one = { w.at, comma ? (size_t)(comma - w.at) : w.size };

		bits |= bits_of(p, one, known);
		if (!comma)
			break;
		w.size -= one.size + 1;
		w.at = comma + 1;
	}
	return bits;
}

/* The index of @w in @names, or an error that lists them. */
unsigned emu_word_choice(struct emu_plan_parser *p, struct emu_word w, const char *const *names,
			 unsigned n)
{
	struct names known = { .size = 0 };

	for (unsigned i = 0; i < n; i++) {
		if (emu_word_is(w, names[i]))
			return i;
		add_name(&known, names[i]);
	}
	emu_plan_fail(p, w.at, "'%.*s' is none of:%s", emu_word_shown(w), w.at, known.text);
	return 0;
}
