/* SPDX-License-Identifier: MIT */
#include "local.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "flow.h"
#include "options.h"
#include "pattern.h"
#include "pause.h"

struct local *local_new(void)
{
	struct local *local = calloc(1, sizeof(*local));

	if (!local)
		return NULL;
	local->arena =
		mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (local->arena == MAP_FAILED) {
		free(local);
		return NULL;
	}
	return local;
}

static void mr_release(struct local_mr *mr)
{
	bv_mr_dereg(mr->mr);
	if (mr->mapped)
		munmap(mr->base, mr->mapped);
	memset(mr, 0, sizeof(*mr));
}

static void reset(struct local *local)
{
	for (unsigned i = 0; i < MAX_CHANNELS; i++) {
		bv_channel_destroy(local->ch[i]);
		local->ch[i] = NULL;
	}
	for (unsigned i = 0; i < MAX_MRS; i++)
		if (i != MR_ARENA)
			mr_release(&local->mr[i]);
}

void local_free(struct local *local)
{
	if (!local)
		return;
	reset(local);
	mr_release(&local->mr[MR_ARENA]);
	for (unsigned i = 0; i < PD_COUNT; i++)
		bv_pd_free(local->pd[i]);
	bv_close(local->dev);
	munmap(local->arena, ARENA_BYTES);
	free(local);
}

static int reg(struct local *local, unsigned index, unsigned pd, uint8_t *base, uint64_t offset,
	       uint64_t length, unsigned access)
{
	struct local_mr *mr = &local->mr[index];
	int rc;

	rc = bv_mr_reg(local->pd[pd], base + offset, length, access, &mr->mr);
	if (rc < 0)
		return rc;
	mr->keys = *mr->mr;
	mr->base = base;
	return 0;
}

static int reg_own(struct local *local, unsigned index, uint64_t length, unsigned access)
{
	struct local_mr *mr = &local->mr[index];
	uint8_t *memory;
	int rc;

	memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	memset(memory, GUARD_BYTE, length);
	rc = reg(local, index, PD_MAIN, memory, 0, length, access);
	if (rc < 0) {
		munmap(memory, length);
		return rc;
	}
	mr->mapped = length;
	return 0;
}

static int open_device(struct local *local, const struct request *req, struct bv_remote *arena)
{
	const struct bv_open_opts opts = { .provider = req->open.provider };
	int rc;

	const char *device = options.device;

	if (!device && req->open.device[0])
		device = req->open.device;
	rc = bv_open(device, &opts, &local->dev);
	for (unsigned i = 0; rc == 0 && i < PD_COUNT; i++)
		rc = bv_pd_alloc(local->dev, &local->pd[i]);
	if (rc < 0)
		return rc;
	rc = reg(local, MR_ARENA, PD_MAIN, local->arena, 0, ARENA_BYTES, BV_ACCESS_SHARED);
	if (rc == 0)
		*arena = bv_mr_remote(local->mr[MR_ARENA].mr);
	return rc;
}

static int create(struct local *local, const struct request *req, struct bv_endpoint *ep)
{
	struct bv_channel_attr attr = req->create.attr;
	int rc;

	if (req->create.own_port)
		attr.port = options.port;
	if (req->create.own_gid)
		attr.gid_index = options.gid_index;
	attr.completions |= options.completions;
	rc = bv_channel_create(local->pd[PD_MAIN], &attr, &local->ch[req->slot]);
	return rc < 0 ? rc : bv_channel_endpoint(local->ch[req->slot], ep);
}

static void *piece_at(const struct local *local, const struct piece *piece)
{
	return local->mr[piece->mr].base + piece->offset;
}

static int64_t post_inline(struct local *local, struct bv_channel *ch, const struct post *post)
{
	const struct piece *piece = &post->list.piece[0];
	const size_t length = post->list.n ? piece->length : 0;
	void *copy = malloc(length + 1);
	int64_t rc;

	if (!copy)
		return -ENOMEM;
	/* The payload is copied by the post: what the buffer holds afterwards must not matter. */
	if (length)
		memcpy(copy, piece_at(local, piece), length);
	switch (post->op) {
	case OP_SEND_INLINE:
		rc = bv_post_send_inline(ch, copy, length, post->flags);
		break;
	case OP_SEND_INLINE_IMM:
		rc = bv_post_send_inline_imm(ch, copy, length, post->imm, post->flags);
		break;
	case OP_WRITE_INLINE:
		rc = bv_post_write_inline(ch, copy, length, &post->remote, post->flags);
		break;
	default:
		rc = bv_post_write_inline_imm(ch, copy, length, &post->remote, post->imm,
					      post->flags);
		break;
	}
	memset(copy, 0x11, length + 1);
	free(copy);
	return rc;
}

static int64_t post_gather(struct local *local, struct bv_channel *ch, const struct post *post)
{
	struct bv_gather sg[MAX_PIECES];
	const unsigned n = post->list.n;
	int64_t rc;

	for (unsigned i = 0; i < n; i++)
		sg[i] = bv_gather_unchecked(&local->mr[post->list.piece[i].mr].keys,
					    piece_at(local, &post->list.piece[i]),
					    post->list.piece[i].length);
	switch (post->op) {
	case OP_SEND:
		rc = bv_post_send(ch, n ? sg : NULL, n, post->flags);
		break;
	case OP_SEND_IMM:
		rc = bv_post_send_imm(ch, n ? sg : NULL, n, post->imm, post->flags);
		break;
	case OP_WRITE:
		if (post->unchecked)
			rc = bv_post_write_unchecked(ch, sg, n, &post->remote, post->flags);
		else
			rc = bv_post_write(ch, n ? sg : NULL, n, &post->remote, post->flags);
		break;
	default:
		rc = bv_post_write_imm(ch, n ? sg : NULL, n, &post->remote, post->imm, post->flags);
		break;
	}
	/* Lists are read at the post only. */
	memset(sg, 0x11, sizeof(sg));
	return rc;
}

static int64_t post_scatter(struct local *local, struct bv_channel *ch, const struct post *post)
{
	struct bv_scatter sg[MAX_PIECES];
	const unsigned n = post->list.n;
	int64_t rc;

	for (unsigned i = 0; i < n; i++)
		sg[i] = bv_scatter_unchecked(&local->mr[post->list.piece[i].mr].keys,
					     piece_at(local, &post->list.piece[i]),
					     post->list.piece[i].length);
	if (post->op == OP_READ)
		rc = bv_post_read(ch, n ? sg : NULL, n, &post->remote, post->flags);
	else
		rc = bv_post_recv(ch, n ? sg : NULL, n);
	memset(sg, 0x11, sizeof(sg));
	return rc;
}

int64_t local_post(struct local *local, unsigned slot, const struct post *post)
{
	struct bv_channel *ch = local->ch[slot];

	if (op_is_inline(post->op))
		return post_inline(local, ch, post);
	if (post->op == OP_READ || post->op == OP_RECV)
		return post_scatter(local, ch, post);
	return post_gather(local, ch, post);
}

int local_reap(struct local *local, unsigned slot, bool recv, unsigned count, int64_t timeout_ns,
	       struct bv_wc *wc)
{
	struct bv_channel *ch = local->ch[slot];
	const int64_t end = pause_now() + timeout_ns;
	unsigned got = 0;
	int n;

	while (got < count) {
		n = recv ? bv_poll_recv(ch, wc + got, count - got) :
			   bv_poll_send(ch, wc + got, count - got);
		if (n < 0)
			return n;
		got += (unsigned)n;
		if (n == 0 && pause_now() >= end)
			break;
		if (n == 0)
			pause_once();
	}
	return (int)got;
}

static int wait_work(struct local *local, const struct request *req, struct reply *rep)
{
	struct bv_channel *ch = local->ch[req->slot];
	const int64_t end = pause_now() + req->work.timeout_ns;
	int rc;

	if (!pause_steps())
		return bv_wait(ch, req->work.work, req->work.timeout_ns, rep->wc);
	/* A device that only moves when it is stepped would let bv_wait() wait for nothing. */
	do {
		rc = bv_wait(ch, req->work.work, 0, rep->wc);
		pause_once();
	} while (rc == -ETIMEDOUT && pause_now() < end);
	return rc;
}

static void state(const struct local *local, unsigned slot, struct side_state *state)
{
	const struct bv_channel *ch = local->ch[slot];
	const char *text = bv_error_text(ch);

	memset(state, 0, sizeof(*state));
	memcpy(state->text, text, strnlen(text, sizeof(state->text) - 1));
	state->state = bv_channel_state(ch);
	state->failed = bv_channel_error(ch, &state->error);
	state->flushed = bv_channel_flushed(ch);
	bv_channel_query(ch, &state->info);
}

static int check_piece(const struct piece *piece, const uint8_t *at, uint32_t seed,
		       uint64_t position, uint64_t filled, char *text)
{
	const struct {
		const char *what;
		const uint8_t *from;
		size_t length;
		uint32_t seed;
	} part[] = {
		{ "guard before", at - GUARD_BYTES, GUARD_BYTES, SEED_GUARD },
		{ "data", at, filled, seed },
		{ "rest", at + filled, piece->length - filled, SEED_GUARD },
		{ "guard after", at + piece->length, GUARD_BYTES, SEED_GUARD },
	};

	for (unsigned i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		const int64_t bad =
			pattern_find(part[i].from, part[i].length, part[i].seed, position);

		if (bad < 0)
			continue;
		snprintf(text, TEXT_BYTES, "%s, byte %lld of %zu (message position %llu): 0x%02x",
			 part[i].what, (long long)bad, part[i].length, (unsigned long long)position,
			 part[i].from[bad]);
		return -EILSEQ;
	}
	return 0;
}

static int check(const struct local *local, const struct request *req, char *text)
{
	uint64_t position = 0;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < req->memory.list.n; i++) {
		const struct piece *piece = &req->memory.list.piece[i];
		const uint64_t left = req->memory.length - position;
		const uint64_t filled = piece->length < left ? piece->length : left;

		rc = check_piece(piece, piece_at(local, piece), req->memory.seed, position, filled,
				 text);
		position += filled;
	}
	return rc;
}

static void fill(const struct local *local, const struct request *req)
{
	uint64_t position = 0;

	for (unsigned i = 0; i < req->memory.list.n; i++) {
		const struct piece *piece = &req->memory.list.piece[i];
		uint8_t *at = piece_at(local, piece);

		pattern_fill(at - GUARD_BYTES, GUARD_BYTES, SEED_GUARD, 0);
		pattern_fill(at, piece->length, req->memory.seed, position);
		pattern_fill(at + piece->length, GUARD_BYTES, SEED_GUARD, 0);
		position += piece->length;
	}
}

static int64_t region_command(struct local *local, const struct request *req, struct reply *rep)
{
	struct local_mr *mr = &local->mr[req->reg.mr];
	int rc;

	switch (req->command) {
	case CMD_REG:
		rc = reg(local, req->reg.mr, req->reg.pd, local->arena, req->reg.offset,
			 req->reg.length, req->reg.access);
		break;
	case CMD_REG_OWN:
		rc = reg_own(local, req->reg.mr, req->reg.length, req->reg.access);
		break;
	case CMD_UNMAP:
		rc = munmap(mr->base, mr->mapped);
		mr->mapped = 0;
		return rc;
	default:
		bv_mr_dereg(mr->mr);
		mr->mr = NULL;
		return 0;
	}
	if (rc == 0)
		rep->remote = bv_mr_remote(mr->mr);
	return rc;
}

static int recover(struct local *local, const struct request *req, struct bv_endpoint *ep)
{
	struct bv_channel **ch = &local->ch[req->slot];
	const int64_t timeout_ns = req->recover.timeout_ns;
	int rc, dropped;

	switch (req->recover.what) {
	case RECOVER_DRAIN:
		return bv_channel_drain(*ch, timeout_ns);
	case RECOVER_PROBE:
		return bv_channel_probe(*ch, timeout_ns);
	case RECOVER_CLOSE:
		rc = bv_channel_close(*ch, timeout_ns);
		if (rc != -EBUSY)
			*ch = NULL;
		return rc;
	default:
		dropped = bv_channel_reset(*ch);
		rc = dropped < 0 ? dropped : bv_channel_endpoint(*ch, ep);
		return rc < 0 ? rc : dropped;
	}
}

static int64_t channel_command(struct local *local, const struct request *req, struct reply *rep)
{
	struct bv_channel **ch = &local->ch[req->slot];

	switch (req->command) {
	case CMD_CREATE:
		return create(local, req, &rep->endpoint);
	case CMD_CONNECT:
		return bv_channel_connect(*ch, &req->endpoint);
	case CMD_DESTROY:
		bv_channel_destroy(*ch);
		*ch = NULL;
		return 0;
	case CMD_RECOVER:
		return recover(local, req, &rep->endpoint);
	case CMD_POST:
		return local_post(local, req->slot, &req->post);
	case CMD_REAP:
		return local_reap(local, req->slot, req->reap.recv, req->reap.count,
				  req->reap.timeout_ns, rep->wc);
	case CMD_TEST:
		return bv_test(*ch, req->work.work, rep->wc);
	case CMD_WAIT:
		return wait_work(local, req, rep);
	case CMD_STATE:
		state(local, req->slot, &rep->state);
		return 0;
	case CMD_FLOW_PREPARE:
		return flow_prepare(local, req->slot, req->flow.base, req->flow.first, req->flow.n,
				    rep->text);
	default:
		return flow_verify(local, req->slot, req->flow.base, req->flow.first, req->flow.n,
				   rep->text);
	}
}

void local_execute(struct local *local, const struct request *req, struct reply *rep)
{
	rep->text[0] = '\0';
	switch (req->command) {
	case CMD_OPEN:
		rep->rc = open_device(local, req, &rep->remote);
		break;
	case CMD_RESET:
		reset(local);
		rep->rc = 0;
		break;
	case CMD_REG:
	case CMD_REG_OWN:
	case CMD_UNMAP:
	case CMD_DEREG:
		rep->rc = region_command(local, req, rep);
		break;
	case CMD_DIE:
		raise(SIGKILL);
		break;
	case CMD_FILL:
		fill(local, req);
		rep->rc = 0;
		break;
	case CMD_CHECK:
		rep->rc = check(local, req, rep->text);
		break;
	default:
		rep->rc = channel_command(local, req, rep);
		break;
	}
	if (rep->rc < 0 && !rep->text[0]) {
		const char *text = bv_last_error()->text;

		memcpy(rep->text, text, strnlen(text, sizeof(rep->text) - 1) + 1);
	}
}
