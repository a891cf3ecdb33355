/* SPDX-License-Identifier: MIT */
/*
 * Sleeping until a message comes: one descriptor of a channel in an epoll set.
 * Run it without a NIC: build/bin/mlx5emu run -- build/bin/example-epoll
 */
#include <bareverbs/bareverbs.h>

#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Waits for one completion of a receive, asleep in between; 1 or -errno. */
static int next_message(struct bv_channel *ch, int epoll_fd, struct bv_wc *wc)
{
	struct epoll_event event;
	int rc;

	for (;;) {
		if ((rc = bv_channel_woken(ch)) < 0 || (rc = bv_channel_arm(ch, BV_WAKE_RECV)) < 0)
			return rc;
		rc = bv_poll_recv(ch, wc, 1); /* what came before it was armed wakes nobody */
		if (rc != 0)
			return rc;
		if (epoll_wait(epoll_fd, &event, 1, 5000) <= 0)
			return -ETIMEDOUT;
	}
}

/* The channel is connected to itself; what it sends arrives in its own receive. */
static int receive_one(struct bv_channel *ch, int epoll_fd, struct bv_wc *wc)
{
	struct epoll_event interest = { .events = EPOLLIN, .data.ptr = ch };
	int64_t work;

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, bv_channel_fd(ch), &interest) < 0)
		return -errno;
	work = bv_post_recv(ch, NULL, 0);
	if (work >= 0)
		work = bv_post_send_imm(ch, NULL, 0, 4242, 0);
	return work < 0 ? (int)work : next_message(ch, epoll_fd, wc);
}

int main(void)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;
	const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct bv_device *dev = NULL;
	struct bv_channel *ch = NULL;
	struct bv_pd *pd = NULL;
	struct bv_endpoint ep;
	struct bv_wc wc = { 0 };
	int rc;

	attr.wakeups = true;
	if ((rc = bv_open(NULL, NULL, &dev)) == 0 && (rc = bv_pd_alloc(dev, &pd)) == 0 &&
	    (rc = bv_channel_create(pd, &attr, &ch)) == 0 &&
	    (rc = bv_channel_endpoint(ch, &ep)) == 0 && (rc = bv_channel_connect(ch, &ep)) == 0)
		rc = receive_one(ch, epoll_fd, &wc);
	if (rc < 0)
		fprintf(stderr, "%s\n", bv_error_text(ch));
	else
		printf("a message came: %u\n", wc.imm);
	bv_channel_destroy(ch);
	bv_pd_free(pd);
	bv_close(dev);
	close(epoll_fd);
	return rc == 1 && wc.imm == 4242 ? 0 : 1;
}
