/* SPDX-License-Identifier: MIT */
/* The control channel: whole messages, deadlines, and the end of the other side. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <bareverbs/common.h>

#include "tools/bv/clock.h"
#include "tools/bv/exchange.h"

/* exchange.c uses nothing of clock.h but clock_ns(). */
struct clock_info clock_info;

static void messages_stay_whole(void **state)
{
	char sent[EXCHANGE_MAX], got[EXCHANGE_MAX];
	uint32_t type;
	int fd[2];

	(void)state;
	memset(sent, 'x', sizeof(sent));
	assert_int_equal(exchange_pair(fd), 0);
	assert_false(exchange_pending(fd[1]));
	assert_int_equal(exchange_send(fd[0], 7, sent, sizeof(sent)), 0);
	assert_int_equal(exchange_send(fd[0], 8, NULL, 0), 0);
	assert_int_equal(exchange_send(fd[0], 9, "abc", 3), 0);
	assert_true(exchange_pending(fd[1]));
	assert_int_equal(exchange_recv(fd[1], BV_SEC, &type, got, sizeof(got)), EXCHANGE_MAX);
	assert_int_equal(type, 7);
	assert_memory_equal(sent, got, sizeof(got));
	assert_int_equal(exchange_recv(fd[1], BV_SEC, &type, got, sizeof(got)), 0);
	assert_int_equal(type, 8);
	assert_int_equal(exchange_recv(fd[1], BV_SEC, &type, got, 2), -EMSGSIZE);
	assert_int_equal(exchange_send(fd[0], 7, sent, sizeof(sent) + 1), -EMSGSIZE);
	close(fd[0]);
	close(fd[1]);
}

static void silence_has_a_deadline(void **state)
{
	const int64_t begin = clock_ns();
	uint32_t type;
	char got[8];
	int fd[2];

	(void)state;
	assert_int_equal(exchange_pair(fd), 0);
	assert_int_equal(exchange_recv(fd[0], 20 * BV_MSEC, &type, got, sizeof(got)), -ETIMEDOUT);
	assert_int_equal(exchange_recv(fd[0], 0, &type, got, sizeof(got)), -ETIMEDOUT);
	assert_in_range(clock_ns() - begin, 20 * BV_MSEC, 5 * BV_SEC);
	close(fd[0]);
	close(fd[1]);
}

static void the_end_of_the_peer_shows(void **state)
{
	uint32_t type;
	char got[8];
	int fd[2];
	pid_t pid;

	(void)state;
	assert_int_equal(exchange_pair(fd), 0);
	pid = fork();
	if (pid == 0) {
		close(fd[0]);
		_exit(exchange_send(fd[1], 1, "bye", 3) == 0 ? 0 : 1);
	}
	close(fd[1]);
	waitpid(pid, NULL, 0);
	assert_int_equal(exchange_recv(fd[0], BV_SEC, &type, got, sizeof(got)), 3);
	assert_true(exchange_pending(fd[0]));
	assert_int_equal(exchange_recv(fd[0], BV_FOREVER, &type, got, sizeof(got)), -ECONNRESET);
	assert_int_equal(exchange_send(fd[0], 1, "hello", 5), -EPIPE);
	close(fd[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_stay_whole),
		cmocka_unit_test(silence_has_a_deadline),
		cmocka_unit_test(the_end_of_the_peer_shows),
	};

	return cmocka_run_group_tests_name("tools_bv_exchange", tests, NULL, NULL);
}
