/* SPDX-License-Identifier: MIT */
/*
 * Building WQEs where they lie in the ring; the short ways (pin_mlx5.h) build them in registers. A WQE
 * continues at the start of the ring when it meets its end; header segments never do, as a WQE starts at
 * a block and has at most three of them.
 */
#ifndef BV_PROVIDERS_MLX5_WQE_H
#define BV_PROVIDERS_MLX5_WQE_H

#include "channel.h"

/* An element of either kind: both have this layout (asserted in channel.c), and are lists of one type here. */
struct mlx5_sge {
	uint64_t addr;
	uint32_t length;
	uint32_t lkey;
} __attribute__((may_alias));

static inline struct prm_seg wqe_data(const struct mlx5_sge *sge)
{
	return prm_data(sge->addr, sge->length, sge->lkey);
}

static inline unsigned wqe_blocks(unsigned ds)
{
	return (ds + PRM_WQEBB_DS - 1) / PRM_WQEBB_DS;
}

static inline struct prm_seg *wqe_ring(struct bv_channel *ch)
{
	return (struct prm_seg *)(void *)bvi_mlx5_post_of(ch)->ring;
}

static inline struct prm_seg *wqe_at(struct bv_channel *ch, unsigned index)
{
	return wqe_ring(ch) + (size_t)(index & mlx5_sq_mask(ch)) * PRM_WQEBB_DS;
}

static inline struct prm_seg *wqe_ring_end(struct bv_channel *ch)
{
	return wqe_ring(ch) + ((size_t)mlx5_sq_mask(ch) + 1) * PRM_WQEBB_DS;
}

/* A short memcpy, of pieces of fixed sizes that overlap: cheaper than the call for inline payload. */
static inline void wqe_copy(uint8_t *dst, const uint8_t *src, size_t len)
{
	if (len >= 16) {
		for (size_t i = 0; i < len - 16; i += 16)
			memcpy(dst + i, src + i, 16);
		memcpy(dst + len - 16, src + len - 16, 16);
	} else if (len >= 8) {
		memcpy(dst, src, 8);
		memcpy(dst + len - 8, src + len - 8, 8);
	} else if (len >= 4) {
		memcpy(dst, src, 4);
		memcpy(dst + len - 4, src + len - 4, 4);
	} else if (len) {
		dst[0] = src[0];
		dst[len / 2] = src[len / 2];
		dst[len - 1] = src[len - 1];
	}
}

/* Data segments from @seg on, empty elements left out. Returns how many. */
static inline unsigned wqe_put_list(struct bv_channel *ch, struct prm_seg *seg,
				    const struct mlx5_sge *sg, unsigned nsge)
{
	struct prm_seg *const end = wqe_ring_end(ch);
	unsigned ds = 0;

	for (unsigned i = 0; i < nsge; i++) {
		if (!sg[i].length)
			continue;
		if (seg == end)
			seg = wqe_ring(ch);
		*seg++ = wqe_data(&sg[i]);
		ds++;
	}
	return ds;
}

/* ---- inline payload, by segments in registers ---- */

BVI_INLINE bvi_v16 wqe_load(const uint8_t *bytes)
{
	bvi_v16 v;

	memcpy(&v, bytes, sizeof(v));
	return v;
}

#ifdef __x86_64__

/* Eight bytes at @from without the first @bits / 8 of them, up to all, and zeroes behind. */
BVI_INLINE bvi_v16 wqe_load_behind(const uint8_t *from, size_t bits)
{
	return (bvi_v16)_mm_srl_epi64(_mm_loadl_epi64((const __m128i_u *)(const void *)from),
				      _mm_cvtsi32_si128((int)bits));
}

/* The first halves of both. */
BVI_INLINE bvi_v16 wqe_join(bvi_v16 a, bvi_v16 b)
{
	return (bvi_v16)_mm_unpacklo_epi64((__m128i)a, (__m128i)b);
}

BVI_INLINE bvi_v16 wqe_down_12(bvi_v16 v)
{
	return (bvi_v16)_mm_srli_si128((__m128i)v, 12);
}

/* The first segment of inline data: its head, then twelve bytes of @v. */
BVI_INLINE bvi_v16 wqe_inline_first(bvi_v16 v, size_t len)
{
	const bv_be32 head = bv_to_be32(prm_inline_head((uint32_t)len));

	return (bvi_v16)_mm_or_si128(_mm_slli_si128((__m128i)v, PRM_INLINE_HEAD),
				     _mm_cvtsi32_si128((int)head.be));
}

#else

BVI_INLINE bvi_v16 wqe_load_behind(const uint8_t *from, size_t bits)
{
	uint64_t v;

	memcpy(&v, from, sizeof(v));
	return bvi_v16_of(bits < 64 ? v >> bits : 0, 0);
}

BVI_INLINE bvi_v16 wqe_join(bvi_v16 a, bvi_v16 b)
{
	return bvi_v16_of(a[0], b[0]);
}

BVI_INLINE bvi_v16 wqe_down_12(bvi_v16 v)
{
	return bvi_v16_of(v[1] >> 32, 0);
}

BVI_INLINE bvi_v16 wqe_inline_first(bvi_v16 v, size_t len)
{
	const bv_be32 head = bv_to_be32(prm_inline_head((uint32_t)len));

	return bvi_v16_of(head.be | v[0] << 32, v[0] >> 32 | v[1] << 32);
}

#endif

/* @n bytes before @end, 1..16, and zeroes behind. Eight or more bytes are readable there. */
BVI_INLINE bvi_v16 wqe_last(const uint8_t *end, size_t n)
{
	if (n < 8)
		return wqe_load_behind(end - 8, 8 * (8 - n));
	return wqe_join(wqe_load_behind(end - n, 0), wqe_load_behind(end - 8, 8 * (16 - n)));
}

/* 1 to 15 bytes, and zeroes behind; by loads that overlap. */
BVI_INLINE bvi_v16 wqe_load_short(const uint8_t *buf, size_t len)
{
	uint32_t c, d;

	if (len >= 8)
		return wqe_last(buf + len, len);
	if (len >= 4) {
		memcpy(&c, buf, sizeof(c));
		memcpy(&d, buf + len - 4, sizeof(d));
		return bvi_v16_of(c | (uint64_t)d << 8 * (len - 4), 0);
	}
	c = buf[len / 2];
	d = buf[len - 1];
	return bvi_v16_of(buf[0] | c << 8 * (len / 2) | d << 8 * (len - 1), 0);
}

/* What a WQE of one block has room for beside @head segments. */
BVI_INLINE unsigned wqe_block_inline(unsigned head)
{
	return (PRM_WQEBB_DS - head) * PRM_DS - PRM_INLINE_HEAD;
}

/* Inline data of one block, not empty; zeroes behind; @ds: segments taken. */
struct wqe_payload {
	bvi_v16 seg[3];
	unsigned ds;
};

BVI_INLINE struct wqe_payload wqe_inline_block(const uint8_t *buf, size_t len, unsigned head)
{
	const bvi_v16 none = { 0, 0 };
	bvi_v16 v;

	if (bvi_unlikely(len < PRM_DS)) {
		v = wqe_load_short(buf, len);
		return (struct wqe_payload){ { wqe_inline_first(v, len), wqe_down_12(v), none },
					     prm_inline_ds(len) };
	}
	v = wqe_inline_first(wqe_load(buf), len);
	if (head == 2 || len <= 28)
		return (struct wqe_payload){ { v, wqe_last(buf + len, len - 12), none }, 2 };
	return (struct wqe_payload){ { v, wqe_load(buf + 12), wqe_last(buf + len, len - 28) }, 3 };
}

/* A second block: 1 to 64 bytes at @from, behind those of the first, and zeroes. */
BVI_INLINE void wqe_inline_second(bvi_v16 seg[4], const uint8_t *from, size_t left)
{
	const bvi_v16 last = wqe_last(from + left, (left - 1) % PRM_DS + 1);
	const bvi_v16 none = { 0, 0 };

	seg[0] = left > 16 ? wqe_load(from) : last;
	seg[1] = left > 16 ? last : none;
	seg[2] = none;
	seg[3] = none;
	if (left <= 32)
		return;
	seg[1] = wqe_load(from + 16);
	seg[2] = left > 48 ? wqe_load(from + 32) : last;
	seg[3] = left > 48 ? last : none;
}

/* Inline data of 16 bytes or more from @seg to @last, where the ring does not end. */
BVI_INLINE void wqe_put_inline_straight(bvi_v16 *seg, bvi_v16 *last, const uint8_t *buf, size_t len)
{
	*last = wqe_last(buf + len, (len + PRM_INLINE_HEAD - 1) % PRM_DS + 1);
	*seg++ = wqe_inline_first(wqe_load(buf), len);
	for (buf += PRM_DS - PRM_INLINE_HEAD; seg < last; buf += PRM_DS)
		*seg++ = wqe_load(buf);
}

/* Inline data of any length from @seg on, not at the end of the ring. Returns the segments taken. */
static inline unsigned wqe_put_inline(struct bv_channel *ch, struct prm_seg *seg, const void *buf,
				      size_t len)
{
	const bv_be32 head = bv_to_be32(prm_inline_head((uint32_t)len));
	uint8_t *const dst = (uint8_t *)seg + PRM_INLINE_HEAD;
	const size_t room = (size_t)((uint8_t *)wqe_ring_end(ch) - dst);
	const unsigned ds = prm_inline_ds(len);

	if (!len)
		return 0;
	if (bvi_likely(len <= room)) {
		seg[ds - 1] = (struct prm_seg){ 0 }; /* its padding */
		memcpy(seg, &head, PRM_INLINE_HEAD);
		wqe_copy(dst, buf, len);
	} else {
		memcpy(seg, &head, PRM_INLINE_HEAD);
		wqe_copy(dst, buf, room);
		wqe_copy((uint8_t *)wqe_ring(ch), (const uint8_t *)buf + room, len - room);
	}
	return ds;
}

#endif
