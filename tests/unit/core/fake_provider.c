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
#define RESULTS 1024

struct pending {
	struct bv_wc wc[PENDING];
	unsigned int count;
};

struct channel {
	struct bv_channel base;
	struct bvi_channel_core core;
	struct ibv_qp qp;
	struct pending send, recv;
	struct bv_wc results[RESULTS];
	uint64_t recv_completed;
	unsigned int polls;
	unsigned int complete_at;
	bool broken;
	bool at_rest; /* channel_before_reset ended what was begun */
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
	if (ch->sq_posted == ch->sq_limit)
		return -EAGAIN;
	fake.post = *post;
	if (post->remote)
		fake.post.target = *post->remote;
	return (int64_t)ch->sq_posted++;
}

#define POST(ch, ...) post(ch, &(struct fake_post){ __VA_ARGS__ })

static int64_t post_list(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
			 uint64_t what, const char *const names[3], uint32_t imm)
{
	const enum bv_op op = bvi_what_op(what);
	const unsigned nsge = bvi_what_n(what, BVI_SHORT_LIST);

	if (!bvi_list_fits_channel(ch, sg, nsge))
		return bvi_refuse_list(ch, nsge);
	return POST(ch,
		    names[op == BV_OP_SEND  ? 0 :
			  op == BV_OP_WRITE ? 1 :
					      2],
		    .nsge = nsge, .remote = remote, .imm = imm, .flags = bvi_what_flags(what));
}

static int64_t post_elements(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
			     uint64_t what)
{
	static const char *const names[3] = { "send", "write", "read" };

	return post_list(ch, sg, remote, what, names, 0);
}

static int64_t post_imm(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
			uint64_t what, uint32_t imm)
{
	static const char *const names[3] = { "send_imm", "write_imm", "" };

	return post_list(ch, sg, remote, what, names, imm);
}

static int64_t post_payload(struct bv_channel *ch, const struct bv_remote *remote, uint64_t what,
			    const char *name, uint32_t imm)
{
	const unsigned len = bvi_what_n(what, BVI_SHORT_INLINE);

	if (len > ch->max_inline)
		return bvi_refuse_length(ch, len);
	return POST(ch, name, .len = len, .remote = remote, .imm = imm,
		    .flags = bvi_what_flags(what));
}

static int64_t post_inline(struct bv_channel *ch, const void *buf, const struct bv_remote *remote,
			   uint64_t what)
{
	const int64_t work = post_payload(ch, remote, what, remote ? "write_inline" : "inline", 0);
	const size_t len = bvi_what_n(what, BVI_SHORT_INLINE);

	if (work >= 0 && len > 0)
		memcpy(&fake.post.payload, buf, len < 8 ? len : 8);
	return work;
}

static int64_t post_inline_imm(struct bv_channel *ch, const void *buf,
			       const struct bv_remote *remote, uint64_t what, uint32_t imm)
{
	(void)buf;
	return post_payload(ch, remote, what, remote ? "write_inline_imm" : "inline_imm", imm);
}

static int64_t post_other(struct bv_channel *ch, const void *payload,
			  const struct bv_remote *remote, uint64_t what, uint64_t swap_add,
			  uint64_t compare)
{
	if (what & BVI_WHAT_INLINE)
		return post_inline(ch, payload, remote, what);
	if (!bvi_what_is_atomic(what))
		return post_elements(ch, payload, remote, what);
	if (bvi_what_op(what) == BV_OP_FETCH_ADD)
		return POST(ch, "fetch_add", .remote = remote, .add = swap_add,
			    .flags = bvi_what_flags(what));
	return POST(ch, "compare_swap", .remote = remote, .compare = compare, .swap = swap_add,
		    .flags = bvi_what_flags(what));
}

static int flush(struct bv_channel *ch)
{
	ch->sq_posted -= fake.flush_withdraws;
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
	(void)sg;
	if (nsge > ch->max_recv_sge)
		return bvi_reject_list(ch, nsge, ch->max_recv_sge, 0, NULL, 0);
	if (ch->rq_posted == ch->rq_limit)
		return -EAGAIN;
	return (int64_t)ch->rq_posted++;
}

static int post_recv_many(struct bv_channel *ch, const struct bv_scatter *sg, unsigned n)
{
	unsigned posted = 0;

	while (posted < n && post_recv(ch, &sg[posted], 1) >= 0)
		posted++;
	return posted || !n ? (int)posted : -EAGAIN;
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
		ch->sq_limit = (uint64_t)wc[i].work + 1 + ch->max_send;
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
		fc->results[(uint64_t)wc[i].work % RESULTS] = wc[i];
		ch->rq_done = (uint64_t)wc[i].work + 1;
		ch->rq_limit = ch->rq_done + ch->max_recv;
		if (wc[i].status != BV_STATUS_SUCCESS)
			bvi_channel_failed(ch, &wc[i]);
	}
	return n == 0 && fc->broken ? -EIO : (int)n;
}

static int poll_send_one(struct bv_channel *ch, struct bv_wc *wc)
{
	return poll_send(ch, wc, 1);
}

static int poll_recv_inplace(struct bv_channel *ch, struct bv_wc *wc, const void **payload,
			     unsigned max)
{
	const int n = poll_recv(ch, wc, max);

	for (int i = 0; i < n; i++)
		payload[i] = NULL;
	return n;
}

static int poll_recv_one(struct bv_channel *ch, struct bv_wc *wc)
{
	return poll_recv(ch, wc, 1);
}

static void recv_result(const struct bv_channel *ch, uint64_t number, struct bv_wc *wc)
{
	*wc = ((const struct channel *)ch)->results[number % RESULTS];
}

#define REAPS                                                                                   \
	.flush = flush, .poll_send_one = poll_send_one, .poll_recv_one = poll_recv_one,         \
	.poll_send = poll_send, .poll_recv = poll_recv, .poll_recv_inplace = poll_recv_inplace, \
	.recv_result = recv_result, .arm = arm
#define RECEIVES .post_recv = post_recv, .post_recv_many = post_recv_many

static const struct bv_channel_ops prepared = { BVI_REFUSE_SENDS, RECEIVES, REAPS };

static const struct bv_channel_ops ready = {
	.post_one = post_elements,
	.post_inline8 = post_inline,
	.write_one_more = post_elements,
	.write_inline8_more = post_inline,
	.send_one_more = post_elements,
	.send_inline8_more = post_inline,
	.post_other = post_other,
	.post_imm = post_imm,
	.post_inline_imm = post_inline_imm,
	RECEIVES,
	REAPS,
};

static const struct bv_channel_ops error = { BVI_REFUSE_POSTS, REAPS };

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
	fc = aligned_alloc(64, sizeof(*fc));
	memset(fc, 0, sizeof(*fc));
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

static void channel_before_reset(struct bv_channel *ch)
{
	assert(ch->core->in_reset == false);
	of(ch)->at_rest = true;
}

static void channel_reset(struct bv_channel *ch)
{
	struct channel *fc = of(ch);

	assert(fc->at_rest);
	fc->at_rest = false;
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

static bvi_qp_create_fn *qp_create(struct ibv_device *ibdev)
{
	(void)ibdev;
	return NULL;
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
	.qp_create = qp_create,
	.channel_create = channel_create,
	.channel_before_reset = channel_before_reset,
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
	.qp_create = qp_create,
	.channel_create = channel_create,
	.channel_before_reset = channel_before_reset,
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

struct bv_channel *fake_lone_channel(const struct bv_channel_attr *attr)
{
	struct bv_channel *ch;
	struct bv_device *dev;
	struct bv_pd *pd;

	ch = fake_channel(attr, &dev, &pd);
	bv_pd_free(pd);
	bv_close(dev);
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
