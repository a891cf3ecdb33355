/* SPDX-License-Identifier: MIT */
/*
 * A side: one user of the public API, in this process or in another one.
 *
 * A test never calls bareverbs for a side itself. It describes what the side shall do in a plain
 * request; local.c does it, and for a side in another process remote.c carries request and reply
 * over a socket to a server that runs the same local.c. So each test is written once and proves the
 * same thing in one process and across two.
 *
 * The memory of a side is one arena. Its first half is for end A of a link and the second for end
 * B, so that both ends may live on one side. Memory is named by offset, never by address.
 */
#ifndef TESTS_CONFORM_SIDE_H
#define TESTS_CONFORM_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <bareverbs/bareverbs.h>

enum {
	ARENA_BYTES = 8 << 20,
	ARENA_HALF = ARENA_BYTES / 2,
	GUARD_BYTES = 64,
	MAX_PIECES = 32,
	MAX_CHANNELS = 20,
	MAX_MRS = 8,
	MAX_REAP = 64,
	TEXT_BYTES = BV_ERRINFO_TEXT_MAX,
};

/* Protection domains of a side: that of its channels, and one that no channel uses. */
enum {
	PD_MAIN,
	PD_OTHER,
	PD_COUNT,
};

/* MR 0 is the whole arena, shared; the others are a test's own. */
#define MR_ARENA 0u

enum op {
	OP_SEND,
	OP_SEND_IMM,
	OP_SEND_INLINE,
	OP_SEND_INLINE_IMM,
	OP_WRITE,
	OP_WRITE_IMM,
	OP_WRITE_INLINE,
	OP_WRITE_INLINE_IMM,
	OP_READ,
	OP_RECV,
	OP_COUNT,
};

bool op_is_send(enum op op);
bool op_is_write(enum op op);
bool op_is_inline(enum op op);
bool op_has_imm(enum op op);
/* Whether it takes a receive of the peer. */
bool op_takes_recv(enum op op);
const char *op_name(enum op op);

/* @offset counts from the start of @mr's memory; @mr may be one that was released (a stale key). */
struct piece {
	uint64_t offset;
	uint32_t length;
	uint32_t mr;
};

struct list {
	unsigned n;
	struct piece piece[MAX_PIECES];
};

struct post {
	enum op op;
	unsigned flags;
	uint32_t imm;
	bool unchecked; /* bv_post_write_unchecked() */
	struct bv_remote remote;
	struct list list;
};

/* The bytes of a pattern depend on its seed and their position; SEED_GUARD is one constant byte. */
#define SEED_GUARD 0u

enum recover {
	RECOVER_DRAIN,
	RECOVER_RESET,
	RECOVER_CLOSE,
	RECOVER_PROBE,
};

struct side_state {
	enum bv_channel_state state;
	int failed;
	struct bv_wc error;
	uint64_t flushed;
	struct bv_channel_info info;
	char text[TEXT_BYTES]; /* bv_error_text(channel) */
};

struct local;

struct side {
	struct local *local;   /* set in this process, else NULL */
	int fd;                /* of the server; -1 in this process */
	pid_t pid;             /* 0: in this process, or on another host */
	char text[TEXT_BYTES]; /* bv_last_error() after a refused request, or what a check found */
	struct bv_remote arena;
	/* The handles that the next posts of each channel shall return. */
	int64_t next_send[MAX_CHANNELS];
	int64_t next_recv[MAX_CHANNELS];
};

/* A side in this process, or in a new one, here or on the other host (remote.h). 0 or -errno. */
int side_start_local(struct side *side);
int side_start_process(struct side *side, const char *program);
/*
 * Ends a side: false if its process did not end well (a sanitizer's findings end it badly).
 * side_kill() gives it no chance to.
 */
bool side_stop(struct side *side);
void side_kill(struct side *side);
/* Whether its process is still there, as far as its socket tells. */
bool side_alive(const struct side *side);
/* What the server process runs until its socket closes; its exit status. */
int side_serve(int fd);

/* The rest returns what the call of the library returned, and -EPIPE if the process is gone. */
int side_open(struct side *side, const char *device, const char *provider);
/* Destroys all channels and the test's own regions; the device stays open. */
void side_reset(struct side *side);
int side_reg(struct side *side, unsigned mr, unsigned pd, uint64_t offset, uint64_t length,
	     unsigned access, struct bv_remote *remote);
/* A region with memory of its own, not in the arena; side_unmap() takes the memory away from it. */
int side_reg_own(struct side *side, unsigned mr, uint64_t length, unsigned access,
		 struct bv_remote *remote);
int side_unmap(struct side *side, unsigned mr);
/* Releases the region; its keys stay usable in pieces, as a program's mistake would. */
int side_dereg(struct side *side, unsigned mr);
int side_create(struct side *side, unsigned slot, const struct bv_channel_attr *attr,
		struct bv_endpoint *ep);
int side_connect(struct side *side, unsigned slot, const struct bv_endpoint *peer);
int side_destroy(struct side *side, unsigned slot);
/* bv_channel_drain, _reset (then @ep is the new endpoint), _close, _probe */
int side_recover(struct side *side, unsigned slot, enum recover what, int64_t timeout_ns,
		 struct bv_endpoint *ep);
int64_t side_post(struct side *side, unsigned slot, const struct post *post);
/*
 * Polls until @count (<= MAX_REAP) completions of the queue came or the time is over: how many, or
 * -errno. @recv chooses the queue.
 */
int side_reap(struct side *side, unsigned slot, bool recv, unsigned count, int64_t timeout_ns,
	      struct bv_wc *wc);
int side_test(struct side *side, unsigned slot, int64_t work, struct bv_wc *wc);
int side_wait(struct side *side, unsigned slot, int64_t work, int64_t timeout_ns, struct bv_wc *wc);
int side_state(struct side *side, unsigned slot, struct side_state *state);
/* The pattern over the pieces as one stream, and guards of GUARD_BYTES around each piece. */
int side_fill(struct side *side, const struct list *list, uint32_t seed);
/*
 * 0: the first @length bytes of the pieces hold the pattern, their rest and all guards are
 * untouched; -EILSEQ: side->text tells where they are not.
 */
int side_check(struct side *side, const struct list *list, uint32_t seed, uint64_t length);
/* flow.h: the passive end's share of a batch, before and after the active end's works. */
int side_flow_prepare(struct side *side, unsigned slot, uint64_t base, uint64_t first, unsigned n);
int side_flow_verify(struct side *side, unsigned slot, uint64_t base, uint64_t first, unsigned n);

#endif
