/* SPDX-License-Identifier: MIT */
/* Which XRC domains the processes of a run have open: who may open one, and how it ends. */
#include "rig.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/mlx5emu/fabric/domain.h"

static const struct emu_domain_key key = { .dev = 0xfd00, .ino = UINT64_MAX, .device = 15 };

static char run_id[40];
static struct emu_fabric *first, *second; /* two processes, as far as names go */

static int setup(void **state)
{
	(void)state;
	snprintf(run_id, sizeof(run_id), "unit-domain-%d", (int)getpid());
	assert_int_equal(emu_fabric_open(run_id, &first), 0);
	assert_int_equal(emu_fabric_open(run_id, &second), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	emu_fabric_close(first);
	emu_fabric_close(second);
	return 0;
}

static int open_by(const struct emu_fabric *fabric, const struct emu_domain_key *k, bool create,
		   bool exclusive)
{
	int fd = -1, rc = emu_domain_claim(fabric, k, create, exclusive, &fd);

	assert_int_equal(fd >= 0, rc == 0);
	return rc < 0 ? rc : fd;
}

static void somebody_has_it_or_nobody(void **state)
{
	int one, two;

	(void)state;
	assert_int_equal(open_by(first, &key, false, false), -EAGAIN);
	one = open_by(first, &key, true, true);
	assert_true(one >= 0);
	assert_int_equal(open_by(second, &key, true, true), -EINVAL);
	assert_int_equal(open_by(second, &key, false, true), -EINVAL);
	two = open_by(second, &key, false, false);
	assert_true(two >= 0);
	close(one);
	one = open_by(first, &key, false, false);
	assert_true(one >= 0);
	close(one);
	close(two);
	assert_int_equal(open_by(second, &key, false, false), -EAGAIN);
}

static void another_key_is_another_domain(void **state)
{
	const int fd = open_by(first, &key, true, false);
	struct emu_domain_key k = key;

	(void)state;
	assert_true(fd >= 0);
	k.dev++;
	assert_int_equal(open_by(second, &k, false, false), -EAGAIN);
	k = key;
	k.ino--;
	assert_int_equal(open_by(second, &k, false, false), -EAGAIN);
	k = key;
	k.device = 1;
	assert_int_equal(open_by(second, &k, false, false), -EAGAIN);
	close(fd);
}

static void another_run_is_another_host(void **state)
{
	const int fd = open_by(first, &key, true, false);
	struct emu_fabric *other, *private;

	(void)state;
	strcat(run_id, "x");
	assert_int_equal(emu_fabric_open(run_id, &other), 0);
	assert_int_equal(open_by(other, &key, false, false), -EAGAIN);
	emu_fabric_close(other);
	assert_int_equal(emu_fabric_open(NULL, &private), 0);
	assert_int_equal(open_by(private, &key, false, false), -EAGAIN);
	emu_fabric_close(private);
	close(fd);
}

/* Whoever is killed has nothing open any more. */
static void killed_process_lets_go(void **state)
{
	int ends[2];
	pid_t child;
	char ready;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		ready = open_by(first, &key, true, true) >= 0;
		if (write(ends[1], &ready, 1) == 1)
			pause();
		_exit(1);
	}
	assert_true(child > 0);
	assert_int_equal(read(ends[0], &ready, 1), 1);
	assert_true(ready);
	assert_int_equal(open_by(second, &key, true, true), -EINVAL);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(open_by(second, &key, false, false), -EAGAIN);
	close(ends[0]);
	close(ends[1]);
}

/* Many at once, each of whom wants to be the only one: one is. */
static void race_has_one_winner(void **state)
{
	enum { RACERS = 8 };
	int start[2], held[2], winners = 0, status;
	char byte = 0;

	(void)state;
	assert_int_equal(pipe(start), 0);
	assert_int_equal(pipe(held), 0);
	for (unsigned i = 0; i < RACERS; i++) {
		if (fork() == 0) {
			struct emu_fabric *own;
			int rc;

			close(held[1]);
			if (emu_fabric_open(run_id, &own) < 0 || read(start[0], &byte, 1) != 1)
				_exit(2);
			while ((rc = open_by(own, &key, true, true)) == -EBUSY)
				sched_yield();
			if (rc < 0)
				_exit(1);
			_exit(read(held[0], &byte, 1) != 0); /* holds it until all are done */
		}
	}
	close(held[0]);
	for (unsigned i = 0; i < RACERS; i++)
		assert_int_equal(write(start[1], &byte, 1), 1);
	for (unsigned i = 0; i < RACERS; i++) {
		if (i == RACERS - 1)
			close(held[1]);
		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
		winners += WEXITSTATUS(status) == 0;
	}
	assert_int_equal(winners, 1);
	close(start[0]);
	close(start[1]);
}

/* The run's lock, as a process has it that is stopped in the middle of an open. */
static int stop_in_the_middle(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const int len =
		snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "mlx5emu.%s.xrcd", run_id);

	assert_int_equal(
		bind(fd, (struct sockaddr *)&name,
		     (socklen_t)offsetof(struct sockaddr_un, sun_path) + 1 + (socklen_t)len),
		0);
	return fd;
}

static atomic_bool opened;

static void *open_in_engine(void *rc)
{
	const struct emu_xrcd_open how = { .fd = 0, .dev = 1, .ino = 2, .create = true };
	uint32_t domain;

	*(int *)rc = emu_xrcd_open(rig.dev, &how, &domain);
	opened = true;
	return NULL;
}

/* Who opens a domain waits for the process that is stopped; the device does not. */
static void stopped_process_stops_no_device(void **state)
{
	const struct timespec ms = { 0, 1000000 };
	pthread_t opener;
	int held, rc = -1;

	(void)state;
	rig_setup_run(&(struct emu_run_config){ .manual = true, .run_id = run_id });
	held = stop_in_the_middle();
	assert_int_equal(open_by(first, &key, true, false), -EBUSY);
	opened = false;
	assert_int_equal(pthread_create(&opener, NULL, open_in_engine, &rc), 0);
	for (unsigned i = 0; i < 50; i++) {
		mlx5emu_step();
		assert_false(opened);
		nanosleep(&ms, NULL);
	}
	close(held);
	assert_int_equal(pthread_join(opener, NULL), 0);
	assert_int_equal(rc, 0);
	rig_teardown(NULL);
}

static void slots_are_held_or_not(void **state)
{
	struct emu_fabric *private;

	(void)state;
	assert_true(emu_fabric_held(first, 1));
	assert_true(emu_fabric_held(first, 2));
	assert_false(emu_fabric_held(first, 3));
	assert_int_equal(emu_fabric_open(NULL, &private), 0);
	assert_true(emu_fabric_held(private, 1));
	assert_false(emu_fabric_held(private, 2));
	emu_fabric_close(private);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(somebody_has_it_or_nobody),   TEST(another_key_is_another_domain),
		TEST(another_run_is_another_host), TEST(killed_process_lets_go),
		TEST(race_has_one_winner),         TEST(stopped_process_stops_no_device),
		TEST(slots_are_held_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
