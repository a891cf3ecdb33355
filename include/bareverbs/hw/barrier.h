/* SPDX-License-Identifier: MIT */
/*
 * Memory barriers, named for their use.
 *
 * Ring and record memory is ordinary write-back memory; doorbell registers are mapped
 * write-combining (BlueFlame) or uncached. The device reads rings by coherent DMA. What each
 * architecture needs is that of rdma-core util/udma_barrier.h, with two differences:
 *  - x86, owner -> CQE: no lfence. Loads from write-back memory are not reordered with each other
 *    (Intel SDM volume 3, 8.2.2), so that keeping the compiler in order suffices.
 *  - after a copy of whole 64-byte lines to BlueFlame no fence follows: a full write-combining
 *    buffer leaves by itself (SDM volume 3, 11.3.1), and the next doorbell's fence keeps the order.
 */
#ifndef BV_BAREVERBS_HW_BARRIER_H
#define BV_BAREVERBS_HW_BARRIER_H

#include <bareverbs/common.h>

BV_BEGIN_DECLS

#if defined(__x86_64__)
#define BVI_STORES_TO_DEVICE() __asm__ volatile("" ::: "memory")
#define BVI_LOADS_FROM_DEVICE() __asm__ volatile("" ::: "memory")
#define BVI_WC_FENCE() __asm__ volatile("sfence" ::: "memory")
#define BVI_WC_HINT() __asm__ volatile("" ::: "memory")
#elif defined(__aarch64__)
#define BVI_STORES_TO_DEVICE() __asm__ volatile("dmb oshst" ::: "memory")
#define BVI_LOADS_FROM_DEVICE() __asm__ volatile("dmb oshld" ::: "memory")
#define BVI_WC_FENCE() __asm__ volatile("dsb st" ::: "memory")
#define BVI_WC_HINT() __asm__ volatile("hint #6" ::: "memory") /* DGH: do not wait to gather more */
#else
#define BVI_STORES_TO_DEVICE() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define BVI_LOADS_FROM_DEVICE() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define BVI_WC_FENCE() __sync_synchronize()
#define BVI_WC_HINT() __sync_synchronize()
#endif

/* The device must not see the new doorbell record before the work queue elements that it covers. */
static inline void bv_wqe_before_dbrec(void)
{
	BVI_STORES_TO_DEVICE();
}

/*
 * The doorbell must not reach the device before the record (and the elements). Stores to
 * write-combining memory are not ordered with stores to ordinary memory, so this is a real fence.
 * It also ends what an earlier doorbell may have left in the write-combining buffers.
 */
static inline void bv_dbrec_before_doorbell(void)
{
	BVI_WC_FENCE();
}

/* Push out a doorbell that does not fill a line: nothing else would for an unbounded time. */
static inline void bv_doorbell_flush(void)
{
	BVI_WC_FENCE();
}

/* Whole lines have been copied to BlueFlame: they need no fence, see above. */
static inline void bv_blueflame_flush(void)
{
	BVI_WC_HINT();
}

/* No other field of a completion, and no payload, may be read before the owner bit. */
static inline void bv_owner_before_cqe(void)
{
	BVI_LOADS_FROM_DEVICE();
}

BV_END_DECLS

#endif
