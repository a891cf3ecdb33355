/* SPDX-License-Identifier: MIT */
/*
 * The state of an mlx5 channel, laid out by cache line.
 *
 * Written and read by the channel's thread alone; the device reads the rings and records that it
 * points to and writes the completions.
 *
 *	line 0	struct bv_channel: table, counters, limits
 *	line 1	rest of struct bv_channel, send queue
 *	line 2	completions of sends
 *	line 3	receive queue, completions of receives
 *	then	what only creation, errors and destruction use
 */
#ifndef BV_PROVIDERS_MLX5_CHANNEL_H
#define BV_PROVIDERS_MLX5_CHANNEL_H

#include "core/provider.h"
#include "prm.h"

#define BV_MLX5_LINE 64

/*
 * Send queue: a ring of basic blocks.
 *
 *	   ...| done | WQE n   | WQE n+1 (2 blocks) | free ...
 *	             ^ of the oldest work            ^ pi
 *
 * The ring is made large enough for max_send works of the largest size, so that counting works
 * (sq_posted - sq_done) is all the flow control there is.
 */
struct mlx5_sq {
	struct prm_seg *ring;
	bv_be32 *dbrec; /* the send word */
	uint8_t *bf;    /* where the next doorbell goes: one half of the register, then the other */
	uint32_t *work_at;     /* per block: low half of the number of the work that starts there */
	uint32_t qpn_shifted;  /* QPN in bits 31:8 */
	uint16_t pi;           /* free-running index of the next block */
	uint16_t mask;         /* blocks - 1 */
	uint16_t bf_size;      /* bytes of one half, 0 if there is no second one */
	uint16_t bf_ds;        /* longest WQE that goes through BlueFlame, 0: none does */
	uint16_t unsignaled;   /* works since the last signaled one */
	uint16_t signal_every; /* a signal comes at least once in so many works */
};

/* Receive queue: one stride per receive, so that the place follows from the number. */
struct mlx5_rq {
	uint8_t *ring;
	bv_be32 *dbrec; /* the receive word */
	uint32_t mask;  /* strides - 1 */
	uint16_t stride_shift;
	uint16_t max_seg; /* places of a stride */
};

/* Completion queue of one of them; never overrun, as it has an entry for each outstanding work. */
struct mlx5_cq {
	const struct prm_cqe *next; /* where the next completion will appear */
	const struct prm_cqe *end;
	bv_be32 *dbrec;
	uint32_t ci; /* free-running; what @dbrec holds */
	uint32_t count;
	uint8_t owner; /* of a completion of this lap */
};

/* What arming a completion queue takes besides. */
struct mlx5_cq_arm {
	void *reg;
	uint32_t cqn;
};

struct mlx5_channel {
	_Alignas(BV_MLX5_LINE) struct bv_channel base;
	struct mlx5_sq sq;
	_Alignas(BV_MLX5_LINE) struct mlx5_cq send_cq;
	const struct prm_seg *unrung; /* the last WQE posted with BV_MORE, if no doorbell covers it */
	_Alignas(BV_MLX5_LINE) struct mlx5_rq rq;
	struct mlx5_cq recv_cq;

	struct bvi_channel_core core;
	struct mlx5_cq_arm send_arm;
	struct mlx5_cq_arm recv_arm;
	struct ibv_td *td;
	struct ibv_pd *domain; /* parent domain: the caller's pd and td */
	struct ibv_cq *ibv_send_cq;
	struct ibv_cq *ibv_recv_cq;
	char data_path[64];
};

static_assert(sizeof(struct bv_channel) + sizeof(struct mlx5_sq) == 2 * BV_MLX5_LINE,
	      "what a post touches: two lines");
static_assert(offsetof(struct mlx5_channel, core) == 4 * BV_MLX5_LINE, "hot state: four lines");

static inline struct mlx5_channel *to_mlx5(struct bv_channel *ch)
{
	return (struct mlx5_channel *)(void *)ch;
}

/* sq.c: doorbells through BlueFlame, or eight bytes each; and while works wait for theirs. */
extern const struct bv_channel_ops bvi_mlx5_ops_blueflame;
extern const struct bv_channel_ops bvi_mlx5_ops_doorbell;
extern const struct bv_channel_ops bvi_mlx5_ops_chain;
int bvi_mlx5_flush(struct bv_channel *ch);
/* channel.c: before connecting, and after an error */
extern const struct bv_channel_ops bvi_mlx5_ops_prepared;
extern const struct bv_channel_ops bvi_mlx5_ops_error;

/* rq.c, cq.c */
int64_t bvi_mlx5_post_recv(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge);
int bvi_mlx5_poll_send(struct bv_channel *ch, struct bv_wc *wc, unsigned max);
int bvi_mlx5_poll_recv(struct bv_channel *ch, struct bv_wc *wc, unsigned max);

/* arm.c */
int bvi_mlx5_arm(struct bv_channel *ch, unsigned queues);

/* describe.c */
int bvi_mlx5_describe(const struct bv_channel *ch, int64_t work, struct bv_work_info *info);

/* reset.c */
void bvi_mlx5_channel_reset(struct bv_channel *ch);
uint32_t bvi_mlx5_channel_unsignaled(const struct bv_channel *ch);

/* channel.c */
int bvi_mlx5_channel_create(const struct bv_channel_params *params, struct bv_channel **ch,
			    char *why, size_t size);
void bvi_mlx5_channel_destroy(struct bv_channel *ch);

#endif
