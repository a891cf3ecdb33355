/* SPDX-License-Identifier: MIT */
/*
 * Exchanges over TCP, where anybody may come, and nobody. B13 of the seed: one stranger stopped its
 * exchanger, a silent one held it up, and an odd answer crashed it.
 */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int dial(const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	union {
		struct sockaddr_in *v4;
		struct sockaddr *any;
	} at = { &to };
	const struct timespec pause = { .tv_nsec = BV_MSEC };

	for (int64_t end = now_ns() + LONG; now_ns() < end; nanosleep(&pause, NULL)) {
		const int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(s, at.any, sizeof(to)) == 0)
			return s;
		close(s);
	}
	fail_msg("nobody listens on %s", address);
	return -1;
}

static void addresses(void **state)
{
	static const char *const malformed[] = {
		"",        "host",        "host:",       ":0",      ":65536",    "host:http",
		"host:+1", "host: 1",     "::1:7471",    "[::1]",   "[::1:7471", "[]:",
		"[:1",     "host:000001", "host:999999", "[::1]x:1"
	};
	char name[400];

	(void)state;
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		assert_int_equal(bv_exchange_tcp(a.ch, malformed[i], BV_EXCHANGE_LISTEN, NULL, 0),
				 -EINVAL);
		assert_text(malformed[i]);
	}
	memset(name, 'n', sizeof(name));
	strcpy(name + 300, ":1");
	assert_int_equal(bv_exchange_tcp(a.ch, name, BV_EXCHANGE_CONNECT, NULL, 0), -EINVAL);
	assert_int_equal(bv_exchange_tcp(a.ch, NULL, BV_EXCHANGE_LISTEN, NULL, 0), -EINVAL);
	assert_int_equal(bv_exchange_tcp(a.ch, ":7471", BV_EXCHANGE_CONNECT, NULL, 0), -EINVAL);
	assert_text("needs a host");
	assert_int_equal(bv_exchange_tcp(a.ch, ":7471", (enum bv_exchange_role)9, NULL, 0),
			 -EINVAL);
	/* RFC 2606: no name ends in "invalid". */
	assert_int_equal(bv_exchange_tcp(a.ch, "none.invalid:1", BV_EXCHANGE_CONNECT, NULL, SHORT),
			 -EADDRNOTAVAIL);
	assert_text("none.invalid cannot be resolved");
	/* RFC 5737: documentation, no interface has it. */
	assert_int_equal(bv_exchange_tcp(a.ch, "192.0.2.1:7471", BV_EXCHANGE_LISTEN, NULL, SHORT),
			 -EADDRNOTAVAIL);
	assert_text("cannot listen on 192.0.2.1:7471");
	assert_unharmed();
}

static void address_in_use(void **state)
{
	char address[64];
	int s;

	(void)state;
	free_address("127.0.0.1", AF_INET, address);
	a.address = b.address = address;
	a.role = BV_EXCHANGE_LISTEN;
	b.role = BV_EXCHANGE_CONNECT;
	end_start(&a);
	s = dial(address); /* now it listens */
	assert_int_equal(bv_exchange_tcp(b.ch, address, BV_EXCHANGE_LISTEN, NULL, SHORT),
			 -EADDRINUSE);
	assert_text("Address already in use");
	end_start(&b);
	assert_int_equal(end_join(&b), 0);
	assert_int_equal(end_join(&a), 0);
	close(s);
}

/* No descriptor below the limit is free: nothing to wait for. */
static void no_descriptors(void **state)
{
	struct rlimit before, none;
	char address[64];
	int last, rc[2];

	(void)state;
	free_address("127.0.0.1", AF_INET, address);
	getrlimit(RLIMIT_NOFILE, &before);
	last = dup(STDIN_FILENO);
	none = before;
	none.rlim_cur = (rlim_t)last;
	close(last);
	setrlimit(RLIMIT_NOFILE, &none);
	rc[0] = bv_exchange_tcp(b.ch, address, BV_EXCHANGE_CONNECT, NULL, LONG);
	rc[1] = bv_exchange_tcp(a.ch, address, BV_EXCHANGE_LISTEN, NULL, LONG);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(rc[0], -EMFILE);
	assert_int_equal(rc[1], -EMFILE);
	assert_text("cannot listen on");
	assert_unharmed();
}

/* A side that is alone gives up at its deadline. */
static void alone(enum bv_exchange_role role, const char *why)
{
	const int64_t begin = now_ns();
	char address[64];

	free_address("127.0.0.1", AF_INET, address);
	assert_int_equal(bv_exchange_tcp(a.ch, address, role, NULL, SHORT), -ETIMEDOUT);
	assert_text(why);
	assert_true(now_ns() - begin >= SHORT && now_ns() - begin < SHORT + SLACK);
	assert_unharmed();
}

static void nobody_listens(void **state)
{
	(void)state;
	alone(BV_EXCHANGE_CONNECT, "Connection refused");
	assert_text("is the peer listening there");
}

static void nobody_comes(void **state)
{
	(void)state;
	alone(BV_EXCHANGE_LISTEN, "no peer came");
}

/* B13: strangers before the peer, more of them than there are places, and none matters. */
static void b13_listener_among_strangers(void **state)
{
	int strangers[80];
	char address[64];

	(void)state;
	free_address("127.0.0.1", AF_INET, address);
	a.address = b.address = address;
	a.role = BV_EXCHANGE_LISTEN;
	b.role = BV_EXCHANGE_CONNECT;
	end_start(&a);
	for (unsigned int i = 0; i < 80; i++) {
		strangers[i] = dial(address);
		if (i % 4 == 1)
			send(strangers[i], "SSH-2.0-OpenSSH_9.2p1\r\n", 23, MSG_NOSIGNAL);
		if (i % 4 == 2)
			send(strangers[i], "BVEX", 4, MSG_NOSIGNAL);
		if (i % 4 == 3)
			shutdown(strangers[i], SHUT_RDWR);
	}
	end_start(&b);
	assert_int_equal(end_join(&b), 0);
	assert_int_equal(end_join(&a), 0);
	for (unsigned int i = 0; i < 80; i++)
		close(strangers[i]);
}

static void strangers_are_counted(void **state)
{
	char address[64];
	int noisy, quiet;

	(void)state;
	free_address("127.0.0.1", AF_INET, address);
	a.address = address;
	a.role = BV_EXCHANGE_LISTEN;
	a.timeout = BV_SEC;
	end_start(&a);
	noisy = dial(address);
	quiet = dial(address);
	send(noisy, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL);
	assert_int_equal(end_join(&a), -ETIMEDOUT);
	assert_non_null(strstr(a.text,
			       "1 are connected and have said too little; 1 were sent away, "
			       "the last one: exchange: the other end is no bareverbs"));
	close(noisy);
	close(quiet);
	assert_unharmed();
}

/* Another release is the peer we wait for: both sides are told at once, and both versions named. */
static void listener_meets_another_version(void **state)
{
	uint8_t hello[HELLO_MAX], answer[HELLO_MAX];
	size_t size = hello_of(&b, NULL, hello);
	char address[64];
	ssize_t n;
	int s;

	(void)state;
	free_address("127.0.0.1", AF_INET, address);
	a.address = address;
	a.role = BV_EXCHANGE_LISTEN;
	end_start(&a);
	s = dial(address);
	hello[AT_VERSION] = 2;
	hello_seal(hello, size);
	assert_int_equal(send(s, hello, size, MSG_NOSIGNAL), size);
	assert_int_equal(end_join(&a), -EPROTO);
	assert_non_null(strstr(a.text, "exchange of version 2; this library has version 1"));
	n = recv(s, answer, sizeof(answer), 0);
	assert_true(n > 16);
	assert_memory_equal(answer, "BVEX\0\1\0\3", 8);
	close(s);
	assert_unharmed();
}

/* A listener that goes away before it said a word is tried again. */
static void *fickle_listener(void *argument)
{
	const int listener = *(int *)argument;

	for (int i = 0; i < 3; i++)
		close(accept(listener, NULL, NULL));
	close(listener);
	return NULL;
}

static void connector_tries_again(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	union {
		struct sockaddr_in *v4;
		struct sockaddr *any;
	} to = { &at };
	const int one = 1;
	char address[64];
	pthread_t thread;
	int listener;

	(void)state;
	free_address("127.0.0.1", AF_INET, address);
	at.sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1));
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(listener, to.any, sizeof(at)), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(pthread_create(&thread, NULL, fickle_listener, &listener), 0);
	b.address = address;
	b.role = BV_EXCHANGE_CONNECT;
	end_start(&b);
	pthread_join(thread, NULL);
	a.address = address;
	a.role = BV_EXCHANGE_LISTEN;
	end_start(&a);
	assert_int_equal(end_join(&a), 0);
	assert_int_equal(end_join(&b), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		rig_test(addresses),
		rig_test(address_in_use),
		rig_test(no_descriptors),
		rig_test(nobody_listens),
		rig_test(nobody_comes),
		rig_test(b13_listener_among_strangers),
		rig_test(strangers_are_counted),
		rig_test(listener_meets_another_version),
		rig_test(connector_tries_again),
	};

	return rig_main(argc, argv, NULL, tests, sizeof(tests) / sizeof(tests[0]));
}
