/* SPDX-License-Identifier: MIT */
/*
 * Exchanges over TCP on a libc that fails. One thread plays both sides: the peer acts while the
 * exchange waits.
 */
#include "host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/frame.h"

#define GUESTS 40

union address {
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr any;
};

static struct bv_device *dev;
static struct bv_pd *pd;
static struct bv_channel *ch;
static union address at;
static char host_port[64], port_alone[16];
static int guest[GUESTS];
static unsigned int nguests, waits;

/* A port that nobody has. */
static int setup(void **state)
{
	socklen_t size = sizeof(at.v4);
	int s;

	host_reset(state);
	nguests = waits = 0;
	at.v4 = (struct sockaddr_in){ .sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s, &at.any, size), 0);
	assert_int_equal(getsockname(s, &at.any, &size), 0);
	close(s);
	snprintf(host_port, sizeof(host_port), "127.0.0.1:%u", ntohs(at.v4.sin_port));
	snprintf(port_alone, sizeof(port_alone), ":%u", ntohs(at.v4.sin_port));
	ch = fake_channel(NULL, &dev, &pd);
	return 0;
}

static void guests_leave(void)
{
	while (nguests > 0)
		close(guest[--nguests]);
}

static int teardown(void **state)
{
	guests_leave();
	bv_channel_destroy(ch);
	bv_pd_free(pd);
	bv_close(dev);
	return host_check(state);
}

#define tcp_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void say(int fd)
{
	const struct bv_endpoint peer = fake_peer();
	const struct bv_exchange nothing = { 0 };
	uint8_t frame[256];
	size_t size = bvi_hello_size(&nothing);

	assert_int_equal(bvi_hello_encode(&peer, &nothing, frame), 0);
	size += bvi_ready_encode(frame + size);
	assert_int_equal(write(fd, frame, size), size);
}

static int come(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(nguests < GUESTS);
	if (connect(fd, &at.any, sizeof(at.v4)) < 0) {
		union address v6 = { .v6 = { .sin6_family = AF_INET6,
					     .sin6_port = at.v4.sin_port,
					     .sin6_addr = IN6ADDR_LOOPBACK_INIT } };

		close(fd);
		fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fd, &v6.any, sizeof(v6.v6)), 0);
	}
	return guest[nguests++] = fd;
}

/* At the first wait somebody silent comes, at the second the peer. */
static void stranger_then_peer(void)
{
	waits++;
	if (waits == 1)
		come();
	if (waits == 2)
		say(come());
}

static void peer_alone(void)
{
	if (waits++ == 0)
		say(come());
}

static int listen_on(const char *where)
{
	return bv_exchange_tcp(ch, where, BV_EXCHANGE_LISTEN, NULL, 10 * BV_SEC);
}

static void renew(void)
{
	guests_leave();
	waits = 0;
	if (bv_channel_state(ch) != BV_CHANNEL_PREPARED)
		assert_true(bv_channel_reset(ch) >= 0);
}

static void listens(void **state)
{
	(void)state;
	host.before_poll = stranger_then_peer;
	assert_int_equal(listen_on(host_port), 0);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_READY);
	renew();
	host.before_poll = peer_alone;
	assert_int_equal(listen_on(port_alone), 0);
}

/* One of the addresses suffices, for want of IPv6 or of whatever. */
static void some_address_cannot_be_had(void **state)
{
	static const struct {
		enum host_call call;
		int error;
	} cases[] = {
		{ HOST_SOCKET, EAFNOSUPPORT },
		{ HOST_BIND, EADDRNOTAVAIL },
		{ HOST_LISTEN, EACCES },
	};

	(void)state;
	host.before_poll = peer_alone;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* On a host without IPv6 that was the only one. */
		host_fail(cases[i].call, 1, cases[i].error);
		if (listen_on(port_alone) != 0)
			assert_text("cannot listen on");
		assert_true(host_failed(cases[i].call));
		renew();
		host_fail(cases[i].call, 1, cases[i].error);
		assert_int_equal(listen_on(host_port), -cases[i].error);
		assert_text("exchange: cannot listen on 127.0.0.1:");
		assert_int_equal(bv_channel_state(ch), BV_CHANNEL_PREPARED);
	}
}

/* Another has the port with one of its addresses: who connects there would never come here. */
static void port_is_taken(void **state)
{
	(void)state;
	for (int n = 1; n <= 2; n++) {
		host_fail(HOST_BIND, n, EADDRINUSE);
		if (listen_on(port_alone) == -ETIMEDOUT) /* a host without IPv6 binds once */
			break;
		assert_text("Address already in use");
	}
}

/* What happened to a connection while it waited is not ours. */
static void guest_is_gone_again(void **state)
{
	(void)state;
	host.before_poll = stranger_then_peer;
	host_fail(HOST_ACCEPT, 1, ECONNABORTED);
	assert_int_equal(listen_on(host_port), 0);
	assert_true(host_failed(HOST_ACCEPT));
}

/* Out of descriptors with nobody to send away: nothing would get better. */
static void no_socket_for_a_guest(void **state)
{
	static const int errors[] = { EMFILE, ENFILE, ENOMEM, ENOBUFS };

	(void)state;
	for (int i = 0; i < 4; i++) {
		host.before_poll = peer_alone;
		host_fail(HOST_ACCEPT, 1, errors[i]);
		assert_int_equal(listen_on(host_port), -errors[i]);
		assert_text("exchange: no socket: ");
		assert_int_equal(bv_channel_state(ch), BV_CHANNEL_PREPARED);
		renew();
	}
}

static void peer_after_two_strangers(void)
{
	waits++;
	if (waits <= 2)
		come();
	if (waits == 3)
		say(come());
}

/* With somebody there the first of them goes, and the next one is let in. */
static void stranger_makes_room(void **state)
{
	static const int errors[] = { EMFILE, ENFILE };
	uint8_t byte;

	(void)state;
	for (int i = 0; i < 2; i++) {
		host.before_poll = peer_after_two_strangers;
		host_fail(HOST_ACCEPT, 3, errors[i]);
		assert_int_equal(listen_on(host_port), 0);
		assert_true(host_failed(HOST_ACCEPT));
		assert_int_equal(recv(guest[0], &byte, 1, MSG_DONTWAIT), 0); /* closed */
		renew();
	}
	/* And for other reasons it does not go. */
	host.before_poll = stranger_then_peer;
	host_fail(HOST_ACCEPT, 2, ENOMEM);
	assert_int_equal(listen_on(host_port), -ENOMEM);
}

static void crowd(void)
{
	waits++;
	if (waits < GUESTS)
		come();
	if (waits == GUESTS)
		say(come());
}

/* More than there are places for: who said nothing for the longest makes room. */
static void crowded(void **state)
{
	uint8_t byte;

	(void)state;
	host.before_poll = crowd;
	assert_int_equal(listen_on(host_port), 0);
	assert_int_equal(recv(guest[0], &byte, 1, MSG_DONTWAIT), 0);
}

static void cannot_wait(void **state)
{
	(void)state;
	host_fail(HOST_POLL, 1, ENOMEM);
	assert_int_equal(listen_on(host_port), -ENOMEM);
	assert_text("exchange: cannot wait: ");
}

static void odd_peer(void)
{
	uint8_t frame[BVI_FRAME_SMALL];

	waits++;
	if (waits == 1) {
		const size_t size = bvi_failed_encode(-EIO, "no more", frame);

		assert_int_equal(write(come(), frame, size), size);
	}
	if (waits == 3)
		assert_int_equal(write(come(), "BVEX\0\1\0\2", 8), 8);
	if (waits >= 5) {
		fake.now += 20 * BV_SEC;
		host_fail(HOST_POLL, 1, 0);
	}
}

/* A FAILED or a READY is no HELLO: its sender is a stranger, and said to be one. */
static void no_hello(void **state)
{
	(void)state;
	host.before_poll = odd_peer;
	assert_int_equal(listen_on(host_port), -ETIMEDOUT);
	assert_text("1 are connected and have said too little; 1 were sent away, the last one: "
		    "exchange: the peer gave up: no more");
}

/* The connecting side: a listener of the test's, which answers while the other waits. */
static int listener;

static void listener_opens(void)
{
	const int one = 1;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(listener, &at.any, sizeof(at.v4)), 0);
	assert_int_equal(listen(listener, 8), 0);
}

/* Until it was asked for often enough it takes its leave without a word. */
static unsigned int fickle;

static void listener_answers(void)
{
	const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (fickle > 0) {
		fickle--;
		close(fd);
		return;
	}
	guest[nguests++] = fd;
	say(fd);
}

static int connect_to(const char *where, int64_t timeout)
{
	return bv_exchange_tcp(ch, where, BV_EXCHANGE_CONNECT, NULL, timeout);
}

static void connects(void **state)
{
	(void)state;
	listener_opens();
	host.before_poll = listener_answers;
	assert_int_equal(connect_to(host_port, 10 * BV_SEC), 0);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_READY);
	renew();
	fickle = 2;
	assert_int_equal(connect_to(host_port, 10 * BV_SEC), 0);
	close(listener);
}

static void listener_begins_and_leaves(void)
{
	const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	assert_int_equal(write(fd, "BVEX", 4), 4);
	shutdown(fd, SHUT_WR);
	guest[nguests++] = fd;
}

/* Who began to speak was the peer: that it left is the end. */
static void peer_leaves_in_the_middle(void **state)
{
	(void)state;
	listener_opens();
	host.before_poll = listener_begins_and_leaves;
	assert_int_equal(connect_to(host_port, 10 * BV_SEC), -ECONNRESET);
	assert_text("in the middle of a frame, after 4 bytes");
	assert_int_equal(nguests, 1);
	close(listener);
}

/* Whatever keeps one attempt from succeeding, the next one may succeed. */
static void tries_again(void **state)
{
	static const struct {
		enum host_call call;
		int in, error;
	} cases[] = {
		{ HOST_SOCKET, 1, EACCES },        { HOST_CONNECT, 1, ENETUNREACH },
		{ HOST_CONNECT, 1, EINTR },        { HOST_GETSOCKOPT, 1, ENOBUFS },
		{ HOST_POLL, 1, 0 /* no time */ }, { HOST_POLL, 1, EINVAL },
		{ HOST_GETSOCKNAME, 1, ENOBUFS },  { HOST_GETPEERNAME, 1, ENOBUFS },
	};

	(void)state;
	listener_opens();
	host.rests = true;
	host.before_poll = listener_answers;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		host_fail(cases[i].call, cases[i].in, cases[i].error);
		/* An attempt that was left by us is one that the listener has answered. */
		fickle = cases[i].call == HOST_GETSOCKOPT || cases[i].call == HOST_POLL;
		assert_int_equal(connect_to(host_port, 100 * BV_SEC), 0);
		assert_true(host_failed(cases[i].call));
		renew();
	}
	close(listener);
}

/* Nothing that waiting would make better. */
static void no_socket(void **state)
{
	static const int errors[] = { EMFILE, ENFILE, ENOMEM };

	(void)state;
	for (int i = 0; i < 3; i++) {
		host_fail(HOST_SOCKET, 1, errors[i]);
		assert_int_equal(connect_to(host_port, BV_FOREVER), -errors[i]);
		assert_text("exchange: no socket: ");
		assert_int_equal(bv_channel_state(ch), BV_CHANNEL_PREPARED);
	}
}

/* The pauses grow from 10 ms to 640: in 20 s a listener is knocked at some 40 times. */
static unsigned int knocks;

static void knock(int fd)
{
	(void)fd;
	knocks++;
}

static void nobody_listens(void **state)
{
	(void)state;
	knocks = 0;
	host.rests = true;
	host.before_connect = knock;
	assert_int_equal(connect_to(host_port, 20 * BV_SEC), -ETIMEDOUT);
	assert_text("exchange: nobody to talk to at 127.0.0.1:");
	assert_text("(the last attempt: Connection refused)");
	assert_in_range(knocks, 20, 60);
	host_fail(HOST_POLL, 1, ENOMEM);
	host.before_connect = NULL;
	host_fail(HOST_SOCKET, 1, EACCES);
	assert_int_equal(connect_to(host_port, BV_FOREVER), -ENOMEM);
	assert_text("cannot wait");
}

/* Connected to itself, as may happen where nobody listens on a port of the ephemeral range. */
static void bind_there(int fd)
{
	assert_int_equal(bind(fd, &at.any, sizeof(at.v4)), 0);
	knocks++;
}

static void its_own_peer(void **state)
{
	(void)state;
	knocks = 0;
	host.rests = true;
	host.before_connect = bind_there;
	assert_int_equal(connect_to(host_port, 5 * BV_MSEC), -ETIMEDOUT);
	assert_text("Connection refused");
	assert_int_equal(knocks, 1);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_PREPARED);
}

static void resolving_fails(void **state)
{
	(void)state;
	host_fail(HOST_GETADDRINFO, 1, EAI_MEMORY);
	assert_int_equal(connect_to("peer:7471", 0), -ENOMEM);
	assert_text("exchange: no memory to resolve peer");
	host_fail(HOST_GETADDRINFO, 1, EAI_SYSTEM);
	assert_int_equal(connect_to("peer:7471", 0), -ENETUNREACH);
	assert_text("exchange: peer cannot be resolved: Network is unreachable");
	host_fail(HOST_GETADDRINFO, 1, EAI_NONAME);
	assert_int_equal(listen_on("peer:7471"), -EADDRNOTAVAIL);
	assert_text("exchange: peer cannot be resolved: ");
}

static void bad_addresses(void **state)
{
	static const struct {
		const char *address, *text;
	} cases[] = {
		{ "host", "it has no port" },
		{ "host:0", "its port is not in 1..65535" },
		{ "host:65536", "its port is not in 1..65535" },
		{ "host:1x", "its port is not in 1..65535" },
		{ "host:123456", "its port is not in 1..65535" },
		{ "[::1:5", "its bracket does not end before the port" },
		{ "[:5", "its bracket does not end before the port" },
		{ "::1:5", "an IPv6 address goes into brackets" },
		{ ":5", "needs a host to connect to" },
	};
	char name[400];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(connect_to(cases[i].address, 0), -EINVAL);
		assert_text(cases[i].text);
		assert_text(cases[i].address);
	}
	memset(name, 'n', sizeof(name));
	strcpy(name + 300, ":1");
	assert_int_equal(connect_to(name, 0), -EINVAL);
	assert_text("its host is too long");
	assert_int_equal(connect_to(NULL, 0), -EINVAL);
	assert_int_equal(bv_exchange_tcp(NULL, host_port, BV_EXCHANGE_CONNECT, NULL, 0), -EINVAL);
	assert_text("the channel is NULL");
	assert_int_equal(bv_exchange_tcp(ch, host_port, (enum bv_exchange_role)7, NULL, 0),
			 -EINVAL);
	assert_text("exchange: role 7 is none");
	assert_int_equal(connect_to("[::1]:5", 0), -ETIMEDOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		tcp_test(listens),
		tcp_test(some_address_cannot_be_had),
		tcp_test(port_is_taken),
		tcp_test(guest_is_gone_again),
		tcp_test(no_socket_for_a_guest),
		tcp_test(stranger_makes_room),
		tcp_test(crowded),
		tcp_test(cannot_wait),
		tcp_test(no_hello),
		tcp_test(connects),
		tcp_test(peer_leaves_in_the_middle),
		tcp_test(tries_again),
		tcp_test(no_socket),
		tcp_test(nobody_listens),
		tcp_test(its_own_peer),
		tcp_test(resolving_fails),
		tcp_test(bad_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
