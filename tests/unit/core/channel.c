/* SPDX-License-Identifier: MIT */
/*
 * Making channels, and asking about them.
 */
#include "fake.h"

#include <errno.h>

static void arguments(void **state)
{
	struct bv_channel *ch;
	struct bv_endpoint ep;

	(void)state;
	assert_int_equal(bv_channel_create(NULL, NULL, &ch), -EINVAL);
	assert_int_equal(bv_channel_create(fake_pd, NULL, NULL), -EINVAL);
	assert_int_equal(bv_channel_endpoint(NULL, &ep), -EINVAL);
	bv_channel_destroy(NULL);
}

static void prepared(void **state)
{
	struct bv_channel_info info;
	struct bv_channel *ch;
	struct bv_endpoint ep;
	struct bv_wc wc;
	const struct ibv_qp_attr *init = &fake.qp_attr[IBV_QPS_INIT];

	(void)state;
	assert_int_equal(bv_channel_create(fake_pd, NULL, &ch), 0);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_PREPARED);
	assert_int_equal(fake.qp_mask[IBV_QPS_INIT],
			 IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS);
	assert_int_equal(init->port_num, 1);
	assert_int_equal(init->pkey_index, 0);
	assert_int_equal(init->qp_access_flags, 7);
	bv_channel_query(ch, &info);
	assert_string_equal(info.provider, "fast");
	assert_string_equal(info.data_path, "a list of the test's");
	assert_int_equal(info.qpn, 0x1234);
	assert_int_equal(info.peer_qpn, 0);
	assert_int_equal(info.mtu, 0);
	assert_int_equal(info.rd_atomic, 0);
	assert_int_equal(info.gid_index, 3);
	assert_int_equal(info.gid[12], 10);
	assert_int_equal(info.max_send, 256);
	assert_int_equal(info.max_recv, 256);
	assert_int_equal(info.max_send_sge, 16);
	assert_int_equal(info.max_recv_sge, 16);
	assert_int_equal(info.max_inline, 132); /* what was granted */
	assert_int_equal(info.max_msg, 1u << 30);
	assert_int_equal(bv_channel_error(ch, &wc), 0);
	assert_int_equal(bv_channel_flushed(ch), 0);
	assert_int_equal(bv_channel_endpoint(ch, NULL), -EINVAL);
	assert_int_equal(bv_channel_endpoint(ch, &ep), 0);
	assert_int_equal(ep.qpn, 0x1234);
	assert_int_equal(ep.lid, 0);
	assert_int_equal(ep.link_layer, BV_LINK_ETHERNET);
	assert_int_equal(ep.mtu, 4096);
	assert_int_equal(ep.responder_depth, 16);
	assert_int_equal(ep.initiator_depth, 16);
	bv_channel_destroy(ch);
}

/* More than a post can tell is granted: what it can tell is said. */
static void inline_of_11_bits(void **state)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;
	struct bv_channel_info info;
	struct bv_channel *ch;

	(void)state;
	attr.max_inline = BVI_WHAT_N_MAX;
	assert_int_equal(bv_channel_create(fake_pd, &attr, &ch), 0);
	bv_channel_query(ch, &info);
	assert_int_equal(info.max_inline, BVI_WHAT_N_MAX);
	bv_channel_destroy(ch);
}

static void psn_is_random(void **state)
{
	struct bv_channel *ch[2];
	struct bv_endpoint ep[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(bv_channel_create(fake_pd, NULL, &ch[i]), 0);
		assert_int_equal(bv_channel_endpoint(ch[i], &ep[i]), 0);
		assert_in_range(ep[i].psn, 0, 0xffffff);
	}
	assert_int_not_equal(ep[0].psn, ep[1].psn);
	bv_channel_destroy(ch[0]);
	bv_channel_destroy(ch[1]);
	fake.random_errno = EINTR;
	assert_int_equal(bv_channel_create(fake_pd, NULL, &ch[0]), 0);
	bv_channel_destroy(ch[0]);
}

static void depth_is_lowered_to_the_device(void **state)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;
	struct bv_device *small;
	struct bv_pd *small_pd;
	struct bv_channel *ch;
	struct bv_endpoint ep;

	(void)state;
	fake.device[2].attr.max_qp_rd_atom = 8;
	fake.device[2].attr.max_qp_init_rd_atom = 4;
	attr.rd_atomic = 255;
	assert_int_equal(bv_open("rxe0", NULL, &small), 0);
	assert_int_equal(bv_pd_alloc(small, &small_pd), 0);
	assert_int_equal(bv_channel_create(small_pd, &attr, &ch), 0);
	assert_int_equal(bv_channel_endpoint(ch, &ep), 0);
	assert_int_equal(ep.responder_depth, 8);
	assert_int_equal(ep.initiator_depth, 4);
	bv_channel_destroy(ch);
	bv_pd_free(small_pd);
	bv_close(small);
}

static void infiniband(void **state)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;
	static const uint8_t none[16];
	struct bv_device *ib;
	struct bv_pd *ib_pd;
	struct bv_channel *ch;
	struct bv_endpoint ep;

	(void)state;
	assert_int_equal(bv_open("ib0", NULL, &ib), 0);
	assert_int_equal(bv_pd_alloc(ib, &ib_pd), 0);
	assert_int_equal(bv_channel_create(ib_pd, NULL, &ch), 0);
	assert_int_equal(bv_channel_endpoint(ch, &ep), 0);
	assert_int_equal(ep.lid, 7);
	assert_int_equal(ep.link_layer, BV_LINK_INFINIBAND);
	assert_memory_equal(ep.gid, none, 16);
	bv_channel_destroy(ch);
	/* A GID that is asked for, or that the port demands, is used. */
	attr.gid_index = 0;
	assert_int_equal(bv_channel_create(ib_pd, &attr, &ch), 0);
	assert_int_equal(bv_channel_endpoint(ch, &ep), 0);
	assert_int_equal(ep.gid[0], 0xfe);
	bv_channel_destroy(ch);
	fake.device[1].port[0].flags = IBV_QPF_GRH_REQUIRED;
	assert_int_equal(bv_channel_create(ib_pd, NULL, &ch), 0);
	assert_int_equal(bv_channel_endpoint(ch, &ep), 0);
	assert_int_equal(ep.gid[0], 0xfe);
	bv_channel_destroy(ch);
	bv_pd_free(ib_pd);
	bv_close(ib);
}

static void failures(void **state)
{
	struct bv_channel *ch = NULL;

	(void)state;
	fake.channel_create_rc = -ENOMEM;
	assert_int_equal(bv_channel_create(fake_pd, NULL, &ch), -ENOMEM);
	assert_text("provider fast could not make a channel: Cannot allocate memory\nasked for: "
		    "max_send 256, max_recv 256, max_send_sge 16, max_recv_sge 16, max_inline 128\n"
		    "the device has at most: 32768 works of a queue, 30 elements, 4194303 "
		    "completions, 0 queue pairs");
	fake.channel_why = "max_inline 9999: the device takes 800";
	fake.channel_create_rc = -EINVAL;
	assert_int_equal(bv_channel_create(fake_pd, NULL, &ch), -EINVAL);
	assert_text("the device takes 800");
	assert_string_equal(fake.order, "D"); /* the context of the probe alone */
	fake.channel_create_rc = 0;
	fake.modify_errno[IBV_QPS_INIT] = EINVAL;
	assert_int_equal(bv_channel_create(fake_pd, NULL, &ch), -EINVAL);
	assert_text("INIT");
	fake.modify_by_errno = true;
	fake.modify_errno[IBV_QPS_INIT] = EPERM;
	assert_int_equal(bv_channel_create(fake_pd, NULL, &ch), -EPERM);
	fake.modify_errno[IBV_QPS_INIT] = 0;
	fake.random_errno = ENOSYS;
	assert_int_equal(bv_channel_create(fake_pd, NULL, &ch), -ENOSYS);
	fake.random_errno = 0;
	/* The GID table is ours. */
	fake.calloc_in = 1;
	assert_int_equal(bv_channel_create(fake_pd, NULL, &ch), -ENOMEM);
	assert_null(ch);
	assert_string_equal(fake.order, "DQQQ"); /* what the provider made is gone again */
}

static void posts_before_connect(void **state)
{
	const struct bv_remote remote = { .addr = 0, .length = 64, .rkey = 1 };
	struct bv_channel *ch;
	struct bv_wc wc;

	(void)state;
	assert_int_equal(bv_channel_create(fake_pd, NULL, &ch), 0);
#define REFUSED(call)                    \
	assert_int_equal(call, -EINVAL); \
	assert_text("the channel is PREPARED, it must be READY")
	REFUSED(bv_post_send(ch, NULL, 0, 0));
	REFUSED(bv_post_send_imm(ch, NULL, 0, 1, 0));
	REFUSED(bv_post_send_inline(ch, "x", 1, 0));
	REFUSED(bv_post_send_inline_imm(ch, "x", 1, 1, 0));
	REFUSED(bv_post_write(ch, NULL, 0, &remote, 0));
	REFUSED(bv_post_write_unchecked(ch, NULL, 0, &remote, 0));
	REFUSED(bv_post_write_imm(ch, NULL, 0, &remote, 1, 0));
	REFUSED(bv_post_write_inline(ch, "x", 1, &remote, 0));
	REFUSED(bv_post_write_inline_imm(ch, "x", 1, &remote, 1, 0));
	REFUSED(bv_post_read(ch, NULL, 0, &remote, 0));
	REFUSED(bv_send(ch, NULL, 0, BV_FOREVER));
#undef REFUSED
	assert_text("bv_post_send: ");
	assert_int_equal(bv_last_posted(ch), -1);
	/* Receives are welcome, and polling finds nothing. */
	assert_int_equal(bv_post_recv(ch, NULL, 0), BV_WORK_RECV);
	assert_int_equal(bv_poll(ch, &wc, 1), 0);
	bv_channel_destroy(ch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_pd_test(arguments),
		fake_pd_test(prepared),
		fake_pd_test(psn_is_random),
		fake_pd_test(inline_of_11_bits),
		fake_pd_test(depth_is_lowered_to_the_device),
		fake_pd_test(infiniband),
		fake_pd_test(failures),
		fake_pd_test(posts_before_connect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
