/* SPDX-License-Identifier: MIT */
/*
 * What ringing costs by the order of its steps, on memory that combines writes: in place of a
 * BlueFlame register, non-temporal stores, which go through the same buffers of the CPU but end in
 * memory instead of on a bus. Fences then wait for something, as above a NIC, and as ordinary memory
 * never shows. Only the steps of a doorbell are here: element into the ring, record, fence, register.
 *
 * Back to back, and with 100 ns of arithmetic between, which tells a cost from a limit on the rate.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef __x86_64__
void bench_doorbell(void)
{
	puts("doorbell: only x86-64 has the stores that stand for BlueFlame");
}
#else
#include <immintrin.h>

enum { RING = 512, LOOP = 64, LOOPS = 2000 };

struct queue {
	_Alignas(64) uint8_t ring[RING][64];
	_Alignas(64) uint8_t bf[2][256];
	_Alignas(64) uint32_t dbrec;
	uint32_t pi;
	uint32_t half;
};

struct way {
	const char *name;
	void (*ring)(struct queue *q, __m128i first, __m128i second);
};

static inline void element(struct queue *q, __m128i first, __m128i second)
{
	__m128i *const at = (__m128i *)(void *)q->ring[q->pi++ % RING];

	_mm_store_si128(&at[0], first);
	_mm_store_si128(&at[1], second);
	_mm_store_si128(&at[2], first);
	_mm_store_si128(&at[3], second);
}

static inline void record(struct queue *q)
{
	__asm__ volatile("" ::: "memory");
	*(volatile uint32_t *)&q->dbrec = __builtin_bswap32(q->pi & 0xffff);
}

static inline uint8_t *other_half(struct queue *q)
{
	return q->bf[q->half ^= 1];
}

static inline void store_16(uint8_t *bf, __m128i first, __m128i second)
{
	_mm_stream_si128((__m128i *)(void *)bf, first);
	_mm_stream_si128((__m128i *)(void *)(bf + 16), second);
	_mm_stream_si128((__m128i *)(void *)(bf + 32), first);
	_mm_stream_si128((__m128i *)(void *)(bf + 48), second);
}

static inline void store_8(uint8_t *bf, unsigned n, __m128i value)
{
	const long long word = _mm_cvtsi128_si64(value);

	for (unsigned i = 0; i < n; i++)
		_mm_stream_si64((long long *)(void *)(bf + 8 * i), word);
}

static void no_doorbell(struct queue *q, __m128i first, __m128i second)
{
	element(q, first, second);
	record(q);
}

static void ordinary(struct queue *q, __m128i first, __m128i second)
{
	__m128i *const bf = (__m128i *)(void *)other_half(q);

	element(q, first, second);
	record(q);
	_mm_sfence();
	_mm_store_si128(&bf[0], first);
	_mm_store_si128(&bf[1], second);
	_mm_store_si128(&bf[2], first);
	_mm_store_si128(&bf[3], second);
}

static void blueflame_16(struct queue *q, __m128i first, __m128i second)
{
	element(q, first, second);
	record(q);
	_mm_sfence();
	store_16(other_half(q), first, second);
}

/* Of a table for CPUs that have it, like the rest of what is above the baseline. */
static __attribute__((target("avx512f"))) void blueflame_64(struct queue *q, __m128i first,
							    __m128i second)
{
	const __m256i half = _mm256_inserti128_si256(_mm256_castsi128_si256(first), second, 1);

	element(q, first, second);
	record(q);
	_mm_sfence();
	_mm512_stream_si512((__m512i *)(void *)other_half(q),
			    _mm512_inserti64x4(_mm512_castsi256_si512(half), half, 1));
}

static void blueflame_8_fence(struct queue *q, __m128i first, __m128i second)
{
	element(q, first, second);
	record(q);
	_mm_sfence();
	store_8(other_half(q), 8, first);
	_mm_sfence();
}

static void doorbell_fence(struct queue *q, __m128i first, __m128i second)
{
	element(q, first, second);
	record(q);
	_mm_sfence();
	store_8(other_half(q), 1, first);
	_mm_sfence();
}

static void doorbell(struct queue *q, __m128i first, __m128i second)
{
	element(q, first, second);
	record(q);
	_mm_sfence();
	store_8(other_half(q), 1, first);
}

static void chain_16(struct queue *q, __m128i first, __m128i second)
{
	for (unsigned i = 0; i < BENCH_CHAIN; i++)
		element(q, first, second);
	record(q);
	_mm_sfence();
	store_16(other_half(q), first, second);
}

static void chain_8(struct queue *q, __m128i first, __m128i second)
{
	for (unsigned i = 0; i < BENCH_CHAIN; i++)
		element(q, first, second);
	record(q);
	_mm_sfence();
	store_8(other_half(q), 1, first);
	_mm_sfence();
}

static const struct way ways[] = {
	{ "ring and record, no doorbell", no_doorbell },
	{ "fence, 64 bytes of ordinary memory", ordinary },
	{ "fence, 4 x 16 bytes (provider mlx5, UCX)", blueflame_16 },
	{ "fence, 8 x 8 bytes, fence (libmlx5)", blueflame_8_fence },
	{ "fence, 8 bytes, fence", doorbell_fence },
	{ "fence, 8 bytes", doorbell },
	{ "fence, 1 x 64 bytes (provider mlx5, AVX-512)", blueflame_64 },
	{ "16 works: fence, 8 bytes, fence (libmlx5)", chain_8 },
	{ "16 works: fence, 4 x 16 bytes (mlx5, UCX)", chain_16 },
};

static bool can(const struct way *way)
{
	return way->ring != blueflame_64 || __builtin_cpu_supports("avx512f");
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Depends on itself, so that it takes its time: some @n cycles. */
static inline void think(unsigned n)
{
	uint64_t x = n;

	for (unsigned i = 0; i < n; i++)
		__asm__ volatile("add $1, %0" : "+r"(x));
}

static double one_loop(struct queue *q, const struct way *way, unsigned pause)
{
	const __m128i first = _mm_set1_epi32((int)q->pi), second = _mm_set1_epi32(7);
	uint64_t begin = bench_ticks();

	for (unsigned i = 0; i < LOOP; i++) {
		way->ring(q, first, second);
		think(pause);
	}
	return (double)(bench_ticks() - begin) * bench_ns_per_tick / LOOP;
}

static void measure(struct queue *q, unsigned pause, const char *title)
{
	enum { WAYS = sizeof(ways) / sizeof(ways[0]) };
	static double sample[WAYS][LOOPS];

	for (unsigned i = 0; i < LOOPS; i++) {
		for (unsigned w = 0; w < WAYS; w++)
			if (can(&ways[w]))
				sample[w][i] = one_loop(q, &ways[w], pause);
	}
	printf("\n%-44s %8s %8s\n", title, "p5", "median");
	for (unsigned w = 0; w < WAYS; w++) {
		if (!can(&ways[w]))
			continue;
		qsort(sample[w], LOOPS, sizeof(double), compare);
		printf("%-44s %8.1f %8.1f\n", ways[w].name, sample[w][LOOPS / 20],
		       sample[w][LOOPS / 2]);
	}
}

void bench_doorbell(void)
{
	struct queue *q = aligned_alloc(64, sizeof(*q));

	if (!q)
		return;
	memset(q, 0, sizeof(*q));
	bench_clock_init();
	puts("Non-temporal stores in place of BlueFlame; ns for each doorbell. No NIC, no bus.");
	measure(q, 0, "back to back");
	measure(q, 400, "400 cycles of arithmetic after each");
	free(q);
}
#endif
