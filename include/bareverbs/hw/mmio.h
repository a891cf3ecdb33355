/* SPDX-License-Identifier: MIT */
/*
 * Single accesses to memory that a device reads or writes, too: never torn, never repeated, never
 * left out by the compiler. Order comes from barrier.h.
 *
 * ThreadSanitizer does not see those barriers. In its builds the same accesses are release and
 * acquire, so that it can follow an emulated device on another thread.
 */
#ifndef BV_BAREVERBS_HW_MMIO_H
#define BV_BAREVERBS_HW_MMIO_H

#include <bareverbs/hw/endian.h>

BV_BEGIN_DECLS

#if defined(__SANITIZE_THREAD__)
#define BVI_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BVI_TSAN 1
#endif
#endif

#ifdef BVI_TSAN
#define BVI_DEVICE_STORE __ATOMIC_RELEASE
#define BVI_DEVICE_LOAD __ATOMIC_ACQUIRE
#else
#define BVI_DEVICE_STORE __ATOMIC_RELAXED
#define BVI_DEVICE_LOAD __ATOMIC_RELAXED
#endif

/* A doorbell record in ordinary memory. */
static inline void bv_dbrec_write(bv_be32 *record, bv_be32 v)
{
	__atomic_store_n(&record->be, v.be, BVI_DEVICE_STORE);
}

/* A register: 64 bits at once, as two 32-bit stores would be two doorbells. */
static inline void bv_mmio_write64(void *reg, bv_be64 v)
{
	__atomic_store_n((uint64_t *)reg, v.be, BVI_DEVICE_STORE);
}

/*
 * 16 of the 64 bytes of a line of write-combining memory, which is written in ascending order and then
 * is one packet on the bus; every CPU that matters has registers of this size. @reg is aligned to it.
 */
typedef uint64_t bvi_v16 __attribute__((vector_size(16), may_alias));

static inline void bv_mmio_write128(void *reg, bvi_v16 v)
{
#ifdef BVI_TSAN
	const bv_be64 lo = { v[0] }, hi = { v[1] };

	bv_mmio_write64(reg, lo);
	bv_mmio_write64((uint8_t *)reg + 8, hi);
#else
	*(volatile bvi_v16 *)reg = v;
#endif
}

/* A whole line; @from is aligned as @reg is. */
static inline void bv_mmio_copy64(void *reg, const void *from)
{
	uint8_t *const to = (uint8_t *)reg;
	const bvi_v16 *const src = (const bvi_v16 *)from;
	const bvi_v16 a = src[0], b = src[1], c = src[2], d = src[3];

	bv_mmio_write128(to, a);
	bv_mmio_write128(to + 16, b);
	bv_mmio_write128(to + 32, c);
	bv_mmio_write128(to + 48, d);
}

/* A naturally aligned word that the device writes, all of it at once. */
static inline bv_be64 bv_dma_read64(const bv_be64 *word)
{
	const bv_be64 v = { __atomic_load_n(&word->be, BVI_DEVICE_LOAD) };

	return v;
}

static inline uint8_t bv_dma_read8(const uint8_t *byte)
{
	return __atomic_load_n(byte, BVI_DEVICE_LOAD);
}

BV_END_DECLS

#endif
