/* SPDX-License-Identifier: MIT */
/*
 * Single accesses to memory that a device reads or writes, too: never torn, never repeated, never
 * left out by the compiler. Order comes from core/hw/barrier.h.
 *
 * ThreadSanitizer does not see those barriers. In its builds the same accesses are release and
 * acquire, so that it can follow an emulated device on another thread.
 */
#ifndef BV_CORE_HW_MMIO_H
#define BV_CORE_HW_MMIO_H

#include "core/hw/endian.h"

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
 * 64 bytes to write-combining memory, in ascending order: one line, thus one packet on the bus. 16
 * bytes at a time, as every CPU that matters has such registers; both sides are aligned to that.
 */
static inline void bv_mmio_copy64(void *reg, const void *from)
{
	typedef uint64_t piece __attribute__((vector_size(16), may_alias));
	volatile piece *const dst = reg;
	const piece *const src = from;

	dst[0] = src[0];
	dst[1] = src[1];
	dst[2] = src[2];
	dst[3] = src[3];
}

/* A naturally aligned word that the device writes, all of it at once. */
static inline bv_be64 bv_dma_read64(const bv_be64 *word)
{
	return (bv_be64){ __atomic_load_n(&word->be, BVI_DEVICE_LOAD) };
}

#endif
