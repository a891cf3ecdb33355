/* SPDX-License-Identifier: MIT */
/* Both sides run the same steps in the same order; only the peer's address differs. */
#include "lat_side.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu.h"
#include "error.h"
#include "exchange.h"
#include "stepper.h"

#define SETUP_TIMEOUT (20 * BV_SEC)
#define MAX_MEMORY (UINT64_C(4) << 30)
#define LINE 64

int lat_side_expect(struct lat_side *side, int64_t timeout_ns, enum lat_message type, void *body,
		    size_t size)
{
	char message[EXCHANGE_MAX];
	uint32_t got;
	int rc = exchange_recv(side->fd, timeout_ns, &got, message, sizeof(message) - 1);

	if (rc == -ECONNRESET)
		return fail(rc, "the %s process ended without a word", side->peer_name);
	if (rc < 0)
		return rc;
	if (got == LAT_FAILED) {
		message[rc] = '\0';
		return fail(-ESRCH, "the %s: %s", side->peer_name, message);
	}
	if (got != type || (size_t)rc != size)
		return fail(-EPROTO, "the %s sent control message %u of %d bytes, not %u of %zu",
			    side->peer_name, got, rc, type, size);
	if (size > 0)
		memcpy(body, message, size);
	return 0;
}

static struct bv_channel_attr attributes(const struct lat_options *options)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;

	attr.max_send = attr.max_recv = options->depth;
	attr.max_send_sge = attr.max_recv_sge = 1;
	if (options->inlining == LAT_INLINE_OFF)
		attr.max_inline = 0;
	else if (options->inlining == LAT_INLINE_SIZE)
		attr.max_inline = options->inline_size;
	attr.port = options->where.port;
	attr.gid_index = options->where.gid_index;
	return attr;
}

static int lay_out(struct lat_side *side, size_t *length)
{
	uint64_t largest = LINE;
	uint64_t bytes;

	for (size_t i = 0; i < side->options->nsizes; i++) {
		if (side->options->sizes[i] > largest)
			largest = side->options->sizes[i];
	}
	side->stride = (size_t)((largest + LINE - 1) / LINE * LINE);
	side->tx_slots = side->options->signal_every + 1;
	bytes = (uint64_t)side->stride * (side->tx_slots + 2 * LAT_SLOTS);
	if (bytes > MAX_MEMORY)
		return fail(-ENOMEM,
			    "%u messages of %zu bytes in flight need more than 4 GiB: lower "
			    "--signal-every or --sizes",
			    side->tx_slots, side->stride);
	*length = (size_t)bytes;
	side->tx_work = malloc(sizeof(*side->tx_work) * side->tx_slots * side->nlanes);
	if (side->tx_work == NULL)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < (size_t)side->tx_slots * side->nlanes; i++)
		side->tx_work[i] = -1;
	return 0;
}

static int post_receives(struct lat_side *side, uint32_t index)
{
	struct lane *lane = &side->lanes[index];

	for (uint64_t i = 0; i < LAT_SLOTS; i++) {
		struct bv_scatter sge = bv_scatter(lane->mr, lat_rx(side, index, i), side->stride);
		int64_t work = bv_post_recv(lane->ch, &sge, 1);

		if (work < 0)
			return fail_bv((int)work, lane->ch, "provider %s: cannot post a receive",
				       lane->provider);
	}
	return 0;
}

static int make_lanes(struct lat_side *side, const struct selection *selection)
{
	const struct bv_channel_attr attr = attributes(side->options);
	const int cpu = side->options->cpu[side->responder];
	size_t length = 0;
	int rc = lay_out(side, &length);

	for (uint32_t i = 0; i < side->nlanes && rc == 0; i++)
		rc = lane_open(&side->lanes[i], selection->device, selection->provider[i]);
	if (rc == 0 && stepper_is_manual())
		rc = fail(-EOPNOTSUPP, "a device in manual mode does not work by itself: "
				       "mlx5emu run -- bv lat, without --manual");
	/* Not before the devices are open: their threads, if they have any, would inherit it. */
	if (rc == 0 && cpu >= 0)
		rc = cpu_pin(cpu);
	for (uint32_t i = 0; i < side->nlanes && rc == 0; i++) {
		rc = lane_channel(&side->lanes[i], length, &attr);
		if (rc == 0)
			rc = post_receives(side, i);
	}
	return rc;
}

static int swap_addresses(struct lat_side *side)
{
	struct lane_address address[SELECT_MAX_PROVIDERS];
	const size_t size = sizeof(address[0]) * side->nlanes;
	int rc = 0;

	for (uint32_t i = 0; i < side->nlanes && rc == 0; i++)
		rc = lane_address(&side->lanes[i], &address[i]);
	if (rc == 0)
		rc = exchange_send(side->fd, LAT_ADDRESS, address, size);
	if (rc == 0)
		rc = lat_side_expect(side, SETUP_TIMEOUT, LAT_ADDRESS, address, size);
	for (uint32_t i = 0; i < side->nlanes && rc == 0; i++)
		rc = lane_connect(&side->lanes[i], &address[i]);
	return rc;
}

int lat_side_open(struct lat_side *side, const struct selection *selection)
{
	int rc;

	side->nlanes = selection->nproviders;
	rc = make_lanes(side, selection);
	if (rc == 0)
		rc = swap_addresses(side);
	/* Both are connected before either sends. */
	if (rc == 0)
		rc = exchange_send(side->fd, LAT_READY, NULL, 0);
	if (rc == 0)
		rc = lat_side_expect(side, SETUP_TIMEOUT, LAT_READY, NULL, 0);
	return rc;
}

void lat_side_close(struct lat_side *side)
{
	for (uint32_t i = 0; i < side->nlanes; i++)
		lane_close(&side->lanes[i]);
	free(side->tx_work);
	side->tx_work = NULL;
	side->nlanes = 0;
}
