/* SPDX-License-Identifier: MIT */
/*
 * Two hosts meet over TCP; one writes into the other's memory and rings. Run it without a NIC:
 * build/bin/mlx5emu run -- sh -c 'p=build/bin/example-exchange_tcp
 *	$p listen :7471 & $p connect localhost:7471; wait'
 */
#include "two_hosts/two_hosts.h"

/* README: begin */
int meet(struct bv_channel *ch, struct bv_mr *mr, const char *address, enum bv_exchange_role role)
{
	struct bv_remote theirs, mine = bv_mr_remote(mr);
	struct bv_exchange regions = {
		.regions = &mine, .nregions = 1, .peer_regions = &theirs, .max_peer_regions = 1
	};
	int64_t work = bv_post_recv(ch, NULL, 0); /* before: there when the peer rings */
	int rc;

	if (work < 0)
		return (int)work;
	rc = bv_exchange_tcp(ch, address, role, &regions, 10 * BV_SEC);
	if (rc < 0)
		return rc;
	if (role == BV_EXCHANGE_CONNECT) /* both are ready: write 6 bytes, and ring with the 7 */
		work = bv_post_write_inline_imm(ch, "hello", 6, &theirs, 7, 0);
	return work < 0 ? (int)work : bv_wait(ch, work, 10 * BV_SEC, NULL);
}
/* README: end */
