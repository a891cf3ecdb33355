/* SPDX-License-Identifier: MIT */
/*
 * Exchanges through the connection manager: the kernel's, on rxe and on adapters, or that of mlx5emu.
 */
#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define SKIP 77

static char address[64];

/* The channel's own address, and a port of this process. */
static void find_address(void)
{
	struct bv_channel_info info;

	bv_channel_query(a.ch, &info);
	snprintf(address, sizeof(address), "%u.%u.%u.%u:%d", info.gid[12], info.gid[13],
		 info.gid[14], info.gid[15], 20000 + (int)(getpid() % 20000));
}

static int setup(void **state)
{
	rig_setup(state);
	find_address();
	a.cm = b.cm = true;
	a.address = b.address = address;
	a.role = BV_EXCHANGE_LISTEN;
	b.role = BV_EXCHANGE_CONNECT;
	return 0;
}

#define cm_test(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)

static void exchange(void)
{
	struct bv_remote of_a = bv_mr_remote(a.mr), of_b = bv_mr_remote(b.mr), from_a, from_b[2];
	char blob_a[8] = "", blob_b[8] = "";
	struct bv_exchange x = { .regions = &of_a,
				 .nregions = 1,
				 .blob = "from a",
				 .blob_size = 7,
				 .peer_regions = from_b,
				 .max_peer_regions = 2,
				 .peer_blob = blob_b,
				 .max_peer_blob = 8 };
	struct bv_exchange y = { .regions = &of_b,
				 .nregions = 1,
				 .peer_regions = &from_a,
				 .max_peer_regions = 1,
				 .peer_blob = blob_a,
				 .max_peer_blob = 8 };
	struct bv_channel_info info;

	a.data = &x;
	b.data = &y;
	end_start(&a);
	end_start(&b);
	end_join(&a);
	end_join(&b);
	if (a.rc < 0 || b.rc < 0)
		fail_msg("%d %s; %d %s", a.rc, a.text, b.rc, b.text);
	assert_int_equal(x.npeer_regions, 1);
	assert_int_equal(x.peer_blob_size, 0);
	assert_int_equal(y.peer_blob_size, 7);
	assert_string_equal(blob_a, "from a");
	assert_int_equal(from_a.rkey, of_a.rkey);
	assert_connected(&from_a, from_b);
	bv_channel_query(a.ch, &info);
	assert_true(info.rd_atomic > 0 && info.mtu > 0);
	bv_channel_query(b.ch, &info);
	assert_true(info.rd_atomic > 0 && info.peer_qpn > 0);
}

static void connects(void **state)
{
	(void)state;
	exchange();
}

static void connector_first(void **state)
{
	(void)state;
	a.delay = 300 * BV_MSEC;
	exchange();
}

/* The longer timers of both sides, through private data too. */
static void agrees_on_timers(void **state)
{
	struct bv_channel_info info;

	(void)state;
	exchange();
	bv_channel_query(a.ch, &info);
	assert_int_equal(info.ack_timeout, 14);
	assert_int_equal(info.min_rnr_timer, 16);
}

static void again_after_reset(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		exchange();
		assert_int_equal(bv_channel_reset(a.ch), 0);
		assert_int_equal(bv_channel_reset(b.ch), 0);
	}
}

static void more_than_fits(void **state)
{
	struct bv_remote regions[3] = { { 0 } };
	struct bv_exchange data = { .regions = regions, .nregions = 3 };

	(void)state;
	assert_int_equal(bv_exchange_cm(a.ch, address, BV_EXCHANGE_LISTEN, &data, 0), -EMSGSIZE);
	assert_text("3 regions and 0 bytes");
	data.nregions = 2;
	data.blob = "123456789";
	data.blob_size = 9;
	assert_int_equal(bv_exchange_cm(a.ch, address, BV_EXCHANGE_LISTEN, &data, 0), -EMSGSIZE);
}

/* Both logs tell it, and both may try again. */
static void no_room(void **state)
{
	struct bv_exchange tells = { .blob = "1", .blob_size = 1 };

	(void)state;
	b.data = &tells;
	end_start(&a);
	end_start(&b);
	assert_int_equal(end_join(&a), -EMSGSIZE);
	assert_int_equal(end_join(&b), -ECONNABORTED);
	assert_non_null(
		strstr(b.text, "the peer gave up: exchange: the peer tells 0 regions and 1"));
	assert_int_equal(bv_channel_state(a.ch), BV_CHANNEL_PREPARED);
	assert_int_equal(bv_channel_state(b.ch), BV_CHANNEL_PREPARED);
	exchange();
}

static void nobody_listens(void **state)
{
	const int64_t begin = now_ns();

	(void)state;
	assert_int_equal(bv_exchange_cm(b.ch, address, BV_EXCHANGE_CONNECT, NULL, BV_SEC),
			 -ETIMEDOUT);
	assert_true(now_ns() - begin >= BV_SEC && now_ns() - begin < BV_SEC + SLACK);
	assert_int_equal(bv_channel_state(b.ch), BV_CHANNEL_PREPARED);
	exchange();
}

static void nobody_comes(void **state)
{
	(void)state;
	assert_int_equal(bv_exchange_cm(a.ch, address, BV_EXCHANGE_LISTEN, NULL, SHORT),
			 -ETIMEDOUT);
	assert_text("no peer came");
	exchange();
}

/* The address of an interface without an RDMA device. */
static void not_an_rdma_address(void **state)
{
	int rc;

	(void)state;
	rc = bv_exchange_cm(b.ch, "192.0.2.1:7471", BV_EXCHANGE_CONNECT, NULL, BV_SEC);
	assert_true(rc < 0);
	assert_text("192.0.2.1:7471");
	exchange();
}

/* A skip, with its reason, where there is no connection manager. */
static int look(void)
{
	int rc;

	rig_setup(NULL);
	find_address();
	rc = bv_exchange_cm(a.ch, address, BV_EXCHANGE_LISTEN, NULL, 0);
	if (rc == -ENODEV || rc == -EOPNOTSUPP || rc == -EACCES)
		printf("skipped: %s\n", bv_last_error()->text);
	rig_teardown(NULL);
	return rc == -ENODEV || rc == -EOPNOTSUPP || rc == -EACCES ? SKIP : 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cm_test(connects),          cm_test(connector_first), cm_test(agrees_on_timers),
		cm_test(again_after_reset), cm_test(more_than_fits),  cm_test(no_room),
		cm_test(nobody_listens),    cm_test(nobody_comes),    cm_test(not_an_rdma_address),
	};

	return rig_main(argc, argv, look, tests, sizeof(tests) / sizeof(tests[0]));
}
