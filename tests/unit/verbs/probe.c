/* SPDX-License-Identifier: MIT */
/* Which devices provider verbs takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "core/provider.h"

extern const struct bv_provider bvi_provider_verbs;

static int probe(enum ibv_transport_type transport, char *why, size_t size)
{
	struct ibv_device device = { .transport_type = transport };

	return bvi_provider_verbs.probe(&device, NULL, why, size);
}

/* RoCE is IBV_TRANSPORT_IB, too. */
static void infiniband_and_roce(void **state)
{
	char why[100] = "";

	(void)state;
	assert_true(probe(IBV_TRANSPORT_IB, why, sizeof(why)) > 0);
	assert_true(why[0]);
}

static void no_iwarp(void **state)
{
	char why[100] = "";

	(void)state;
	assert_int_equal(probe(IBV_TRANSPORT_IWARP, why, sizeof(why)), -EOPNOTSUPP);
	assert_non_null(strstr(why, "iWARP"));
	assert_non_null(strstr(why, "rdma_cm"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(infiniband_and_roce),
		cmocka_unit_test(no_iwarp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
