/* SPDX-License-Identifier: MIT */
#include "plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * A recursive descent over bytes [at, end). The first error wins: it sets the place and ends the
 * parse. A rule is completed (defaults, contradictions) when its last setting has been read.
 */
struct parser {
	const char *text, *at, *end;
	struct emu_fault_error *error;
	bool failed;
};

struct word {
	const char *at;
	size_t size;
};

enum setting {
	SET_ON,
	SET_OPCODE,
	SET_DIRECTION,
	SET_SLOT,
	SET_QPN,
	SET_PSN,
	SET_NTH,
	SET_EVERY,
	SET_COUNT,
	SET_RATE,
	SET_AFTER,
	SET_UNTIL,
	SET_AT,
	SET_BY,
	SET_FOR,
	SET_ERROR,
	SETTINGS,
};

static const char *const setting_names[SETTINGS] = {
	"on",    "opcode", "direction", "slot",  "qpn", "psn", "nth", "every",
	"count", "rate",   "after",     "until", "at",  "by",  "for", "error",
};

/* Those that on= can name; rnr and at= have theirs without a name. */
static const char *const point_names[EMU_FAULT_READY] = { "packet", "request", "wqe",
							  "completion" };

#define P(point) (1u << EMU_FAULT_##point)
#define S(setting) (1u << SET_##setting)

enum {
	CHOICE = S(SLOT) | S(QPN) | S(NTH) | S(EVERY) | S(COUNT) | S(RATE) | S(AFTER) | S(UNTIL) |
		 S(OPCODE),
	WIRE = CHOICE | S(DIRECTION) | S(PSN),
	EVENT = WIRE | S(ON) | S(AT),
};

/* What each action may happen on (the first is its default) and which settings it knows. */
static const struct {
	const char *name;
	uint32_t points, settings, required;
	enum emu_fault_point usual;
} actions[EMU_FAULT_ACTIONS] = {
	[EMU_FAULT_LOSE] = { "lose", P(PACKET), WIRE, 0, EMU_FAULT_PACKET },
	[EMU_FAULT_DUPLICATE] = { "duplicate", P(PACKET), WIRE, 0, EMU_FAULT_PACKET },
	[EMU_FAULT_REORDER] = { "reorder", P(PACKET), WIRE | S(BY), 0, EMU_FAULT_PACKET },
	[EMU_FAULT_DELAY] = { "delay", P(PACKET), WIRE | S(BY), S(BY), EMU_FAULT_PACKET },
	[EMU_FAULT_RNR] = { "rnr", P(READY), CHOICE | S(PSN), 0, EMU_FAULT_READY },
	[EMU_FAULT_NAK] = { "nak", P(REQUEST), CHOICE | S(PSN) | S(ERROR), S(ERROR),
			    EMU_FAULT_REQUEST },
	[EMU_FAULT_REVOKE] = { "revoke", P(REQUEST) | P(WQE), CHOICE | S(PSN) | S(ON), 0,
			       EMU_FAULT_REQUEST },
	[EMU_FAULT_SLOW] = { "slow", P(WQE), CHOICE | S(BY), S(BY), EMU_FAULT_WQE },
	[EMU_FAULT_OVERFLOW] = { "overflow", P(COMPLETION), CHOICE, 0, EMU_FAULT_COMPLETION },
	[EMU_FAULT_PORT_DOWN] = { "port-down", ~0u, EVENT, 0, EMU_FAULT_TIME },
	[EMU_FAULT_PORT_UP] = { "port-up", ~0u, EVENT, 0, EMU_FAULT_TIME },
	[EMU_FAULT_FATAL] = { "fatal", ~0u, EVENT, 0, EMU_FAULT_TIME },
	[EMU_FAULT_FULL] = { "full", ~0u, EVENT | S(FOR), S(FOR), EMU_FAULT_TIME },
	[EMU_FAULT_KILL] = { "kill", ~0u, EVENT, 0, EMU_FAULT_TIME },
};

static const struct {
	const char *name;
	uint32_t bits;
} opcodes[] = {
	{ "send", EMU_FAULT_OP_SEND },
	{ "write", EMU_FAULT_OP_WRITE },
	{ "read", EMU_FAULT_OP_READ },
	{ "cas", EMU_FAULT_OP_CAS },
	{ "faa", EMU_FAULT_OP_FAA },
	{ "nop", EMU_FAULT_OP_NOP },
	{ "recv", EMU_FAULT_OP_RECV },
	{ "ack", EMU_FAULT_OP_ACK },
	{ "nak", EMU_FAULT_OP_NAK },
	{ "read-response", EMU_FAULT_OP_READ_RESPONSE },
	{ "atomic-response", EMU_FAULT_OP_ATOMIC_RESPONSE },
	{ "request", EMU_FAULT_OP_REQUESTS },
};

const char *emu_fault_action_name(enum emu_fault_action action)
{
	return actions[action].name;
}

void emu_fault_error_print(const struct emu_fault_error *error, char *out, size_t size)
{
	snprintf(out, size, "line %u, column %u: %s", error->line, error->column, error->text);
}

__attribute__((format(printf, 3, 4))) static void fail(struct parser *p, const char *where,
						       const char *format, ...)
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

static int shown(struct word w)
{
	return w.size > 40 ? 40 : (int)w.size;
}

static bool is(struct word w, const char *name)
{
	return strlen(name) == w.size && memcmp(name, w.at, w.size) == 0;
}

static bool at_separator(const struct parser *p)
{
	return p->at == p->end || *p->at == ';' || *p->at == '\n';
}

static void skip_blanks(struct parser *p)
{
	while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\r'))
		p->at++;
	if (p->at < p->end && *p->at == '#')
		while (p->at < p->end && *p->at != '\n')
			p->at++;
}

/* Bytes up to one of the characters that end a word. */
static struct word take(struct parser *p)
{
	struct word w = { p->at, 0 };

	while (p->at < p->end && *p->at != '\0' && !strchr(" \t\r\n;#=", *p->at))
		p->at++;
	w.size = (size_t)(p->at - w.at);
	return w;
}

/* ---- values ---- */

/* Digits from the front of @w; false when there are none or they do not fit. */
static bool digits(struct word *w, uint64_t *out)
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

static uint64_t number(struct parser *p, struct word w, uint64_t low, uint64_t high)
{
	struct word rest = w;
	uint64_t value = 0;

	if (!digits(&rest, &value) || rest.size || value < low || value > high)
		fail(p, w.at, "'%.*s' is not a number from %llu to %llu", shown(w), w.at,
		     (unsigned long long)low, (unsigned long long)high);
	return value;
}

/* A whole number and its unit; up to a day, so that sums of times never wrap. */
static uint64_t duration(struct parser *p, struct word w)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 } };
	const uint64_t day = UINT64_C(86400000000000);
	struct word rest = w;
	uint64_t value;

	if (digits(&rest, &value)) {
		for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
			if (is(rest, units[i].name) && value <= day / units[i].ns)
				return value * units[i].ns;
	}
	fail(p, w.at, "'%.*s' is not a time of at most a day, such as 20us, 5ms or 1s", shown(w),
	     w.at);
	return 0;
}

/* Percent with up to four decimals, in parts per million. */
static uint32_t rate(struct parser *p, struct word w)
{
	struct word rest = w;
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
	if (!ok || !is(rest, "%") || parts > EMU_FAULT_ALWAYS)
		fail(p, w.at, "'%.*s' is not a rate from 0%% to 100%%, such as 1%% or 0.25%%",
		     shown(w), w.at);
	return parts;
}

/* "5", "5..9" or "5..". */
static void range(struct parser *p, struct word w, struct emu_fault_rule *r)
{
	struct word rest = w;
	bool ok = digits(&rest, &r->first);

	r->last = r->first;
	if (ok && rest.size >= 2 && memcmp(rest.at, "..", 2) == 0) {
		rest.at += 2;
		rest.size -= 2;
		r->last = UINT64_MAX;
		ok = rest.size == 0 || digits(&rest, &r->last);
	}
	if (!ok || rest.size || r->first == 0 || r->last < r->first)
		fail(p, w.at, "'%.*s' is not a position from 1, such as 5, 5..9 or 5..", shown(w),
		     w.at);
}

static uint32_t opcode_bits(struct parser *p, struct word w)
{
	for (size_t i = 0; i < sizeof(opcodes) / sizeof(*opcodes); i++)
		if (is(w, opcodes[i].name))
			return opcodes[i].bits;
	fail(p, w.at,
	     "unknown opcode '%.*s'; known: send write read cas faa nop recv ack nak "
	     "read-response atomic-response request",
	     shown(w), w.at);
	return 0;
}

static uint32_t opcode_list(struct parser *p, struct word w)
{
	uint32_t bits = 0;

	while (!p->failed) {
		const char *comma = memchr(w.at, ',', w.size);
		struct word one = { w.at, comma ? (size_t)(comma - w.at) : w.size };

		bits |= opcode_bits(p, one);
		if (!comma)
			break;
		w.size -= one.size + 1;
		w.at = comma + 1;
	}
	return bits;
}

/* The index of @w in @names, or an error that lists them. */
static unsigned choice(struct parser *p, struct word w, const char *const *names, unsigned n)
{
	char known[100] = "";
	size_t used = 0;

	for (unsigned i = 0; i < n; i++) {
		if (is(w, names[i]))
			return i;
		used += (size_t)snprintf(known + used, sizeof(known) - used, " %s", names[i]);
	}
	fail(p, w.at, "'%.*s' is none of:%s", shown(w), w.at, known);
	return 0;
}

/* ---- rules ---- */

static void set_by(struct parser *p, struct word w, struct emu_fault_rule *r)
{
	if (r->action != EMU_FAULT_REORDER) {
		r->by = duration(p, w);
		return;
	}
	r->by = number(p, w, 1, 1000);
}

static void set_on(struct parser *p, struct word w, struct emu_fault_rule *r)
{
	r->on = (enum emu_fault_point)choice(p, w, point_names, EMU_FAULT_READY);
	if (!p->failed && !(actions[r->action].points & 1u << r->on))
		fail(p, w.at, "'%s' cannot happen on a %s", actions[r->action].name,
		     point_names[r->on]);
}

static void set_value(struct parser *p, enum setting s, struct word w, struct emu_fault_rule *r)
{
	static const char *const directions[] = { "out", "in" };
	static const char *const naks[] = { "operation", "access", "request" };

	switch (s) {
	case SET_ON:
		set_on(p, w, r);
		break;
	case SET_OPCODE:
		r->opcodes = opcode_list(p, w);
		break;
	case SET_DIRECTION:
		r->in = choice(p, w, directions, 2);
		break;
	case SET_SLOT:
		r->slot = (uint32_t)number(p, w, 1, 254);
		break;
	case SET_QPN:
		r->qpn = (uint32_t)number(p, w, 0, 0xffffff);
		r->has_qpn = true;
		break;
	case SET_PSN:
		r->psn = (uint32_t)number(p, w, 0, 0xffffff);
		r->has_psn = true;
		break;
	case SET_NTH:
		range(p, w, r);
		break;
	case SET_EVERY:
		r->every = number(p, w, 1, UINT32_MAX);
		break;
	case SET_COUNT:
		r->count = number(p, w, 1, UINT32_MAX);
		break;
	case SET_RATE:
		r->rate = rate(p, w);
		break;
	case SET_AFTER:
		r->after_ns = duration(p, w);
		break;
	case SET_UNTIL:
		r->until_ns = duration(p, w);
		break;
	case SET_AT:
		r->at_ns = duration(p, w);
		break;
	case SET_BY:
		set_by(p, w, r);
		break;
	case SET_FOR:
		r->for_ns = duration(p, w);
		break;
	case SET_ERROR:
		r->nak = (enum emu_fault_nak)choice(p, w, naks, 3);
		break;
	case SETTINGS:
		break;
	}
}

/* Opcodes that exist at each point. */
static uint32_t opcodes_at(enum emu_fault_point on)
{
	switch (on) {
	case EMU_FAULT_REQUEST:
	case EMU_FAULT_READY:
		return EMU_FAULT_OP_REQUESTS;
	case EMU_FAULT_WQE:
		return EMU_FAULT_OP_REQUESTS | EMU_FAULT_OP_NOP;
	case EMU_FAULT_COMPLETION:
		return EMU_FAULT_OP_REQUESTS | EMU_FAULT_OP_NOP | EMU_FAULT_OP_RECV;
	default:
		return EMU_FAULT_OP_ALL & ~(uint32_t)(EMU_FAULT_OP_NOP | EMU_FAULT_OP_RECV);
	}
}

/* What only shows when the whole rule is known. */
static void finish(struct parser *p, const char *where, uint32_t seen, struct emu_fault_rule *r)
{
	const uint32_t required = actions[r->action].required & ~seen;
	/* Whatever counts or selects needs something to count: packets, unless told otherwise. */
	const uint32_t selects = WIRE & ~S(SLOT);

	for (unsigned s = 0; s < SETTINGS; s++)
		if (required & 1u << s)
			fail(p, where, "'%s' needs %s=", actions[r->action].name, setting_names[s]);
	if (!(seen & S(ON)) && r->on == EMU_FAULT_TIME && (seen & selects))
		r->on = EMU_FAULT_PACKET;
	if ((seen & S(AT)) && (seen & (selects | S(ON))))
		fail(p, where, "at= is a moment: only slot= goes with it");
	if ((seen & S(DIRECTION)) && r->on != EMU_FAULT_PACKET)
		fail(p, where, "direction= is of packets");
	if ((seen & S(PSN)) && (r->on == EMU_FAULT_WQE || r->on == EMU_FAULT_COMPLETION))
		fail(p, where, "psn= is of packets and requests");
	if (r->until_ns <= r->after_ns)
		fail(p, where, "until= is not later than after=");
	if ((seen & S(OPCODE)) && !(r->opcodes & opcodes_at(r->on)))
		fail(p, where, "'%s' never meets these opcodes here", actions[r->action].name);
}

static bool take_setting(struct parser *p, struct emu_fault_rule *r, uint32_t *seen)
{
	const struct word name = take(p);
	struct word value;
	unsigned s = 0;

	if (name.size == 0 || p->at == p->end || *p->at != '=') {
		fail(p, name.at, "expected setting=value, found '%.*s'", shown(name), name.at);
		return false;
	}
	p->at++;
	value = take(p);
	while (s < SETTINGS && !is(name, setting_names[s]))
		s++;
	if (s == SETTINGS || !(actions[r->action].settings & 1u << s)) {
		fail(p, name.at, "%s setting '%.*s'%s%s", s == SETTINGS ? "unknown" : "no",
		     shown(name), name.at, s == SETTINGS ? "" : " for ",
		     s == SETTINGS ? "" : actions[r->action].name);
		return false;
	}
	if (*seen & 1u << s) {
		fail(p, name.at, "'%.*s' is given twice", shown(name), name.at);
		return false;
	}
	*seen |= 1u << s;
	set_value(p, (enum setting)s, value, r);
	return !p->failed;
}

static void take_rule(struct parser *p, struct word name, struct emu_fault_rule *r)
{
	uint32_t seen = 0;
	unsigned a = 0;

	while (a < EMU_FAULT_ACTIONS && !is(name, actions[a].name))
		a++;
	if (a == EMU_FAULT_ACTIONS) {
		fail(p, name.at,
		     "unknown fault '%.*s'; known: lose duplicate reorder delay rnr nak revoke "
		     "slow overflow port-down port-up fatal full kill",
		     shown(name), name.at);
		return;
	}
	*r = (struct emu_fault_rule){
		.action = (enum emu_fault_action)a,
		.on = actions[a].usual,
		.opcodes = EMU_FAULT_OP_ALL,
		.until_ns = UINT64_MAX,
		.first = 1,
		.last = UINT64_MAX,
		.every = 1,
		.count = UINT64_MAX,
		.rate = EMU_FAULT_ALWAYS,
		.by = a == EMU_FAULT_REORDER,
		.by_packets = a == EMU_FAULT_REORDER,
	};
	for (skip_blanks(p); !at_separator(p) && !p->failed; skip_blanks(p))
		if (!take_setting(p, r, &seen))
			return;
	finish(p, name.at, seen, r);
}

/* A rule, or "seed=N". */
static void take_statement(struct parser *p, struct emu_fault_plan *plan)
{
	const struct word name = take(p);

	if (is(name, "seed") && p->at < p->end && *p->at == '=') {
		p->at++;
		plan->seed = number(p, take(p), 0, UINT64_MAX);
		skip_blanks(p);
		if (!at_separator(p))
			fail(p, p->at, "seed=N stands alone");
		return;
	}
	if (name.size == 0) {
		fail(p, p->at, "expected the name of a fault");
		return;
	}
	if (plan->nrules == EMU_FAULT_RULES) {
		fail(p, name.at, "more than %d rules", EMU_FAULT_RULES);
		return;
	}
	take_rule(p, name, &plan->rule[plan->nrules]);
	plan->nrules++;
}

int emu_fault_parse(const char *text, size_t size, struct emu_fault_plan *plan,
		    struct emu_fault_error *error)
{
	struct parser p = { .text = text, .at = text, .end = text + size, .error = error };
	struct emu_fault_plan out = { .seed = 1 };

	while (!p.failed) {
		skip_blanks(&p);
		if (p.at == p.end)
			break;
		if (at_separator(&p))
			p.at++;
		else
			take_statement(&p, &out);
	}
	if (p.failed)
		return -EINVAL;
	*plan = out;
	return 0;
}
