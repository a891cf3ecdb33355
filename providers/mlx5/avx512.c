/* SPDX-License-Identifier: MIT */
/*
 * The short ways, and inline payload of up to two blocks, with AVX-512: a block is one register, built once and
 * stored twice, each time by one instruction. So the line that goes to BlueFlame is never in parts. Payload of any
 * length is loaded to where it belongs by a mask of its bytes; what is masked is not accessed.
 *
 * SSE instructions may not be mixed in, hence what pin_mlx5.h has as assembly is here as intrinsics.
 */
#include "simd.h"

#ifdef MLX5_SIMD

#include <immintrin.h>

#define SHORT_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,bmi2")))
#define INLINE_AVX512 static inline SHORT_TARGET __attribute__((always_inline))

INLINE_AVX512 __m128i control(struct bv_channel *ch, uint64_t what, uint64_t pi, unsigned ds)
{
	const uint64_t lo = what + pi + ((uint64_t)ds << 24);

	return _mm_castpd_si128(
		_mm_loadh_pd(_mm_castsi128_pd(_mm_cvtsi64_si128((long long)lo)),
			     (const double *)(const void *)&bvi_mlx5_send_of(ch)->qpn));
}

INLINE_AVX512 __m128i load(const void *from)
{
	return _mm_loadu_si128((const __m128i_u *)from);
}

/*
 * Control segment and, if @rdma, remote address. What is behind them is not set, and zeroes in fact, which no
 * instruction is spent for: it is not part of the WQE.
 */
INLINE_AVX512 __m512i head(struct bv_channel *ch, uint64_t what, uint64_t pi, unsigned ds,
			   bool rdma, const struct bv_remote *remote)
{
	const struct bvi_mlx5_post *const post = bvi_mlx5_post_of(ch);
	const __m128i first = control(ch, what, pi, ds);
	__m256i both;

	static_assert(offsetof(struct bvi_mlx5_post, seg_mask) ==
			      offsetof(struct bvi_mlx5_post, ctrl_mask) + 16,
		      "one mask for two segments");
	if (!rdma)
		return _mm512_castsi128_si512(_mm_shuffle_epi8(first, load(post->ctrl_mask)));
	both = _mm256_inserti128_si256(_mm256_castsi128_si256(first),
				       _mm_slli_si128(load(remote), 4), 1);
	return _mm512_castsi256_si512(_mm256_shuffle_epi8(
		both, _mm256_loadu_si256((const __m256i_u *)(const void *)post->ctrl_mask)));
}

/* @block with @segment behind its head. */
INLINE_AVX512 __m512i with_segment(__m512i block, bool rdma, __m128i segment)
{
	return rdma ? _mm512_inserti32x4(block, segment, 2) : _mm512_inserti32x4(block, segment, 1);
}

INLINE_AVX512 void put(uint8_t *to, __m512i block)
{
	*(volatile __m512i *)(void *)to = block;
}

/* Posts @blocks blocks that are not yet in the ring, the first of @pi. */
INLINE_AVX512 int64_t post(struct bv_channel *ch, uint64_t how, uint64_t pi, const __m512i *block,
			   unsigned blocks)
{
	const int64_t number = (int64_t)ch->sq_posted;
	const uint16_t next = (uint16_t)(pi + blocks);
	uint8_t *const ring = bvi_mlx5_post_of(ch)->ring;
	uint64_t at = bvi_mlx5_note(ch, how, pi);
	uint8_t *bf;

	put(bvi_mlx5_in_block(ring, &at, 0), block[0]);
	if (blocks == 2)
		put(bvi_mlx5_in_block(ring, &at, PRM_WQEBB), block[1]);
	ch->sq_posted++;
	bvi_mlx5_send_of(ch)->pi = next;
	bf = bf_begin(ch, next);
	put(bf, block[0]);
	if (blocks == 2)
		put(bf + PRM_WQEBB, block[1]);
	bf_end(ch, bf);
	return bvi_mlx5_posted(number);
}

INLINE_AVX512 int64_t one(struct bv_channel *ch, const void *sg, bool rdma,
			  const struct bv_remote *remote, uint64_t what)
{
	const uint64_t pi = bvi_mlx5_send_of(ch)->pi;
	const __m128i data =
		_mm_shuffle_epi32(_mm_shuffle_epi8(load(sg), load(bvi_mlx5_post_of(ch)->seg_mask)),
				  _MM_SHUFFLE(3, 1, 2, 0));
	const __m512i block =
		with_segment(head(ch, what, pi, rdma ? 3 : 2, rdma, remote), rdma, data);

	return post(ch, what, pi, &block, 1);
}

INLINE_AVX512 int64_t inline8(struct bv_channel *ch, const void *buf, bool rdma,
			      const struct bv_remote *remote, uint64_t what)
{
	const uint64_t pi = bvi_mlx5_send_of(ch)->pi;
	bv_be32 length = bv_to_be32(prm_inline_head(8));
	__m128i bytes = _mm_slli_si128(_mm_loadl_epi64((const __m128i_u *)buf), PRM_INLINE_HEAD);
	__m512i block;

	/* From a register: as a constant it would be one more cache line. */
	__asm__("" : "+r"(length.be));
	bytes = _mm_or_si128(bytes, _mm_cvtsi32_si128((int)length.be));
	block = with_segment(head(ch, what, pi, rdma ? 3 : 2, rdma, remote), rdma, bytes);
	return post(ch, what, pi, &block, 1);
}

/* @block with @len bytes of @buf from byte @at of it on. */
INLINE_AVX512 __m512i with_bytes(__m512i block, const void *buf, unsigned len, unsigned at)
{
	const __mmask64 bytes = _bzhi_u64(~UINT64_C(0), len) << at;

	return _mm512_mask_loadu_epi8(block, bytes, (const void *)((uintptr_t)buf - at));
}

/* Head and the beginning of @len bytes of payload, of which @n fit. */
INLINE_AVX512 __m512i first_block(struct bv_channel *ch, const void *buf, unsigned len, unsigned n,
				  bool rdma, const struct bv_remote *remote, uint64_t how,
				  uint64_t pi)
{
	const unsigned segments = rdma ? 2 : 1;
	const bv_be32 length = bv_to_be32(prm_inline_head(len));
	/* As prm_inline_ds(), of a payload that is not empty. */
	const unsigned ds = segments + (PRM_INLINE_HEAD + len + PRM_DS - 1) / PRM_DS;
	const __m512i start = head(ch, how, pi, ds, rdma, remote);

	return with_bytes(with_segment(start, rdma, _mm_cvtsi32_si128((int)length.be)), buf, n,
			  segments * PRM_DS + PRM_INLINE_HEAD);
}

/* More than one block: two, where the ring does not end between them; or else the long way. */
INLINE_AVX512 int64_t two(struct bv_channel *ch, const uint8_t *buf, bool rdma,
			  const struct bv_remote *remote, uint64_t what)
{
	const unsigned len = bvi_what_n(what, BVI_SHORT_INLINE);
	const unsigned room = wqe_block_inline(rdma ? 2 : 1);
	const uint64_t how = what & ~UINT64_C(0xffff);
	const struct plain_place to = plain_next(ch);
	__m512i block[2];

	if (bvi_unlikely(len > room + PRM_WQEBB || !plain_is_straight(ch, to, 2)))
		return bvi_mlx5_other(ch, buf, remote, what, 0, 0);
	block[0] = first_block(ch, buf, len, room, rdma, remote, how, to.pi);
	block[1] = with_bytes(_mm512_setzero_si512(), buf + room, len - room, 0);
	return post(ch, how, to.pi, block, 2);
}

static SHORT_TARGET BV_NOINLINE int64_t write_two(struct bv_channel *ch, const void *buf,
						  const struct bv_remote *remote, uint64_t what)
{
	return two(ch, buf, true, remote, what);
}

static SHORT_TARGET BV_NOINLINE int64_t send_two(struct bv_channel *ch, const void *buf,
						 const struct bv_remote *remote, uint64_t what)
{
	return two(ch, buf, false, remote, what);
}

INLINE_AVX512 int64_t payload(struct bv_channel *ch, const void *buf, unsigned len, bool rdma,
			      const struct bv_remote *remote, uint64_t what)
{
	const uint64_t how = what & ~UINT64_C(0xffff), pi = bvi_mlx5_send_of(ch)->pi;
	__m512i block;

	if (len > wqe_block_inline(rdma ? 2 : 1))
		return rdma ? write_two(ch, buf, remote, what) : send_two(ch, buf, remote, what);
	block = first_block(ch, buf, len, len, rdma, remote, how, pi);
	return post(ch, how, pi, &block, 1);
}

static SHORT_TARGET BV_NOINLINE int64_t send_inline(struct bv_channel *ch, const void *buf,
						    unsigned len, uint64_t what)
{
	return payload(ch, buf, len, false, NULL, what);
}

static SHORT_TARGET int64_t post_other(struct bv_channel *ch, const void *buf,
				       const struct bv_remote *remote, uint64_t what,
				       uint64_t swap_add, uint64_t compare)
{
	const unsigned len = plain_n(what, BVI_SHORT_INLINE | BVI_WHAT_INLINE >> 4);

	if (!(what & BVI_WHAT_INLINE)) {
		if ((uint16_t)what)
			return bvi_mlx5_list(ch, buf, remote, what, swap_add, compare);
		return bvi_mlx5_atomic(ch, buf, remote, what, swap_add, compare);
	}
	if (!plain_takes_inline(ch, len))
		return bvi_mlx5_any_inline(ch, buf, remote, what);
	if (!remote)
		return send_inline(ch, buf, len, what);
	return payload(ch, buf, len, true, remote, what);
}

#include "short.h"

BVI_MLX5_TABLES(avx512, SHORT_SENDS, .post_other = post_other, BVI_MLX5_LONG_IMM);

#endif
