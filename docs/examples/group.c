/* SPDX-License-Identifier: MIT */
/*
 * Several hosts become a group, work in steps, and wait for each other in between. Run it without a NIC:
 * build/bin/mlx5emu run -- sh -c 'for i in 0 1 2; do
 *	build/bin/example-group $i 7500 localhost localhost localhost & done; wait'
 */
#include <bareverbs/bareverbs.h>

#include <stdio.h>
#include <stdlib.h>

#define STEPS 100

/* Rank i listens for the higher ones, each on a port of its own. */
static int connect_all(struct bv_group *group, unsigned port, char **hosts)
{
	const uint32_t rank = bv_group_rank(group), size = bv_group_size(group);
	char address[300];
	int rc = 0;

	for (uint32_t peer = 0; peer < size && rc == 0; peer++) {
		const uint32_t low = peer < rank ? peer : rank, high = peer < rank ? rank : peer;

		if (peer == rank)
			continue;
		snprintf(address, sizeof(address), "%s:%u", hosts[low], port + low * size + high);
		rc = bv_group_connect_tcp(group, peer, address,
					  rank == low ? BV_EXCHANGE_LISTEN : BV_EXCHANGE_CONNECT,
					  30 * BV_SEC);
	}
	return rc;
}

static int work(struct bv_group *group)
{
	int rc = 0;

	for (int step = 0; step < STEPS && rc == 0; step++) {
		/* ... this step's share of the work; then nobody goes on before all have done theirs */
		rc = bv_barrier(group, NULL, 30 * BV_SEC);
	}
	return rc;
}

int main(int argc, char **argv)
{
	struct bv_device *dev = NULL;
	struct bv_pd *pd = NULL;
	struct bv_group *group = NULL;
	struct bv_group_attr attr = { 0 };
	int rc;

	if (argc < 4) {
		fprintf(stderr, "usage: %s RANK PORT HOST...\n", argv[0]);
		return 2;
	}
	attr.rank = (uint32_t)strtoul(argv[1], NULL, 10);
	attr.size = (uint32_t)argc - 3;
	if ((rc = bv_open(NULL, NULL, &dev)) == 0 && (rc = bv_pd_alloc(dev, &pd)) == 0 &&
	    (rc = bv_group_create(pd, &attr, &group)) == 0 &&
	    (rc = connect_all(group, (unsigned)strtoul(argv[2], NULL, 10), argv + 3)) == 0)
		rc = work(group);
	if (rc < 0)
		fprintf(stderr, "%s\n", bv_last_error()->text); /* which rank is missing, and why */
	else
		printf("rank %u of %u: %d steps\n", attr.rank, attr.size, STEPS);
	bv_group_destroy(group);
	bv_pd_free(pd);
	bv_close(dev);
	return rc < 0;
}
