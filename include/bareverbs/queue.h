/* SPDX-License-Identifier: MIT */
/*
 * What a work and a completion are, and the part of a channel that the inline calls of work.h use.
 * Programs include <bareverbs/bareverbs.h>.
 */
#ifndef BV_BAREVERBS_QUEUE_H
#define BV_BAREVERBS_QUEUE_H

#include <bareverbs/channel.h>
#include <bareverbs/common.h>
#include <bareverbs/memory.h>

BV_BEGIN_DECLS

/* Set in the handles of receives. */
#define BV_WORK_RECV (INT64_C(1) << 62)

/* No completion of its own: it is done with the next signaled work of the queue, or at an error. */
#define BV_UNSIGNALED 0x1u
/* Start only when all reads and atomics posted before are done. */
#define BV_FENCE 0x2u
/* Wake the peer's event waiter. */
#define BV_SOLICITED 0x4u
/*
 * More works follow: the device need not be told of this one yet. The next post without this flag
 * tells it of all of them, with one doorbell, and so does bv_flush(); a full queue, a wait (bv_wait
 * and the blocking calls), or an error of the channel does, too. Polling does not. Provider verbs
 * also hands over what it holds after every 64.
 */
#define BV_MORE 0x8u
#define BV_POST_FLAGS (BV_UNSIGNALED | BV_FENCE | BV_SOLICITED | BV_MORE)

/*
 * What a work was, as far as a completion tells. Those of the send queue have the opcodes of an mlx5
 * device, whose provider then has nothing to translate.
 */
enum bv_op {
	BV_OP_NONE = 0,       /* not known: errors, and send-queue works asked about by handle */
	BV_OP_RECV_WRITE_IMM, /* a write with immediate arrived and used up a receive */
	BV_OP_RECV,           /* a send arrived */
	BV_OP_WRITE = 0x08,
	BV_OP_SEND = 0x0a,
	BV_OP_READ = 0x10,
	BV_OP_COMPARE_SWAP = 0x11,
	BV_OP_FETCH_ADD = 0x12,
};

/* struct bv_wc flags: @imm is valid. */
#define BV_WC_IMM 0x1u

/**
 * struct bv_wc - A completion
 * @work: the handle; for send-queue works it means that all before it are done, too
 * @reserved: of no use to callers, and not always 0
 * @flags: BV_WC_*
 * @op: enum bv_op
 * @status: enum bv_status. If it is not BV_STATUS_SUCCESS, only @work, @status and @vendor_err are
 *	valid; the rest is 0
 * @bytes: of a receive: what arrived; of a read or an atomic that was polled: what was fetched; else 0
 * @imm: the immediate, host order; valid if BV_WC_IMM is in @flags
 * @vendor_err: the device's own code of an error, else 0
 */
struct bv_wc {
	int64_t work;
	uint8_t reserved;
	uint8_t flags;
	uint8_t op;
	uint8_t status;
	uint32_t bytes;
	uint32_t imm;
	uint32_t vendor_err;
};

/*
 * What a post asks for, in one register:
 *
 *	63:32	bytes that it fetches: of a read or an atomic, else 0
 *	23:16	enum bv_op
 *	15	inline payload, in calls of post_other
 *	14:4	length of inline payload ^ 8, or count of elements ^ 1
 *	3:0	BV_POST_FLAGS
 *
 * So the low half is 0, or BV_MORE, for the most frequent works: eight bytes inline, or one element. Those
 * have slots of their own, which need not ask.
 */
#define BVI_WHAT_INLINE 0x8000u
#define BVI_WHAT_N_MAX 2047u
#define BVI_SHORT_INLINE 8u
#define BVI_SHORT_LIST 1u

static inline uint64_t bvi_what(enum bv_op op, size_t n, unsigned usual, unsigned flags)
{
	return (uint32_t)op << 16 | ((unsigned)n ^ usual) << 4 | flags;
}

static inline uint64_t bvi_what_atomic(enum bv_op op, unsigned flags)
{
	return (uint64_t)sizeof(uint64_t) << 32 | bvi_what(op, 1, BVI_SHORT_LIST, flags);
}

static inline unsigned bvi_what_n(uint64_t what, unsigned usual)
{
	return ((unsigned)(what >> 4) & BVI_WHAT_N_MAX) ^ usual;
}

static inline unsigned bvi_what_flags(uint64_t what)
{
	return (unsigned)what & BV_POST_FLAGS;
}

static inline enum bv_op bvi_what_op(uint64_t what)
{
	return (enum bv_op)((what >> 16) & 0xff);
}

struct bv_channel;

/* @payload: elements, or bytes to post inline; @remote: NULL if it is a send */
typedef int64_t bvi_post_fn(struct bv_channel *ch, const void *payload,
			    const struct bv_remote *remote, uint64_t what);
typedef int64_t bvi_post_imm_fn(struct bv_channel *ch, const void *payload,
				const struct bv_remote *remote, uint64_t what, uint32_t imm);

/* @swap_add, @compare: of an atomic, else of no meaning */
typedef int64_t bvi_post_other_fn(struct bv_channel *ch, const void *payload,
				  const struct bv_remote *remote, uint64_t what, uint64_t swap_add,
				  uint64_t compare);

/* The calls of a channel in its present state; core/provider.h has the contract. */
struct bv_channel_ops {
	bvi_post_fn *post_one;
	bvi_post_fn *post_inline8;
	bvi_post_fn *write_one_more;
	bvi_post_fn *write_inline8_more;
	bvi_post_fn *send_one_more;
	bvi_post_fn *send_inline8_more;
	bvi_post_other_fn *post_other;
	bvi_post_imm_fn *post_imm;
	bvi_post_imm_fn *post_inline_imm;
	int64_t (*post_recv)(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge);
	int (*post_recv_many)(struct bv_channel *ch, const struct bv_scatter *sg, unsigned n);
	int (*flush)(struct bv_channel *ch);
	int (*poll_send_one)(struct bv_channel *ch, struct bv_wc *wc);
	int (*poll_recv_one)(struct bv_channel *ch, struct bv_wc *wc);
	int (*poll_send)(struct bv_channel *ch, struct bv_wc *wc, unsigned max);
	int (*poll_recv)(struct bv_channel *ch, struct bv_wc *wc, unsigned max);
	int (*poll_recv_inplace)(struct bv_channel *ch, struct bv_wc *wc, const void **payload,
				 unsigned max);
	void (*recv_result)(const struct bv_channel *ch, uint64_t number, struct bv_wc *wc);
	int (*arm)(struct bv_channel *ch, unsigned queues);
};

/*
 * struct bv_channel - The part of a channel that the inline calls use, laid out by cache line
 *
 * The counters run freely; those of receives have BV_WORK_RECV in them, and so are handles. A queue is
 * full when posted has reached limit, which is done + max. The most frequent calls have copies of the
 * table's pointers beside what they need. The gates tell whether a provider's short ways may be taken,
 * which a program may have inline (pin.h). own_* is the provider's.
 */
struct bv_channel {
	/* private: line 0: polling sends, and half of posting */
	int (*poll_send_one)(struct bv_channel *ch, struct bv_wc *wc);
	bvi_post_fn *post_one;
	bvi_post_fn *post_inline8;
	bvi_post_other_fn *post_other;
	uint64_t sq_limit;
	uint8_t gate;
	uint8_t own_send[23];
	/* line 1: the other half of posting */
	uint64_t sq_posted;
	uint64_t own_post[7];
	/* line 2: receives */
	int (*poll_recv_one)(struct bv_channel *ch, struct bv_wc *wc);
	int64_t (*post_recv)(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge);
	uint64_t rq_limit;
	uint64_t rq_posted;
	uint64_t rq_done;
	uint64_t own_recv[2];
	uint32_t own_stride;
	uint16_t own_mask;
	uint16_t recv_gate;
	/* line 3 */
	uint64_t own_poll_recv[2];
	bvi_post_fn *write_one_more;
	bvi_post_fn *write_inline8_more;
	bvi_post_fn *send_one_more;
	bvi_post_fn *send_inline8_more;
	const struct bv_channel_ops *ops;
	struct bvi_channel_core *core;
	uint32_t max_send;
	uint32_t max_recv;
	uint32_t max_msg;
	uint32_t max_inline;
	uint16_t max_send_sge;
	uint16_t max_recv_sge;
	bool atomics; /* possible on this channel */
} __attribute__((aligned(64)));

static inline uint64_t bvi_sq_done(const struct bv_channel *ch)
{
	return ch->sq_limit - ch->max_send;
}

static inline uint64_t bvi_sq_outstanding(const struct bv_channel *ch)
{
	return ch->sq_posted - bvi_sq_done(ch);
}

BV_END_DECLS

#endif
