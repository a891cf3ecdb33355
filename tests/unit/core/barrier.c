/* SPDX-License-Identifier: MIT */
/*
 * Groups and barriers on channels of the fake provider: this rank is 1 of 4, the test writes what its
 * peers tell, and the clock moves when it is looked at.
 */
#include "fake.h"

#include <stdlib.h>

#include "core/group/group.h"

#define SIZE 4u
#define SELF 1u
#define EPROTO_TAG 0xffff

static struct bv_device *dev;
static struct bv_pd *pd;
static struct bv_group *group;

/* Its peers are connected, as far as the fake goes. */
static void make_group(uint32_t size)
{
	const struct bv_group_attr attr = { .rank = SELF, .size = size };
	const struct bv_endpoint ep = fake_peer();
	struct bv_channel_attr small = BV_CHANNEL_ATTR_DEFAULT;

	small.max_send = 4;
	assert_int_equal(bv_group_create(pd, &attr, &group), 0);
	for (uint32_t peer = 0; peer < size; peer++) {
		struct bvi_peer *p = &group->peers[peer];

		if (peer == SELF)
			continue;
		assert_int_equal(bv_channel_create(pd, &small, &p->own), 0);
		assert_int_equal(bv_channel_connect(p->own, &ep), 0);
		p->told = p->news = (struct bv_remote){ .addr = 8, .length = 8 };
	}
}

static int setup(void **state)
{
	fake_reset(state);
	fake.tick = 100 * BV_USEC;
	assert_int_equal(bv_open("mlx5_0", NULL, &dev), 0);
	assert_int_equal(bv_pd_alloc(dev, &pd), 0);
	make_group(SIZE);
	return 0;
}

static int teardown(void **state)
{
	fake.tick = 100 * BV_MSEC;
	bv_group_destroy(group);
	bv_pd_free(pd);
	bv_close(dev);
	return fake_check(state);
}

#define barrier_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void tell(uint32_t rank, uint32_t number, uint16_t tag)
{
	group->slots[rank].told = bvi_word_pack((struct bvi_word){ number, tag });
}

static void news(uint32_t rank, enum bvi_news kind, uint32_t number)
{
	group->slots[rank].news = bvi_word_pack((struct bvi_word){ number, bvi_news_info(kind) });
}

/* In the barrier @number that it shared with this rank. */
static void failed(uint32_t rank, uint32_t culprit, uint32_t number)
{
	const struct bvi_word word = { culprit, bvi_news_failed(-ETIMEDOUT, number) };

	group->slots[rank].news = bvi_word_pack(word);
}

/* All peers are ahead, and so agree with whatever comes. */
static void all_ahead(void)
{
	for (uint32_t rank = 0; rank < SIZE; rank++)
		if (rank != SELF)
			tell(rank, group->peers[rank].barriers + 2, 0);
}

/* None has entered the next barrier. */
static void all_behind(void)
{
	for (uint32_t rank = 0; rank < SIZE; rank++)
		if (rank != SELF)
			tell(rank, group->peers[rank].barriers, 0);
}

static int barrier_of(const uint32_t *ranks, uint32_t nranks, enum bv_barrier_algorithm algorithm)
{
	return bv_barrier(group,
			  &(struct bv_barrier_opts){
				  .ranks = ranks, .nranks = nranks, .algorithm = algorithm },
			  BV_SEC);
}

static uint64_t posted(uint32_t rank)
{
	return (uint64_t)(bv_last_posted(group->peers[rank].own) + 1);
}

static void expect_error(int code, uint32_t rank, uint32_t reporter, const char *text)
{
	struct bv_group_error error;

	assert_int_equal(bv_group_failed(group, &error), 1);
	assert_int_equal(error.code, code);
	assert_int_equal(error.rank, rank);
	assert_int_equal(error.reporter, reporter);
	if (!strstr(error.text, text))
		fail_msg("\"%s\" is not in: %s", text, error.text);
	assert_string_equal(bv_last_error()->text, error.text);
	assert_int_equal(bv_last_error()->code, code);
	/* The first cause stays, and is not masked by wrong arguments (B10). */
	assert_int_equal(bv_barrier(group, NULL, BV_SEC), -EIO);
	assert_text(text);
	assert_int_equal(barrier_of((uint32_t[]){ 9 }, 1, BV_BARRIER_TREE), -EIO);
	assert_text("failed before");
	assert_int_equal(bv_group_failed(group, NULL), 1);
}

static void refuse(const uint32_t *ranks, uint32_t nranks, enum bv_barrier_algorithm algorithm,
		   const char *text)
{
	assert_int_equal(barrier_of(ranks, nranks, algorithm), -EINVAL);
	assert_text(text);
	for (uint32_t rank = 0; rank < SIZE; rank++) {
		assert_int_equal(group->peers[rank].barriers, 0);
		if (group->peers[rank].own)
			assert_int_equal(posted(rank), 0);
	}
	assert_int_equal(bv_group_failed(group, NULL), 0);
}

/*
 * B10 of the seed: a rank out of range was a panic; a missing self poisoned with two algorithms, and
 * with those a stranger could pass a barrier of others.
 */
static void b10_wrong_arguments_change_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		const enum bv_barrier_algorithm a = (enum bv_barrier_algorithm)i;

		refuse((uint32_t[]){ 0, 1, 4 }, 3, a, "rank 4 is out of range; the group has 4");
		refuse((uint32_t[]){ UINT32_MAX, 1 }, 2, a, "out of range");
		refuse((uint32_t[]){ 2, 1, 0, 2 }, 4, a, "rank 2 is there twice");
		refuse((uint32_t[]){ 1, 1 }, 2, a, "rank 1 is there twice");
		refuse((uint32_t[]){ 0, 2, 3 }, 3, a, "this rank, 1, is not among the 3 ranks");
		refuse((uint32_t[]){ 0 }, 1, a, "is not among");
		refuse((uint32_t[]){ 1 }, 0, a, "no ranks");
		refuse(NULL, 2, a, "ranks is NULL");
	}
	refuse(NULL, 0, (enum bv_barrier_algorithm)3, "algorithm 3 is none");
	refuse(NULL, 0, (enum bv_barrier_algorithm) - 1, "is none");
	assert_int_equal(bv_barrier(NULL, NULL, 0), -EINVAL);
	bv_channel_destroy(group->peers[3].own);
	group->peers[3].own = NULL;
	refuse(NULL, 0, BV_BARRIER_LINEAR, "rank 3 is not connected");
	/* And the group serves on. */
	all_ahead();
	assert_int_equal(barrier_of((uint32_t[]){ 2, 0, 1 }, 3, BV_BARRIER_LINEAR), 0);
	assert_int_equal(posted(0), 1);
	assert_int_equal(posted(2), 0);
}

static void alone(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(barrier_of((uint32_t[]){ SELF }, 1, (enum bv_barrier_algorithm)i),
				 0);
	assert_int_equal(bv_barrier(group, &(struct bv_barrier_opts){ 0 }, 0), -ETIMEDOUT);
}

/* B10: a full queue was taken for a failure, and poisoned. */
static void b10_full_queue_is_waited_out(void **state)
{
	struct bv_channel *own = group->peers[0].own;

	(void)state;
	for (int i = 0; i < 4; i++) {
		all_ahead();
		assert_int_equal(barrier_of((uint32_t[]){ 0, 1 }, 2, BV_BARRIER_LINEAR), 0);
	}
	assert_int_equal(bvi_group_write(&group->peers[0], &group->peers[0].news,
					 (struct bvi_word){ 0 }, 0),
			 -EAGAIN);
	fake_complete_at_poll(own, 5);
	all_ahead();
	assert_int_equal(barrier_of((uint32_t[]){ 0, 1 }, 2, BV_BARRIER_LINEAR), 0);
	assert_int_equal(posted(0), 5);
	assert_int_equal(bv_group_failed(group, NULL), 0);
}

/* Rank 0 has entered, but takes nothing: it is the one that keeps us. */
static void full_queue_for_ever(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		all_ahead();
		assert_int_equal(barrier_of((uint32_t[]){ 0, 1 }, 2, BV_BARRIER_LINEAR), 0);
	}
	all_ahead();
	assert_int_equal(barrier_of((uint32_t[]){ 0, 1 }, 2, BV_BARRIER_LINEAR), -ETIMEDOUT);
	expect_error(-ETIMEDOUT, 0, SELF, "all have entered it, but rank 0 is slow");
}

/* Those that said "here", or told a step, are not missing, whoever it was that we waited for. */
static void time_out_names_who_is_missing(void **state)
{
	(void)state;
	news(0, BVI_NEWS_HERE, 1);
	tell(2, 1, 0);
	assert_int_equal(bv_barrier(group, NULL, BV_SEC), -ETIMEDOUT);
	expect_error(-ETIMEDOUT, 3, SELF, "not entered by rank 3\n");
	/* A step, and "here" more than once, until nothing goes any more. */
	assert_int_equal(posted(2), 4);
	assert_int_equal(posted(3), 4);
}

/* Nothing was told but the step and the end. */
static void time_out_names_all(void **state)
{
	(void)state;
	assert_int_equal(bv_barrier(group, NULL, 0), -ETIMEDOUT);
	expect_error(-ETIMEDOUT, 0, SELF, "not entered by rank 0, 2, 3\n");
	assert_text("barrier 1 of rank 1 (dissemination, 4 of 4 ranks)");
	assert_int_equal(posted(2), 2);
}

static void time_out_names_whom_it_waits_for_first(void **state)
{
	(void)state;
	news(2, BVI_NEWS_HERE, 0);
	news(0, BVI_NEWS_LEFT, 1);
	assert_int_equal(barrier_of((uint32_t[]){ 3, 2, 1, 0 }, 4, BV_BARRIER_TREE), -ETIMEDOUT);
	expect_error(-ETIMEDOUT, 3, SELF, "not entered by rank 2, 3\n");
}

static void time_out_names_a_few_of_many(void **state)
{
	(void)state;
	fake.tick = 100 * BV_MSEC;
	bv_group_destroy(group);
	make_group(12);
	assert_int_equal(bv_barrier(group, NULL, BV_SEC), -ETIMEDOUT);
	expect_error(-ETIMEDOUT, 0, SELF, "by rank 0, 2, 3, 4, 5, 6, 7, 8 and 3 more\n");
}

static void peer_says_who_is_missing(void **state)
{
	(void)state;
	failed(2, 3, 1);
	assert_int_equal(barrier_of((uint32_t[]){ 0, 1, 2 }, 3, BV_BARRIER_LINEAR), -EIO);
	expect_error(-EIO, 3, 2, "rank 3 is missing, found rank 2: ");
}

static void peer_gave_us_up(void **state)
{
	(void)state;
	failed(3, SELF, 1);
	assert_int_equal(bv_barrier(group, NULL, BV_SEC), -EIO);
	expect_error(-EIO, 3, 3, "rank 3 has given up waiting for this one: ");
}

static void failed_peers_of_others_do_not_matter(void **state)
{
	(void)state;
	failed(3, 2, 1);
	all_ahead();
	assert_int_equal(barrier_of((uint32_t[]){ 0, 1 }, 2, BV_BARRIER_TREE), 0);
}

/* It failed in a later barrier, so all have come to this one, and it is not this one that fails. */
static void failed_peers_passed_this_one(void **state)
{
	(void)state;
	failed(2, 0, 2);
	tell(0, 1, 0);
	fake_complete_send(group->peers[2].own, 0, BV_STATUS_RETRY_EXCEEDED_ERROR);
	assert_int_equal(barrier_of((uint32_t[]){ 1, 2 }, 2, BV_BARRIER_LINEAR), -ETIMEDOUT);
	expect_error(-ETIMEDOUT, 2, SELF, "all have entered it, but rank 2 is slow");
}

/* The last that a failure is told to is rank 3. */
static void expect_told(uint32_t culprit, uint32_t not_passed)
{
	struct bvi_word word;

	assert_true(bvi_word_load(&fake.post.payload, &word));
	assert_int_equal(word.number, culprit);
	assert_int_equal(word.info, bvi_news_failed(-ETIMEDOUT, not_passed));
}

static void members_are_told_which_barrier_failed(void **state)
{
	(void)state;
	all_ahead();
	assert_int_equal(bv_barrier(group, NULL, BV_SEC), 0);
	all_behind();
	assert_int_equal(barrier_of((uint32_t[]){ 1, 3 }, 2, BV_BARRIER_LINEAR), -ETIMEDOUT);
	expect_told(3, 2);
}

/* They have passed all that they share with this rank. */
static void others_are_told_that_theirs_did_not(void **state)
{
	(void)state;
	all_ahead();
	assert_int_equal(bv_barrier(group, NULL, BV_SEC), 0);
	all_behind();
	assert_int_equal(barrier_of((uint32_t[]){ 0, 1 }, 2, BV_BARRIER_LINEAR), -ETIMEDOUT);
	expect_told(0, 2);
}

/* The low bits of a number are enough, and go round. */
static void numbers_of_failures_go_round(void **state)
{
	static const uint32_t numbers[] = { 0, 1, 14, 15, 16, UINT32_MAX - 1, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		const uint16_t info = bvi_news_failed(-EIO, numbers[i]);

		assert_int_equal(bvi_news_code(info), -EIO);
		assert_false(bvi_news_is_later(info, numbers[i]));
		assert_true(bvi_news_is_later(info, numbers[i] - 1));
		assert_false(bvi_news_is_later(info, numbers[i] + 1));
	}
}

static void peer_left(void **state)
{
	(void)state;
	news(3, BVI_NEWS_LEFT, 0);
	assert_int_equal(bv_barrier(group, NULL, BV_SEC), -EIO);
	expect_error(-EIO, 3, SELF, "rank 3 has left the group");
}

/* It passed this barrier and left: that its channel ends is in order, and others still may come. */
static void peer_passed_and_left(void **state)
{
	(void)state;
	news(3, BVI_NEWS_LEFT, 1);
	fake_complete_send(group->peers[3].own, 0, BV_STATUS_RETRY_EXCEEDED_ERROR);
	assert_int_equal(barrier_of((uint32_t[]){ 1, 2, 3 }, 3, BV_BARRIER_LINEAR), -ETIMEDOUT);
	expect_error(-ETIMEDOUT, 2, SELF, "not entered by rank 2\n");
}

static void peer_died(void **state)
{
	(void)state;
	fake_complete_send(group->peers[2].own, 0, BV_STATUS_RETRY_EXCEEDED_ERROR);
	assert_int_equal(bv_barrier(group, NULL, BV_SEC), -EIO);
	expect_error(-EIO, 2, SELF, "rank 2 does not answer: ");
	assert_text("retry exceeded error");
	/* The others hear of it. */
	assert_true(posted(0) > 0 && posted(3) > 0);
}

/* Noticed by the post: it had died before. */
static void peer_was_dead(void **state)
{
	struct bv_wc wc;

	(void)state;
	fake_complete_send(group->peers[2].own, 0, BV_STATUS_RETRY_EXCEEDED_ERROR);
	assert_int_equal(bv_poll_send(group->peers[2].own, &wc, 1), 1);
	assert_int_equal(barrier_of((uint32_t[]){ 1, 2 }, 2, BV_BARRIER_DISSEMINATION), -EIO);
	expect_error(-EIO, 2, SELF, "rank 2 does not answer: ");
}

static void broken_queue(void **state)
{
	(void)state;
	fake_break(group->peers[0].own);
	assert_int_equal(bv_barrier(group, NULL, BV_FOREVER), -EIO);
	expect_error(-EIO, 0, SELF, "rank 0 does not answer");
}

static void other_barrier(void **state)
{
	(void)state;
	tell(0, 1, EPROTO_TAG);
	assert_int_equal(bv_barrier(group, NULL, BV_SEC), -EPROTO);
	expect_error(-EPROTO, 0, SELF, "rank 0 is in a barrier of other members");
}

/* A device that writes a word in pieces: what is half there is not there. */
static void half_a_word_is_waited_out(void **state)
{
	(void)state;
	tell(0, 1, 0);
	group->slots[0].told ^= htole64(0xff);
	group->slots[0].news = htole64(UINT64_C(0x100000000));
	assert_int_equal(barrier_of((uint32_t[]){ 0, 1 }, 2, BV_BARRIER_LINEAR), -ETIMEDOUT);
	expect_error(-ETIMEDOUT, 0, SELF, "not entered by rank 0\n");
}

static void numbers_go_round(void **state)
{
	(void)state;
	for (uint32_t rank = 0; rank < SIZE; rank++)
		group->peers[rank].barriers = UINT32_MAX - 1;
	for (int i = 0; i < 3; i++) {
		all_ahead();
		assert_int_equal(barrier_of((uint32_t[]){ 0, 1 }, 2, BV_BARRIER_LINEAR), 0);
	}
	tell(0, UINT32_MAX, 0);
	assert_int_equal(barrier_of((uint32_t[]){ 0, 1 }, 2, BV_BARRIER_LINEAR), -ETIMEDOUT);
}

static void refused_groups(void **state)
{
	struct bv_group *other = NULL;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		static const struct bv_group_attr bad[] = {
			{ .rank = 0, .size = 0 },
			{ .rank = 3, .size = 3 },
			{ .rank = UINT32_MAX, .size = 2 },
			{ .rank = 0, .size = BV_GROUP_SIZE_MAX + 1 },
		};

		assert_int_equal(bv_group_create(pd, &bad[i], &other), -EINVAL);
		assert_text(i == 0 || i == 3 ? "size is" : "rank is");
	}
	assert_int_equal(bv_group_create(pd, NULL, &other), -EINVAL);
	assert_int_equal(bv_group_create(NULL, &(struct bv_group_attr){ .size = 1 }, &other),
			 -EINVAL);
	assert_int_equal(bv_group_create(pd, &(struct bv_group_attr){ .size = 1 }, NULL), -EINVAL);
	for (fake.calloc_in = 1; fake.calloc_in < 4; fake.calloc_in++) {
		const int at = fake.calloc_in;

		assert_int_equal(bv_group_create(pd, &(struct bv_group_attr){ .size = 2 }, &other),
				 -ENOMEM);
		fake.calloc_in = at;
	}
	fake.calloc_in = 0;
	fake.reg_mr_errno = ENOMEM;
	assert_int_equal(bv_group_create(pd, &(struct bv_group_attr){ .size = 2 }, &other),
			 -ENOMEM);
	assert_null(other);
	fake.reg_mr_errno = 0;
	bv_group_destroy(NULL);
}

static void accessors(void **state)
{
	(void)state;
	assert_int_equal(bv_group_rank(group), SELF);
	assert_int_equal(bv_group_size(group), SIZE);
	assert_null(bv_group_channel(group, 0));
	assert_null(bv_group_channel(group, SELF));
	assert_null(bv_group_channel(group, UINT32_MAX));
	assert_int_equal(bv_group_failed(group, NULL), 0);
}

static void refused_connections(void **state)
{
	(void)state;
	assert_int_equal(bv_group_connect_fd(group, SELF, 0, 0), -EINVAL);
	assert_text("rank 1 is not a peer of rank 1 of 4");
	assert_int_equal(bv_group_connect_fd(group, SIZE, 0, 0), -EINVAL);
	assert_int_equal(bv_group_connect_fd(group, 0, 0, 0), -EINVAL);
	assert_text("rank 0 is connected already");
	assert_int_equal(bv_group_connect_fd(NULL, 0, 0, 0), -EINVAL);
	assert_int_equal(bv_group_connect_tcp(group, 0, NULL, BV_EXCHANGE_LISTEN, 0), -EINVAL);
	assert_text("address is NULL");
}

/* Nobody is there to say goodbye to; that is no error to tell of. */
static void leaving_the_dead_is_quiet(void **state)
{
	struct bv_wc wc;

	for (uint32_t rank = 0; rank < SIZE; rank++) {
		if (rank == SELF)
			continue;
		fake_complete_send(group->peers[rank].own, 0, BV_STATUS_RETRY_EXCEEDED_ERROR);
		assert_int_equal(bv_poll_send(group->peers[rank].own, &wc, 1), 1);
	}
	assert_int_equal(bv_barrier(NULL, NULL, 0), -EINVAL);
	assert_text("group is NULL");
	teardown(NULL);
	assert_text("group is NULL");
	setup(state);
}

/* B12 of the seed: memory that peers write into was freed before its region, and its queue pairs. */
static void b12_queue_pairs_then_region_then_memory(void **state)
{
	(void)state;
	memset(fake.order, 0, sizeof(fake.order));
	teardown(NULL);
	assert_string_equal(fake.order, "QQQMPD");
	setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		barrier_test(b10_wrong_arguments_change_nothing),
		barrier_test(alone),
		barrier_test(b10_full_queue_is_waited_out),
		barrier_test(full_queue_for_ever),
		barrier_test(time_out_names_who_is_missing),
		barrier_test(time_out_names_all),
		barrier_test(time_out_names_whom_it_waits_for_first),
		barrier_test(time_out_names_a_few_of_many),
		barrier_test(peer_says_who_is_missing),
		barrier_test(peer_gave_us_up),
		barrier_test(failed_peers_of_others_do_not_matter),
		barrier_test(failed_peers_passed_this_one),
		barrier_test(members_are_told_which_barrier_failed),
		barrier_test(others_are_told_that_theirs_did_not),
		barrier_test(numbers_of_failures_go_round),
		barrier_test(peer_left),
		barrier_test(peer_passed_and_left),
		barrier_test(peer_died),
		barrier_test(peer_was_dead),
		barrier_test(broken_queue),
		barrier_test(other_barrier),
		barrier_test(half_a_word_is_waited_out),
		barrier_test(numbers_go_round),
		barrier_test(refused_groups),
		barrier_test(accessors),
		barrier_test(refused_connections),
		barrier_test(leaving_the_dead_is_quiet),
		barrier_test(b12_queue_pairs_then_region_then_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
