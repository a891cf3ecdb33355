/* SPDX-License-Identifier: MIT */
/*
 * What runs the tests of the suite: assertions, and results in the Test Anything Protocol on standard
 * output. The suite is also what `bv selftest` runs on machines of users, who have no test library; the
 * assertions have cmocka's names, which the rest of the tests use.
 *
 * A test ends at its first failed assertion, by longjmp(): assertions belong to the thread that runs
 * the tests. Lines of a test stand between "# begin" and its "ok" or "not ok".
 */
#ifndef TESTS_CONFORM_HARNESS_H
#define TESTS_CONFORM_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A test and the guarantee that it proves: IDs of the semantics first, then a sentence. */
struct test {
	const char *name;
	const char *guarantee;
	void (*run)(void **state);
	int (*setup)(void **state);    /* may be NULL; not 0 is a failure */
	int (*teardown)(void **state); /* the same; called whatever the test came to */
	void *state;                   /* what @state points to at first */
};

struct group {
	const char *name;
	const struct test *tests;
	size_t n;
	bool two_ends; /* not in a loopback */
	bool process;  /* across processes only */
};

/* What the tests of a group live in. */
struct world {
	int (*start)(void);
	int (*stop)(void);
	bool (*alive)(void);                             /* asked after a failure */
	const char *(*lacks)(const struct group *group); /* NULL: it can be run here */
	void (*cannot)(char *text, size_t size);         /* why start() failed */
};

struct harness {
	const struct group *const *groups;
	size_t ngroups;
	const struct world *world;
	/* With * and ?: a group, a test, group.test, or an ID; NULL: all. */
	const char *match;
	unsigned from; /* the first test to run, by its number: 1.. */
};

/* One line for each test that matches: group.test, a tab, the guarantee. */
void harness_list(const struct harness *harness);
/* Exit status: 0 all passed or skipped, 1 not. */
int harness_run(const struct harness *harness);

/* Both end the test. */
_Noreturn __attribute__((format(printf, 3, 4))) void harness_fail(const char *file, int line,
								  const char *format, ...);
_Noreturn __attribute__((format(printf, 1, 2))) void skip_because(const char *format, ...);
/* A line of the test beside its result. */
__attribute__((format(printf, 1, 2))) void print_message(const char *format, ...);

void harness_equal(intmax_t a, intmax_t b, bool equal, const char *what, const char *file,
		   int line);
void harness_range(uintmax_t value, uintmax_t least, uintmax_t most, const char *what,
		   const char *file, int line);
void harness_same_text(const char *a, const char *b, bool same, const char *what, const char *file,
		       int line);

#define fail_msg(...) harness_fail(__FILE__, __LINE__, __VA_ARGS__)
#define fail() fail_msg("reached what must not be reached")

#define assert_true(condition)                           \
	do {                                             \
		if (!(condition))                        \
			fail_msg("not: %s", #condition); \
	} while (0)
#define assert_false(condition) assert_true(!(condition))
#define assert_non_null(pointer) assert_true((pointer) != NULL)
#define assert_null(pointer) assert_true((pointer) == NULL)
#define assert_ptr_equal(a, b) assert_true((a) == (b))
#define assert_ptr_not_equal(a, b) assert_true((a) != (b))
#define assert_memory_equal(a, b, size) assert_true(memcmp(a, b, size) == 0)

#define assert_int_equal(a, b) \
	harness_equal((intmax_t)(a), (intmax_t)(b), true, #a " == " #b, __FILE__, __LINE__)
#define assert_int_not_equal(a, b) \
	harness_equal((intmax_t)(a), (intmax_t)(b), false, #a " != " #b, __FILE__, __LINE__)
#define assert_in_range(value, least, most)                                      \
	harness_range((uintmax_t)(value), (uintmax_t)(least), (uintmax_t)(most), \
		      #value " from " #least " to " #most, __FILE__, __LINE__)
#define assert_string_equal(a, b) harness_same_text(a, b, true, #a " == " #b, __FILE__, __LINE__)
#define assert_string_not_equal(a, b) \
	harness_same_text(a, b, false, #a " != " #b, __FILE__, __LINE__)

#endif
