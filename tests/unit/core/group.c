/* SPDX-License-Identifier: MIT */
/*
 * Barriers without a device: who tells whom, held against a model, and the words that they are told in.
 */
#include "fake.h"

#include <pthread.h>
#include <sched.h>

#include "core/group/group.h"
#include "core/group/schedule.h"

#define MOST 17u

static const enum bv_barrier_algorithm algorithms[] = {
	BV_BARRIER_DISSEMINATION,
	BV_BARRIER_TREE,
	BV_BARRIER_LINEAR,
};

/* Members step as they can, in an order that is drawn; one of them may enter only when all else stands. */
struct model {
	uint32_t n;
	uint32_t at[MOST];            /* number of the next step */
	bool told[MOST][MOST];        /* [from][to] */
	uint64_t knows[MOST];         /* members that it can know to have entered, a bit each */
	uint64_t carried[MOST][MOST]; /* what the one that told knew */
	uint32_t writes;
};

static bool step_one(struct model *m, enum bv_barrier_algorithm algorithm, uint32_t place)
{
	struct bvi_barrier_step step;

	if (!bvi_barrier_step(algorithm, m->n, place, m->at[place], &step)) {
		/* It leaves: it must know of all. */
		assert_int_equal(m->knows[place], (UINT64_C(1) << m->n) - 1);
		return false;
	}
	assert_true(step.place < m->n && step.place != place);
	if (!step.tells && !m->told[step.place][place])
		return false;
	if (step.tells) {
		assert_false(m->told[place][step.place]); /* once a barrier */
		m->told[place][step.place] = true;
		m->carried[place][step.place] = m->knows[place];
		m->writes++;
	} else {
		m->knows[place] |= m->carried[step.place][place];
	}
	m->at[place]++;
	return true;
}

static void run_until_still(struct model *m, enum bv_barrier_algorithm algorithm, uint32_t absent,
			    uint32_t *random)
{
	uint32_t idle = 0;

	while (idle < 200 * m->n) {
		*random = *random * 1664525 + 1013904223;
		const uint32_t place = (*random >> 16) % m->n;

		idle = place != absent && step_one(m, algorithm, place) ? 0 : idle + 1;
	}
}

static bool is_over(const struct model *m, enum bv_barrier_algorithm algorithm, uint32_t place)
{
	struct bvi_barrier_step step;

	return !bvi_barrier_step(algorithm, m->n, place, m->at[place], &step);
}

static uint32_t log2_up(uint32_t n)
{
	uint32_t rounds = 0;

	while (UINT32_C(1) << rounds < n)
		rounds++;
	return rounds;
}

/* BA-5, BA-6, BA-7: the writes of each algorithm; nobody leaves before the last one has entered. */
static void schedules(void **state)
{
	uint32_t random = 1;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const enum bv_barrier_algorithm algorithm = algorithms[i];

		for (uint32_t n = 1; n <= MOST; n++) {
			for (uint32_t absent = 0; absent < n; absent++) {
				struct model m = { .n = n };

				for (uint32_t place = 0; place < n; place++)
					m.knows[place] = UINT64_C(1) << place;
				run_until_still(&m, algorithm, absent, &random);
				for (uint32_t place = 0; n > 1 && place < n; place++)
					assert_false(is_over(&m, algorithm, place));
				run_until_still(&m, algorithm, MOST, &random);
				for (uint32_t place = 0; place < n; place++)
					assert_true(is_over(&m, algorithm, place));
				assert_int_equal(m.writes, algorithm == BV_BARRIER_DISSEMINATION ?
								   n * log2_up(n) :
								   2 * (n - 1));
			}
		}
	}
}

/* Depths of the tree and rounds of dissemination also where 32 bits end. */
static void large_schedules(void **state)
{
	const uint32_t n = BV_GROUP_SIZE_MAX;
	struct bvi_barrier_step step;
	uint32_t number = 0;

	(void)state;
	while (bvi_barrier_step(BV_BARRIER_DISSEMINATION, n, n - 1, number, &step))
		number++;
	assert_int_equal(number, 2 * 12);
	assert_false(bvi_barrier_step(BV_BARRIER_DISSEMINATION, n, 0, UINT32_MAX, &step));
	assert_true(bvi_barrier_step(BV_BARRIER_TREE, n, n - 1, 0, &step));
	assert_true(step.tells);
	assert_int_equal(step.place, (n - 2) / 2);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(bvi_barrier_algorithm_name(BV_BARRIER_TREE), "tree");
	assert_string_equal(bvi_barrier_algorithm_name(BV_BARRIER_LINEAR), "linear");
	assert_string_equal(bvi_barrier_algorithm_name(BV_BARRIER_DISSEMINATION), "dissemination");
	assert_null(bvi_barrier_algorithm_name((enum bv_barrier_algorithm)3));
}

/* B11 of the seed: a word is at a multiple of its size, so that one load takes all of it. */
static void b11_words_are_aligned(void **state)
{
	(void)state;
	assert_int_equal(offsetof(struct bvi_slot, told) % sizeof(uint64_t), 0);
	assert_int_equal(offsetof(struct bvi_slot, news) % sizeof(uint64_t), 0);
	assert_int_equal(_Alignof(struct bvi_slot), BVI_SLOT_SIZE);
	assert_true(__atomic_always_lock_free(sizeof(uint64_t), NULL));
}

/* B11: and should a device write it in pieces, then what is in between is no word. */
static void b11_half_a_word_is_none(void **state)
{
	static const uint32_t numbers[] = { 0,          1,         2,      0x7f,    0xfe,
					    0xff,       0xfffe,    0xffff, 0x10000, 0xfffffe,
					    0xffffff,   0x1000000, 7,      1000000, 9999999,
					    0x7fffffff, UINT32_MAX };
	uint64_t nothing = 0;
	struct bvi_word word;

	(void)state;
	assert_false(bvi_word_load(&nothing, &word));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		const struct bvi_word before = { numbers[i], 0x1234 };
		const struct bvi_word after = { numbers[i] + 1, 0xabcd };
		const uint64_t old = bvi_word_pack(before), new = bvi_word_pack(after);

		for (unsigned pieces = 0; pieces < 256; pieces++) {
			uint64_t mask = 0, mixture;

			for (unsigned byte = 0; byte < 8; byte++)
				if (pieces >> byte & 1)
					mask |= UINT64_C(0xff) << 8 * byte;
			mixture = (old & ~mask) | (new &mask);
			if (!bvi_word_load(&mixture, &word))
				continue;
			assert_true(mixture == old || mixture == new);
			assert_int_equal(word.number,
					 mixture == old ? before.number : after.number);
			assert_int_equal(word.info, mixture == old ? before.info : after.info);
		}
	}
}

static struct {
	uint64_t word;
	uint64_t data[8];
} shared;

static void *publish(void *argument)
{
	(void)argument;
	for (uint32_t number = 1; number <= 1000; number++) {
		struct bvi_word seen;

		for (size_t i = 0; i < 8; i++)
			shared.data[i] = number;
		__atomic_store_n(&shared.word, bvi_word_pack((struct bvi_word){ number, 0 }),
				 __ATOMIC_RELEASE);
		/* Until the reader has taken it: it answers with info 1. */
		while (!bvi_word_load(&shared.word, &seen) || seen.info != 1)
			sched_yield();
	}
	return NULL;
}

/* B11: what was written before a word is there after it was read; without acquire TSan calls it a race. */
static void b11_a_word_is_read_with_acquire(void **state)
{
	struct bvi_word word;
	pthread_t writer;

	(void)state;
	assert_int_equal(pthread_create(&writer, NULL, publish, NULL), 0);
	for (uint32_t number = 1; number <= 1000; number++) {
		while (!bvi_word_load(&shared.word, &word) || word.number != number || word.info)
			sched_yield();
		for (size_t i = 0; i < 8; i++)
			assert_int_equal(shared.data[i], number);
		__atomic_store_n(&shared.word, bvi_word_pack((struct bvi_word){ number, 1 }),
				 __ATOMIC_RELEASE);
	}
	assert_int_equal(pthread_join(writer, NULL), 0);
}

static void numbers_wrap(void **state)
{
	(void)state;
	assert_true(bvi_word_reached(5, 5));
	assert_true(bvi_word_reached(6, 5));
	assert_false(bvi_word_reached(4, 5));
	assert_true(bvi_word_reached(3, UINT32_MAX));
	assert_false(bvi_word_reached(UINT32_MAX, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schedules),
		cmocka_unit_test(large_schedules),
		cmocka_unit_test(names),
		cmocka_unit_test(b11_words_are_aligned),
		cmocka_unit_test(b11_half_a_word_is_none),
		cmocka_unit_test(b11_a_word_is_read_with_acquire),
		cmocka_unit_test(numbers_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
