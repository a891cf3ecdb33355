/* SPDX-License-Identifier: MIT */
/*
 * Scopes: reading a peer's table in parts, with nothing to reap and no buffer to lose on any path.
 * Run it without a NIC: build/bin/mlx5emu run -- build/bin/example-scopes
 */
#include <bareverbs/bareverbs.h>

#include <stdio.h>

#define PARTS 4

static uint64_t table[PARTS][64];
static uint64_t copy[PARTS][64];

/* Works of the block are done when it is left, also by the return in it, and so copy[] is ours. */
static int read_table(struct bv_channel *ch, struct bv_mr *mr, const struct bv_remote *theirs)
{
	struct bv_remote part;
	int64_t work;
	int rc;

	BV_SCOPE(scope, ch, 5 * BV_SEC) {
		for (uint64_t i = 0; i < PARTS; i++) {
			rc = bv_remote_slice(theirs, i * sizeof(copy[i]), sizeof(copy[i]), &part);
			if (rc < 0)
				return rc;
			work = bv_post_read(ch, &bv_scatter(mr, copy[i], sizeof(copy[i])), 1, &part,
					    BV_UNSIGNALED);
			if (work < 0)
				return (int)work;
		}
	}
	for (uint32_t i = 0; i < scope.nerrors;
	     i++) /* which works failed, the first ones by name */
		fprintf(stderr, "part %lld: %s\n", (long long)scope.errors[i].work,
			bv_status_name((enum bv_status)scope.errors[i].status));
	return bv_scope_result(&scope);
}

int main(void)
{
	struct bv_device *dev = NULL;
	struct bv_pd *pd = NULL;
	struct bv_mr *theirs = NULL, *mine = NULL;
	struct bv_channel *ch = NULL;
	struct bv_endpoint ep;
	struct bv_remote remote;
	int rc;

	for (unsigned i = 0; i < PARTS * 64; i++)
		table[i / 64][i % 64] = 100 + i;
	if ((rc = bv_open(NULL, NULL, &dev)) == 0 && (rc = bv_pd_alloc(dev, &pd)) == 0 &&
	    (rc = bv_mr_reg(pd, table, sizeof(table), BV_ACCESS_SHARED, &theirs)) == 0 &&
	    (rc = bv_mr_reg(pd, copy, sizeof(copy), BV_ACCESS_LOCAL, &mine)) == 0 &&
	    (rc = bv_channel_create(pd, NULL, &ch)) == 0 &&
	    (rc = bv_channel_endpoint(ch, &ep)) == 0 &&
	    (rc = bv_channel_connect(ch, &ep)) == 0) { /* the peer is the channel itself */
		remote = bv_mr_remote(theirs);
		rc = read_table(ch, mine, &remote);
	}
	if (rc < 0)
		fprintf(stderr, "%s\n", bv_error_text(ch));
	else
		printf("the last price is %llu\n", (unsigned long long)copy[PARTS - 1][63]);
	bv_channel_destroy(ch);
	bv_mr_dereg(mine);
	bv_mr_dereg(theirs);
	bv_pd_free(pd);
	bv_close(dev);
	return rc == 0 && copy[PARTS - 1][63] == 100 + PARTS * 64 - 1 ? 0 : 1;
}
