/* SPDX-License-Identifier: MIT */
#include "plan.h"
#include "words.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * A recursive descent over words (words.h). A rule is completed (defaults, contradictions) when its
 * last setting has been read.
 */
enum setting {
	SET_ON,
	SET_OPCODE,
	SET_TRANSPORT,
	SET_DIRECTION,
	SET_SLOT,
	SET_QPN,
	SET_CQN,
	SET_SRQN,
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
	SET_COMMAND,
	SET_TYPE,
	SET_REASON,
	SETTINGS,
};

static const char *const setting_names[SETTINGS] = {
	"on",  "opcode", "transport", "direction", "slot", "qpn",    "cqn",   "srqn",
	"psn", "nth",    "every",     "count",     "rate", "after",  "until", "at",
	"by",  "for",    "error",     "command",   "type", "reason",
};

/* Those that on= can name; rnr and at= have theirs without a name. */
static const char *const point_names[EMU_FAULT_READY] = { "packet",     "request", "wqe",
							  "completion", "receive", "command" };

enum { REJ_CONSUMER = 28 }; /* IBA vol 1 table 111 "REJ reason codes" */

#define P(point) (1u << EMU_FAULT_##point)
#define S(setting) (1u << SET_##setting)

enum {
	CHOICE = S(SLOT) | S(QPN) | S(NTH) | S(EVERY) | S(COUNT) | S(RATE) | S(AFTER) | S(UNTIL) |
		 S(OPCODE) | S(TRANSPORT),
	WIRE = CHOICE | S(DIRECTION) | S(PSN),
	EVENT = WIRE | S(ON) | S(AT) | S(CQN) | S(SRQN) | S(COMMAND),
	ASKED = S(SLOT) | S(NTH) | S(EVERY) | S(COUNT) | S(RATE) | S(AFTER) | S(UNTIL) | S(COMMAND),
	RECEIVED = CHOICE | S(SRQN),
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
	[EMU_FAULT_REVOKE] = { "revoke", P(REQUEST) | P(WQE) | P(RECEIVE),
			       RECEIVED | S(PSN) | S(ON), 0, EMU_FAULT_REQUEST },
	[EMU_FAULT_SLOW] = { "slow", P(WQE), CHOICE | S(BY), S(BY), EMU_FAULT_WQE },
	[EMU_FAULT_OVERFLOW] = { "overflow", P(COMPLETION), CHOICE | S(CQN), 0,
				 EMU_FAULT_COMPLETION },
	[EMU_FAULT_LIMIT] = { "limit", P(RECEIVE), RECEIVED, 0, EMU_FAULT_RECEIVE },
	[EMU_FAULT_SRQ_ERROR] = { "srq-error", P(RECEIVE), RECEIVED, 0, EMU_FAULT_RECEIVE },
	[EMU_FAULT_QP_ERROR] = { "qp-error", P(WQE) | P(REQUEST) | P(RECEIVE),
				 RECEIVED | S(PSN) | S(ON), 0, EMU_FAULT_WQE },
	[EMU_FAULT_PORT_DOWN] = { "port-down", ~0u, EVENT, 0, EMU_FAULT_TIME },
	[EMU_FAULT_PORT_UP] = { "port-up", ~0u, EVENT, 0, EMU_FAULT_TIME },
	[EMU_FAULT_FATAL] = { "fatal", ~0u, EVENT, 0, EMU_FAULT_TIME },
	[EMU_FAULT_FULL] = { "full", ~0u, EVENT | S(FOR), S(FOR), EMU_FAULT_TIME },
	[EMU_FAULT_EVENT] = { "event", ~0u, EVENT | S(TYPE), S(TYPE), EMU_FAULT_TIME },
	[EMU_FAULT_FAIL] = { "fail", P(COMMAND), ASKED | S(ERROR), 0, EMU_FAULT_COMMAND },
	[EMU_FAULT_CM_ERROR] = { "cm-error", P(COMMAND),
				 (ASKED & ~S(COMMAND)) | S(TYPE) | S(ERROR) | S(REASON), S(TYPE),
				 EMU_FAULT_COMMAND },
	[EMU_FAULT_CM_EVENT] = { "cm-event", ~0u, EVENT | S(TYPE), S(TYPE), EMU_FAULT_TIME },
	[EMU_FAULT_KILL] = { "kill", ~0u, EVENT, 0, EMU_FAULT_TIME },
};

static const struct emu_word_bits opcodes[] = {
	{ "send", EMU_FAULT_OP_SEND, "opcode" },
	{ "write", EMU_FAULT_OP_WRITE, NULL },
	{ "read", EMU_FAULT_OP_READ, NULL },
	{ "cas", EMU_FAULT_OP_CAS, NULL },
	{ "faa", EMU_FAULT_OP_FAA, NULL },
	{ "nop", EMU_FAULT_OP_NOP, NULL },
	{ "recv", EMU_FAULT_OP_RECV, NULL },
	{ "ack", EMU_FAULT_OP_ACK, NULL },
	{ "nak", EMU_FAULT_OP_NAK, NULL },
	{ "read-response", EMU_FAULT_OP_READ_RESPONSE, NULL },
	{ "atomic-response", EMU_FAULT_OP_ATOMIC_RESPONSE, NULL },
	{ "umr", EMU_FAULT_OP_UMR, NULL },
	{ "request", EMU_FAULT_OP_REQUESTS, NULL },
	{ NULL, 0, NULL },
};

static const struct emu_word_bits transports[] = {
	{ "rc", EMU_FAULT_RC, "transport" },
	{ "uc", EMU_FAULT_UC, NULL },
	{ "ud", EMU_FAULT_UD, NULL },
	{ "xrc", EMU_FAULT_XRC, NULL },
	{ NULL, 0, NULL },
};

#define C(name, command) \
	[EMU_FAULT_##command - 1] = { name, UINT64_C(1) << EMU_FAULT_##command, "command" }

static const struct emu_word_bits commands[EMU_FAULT_COMMANDS] = {
	C("get-context", GET_CONTEXT),
	C("query-device", QUERY_DEVICE),
	C("query-port", QUERY_PORT),
	C("alloc-pd", ALLOC_PD),
	C("dealloc-pd", DEALLOC_PD),
	C("reg-mr", REG_MR),
	C("dereg-mr", DEREG_MR),
	C("advise-mr", ADVISE_MR),
	C("alloc-mw", ALLOC_MW),
	C("dealloc-mw", DEALLOC_MW),
	C("alloc-dm", ALLOC_DM),
	C("free-dm", FREE_DM),
	C("alloc-uar", ALLOC_UAR),
	C("free-uar", FREE_UAR),
	C("create-channel", CREATE_CHANNEL),
	C("create-cq", CREATE_CQ),
	C("modify-cq", MODIFY_CQ),
	C("resize-cq", RESIZE_CQ),
	C("destroy-cq", DESTROY_CQ),
	C("create-srq", CREATE_SRQ),
	C("modify-srq", MODIFY_SRQ),
	C("query-srq", QUERY_SRQ),
	C("destroy-srq", DESTROY_SRQ),
	C("create-qp", CREATE_QP),
	C("modify-qp", MODIFY_QP),
	C("query-qp", QUERY_QP),
	C("open-qp", OPEN_QP),
	C("destroy-qp", DESTROY_QP),
	C("create-ah", CREATE_AH),
	C("destroy-ah", DESTROY_AH),
	C("open-xrcd", OPEN_XRCD),
	C("close-xrcd", CLOSE_XRCD),
	C("attach-mcast", ATTACH_MCAST),
	C("detach-mcast", DETACH_MCAST),
	C("devx", DEVX),
	C("query-context", QUERY_CONTEXT),
	C("query-pd", QUERY_PD),
	C("query-mr", QUERY_MR),
	C("query-dm", QUERY_DM),
	C("alloc-events", ALLOC_EVENTS),
	C("create-id", CREATE_ID),
	C("destroy-id", DESTROY_ID),
	C("bind-addr", BIND_ADDR),
	C("resolve-addr", RESOLVE_ADDR),
	C("resolve-route", RESOLVE_ROUTE),
	C("query-route", QUERY_ROUTE),
	C("connect", CONNECT),
	C("listen", LISTEN),
	C("accept", ACCEPT),
	C("reject", REJECT),
	C("disconnect", DISCONNECT),
	C("init-qp-attr", INIT_QP_ATTR),
	C("get-event", GET_EVENT),
	C("set-option", SET_OPTION),
	C("notify", NOTIFY),
	C("join-multicast", JOIN_MULTICAST),
	C("leave-multicast", LEAVE_MULTICAST),
	C("migrate-id", MIGRATE_ID),
	{ NULL, 0, NULL },
};

static const struct emu_word_bits events[] = {
	{ "lid-change", EMU_FAULT_LID_CHANGE, "type" },
	{ "pkey-change", EMU_FAULT_PKEY_CHANGE, NULL },
	{ "sm-change", EMU_FAULT_SM_CHANGE, NULL },
	{ "client-reregister", EMU_FAULT_CLIENT_REREGISTER, NULL },
	{ "gid-change", EMU_FAULT_GID_CHANGE, NULL },
	{ NULL, 0, NULL },
};

static const struct emu_word_bits cm_events[] = {
	{ "disconnected", EMU_FAULT_DISCONNECTED, "type" },
	{ "device-removal", EMU_FAULT_DEVICE_REMOVAL, NULL },
	{ "addr-change", EMU_FAULT_ADDR_CHANGE, NULL },
	{ NULL, 0, NULL },
};

static const char *const cm_error_names[EMU_FAULT_CM_ERRORS] = { "addr-error", "route-error",
								 "unreachable", "rejected",
								 "multicast-error" };

/* Each in the place of what this command leads to. */
static const enum emu_fault_command cm_error_commands[EMU_FAULT_CM_ERRORS] = {
	EMU_FAULT_RESOLVE_ADDR, EMU_FAULT_RESOLVE_ROUTE, EMU_FAULT_CONNECT, EMU_FAULT_CONNECT,
	EMU_FAULT_JOIN_MULTICAST
};

static const char *const error_names[] = {
	"ENOMEM",     "EAGAIN",       "EBUSY",      "EFAULT",     "EINVAL",        "EIO",
	"ENOENT",     "ENOSPC",       "EPERM",      "EACCES",     "EMFILE",        "EINTR",
	"ENODEV",     "ETIMEDOUT",    "EOPNOTSUPP", "EADDRINUSE", "EADDRNOTAVAIL", "ECONNREFUSED",
	"ECONNRESET", "EHOSTUNREACH", "ENETUNREACH"
};
static const int errors[] = { ENOMEM,     EAGAIN,        EBUSY,        EFAULT,     EINVAL,
			      EIO,        ENOENT,        ENOSPC,       EPERM,      EACCES,
			      EMFILE,     EINTR,         ENODEV,       ETIMEDOUT,  EOPNOTSUPP,
			      EADDRINUSE, EADDRNOTAVAIL, ECONNREFUSED, ECONNRESET, EHOSTUNREACH,
			      ENETUNREACH };
static_assert(sizeof(error_names) / sizeof(*error_names) == sizeof(errors) / sizeof(*errors),
	      "a number for each name");

const char *emu_fault_action_name(enum emu_fault_action action)
{
	return actions[action].name;
}

static_assert(EMU_FAULT_COMMANDS <= 64, "a bit for each");

const char *emu_fault_command_name(enum emu_fault_command command)
{
	return commands[command - 1].name;
}

void emu_fault_error_print(const struct emu_fault_error *error, char *out, size_t size)
{
	snprintf(out, size, "line %u, column %u: %s", error->line, error->column, error->text);
}

/* ---- rules ---- */

static void set_by(struct emu_plan_parser *p, struct emu_word w, struct emu_fault_rule *r)
{
	if (r->action != EMU_FAULT_REORDER) {
		r->by = emu_word_duration(p, w);
		return;
	}
	r->by = emu_word_number(p, w, 1, 1000);
}

static void set_on(struct emu_plan_parser *p, struct emu_word w, struct emu_fault_rule *r)
{
	r->on = (enum emu_fault_point)emu_word_choice(p, w, point_names, EMU_FAULT_READY);
	if (!p->failed && !(actions[r->action].points & 1u << r->on))
		emu_plan_fail(p, w.at, "'%s' cannot happen on a %s", actions[r->action].name,
			      point_names[r->on]);
}

/* Of a negative acknowledge, or of a command. */
static void set_error(struct emu_plan_parser *p, struct emu_word w, struct emu_fault_rule *r)
{
	static const char *const naks[] = { "operation", "access", "request" };

	if (r->action == EMU_FAULT_NAK)
		r->nak = (enum emu_fault_nak)emu_word_choice(p, w, naks, 3);
	else
		r->error =
			errors[emu_word_choice(p, w, error_names, sizeof(errors) / sizeof(*errors))];
}

static void set_type(struct emu_plan_parser *p, struct emu_word w, struct emu_fault_rule *r)
{
	if (r->action != EMU_FAULT_CM_ERROR) {
		r->events = (uint32_t)emu_word_list(
			p, w, r->action == EMU_FAULT_CM_EVENT ? cm_events : events);
		return;
	}
	r->cm_error =
		(enum emu_fault_cm_error)emu_word_choice(p, w, cm_error_names, EMU_FAULT_CM_ERRORS);
	r->commands = UINT64_C(1) << cm_error_commands[r->cm_error];
}

/* Which events: what they are about. */
static void set_selection(struct emu_plan_parser *p, enum setting s, struct emu_word w,
			  struct emu_fault_rule *r)
{
	static const char *const directions[] = { "out", "in" };

	switch (s) {
	case SET_OPCODE:
		r->opcodes = (uint32_t)emu_word_list(p, w, opcodes);
		break;
	case SET_DIRECTION:
		r->in = emu_word_choice(p, w, directions, 2);
		break;
	case SET_SLOT:
		r->slot = (uint32_t)emu_word_number(p, w, 1, 254);
		break;
	case SET_QPN:
		r->qpn = (uint32_t)emu_word_number(p, w, 0, 0xffffff);
		r->has_qpn = true;
		break;
	case SET_TRANSPORT:
		r->transports = (uint32_t)emu_word_list(p, w, transports);
		break;
	case SET_CQN:
		r->cqn = (uint32_t)emu_word_number(p, w, 1, 0xffffff);
		break;
	case SET_SRQN:
		r->srqn = (uint32_t)emu_word_number(p, w, 1, 0xffffff);
		break;
	case SET_PSN:
		r->psn = (uint32_t)emu_word_number(p, w, 0, 0xffffff);
		r->has_psn = true;
		break;
	case SET_COMMAND:
		r->commands = emu_word_list(p, w, commands);
		break;
	default:
		break;
	}
}

static void set_value(struct emu_plan_parser *p, enum setting s, struct emu_word w,
		      struct emu_fault_rule *r)
{
	switch (s) {
	case SET_ON:
		set_on(p, w, r);
		break;
	case SET_NTH:
		emu_word_range(p, w, r);
		break;
	case SET_EVERY:
		r->every = emu_word_number(p, w, 1, UINT32_MAX);
		break;
	case SET_COUNT:
		r->count = emu_word_number(p, w, 1, UINT32_MAX);
		break;
	case SET_RATE:
		r->rate = emu_word_rate(p, w);
		break;
	case SET_AFTER:
		r->after_ns = emu_word_duration(p, w);
		break;
	case SET_UNTIL:
		r->until_ns = emu_word_duration(p, w);
		break;
	case SET_AT:
		r->at_ns = emu_word_duration(p, w);
		break;
	case SET_BY:
		set_by(p, w, r);
		break;
	case SET_FOR:
		r->for_ns = emu_word_duration(p, w);
		break;
	case SET_ERROR:
		set_error(p, w, r);
		break;
	case SET_TYPE:
		set_type(p, w, r);
		break;
	case SET_REASON:
		r->reason = (uint32_t)emu_word_number(p, w, 1, UINT16_MAX);
		break;
	default:
		set_selection(p, s, w, r);
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
		return EMU_FAULT_OP_REQUESTS | EMU_FAULT_OP_NOP | EMU_FAULT_OP_UMR;
	case EMU_FAULT_COMPLETION:
		return EMU_FAULT_OP_REQUESTS | EMU_FAULT_OP_NOP | EMU_FAULT_OP_UMR |
		       EMU_FAULT_OP_RECV;
	case EMU_FAULT_RECEIVE:
		return EMU_FAULT_OP_RECV;
	case EMU_FAULT_COMMAND:
		return 0;
	default:
		return EMU_FAULT_OP_ALL &
		       ~(uint32_t)(EMU_FAULT_OP_NOP | EMU_FAULT_OP_UMR | EMU_FAULT_OP_RECV);
	}
}

/* What only shows when the whole rule is known. */
static void finish(struct emu_plan_parser *p, const char *where, uint32_t seen,
		   struct emu_fault_rule *r)
{
	const uint32_t required = actions[r->action].required & ~seen;
	/* Whatever counts or selects needs something to count: packets, unless told otherwise. */
	const uint32_t selects = WIRE & ~S(SLOT);

	for (unsigned s = 0; s < SETTINGS; s++)
		if (required & 1u << s)
			emu_plan_fail(p, where, "'%s' needs %s=", actions[r->action].name,
				      setting_names[s]);
	if (!(seen & S(ON)) && r->on == EMU_FAULT_TIME && (seen & S(COMMAND)))
		r->on = EMU_FAULT_COMMAND;
	if (!(seen & S(ON)) && r->on == EMU_FAULT_TIME && (seen & selects))
		r->on = EMU_FAULT_PACKET;
	if ((seen & S(AT)) && (seen & (selects | S(ON) | S(COMMAND))))
		emu_plan_fail(p, where, "at= is a moment: only slot= goes with it");
	if ((seen & S(DIRECTION)) && r->on != EMU_FAULT_PACKET)
		emu_plan_fail(p, where, "direction= is of packets");
	if ((seen & S(COMMAND)) && r->on != EMU_FAULT_COMMAND)
		emu_plan_fail(p, where, "command= is of commands");
	if ((seen & (S(TRANSPORT) | S(QPN))) && r->on == EMU_FAULT_COMMAND)
		emu_plan_fail(p, where, "a command has no transport and no queue pair here");
	if ((seen & S(CQN)) && r->on != EMU_FAULT_COMPLETION)
		emu_plan_fail(p, where, "cqn= is of completions");
	if ((seen & S(SRQN)) && r->on != EMU_FAULT_RECEIVE)
		emu_plan_fail(p, where, "srqn= is of receives");
	if ((seen & S(PSN)) && r->on != EMU_FAULT_PACKET && r->on != EMU_FAULT_REQUEST &&
	    r->on != EMU_FAULT_READY)
		emu_plan_fail(p, where, "psn= is of packets and requests");
	if ((seen & S(REASON)) && r->cm_error != EMU_FAULT_REJECTED)
		emu_plan_fail(p, where, "reason= is of type=rejected");
	if ((seen & S(ERROR)) && r->cm_error == EMU_FAULT_REJECTED)
		emu_plan_fail(p, where, "a rejection has reason= and not error=");
	if (r->until_ns <= r->after_ns)
		emu_plan_fail(p, where, "until= is not later than after=");
	if ((seen & S(OPCODE)) && !(r->opcodes & opcodes_at(r->on)))
		emu_plan_fail(p, where, "'%s' never meets these opcodes here",
			      actions[r->action].name);
}

static bool take_setting(struct emu_plan_parser *p, struct emu_fault_rule *r, uint32_t *seen)
{
	const struct emu_word name = emu_plan_take(p);
	struct emu_word value;
	unsigned s = 0;

	if (name.size == 0 || p->at == p->end || *p->at != '=') {
		emu_plan_fail(p, name.at, "expected setting=value, found '%.*s'",
			      emu_word_shown(name), name.at);
		return false;
	}
	p->at++;
	value = emu_plan_take(p);
	while (s < SETTINGS && !emu_word_is(name, setting_names[s]))
		s++;
	if (s == SETTINGS || !(actions[r->action].settings & 1u << s)) {
		emu_plan_fail(p, name.at, "%s setting '%.*s'%s%s", s == SETTINGS ? "unknown" : "no",
			      emu_word_shown(name), name.at, s == SETTINGS ? "" : " for ",
			      s == SETTINGS ? "" : actions[r->action].name);
		return false;
	}
	if (*seen & 1u << s) {
		emu_plan_fail(p, name.at, "'%.*s' is given twice", emu_word_shown(name), name.at);
		return false;
	}
	*seen |= 1u << s;
	set_value(p, (enum setting)s, value, r);
	return !p->failed;
}

/* rdma-core takes for granted that a page is taken back (mlx5_free_uar()), as kernels always do. */
static const uint64_t any_command = ~(UINT64_C(1) << EMU_FAULT_FREE_UAR);

static void take_rule(struct emu_plan_parser *p, struct emu_word name, struct emu_fault_rule *r)
{
	uint32_t seen = 0;
	unsigned a = 0;

	while (a < EMU_FAULT_ACTIONS && !emu_word_is(name, actions[a].name))
		a++;
	if (a == EMU_FAULT_ACTIONS) {
		emu_plan_fail(
			p, name.at,
			"unknown fault '%.*s'; known: lose duplicate reorder delay rnr nak revoke "
			"slow overflow limit srq-error qp-error port-down port-up fatal full kill "
			"event fail cm-error cm-event",
			emu_word_shown(name), name.at);
		return;
	}
	*r = (struct emu_fault_rule){
		.action = (enum emu_fault_action)a,
		.on = actions[a].usual,
		.opcodes = EMU_FAULT_OP_ALL,
		.transports = EMU_FAULT_TRANSPORTS,
		.commands = any_command,
		.error = a == EMU_FAULT_CM_ERROR ? ETIMEDOUT : ENOMEM,
		.reason = REJ_CONSUMER,
		.until_ns = UINT64_MAX,
		.first = 1,
		.last = UINT64_MAX,
		.every = 1,
		.count = UINT64_MAX,
		.rate = EMU_FAULT_ALWAYS,
		.by = a == EMU_FAULT_REORDER,
	};
	for (emu_plan_skip_blanks(p); !emu_plan_at_separator(p) && !p->failed;
	     emu_plan_skip_blanks(p))
		if (!take_setting(p, r, &seen))
			return;
	finish(p, name.at, seen, r);
}

/* A rule, or "seed=N". */
static void take_statement(struct emu_plan_parser *p, struct emu_fault_plan *plan)
{
	const struct emu_word name = emu_plan_take(p);

	if (emu_word_is(name, "seed") && p->at < p->end && *p->at == '=') {
		p->at++;
		plan->seed = emu_word_number(p, emu_plan_take(p), 0, UINT64_MAX);
		emu_plan_skip_blanks(p);
		if (!emu_plan_at_separator(p))
			emu_plan_fail(p, p->at, "seed=N stands alone");
		return;
	}
	if (name.size == 0) {
		emu_plan_fail(p, p->at, "expected the name of a fault");
		return;
	}
	if (plan->nrules == EMU_FAULT_RULES) {
		emu_plan_fail(p, name.at, "more than %d rules", EMU_FAULT_RULES);
		return;
	}
	take_rule(p, name, &plan->rule[plan->nrules]);
	plan->nrules++;
}

int emu_fault_parse(const char *text, size_t size, struct emu_fault_plan *plan,
		    struct emu_fault_error *error)
{
	struct emu_plan_parser p = { .text = text, .at = text, .end = text + size, .error = error };
	struct emu_fault_plan out = { .seed = 1 };

	while (!p.failed) {
		emu_plan_skip_blanks(&p);
		if (p.at == p.end)
			break;
		if (emu_plan_at_separator(&p))
			p.at++;
		else
			take_statement(&p, &out);
	}
	if (p.failed)
		return -EINVAL;
	*plan = out;
	return 0;
}
