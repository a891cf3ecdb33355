/* SPDX-License-Identifier: MIT */
/*
 * Exchanges that go well: everything told arrives, both sides are ready, whoever comes first.
 */
#include "rig.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* What both ends tell each other here: a region and a few bytes. */
struct talk {
	struct bv_exchange a, b;
	struct bv_remote from_a[2], from_b[2], region_a, region_b;
	char blob_a[16], blob_b[16];
};

static void talk_init(struct talk *talk)
{
	memset(talk, 0, sizeof(*talk));
	talk->region_a = bv_mr_remote(a.mr);
	talk->region_b = bv_mr_remote(b.mr);
	talk->a = (struct bv_exchange){
		.regions = &talk->region_a,
		.nregions = 1,
		.blob = "from a",
		.blob_size = 7,
		.peer_regions = talk->from_b,
		.max_peer_regions = 2,
		.peer_blob = talk->blob_b,
		.max_peer_blob = sizeof(talk->blob_b),
	};
	talk->b = (struct bv_exchange){
		.regions = &talk->region_b,
		.nregions = 1,
		.blob = "b",
		.blob_size = 2,
		.peer_regions = talk->from_a,
		.max_peer_regions = 1,
		.peer_blob = talk->blob_a,
		.max_peer_blob = 7,
	};
	a.data = &talk->a;
	b.data = &talk->b;
}

static void assert_same(const struct bv_remote *x, const struct bv_remote *y)
{
	assert_int_equal(x->addr, y->addr);
	assert_int_equal(x->length, y->length);
	assert_int_equal(x->rkey, y->rkey);
}

static void assert_told(const struct talk *talk)
{
	assert_int_equal(a.rc, 0);
	assert_int_equal(b.rc, 0);
	assert_int_equal(talk->a.npeer_regions, 1);
	assert_int_equal(talk->b.npeer_regions, 1);
	assert_same(&talk->from_a[0], &talk->region_a);
	assert_same(&talk->from_b[0], &talk->region_b);
	assert_int_equal(talk->a.peer_blob_size, 2);
	assert_int_equal(talk->b.peer_blob_size, 7);
	assert_string_equal(talk->blob_a, "from a");
	assert_string_equal(talk->blob_b, "b");
	assert_connected(&talk->from_a[0], &talk->from_b[0]);
}

static void over_a_socket_pair(void **state)
{
	struct talk talk;
	char tail[8] = "";
	int fd[2];

	(void)state;
	talk_init(&talk);
	pair_sockets(fd);
	a.fd = fd[0];
	b.fd = fd[1];
	end_start(&b);
	end_start(&a);
	end_join(&a);
	end_join(&b);
	assert_told(&talk);
	/* The socket is the program's again, at the right place. */
	assert_int_equal(send(fd[0], "tail", 5, 0), 5);
	assert_int_equal(recv(fd[1], tail, sizeof(tail), 0), 5);
	assert_string_equal(tail, "tail");
	close(fd[0]);
	close(fd[1]);
}

static void nothing_to_tell(void **state)
{
	int fd[2];

	(void)state;
	pair_sockets(fd);
	a.fd = fd[0];
	b.fd = fd[1];
	end_start(&b);
	end_start(&a);
	assert_int_equal(end_join(&a), 0);
	assert_int_equal(end_join(&b), 0);
	close(fd[0]);
	close(fd[1]);
}

/*
 * B3 of the seed: its handshake returned with no proof that the peer was ready. Here each side sends
 * the moment it returns, to a receive that was posted before, with no RNR retry to help.
 */
static void *send_at_once(void *argument)
{
	struct end *end = argument;
	const uint32_t word = 42;
	struct bv_scatter recv = bv_scatter(end->mr, end->memory, 64);
	int64_t got, work;

	got = bv_post_recv(end->ch, &recv, 1);
	end->rc = bv_exchange_fd(end->ch, end->fd, NULL, LONG);
	if (end->rc < 0)
		return NULL;
	work = bv_post_send_inline(end->ch, &word, sizeof(word), 0);
	end->rc = work < 0 ? (int)work : bv_wait(end->ch, work, LONG, NULL);
	if (end->rc == 0)
		end->rc = bv_wait(end->ch, got, LONG, NULL);
	return NULL;
}

static void b3_both_ready_before_either_returns(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 20; i++) {
		int fd[2];

		pair_sockets(fd);
		a.fd = fd[0];
		b.fd = fd[1];
		assert_int_equal(pthread_create(&a.thread, NULL, send_at_once, &a), 0);
		assert_int_equal(pthread_create(&b.thread, NULL, send_at_once, &b), 0);
		assert_int_equal(end_join(&a), 0);
		assert_int_equal(end_join(&b), 0);
		close(fd[0]);
		close(fd[1]);
		end_renew(&a);
		end_renew(&b);
	}
}

/* As much as there may be, through sockets that hold little: neither side waits for the other's room. */
static void the_most_that_fits(void **state)
{
	struct bv_remote *regions = calloc(BV_EXCHANGE_REGIONS_MAX, sizeof(*regions));
	struct bv_remote *seen = calloc(BV_EXCHANGE_REGIONS_MAX, sizeof(*seen));
	struct bv_exchange x, y;
	uint8_t *blob = malloc(BV_EXCHANGE_BLOB_MAX), *came = malloc(BV_EXCHANGE_BLOB_MAX);
	const int little = 1;
	int fd[2];

	(void)state;
	for (uint32_t i = 0; i < BV_EXCHANGE_REGIONS_MAX; i++)
		regions[i] = (struct bv_remote){ .addr = i * 4096, .length = i, .rkey = ~i };
	for (uint32_t i = 0; i < BV_EXCHANGE_BLOB_MAX; i++)
		blob[i] = (uint8_t)(i * 7);
	x = (struct bv_exchange){
		.regions = regions,
		.nregions = BV_EXCHANGE_REGIONS_MAX,
		.blob = blob,
		.blob_size = BV_EXCHANGE_BLOB_MAX,
		.peer_regions = seen,
		.max_peer_regions = BV_EXCHANGE_REGIONS_MAX,
		.peer_blob = came,
		.max_peer_blob = BV_EXCHANGE_BLOB_MAX,
	};
	y = x;
	y.peer_regions = calloc(BV_EXCHANGE_REGIONS_MAX, sizeof(*seen));
	y.peer_blob = malloc(BV_EXCHANGE_BLOB_MAX);
	pair_sockets(fd);
	for (int i = 0; i < 2; i++) {
		setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &little, sizeof(little));
		setsockopt(fd[i], SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
	}
	a.fd = fd[0];
	b.fd = fd[1];
	a.data = &x;
	b.data = &y;
	end_start(&a);
	end_start(&b);
	assert_int_equal(end_join(&a), 0);
	assert_int_equal(end_join(&b), 0);
	for (uint32_t i = 0; i < BV_EXCHANGE_REGIONS_MAX; i++)
		assert_same(&seen[i], &regions[i]);
	assert_memory_equal(y.peer_blob, blob, BV_EXCHANGE_BLOB_MAX);
	close(fd[0]);
	close(fd[1]);
	free(y.peer_regions);
	free(y.peer_blob);
	free(regions);
	free(seen);
	free(blob);
	free(came);
}

static void over_tcp(const char *listen, const char *connect, int64_t listen_delay,
		     int64_t connect_delay)
{
	struct talk talk;

	talk_init(&talk);
	a.address = listen;
	a.role = BV_EXCHANGE_LISTEN;
	a.delay = listen_delay;
	b.address = connect;
	b.role = BV_EXCHANGE_CONNECT;
	b.delay = connect_delay;
	end_start(&a);
	end_start(&b);
	end_join(&a);
	end_join(&b);
	assert_told(&talk);
	end_renew(&a);
	end_renew(&b);
}

static void tcp_in_any_order(void **state)
{
	char address[64];

	(void)state;
	free_address("127.0.0.1", AF_INET, address);
	over_tcp(address, address, 0, 100 * BV_MSEC);
	/* The same port again, at once. */
	over_tcp(address, address, 200 * BV_MSEC, 0);
}

static void tcp_by_name(void **state)
{
	struct addrinfo *known;
	char address[64], listen[64];

	(void)state;
	if (getaddrinfo("localhost", NULL, NULL, &known) != 0) {
		print_message("skipped: this host does not know localhost\n");
		skip();
	}
	freeaddrinfo(known);
	free_address("localhost", AF_INET, address);
	snprintf(listen, sizeof(listen), "%s", strchr(address, ':'));
	over_tcp(listen, address, 0, 0);
	over_tcp(address, address, 0, 0);
}

static void tcp_over_ipv6(void **state)
{
	char address[64], listen[64];

	(void)state;
	free_address("[::1]", AF_INET6, address);
	if (!address[0]) {
		print_message("skipped: no IPv6 on this host\n");
		skip();
	}
	snprintf(listen, sizeof(listen), "%s", strrchr(address, ':'));
	over_tcp(address, address, 0, 0);
	over_tcp(listen, address, 0, 0);
}

/* One server, three clients, one after the other; those that wait try again by themselves. */
static void one_after_another(void **state)
{
	char address[64];
	struct end clients[3];

	(void)state;
	free_address("127.0.0.1", AF_INET, address);
	for (unsigned int i = 0; i < 3; i++) {
		end_renew(&b);
		clients[i] = b;
		b.ch = NULL;
		clients[i].address = address;
		clients[i].role = BV_EXCHANGE_CONNECT;
		end_start(&clients[i]);
	}
	a.address = address;
	a.role = BV_EXCHANGE_LISTEN;
	for (unsigned int i = 0; i < 3; i++) {
		end_renew(&a);
		end_start(&a);
		assert_int_equal(end_join(&a), 0);
	}
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(end_join(&clients[i]), 0);
		bv_channel_destroy(clients[i].ch);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		rig_test(over_a_socket_pair),
		rig_test(nothing_to_tell),
		rig_test(b3_both_ready_before_either_returns),
		rig_test(the_most_that_fits),
		rig_test(tcp_in_any_order),
		rig_test(tcp_by_name),
		rig_test(tcp_over_ipv6),
		rig_test(one_after_another),
	};

	return rig_main(argc, argv, NULL, tests, sizeof(tests) / sizeof(tests[0]));
}
