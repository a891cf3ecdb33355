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
 * Core validates what it hands down (attributes, flags, lengths against the remote region). What takes a
 * channel's limits to see, providers validate, by bvi_list_fits_channel() and its like, so that all
 * refuse the same; and they count credits. They call no function of core, except the inlines of this
 * file, the refusal stubs, and bvi_reject_*() of work.h.
 *
 * Life of a channel:
 *	channel_create(params)	the provider allocates its struct with struct bv_channel first,
 *				makes CQs and QP (RESET), fills qp, data_path, gates and the three
 *				tables; core then fills limits and counters, moves the QP to INIT
 *				and puts the table prepared in force (bvi_calls_set())
 *	(connect)		core moves the QP to RTR and RTS, then puts ready in force
 *	bvi_channel_failed()	the provider met an error completion: error is in force
 *	channel_before_reset(ch)	core is about to move the QP to RESET
 *	channel_reset(ch)	core has moved the QP to RESET: the provider forgets all works and
 *				starts its rings anew; core then goes on as after channel_create
 *	channel_destroy(ch)	the provider destroys QP, CQs, thread domain, its struct; core has
 *				nothing of it afterwards
 */
#ifndef BV_CORE_PROVIDER_H
#define BV_CORE_PROVIDER_H

#include <errno.h>

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
 * post_other, post_imm, post_inline_imm: @what (queue.h) has the operation, the count of elements or the
 *	length, and the flags; @remote is NULL if it is a send. A list holds no more than @remote, which core
 *	has checked; or, if its caller wanted no check of that, no more than max_msg. ch->sq_posted is the
 *	number of the new work. If it has reached sq_limit: return -EAGAIN, nothing changed. Else the
 *	work is the device's before the slot returns (doorbell rung), sq_posted has grown by one, and
 *	the old value is returned. sg[] may be reused at once; the memory it names belongs to the device
 *	until the completion is polled. Elements of length 0 move nothing (a data segment with byte
 *	count 0 would mean 2 GiB on mlx5). What the channel's limits forbid is refused.
 *	flags: BV_UNSIGNALED asks for no completion; the provider signals all the same at least once
 *	every max_send / 2 works, rounded up, so that credits always come back.
 *	BV_MORE: the doorbell may wait until a post without it, or flush; the provider rings by itself
 *	when the queue is full.
 *	Those of post_other are inline payload (BVI_WHAT_INLINE), atomics (by the operation) or lists. Of an
 *	atomic the result is one element of eight bytes, which core has checked; that there are any, too.
 * post_one, post_inline8: one element, or eight bytes inline, without flags.
 * write_one_more and its like: the same with BV_MORE alone; reads are among writes.
 * post_recv: the same with rq_*; returns the number, which has BV_WORK_RECV in it. Allowed from INIT on.
 * post_recv_many: @n receives of one element each; returns how many were posted, else as the first.
 * flush: rings for works posted with BV_MORE, if any wait; in every state. 0 or -errno: then the
 *	works that the driver did not take are withdrawn, and sq_posted is as before their posts.
 * arm: the next completion of each queue in @queues (BV_WAKE_*, at least one of the two) after those
 *	that poll has taken raises an event of its completion channel; 0 or -errno. Only called if the channel has wakeups.
 * poll_send: up to max (>= 1) completions into wc[]. A success of work n sets sq_limit = n + 1 + max_send
 *	(unsignaled ones before it are done); an error likewise, and goes through
 *	bvi_channel_failed(). Every field of wc[] is written.
 * poll_recv: likewise for receives, one completion each: rq_done and rq_limit grow by one.
 *	Both return the count, or -EIO when the CQ itself is broken and nothing was reaped in this
 *	call; what was reaped is delivered first.
 * poll_send_one, poll_recv_one: the same with a max of 1.
 * poll_recv_inplace: as poll_recv, and where the payload of each success is: in the first element, or in memory of
 *	the provider's, where it stays until max_recv later receives have been polled.
 * recv_result: the completion of receive @number once more, with BV_WORK_RECV in it like wc->work. It was
 *	polled, at most max_recv others after it.
 */
static_assert(offsetof(struct bv_channel, sq_posted) == 64 &&
		      offsetof(struct bv_channel, poll_recv_one) == 128 &&
		      offsetof(struct bv_channel, own_poll_recv) == 192,
	      "by cache line");

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
	bool gate;           /* a program may post and poll inline when ready is in force */
	bool recv_gate;      /* ... receives, before, too */
	uint32_t max_inline; /* granted; at least what was asked for */

	bool failed;
	bool failed_recv; /* which queue first_error is of */
	bool failed_send; /* first_send_error is set: send-queue works from its number on failed */
	bool dropped_recv;
	uint64_t first_dropped_recv; /* dropped_recv: from it on, the device has forgotten them */
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

/* As ibv_create_qp_ex(). */
typedef struct ibv_qp *bvi_qp_create_fn(struct ibv_context *context,
					struct ibv_qp_init_attr_ex *init);

/*
 * What channel_create gets: attr is validated and lowered to the device; its counts are what the
 * channel must grant.
 */
struct bv_channel_params {
	struct ibv_context *context;
	struct ibv_pd *pd;
	const struct bv_channel_attr *attr;
	struct ibv_comp_channel *wake; /* for both completion queues; NULL: none */
	bvi_qp_create_fn *qp_create;   /* what qp_create() of a provider returned; NULL: none did */
};

/**
 * struct bv_provider - The cold table; every slot is set
 * @name: what callers select it by
 * @probe: can it drive this device? @context is a plain libibverbs context, of no provider's @open.
 *	Return a score > 0 (verbs: 10, a direct path: 100), or -errno; in both cases one line into
 *	@why (what it will use, or why not and what to do).
 * @open: give a context for channels of this provider; 0 or -errno. Core closes it with
 *	ibv_close_device().
 * @qp_create: how to make a queue pair of a driver that it knows, for a provider that posts and polls by
 *	libibverbs, so that polling copies no payload: a buffer may have no address in this process that
 *	is valid, or the one that its elements name. NULL: it does not know the device's driver.
 * @channel_create: as described above; 0 or -errno with nothing left behind. @why gets the reason,
 *	one line.
 * @channel_before_reset: the QP is about to go to RESET, for which a driver may take locks of its queues:
 *	what was begun with the driver is ended (ibv_wr_start(), ibv_start_poll()). Cannot fail.
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
	bvi_qp_create_fn *(*qp_create)(struct ibv_device *ibdev);
	int (*channel_create)(const struct bv_channel_params *params, struct bv_channel **ch,
			      char *why, size_t size);
	void (*channel_before_reset)(struct bv_channel *ch);
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
bvi_post_fn bvi_refuse_post, bvi_refuse_inline;
bvi_post_other_fn bvi_refuse_other;
bvi_post_imm_fn bvi_refuse_imm, bvi_refuse_inline_imm;
int64_t bvi_refuse_recv(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge);
int bvi_refuse_recv_many(struct bv_channel *ch, const struct bv_scatter *sg, unsigned n);

/* What post_other of a channel without atomics is: refuses them, and leaves all else to the table. */
bvi_post_other_fn bvi_post_no_atomics;

/* The slots of the prepared table that post to the send queue, and of the error table that post at all. */
#define BVI_REFUSE_SENDS                                                            \
	.post_one = bvi_refuse_post, .post_inline8 = bvi_refuse_inline,             \
	.write_one_more = bvi_refuse_post, .write_inline8_more = bvi_refuse_inline, \
	.send_one_more = bvi_refuse_post, .send_inline8_more = bvi_refuse_inline,   \
	.post_other = bvi_refuse_other, .post_imm = bvi_refuse_imm,                 \
	.post_inline_imm = bvi_refuse_inline_imm
#define BVI_REFUSE_POSTS \
	BVI_REFUSE_SENDS, .post_recv = bvi_refuse_recv, .post_recv_many = bvi_refuse_recv_many

/* What of a list takes the channel's limits to see: its count, and its sum if that is in order. */
static inline bool bvi_list_fits_channel(const struct bv_channel *ch, const void *sg, unsigned nsge)
{
	const struct bv_gather *const list = (const struct bv_gather *)sg;

	return nsge <= ch->max_send_sge && bvi_gather_bytes(list, nsge) <= ch->max_msg;
}

/* Whether a post_other is of an atomic. */
static inline bool bvi_what_is_atomic(uint64_t what)
{
	return bvi_what_op(what) > BV_OP_READ;
}

/* A post_other that leaves each of its three forms to a function; @list, @payload and @atomic are constants. */
BVI_INLINE int64_t bvi_post_other_by(bvi_post_fn *list, bvi_post_fn *payload,
				     bvi_post_other_fn *atomic, struct bv_channel *ch,
				     const void *data, const struct bv_remote *remote,
				     uint64_t what, uint64_t swap_add, uint64_t compare)
{
	if (what & BVI_WHAT_INLINE)
		return payload(ch, data, remote, what);
	if (bvi_what_is_atomic(what))
		return atomic(ch, data, remote, what, swap_add, compare);
	return list(ch, data, remote, what);
}

static inline BV_COLD int64_t bvi_refuse_list(const struct bv_channel *ch, unsigned nsge)
{
	return bvi_reject_list(ch, nsge, ch->max_send_sge, 0, NULL, 0);
}

/* Of @n receives of one element each, how many may be posted; -errno if none may. */
static inline int bvi_recv_count(const struct bv_channel *ch, unsigned n)
{
	const uint64_t room = ch->rq_limit - ch->rq_posted;

	if (bvi_unlikely(!ch->max_recv_sge))
		return (int)bvi_reject_list(ch, 1, 0, 0, NULL, 0);
	if (bvi_unlikely(n > room))
		return room ? (int)room : -EAGAIN;
	return (int)n;
}

static inline BV_COLD int64_t bvi_refuse_length(const struct bv_channel *ch, unsigned len)
{
	return bvi_reject_inline(ch, len, NULL, 0);
}

/* Puts a table in force: one of the channel's three, or that of the checks of debug builds. */
static inline void bvi_calls_set(struct bv_channel *ch, const struct bv_channel_ops *ops)
{
	const struct bvi_channel_core *core = ch->core;

	ch->ops = ops;
	ch->post_one = ops->post_one;
	ch->post_inline8 = ops->post_inline8;
	ch->post_other = ch->atomics ? ops->post_other : bvi_post_no_atomics;
	ch->write_one_more = ops->write_one_more;
	ch->write_inline8_more = ops->write_inline8_more;
	ch->send_one_more = ops->send_one_more;
	ch->send_inline8_more = ops->send_inline8_more;
	ch->post_recv = ops->post_recv;
	ch->poll_send_one = ops->poll_send_one;
	ch->poll_recv_one = ops->poll_recv_one;
	ch->gate = ops == core->ready && core->gate;
	ch->recv_gate = (ops == core->ready || ops == core->prepared) && core->recv_gate;
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
	bvi_calls_set(ch, core->error);
	/* What the device was not told of it cannot flush. */
	(void)ch->ops->flush(ch);
}

#endif
