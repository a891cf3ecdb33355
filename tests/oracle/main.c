/* SPDX-License-Identifier: MIT */
#include "tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "twin.h"

char oracle_now[128];

int main(int argc, char **argv)
{
	const char *why;
	struct twin *t;
	int failed;

	if (argc != 2 || (strcmp(argv[1], "blueflame") && strcmp(argv[1], "doorbell"))) {
		fprintf(stderr, "usage: oracle blueflame|doorbell\n");
		return 2;
	}
	/* Read by libmlx5 when the device is opened, and by our provider. */
	setenv("MLX5_SHUT_UP_BF", strcmp(argv[1], "doorbell") ? "0" : "1", 1);
	t = twin_new(&why);
	if (!t) {
		printf("skipped: %s\n", why);
		return 77;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(every_request_at_every_place, t),
		cmocka_unit_test_prestate(every_chain_at_every_place, t),
		cmocka_unit_test_prestate(arming, t),
	};
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (failed)
		fprintf(stderr, "last request: %s\n", oracle_now);
	twin_free(t);
	return failed;
}
