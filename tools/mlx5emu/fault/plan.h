/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_FAULT_PLAN_H
#define MLX5EMU_FAULT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A fault plan: text in, rules out. docs/mlx5emu.1.md has the grammar; this is its only parser, used
 * by the launcher (to refuse a bad plan before anything runs) and by the device.
 *
 * Nothing here knows the engine: opcodes and points are bits of their own.
 */

enum {
	EMU_FAULT_RULES = 64,
	EMU_FAULT_ERROR_TEXT = 320,
	EMU_FAULT_ALWAYS = 1000000, /* rate: parts per million */
};

enum emu_fault_action {
	EMU_FAULT_LOSE,
	EMU_FAULT_DUPLICATE,
	EMU_FAULT_REORDER,
	EMU_FAULT_DELAY,
	EMU_FAULT_RNR,
	EMU_FAULT_NAK,
	EMU_FAULT_REVOKE,
	EMU_FAULT_SLOW,
	EMU_FAULT_OVERFLOW,
	EMU_FAULT_LIMIT,
	EMU_FAULT_SRQ_ERROR,
	EMU_FAULT_QP_ERROR,
	EMU_FAULT_PORT_DOWN,
	EMU_FAULT_PORT_UP,
	EMU_FAULT_FATAL,
	EMU_FAULT_FULL,
	EMU_FAULT_KILL,
	EMU_FAULT_EVENT,
	EMU_FAULT_FAIL,
	EMU_FAULT_CM_ERROR,
	EMU_FAULT_CM_EVENT,
	EMU_FAULT_ACTIONS,
};

/* Where the device asks the plan. */
enum emu_fault_point {
	EMU_FAULT_PACKET,     /* a packet leaves or arrives */
	EMU_FAULT_REQUEST,    /* a responder is about to begin a request in sequence */
	EMU_FAULT_WQE,        /* a send WQE was fetched */
	EMU_FAULT_COMPLETION, /* a CQE is about to be written */
	EMU_FAULT_RECEIVE,    /* a receive WQE was taken */
	EMU_FAULT_COMMAND,    /* the program asks the kernel for something */
	EMU_FAULT_READY,      /* a responder is about to answer a request that may have to wait */
	EMU_FAULT_TIME,       /* a moment of the device's clock */
	EMU_FAULT_POINTS,
};

/* What a packet, WQE or completion is about; bits. */
enum {
	EMU_FAULT_OP_SEND = 1 << 0,
	EMU_FAULT_OP_WRITE = 1 << 1,
	EMU_FAULT_OP_READ = 1 << 2,
	EMU_FAULT_OP_CAS = 1 << 3,
	EMU_FAULT_OP_FAA = 1 << 4,
	EMU_FAULT_OP_NOP = 1 << 5,  /* WQEs only */
	EMU_FAULT_OP_RECV = 1 << 6, /* completions and receives only */
	EMU_FAULT_OP_ACK = 1 << 7,
	EMU_FAULT_OP_NAK = 1 << 8,
	EMU_FAULT_OP_READ_RESPONSE = 1 << 9,
	EMU_FAULT_OP_ATOMIC_RESPONSE = 1 << 10,
	EMU_FAULT_OP_REQUESTS = EMU_FAULT_OP_SEND | EMU_FAULT_OP_WRITE | EMU_FAULT_OP_READ |
				EMU_FAULT_OP_CAS | EMU_FAULT_OP_FAA,
	EMU_FAULT_OP_UMR = 1 << 11, /* WQEs only: bindings of windows, other work on keys */
	EMU_FAULT_OP_ALL = (1 << 12) - 1,
};

/* Of the queue pair; bits. */
enum {
	EMU_FAULT_RC = 1 << 0,
	EMU_FAULT_UC = 1 << 1,
	EMU_FAULT_UD = 1 << 2,
	EMU_FAULT_XRC = 1 << 3,
	EMU_FAULT_TRANSPORTS = (1 << 4) - 1,
};

/* What a program asks the kernel for, however it does. A rule has a bit for each. */
enum emu_fault_command {
	EMU_FAULT_NO_COMMAND, /* no command of a table is this one */
	EMU_FAULT_GET_CONTEXT,
	EMU_FAULT_QUERY_DEVICE,
	EMU_FAULT_QUERY_PORT,
	EMU_FAULT_ALLOC_PD,
	EMU_FAULT_DEALLOC_PD,
	EMU_FAULT_REG_MR,
	EMU_FAULT_DEREG_MR,
	EMU_FAULT_ADVISE_MR,
	EMU_FAULT_ALLOC_MW,
	EMU_FAULT_DEALLOC_MW,
	EMU_FAULT_ALLOC_DM,
	EMU_FAULT_FREE_DM,
	EMU_FAULT_ALLOC_UAR,
	EMU_FAULT_FREE_UAR,
	EMU_FAULT_CREATE_CHANNEL,
	EMU_FAULT_CREATE_CQ,
	EMU_FAULT_MODIFY_CQ,
	EMU_FAULT_RESIZE_CQ,
	EMU_FAULT_DESTROY_CQ,
	EMU_FAULT_CREATE_SRQ,
	EMU_FAULT_MODIFY_SRQ,
	EMU_FAULT_QUERY_SRQ,
	EMU_FAULT_DESTROY_SRQ,
	EMU_FAULT_CREATE_QP,
	EMU_FAULT_MODIFY_QP,
	EMU_FAULT_QUERY_QP,
	EMU_FAULT_OPEN_QP,
	EMU_FAULT_DESTROY_QP,
	EMU_FAULT_CREATE_AH,
	EMU_FAULT_DESTROY_AH,
	EMU_FAULT_OPEN_XRCD,
	EMU_FAULT_CLOSE_XRCD,
	EMU_FAULT_ATTACH_MCAST,
	EMU_FAULT_DETACH_MCAST,
	EMU_FAULT_DEVX,
	EMU_FAULT_QUERY_CONTEXT,
	EMU_FAULT_QUERY_PD,
	EMU_FAULT_QUERY_MR,
	EMU_FAULT_QUERY_DM,
	EMU_FAULT_ALLOC_EVENTS,
	/* ... of the connection manager */
	EMU_FAULT_CREATE_ID,
	EMU_FAULT_DESTROY_ID,
	EMU_FAULT_BIND_ADDR,
	EMU_FAULT_RESOLVE_ADDR,
	EMU_FAULT_RESOLVE_ROUTE,
	EMU_FAULT_QUERY_ROUTE,
	EMU_FAULT_CONNECT,
	EMU_FAULT_LISTEN,
	EMU_FAULT_ACCEPT,
	EMU_FAULT_REJECT,
	EMU_FAULT_DISCONNECT,
	EMU_FAULT_INIT_QP_ATTR,
	EMU_FAULT_GET_EVENT,
	EMU_FAULT_SET_OPTION,
	EMU_FAULT_NOTIFY,
	EMU_FAULT_JOIN_MULTICAST,
	EMU_FAULT_LEAVE_MULTICAST,
	EMU_FAULT_MIGRATE_ID,
	EMU_FAULT_COMMANDS,
};

/* What the network answers to a command of the connection manager that would have had success. */
enum emu_fault_cm_error {
	EMU_FAULT_ADDR_ERROR,
	EMU_FAULT_ROUTE_ERROR,
	EMU_FAULT_UNREACHABLE,
	EMU_FAULT_REJECTED,
	EMU_FAULT_MULTICAST_ERROR,
	EMU_FAULT_CM_ERRORS,
};

/* What comes to connections by itself; bits. */
enum {
	EMU_FAULT_DISCONNECTED = 1 << 0,
	EMU_FAULT_DEVICE_REMOVAL = 1 << 1,
	EMU_FAULT_ADDR_CHANGE = 1 << 2,
};

/* Events of a port that change nothing; bits. */
enum {
	EMU_FAULT_LID_CHANGE = 1 << 0,
	EMU_FAULT_PKEY_CHANGE = 1 << 1,
	EMU_FAULT_SM_CHANGE = 1 << 2,
	EMU_FAULT_CLIENT_REREGISTER = 1 << 3,
	EMU_FAULT_GID_CHANGE = 1 << 4,
};

enum emu_fault_nak {
	EMU_FAULT_NAK_OPERATION,
	EMU_FAULT_NAK_ACCESS,
	EMU_FAULT_NAK_REQUEST,
};

struct emu_fault_rule {
	enum emu_fault_action action;
	enum emu_fault_point on;

	/* Selection: all of these hold. */
	uint32_t opcodes;    /* EMU_FAULT_OP_* */
	uint32_t transports; /* EMU_FAULT_RC... */
	uint32_t cqn, srqn;  /* 0 = any */
	uint64_t commands;   /* 1 << EMU_FAULT_GET_CONTEXT... */
	bool in;             /* packets: arriving, not leaving */
	bool has_qpn, has_psn;
	uint32_t slot; /* 0 = any process */
	uint32_t qpn, psn;
	uint64_t after_ns, until_ns; /* since the plan took effect */

	/* Of the selected ones: numbers first..last, every so many, by chance, at most count. */
	uint64_t first, last, every, count;
	uint32_t rate;

	/* What is done. */
	uint64_t by;     /* ns; of reorder: packets */
	uint64_t for_ns; /* full */
	uint64_t at_ns;  /* on == EMU_FAULT_TIME */
	enum emu_fault_nak nak;
	uint32_t events; /* EMU_FAULT_LID_CHANGE..., or of cm-event EMU_FAULT_DISCONNECTED... */
	int error;       /* fail, cm-error: an errno */
	enum emu_fault_cm_error cm_error;
	uint32_t reason; /* cm-error: of a rejection */
};

struct emu_fault_plan {
	uint64_t seed;
	unsigned nrules;
	struct emu_fault_rule rule[EMU_FAULT_RULES];
};

struct emu_fault_error {
	unsigned line, column; /* from 1 */
	char text[EMU_FAULT_ERROR_TEXT];
};

/*
 * 0, or -EINVAL with what is wrong and where. @text needs no end mark; a zero byte in it is an
 * error. An empty plan is one without rules.
 */
int emu_fault_parse(const char *text, size_t size, struct emu_fault_plan *plan,
		    struct emu_fault_error *error);

/* "line 1, column 7: unknown setting 'rat'". Always terminated. */
void emu_fault_error_print(const struct emu_fault_error *error, char *out, size_t size);

const char *emu_fault_action_name(enum emu_fault_action action);
const char *emu_fault_command_name(enum emu_fault_command command);

#endif
