/* SPDX-License-Identifier: MIT */
/*
 * The one contract between core and the providers.
 *
 * A provider is one const struct bv_provider (cold) and a few const struct bv_channel_ops (hot,
 * declared in work.h), and is named in core/registry.c. Core owns devices, pds, regions, the QP's
 * state changes, endpoints, negotiation, waiting and texts: all of it is the same libibverbs for
 * every provider, so it exists once. A provider owns what differs: how a context is opened, how the
 * queues are made, and every instruction of posting and polling.
 *
 * Core validates what it hands down (attributes, list lengths, transfer sizes, flags); providers
 * assert it, and check only credits. Providers call no function of core, except the inlines and
 * refusal stubs of this file.
 *
 * Life of a channel:
 *	channel_create(params)	the provider allocates its struct with struct bv_channel first,
 *				makes CQs and QP (RESET), fills qp, data_path and the three tables;
 *				core then fills limits and the result ring, moves the QP to INIT
 *				and sets ch->ops = prepared
 *	(connect)		core moves the QP to RTR and RTS, then sets ch->ops = ready
 *	bvi_channel_failed()	the provider met an error completion: ch->ops = error
 *	channel_reset(ch)	core has moved the QP to RESET: the provider forgets all works and
 *				starts its rings anew; core then goes on as after channel_create
 *	channel_destroy(ch)	the provider destroys QP, CQs, thread domain, its struct; core has
 *				nothing of it afterwards
 */
#ifndef BV_CORE_PROVIDER_H
#define BV_CORE_PROVIDER_H

#include <infiniband/verbs.h>

#include <bareverbs/channel.h>
#include <bareverbs/diagnosis.h>
#include <bareverbs/error.h>
#include <bareverbs/memory.h>
#include <bareverbs/wake.h>
#include <bareverbs/work.h>

/*
 * The hot table, struct bv_channel_ops, slot by slot. No slot is ever NULL. All run on the
 * channel's thread, hold no lock, allocate nothing and enter no kernel.
 *
 * post_*: ch->sq_posted is the number of the new work. If sq_posted - sq_done == max_send: return
 *	-EAGAIN, nothing changed. Else the work is the device's before the slot returns (doorbell
 *	rung), sq_posted has grown by one, and the old value is returned. sg[] may be reused at
 *	once; the memory it names belongs to the device until the completion is polled. Elements of
 *	length 0 move nothing (a data segment with byte count 0 would mean 2 GiB on mlx5).
 *	flags: BV_UNSIGNALED asks for no completion; the provider signals all the same at least once
 *	every max_send / 2 works, rounded up, so that credits always come back.
 * post_recv: the same with rq_*; returns the number | BV_WORK_RECV. Allowed from INIT on.
 *	BV_MORE: the doorbell may wait until a post without it, or flush; the provider rings by itself
 *	when the queue is full.
 * post_fetch_add, post_compare_swap: the same; the result is one element of eight bytes.
 * flush: rings for works posted with BV_MORE, if any wait; in every state. 0 or -errno: then the
 *	works that the driver did not take are withdrawn, and sq_posted is as before their posts.
 * arm: the next completion of each queue in @queues (BV_WAKE_*, at least one of the two) after those
 *	that poll has taken raises an event of its completion channel; 0 or -errno. Only called if the channel has wakeups.
 * poll_send: up to max (>= 1) completions into wc[]. A success of work n sets sq_done = n + 1
 *	(unsignaled ones before it are done); an error likewise, and goes through
 *	bvi_channel_failed(). Every field of wc[] is written.
 * poll_recv: likewise for receives, one completion each; also stores the result with
 *	bvi_recv_result_store().
 *	Both return the count, or -EIO when the CQ itself is broken and nothing was reaped in this
 *	call; what was reaped is delivered first.
 */
static_assert(sizeof(struct bv_channel_ops) <= 128, "hot ops: two cache lines");

/* Result of one receive, kept until the ring comes round; indexed by number & recv_result_mask. */
struct bvi_recv_result {
	uint32_t bytes;
	uint32_t imm;
	uint32_t vendor_err;
	uint8_t status;
	uint8_t op;
	uint8_t flags;
	uint8_t reserved;
};

static_assert(sizeof(struct bvi_recv_result) == 16, "four results a cache line");

/*
 * The cold part of a channel. Core allocates nothing here: the provider embeds it in its struct and
 * points ch->core at it before channel_create returns. Fields of the first group are the provider's
 * to fill in channel_create, the error group is filled by bvi_channel_failed(), the rest is core's.
 */
struct bvi_channel_core {
	struct ibv_qp *qp;
	struct ibv_cq *send_cq; /* which arm arms */
	struct ibv_cq *recv_cq;
	/* How it posts and polls: "BlueFlame, 64-byte CQEs"; lives as long as the channel. */
	const char *data_path;
	const struct bv_channel_ops *prepared;
	const struct bv_channel_ops *ready;
	const struct bv_channel_ops *error;
	/* What the provider puts in place of ready while works wait for a doorbell; or NULL. */
	const struct bv_channel_ops *chain;
	uint32_t max_inline; /* granted; at least what was asked for */

	bool failed;
	bool failed_recv; /* which queue first_error is of */
	bool failed_send; /* first_send_error is set: send-queue works from its number on failed */
	struct bv_wc first_error;
	struct bv_wc first_send_error;
	uint64_t flushed;

	struct ibv_comp_channel *wake; /* NULL: none */
	uint32_t send_wakes;           /* taken so far */
	uint32_t recv_wakes;

	enum bv_channel_state state;
	struct bv_pd *pd;
	struct bv_channel_attr attr;
	struct bv_endpoint local;
	struct bv_endpoint peer;
	uint32_t gid_index;
	uint32_t mtu;
	uint32_t rd_atomic;
	uint8_t ack_timeout;   /* agreed; attr has what was asked for */
	uint8_t min_rnr_timer; /* agreed */
	enum bv_link_layer link_layer;

	/* Recovery (core/recovery.c). */
	const char *stopped; /* why it is in ERROR, if no work failed; NULL: not known */
	bool in_reset;       /* the QP stands in RESET, where it must not be moved again */
	uint64_t first_send; /* send-queue works below are of before the last reset */
	struct bvi_shutdown {
		uint8_t sent, got;  /* bytes of the two records */
		uint8_t record[16]; /* the peer's, as far as it came */
		uint64_t posted;    /* sq_posted when ours was sent */
	} shutdown;

	/* What the connection needs as long as it lasts, if anything, and how it goes. */
	void *connection;
	void (*connection_release)(void *connection);

	/* The device's list of channels, under its lock (core/event.c). */
	struct bv_channel *next_channel;
	struct bvi_debug *debug; /* core/debug.c; NULL in release builds */
};

/*
 * What channel_create gets: attr is validated and lowered to the device; its counts are what the
 * channel must grant.
 */
struct bv_channel_params {
	struct ibv_context *context;
	struct ibv_pd *pd;
	const struct bv_channel_attr *attr;
	struct ibv_comp_channel *wake; /* for both completion queues; NULL: none */
};

/**
 * struct bv_provider - The cold table; every slot is set
 * @name: what callers select it by
 * @probe: can it drive this device? @context is a plain libibverbs context, of no provider's @open.
 *	Return a score > 0 (verbs: 10, a direct path: 100), or -errno; in both cases one line into
 *	@why (what it will use, or why not and what to do).
 * @open: give a context for channels of this provider; 0 or -errno. Core closes it with
 *	ibv_close_device().
 * @channel_create: as described above; 0 or -errno with nothing left behind. @why gets the reason,
 *	one line.
 * @channel_reset: the QP has just gone to RESET, where the device has forgotten all works. The rings
 *	start anew, and completions that still lie in the CQs are discarded. Core sets the counters
 *	afterwards: rq_posted to a multiple of 65536. Cannot fail.
 * @channel_unsignaled: works posted to the send queue since the last signaled one.
 * @channel_destroy: cannot fail; may block in the kernel.
 * @describe: what a work was that failed: as it was posted, read from where the provider has it; called
 *	at any time from the completion until the queue pair is reset. 0; -ENOENT it cannot tell.
 * @set_udp_sport: the UDP source port of a queue pair in RTS, 0xc000..0xffff; 0 or -errno. @qp NULL only
 *	asks: 0 it may be possible, -EOPNOTSUPP it never is.
 */
struct bv_provider {
	const char *name;
	int (*probe)(struct ibv_device *ibdev, struct ibv_context *context, char *why, size_t size);
	int (*open)(struct ibv_device *ibdev, struct ibv_context **context);
	int (*channel_create)(const struct bv_channel_params *params, struct bv_channel **ch,
			      char *why, size_t size);
	void (*channel_reset)(struct bv_channel *ch);
	uint32_t (*channel_unsignaled)(const struct bv_channel *ch);
	void (*channel_destroy)(struct bv_channel *ch);
	int (*describe)(const struct bv_channel *ch, int64_t work, struct bv_work_info *info);
	int (*set_udp_sport)(struct ibv_qp *qp, uint16_t port);
};

/* core/registry.c: NULL-terminated; what the build has. */
extern const struct bv_provider *const bvi_providers[];

extern const struct bv_provider bvi_provider_verbs;
extern const struct bv_provider bvi_provider_mlx5;

/*
 * Slots for tables of a state in which a call is refused (core/state.c). Each records the text that
 * names the state and the one needed, and returns -EINVAL (PREPARED) or -EIO (ERROR).
 */
int64_t bvi_refuse_send(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			unsigned flags);
int64_t bvi_refuse_send_imm(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			    uint32_t imm, unsigned flags);
int64_t bvi_refuse_inline(struct bv_channel *ch, const void *buf, size_t len, unsigned flags);
int64_t bvi_refuse_inline_imm(struct bv_channel *ch, const void *buf, size_t len, uint32_t imm,
			      unsigned flags);
int64_t bvi_refuse_write(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			 const struct bv_remote *remote, unsigned flags);
int64_t bvi_refuse_write_imm(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			     const struct bv_remote *remote, uint32_t imm, unsigned flags);
int64_t bvi_refuse_write_inline(struct bv_channel *ch, const void *buf, size_t len,
				const struct bv_remote *remote, unsigned flags);
int64_t bvi_refuse_write_inline_imm(struct bv_channel *ch, const void *buf, size_t len,
				    const struct bv_remote *remote, uint32_t imm, unsigned flags);
int64_t bvi_refuse_read(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge,
			const struct bv_remote *remote, unsigned flags);
int64_t bvi_refuse_fetch_add(struct bv_channel *ch, const struct bv_scatter *result,
			     const struct bv_remote *remote, uint64_t add, unsigned flags);
int64_t bvi_refuse_compare_swap(struct bv_channel *ch, const struct bv_scatter *result,
				const struct bv_remote *remote, uint64_t compare, uint64_t swap,
				unsigned flags);
int64_t bvi_refuse_recv(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge);

/* The send-queue slots of the prepared and error tables; the others are left to say. */
#define BVI_REFUSE_SENDS                                                                      \
	.post_send = bvi_refuse_send, .post_send_imm = bvi_refuse_send_imm,                   \
	.post_send_inline = bvi_refuse_inline, .post_send_inline_imm = bvi_refuse_inline_imm, \
	.post_write = bvi_refuse_write, .post_write_imm = bvi_refuse_write_imm,               \
	.post_write_inline = bvi_refuse_write_inline,                                         \
	.post_write_inline_imm = bvi_refuse_write_inline_imm, .post_read = bvi_refuse_read,   \
	.post_fetch_add = bvi_refuse_fetch_add, .post_compare_swap = bvi_refuse_compare_swap

static inline void bvi_recv_result_store(struct bv_channel *ch, uint64_t number,
					 const struct bv_wc *wc)
{
	ch->recv_results[number & ch->recv_result_mask] = (struct bvi_recv_result){
		.bytes = wc->bytes,
		.imm = wc->imm,
		.vendor_err = wc->vendor_err,
		.status = wc->status,
		.op = wc->op,
		.flags = wc->flags,
	};
}

/*
 * An error completion was met; wc->work, status and vendor_err are set. Keeps the first as the
 * channel's error, counts the flushes after it, and leaves only polling possible.
 *
 * A flush says nothing of the cause. If one is met first (the other queue, where the cause lies, is
 * polled later; or the queue was moved to the error state from outside), it is the error only until
 * a completion that names a cause comes.
 */
static inline BV_COLD void bvi_channel_failed(struct bv_channel *ch, const struct bv_wc *wc)
{
	struct bvi_channel_core *core = ch->core;
	const bool recv = wc->work & BV_WORK_RECV;
	const bool flush = wc->status == BV_STATUS_WORK_REQUEST_FLUSH_ERROR;

	if (!recv && !core->failed_send) {
		core->failed_send = true;
		core->first_send_error = *wc;
	}
	if (core->failed &&
	    (flush || core->first_error.status != BV_STATUS_WORK_REQUEST_FLUSH_ERROR)) {
		core->flushed += flush;
		return;
	}
	core->flushed += core->failed;
	core->failed = true;
	core->failed_recv = recv;
	core->first_error = *wc;
	core->state = BV_CHANNEL_ERROR;
	ch->ops = core->error;
	/* What the device was not told of it cannot flush. */
	(void)ch->ops->flush(ch);
}

#endif
