/* SPDX-License-Identifier: MIT */
/*
 * Recovery: a write fails because the peer took its region back; both sides reset their channels,
 * connect again, and go on. Run it without a NIC:
 * build/bin/mlx5emu run -- build/bin/example-recovery
 */
#include <bareverbs/bareverbs.h>

#include <stdio.h>

static uint64_t table[512];

/* Both sides of one connection; in earnest each lives on a host of its own. */
struct sides {
	struct bv_channel *ours;
	struct bv_channel *theirs;
};

/* What each side does after a failure; before the first connection it does no harm. */
static int prepare(struct bv_channel *ch, struct bv_endpoint *ep)
{
	int64_t bell;
	int rc;

	if ((rc = bv_channel_reset(ch)) < 0) /* works are dropped: their buffers are ours again */
		return rc;
	bell = bv_post_recv(ch, NULL, 0); /* receives were dropped, too */
	if (bell < 0)
		return (int)bell;
	return bv_channel_endpoint(ch, ep); /* another one than before: tell the peer again */
}

static int connect_again(const struct sides *sides)
{
	struct bv_endpoint ours, theirs;
	int rc;

	if ((rc = prepare(sides->ours, &ours)) < 0 || (rc = prepare(sides->theirs, &theirs)) < 0 ||
	    (rc = bv_channel_connect(sides->ours, &theirs)) < 0)
		return rc;
	return bv_channel_connect(sides->theirs, &ours);
}

/* The peer's table, registered anew: the key that it told before is worth nothing any more. */
static int offer(struct bv_pd *pd, struct bv_mr **mr, struct bv_remote *slot)
{
	int rc;

	bv_mr_dereg(*mr);
	*mr = NULL;
	rc = bv_mr_reg(pd, table, sizeof(table), BV_ACCESS_SHARED, mr);
	if (rc == 0)
		*slot = bv_mr_remote(*mr);
	return rc;
}

static int write_price(struct bv_channel *ch, uint64_t price, const struct bv_remote *slot)
{
	const int64_t work = bv_post_write_inline(ch, &price, sizeof(price), slot, 0);

	return work < 0 ? (int)work : bv_wait(ch, work, 5 * BV_SEC, NULL);
}

int main(void)
{
	struct sides sides = { NULL, NULL };
	struct bv_device *dev = NULL;
	struct bv_pd *pd = NULL;
	struct bv_mr *mr = NULL;
	struct bv_remote old, slot;
	int rc;

	if ((rc = bv_open(NULL, NULL, &dev)) == 0 && (rc = bv_pd_alloc(dev, &pd)) == 0 &&
	    (rc = bv_channel_create(pd, NULL, &sides.ours)) == 0 &&
	    (rc = bv_channel_create(pd, NULL, &sides.theirs)) == 0 &&
	    (rc = connect_again(&sides)) == 0 && (rc = offer(pd, &mr, &old)) == 0 &&
	    (rc = offer(pd, &mr, &slot)) == 0) {
		rc = write_price(sides.ours, 4242, &old);
		printf("%s\n", bv_error_text(sides.ours));
		if (rc == -EIO && (rc = connect_again(&sides)) == 0)
			rc = write_price(sides.ours, 4242, &slot);
	}
	if (rc < 0)
		fprintf(stderr, "%s\n", bv_error_text(sides.ours));
	else
		printf("wrote %llu\n", (unsigned long long)table[0]);
	bv_channel_destroy(sides.ours);
	bv_channel_destroy(sides.theirs);
	bv_mr_dereg(mr);
	bv_pd_free(pd);
	bv_close(dev);
	return rc == 0 && table[0] == 4242 ? 0 : 1;
}
