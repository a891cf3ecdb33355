/* SPDX-License-Identifier: MIT */
/*
 * Checks of debug builds before a region or a protection domain is released: that no work that is
 * outstanding uses it.
 */
#include "debug_state.h"

#ifndef NDEBUG

#include <inttypes.h>
#include <stdio.h>

#include "pd.h"

/* The first outstanding work of @ring with an element of @mr, or any if it is NULL. */
static bool uses(const struct ring *ring, const struct bv_mr *mr, uint64_t *number)
{
	for (uint64_t n = ring->done; n < ring->posted; n++) {
		const struct bv_scatter *sge = bvi_debug_elements(ring, n);
		const uint32_t nsge = ring->work[n & ring->mask].nsge;

		for (uint32_t i = 0; mr && i < nsge; i++)
			if (sge[i].length && sge[i].lkey == mr->lkey) {
				*number = n;
				return true;
			}
		if (!mr) {
			*number = n;
			return true;
		}
	}
	return false;
}

static void describe(const struct bv_channel *ch, const struct ring *ring, uint64_t number,
		     const struct bv_mr *mr, struct finding *finding)
{
	finding->check = BV_DEBUG_IN_USE;
	if (mr)
		snprintf(finding->text, sizeof(finding->text),
			 "bv_mr_dereg: the region of %" PRIu64 " bytes at 0x%" PRIx64
			 " (lkey 0x%x) is in use by %s %" PRIu64
			 " of channel qpn 0x%x: wait for it, or destroy the channel first",
			 mr->length, mr->addr, mr->lkey, ring->name, number, ch->core->local.qpn);
	else
		snprintf(finding->text, sizeof(finding->text),
			 "bv_pd_free: the protection domain is in use by %s %" PRIu64
			 " of channel qpn 0x%x: wait for it, or destroy the channel first",
			 ring->name, number, ch->core->local.qpn);
}

static void check_channel(struct bv_channel *ch, const struct bv_mr *mr, struct finding *finding)
{
	struct bvi_debug *debug = bvi_debug_of(ch);
	uint64_t number;

	if (!debug)
		return;
	bvi_debug_lock(debug);
	if (uses(&debug->send, mr, &number))
		describe(ch, &debug->send, number, mr, finding);
	else if (uses(&debug->recv, mr, &number))
		describe(ch, &debug->recv, number, mr, finding);
	bvi_debug_unlock(debug);
}

static void check_release(const struct bv_pd *pd, const struct bv_mr *mr)
{
	struct bvi_events *events = &pd->device->events;
	struct finding finding = { 0 };
	struct bv_channel *ch;

	pthread_mutex_lock(&events->lock);
	for (ch = events->channels; ch && bvi_debug_wanted(&finding, BV_DEBUG_IN_USE);
	     ch = ch->core->next_channel)
		if (ch->core->pd == pd)
			check_channel(ch, mr, &finding);
	pthread_mutex_unlock(&events->lock);
	bvi_debug_deliver(&finding);
}

void bvi_debug_mr_release(const struct bv_pd *pd, const struct bv_mr *mr)
{
	check_release(pd, mr);
}

void bvi_debug_pd_release(const struct bv_pd *pd)
{
	check_release(pd, NULL);
}

#endif
