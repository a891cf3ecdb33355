/* SPDX-License-Identifier: MIT */
/*
 * One side of bv lat: its lanes, the memory behind each, and the control channel to the other side.
 *
 * Memory of a lane, in slots of one stride:
 *
 *	| tx 0 | ... | tx n-1 | rx 0 .. rx 3 | target 0 .. target 3 |
 *
 *	tx      messages on their way out; n is one more than signal_every, so that a slot's work
 *	        is done when its turn comes again
 *	rx      the posted receives, in turn
 *	target  what the peer writes or reads: message number m is in slot m % 4
 *
 * With four slots a side may verify message m while m + 1 arrives; m + 4 can only come after this
 * side has answered m + 3.
 */
#ifndef BV_TOOLS_BV_LAT_SIDE_H
#define BV_TOOLS_BV_LAT_SIDE_H

#include "lane.h"
#include "lat.h"

#define LAT_SLOTS 4

enum lat_message {
	LAT_START,   /* struct lat_start */
	LAT_ADDRESS, /* struct lane_address, one for each lane */
	LAT_READY,
	LAT_RUN, /* struct lat_order */
	LAT_END,
	LAT_DONE,   /* struct lat_done */
	LAT_FAILED, /* text */
};

struct lat_start {
	struct selection selection;
	uint32_t yield; /* fewer CPUs than threads that poll: waits give theirs away */
};

struct lat_order {
	uint32_t lane;
	struct lat_row row;
	uint64_t first; /* number of the first message of each side */
	uint64_t count;
};

struct lat_done {
	uint64_t verified;
	uint64_t wrong;
	uint64_t late;
	char wrong_text[256];
};

struct lat_side {
	const struct lat_options *options;
	const char *peer_name; /* in texts */
	int fd;
	bool responder;
	bool yield;
	uint32_t nlanes;
	struct lane *lanes;
	size_t stride;
	uint32_t tx_slots;
	int64_t *tx_work; /* by lane and slot: the last work that sent it, or -1 */
	uint64_t posted[SELECT_MAX_PROVIDERS];   /* send-queue works of a lane */
	uint64_t received[SELECT_MAX_PROVIDERS]; /* receives that have completed */
	uint64_t messages;                       /* that this side has sent, over all lanes */
	struct lat_done seen;                    /* of the order in work */
};

/* Opens, creates, connects; what is above lanes is set before. Return: 0, or -errno with its text; lat_side_close() in any case. */
int lat_side_open(struct lat_side *side, const struct selection *selection);
void lat_side_close(struct lat_side *side);

/*
 * A message of the peer. Return: 0; -EPROTO another type or size came; -ESRCH the peer has failed,
 * and its text is ours; else as exchange_recv().
 */
int lat_side_expect(struct lat_side *side, int64_t timeout_ns, enum lat_message type, void *body,
		    size_t size);

static inline uint8_t *lat_tx(const struct lat_side *side, uint32_t lane, uint64_t slot)
{
	return side->lanes[lane].memory + slot * side->stride;
}

static inline uint8_t *lat_rx(const struct lat_side *side, uint32_t lane, uint64_t number)
{
	return lat_tx(side, lane, side->tx_slots + number % LAT_SLOTS);
}

static inline uint64_t lat_target_offset(const struct lat_side *side, uint64_t number)
{
	return (side->tx_slots + LAT_SLOTS + number % LAT_SLOTS) * side->stride;
}

static inline uint8_t *lat_target(const struct lat_side *side, uint32_t lane, uint64_t number)
{
	return side->lanes[lane].memory + lat_target_offset(side, number);
}

/* lat_ping.c: the loops through the device. */

/* Before the peer may start: targets hold what an order expects at its beginning. */
void lat_prepare(struct lat_side *side, const struct lat_order *order);
/*
 * Run an order. Each 0, or -errno with its text; @hdr takes the ticks of each round trip, NULL
 * records nothing.
 */
int lat_initiate(struct lat_side *side, const struct lat_order *order, struct hdr *hdr);
int lat_respond(struct lat_side *side, const struct lat_order *order);

/* lat_peer.c: the responder's life, from the first message to the end; an exit status. */
int lat_peer_main(const struct lat_options *options, int fd);

#endif
