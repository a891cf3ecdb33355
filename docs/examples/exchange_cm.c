/* SPDX-License-Identifier: MIT */
/*
 * Two hosts that meet through the RDMA connection manager: one writes a price into the other's table and
 * rings. HOST is an address of an RDMA device; software devices in user space have no connection manager.
 *	here:  example-exchange_cm listen :7471
 *	there: example-exchange_cm connect 10.0.0.1:7471
 */
#include <bareverbs/bareverbs.h>

#include <stdio.h>
#include <string.h>

static uint64_t table[512];

/* The listener waits for the bell, the other one writes. */
static int meet(struct bv_channel *ch, struct bv_mr *mr, const char *address, bool listen)
{
	const enum bv_exchange_role role = listen ? BV_EXCHANGE_LISTEN : BV_EXCHANGE_CONNECT;
	const struct bv_remote mine = bv_mr_remote(mr);
	const uint64_t price = 4242;
	struct bv_remote theirs;
	struct bv_exchange tables = {
		.regions = &mine, .nregions = 1, .peer_regions = &theirs, .max_peer_regions = 1
	};
	int64_t work =
		bv_post_recv(ch, NULL, 0); /* before the exchange: ready for the first bell */
	int rc;

	if (work < 0)
		return (int)work;
	rc = bv_exchange_cm(ch, address, role, &tables, 10 * BV_SEC);
	if (rc < 0) /* else both sides are ready */
		return rc;
	if (!listen)
		work = bv_post_write_inline_imm(ch, &price, sizeof(price), &theirs, 7, 0);
	return work < 0 ? (int)work : bv_wait(ch, work, 10 * BV_SEC, NULL);
}

int main(int argc, char **argv)
{
	const bool listen = argc == 3 && strcmp(argv[1], "listen") == 0;
	struct bv_device *dev = NULL;
	struct bv_pd *pd = NULL;
	struct bv_mr *mr = NULL;
	struct bv_channel *ch = NULL;
	int rc;

	if (argc != 3 || (!listen && strcmp(argv[1], "connect") != 0)) {
		fprintf(stderr, "usage: %s listen|connect HOST:PORT\n", argv[0]);
		return 2;
	}
	if ((rc = bv_open(NULL, NULL, &dev)) == 0 && (rc = bv_pd_alloc(dev, &pd)) == 0 &&
	    (rc = bv_mr_reg(pd, table, sizeof(table), BV_ACCESS_SHARED, &mr)) == 0 &&
	    (rc = bv_channel_create(pd, NULL, &ch)) == 0)
		rc = meet(ch, mr, argv[2], listen);
	if (rc < 0)
		fprintf(stderr, "%s\n", bv_error_text(ch)); /* what failed, why, what to do */
	else if (listen)
		printf("the peer wrote %llu\n", (unsigned long long)table[0]);
	bv_channel_destroy(ch);
	bv_mr_dereg(mr);
	bv_pd_free(pd);
	bv_close(dev);
	return rc == -ENODEV || rc == -EOPNOTSUPP ? 77 :
						    rc < 0; /* 77: no connection manager here */
}
