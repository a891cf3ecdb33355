/* SPDX-License-Identifier: MIT */
/*
 * The state of an mlx5 channel. Written and read by the channel's thread alone; the device reads the
 * rings and records that it points to and writes the completions.
 *
 *	struct bv_channel	what the short ways need, by cache line (queue.h, pin_mlx5.h)
 *	struct bvi_mlx5_done[]	behind it, one for each block of the send ring
 *	struct mlx5_channel	apart from them: what is left, its address follows from ch->core
 *
 * Send queue: a ring of basic blocks.
 *
 *	   ...| done | WQE n   | WQE n+1 (2 blocks) | free ...
 *	             ^ of the oldest work            ^ pi
 *
 * It is made large enough for max_send works of the largest size, so that counting works is all the flow
 * control there is. What the device was told of is in the doorbell record: works behind it wait for a
 * doorbell. Receive queue: one stride per receive, so that the place follows from the number.
 */
#ifndef BV_PROVIDERS_MLX5_CHANNEL_H
#define BV_PROVIDERS_MLX5_CHANNEL_H

#include <bareverbs/pin_mlx5.h>

#include "core/provider.h"
#include "prm.h"

#define BV_MLX5_LINE 64

#define BV_NOINLINE __attribute__((noinline))
#define BV_COLD_PATH __attribute__((cold, noinline))

/*
 * Completion queue of one of them. It has two entries for each place of the queue, so that the device's
 * idea of what was reaped may be half a ring old: that is how often it is told.
 */
struct mlx5_cq {
	const struct bvi_mlx5_cqe *ring;
	bv_be32 *dbrec;
	uint32_t count;
	uint32_t ci;                     /* free-running, of the entry at @ring */
	const struct bvi_mlx5_cqe *stop; /* half or end of the ring, where the short way ends */
	void *arm;                       /* register */
	uint32_t cqn;
	bool unchecked; /* the device ignores overruns, and is not told what was reaped */
};

struct mlx5_channel {
	struct bvi_channel_core core;
	struct bv_channel *base;
	const struct bv_channel_ops *sends; /* both tables of a kind, below */
	struct mlx5_cq send_cq;
	struct mlx5_cq recv_cq;
	uint32_t recv_ci; /* index of the completion of receive 0 */
	uint32_t qpn;
	uint16_t bf_size; /* bytes of one half; 0: no second one, and not cached */
	uint16_t bf_ds;   /* longest WQE that goes through BlueFlame, 0: none does */
	int64_t last_unsignaled;
	uint16_t unsignaled;   /* in a row, up to that one */
	uint16_t signal_every; /* works; a signal comes at least once in so many */
	uint16_t max_seg;      /* places of a stride */

	uint32_t block_taken; /* completions of the block that is next */
	uint32_t block_max;   /* receives that may be compressed into one block; 0: none are */
	bool payloads;        /* may be in completions */
	bool inside;          /* ... and receives have one element */
	struct bv_channel_ops
		variant[3]; /* the tables of a channel whose completions are not plain */

	struct ibv_td *td;
	struct ibv_pd *domain; /* parent domain: the caller's pd and td */
	struct ibv_cq *ibv_send_cq;
	struct ibv_cq *ibv_recv_cq;
	char data_path[128];
};

static_assert(offsetof(struct bvi_mlx5_send, pi) == 2, "gate and pi are a word");
static_assert(offsetof(struct bv_channel, own_send) - offsetof(struct bv_channel, gate) == 1 &&
		      offsetof(struct bv_channel, gate) + sizeof(struct bvi_mlx5_send) ==
			      offsetof(struct bv_channel, sq_posted),
	      "line 0");
static_assert(sizeof(struct bvi_mlx5_post) == sizeof(((struct bv_channel *)0)->own_post) &&
		      (offsetof(struct bv_channel, own_post) +
		       offsetof(struct bvi_mlx5_post, ctrl_mask)) %
				      16 ==
			      0,
	      "line 1");
static_assert(offsetof(struct bvi_mlx5_recv, stride) + offsetof(struct bv_channel, own_recv) ==
			      offsetof(struct bv_channel, own_stride) &&
		      offsetof(struct bvi_mlx5_recv, mask) +
				      offsetof(struct bv_channel, own_recv) ==
			      offsetof(struct bv_channel, own_mask),
	      "line 2");
static_assert(sizeof(struct bvi_mlx5_poll_recv) == sizeof(((struct bv_channel *)0)->own_poll_recv),
	      "line 3");
static_assert(sizeof(struct bvi_mlx5_cqe) == sizeof(struct prm_cqe) &&
		      offsetof(struct bvi_mlx5_cqe, imm) == offsetof(struct prm_cqe, imm) &&
		      offsetof(struct bvi_mlx5_cqe, byte_cnt) ==
			      offsetof(struct prm_cqe, byte_cnt) &&
		      offsetof(struct bvi_mlx5_cqe, tail) == sizeof(struct prm_cqe) - 4,
	      "completion");
static_assert(offsetof(struct bv_wc, reserved) == offsetof(struct bvi_mlx5_done, how) &&
		      offsetof(struct bv_wc, op) == offsetof(struct bv_wc, reserved) + 2 &&
		      offsetof(struct bv_wc, bytes) == offsetof(struct bv_wc, reserved) + 4,
	      "what a post asks for is what its completion says");

static inline struct mlx5_channel *to_mlx5(const struct bv_channel *ch)
{
	return (struct mlx5_channel *)(void *)ch->core;
}

static inline unsigned mlx5_sq_mask(struct bv_channel *ch)
{
	return (bvi_mlx5_send_of(ch)->places & ~(0xffu << BVI_MLX5_OWNER_SHIFT)) /
	       (unsigned)sizeof(struct bvi_mlx5_done);
}

/* What completes with the WQE that starts at block @index, free-running. */
static inline struct bvi_mlx5_done *mlx5_done(struct bv_channel *ch, unsigned index)
{
	struct bvi_mlx5_done *const all = (struct bvi_mlx5_done *)(void *)(ch + 1);

	return &all[index & mlx5_sq_mask(ch)];
}

/* The index of the next completion, free-running. */
static inline uint32_t mlx5_cq_index(const struct mlx5_cq *cq, const struct bvi_mlx5_cqe *next)
{
	return cq->ci + (uint32_t)(next - cq->ring);
}

/*
 * What a connected channel does, by its doorbell register: short.c: BlueFlame halves of 256 bytes;
 * doorbell.c: no BlueFlame; sq.c: any. Of each, [1] is for channels whose receives have one element at most.
 */
extern const struct bv_channel_ops bvi_mlx5_ops_short[2];
extern const struct bv_channel_ops bvi_mlx5_ops_doorbell[2];
extern const struct bv_channel_ops bvi_mlx5_ops_any[2];
/* As short.c, by the file's instructions */
extern const struct bv_channel_ops bvi_mlx5_ops_avx512[2];
extern const struct bv_channel_ops bvi_mlx5_ops_movdir64b[2];
/* sq.c */
int bvi_mlx5_flush(struct bv_channel *ch);
/* channel.c: before connecting, and after an error */
extern const struct bv_channel_ops bvi_mlx5_ops_prepared[2];
extern const struct bv_channel_ops bvi_mlx5_ops_error;
/* Masks of the byte shuffles, and what else the same channel always has; of @attr its limits. */
void bvi_mlx5_sq_init(struct bv_channel *ch, uint32_t qpn, uint32_t blocks,
		      const struct bv_channel_attr *attr);

/* rq.c */
int64_t bvi_mlx5_post_recv_one(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge);
int64_t bvi_mlx5_post_recv_list(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge);
int bvi_mlx5_post_recv_many(struct bv_channel *ch, const struct bv_scatter *sg, unsigned n);

#define BVI_MLX5_RECV_ONES \
	.post_recv = bvi_mlx5_post_recv_one, .post_recv_many = bvi_mlx5_post_recv_many
#define BVI_MLX5_RECV_LISTS \
	.post_recv = bvi_mlx5_post_recv_list, .post_recv_many = bvi_mlx5_post_recv_many

/*
 * block.c: makes ordinary entries of the block whose title is next, from completion @from on. False: it is
 * none that can be.
 */
bool bvi_mlx5_expand(const struct mlx5_cq *cq, const struct bvi_mlx5_cqe *title, uint32_t owner,
		     unsigned from);
/* Takes completions of the block that is next, as many as @max; 0: none is, or not one to be taken so. */
unsigned bvi_mlx5_take_block(struct bv_channel *ch, struct bv_wc *wc, unsigned max);
int bvi_mlx5_poll_recv_blocks(struct bv_channel *ch, struct bv_wc *wc, unsigned max);
/* The completion at @index, free-running, as it would be if it was not taken so. False: it was not. */
bool bvi_mlx5_marked(const struct mlx5_cq *cq, uint32_t index, struct bvi_mlx5_cqe *as);

/* payload.c: copies what lies in @cqe to where the work says. False: that is no place for it. */
bool bvi_mlx5_put_received(struct bv_channel *ch, const struct bvi_mlx5_cqe *cqe, uint64_t number);
bool bvi_mlx5_put_fetched(struct bv_channel *ch, const struct bvi_mlx5_cqe *cqe);
/* Of channels whose receives have one element. */
unsigned bvi_mlx5_take_inside(struct bv_channel *ch, struct bv_wc *wc, unsigned max);
int bvi_mlx5_poll_recv_one_inside(struct bv_channel *ch, struct bv_wc *wc);
int bvi_mlx5_poll_recv_inplace_inside(struct bv_channel *ch, struct bv_wc *wc, const void **payload,
				      unsigned max);
/* Of all others. */
int bvi_mlx5_poll_recv_inplace(struct bv_channel *ch, struct bv_wc *wc, const void **payload,
			       unsigned max);

/* cq.c */
/* @n entries on, none of them beyond the end of the ring. */
void bvi_mlx5_recv_advance(struct bv_channel *ch, unsigned n);
void bvi_mlx5_cqs_start(struct bv_channel *ch);
/* Takes all completions that are there, unseen. */
void bvi_mlx5_discard(struct bv_channel *ch);
int bvi_mlx5_poll_send_one(struct bv_channel *ch, struct bv_wc *wc);
int bvi_mlx5_poll_recv_one(struct bv_channel *ch, struct bv_wc *wc);
int bvi_mlx5_poll_send(struct bv_channel *ch, struct bv_wc *wc, unsigned max);
int bvi_mlx5_poll_recv(struct bv_channel *ch, struct bv_wc *wc, unsigned max);
int bvi_mlx5_poll_recv_mixed(struct bv_channel *ch, struct bv_wc *wc, unsigned max, unsigned n);
void bvi_mlx5_recv_result(const struct bv_channel *ch, uint64_t number, struct bv_wc *wc);

/* What all states have. */
#define BVI_MLX5_REAPS                                                                    \
	.flush = bvi_mlx5_flush, .poll_send_one = bvi_mlx5_poll_send_one,                 \
	.poll_recv_one = bvi_mlx5_poll_recv_one, .poll_send = bvi_mlx5_poll_send,         \
	.poll_recv = bvi_mlx5_poll_recv, .poll_recv_inplace = bvi_mlx5_poll_recv_inplace, \
	.recv_result = bvi_mlx5_recv_result, .arm = bvi_mlx5_arm

/* Both tables of a kind, of which ... are the posts to the send queue. */
#define BVI_MLX5_TABLES(kind, ...)                                    \
	const struct bv_channel_ops bvi_mlx5_ops_##kind[2] = {        \
		{ __VA_ARGS__, BVI_MLX5_RECV_LISTS, BVI_MLX5_REAPS }, \
		{ __VA_ARGS__, BVI_MLX5_RECV_ONES, BVI_MLX5_REAPS },  \
	}

/* cpu.c */
bool bvi_mlx5_cpu_suits(void);
/* The tables of the level that the CPU has, or that BV_MLX5_SIMD asks for, for registers as short.c has. */
int bvi_mlx5_cpu_sends(const struct bv_channel_ops **sends, char *why, size_t size);

/* arm.c */
int bvi_mlx5_arm(struct bv_channel *ch, unsigned queues);

/* describe.c */
int bvi_mlx5_describe(const struct bv_channel *ch, int64_t work, struct bv_work_info *info);

/* reset.c */
void bvi_mlx5_channel_before_reset(struct bv_channel *ch);
void bvi_mlx5_channel_reset(struct bv_channel *ch);
uint32_t bvi_mlx5_channel_unsignaled(const struct bv_channel *ch);

/* channel.c */
int bvi_mlx5_channel_create(const struct bv_channel_params *params, struct bv_channel **ch,
			    char *why, size_t size);
void bvi_mlx5_channel_destroy(struct bv_channel *ch);

#endif
