/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <stdio.h>
#include <string.h>

#include "pause.h"

/* One side for all ends, or one for each. */
static struct side sides[2];

static struct side *side_b(void)
{
	return sides[1].local || sides[1].fd >= 0 ? &sides[1] : &sides[0];
}

/* Why start_world() failed. */
static char why[TEXT_BYTES + 256];

static int start(struct side *side, const char *provider, bool process)
{
	int rc = process ? side_start_process(side, options.program) : side_start_local(side);

	if (rc == 0)
		rc = side_open(side, options.device, provider);
	if (rc < 0)
		snprintf(why, sizeof(why), "provider %s%s: %s", provider,
			 process && options.peer ? ", on the other host" : "",
			 side->text[0] ? side->text : strerror(-rc));
	return rc;
}

static int start_world(void)
{
	const bool process = options.topology == TOPOLOGY_PROCESS;
	const bool mixed = strcmp(options.provider, options.peer_provider) != 0;
	int rc = 0;

	sides[1].fd = -1;
	if (process || mixed)
		rc = start(&sides[1], options.peer_provider, process);
	if (rc == 0)
		rc = start(&sides[0], options.provider, false);
	return rc;
}

static void cannot(char *text, size_t size)
{
	snprintf(text, size, "%s", why);
}

static int stop_world(void)
{
	bool well = true;

	for (unsigned i = 0; i < 2; i++)
		well &= side_stop(&sides[i]);
	return well ? 0 : -1;
}

static bool alive(void)
{
	return side_alive(side_b());
}

static const char *lacks(const struct group *group)
{
	if (group->two_ends && options.topology == TOPOLOGY_LOOPBACK)
		return "two ends";
	if (group->process && options.topology != TOPOLOGY_PROCESS)
		return "two processes";
	return NULL;
}

const struct world world = {
	.start = start_world,
	.stop = stop_world,
	.alive = alive,
	.lacks = lacks,
	.cannot = cannot,
};

int world_reset(void **state)
{
	(void)state;
	side_reset(&sides[0]);
	if (side_b() != &sides[0])
		side_reset(side_b());
	return 0;
}

void need_live_device(void)
{
	if (!pause_steps())
		return;
	skip_because("the device is stepped by hand");
}

void need_gid_choice(void)
{
	if (options.gid_index != BV_GID_AUTO)
		skip_because("--gid-index has chosen the row");
}

void need_gid_tables(void)
{
	need_gid_choice();
	if (options.peer)
		skip_because("the GID table of the other host is not known here");
}

struct bv_channel_attr link_attr(void)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;

	attr.port = options.port;
	attr.gid_index = options.gid_index;
	attr.max_send = 64;
	attr.max_recv = 64;
	attr.max_inline = 256;
	attr.retry = 7;
	attr.ack_timeout = bv_ack_timeout_code(BV_SEC);
	attr.min_rnr_timer = bv_rnr_timer_code(10 * BV_USEC);
	return attr;
}

void link_create_at(struct link *link, unsigned index, const struct bv_channel_attr *a,
		    const struct bv_channel_attr *b)
{
	const struct bv_channel_attr attr = link_attr();
	int rc;

	memset(link, 0, sizeof(*link));
	link->a.side = &sides[0];
	link->a.slot = 2 * index;
	rc = side_create(link->a.side, link->a.slot, a ? a : &attr, &link->a.endpoint);
	if (rc < 0)
		fail_msg("create end A: %s", link->a.side->text);
	link->b = link->a;
	link->b.base = ARENA_HALF;
	if (options.topology == TOPOLOGY_LOOPBACK)
		return;
	link->b.side = side_b();
	link->b.slot = 2 * index + 1;
	rc = side_create(link->b.side, link->b.slot, b ? b : &attr, &link->b.endpoint);
	if (rc < 0)
		fail_msg("create end B: %s", link->b.side->text);
}

void link_create(struct link *link, const struct bv_channel_attr *a,
		 const struct bv_channel_attr *b)
{
	link_create_at(link, 0, a, b);
}

static void connect_end(struct end *end, const struct bv_endpoint *peer)
{
	struct side_state state;

	if (side_connect(end->side, end->slot, peer) < 0)
		fail_msg("connect: %s", end->side->text);
	end_state(end, &state);
	assert_int_equal(state.state, BV_CHANNEL_READY);
	end->info = state.info;
}

void link_connect(struct link *link)
{
	connect_end(&link->a, &link->b.endpoint);
	if (options.topology == TOPOLOGY_LOOPBACK)
		link->b.info = link->a.info;
	else
		connect_end(&link->b, &link->a.endpoint);
}

void link_up(struct link *link, const struct bv_channel_attr *a, const struct bv_channel_attr *b)
{
	link_create(link, a, b);
	link_connect(link);
}

struct bv_remote end_remote(const struct end *end, uint64_t offset, uint64_t length)
{
	struct bv_remote remote;

	if (bv_remote_slice(&end->side->arena, offset, length, &remote) < 0)
		fail_msg("remote region outside the arena");
	return remote;
}

static int64_t *next_handle(struct end *end, const struct post *post)
{
	return post->op == OP_RECV ? &end->side->next_recv[end->slot] :
				     &end->side->next_send[end->slot];
}

int64_t end_post(struct end *end, const struct post *post)
{
	int64_t *next = next_handle(end, post);
	const int64_t work = side_post(end->side, end->slot, post);

	if (work < 0)
		fail_msg("post %s: %s: %s", op_name(post->op), strerror((int)-work),
			 end->side->text);
	assert_int_equal(work, *next);
	(*next)++;
	return work;
}

void end_refused(struct end *end, const struct post *post, int rc)
{
	end->side->text[0] = '\0';
	assert_int_equal(side_post(end->side, end->slot, post), rc);
}

void end_reap(struct end *end, bool recv, unsigned count, struct bv_wc *wc)
{
	const int n = side_reap(end->side, end->slot, recv, count, WAIT_NS, wc);

	if (n < 0)
		fail_msg("reap: %s: %s", strerror(-n), end->side->text);
	assert_int_equal(n, count);
}

void end_reap_none(struct end *end, bool recv, int64_t ns)
{
	struct bv_wc wc;

	assert_int_equal(side_reap(end->side, end->slot, recv, 1, ns, &wc), 0);
}

void end_state(const struct end *end, struct side_state *state)
{
	assert_int_equal(side_state(end->side, end->slot, state), 0);
}

void end_fill(const struct end *end, const struct list *list, uint32_t seed)
{
	assert_int_equal(side_fill(end->side, list, seed), 0);
}

void end_check(const struct end *end, const struct list *list, uint32_t seed, uint64_t length)
{
	if (side_check(end->side, list, seed, length) < 0)
		fail_msg("memory: %s", end->side->text);
}

struct list end_piece(const struct end *end, uint64_t offset, uint32_t length)
{
	return (struct list){
		.n = 1,
		.piece = { { .offset = end->base + offset, .length = length, .mr = MR_ARENA } },
	};
}

struct post post_of(const struct link *link, enum op op, unsigned flags)
{
	return (struct post){
		.op = op,
		.flags = flags,
		.imm = 0xfeedf00d,
		.remote = end_remote(&link->b, link->b.base + 4096, 8),
		.list = end_piece(&link->a, 4096, 8),
	};
}

struct post post_write8(const struct link *link, unsigned flags)
{
	return post_of(link, OP_WRITE, flags);
}

struct post post_recv8(const struct end *end)
{
	return (struct post){ .op = OP_RECV, .list = end_piece(end, 8192, 8) };
}
