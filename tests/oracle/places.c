/* SPDX-License-Identifier: MIT */
#include "places.h"

#include <endian.h>
#include <stdlib.h>

static uint32_t place_of(const struct twin *t, unsigned queue, uint32_t places)
{
	assert_int_equal(t->ours.dbrec[queue], t->theirs.dbrec[queue]);
	return be32toh(t->ours.dbrec[queue]) % places;
}

uint32_t place_send(const struct twin *t)
{
	return place_of(t, 1, t->ours.sq_size / TWIN_BLOCK);
}

uint32_t place_recv(const struct twin *t)
{
	return place_of(t, 0, t->ours.rq_size / t->ours.rq_stride);
}

void at_every_place(const struct twin *t, size_t n, void (*run)(const struct twin *t, size_t i),
		    void (*fill)(const struct twin *t))
{
	const uint32_t places = t->ours.sq_size / TWIN_BLOCK;
	size_t *const done = calloc(places, sizeof(*done)); /* how many at each */
	size_t left = n * places;
	unsigned long long fillers = 0;

	assert_non_null(done);
	while (left) {
		size_t *const next = &done[place_send(t)];

		if (*next == n) {
			fillers++;
			fill(t);
			continue;
		}
		left--;
		run(t, (*next)++);
	}
	print_message("%zu at each of %u blocks, %llu fillers\n", n, places, fillers);
	free(done);
}
