/* SPDX-License-Identifier: MIT */
/*
 * Attributes of channels: defaults, the range of each, what the port and its GID table forbid.
 */
#include "fake.h"

#include <errno.h>

static const struct bv_channel_attr defaults = BV_CHANNEL_ATTR_DEFAULT;

static int create(const struct bv_channel_attr *attr)
{
	struct bv_channel *ch = NULL;
	const int rc = bv_channel_create(fake_pd, attr, &ch);

	if (rc < 0)
		assert_null(ch);
	bv_channel_destroy(ch);
	return rc;
}

/* semantics.md 9.1, improved as design.md says */
static void default_values(void **state)
{
	(void)state;
	assert_int_equal(defaults.max_send, 256);
	assert_int_equal(defaults.max_recv, 256);
	assert_int_equal(defaults.max_send_sge, 16);
	assert_int_equal(defaults.max_recv_sge, 16);
	assert_int_equal(defaults.access, 7);
	assert_int_equal(defaults.port, 1);
	assert_int_equal(defaults.gid_index, BV_GID_AUTO);
	assert_int_equal(defaults.mtu, 0);
	assert_int_equal(defaults.rnr_retry, 6);
	assert_int_equal(defaults.retry, 6);
	assert_int_equal(defaults.min_rnr_timer, 16);
	assert_int_equal(defaults.hop_limit, 64);
	assert_int_equal(create(NULL), 0);
	assert_int_equal(fake.created.max_send, 256);
	assert_int_equal(fake.created.mtu, 4096);
	assert_int_equal(fake.created.rd_atomic, 16);
	assert_int_equal(create(&defaults), 0);
}

static void defaults_fit_small_devices(void **state)
{
	struct bv_device *small;
	struct bv_pd *small_pd;
	struct bv_channel *ch;
	struct bv_channel_info info;

	(void)state;
	fake.device[2].attr.max_qp_wr = 100;
	fake.device[2].attr.max_cqe = 60;
	fake.device[2].attr.max_sge = 6;
	assert_int_equal(bv_open("rxe0", NULL, &small), 0);
	assert_int_equal(bv_pd_alloc(small, &small_pd), 0);
	assert_int_equal(bv_channel_create(small_pd, NULL, &ch), 0);
	bv_channel_query(ch, &info);
	assert_int_equal(info.max_send, 60);
	assert_int_equal(info.max_recv_sge, 6);
	bv_channel_destroy(ch);
	assert_int_equal(bv_channel_create(small_pd, &defaults, &ch), -EINVAL);
	assert_text("max_send is 256; the limit is 1..60");
	bv_pd_free(small_pd);
	bv_close(small);
}

/* There 7 is for ever; elsewhere it is a number. */
static void retries_end_on_soft_roce(void **state)
{
	struct bv_channel_attr attr = defaults;
	struct bv_device *soft;
	struct bv_pd *soft_pd;
	struct bv_channel *ch;

	(void)state;
	attr.retry = 7;
	assert_int_equal(create(&attr), 0);
	assert_int_equal(fake.created.retry, 7);
	assert_int_equal(bv_open("rxe0", NULL, &soft), 0);
	assert_int_equal(bv_pd_alloc(soft, &soft_pd), 0);
	assert_int_equal(bv_channel_create(soft_pd, &attr, &ch), 0);
	assert_int_equal(fake.created.retry, 6);
	bv_channel_destroy(ch);
	bv_pd_free(soft_pd);
	bv_close(soft);
}

/* The last value inside and the first outside, at both ends. */
#define RANGE(field, min, max, name)                                    \
	do {                                                            \
		struct bv_channel_attr attr_ = BV_CHANNEL_ATTR_DEFAULT; \
		attr_.field = (min);                                    \
		assert_int_equal(create(&attr_), 0);                    \
		attr_.field = (max);                                    \
		assert_int_equal(create(&attr_), 0);                    \
		attr_.field++;                                          \
		assert_int_equal(create(&attr_), -EINVAL);              \
		assert_text(name " is ");                               \
		if ((min) > 0) {                                        \
			attr_.field = (min);                            \
			attr_.field--;                                  \
			assert_int_equal(create(&attr_), -EINVAL);      \
			assert_text(name " is ");                       \
		}                                                       \
	} while (0)

static void ranges(void **state)
{
	(void)state;
	RANGE(max_send, 1, 32768, "max_send");
	RANGE(max_recv, 1, 32768, "max_recv");
	RANGE(max_send_sge, 0, 30, "max_send_sge");
	RANGE(max_recv_sge, 0, 30, "max_recv_sge");
	RANGE(port, 1, 1, "port");
	RANGE(rd_atomic, 0, 255, "rd_atomic");
	RANGE(rnr_retry, 0, 7, "rnr_retry");
	RANGE(retry, 0, 7, "retry");
	RANGE(min_rnr_timer, 0, 31, "min_rnr_timer");
	RANGE(ack_timeout, 0, 31, "ack_timeout");
	RANGE(pkey_index, 0, 3, "pkey_index");
	RANGE(service_level, 0, 15, "service_level");
	RANGE(flow_label, 0, 0xfffff, "flow_label");
}

/* A port whose P_Key table is not told has its first entry. */
static void port_without_pkeys(void **state)
{
	struct bv_channel_attr attr = defaults;

	(void)state;
	fake.device[0].port[0].pkey_tbl_len = 0;
	assert_int_equal(create(&attr), 0);
	attr.pkey_index = 1;
	assert_int_equal(create(&attr), -EINVAL);
	assert_text("pkey_index is 1; the limit is 0..0");
}

static void extremes(void **state)
{
	struct bv_channel_attr attr = defaults;

	(void)state;
	attr.max_send = UINT32_MAX;
	assert_int_equal(create(&attr), -EINVAL);
	assert_text("4294967295; the limit is 1..32768 (the device's max_qp_wr and max_cqe)");
	fake.device[0].attr.max_sge = INT32_MAX;
	attr = defaults;
	attr.max_send_sge = UINT16_MAX + 1;
	/* Limits are read when the device is opened, so these are still the old ones. */
	assert_int_equal(create(&attr), -EINVAL);
}

static void access(void **state)
{
	struct bv_channel_attr attr = defaults;

	(void)state;
	attr.access = 0;
	assert_int_equal(create(&attr), 0);
	attr.access = 0xf;
	assert_int_equal(create(&attr), 0);
	assert_int_equal(fake.qp_attr[IBV_QPS_INIT].qp_access_flags, 0xf);
	attr.access = 0xf | BV_ACCESS_ON_DEMAND;
	assert_int_equal(create(&attr), -EINVAL);
	assert_text("access is 0x4f");
	attr.access = 0x10;
	assert_int_equal(create(&attr), -EINVAL);
}

static void mtu(void **state)
{
	struct bv_channel_attr attr = defaults;

	(void)state;
	for (uint32_t bytes = 256; bytes <= 4096; bytes *= 2) {
		attr.mtu = bytes;
		assert_int_equal(create(&attr), 0);
		assert_int_equal(fake.created.mtu, bytes);
	}
	attr.mtu = 1500;
	assert_int_equal(create(&attr), -EINVAL);
	assert_text("mtu is 1500");
	attr.mtu = 1;
	assert_int_equal(create(&attr), -EINVAL);
	attr.mtu = 8192;
	assert_int_equal(create(&attr), -EINVAL);
	fake.device[0].port[0].active_mtu = IBV_MTU_1024;
	attr.mtu = 4096;
	assert_int_equal(create(&attr), 0);
	assert_int_equal(fake.created.mtu, 1024);
	attr.mtu = 0;
	assert_int_equal(create(&attr), 0);
	assert_int_equal(fake.created.mtu, 1024);
}

static void port_down(void **state)
{
	static const enum ibv_port_state states[] = { IBV_PORT_NOP, IBV_PORT_DOWN, IBV_PORT_INIT,
						      IBV_PORT_ARMED, IBV_PORT_ACTIVE_DEFER };

	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		fake.device[0].port[0].state = states[i];
		assert_int_equal(create(NULL), -ENETDOWN);
		assert_text("mlx5_0: port 1 is ");
	}
}

static void odd_ports(void **state)
{
	(void)state;
	fake.device[0].port[0].link_layer = 9;
	assert_int_equal(create(NULL), -EOPNOTSUPP);
	fake.query_port_errno = EIO;
	assert_int_equal(create(NULL), -EIO);
	assert_text("port 1 cannot be queried");
}

static void gid_index(void **state)
{
	struct bv_channel_attr attr = defaults;

	(void)state;
	attr.gid_index = 1;
	assert_int_equal(create(&attr), 0);
	attr.gid_index = -2;
	assert_int_equal(create(&attr), -EINVAL);
	assert_text("gid_index is -2");
	attr.gid_index = FAKE_GIDS;
	assert_int_equal(create(&attr), -EINVAL);
	assert_text("0..7");
	attr.gid_index = 5;
	assert_int_equal(create(&attr), -EADDRNOTAVAIL);
	assert_text("GID 5 of port 1 is empty");
	assert_text("gid 3: ::ffff:10.0.0.1, RoCE v2, usable");
}

static void peer_gid(void **state)
{
	struct bv_channel_attr attr = defaults;

	(void)state;
	assert_int_equal(bv_gid_parse("10.0.0.7", attr.peer_gid), 0);
	assert_int_equal(create(&attr), 0);
	assert_int_equal(bv_gid_parse("2001:db8::7", attr.peer_gid), 0);
	attr.gid_index = 3;
	assert_int_equal(create(&attr), -EADDRNOTAVAIL);
	assert_text("GID 3 of port 1 does not reach the peer 2001:db8::7");
	assert_text("gid 3: ::ffff:10.0.0.1, RoCE v2, not of the peer's IP version");
	attr.gid_index = BV_GID_AUTO;
	fake.device[0].gids[0] = fake.device[0].gids[3];
	fake.device[0].ngids = 1;
	assert_int_equal(create(&attr), -EADDRNOTAVAIL);
	assert_text("no GID that reaches the peer 2001:db8::7");
	attr.peer_gid[0] = 0xff;
	assert_int_equal(create(&attr), -EINVAL);
	assert_text("multicast");
}

static void completions(void **state)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;

	(void)state;
	assert_int_equal(attr.completions, 0);
	attr.completions = BV_COMPLETIONS_COMPRESSED | BV_COMPLETIONS_INLINE |
			   BV_COMPLETIONS_UNCHECKED;
	assert_int_equal(create(&attr), 0);
	assert_int_equal(fake.created.completions, attr.completions);
	attr.completions = 8;
	assert_int_equal(create(&attr), -EINVAL);
	assert_text("completions is 0x8");
}

static void udp_sport(void **state)
{
	struct bv_channel_attr attr = defaults;

	(void)state;
	attr.udp_sport = 0xbfff;
	assert_int_equal(create(&attr), -EINVAL);
	assert_text("udp_sport is 49151; it may be 49152..65535");
	attr.udp_sport = 0xc000;
	assert_int_equal(create(&attr), 0);
	fake.udp_sport_rc[0] = -EOPNOTSUPP;
	assert_int_equal(create(&attr), -EOPNOTSUPP);
	assert_text("provider fast cannot set it");
	assert_text("flow_label");
	attr.gid_index = 0;
	assert_int_equal(create(&attr), -EOPNOTSUPP);
	assert_text("GID 0 of port 1 is not of RoCE v2");
}

static void no_gid(void **state)
{
	(void)state;
	fake.device[0].ngids = 0;
	assert_int_equal(create(NULL), -EADDRNOTAVAIL);
	assert_text("no usable GID");
	assert_text("table of port 1 is empty");
	fake.query_gid_errno = EIO;
	assert_int_equal(create(NULL), -EIO);
	assert_text("GID table cannot be read");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_pd_test(default_values),
		fake_pd_test(defaults_fit_small_devices),
		fake_pd_test(ranges),
		fake_pd_test(retries_end_on_soft_roce),
		fake_pd_test(port_without_pkeys),
		fake_pd_test(extremes),
		fake_pd_test(access),
		fake_pd_test(mtu),
		fake_pd_test(port_down),
		fake_pd_test(odd_ports),
		fake_pd_test(gid_index),
		fake_pd_test(no_gid),
		fake_pd_test(peer_gid),
		fake_pd_test(completions),
		fake_pd_test(udp_sport),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
