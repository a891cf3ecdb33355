/* SPDX-License-Identifier: MIT */
/*
 * The smallest whole program: a channel connected to itself writes a price into a table.
 * Run it without a NIC: build/bin/mlx5emu run -- build/bin/example-loopback
 */
#include <bareverbs/bareverbs.h>

#include <stdio.h>

static uint64_t table[512];

/* README: begin */
static int write_price(uint64_t price)
{
	struct bv_device *dev = NULL;
	struct bv_pd *pd = NULL;
	struct bv_mr *mr = NULL;
	struct bv_channel *ch = NULL;
	struct bv_endpoint ep;
	struct bv_remote slot;
	int64_t work;
	int rc;

	/* "verbs", "mlx5", or NULL for the best; no name: the only device; no attr: the defaults */
	if ((rc = bv_open(NULL, &(struct bv_open_opts){ .provider = "mlx5" }, &dev)) == 0 &&
	    (rc = bv_pd_alloc(dev, &pd)) == 0 &&
	    (rc = bv_mr_reg(pd, table, sizeof(table), BV_ACCESS_SHARED, &mr)) == 0 &&
	    (rc = bv_channel_create(pd, NULL, &ch)) == 0 &&
	    (rc = bv_channel_endpoint(ch, &ep)) == 0 && /* carry it to the peer by any means; */
	    (rc = bv_channel_connect(ch, &ep)) == 0) {  /* here the peer is the channel itself */
		slot = bv_mr_remote(mr);
		slot = bv_remote_array_element_unchecked(&slot, uint64_t, 7);
		work = bv_post_write_inline(ch, &price, sizeof(price), &slot, 0);
		rc = work < 0 ? (int)work : bv_wait(ch, work, 5 * BV_SEC, NULL);
	}
	if (rc < 0)
		fprintf(stderr, "%s\n", bv_error_text(ch)); /* what failed, why, what to do */
	bv_channel_destroy(ch);
	bv_mr_dereg(mr);
	bv_pd_free(pd);
	bv_close(dev);
	return rc;
}
/* README: end */

int main(void)
{
	const uint64_t price = 4242;

	if (write_price(price) < 0)
		return 1;
	printf("wrote %llu\n", (unsigned long long)table[7]);
	return table[7] == price ? 0 : 1;
}
