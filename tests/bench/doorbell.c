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

static void chain(struct queue *q, __m128i first, __m128i second)
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
	{ "16 works: fence, 8 bytes, fence", chain },
};

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
			sample[w][i] = one_loop(q, &ways[w], pause);
	}
	printf("\n%-44s %8s %8s\n", title, "p5", "median");
	for (unsigned w = 0; w < WAYS; w++) {
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
