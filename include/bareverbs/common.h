/* SPDX-License-Identifier: MIT */
/*
 * What every public header needs: linkage, attributes, units of time. Programs include
 * <bareverbs/bareverbs.h>.
 */
#ifndef BV_BAREVERBS_COMMON_H
#define BV_BAREVERBS_COMMON_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define BV_BEGIN_DECLS extern "C" {
#define BV_END_DECLS }
#else
#define BV_BEGIN_DECLS
#define BV_END_DECLS
#endif

/* An exported symbol; everything else in the library is hidden. */
#define BV_API __attribute__((visibility("default")))
/* The result says whether it worked: a caller that drops it gets a compiler warning. */
#define BV_MUST_CHECK __attribute__((warn_unused_result))
#define BV_COLD __attribute__((cold))
/* A short call: left to itself, the compiler stops having them inline where many follow each other. */
#define BVI_INLINE static inline __attribute__((always_inline))

#define bvi_likely(x) __builtin_expect(!!(x), 1)
#define bvi_unlikely(x) __builtin_expect(!!(x), 0)

/*
 * Every wait takes a time-out in nanoseconds, counted from the call. 0 looks once and never waits;
 * BV_FOREVER has no limit (and no call uses it unless you pass it).
 */
#define BV_NSEC INT64_C(1)
#define BV_USEC INT64_C(1000)
#define BV_MSEC INT64_C(1000000)
#define BV_SEC INT64_C(1000000000)
#define BV_FOREVER INT64_MAX

#endif
