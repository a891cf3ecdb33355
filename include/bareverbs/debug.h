/* SPDX-License-Identifier: MIT */
/*
 * Checks of what C cannot promise and a release build does not look at. Only a library that was
 * built without NDEBUG (CMAKE_BUILD_TYPE=Debug) has them; the programs above may be built as they
 * like. Release builds pay nothing: the calls below are all there is.
 *
 * A finding is a sentence that names the call, the object and the work. Without a handler it is
 * printed to standard error and the program aborts, as assert() does; after a handler that returns,
 * the library carries on as a release build would.
 */
#ifndef BV_BAREVERBS_DEBUG_H
#define BV_BAREVERBS_DEBUG_H

#include <bareverbs/common.h>

BV_BEGIN_DECLS

struct bv_channel;

/* A region or protection domain is released under works that are outstanding. */
#define BV_DEBUG_IN_USE 0x1u
/*
 * A channel with works outstanding, or with an open scope, is used by another thread than before, or
 * a scope ends in another thread. A channel may change its thread when it is idle, or by
 * bv_channel_hand_over().
 */
#define BV_DEBUG_THREAD 0x2u
/*
 * A receive or read may write where another one of the same channel may. Off until asked for: many
 * programs post one scratch buffer for messages whose bytes they never look at.
 */
#define BV_DEBUG_OVERLAP 0x4u
#define BV_DEBUG_DEFAULT (BV_DEBUG_IN_USE | BV_DEBUG_THREAD)

/**
 * bv_debug_set - Choose checks, and who hears of findings
 * @checks: BV_DEBUG_* or'ed; for all channels, from now on
 * @report: called with the check and a text that is valid during the call, on the thread that did it,
 *	and may be called by several at once; NULL prints and aborts
 *
 * Return: true; false this library has no checks, and nothing will be reported.
 * Owner: nothing changes hands.  Threads: any, while no other thread is inside the library.
 * Blocks: never.
 */
BV_API bool bv_debug_set(unsigned checks, void (*report)(unsigned check, const char *text));

/**
 * bv_channel_hand_over - Let another thread use the channel from now on
 * @ch: a channel; works may be outstanding, no scope is open
 *
 * For BV_DEBUG_THREAD alone, and nothing without it. The threads themselves see to the order in
 * which they use the channel.
 *
 * Owner: nothing changes hands.  Threads: the one that used @ch so far.  Blocks: never.
 */
BV_API void bv_channel_hand_over(struct bv_channel *ch);

BV_END_DECLS

#endif
