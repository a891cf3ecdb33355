/* SPDX-License-Identifier: MIT */
/*
 * Two providers whose channels complete what the test says, when it says so.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake.h"

#define PENDING 64

struct pending {
	struct bv_wc wc[PENDING];
	unsigned int count;
};

struct channel {
	struct bv_channel base;
	struct bvi_channel_core core;
	struct ibv_qp qp;
	struct pending send, recv;
	uint64_t recv_completed;
	unsigned int polls;
	unsigned int complete_at;
	bool broken;
};

void *__real_calloc(size_t count, size_t size);

static struct channel *of(struct bv_channel *ch)
{
	return (struct channel *)ch;
}

/* Only number and arguments matter; what a post does is the providers' own tests' business. */
static int64_t post(struct bv_channel *ch, const struct fake_post *post)
{
	if (fake.post_rc && ch->sq_posted == fake.post_rc_at)
		return fake.post_rc;
	if (ch->sq_posted - ch->sq_done == ch->max_send)
		return -EAGAIN;
	fake.post = *post;
	if (post->remote)
		fake.post.target = *post->remote;
	return (int64_t)ch->sq_posted++;
}

#define POST(ch, ...) post(ch, &(struct fake_post){ __VA_ARGS__ })

static int64_t post_send(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			 unsigned flags)
{
	(void)sg;
	return POST(ch, "send", .nsge = nsge, .flags = flags);
}

static int64_t post_send_imm(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			     uint32_t imm, unsigned flags)
{
	(void)sg;
	return POST(ch, "send_imm", .nsge = nsge, .imm = imm, .flags = flags);
}

static int64_t post_inline(struct bv_channel *ch, const void *buf, size_t len, unsigned flags)
{
	(void)buf;
	return POST(ch, "inline", .len = len, .flags = flags);
}

static int64_t post_inline_imm(struct bv_channel *ch, const void *buf, size_t len, uint32_t imm,
			       unsigned flags)
{
	(void)buf;
	return POST(ch, "inline_imm", .len = len, .imm = imm, .flags = flags);
}

static int64_t post_write(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			  const struct bv_remote *remote, unsigned flags)
{
	(void)sg;
	return POST(ch, "write", .nsge = nsge, .remote = remote, .flags = flags);
}

static int64_t post_write_imm(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			      const struct bv_remote *remote, uint32_t imm, unsigned flags)
{
	(void)sg;
	return POST(ch, "write_imm", .nsge = nsge, .remote = remote, .imm = imm, .flags = flags);
}

static int64_t post_write_inline(struct bv_channel *ch, const void *buf, size_t len,
				 const struct bv_remote *remote, unsigned flags)
{
	(void)buf;
	return POST(ch, "write_inline", .len = len, .remote = remote, .flags = flags);
}

static int64_t post_write_inline_imm(struct bv_channel *ch, const void *buf, size_t len,
				     const struct bv_remote *remote, uint32_t imm, unsigned flags)
{
	(void)buf;
	return POST(ch, "write_inline_imm", .len = len, .remote = remote, .imm = imm,
		    .flags = flags);
}

static int64_t post_read(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge,
			 const struct bv_remote *remote, unsigned flags)
{
	(void)sg;
	return POST(ch, "read", .nsge = nsge, .remote = remote, .flags = flags);
}

static int64_t post_fetch_add(struct bv_channel *ch, const struct bv_scatter *result,
			      const struct bv_remote *remote, uint64_t add, unsigned flags)
{
	(void)result;
	return POST(ch, "fetch_add", .remote = remote, .add = add, .flags = flags);
}

static int64_t post_compare_swap(struct bv_channel *ch, const struct bv_scatter *result,
				 const struct bv_remote *remote, uint64_t compare, uint64_t swap,
				 unsigned flags)
{
	(void)result;
	return POST(ch, "compare_swap", .remote = remote, .compare = compare, .swap = swap,
		    .flags = flags);
}

static int flush(struct bv_channel *ch)
{
	(void)ch;
	return fake.flush_rc;
}

static int arm(struct bv_channel *ch, unsigned queues)
{
	(void)ch;
	fake.armed = queues;
	return fake.arm_rc;
}

static int64_t post_recv(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge)
{
	(void)sg, (void)nsge;
	if (ch->rq_posted - ch->rq_done == ch->max_recv)
		return -EAGAIN;
	return (int64_t)ch->rq_posted++ | BV_WORK_RECV;
}

static unsigned int take(struct pending *pending, struct bv_wc *wc, unsigned int max)
{
	const unsigned int n = pending->count < max ? pending->count : max;

	memcpy(wc, pending->wc, n * sizeof(*wc));
	memmove(pending->wc, pending->wc + n, (pending->count - n) * sizeof(*wc));
	pending->count -= n;
	return n;
}

static int poll_send(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	struct channel *fc = of(ch);
	unsigned int n;

	if (++fc->polls == fc->complete_at)
		fake_complete_send(ch, ch->sq_posted - 1, BV_STATUS_SUCCESS);
	n = take(&fc->send, wc, max);
	for (unsigned int i = 0; i < n; i++) {
		ch->sq_done = (uint64_t)wc[i].work + 1;
		if (wc[i].status != BV_STATUS_SUCCESS)
			bvi_channel_failed(ch, &wc[i]);
	}
	return n == 0 && fc->broken ? -EIO : (int)n;
}

static int poll_recv(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	struct channel *fc = of(ch);
	unsigned int n;

	fc->polls++;
	n = take(&fc->recv, wc, max);
	for (unsigned int i = 0; i < n; i++) {
		const uint64_t number = (uint64_t)(wc[i].work & ~BV_WORK_RECV);

		bvi_recv_result_store(ch, number, &wc[i]);
		ch->rq_done = number + 1;
		if (wc[i].status != BV_STATUS_SUCCESS)
			bvi_channel_failed(ch, &wc[i]);
	}
	return n == 0 && fc->broken ? -EIO : (int)n;
}

static const struct bv_channel_ops prepared = {
	BVI_REFUSE_SENDS,       .post_recv = post_recv, .flush = flush,
	.poll_send = poll_send, .poll_recv = poll_recv, .arm = arm,
};

static const struct bv_channel_ops ready = {
	.post_send = post_send,
	.post_send_imm = post_send_imm,
	.post_send_inline = post_inline,
	.post_send_inline_imm = post_inline_imm,
	.post_write = post_write,
	.post_write_imm = post_write_imm,
	.post_write_inline = post_write_inline,
	.post_write_inline_imm = post_write_inline_imm,
	.post_read = post_read,
	.post_fetch_add = post_fetch_add,
	.post_compare_swap = post_compare_swap,
	.post_recv = post_recv,
	.flush = flush,
	.poll_send = poll_send,
	.poll_recv = poll_recv,
	.arm = arm,
};

static const struct bv_channel_ops error = {
	BVI_REFUSE_SENDS,       .post_recv = bvi_refuse_recv, .flush = flush,
	.poll_send = poll_send, .poll_recv = poll_recv,       .arm = arm,
};

static int channel_create(const struct bv_channel_params *params, struct bv_channel **ch, char *why,
			  size_t size)
{
	struct channel *fc;

	fake.created = *params->attr;
	if (fake.channel_create_rc) {
		if (fake.channel_why)
			snprintf(why, size, "%s", fake.channel_why);
		return fake.channel_create_rc;
	}
	fc = __real_calloc(1, sizeof(*fc));
	fc->qp.qp_num = 0x1234;
	fc->core.qp = &fc->qp;
	fc->core.data_path = "a list of the test's";
	fc->core.prepared = &prepared;
	fc->core.ready = &ready;
	fc->core.error = &error;
	fc->core.max_inline = params->attr->max_inline + 4;
	fc->base.core = &fc->core;
	*ch = &fc->base;
	return 0;
}

static void channel_reset(struct bv_channel *ch)
{
	struct channel *fc = of(ch);

	fc->send.count = 0;
	fc->recv.count = 0;
	fc->broken = false;
}

static uint32_t channel_unsignaled(const struct bv_channel *ch)
{
	(void)ch;
	return fake.unsignaled;
}

static void channel_destroy(struct bv_channel *ch)
{
	strncat(fake.order, "Q", sizeof(fake.order) - strlen(fake.order) - 1);
	free(ch);
}

/* Every work is the one that the test says. */
static int set_udp_sport(struct ibv_qp *qp, uint16_t port)
{
	if (qp)
		fake.udp_sport = port;
	return qp ? fake.udp_sport_rc[1] : fake.udp_sport_rc[0];
}

static int describe(const struct bv_channel *ch, int64_t work, struct bv_work_info *info)
{
	(void)ch, (void)work;
	if (fake.described.op == BV_OP_NONE)
		return -ENOENT;
	*info = fake.described;
	return 0;
}

static int provider_open(struct ibv_device *ibdev, struct ibv_context **context)
{
	if (fake.provider_open_rc)
		return fake.provider_open_rc;
	*context = ibv_open_device(ibdev);
	return 0;
}

static int probe(int score, char *why, size_t size)
{
	snprintf(why, size, score > 0 ? "score %d" : "no such hardware (%d)", score);
	return score;
}

static int probe_fast(struct ibv_device *ibdev, struct ibv_context *context, char *why, size_t size)
{
	(void)ibdev, (void)context;
	return probe(fake.score[0], why, size);
}

static int probe_slow(struct ibv_device *ibdev, struct ibv_context *context, char *why, size_t size)
{
	(void)ibdev, (void)context;
	return probe(fake.score[1], why, size);
}

static const struct bv_provider fast = {
	.name = "fast",
	.probe = probe_fast,
	.open = provider_open,
	.channel_create = channel_create,
	.channel_reset = channel_reset,
	.channel_unsignaled = channel_unsignaled,
	.channel_destroy = channel_destroy,
	.describe = describe,
	.set_udp_sport = set_udp_sport,
};

static const struct bv_provider slow = {
	.name = "slow",
	.probe = probe_slow,
	.open = provider_open,
	.channel_create = channel_create,
	.channel_reset = channel_reset,
	.channel_unsignaled = channel_unsignaled,
	.channel_destroy = channel_destroy,
	.describe = describe,
	.set_udp_sport = set_udp_sport,
};

const struct bv_provider *const bvi_providers[] = { &slow, &fast, NULL };

struct bv_channel *fake_channel(const struct bv_channel_attr *attr, struct bv_device **dev,
				struct bv_pd **pd)
{
	struct bv_channel *ch;

	assert_int_equal(bv_open("mlx5_0", NULL, dev), 0);
	assert_int_equal(bv_pd_alloc(*dev, pd), 0);
	assert_int_equal(bv_channel_create(*pd, attr, &ch), 0);
	return ch;
}

struct bv_endpoint fake_peer(void)
{
	return (struct bv_endpoint){
		.qpn = 0x4321,
		.psn = 0xabcdef,
		.link_layer = BV_LINK_ETHERNET,
		.mtu = 1024,
		.responder_depth = 4,
		.initiator_depth = 3,
		.ack_timeout = 12,
		.min_rnr_timer = 0,
		.gid = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 9 },
		.gid_type = BV_GID_ROCE_V2,
	};
}

static void push(struct pending *pending, const struct bv_wc *wc)
{
	assert_true(pending->count < PENDING);
	pending->wc[pending->count++] = *wc;
}

void fake_complete_send(struct bv_channel *ch, uint64_t number, enum bv_status status)
{
	push(&of(ch)->send, &(struct bv_wc){
				    .work = (int64_t)number,
				    .status = (uint8_t)status,
				    .vendor_err = status ? 0x81 : 0,
			    });
}

void fake_complete_recv(struct bv_channel *ch, uint32_t bytes, enum bv_status status)
{
	push(&of(ch)->recv, &(struct bv_wc){
				    .work = (int64_t)of(ch)->recv_completed++ | BV_WORK_RECV,
				    .bytes = status ? 0 : bytes,
				    .op = status ? BV_OP_NONE : BV_OP_RECV,
				    .status = (uint8_t)status,
				    .vendor_err = status ? 0x51 : 0,
			    });
}

void fake_break(struct bv_channel *ch)
{
	of(ch)->broken = true;
}

unsigned int fake_polls(struct bv_channel *ch)
{
	return of(ch)->polls;
}

void fake_complete_at_poll(struct bv_channel *ch, unsigned int n)
{
	of(ch)->complete_at = of(ch)->polls + n;
}
