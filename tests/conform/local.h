/* SPDX-License-Identifier: MIT */
/*
 * What a side does, in the process where it does it. Requests and replies are plain memory, so that
 * remote.c can carry them.
 */
#ifndef TESTS_CONFORM_LOCAL_H
#define TESTS_CONFORM_LOCAL_H

#include "side.h"

enum command {
	CMD_OPEN,
	CMD_RESET,
	CMD_REG,
	CMD_REG_OWN,
	CMD_UNMAP,
	CMD_DEREG,
	CMD_CREATE,
	CMD_CONNECT,
	CMD_DESTROY,
	CMD_RECOVER,
	CMD_POST,
	CMD_REAP,
	CMD_TEST,
	CMD_WAIT,
	CMD_STATE,
	CMD_FILL,
	CMD_CHECK,
	CMD_FLOW_PREPARE,
	CMD_FLOW_VERIFY,
	CMD_DIE,
	CMD_COUNT,
};

struct request {
	enum command command;
	unsigned slot;
	union {
		struct {
			char device[64];
			char provider[32];
		} open;
		struct {
			uint32_t mr, pd;
			uint64_t offset, length;
			uint32_t access;
		} reg;
		struct {
			struct bv_channel_attr attr;
			/* As the command line of that side has it, which may run on another host. */
			bool own_port, own_gid;
		} create;
		struct bv_endpoint endpoint;
		struct post post;
		struct {
			uint32_t recv, count;
			int64_t timeout_ns;
		} reap;
		struct {
			int64_t work, timeout_ns;
		} work;
		struct {
			enum recover what;
			int64_t timeout_ns;
		} recover;
		struct {
			struct list list;
			uint32_t seed;
			uint64_t length;
		} memory;
		struct {
			uint64_t base, first;
			uint32_t n;
		} flow;
	};
};

struct reply {
	int64_t rc;
	union {
		struct bv_remote remote;
		struct bv_endpoint endpoint;
		struct bv_wc wc[MAX_REAP];
		struct side_state state;
	};
	char text[TEXT_BYTES];
};

struct local_mr {
	struct bv_mr *mr;
	struct bv_mr keys; /* outlives the registration */
	uint8_t *base;     /* what offsets count from */
	size_t mapped;     /* bytes of memory of its own, 0 in the arena */
};

struct local {
	struct bv_device *dev;
	struct bv_pd *pd[PD_COUNT];
	struct local_mr mr[MAX_MRS];
	struct bv_channel *ch[MAX_CHANNELS];
	uint8_t *arena;
};

struct local *local_new(void);
void local_free(struct local *local);
void local_execute(struct local *local, const struct request *req, struct reply *rep);

/* Parts of local_execute() that other files hold. */
int64_t local_post(struct local *local, unsigned slot, const struct post *post);
int local_reap(struct local *local, unsigned slot, bool recv, unsigned count, int64_t timeout_ns,
	       struct bv_wc *wc);

#endif
