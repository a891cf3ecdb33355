/* SPDX-License-Identifier: MIT */
/*
 * Two hosts meet through the RDMA connection manager; one sends the other a message. HOST is an address
 * of an RDMA device:
 *	here:  example-exchange_cm listen :7471
 *	there: example-exchange_cm connect 10.0.0.1:7471
 */
#include "two_hosts/two_hosts.h"

/* README: begin */
int meet(struct bv_channel *ch, struct bv_mr *mr, const char *address, enum bv_exchange_role role)
{
	int64_t work = bv_post_recv(ch, &bv_scatter(mr, table, sizeof(table)), 1);
	int rc;

	if (work < 0)
		return (int)work;
	rc = bv_exchange_cm(ch, address, role, NULL, 10 * BV_SEC); /* no regions to tell */
	if (rc < 0)
		return rc;
	if (role == BV_EXCHANGE_CONNECT)
		work = bv_post_send_inline(ch, "hello", 6, 0);
	return work < 0 ? (int)work : bv_wait(ch, work, 10 * BV_SEC, NULL);
}
/* README: end */
