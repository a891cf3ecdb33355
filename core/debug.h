/* SPDX-License-Identifier: MIT */
/*
 * Where core tells the checks of debug builds what happens. In release builds all of it is empty.
 */
#ifndef BV_CORE_DEBUG_H
#define BV_CORE_DEBUG_H

#include <bareverbs/debug.h>

struct bv_mr;
struct bv_pd;

#ifdef NDEBUG

static inline void bvi_debug_attach(struct bv_channel *ch)
{
	(void)ch;
}

static inline void bvi_debug_watch(struct bv_channel *ch)
{
	(void)ch;
}

static inline void bvi_debug_detach(struct bv_channel *ch)
{
	(void)ch;
}

static inline void bvi_debug_forget(struct bv_channel *ch)
{
	(void)ch;
}

static inline uint64_t bvi_debug_scope_begin(struct bv_channel *ch)
{
	(void)ch;
	return 0;
}

static inline void bvi_debug_scope_end(struct bv_channel *ch, uint64_t thread)
{
	(void)ch, (void)thread;
}

static inline void bvi_debug_mr_release(const struct bv_pd *pd, const struct bv_mr *mr)
{
	(void)pd, (void)mr;
}

static inline void bvi_debug_pd_release(const struct bv_pd *pd)
{
	(void)pd;
}

#else

/* Makes the checks of a channel. Without memory it goes without. */
void bvi_debug_attach(struct bv_channel *ch);
/* Puts them between the calls that are in force and their caller. */
void bvi_debug_watch(struct bv_channel *ch);
void bvi_debug_detach(struct bv_channel *ch);
/* No work is outstanding any more, though no completion said so. */
void bvi_debug_forget(struct bv_channel *ch);
/* Return: who began it, for the end. */
uint64_t bvi_debug_scope_begin(struct bv_channel *ch);
void bvi_debug_scope_end(struct bv_channel *ch, uint64_t thread);
/* Before the release. */
void bvi_debug_mr_release(const struct bv_pd *pd, const struct bv_mr *mr);
void bvi_debug_pd_release(const struct bv_pd *pd);

#endif

#endif
