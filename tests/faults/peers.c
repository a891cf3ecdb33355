/* SPDX-License-Identifier: MIT */
/*
 * Peers that die, stop, unmap their memory, or lie; programs that fork. The device of the healthy
 * side must answer each with the status that hardware would give, and go on.
 */
#include "link.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	TIMEOUT_CODE = 8, /* the device raises it to its floor */
	RETRIES = 2,
	CHUNK = 1 << 20,
};

static void wait_for_end(struct link *l)
{
	link_hear(l);
	link_close(l);
}

/* Keeps the queue full until a completion fails; returns that status. */
static enum ibv_wc_status write_until_failure(struct link *l, unsigned depth)
{
	enum ibv_wc_status status;

	for (unsigned i = 0; i < depth; i++)
		link_write(l, 0, CHUNK);
	for (;;) {
		status = link_wait(l);
		if (status != IBV_WC_SUCCESS)
			break;
		link_write(l, 0, CHUNK);
	}
	for (unsigned i = 1; i < depth; i++)
		must(link_wait(l) == IBV_WC_WR_FLUSH_ERR, "a flush behind the failure");
	return status;
}

static void *kill_soon(void *arg)
{
	usleep(100000);
	kill(*(pid_t *)arg, SIGKILL);
	return NULL;
}

static void peer_killed(void)
{
	struct link l;
	pid_t pid = link_start(&l, wait_for_end, TIMEOUT_CODE, RETRIES);
	pthread_t killer;

	pthread_create(&killer, NULL, kill_soon, &pid);
	must(write_until_failure(&l, 16) == IBV_WC_RETRY_EXC_ERR, "retries exceeded");
	pthread_join(killer, NULL);
	must(link_join(pid) == 128 + SIGKILL, "the peer was killed");
	link_close(&l);
}

/* Alive for the kernel, its socket full: still a peer that does not answer. */
static void peer_stopped(void)
{
	struct link l;
	const pid_t pid = link_start(&l, wait_for_end, TIMEOUT_CODE, RETRIES);

	kill(pid, SIGSTOP);
	must(write_until_failure(&l, 16) == IBV_WC_RETRY_EXC_ERR, "retries exceeded");
	kill(pid, SIGCONT);
	link_tell(&l);
	must(link_join(pid) == 0, "the peer went on");
	link_close(&l);
}

static void unmap_soon(struct link *l)
{
	usleep(100000);
	must(munmap(l->buf, LINK_BUFFER) == 0, "unmap");
	link_hear(l);
	must(ibv_dereg_mr(l->mr) == 0, "deregister after unmapping");
}

static void peer_unmaps(void)
{
	struct link l;
	const pid_t pid = link_start(&l, unmap_soon, 14, 7);

	must(write_until_failure(&l, 16) == IBV_WC_REM_ACCESS_ERR, "remote access error");
	link_tell(&l);
	must(link_join(pid) == 0, "the peer survived");
	link_close(&l);
}

static void *unmap_own_soon(void *arg)
{
	usleep(100000);
	munmap(arg, LINK_BUFFER);
	return NULL;
}

static void own_buffer_unmapped(void)
{
	struct link l;
	const pid_t pid = link_start(&l, wait_for_end, 14, 7);
	pthread_t thread;

	pthread_create(&thread, NULL, unmap_own_soon, l.buf);
	must(write_until_failure(&l, 16) == IBV_WC_LOC_PROT_ERR, "local protection error");
	pthread_join(thread, NULL);
	link_tell(&l);
	must(link_join(pid) == 0, "the peer survived");
	link_close(&l);
}

/* ---- a liar in the run ---- */

static unsigned sockets_of_run(struct sockaddr_un *names, socklen_t *lens, unsigned max)
{
	FILE *f = fopen("/proc/net/unix", "r");
	char line[512];
	unsigned n = 0;

	must(f != NULL, "read /proc/net/unix");
	while (n < max && fgets(line, sizeof(line), f)) {
		char *at = strstr(line, "@mlx5emu.");

		if (!at)
			continue;
		at[strcspn(at, "\n")] = '\0';
		names[n] = (struct sockaddr_un){ .sun_family = AF_UNIX };
		memcpy(names[n].sun_path + 1, at + 1, strlen(at + 1));
		lens[n] = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(at));
		n++;
	}
	fclose(f);
	return n;
}

/* A name of a free slot of the same run: to the device it looks like one more process. */
static int pose_as_process(const struct sockaddr_un *some, socklen_t len)
{
	struct sockaddr_un own = *some;
	const char *slot = strrchr(own.sun_path + 1, '.');
	const size_t stem = (size_t)(slot - own.sun_path) + 1;
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	(void)len;
	memcpy(own.sun_path + stem, "77", 2);
	must(fd >= 0 && bind(fd, (struct sockaddr *)&own,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + stem + 2)) == 0,
	     "bind as slot 77");
	return fd;
}

static void lie_once(int fd, const struct sockaddr_un *names, const socklen_t *lens, unsigned n,
		     uint64_t *x)
{
	/* A plausible header of a write; then a few bytes of noise anywhere. */
	uint8_t d[64 + 64] = { 0x4d, 0x35, 1, 2, 3, 5 };
	unsigned noise;

	*x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
	memcpy(d + 8, (uint8_t[]){ 0, 77, 0, 1, 0, 1 + (uint8_t)(*x & 1), 0, 1 }, 8);
	d[23] = 64, d[39] = 64;
	noise = (unsigned)(*x >> 8) % 4;
	for (unsigned i = 0; i < noise; i++)
		d[(*x >> (16 + 8 * i)) % 64] = (uint8_t)(*x >> (20 + 4 * i));
	for (unsigned i = 0; i < n; i++)
		(void)sendto(fd, d, *x % 7 ? sizeof(d) : *x % sizeof(d), MSG_DONTWAIT,
			     (const struct sockaddr *)&names[i], lens[i]);
}

static void liar_is_ignored(void)
{
	enum {
		MANY = 16,
		ROUNDS = 300,
	};
	struct sockaddr_un names[MANY];
	socklen_t lens[MANY];
	uint64_t x = 0x2545f4914f6cdd1d;
	struct link l;
	const pid_t pid = link_start(&l, wait_for_end, 14, 7);
	const unsigned n = sockets_of_run(names, lens, MANY);
	const int fd = n ? pose_as_process(&names[0], lens[0]) : -1;

	must(n >= 2, "sockets of the run");
	for (unsigned i = 0; i < ROUNDS; i++) {
		link_write(&l, 0, 4096);
		for (unsigned k = 0; k < 20; k++)
			lie_once(fd, names, lens, n, &x);
		must(link_wait(&l) == IBV_WC_SUCCESS, "a write among lies");
	}
	close(fd);
	link_tell(&l);
	must(link_join(pid) == 0, "the peer survived");
	link_close(&l);
}

/* ---- fork with an open device ---- */

static void child_opens_its_own(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *ctx;

	must(list && list[0], "a device in the child");
	ctx = ibv_open_device(list[0]);
	must(ctx != NULL, "open in the child");
	must(ibv_close_device(ctx) == 0, "close in the child");
	ibv_free_device_list(list);
	_exit(0);
}

static void parent_keeps_its_device(void)
{
	struct link l;
	const pid_t pid = link_start(&l, wait_for_end, 14, 7);
	pid_t child;

	for (unsigned i = 0; i < 20; i++) {
		link_write(&l, 0, CHUNK);
		child = fork();
		if (child == 0)
			child_opens_its_own();
		must(link_wait(&l) == IBV_WC_SUCCESS, "the parent's write");
		must(link_join(child) == 0, "the child's own device");
	}
	link_tell(&l);
	must(link_join(pid) == 0, "the peer");
	link_close(&l);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "killed", peer_killed },   { "stopped", peer_stopped },
	{ "unmaps", peer_unmaps },   { "unmapped", own_buffer_unmapped },
	{ "liar", liar_is_ignored }, { "fork", parent_keeps_its_device },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof(cases) / sizeof(*cases); i++) {
		if (strcmp(argv[1], cases[i].name) == 0) {
			cases[i].run();
			return 0;
		}
	}
	fprintf(stderr, "usage: %s killed|stopped|unmaps|unmapped|liar|fork\n", argv[0]);
	return 2;
}
