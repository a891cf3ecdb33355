/* SPDX-License-Identifier: MIT */
/*
 * soak SEED RC|UC|UD [disorder]: two processes with random works on queue pairs to each other, over
 * whatever wire `mlx5emu run` gives them; every byte, completion, order and count is checked. The same
 * seed does the same works. RC must deliver everything, once. Of UC and UD what comes must be right, and
 * with "disorder" it may come late or again, as the wire delays or repeats packets: both take a message
 * of one packet whenever it comes (IBA 9.8.2.2.1).
 */
#include "soak/side.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STALL_S = 30, SETTLE_MS = 30, WAIT_MS = 1000, LIMIT_S = 100 };

static struct side *the_side;

static void report(const struct side *side, const char *how)
{
	static const char *const names[] = { "RC", "UC", "UD" };
	const struct plan *const p = side->plan;

	printf("%s: seed %llu %s, side %u: %u QPs, %u rounds, MTU %u, up to %u bytes, SQ %u, RQ %u%s%s"
	       "%s%s%s, GID %u: %llu works, %llu arrivals, %llu bytes\n",
	       how, (unsigned long long)p->seed, names[p->transport], side->index, p->nqp,
	       p->rounds, 128u << p->mtu, p->max_len, p->sq_depth, p->rq_depth,
	       p->srq ? ", SRQ" : "", p->lazy ? ", late receives" : "", p->events ? ", events" : "",
	       p->extended ? ", ibv_wr_*" : "", p->two_cqs ? ", two CQs" : "", p->gid_index,
	       (unsigned long long)side->works, (unsigned long long)side->arrivals,
	       (unsigned long long)side->bytes);
	fflush(stdout);
}

void soak_fail(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("wrong: ", stdout);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	if (the_side)
		report(the_side, "failed");
	_exit(1);
}

void soak_describe(const struct side *side)
{
	for (unsigned i = 0; i < side->plan->nqp; i++)
		printf("queue pair %u: %u works posted, %u done, %s; %u of %u works of the peer seen, "
		       "%u receives posted, %u taken\n",
		       i, side->requester[i].posted, side->requester[i].done,
		       side->requester[i].more ? "more to come" : "all of the round",
		       side->responder[i].next, side->responder[i].n, side->responder[i].receives,
		       side->responder[i].arrived);
}

/* ---- the other process ---- */

static void tell(struct side *side, char what)
{
	check(write(side->peer, &what, 1) == 1, "the peer has left");
}

static void await(struct side *side, char what)
{
	char said = 0;
	ssize_t n;

	do
		n = read(side->peer, &said, 1);
	while (n < 0 && errno == EINTR);
	check(n == 1, "the peer has left");
	check(said == what, "the peer says '%c', not '%c'", said, what);
}

static void look_at_peer(struct side *side)
{
	struct pollfd fd = { .fd = side->peer, .events = POLLIN };

	if (!side->peer_done && poll(&fd, 1, 0) > 0) {
		await(side, 'd');
		side->peer_done = true;
	}
}

/* ---- completions ---- */

static bool poll_cqs(struct side *side)
{
	struct ibv_wc wc[16];
	bool found = false;

	for (unsigned k = 0; k < (side->plan->two_cqs ? 2u : 1u); k++) {
		const int n = ibv_poll_cq(side->rig.cq[k],
					  1 + (int)(soak_random(&side->random) % 16), wc);

		must(n >= 0);
		for (int i = 0; i < n; i++) {
			if (wc[i].status == IBV_WC_SUCCESS && wc[i].opcode & IBV_WC_RECV)
				responder_arrive(side, &wc[i]);
			else
				requester_complete(side, &wc[i]);
		}
		found = found || n > 0;
	}
	return found;
}

static void take_event(struct side *side)
{
	struct ibv_cq *cq;
	void *context;

	must(ibv_get_cq_event(side->rig.channel, &cq, &context) == 0);
	ibv_ack_cq_events(cq, 1);
}

/* Armed and empty, so the next completion wakes; one that is there, and did not, was lost. */
static void sleep_for_event(struct side *side)
{
	struct pollfd fds[] = { { .fd = side->rig.channel->fd, .events = POLLIN },
				{ .fd = side->peer, .events = side->peer_done ? 0 : POLLIN } };

	must(ibv_req_notify_cq(side->rig.cq[0], 0) == 0);
	must(ibv_req_notify_cq(side->rig.cq[1], 0) == 0);
	if (poll_cqs(side))
		return;
	if (poll(fds, 2, WAIT_MS) == 0 && poll_cqs(side))
		check(poll(fds, 1, WAIT_MS) == 1, "a completion without its event");
	if (poll(fds, 1, 0) == 1)
		take_event(side);
}

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void pause_for(struct side *side, time_t moved)
{
	if (now() - moved > STALL_S) {
		soak_describe(side);
		soak_fail("nothing has moved for %d s", STALL_S);
	}
	if (side->plan->events)
		sleep_for_event(side);
	else
		sched_yield();
}

/* ---- rounds ---- */

static void settle(struct side *side)
{
	struct timespec t = { .tv_nsec = SETTLE_MS * 1000000L };

	if (side->plan->transport != SOAK_RC)
		nanosleep(&t, NULL);
	while (poll_cqs(side))
		;
}

static void one_round(struct side *side)
{
	time_t moved = now();
	bool told = false;

	requester_round(side);
	responder_round(side);
	side->peer_done = false;
	tell(side, 'r');
	await(side, 'r');
	while (!told || !side->peer_done) {
		const bool posted = requester_post(side);

		if (poll_cqs(side)) {
			moved = now();
		} else if (!told && requester_idle(side)) {
			tell(side, 'd');
			told = true;
		} else if (!posted) {
			pause_for(side, moved);
		}
		look_at_peer(side);
	}
	/* The peer's last work is acknowledged, so its arrival is in the queue. */
	settle(side);
	requester_check_round(side);
	responder_check_round(side);
	tell(side, 'v');
	await(side, 'v');
}

static void exchange(struct side *side)
{
	struct rig *const rig = &side->rig;

	check(write(side->peer, &rig->self, sizeof(rig->self)) == sizeof(rig->self) &&
		      read(side->peer, &rig->peer, sizeof(rig->peer)) == sizeof(rig->peer),
	      "the peer has left");
}

static int run_side(const struct plan *plan, unsigned index, int peer)
{
	struct side *const side = calloc(1, sizeof(*side));

	check(side, "no memory");
	the_side = side;
	side->plan = plan;
	side->index = index;
	side->peer = peer;
	side->random = plan->seed * 3 + index;
	alarm(LIMIT_S);
	rig_open(&side->rig, plan, index && plan->seed % 2 ? "mlx5_1" : "mlx5_0", index);
	exchange(side);
	requester_init(side);
	rig_connect(&side->rig);
	responder_init(side);
	tell(side, 'c');
	await(side, 'c');
	for (unsigned i = 0; i < plan->rounds; i++)
		one_round(side);
	responder_check_flush(side);
	report(side, "right");
	tell(side, 'e');
	await(side, 'e');
	rig_close(&side->rig);
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "RC", "UC", "UD" };
	unsigned transport = 0;
	struct plan plan;
	int pair[2], status;
	pid_t child;

	while (argc >= 3 && transport < 3 && strcmp(argv[2], names[transport]) != 0)
		transport++;
	if (argc < 3 || argc > 4 || transport == 3 ||
	    (argc == 4 && strcmp(argv[3], "disorder") != 0)) {
		fprintf(stderr, "usage: soak SEED RC|UC|UD [disorder]\n");
		return 2;
	}
	plan_make(&plan, strtoull(argv[1], NULL, 10), (enum transport)transport);
	plan.disorder = argc == 4;
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	child = fork();
	must(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		return run_side(&plan, 1, pair[1]);
	}
	close(pair[1]);
	if (run_side(&plan, 0, pair[0]) != 0)
		return 1;
	must(waitpid(child, &status, 0) == child);
	return status == 0 ? 0 : 1;
}
