/* SPDX-License-Identifier: MIT */
/*
 * Two ends of an exchange in one process: each a channel with a region, and a thread when both have to
 * block at once.
 */
#ifndef BV_TESTS_EXCHANGE_RIG_H
#define BV_TESTS_EXCHANGE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include <bareverbs/bareverbs.h>

#define RIG_MEMORY 4096
/* Far above what anything here takes, far below the time-out of the test. */
#define LONG (20 * BV_SEC)
#define SHORT (150 * BV_MSEC)
/* What a busy machine may add to a deadline. */
#define SLACK (5 * BV_SEC)

struct end {
	uint64_t memory[RIG_MEMORY / 8];
	struct bv_mr *mr;
	struct bv_channel *ch;

	/* of end_start() */
	pthread_t thread;
	int fd;              /* for bv_exchange_fd() if @address is NULL */
	const char *address; /* for bv_exchange_tcp(), or _cm() */
	bool cm;
	enum bv_exchange_role role;
	struct bv_exchange *data;
	int64_t timeout;
	int64_t delay; /* before it begins */
	int rc;
	char text[BV_ERRINFO_TEXT_MAX];
};

extern struct end a, b;

/* Of main(): the provider is argv[1]. The tests run if @look, unless it is NULL, returns 0. */
int rig_main(int argc, char **argv, int (*look)(void), const struct CMUnitTest *tests, size_t n);

/* cmocka's setup and teardown: both ends with fresh channels, PREPARED. */
int rig_setup(void **state);
int rig_teardown(void **state);
#define rig_test(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

void end_renew(struct end *end);
/* With a GID of the other IP version. */
void end_renew_other_gid(struct end *end);
/* The exchange runs in a thread; end_join() gives its result. */
void end_start(struct end *end);
int end_join(struct end *end);

/* Both ends exchange over a Unix socket pair; both succeed. */
void pair_sockets(int fd[2]);
/* "host:port" with a port that nobody listens on. */
void free_address(const char *host, int family, char text[64]);

/* Each end writes into the other's region at once, and the other one finds it there. */
void assert_connected(const struct bv_remote *of_a, const struct bv_remote *of_b);

/* The HELLO that @end says to tell @data, and a new checksum for one that was altered. */
#define HELLO_MAX 512
size_t hello_of(struct end *end, struct bv_exchange *data, uint8_t hello[HELLO_MAX]);
void hello_seal(uint8_t *frame, size_t size);
/* Where fields are in it (core/frame.h). */
#define AT_VERSION 5
#define AT_TYPE 7
#define AT_LENGTH 8
#define AT_ENDPOINT_VERSION 17
#define AT_NREGIONS 76
#define AT_BLOB_SIZE 80

/* Side a is PREPARED still, and an exchange with b succeeds. */
void assert_unharmed(void);

int64_t now_ns(void);

#define assert_text(part) assert_non_null(strstr(bv_last_error()->text, part))

#endif
