/* SPDX-License-Identifier: MIT */
/*
 * joining PROVIDER: groups that connect, and ends that do not belong together. Whatever went wrong, the
 * next attempt is as good as the first.
 */
#include "mesh.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct bv_device *dev;
static struct bv_pd *pd;

/* One side of an attempt, in a thread of its own. */
struct side {
	struct bv_group *group;
	uint32_t peer;
	int fd;
	const char *address; /* NULL: over @fd */
	enum bv_exchange_role role;
	int64_t timeout_ns;
	pthread_t thread;
	int rc;
	char text[BV_ERRINFO_TEXT_MAX];
};

static void *attempt(void *argument)
{
	struct side *side = argument;

	side->rc = side->address ?
			   bv_group_connect_tcp(side->group, side->peer, side->address, side->role,
						side->timeout_ns) :
			   bv_group_connect_fd(side->group, side->peer, side->fd, side->timeout_ns);
	if (side->rc < 0)
		snprintf(side->text, sizeof(side->text), "%s", bv_last_error()->text);
	return NULL;
}

static void attempt_both(struct side *a, struct side *b)
{
	int pair[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socket pair");
	a->fd = pair[0];
	b->fd = pair[1];
	a->timeout_ns = b->timeout_ns = LONG;
	must(pthread_create(&a->thread, NULL, attempt, a) == 0, "thread");
	must(pthread_create(&b->thread, NULL, attempt, b) == 0, "thread");
	must(pthread_join(a->thread, NULL) == 0 && pthread_join(b->thread, NULL) == 0, "join");
	close(pair[0]);
	close(pair[1]);
}

static struct bv_group *group_of(uint32_t rank, uint32_t size, bool channels)
{
	const struct bv_group_attr attr = { .rank = rank, .size = size, .channels = channels };
	struct bv_group *group;

	must(bv_group_create(pd, &attr, &group) == 0, "group");
	return group;
}

static void *enter(void *argument)
{
	struct side *side = argument;
	const uint32_t pair[] = { bv_group_rank(side->group), side->peer };

	side->rc = bv_barrier(side->group, &(struct bv_barrier_opts){ .ranks = pair, .nranks = 2 },
			      LONG);
	return NULL;
}

/* They connect, meet in a barrier, and leave. */
static void expect_good(struct side *a, struct side *b)
{
	attempt_both(a, b);
	must(a->rc == 0 && b->rc == 0, "they connect");
	must(pthread_create(&a->thread, NULL, enter, a) == 0, "thread");
	enter(b);
	must(pthread_join(a->thread, NULL) == 0, "join");
	must(a->rc == 0 && b->rc == 0, "they meet");
	bv_group_destroy(a->group);
	bv_group_destroy(b->group);
}

/* Both sides refuse, with @text on one of them, and @a connects with rank 1 of 3 afterwards. */
static void expect_mismatch(struct bv_group *stranger, uint32_t stranger_expects, const char *text)
{
	struct side a = { .group = group_of(0, 3, true), .peer = 1 };
	struct side b = { .group = stranger, .peer = stranger_expects };

	attempt_both(&a, &b);
	must(a.rc == -EPROTO && b.rc == -EPROTO, "both refuse");
	if (!strstr(a.text, text))
		fprintf(stderr, "not in: %s\n", a.text);
	must(strstr(a.text, text) != NULL, "and tell why");
	must(bv_group_channel(a.group, 1) == NULL, "not connected");
	bv_group_destroy(b.group);
	b = (struct side){ .group = group_of(1, 3, true), .peer = 0 };
	expect_good(&a, &b);
}

static void mismatches(void)
{
	expect_mismatch(group_of(2, 3, true), 0,
			"rank 0 of 3 expects rank 1, and met rank 2 of 3, which expects rank 0");
	expect_mismatch(group_of(1, 3, true), 2, "which expects rank 2");
	expect_mismatch(group_of(1, 4, true), 0, "met rank 1 of 4");
	expect_mismatch(group_of(1, 3, false), 0,
			"rank 0 keeps channels for its program, and rank 1 does not");
}

static void *exchange_plainly(void *argument)
{
	const int *fd = argument;
	struct bv_exchange room = { 0 };
	struct bv_remote region;
	struct bv_channel *ch;
	uint8_t blob[64];

	room.peer_regions = &region;
	room.max_peer_regions = 1;
	room.peer_blob = blob;
	room.max_peer_blob = sizeof(blob);
	must(bv_channel_create(pd, NULL, &ch) == 0, "channel");
	must(bv_exchange_fd(ch, *fd, &room, LONG) == 0, "it knows of no groups");
	bv_channel_destroy(ch);
	return NULL;
}

/* A channel that belongs to no group, and one that says nothing. */
static void strangers(void)
{
	struct side a = { .group = group_of(0, 2, false), .peer = 1 };
	struct side b = { .group = group_of(1, 2, false), .peer = 0 };
	pthread_t thread;
	int pair[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socket pair");
	must(pthread_create(&thread, NULL, exchange_plainly, &pair[1]) == 0, "thread");
	must(bv_group_connect_fd(a.group, 1, pair[0], LONG) == -EPROTO, "refused");
	must(strstr(bv_last_error()->text, "connects no group") != NULL, "with the reason");
	must(pthread_join(thread, NULL) == 0, "join");
	must(bv_group_connect_fd(a.group, 1, pair[0], 50 * BV_MSEC) == -ETIMEDOUT, "silence");
	must(bv_group_connect_fd(a.group, 1, pair[0], 0) == -ETIMEDOUT, "silence, at a look");
	close(pair[0]);
	close(pair[1]);
	must(bv_group_connect_fd(a.group, 1, pair[0], LONG) < 0, "no socket");
	expect_good(&a, &b);
}

static void free_address(char text[64])
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t size = sizeof(at);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(fd >= 0 && bind(fd, (struct sockaddr *)&at, size) == 0 &&
		     getsockname(fd, (struct sockaddr *)&at, &size) == 0,
	     "a free port");
	snprintf(text, 64, "127.0.0.1:%u", ntohs(at.sin_port));
	close(fd);
}

static void over_tcp(void)
{
	char address[64];
	struct side a = { .group = group_of(0, 2, true), .peer = 1, .role = BV_EXCHANGE_LISTEN };
	struct side b = { .group = group_of(1, 2, true), .peer = 0, .role = BV_EXCHANGE_CONNECT };

	free_address(address);
	a.address = b.address = address;
	must(bv_group_connect_tcp(a.group, 1, address, BV_EXCHANGE_LISTEN, 0) == -ETIMEDOUT,
	     "nobody there");
	attempt_both(&a, &b);
	must(a.rc == 0 && b.rc == 0, "they connect");
	must(bv_channel_state(bv_group_channel(a.group, 1)) == BV_CHANNEL_READY &&
		     bv_channel_state(bv_group_channel(b.group, 0)) == BV_CHANNEL_READY,
	     "the program's channels, too");
	must(bv_group_connect_tcp(a.group, 1, address, BV_EXCHANGE_LISTEN, 0) == -EINVAL,
	     "connected already");
	/* One leaves, and then the other. */
	bv_group_destroy(a.group);
	bv_group_destroy(b.group);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	must(bv_open(NULL, &(struct bv_open_opts){ .provider = argv[1] }, &dev) == 0, "open");
	must(bv_pd_alloc(dev, &pd) == 0, "protection domain");
	mismatches();
	strangers();
	over_tcp();
	bv_pd_free(pd);
	bv_close(dev);
	return 0;
}
