/* SPDX-License-Identifier: MIT */
/*
 * Connecting: what both sides agree on, what the kernel is asked for, what is refused.
 */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct bv_device *dev;
static struct bv_pd *pd;
static struct bv_channel *ch;

static int setup(void **state)
{
	fake_reset(state);
	ch = fake_channel(NULL, &dev, &pd);
	return 0;
}

static int teardown(void **state)
{
	bv_channel_destroy(ch);
	bv_pd_free(pd);
	bv_close(dev);
	return fake_check(state);
}

#define channel_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void connects(void **state)
{
	const struct bv_endpoint peer = fake_peer();
	const struct ibv_qp_attr *rtr = &fake.qp_attr[IBV_QPS_RTR],
				 *rts = &fake.qp_attr[IBV_QPS_RTS];
	struct bv_channel_info info;
	struct bv_endpoint local;

	(void)state;
	assert_int_equal(bv_channel_endpoint(ch, &local), 0);
	assert_int_equal(bv_channel_connect(ch, &peer), 0);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_READY);
	assert_int_equal(fake.qp_mask[IBV_QPS_RTR],
			 IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
				 IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER);
	assert_int_equal(rtr->path_mtu, IBV_MTU_1024); /* of 4096 and 1024 */
	assert_int_equal(rtr->dest_qp_num, 0x4321);
	assert_int_equal(rtr->rq_psn, 0xabcdef);
	assert_int_equal(rtr->max_dest_rd_atomic, 3); /* of 16 here and 3 there */
	assert_int_equal(rtr->min_rnr_timer, 0); /* of code 16 here and 0, the longest, there */
	assert_int_equal(rtr->ah_attr.is_global, 1);
	assert_int_equal(rtr->ah_attr.port_num, 1);
	assert_int_equal(rtr->ah_attr.dlid, 0);
	assert_int_equal(rtr->ah_attr.grh.sgid_index, 3);
	assert_int_equal(rtr->ah_attr.grh.hop_limit, 64);
	assert_memory_equal(rtr->ah_attr.grh.dgid.raw, peer.gid, 16);
	assert_int_equal(fake.qp_mask[IBV_QPS_RTS],
			 IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
				 IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC);
	assert_int_equal(rts->max_rd_atomic, 4); /* of 16 here and 4 there */
	assert_int_equal(rts->sq_psn, local.psn);
	assert_int_equal(rts->timeout, 14); /* of 14 here and 12 there */
	assert_int_equal(rts->retry_cnt, 6);
	assert_int_equal(rts->rnr_retry, 6);
	bv_channel_query(ch, &info);
	assert_int_equal(info.mtu, 1024);
	assert_int_equal(info.rd_atomic, 4);
	assert_int_equal(info.peer_qpn, 0x4321);
	assert_int_equal(info.ack_timeout, 14);
	assert_int_equal(info.min_rnr_timer, 0);
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), 0);
	assert_int_equal(bv_last_posted(ch), 0);
}

static void loopback(void **state)
{
	struct bv_endpoint local;

	(void)state;
	assert_int_equal(bv_channel_endpoint(ch, &local), 0);
	assert_int_equal(bv_channel_connect(ch, &local), 0);
	assert_int_equal(fake.qp_attr[IBV_QPS_RTR].dest_qp_num, 0x1234);
	assert_int_equal(fake.qp_attr[IBV_QPS_RTR].path_mtu, IBV_MTU_4096);
	assert_int_equal(fake.qp_attr[IBV_QPS_RTS].max_rd_atomic, 16);
}

/* 0 is for ever as an ack time-out, and 655 ms as an RNR timer. */
static void longer_timers(void **state)
{
	struct bv_endpoint peer = fake_peer();

	(void)state;
	peer.ack_timeout = 0;
	peer.min_rnr_timer = 15;
	assert_int_equal(bv_channel_connect(ch, &peer), 0);
	assert_int_equal(fake.qp_attr[IBV_QPS_RTS].timeout, 0);
	assert_int_equal(fake.qp_attr[IBV_QPS_RTR].min_rnr_timer, 16);
}

static void twice(void **state)
{
	const struct bv_endpoint peer = fake_peer();

	(void)state;
	assert_int_equal(bv_channel_connect(ch, &peer), 0);
	assert_int_equal(bv_channel_connect(ch, &peer), -EINVAL);
	assert_text("is READY, it must be PREPARED");
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_READY);
}

static void refused_and_unchanged(void **state)
{
	struct bv_endpoint peer = fake_peer();

	(void)state;
	assert_int_equal(bv_channel_connect(NULL, &peer), -EINVAL);
	assert_int_equal(bv_channel_connect(ch, NULL), -EINVAL);
	peer.qpn = 0;
	assert_int_equal(bv_channel_connect(ch, &peer), -EINVAL);
	assert_text("qpn is 0");
	peer = fake_peer();
	peer.mtu = 1500;
	assert_int_equal(bv_channel_connect(ch, &peer), -EINVAL);
	peer = fake_peer();
	memset(peer.gid, 0, sizeof(peer.gid));
	assert_int_equal(bv_channel_connect(ch, &peer), -EINVAL);
	peer = fake_peer();
	peer.link_layer = BV_LINK_INFINIBAND;
	peer.lid = 3;
	peer.gid_type = BV_GID_IB;
	assert_int_equal(bv_channel_connect(ch, &peer), -EPROTONOSUPPORT);
	assert_text("this port is Ethernet");
	peer = fake_peer();
	peer.gid_type = BV_GID_ROCE_V1;
	assert_int_equal(bv_channel_connect(ch, &peer), -EPROTONOSUPPORT);
	assert_text("our GID is of RoCE v2, the peer's of RoCE v1");
	assert_text("gid 3: ::ffff:10.0.0.1, RoCE v2, would reach the peer");
	peer = fake_peer();
	peer.gid[0] = 0x20;
	assert_int_equal(bv_channel_connect(ch, &peer), -EPROTONOSUPPORT);
	assert_text("not of one IP version");
	assert_text("gid 3: ::ffff:10.0.0.1, RoCE v2, not of the peer's IP version");
	fake.query_gid_errno = EIO;
	assert_int_equal(bv_channel_connect(ch, &peer), -EPROTONOSUPPORT);
	fake.query_gid_errno = 0;
	assert_int_equal(fake.qp_mask[IBV_QPS_RTR], 0);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_PREPARED);
	peer = fake_peer();
	assert_int_equal(bv_channel_connect(ch, &peer), 0);
}

static void assert_broken(int error, const char *text)
{
	const struct bv_endpoint peer = fake_peer();

	assert_int_equal(bv_channel_connect(ch, &peer), -error);
	assert_text(text);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_ERROR);
	/* Posted receives come back as flushes. */
	assert_int_equal(fake.qp_attr[IBV_QPS_ERR].qp_state, IBV_QPS_ERR);
	assert_int_equal(bv_channel_connect(ch, &peer), -EIO);
	assert_text("is in ERROR");
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), -EIO);
	assert_text("could not be connected");
	assert_int_equal(bv_post_recv(ch, NULL, 0), -EIO);
}

static void rtr_einval(void **state)
{
	(void)state;
	fake.modify_errno[IBV_QPS_RTR] = EINVAL;
	assert_broken(EINVAL, "gid 3 ::ffff:10.0.0.1");
}

static void rtr_timed_out(void **state)
{
	(void)state;
	fake.modify_errno[IBV_QPS_RTR] = ETIMEDOUT;
	fake.modify_by_errno = true;
	assert_broken(ETIMEDOUT, "could not resolve the peer ::ffff:10.0.0.9 via ");
}

/* sysfs knows the interface behind a GID, and the advice names it. */
static void rtr_on_a_known_interface(void **state)
{
	char path[] = "/tmp/bv-unit-XXXXXX", command[200];

	(void)state;
	assert_non_null(mkdtemp(path));
	snprintf(command, sizeof(command),
		 "mkdir -p %s/ports/1/gid_attrs/ndevs && echo eth7 >%s/ports/1/gid_attrs/ndevs/3",
		 path, path);
	assert_int_equal(system(command), 0);
	snprintf(fake.device[0].ibdev.ibdev_path, IBV_SYSFS_PATH_MAX, "%s", path);
	fake.modify_errno[IBV_QPS_RTR] = EHOSTUNREACH;
	assert_broken(EHOSTUNREACH, "eth7");
	snprintf(command, sizeof(command), "rm -r %s", path);
	assert_int_equal(system(command), 0);
}

static void rtr_unreachable(void **state)
{
	(void)state;
	fake.modify_errno[IBV_QPS_RTR] = EHOSTUNREACH;
	assert_broken(EHOSTUNREACH, "ip neigh");
}

static void rtr_other(void **state)
{
	(void)state;
	fake.modify_errno[IBV_QPS_RTR] = EPERM;
	assert_broken(EPERM, "ready to receive");
}

/* A channel with @attr instead of the one of setup(). */
static void renew(const struct bv_channel_attr *attr)
{
	bv_channel_destroy(ch);
	assert_int_equal(bv_channel_create(pd, attr, &ch), 0);
}

static void path_attributes(void **state)
{
	const struct ibv_ah_attr *ah = &fake.qp_attr[IBV_QPS_RTR].ah_attr;
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;
	const struct bv_endpoint peer = fake_peer();

	(void)state;
	attr.pkey_index = 3;
	attr.service_level = 5;
	attr.traffic_class = 106;
	attr.hop_limit = 7;
	attr.flow_label = 0x54321;
	renew(&attr);
	assert_int_equal(fake.qp_attr[IBV_QPS_INIT].pkey_index, 3);
	assert_int_equal(bv_channel_connect(ch, &peer), 0);
	assert_int_equal(ah->sl, 5);
	assert_int_equal(ah->grh.traffic_class, 106);
	assert_int_equal(ah->grh.hop_limit, 7);
	assert_int_equal(ah->grh.flow_label, 0x54321);
	assert_int_equal(fake.udp_sport, 0);
}

static void udp_sport(void **state)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;
	const struct bv_endpoint peer = fake_peer();

	(void)state;
	attr.udp_sport = 50000;
	renew(&attr);
	assert_int_equal(bv_channel_connect(ch, &peer), 0);
	assert_int_equal(fake.udp_sport, 50000);
	renew(&attr);
	fake.udp_sport_rc[1] = -EOPNOTSUPP;
	assert_broken(EOPNOTSUPP, "could not get the UDP source port 50000");
}

static void rts_fails(void **state)
{
	(void)state;
	fake.modify_errno[IBV_QPS_RTS] = EINVAL;
	assert_broken(EINVAL, "ready to send");
}

/* On InfiniBand either both sides have a GID, or neither. */
static void infiniband(void **state)
{
	struct bv_endpoint peer = {
		.qpn = 5, .lid = 9, .link_layer = BV_LINK_INFINIBAND, .mtu = 2048
	};
	const struct ibv_ah_attr *ah = &fake.qp_attr[IBV_QPS_RTR].ah_attr;
	struct bv_device *ib;
	struct bv_pd *ib_pd;
	struct bv_channel *ib_ch;

	(void)state;
	assert_int_equal(bv_open("ib0", NULL, &ib), 0);
	assert_int_equal(bv_pd_alloc(ib, &ib_pd), 0);
	assert_int_equal(bv_channel_create(ib_pd, NULL, &ib_ch), 0);
	peer.gid[0] = 0xfe;
	assert_int_equal(bv_channel_connect(ib_ch, &peer), -EINVAL);
	assert_text("only one side has a GID");
	peer = fake_peer();
	assert_int_equal(bv_channel_connect(ib_ch, &peer), -EPROTONOSUPPORT);
	assert_text("this port is InfiniBand, the peer's is not");
	peer = (struct bv_endpoint){
		.qpn = 5, .lid = 9, .link_layer = BV_LINK_INFINIBAND, .mtu = 2048
	};
	assert_int_equal(bv_channel_connect(ib_ch, &peer), 0);
	assert_int_equal(ah->is_global, 0);
	assert_int_equal(ah->dlid, 9);
	bv_channel_destroy(ib_ch);
	bv_pd_free(ib_pd);
	bv_close(ib);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		channel_test(connects),
		channel_test(loopback),
		channel_test(longer_timers),
		channel_test(twice),
		channel_test(refused_and_unchanged),
		channel_test(rtr_einval),
		channel_test(rtr_timed_out),
		channel_test(rtr_unreachable),
		channel_test(rtr_on_a_known_interface),
		channel_test(rtr_other),
		channel_test(rts_fails),
		channel_test(infiniband),
		channel_test(path_attributes),
		channel_test(udp_sport),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
