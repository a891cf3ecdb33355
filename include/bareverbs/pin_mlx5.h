/* SPDX-License-Identifier: MIT */
/*
 * The short ways of provider mlx5: its most frequent posts and polls, from the call to the device.
 *
 * The provider's functions are made of them, and so are the calls of a program that was compiled with
 * BV_PIN_PROVIDER (pin.h). A short way takes what it knows to be plain; everything else, and every state
 * but the usual one, leaves by a call. Nothing here is for callers.
 *
 * A WQE is built in registers, segment by segment, and stored twice: into the ring and into BlueFlame.
 * Byte order is a shuffle of 16 bytes (SSSE3, by its one instruction, so that no program needs to be
 * compiled for it). The provider's probe refuses CPUs without it; a pinned program needs no check of its
 * own, as only a channel of the provider opens the gates.
 *
 * Hardware facts: see providers/mlx5/prm.h, and bf.h for the order of stores.
 */
#ifndef BV_BAREVERBS_PIN_MLX5_H
#define BV_BAREVERBS_PIN_MLX5_H

#include <bareverbs/hw/barrier.h>
#include <bareverbs/hw/mmio.h>
#include <bareverbs/queue.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "provider mlx5 is for little-endian CPUs: configure with -DBV_PROVIDER_MLX5=OFF"
#endif
#ifdef __x86_64__
#include <emmintrin.h>
#endif

BV_BEGIN_DECLS

/* The beginning of a completion of a send-queue work, known at its post; one for each block of the ring. */
struct bvi_mlx5_done {
	int64_t work;
	uint64_t how;
};

struct bvi_mlx5_cqe {
	uint8_t rsvd0[36];
	bv_be32 imm;
	uint8_t app[4];
	bv_be32 byte_cnt;
	uint8_t stamp[8];
	uint8_t qpn[4];
	uint8_t tail[4]; /* index of the WQE, big-endian; signature; opcode and owner */
} __attribute__((may_alias));

/* The rest of line 0 of a channel, from its gate on. */
struct bvi_mlx5_send {
	uint8_t gate;       /* bv_channel's */
	uint8_t max_inline; /* payload that is looked at no further */
	uint16_t pi;        /* free-running index of the next block */
	uint16_t stop; /* low bits of where @cqe leaves the short way: half and end of the ring */
	uint16_t room; /* max_send + 1: sq_limit after the completion of a work, less its number */
	const struct bvi_mlx5_cqe *cqe; /* where the next completion will appear */
	uint32_t qpn;                   /* and CQ_UPDATE in its highest byte */
	uint32_t places;                /* blocks - 1, times 16; in its highest byte: */
#define BVI_MLX5_OWNER_SHIFT 24         /* ... the owner of a completion of this lap */
};

/* The rest of line 1. */
struct bvi_mlx5_post {
	uint8_t *ring;
	bv_be32 *dbrec; /* the send word */
	uint8_t *bf;    /* where the next doorbell goes: one half of the register, then the other */
	uint8_t ctrl_mask[16];
	uint8_t seg_mask[16];
};

/* The rest of line 2. */
struct bvi_mlx5_recv {
	uint8_t *ring;
	bv_be32 *dbrec;  /* the receive word */
	uint32_t stride; /* bytes */
	uint16_t mask;   /* strides - 1 */
};

/* Line 3. */
struct bvi_mlx5_poll_recv {
	const struct bvi_mlx5_cqe *cqe;
	uint32_t stop;
	uint32_t owner;
};

/* In a mask: the byte is 0, whatever the other bits are. */
#define BVI_MLX5_MASKED 0x80u
/* Such a byte of ctrl_mask, which also has how many elements a list may have that is looked at no further. */
#define BVI_MLX5_MAX_LIST 15
/* Bytes of one half of a BlueFlame register that the short ways write to. */
#define BVI_MLX5_BF 256u
/* The longest message that they take; every port sends it. */
#define BVI_MLX5_MSG (1u << 30)

BVI_INLINE struct bvi_mlx5_send *bvi_mlx5_send_of(struct bv_channel *ch)
{
	return (struct bvi_mlx5_send *)(void *)&ch->gate;
}

BVI_INLINE struct bvi_mlx5_post *bvi_mlx5_post_of(struct bv_channel *ch)
{
	return (struct bvi_mlx5_post *)(void *)ch->own_post;
}

BVI_INLINE struct bvi_mlx5_recv *bvi_mlx5_recv_of(struct bv_channel *ch)
{
	return (struct bvi_mlx5_recv *)(void *)ch->own_recv;
}

BVI_INLINE struct bvi_mlx5_poll_recv *bvi_mlx5_poll_recv_of(struct bv_channel *ch)
{
	return (struct bvi_mlx5_poll_recv *)(void *)ch->own_poll_recv;
}

/* The last byte decides whose it is, and is read first. */
BVI_INLINE unsigned bvi_mlx5_cqe_op_own(const struct bvi_mlx5_cqe *cqe)
{
	return bv_dma_read8(&cqe->tail[3]);
}

/* Index of the WQE in bits 31:16. */
BVI_INLINE uint32_t bvi_mlx5_cqe_tail(const struct bvi_mlx5_cqe *cqe)
{
	bv_be32 tail;

	memcpy(&tail, cqe->tail, sizeof(tail));
	return bv_from_be32(tail);
}

/* By block; behind the channel, so that no pointer to it must be loaded. @at: 16 times the block */
BVI_INLINE struct bvi_mlx5_done *bvi_mlx5_done_at(struct bv_channel *ch, uint64_t *at)
{
	/* Not to be added to the size of a channel, which then would be no part of the address. */
	__asm__("" : "+r"(*at));
	return (struct bvi_mlx5_done *)(void *)((uint8_t *)(ch + 1) + *at);
}

/* ---- what C does not say ---- */

/* *@v ^= *@byte; returns whether it is not 0 then. *@v is below 256. */
BVI_INLINE bool bvi_xor_differs(unsigned *v, const uint8_t *byte)
{
	bool differs;

#ifdef __x86_64__
	__asm__("xorb %2, %b0" : "+q"(*v), "=@ccnz"(differs) : "m"(*byte));
#else
	*v ^= *byte;
	differs = *v;
#endif
	return differs;
}

/* *@v -= 1; returns whether it is not 0 then: if it is, it need not be set to be returned. */
BVI_INLINE bool bvi_minus_one(unsigned *v)
{
	bool differs;

#ifdef __x86_64__
	__asm__("subl $1, %0" : "+r"(*v), "=@ccnz"(differs));
#else
	differs = --*v;
#endif
	return differs;
}

/* ---- segments ---- */

typedef uint64_t bvi_v16_unaligned __attribute__((vector_size(16), may_alias, aligned(4)));

BVI_INLINE bvi_v16 bvi_v16_of(uint64_t lo, uint64_t hi)
{
	const bvi_v16 v = { lo, hi };

	return v;
}

BVI_INLINE bvi_v16 bvi_seg_inline8(const void *buf)
{
	uint32_t head = BVI_BE(32, 0x80000008u);
	const bv_be64 payload = bv_be64_bytes(buf);

#ifdef __x86_64__
	/* From a register: as a constant it would be one more cache line. */
	__asm__("" : "+r"(head));
	return (bvi_v16)_mm_or_si128(_mm_slli_si128(_mm_cvtsi64_si128((long long)payload.be), 4),
				     _mm_cvtsi32_si128((int)head));
#else
	(void)head;
	return bvi_v16_of(bv_be64_after_field(0x80000008u, payload).be, bv_be64_rest(payload).be);
#endif
}

#ifdef __x86_64__

BVI_INLINE bvi_v16 bvi_shuffle(bvi_v16 v, const uint8_t mask[16])
{
	__asm__("pshufb %1, %0" : "+x"(v) : "m"(*(const bvi_v16 *)(const void *)mask));
	return v;
}

/* @ds: segments; @low: low half of @what, which is known */
BVI_INLINE bvi_v16 bvi_seg_ctrl(struct bv_channel *ch, uint64_t what, uint64_t pi, unsigned ds,
				unsigned low)
{
	const uint64_t lo = what + pi + ((uint64_t)ds << 24) - low;
	const __m128d v = _mm_loadh_pd(_mm_castsi128_pd(_mm_cvtsi64_si128((long long)lo)),
				       (const double *)(const void *)&bvi_mlx5_send_of(ch)->qpn);

	return bvi_shuffle((bvi_v16)v, bvi_mlx5_post_of(ch)->ctrl_mask);
}

/*
 * @spare_line: with the mask that the channel has beside what else a post needs. It serves both kinds of
 * segment, each with one instruction more than a mask of its own.
 */
BVI_INLINE bvi_v16 bvi_seg_remote(struct bv_channel *ch, const struct bv_remote *remote,
				  bool spare_line)
{
	static const uint8_t own[16]
		__attribute__((aligned(16))) = { 7,  6,  5, 4, 3,    2,    1,    0,
						 11, 10, 9, 8, 0x80, 0x80, 0x80, 0x80 };
	const bvi_v16 v = *(const bvi_v16_unaligned *)(const void *)remote;

	if (!spare_line)
		return bvi_shuffle(v, own);
	return bvi_shuffle((bvi_v16)_mm_slli_si128((__m128i)v, 4), bvi_mlx5_post_of(ch)->seg_mask);
}

BVI_INLINE bvi_v16 bvi_seg_data(struct bv_channel *ch, const void *sge, bool spare_line)
{
	static const uint8_t own[16] __attribute__((aligned(16))) = { 11, 10, 9, 8, 15, 14, 13, 12,
								      7,  6,  5, 4, 3,  2,  1,  0 };
	const bvi_v16 v = *(const bvi_v16_unaligned *)sge;

	if (!spare_line)
		return bvi_shuffle(v, own);
	return (bvi_v16)_mm_shuffle_epi32((__m128i)bvi_shuffle(v, bvi_mlx5_post_of(ch)->seg_mask),
					  _MM_SHUFFLE(3, 1, 2, 0));
}

#else

BVI_INLINE bvi_v16 bvi_seg_ctrl(struct bv_channel *ch, uint64_t what, uint64_t pi, unsigned ds,
				unsigned low)
{
	const uint32_t qpn = bvi_mlx5_send_of(ch)->qpn;

	(void)low;
	return bvi_v16_of(
		bv_to_be32x2((uint32_t)pi << 8 | (uint32_t)bvi_what_op(what), qpn << 8 | ds).be,
		bv_to_be32x2(qpn >> 24, 0).be);
}

BVI_INLINE bvi_v16 bvi_seg_remote(struct bv_channel *ch, const struct bv_remote *remote,
				  bool spare_line)
{
	(void)ch;
	(void)spare_line;
	return bvi_v16_of(bv_to_be64(remote->addr).be, bv_to_be32x2(remote->rkey, 0).be);
}

BVI_INLINE bvi_v16 bvi_seg_data(struct bv_channel *ch, const void *sge, bool spare_line)
{
	const struct bv_gather *const from = (const struct bv_gather *)sge;

	(void)ch;
	(void)spare_line;
	return bvi_v16_of(bv_to_be32x2(from->length, from->lkey).be, bv_to_be64(from->addr).be);
}

#endif

/* ---- posts ---- */

/* Notes what completes with the block whose number is @pi. Returns where it is, times 16. */
BVI_INLINE uint64_t bvi_mlx5_note(struct bv_channel *ch, uint64_t how, uint64_t pi)
{
	uint64_t at = (uint32_t)pi << 4 & bvi_mlx5_send_of(ch)->places;

	bvi_mlx5_done_at(ch, &at)->work = (int64_t)ch->sq_posted;
	bvi_mlx5_done_at(ch, &at)->how = how;
	return at;
}

/* An address in a block, of which no sum is kept in a register: each store adds up its own, for nothing. */
BVI_INLINE uint8_t *bvi_mlx5_in_block(uint8_t *ring, uint64_t *at, unsigned offset)
{
	__asm__("" : "+r"(*at));
	return ring + *at * 4 + offset;
}

BVI_INLINE void bvi_mlx5_put(uint8_t *ring, uint64_t *at, unsigned segment, bvi_v16 v)
{
	*(bvi_v16 *)(void *)bvi_mlx5_in_block(ring, at, segment * 16) = v;
}

/* Posts one block: the remote address, if @rdma, and one segment of payload. There is room. */
BVI_INLINE int64_t bvi_mlx5_post_block(struct bv_channel *ch, bvi_v16 payload, bool rdma,
				       const struct bv_remote *remote, uint64_t what)
{
	struct bvi_mlx5_send *const send = bvi_mlx5_send_of(ch);
	struct bvi_mlx5_post *const post = bvi_mlx5_post_of(ch);
	const int64_t number = (int64_t)ch->sq_posted;
	const uint64_t pi = send->pi;
	const bvi_v16 none = { 0, 0 };
	const bvi_v16 ctrl = bvi_seg_ctrl(ch, what, pi, rdma ? 3 : 2, 0);
	const bvi_v16 second = rdma ? bvi_seg_remote(ch, remote, true) : payload;
	uint64_t at = bvi_mlx5_note(ch, what, pi);
	uint8_t *const ring = post->ring;
	uint8_t *bf;

	bvi_mlx5_put(ring, &at, 0, ctrl);
	bvi_mlx5_put(ring, &at, 1, second);
	if (rdma)
		bvi_mlx5_put(ring, &at, 2, payload);
	ch->sq_posted++;
	send->pi = (uint16_t)(pi + 1);
	bv_wqe_before_dbrec();
	bv_dbrec_write(post->dbrec, bv_to_be32((uint16_t)(pi + 1)));
	bv_dbrec_before_doorbell();
	bf = post->bf;
	bv_mmio_write128(bf, ctrl);
	bv_mmio_write128(bf + 16, second);
	bv_mmio_write128(bf + 32, rdma ? payload : none);
	bv_mmio_write128(bf + 48, none);
	bv_blueflame_flush();
	post->bf = (uint8_t *)((uintptr_t)bf ^ BVI_MLX5_BF);
	return number;
}

/* One of a chain: its number, and what else its payload and its doorbell need. */
struct bvi_mlx5_added {
	int64_t number;
	uint64_t at;
	uint8_t *ring;
	bvi_v16 ctrl;
};

typedef uint32_t bvi_u32_any __attribute__((may_alias));

/*
 * pi++, with the gate in front of it as one word: the next post reads both, and reading the gate beside a pi
 * that was just stored costs 6 ns in a chain (docs/performance.md).
 */
BVI_INLINE void bvi_mlx5_next_block(struct bvi_mlx5_send *send)
{
	*(bvi_u32_any *)(void *)send += 1u << 16;
}

/*
 * Posts all but the payload of one block, which waits for a doorbell. @low: low half of @what; 0: the
 * doorbell is its own, and lines are to be spared
 */
BVI_INLINE struct bvi_mlx5_added bvi_mlx5_add_block(struct bv_channel *ch, bool rdma,
						    const struct bv_remote *remote, uint64_t what,
						    unsigned low)
{
	struct bvi_mlx5_send *const send = bvi_mlx5_send_of(ch);
	const uint64_t pi = send->pi;
	struct bvi_mlx5_added added;

	added.number = (int64_t)ch->sq_posted;
	added.ring = bvi_mlx5_post_of(ch)->ring;
	added.ctrl = bvi_seg_ctrl(ch, what, pi, rdma ? 3 : 2, low);
	added.at = bvi_mlx5_note(ch, what, pi);
	bvi_mlx5_put(added.ring, &added.at, 0, added.ctrl);
	if (rdma)
		bvi_mlx5_put(added.ring, &added.at, 1, bvi_seg_remote(ch, remote, !low));
	ch->sq_posted++;
	bvi_mlx5_next_block(send);
	return added;
}

BVI_INLINE struct bvi_mlx5_added bvi_mlx5_add_inline8(struct bv_channel *ch, const void *buf,
						      bool rdma, const struct bv_remote *remote,
						      uint64_t what, unsigned low)
{
	const bv_be32 head = bv_to_be32(0x80000008u);
	const bv_be64 payload = bv_be64_bytes(buf);
	struct bvi_mlx5_added added = bvi_mlx5_add_block(ch, rdma, remote, what, low);
	const unsigned to = rdma ? 32 : 16;

	/* The device does not look at the rest of the segment. */
	memcpy(bvi_mlx5_in_block(added.ring, &added.at, to), &head, sizeof(head));
	memcpy(bvi_mlx5_in_block(added.ring, &added.at, to + 4), &payload, sizeof(payload));
	return added;
}

BVI_INLINE struct bvi_mlx5_added bvi_mlx5_add_one(struct bv_channel *ch, const void *sg, bool rdma,
						  const struct bv_remote *remote, uint64_t what,
						  unsigned low)
{
	struct bvi_mlx5_added added = bvi_mlx5_add_block(ch, rdma, remote, what, low);

	bvi_mlx5_put(added.ring, &added.at, rdma ? 2 : 1, bvi_seg_data(ch, sg, !low));
	return added;
}

BVI_INLINE bool bvi_mlx5_has_room(const struct bv_channel *ch)
{
	return bvi_likely(ch->sq_posted != ch->sq_limit);
}

/* Whether the short way takes a post at all. */
BVI_INLINE bool bvi_mlx5_takes(const struct bv_channel *ch)
{
	return bvi_likely(bvi_mlx5_has_room(ch) && ch->gate);
}

/* A number, which the compiler then does not look at again to see whether it is an error. */
BVI_INLINE int64_t bvi_mlx5_posted(int64_t number)
{
	if (number < 0)
		__builtin_unreachable();
	return number;
}

BVI_INLINE int64_t bvi_mlx5_post_inline8(struct bv_channel *ch, const void *buf, bool rdma,
					 const struct bv_remote *remote, uint64_t what, bool more)
{
	if (more)
		return bvi_mlx5_posted(
			bvi_mlx5_add_inline8(ch, buf, rdma, remote, what, BV_MORE).number);
	return bvi_mlx5_posted(bvi_mlx5_post_block(ch, bvi_seg_inline8(buf), rdma, remote, what));
}

/* An element that needs no second look: not empty, and not too long for any port. */
BVI_INLINE bool bvi_mlx5_takes_element(const void *sg)
{
	return bvi_likely(((const struct bv_gather *)sg)->length - 1 < BVI_MLX5_MSG);
}

BVI_INLINE int64_t bvi_mlx5_post_one(struct bv_channel *ch, const void *sg, bool rdma,
				     const struct bv_remote *remote, uint64_t what, bool more)
{
	if (more)
		return bvi_mlx5_posted(
			bvi_mlx5_add_one(ch, sg, rdma, remote, what, BV_MORE).number);
	return bvi_mlx5_posted(
		bvi_mlx5_post_block(ch, bvi_seg_data(ch, sg, true), rdma, remote, what));
}

/* Writes the receive of one element at @number; there is room. */
BVI_INLINE void bvi_mlx5_put_recv(struct bv_channel *ch, const struct bv_scatter *sg,
				  uint64_t number)
{
	const struct bvi_mlx5_recv *const recv = bvi_mlx5_recv_of(ch);
	bvi_v16 *const wqe =
		(bvi_v16 *)(void *)(recv->ring +
				    (size_t)((uint32_t)(number & recv->mask) * recv->stride));

	wqe[0] = bvi_seg_data(ch, sg, true);
}

/* Tells the device of all receives before @number; there is no register to ring. */
BVI_INLINE void bvi_mlx5_recv_record(struct bv_channel *ch, uint64_t number)
{
	bv_wqe_before_dbrec();
	bv_dbrec_write(bvi_mlx5_recv_of(ch)->dbrec, bv_to_be32((uint16_t)number));
}

/* Whether the short way takes a receive: one element, which fills its stride. */
BVI_INLINE bool bvi_mlx5_takes_recv(const struct bv_channel *ch, const struct bv_scatter *sg,
				    unsigned nsge)
{
	return bvi_likely(ch->rq_posted != ch->rq_limit && nsge == 1 && sg->length);
}

BVI_INLINE int64_t bvi_mlx5_recv_one(struct bv_channel *ch, const struct bv_scatter *sg)
{
	const uint64_t number = ch->rq_posted;

	bvi_mlx5_put_recv(ch, sg, number);
	ch->rq_posted++;
	bvi_mlx5_recv_record(ch, number + 1);
	return (int64_t)number;
}

/* ---- polls ---- */

/* Whether taking @cqe leaves the short way: then the ring's next half begins. */
BVI_INLINE bool bvi_mlx5_recv_stops(const struct bvi_mlx5_cqe *cqe, uint32_t stop)
{
	return bvi_unlikely((uint32_t)(uintptr_t)(cqe + 1) == stop);
}

/* Likewise; of a ring whose half is longer than what @stop tells apart, it may be for nothing. */
BVI_INLINE bool bvi_mlx5_send_stops(const struct bvi_mlx5_cqe *cqe, uint16_t stop)
{
	return bvi_unlikely((uint16_t)(uintptr_t)(cqe + 1) == stop);
}

/* Delivers a success, of which everything was known at its post. Returns the work's number. */
BVI_INLINE uint64_t bvi_mlx5_sent(struct bv_channel *ch, const struct bvi_mlx5_cqe *cqe,
				  struct bv_wc *wc)
{
	uint64_t at = bvi_mlx5_cqe_tail(cqe) >> 12 & bvi_mlx5_send_of(ch)->places;

	*(bvi_v16_unaligned *)(void *)wc =
		*(const bvi_v16 *)(const void *)bvi_mlx5_done_at(ch, &at);
	wc->imm = 0;
	wc->vendor_err = 0;
	return (uint64_t)bvi_mlx5_done_at(ch, &at)->work;
}

/* The completion of one send-queue work; or 0; or what @other finds. */
BVI_INLINE int bvi_mlx5_take_send(struct bv_channel *ch, struct bv_wc *wc,
				  int (*other)(struct bv_channel *ch, struct bv_wc *wc))
{
	struct bvi_mlx5_send *const send = bvi_mlx5_send_of(ch);
	const struct bvi_mlx5_cqe *const cqe = send->cqe;
	/* 0: a plain success of this lap; 1: the place has one of the lap before. */
	unsigned state = bvi_mlx5_cqe_op_own(cqe);

	if (bvi_unlikely(bvi_xor_differs(&state, (const uint8_t *)&send->places + 3)))
		return bvi_unlikely(bvi_minus_one(&state)) ? other(ch, wc) : (int)state;
	if (bvi_mlx5_send_stops(cqe, send->stop))
		return other(ch, wc);
	bv_owner_before_cqe(); /* the WQE's index, and the memory that a read filled */
	ch->sq_limit = send->room + bvi_mlx5_sent(ch, cqe, wc);
	send->cqe = cqe + 1;
	return 1;
}

/*
 * Of a receive: opcode, "solicited" and owner as they were found, the latter 0 if it is of this lap. All
 * opcodes of successes are 1, 2 and 3: write with immediate, send, send with immediate. What was
 * compressed, or has its payload inside, is none of these.
 */
BVI_INLINE bool bvi_mlx5_is_received(unsigned state)
{
	return bvi_likely(!(state & 0xcd) && state >= 0x10);
}

BVI_INLINE void bvi_mlx5_received(const struct bvi_mlx5_cqe *cqe, unsigned state, uint64_t number,
				  struct bv_wc *wc)
{
	/* Immediates are odd opcodes: flags bit 0. Sends are 2 and above: op 2 instead of 1. */
	const uint32_t how = (state * 0x810 & 0x10100) + 0x10000;
	const uint64_t imm = bvi_likely(state & 0x10) ? bv_from_be32(cqe->imm) : 0;

	wc->work = (int64_t)number;
	memcpy(&wc->reserved, &how, sizeof(how));
	wc->bytes = bv_from_be32(cqe->byte_cnt);
	/* With the vendor_err of 0 behind it, as one. */
	memcpy(&wc->imm, &imm, sizeof(imm));
}

/* The completion of one receive; or 0; or what @other finds. */
BVI_INLINE int bvi_mlx5_take_recv(struct bv_channel *ch, struct bv_wc *wc,
				  int (*other)(struct bv_channel *ch, struct bv_wc *wc))
{
	struct bvi_mlx5_poll_recv *const recv = bvi_mlx5_poll_recv_of(ch);
	const struct bvi_mlx5_cqe *const cqe = recv->cqe;
	const unsigned state = bvi_mlx5_cqe_op_own(cqe) ^ recv->owner;

	if (bvi_unlikely(!bvi_mlx5_is_received(state)))
		return state & 1 ? 0 : other(ch, wc);
	if (bvi_mlx5_recv_stops(cqe, recv->stop))
		return other(ch, wc);
	bv_owner_before_cqe(); /* length and immediate, and the memory that arrived */
	bvi_mlx5_received(cqe, state, ch->rq_done, wc);
	ch->rq_done++;
	ch->rq_limit++;
	recv->cqe = cqe + 1;
	return 1;
}

BV_END_DECLS

#endif
