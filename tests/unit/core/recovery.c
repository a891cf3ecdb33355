/* SPDX-License-Identifier: MIT */
/*
 * Resetting, where the device does not do what it is asked.
 */
#include "fake.h"

#include <errno.h>

#include <bareverbs/recovery.h>

/* The queue pair did not become INIT: whatever state it is in, the next reset starts from RESET. */
static void reset_can_be_repeated(void **state)
{
	struct bv_device *dev;
	struct bv_pd *pd;
	struct bv_channel *ch = fake_channel(NULL, &dev, &pd);

	(void)state;
	fake.modify_errno[IBV_QPS_INIT] = EINVAL;
	assert_int_equal(bv_channel_reset(ch), -EINVAL);
	assert_text("INIT");
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_ERROR);
	fake.modify_errno[IBV_QPS_INIT] = 0;
	fake.qp_mask[IBV_QPS_RESET] = 0;
	assert_int_equal(bv_channel_reset(ch), 0);
	assert_int_equal(fake.qp_mask[IBV_QPS_RESET], IBV_QP_STATE);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_PREPARED);
	bv_channel_destroy(ch);
	bv_pd_free(pd);
	bv_close(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(reset_can_be_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
