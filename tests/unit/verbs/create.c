/* SPDX-License-Identifier: MIT */
/*
 * Making the objects of a channel on every kind of driver, and on one that fails at each step: what
 * was made before is gone again, and the text says which call it was. Starting the queues anew.
 */
#include "driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The functions of libibverbs, which is not linked. */
#define IBV_FUNCTION(type, name, ...) type name(__VA_ARGS__)
#include "tests/unit/ibv_objects.h"

/* What was asked for. */
static struct ibv_qp_init_attr asked;
static struct ibv_cq_init_attr_ex asked_cq;

static struct ibv_cq_ex *create_cq_ex(struct ibv_context *context, struct ibv_cq_init_attr_ex *attr)
{
	(void)context;
	asked_cq = *attr;
	return make("cq_ex", sizeof(struct ibv_cq_ex), &ibv.cqs);
}

/* Only asked for the extended way: libibverbs makes of others an ibv_create_qp(). */
static struct ibv_qp *create_qp_ex(struct ibv_context *context, struct ibv_qp_init_attr_ex *init)
{
	struct ibv_qp_ex *qp = make("qp_ex", sizeof(*qp), &ibv.qps);

	assert_true(init->comp_mask & IBV_QP_INIT_ATTR_SEND_OPS_FLAGS);
	memcpy(&asked, init, sizeof(asked));
	init->cap.max_inline_data += 4;
	if (!qp)
		return NULL;
	qp->qp_base.context = context;
	return &qp->qp_base;
}

/* Of libmlx5 and others: the extended part of a queue pair is the queue pair. */
struct ibv_qp_ex *ibv_qp_to_qp_ex(struct ibv_qp *qp)
{
	return (struct ibv_qp_ex *)(void *)qp;
}

struct ibv_cq *ibv_create_cq(struct ibv_context *context, int cqe, void *cq_context,
			     struct ibv_comp_channel *channel, int vector)
{
	(void)context, (void)cqe, (void)cq_context, (void)channel, (void)vector;
	return make("cq", sizeof(struct ibv_cq_ex), &ibv.cqs);
}

struct ibv_qp *ibv_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *init)
{
	(void)pd;
	asked = *init;
	init->cap.max_inline_data += 4;
	return make("qp", sizeof(struct ibv_qp), &ibv.qps);
}

static int setup(void **state)
{
	(void)state;
	ibv_setup();
	ibv.vctx.create_cq_ex = create_cq_ex;
	ibv.vctx.create_qp_ex = create_qp_ex;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ibv_expect_none();
	return 0;
}

#define create_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static const struct bv_channel_attr attr = {
	.max_send = 5, .max_recv = 3, .max_send_sge = 2, .max_inline = 16
};
static struct ibv_pd pd;
static char why[256];
static bool known_driver;

static int create_as(const struct bv_channel_attr *as, struct bv_channel **ch)
{
	const struct bv_channel_params params = { .context = &ibv.vctx.context,
						  .pd = &pd,
						  .attr = as };

	why[0] = '\0';
	return bvi_verbs_channel_create(&params, ch, why, sizeof(why));
}

static int create(struct bv_channel **ch)
{
	return create_as(&attr, ch);
}

/* Where eight bytes inline, or one element, may be too much, posts have to look. The driver adds 4. */
static void narrow(void **state)
{
	static const struct {
		uint32_t sge, bytes;
		const struct bv_channel_ops *ready;
	} cases[] = {
		{ 1, 4, &bvi_verbs_ops_ready_wr },
		{ 1, 3, &bvi_verbs_ops_ready_wr_narrow },
		{ 0, 4, &bvi_verbs_ops_ready_wr_narrow },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bv_channel_attr as = attr;
		struct bv_channel *ch;

		as.max_send_sge = cases[i].sge;
		as.max_inline = cases[i].bytes;
		assert_int_equal(create_as(&as, &ch), 0);
		assert_ptr_equal(ch->core->ready, cases[i].ready);
		bvi_verbs_channel_destroy(ch);
		teardown(state);
	}
}

static struct ibv_qp *create_qp_known(struct ibv_context *context, struct ibv_qp_init_attr_ex *init)
{
	known_driver = true;
	return create_qp_ex(context, init);
}

/* Another provider knows the driver, and how it is kept from copying payloads. */
static void known_drivers(void **state)
{
	const struct bv_channel_params params = {
		.context = &ibv.vctx.context, .pd = &pd, .attr = &attr, .qp_create = create_qp_known
	};
	struct bv_channel *ch;

	(void)state;
	known_driver = false;
	assert_int_equal(bvi_verbs_channel_create(&params, &ch, why, sizeof(why)), 0);
	assert_true(known_driver);
	bvi_verbs_channel_destroy(ch);
}

static void kinds_of_drivers(void **state)
{
	static const struct {
		const char *without, *data_path;
		int tds, domains;
	} cases[] = {
		{ NULL, "ibv_wr_* and ibv_start_poll, thread domain", 1, 1 },
		{ "cq_ex", "ibv_post_send and ibv_poll_cq, thread domain", 1, 1 },
		{ "qp_ex", "ibv_post_send and ibv_poll_cq, thread domain", 1, 1 },
		{ "td", "ibv_post_send and ibv_poll_cq", 0, 0 },
		{ "domain", "ibv_post_send and ibv_poll_cq", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bv_channel *ch;
		bool ex = i == 0;

		ibv.failing = cases[i].without;
		ibv.failing_in = 1;
		ibv.error = EOPNOTSUPP;
		assert_int_equal(create(&ch), 0);
		assert_string_equal(ch->core->data_path, cases[i].data_path);
		assert_int_equal(ibv.tds, cases[i].tds);
		assert_int_equal(ibv.domains, cases[i].domains);
		assert_int_equal(ibv.cqs, 2);
		assert_int_equal(asked.cap.max_send_wr, 5);
		assert_int_equal(asked.cap.max_recv_sge, 1); /* asked for none */
		assert_int_equal(asked.cap.max_inline_data, 16);
		assert_int_equal(ch->core->max_inline, 20); /* granted */
		assert_ptr_equal(ch->core->ready,
				 ex ? &bvi_verbs_ops_ready_wr : &bvi_verbs_ops_ready);
		assert_ptr_equal(ch->core->prepared->post_recv, bvi_verbs_post_recv);
		assert_ptr_equal(ch->core->error->post_recv, bvi_refuse_recv);
		assert_ptr_equal(ch->core->error->poll_send,
				 ex ? bvi_verbs_poll_send_ex : bvi_verbs_poll_send);
		assert_int_equal(bvi_verbs_channel_unsignaled(ch), 0);
		bvi_verbs_channel_destroy(ch);
		teardown(state);
	}
	assert_int_equal(asked_cq.flags, IBV_CREATE_CQ_ATTR_SINGLE_THREADED);
}

static void each_step_fails(void **state)
{
	static const struct {
		const char *calls, *failing;
		int in, error;
		const char *why;
	} cases[] = {
		{ "classic", "cq", 1, ENOMEM, "ibv_create_cq (send): Cannot allocate memory" },
		{ "classic", "cq", 2, EINVAL, "ibv_create_cq (receive): Invalid argument" },
		{ "classic", "qp", 1, 0, "ibv_create_qp: Input/output error: ask for fewer" },
		{ "extended", "cq_ex", 1, EINVAL, "ibv_create_cq_ex (send): Invalid argument" },
		{ "extended", "cq_ex", 2, ENOSPC, "ibv_create_cq_ex (receive): No space left" },
		{ "extended", "qp_ex", 1, EINVAL, "ibv_create_qp_ex: Invalid argument: ask" },
	};
	struct bv_channel *ch = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setenv("BV_VERBS_CALLS", cases[i].calls, 1);
		ibv.failing = cases[i].failing;
		ibv.failing_in = cases[i].in;
		ibv.error = cases[i].error;
		assert_int_equal(create(&ch), cases[i].error ? -cases[i].error : -EIO);
		assert_non_null(strstr(why, cases[i].why));
		assert_null(ch);
		teardown(state);
	}
	unsetenv("BV_VERBS_CALLS");
}

/* What the environment asks for is what is done, or nothing. */
static void forced(void **state)
{
	struct bv_channel *ch = NULL;

	(void)state;
	setenv("BV_VERBS_CALLS", "classic", 1);
	assert_int_equal(create(&ch), 0);
	assert_string_equal(ch->core->data_path, "ibv_post_send and ibv_poll_cq, thread domain");
	bvi_verbs_channel_destroy(ch);
	setenv("BV_VERBS_CALLS", "extended", 1);
	ibv.vctx.alloc_td = NULL;
	assert_int_equal(create(&ch), 0);
	assert_string_equal(ch->core->data_path, "ibv_wr_* and ibv_start_poll");
	bvi_verbs_channel_destroy(ch);
	setenv("BV_VERBS_CALLS", "both", 1);
	assert_int_equal(create(&ch), -EINVAL);
	assert_non_null(strstr(why, "BV_VERBS_CALLS is 'both'"));
	unsetenv("BV_VERBS_CALLS");
}

static void without_memory(void **state)
{
	/* The channel, a ring of works and three of receives; the classic chain has three parts. */
	static const struct {
		const char *calls;
		int allocations;
	} cases[] = { { "extended", 5 }, { "classic", 8 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bv_channel *ch = NULL;
		int n = 1;

		setenv("BV_VERBS_CALLS", cases[i].calls, 1);
		for (;; n++) {
			ibv.memory_in = n;
			if (create(&ch) == 0)
				break;
			assert_string_equal(why, "no memory for a channel");
			assert_null(ch);
			teardown(state);
		}
		assert_int_equal(n, cases[i].allocations + 1);
		ibv.memory_in = 0;
		bvi_verbs_channel_destroy(ch);
	}
	unsetenv("BV_VERBS_CALLS");
}

static void provider(void **state)
{
	const struct bv_provider *verbs = &bvi_provider_verbs;
	struct ibv_device roce = { .transport_type = IBV_TRANSPORT_IB };
	struct ibv_device iwarp = { .transport_type = IBV_TRANSPORT_IWARP };
	struct ibv_context *context = NULL;

	(void)state;
	assert_int_equal(verbs->probe(&iwarp, &ibv.vctx.context, why, sizeof(why)), -EOPNOTSUPP);
	assert_non_null(strstr(why, "rdma_cm"));
	assert_int_equal(verbs->probe(&roce, &ibv.vctx.context, why, sizeof(why)), 10);
	assert_non_null(strstr(why, "generic"));
	ibv.failing = "open";
	ibv.error = EACCES;
	assert_int_equal(verbs->open(NULL, &context), -EACCES);
	ibv.failing = "open";
	ibv.error = 0;
	assert_int_equal(verbs->open(NULL, &context), -EIO);
	assert_null(context);
	assert_int_equal(verbs->open(NULL, &context), 0);
	assert_non_null(context);
	free(context);
	ibv.contexts--;
	assert_int_equal(verbs->set_udp_sport(NULL, 0xc000), -EOPNOTSUPP);
	assert_null(verbs->qp_create(&roce));
}

/* Whatever lies in the queues, and whatever waits, is gone. */
static void reset(void **state)
{
	(void)state;
	for (int ex = 0; ex < 2; ex++) {
		struct driver *d = driver_new(ex);
		struct bv_channel *ch = driver_channel(d);
		struct bv_wc wc;

		for (uint64_t i = 0; i < 3; i++) {
			assert_int_equal(bv_post_send(ch, NULL, 0, BV_UNSIGNALED), i);
			driver_complete(&d->send, (struct ibv_wc){ .wr_id = i });
			driver_complete(&d->recv, (struct ibv_wc){ .wr_id = i });
		}
		assert_int_equal(bv_post_send(ch, NULL, 0, BV_MORE), 3);
		/* As core does, which also sets the counters. */
		if (ex)
			assert_int_equal(bv_flush(ch), 0);
		bvi_verbs_channel_reset(ch);
		ch->sq_limit = ch->sq_posted + ch->max_send;
		assert_int_equal(d->send.head, d->send.tail);
		assert_int_equal(d->recv.head, d->recv.tail);
		assert_int_equal(bvi_verbs_channel_unsignaled(ch), 0);
		assert_int_equal(bv_poll_send(ch, &wc, 1), 0);
		assert_int_equal(bv_poll_recv(ch, &wc, 1), 0);
		assert_int_equal(bv_flush(ch), 0);
		assert_int_equal(d->posts, ex ? 4 : 3);
		bvi_verbs_channel_reset(ch); /* of empty queues */
		driver_free(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		create_test(known_drivers), create_test(kinds_of_drivers),
		create_test(narrow),        create_test(each_step_fails),
		create_test(forced),        create_test(without_memory),
		create_test(provider),      create_test(reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
