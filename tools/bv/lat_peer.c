/* SPDX-License-Identifier: MIT */
/*
 * The responder: does what the initiator's messages order, tells it in a message when something
 * fails, and ends when the initiator has. It prints nothing.
 */
#include "lat_side.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "exchange.h"

static int obey(struct lat_side *side, const struct lat_order *order)
{
	int rc;

	if (order->lane >= side->nlanes || order->row.op >= LAT_NOPS ||
	    order->row.size > side->stride)
		return fail(-EPROTO, "an order that cannot be carried out");
	lat_prepare(side, order);
	rc = exchange_send(side->fd, LAT_READY, NULL, 0);
	if (rc == 0)
		rc = lat_respond(side, order);
	if (rc == 0)
		rc = lat_side_expect(side, BV_FOREVER, LAT_END, NULL, 0);
	if (rc == 0)
		rc = exchange_send(side->fd, LAT_DONE, &side->seen, sizeof(side->seen));
	return rc;
}

/* Until the initiator closes: that is the end of a run, and no failure. */
static int serve(struct lat_side *side)
{
	struct lat_start start;
	struct lat_order order;
	int rc = lat_side_expect(side, BV_FOREVER, LAT_START, &start, sizeof(start));

	if (rc == 0) {
		side->yield = start.yield != 0;
		rc = lat_side_open(side, &start.selection);
	}
	while (rc == 0) {
		rc = lat_side_expect(side, BV_FOREVER, LAT_RUN, &order, sizeof(order));
		if (rc == 0)
			rc = obey(side, &order);
	}
	return rc == -ECONNRESET || rc == -EPIPE ? 0 : rc;
}

int lat_peer_main(const struct lat_options *options, int fd)
{
	struct lane lanes[SELECT_MAX_PROVIDERS] = { 0 };
	struct lat_side side = {
		.options = options,
		.peer_name = "initiator",
		.fd = fd,
		.responder = true,
		.lanes = lanes,
	};
	const int rc = serve(&side);

	if (rc < 0)
		exchange_send(fd, LAT_FAILED, fail_text(), strlen(fail_text()));
	lat_side_close(&side);
	close(fd);
	return rc < 0 ? EXIT_FAILED : EXIT_OK;
}
