/* SPDX-License-Identifier: MIT */
/* What comes before and after meet() on each of two hosts: two_hosts.h. */
#include "two_hosts.h"

#include <stdio.h>
#include <string.h>

char table[4096];

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
		rc = meet(ch, mr, argv[2], listen ? BV_EXCHANGE_LISTEN : BV_EXCHANGE_CONNECT);
	if (rc < 0)
		fprintf(stderr, "%s\n", bv_error_text(ch)); /* what failed, why, what to do */
	else if (listen)
		printf("the peer says: %s\n", table);
	bv_channel_destroy(ch);
	bv_mr_dereg(mr);
	bv_pd_free(pd);
	bv_close(dev);
	return rc == -ENODEV || rc == -EOPNOTSUPP ? 77 : rc < 0; /* 77: no such exchange here */
}
