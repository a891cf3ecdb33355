/* SPDX-License-Identifier: MIT */
/*
 * Only what the CPU would touch is looked at. Elements of posts may be wrong, as many tests want them
 * to be: the device holds them against the registered memory.
 */
#include "bounds.h"

#include <string.h>

#include "flow.h"

/* Enough for any test; nobody shall make a server fill its host's memory. */
#define OWN_BYTES_MAX (64u << 20)

/* Of regions that were there once, and near enough that their addresses can be computed. */
static bool list_fits(const struct local *local, const struct list *list)
{
	if (list->n > MAX_PIECES)
		return false;
	for (unsigned i = 0; i < list->n; i++) {
		const struct piece *piece = &list->piece[i];

		if (piece->mr >= MAX_MRS || !local->mr[piece->mr].base ||
		    piece->offset > 2 * ARENA_BYTES)
			return false;
	}
	return true;
}

/* With @guard bytes on either side. */
static bool memory_fits(const struct local *local, const struct piece *piece, uint64_t guard)
{
	const struct local_mr *mr = &local->mr[piece->mr];
	const uint64_t size = mr->base == local->arena ? ARENA_BYTES : mr->mapped;

	return mr->base && piece->offset >= guard && piece->offset <= size &&
	       piece->length + guard <= size - piece->offset;
}

static bool fill_fits(const struct local *local, const struct list *list)
{
	if (!list_fits(local, list))
		return false;
	for (unsigned i = 0; i < list->n; i++)
		if (!memory_fits(local, &list->piece[i], GUARD_BYTES))
			return false;
	return true;
}

static bool post_fits(const struct local *local, const struct post *post)
{
	if ((unsigned)post->op >= OP_COUNT || !list_fits(local, &post->list))
		return false;
	return !op_is_inline(post->op) || post->list.n == 0 ||
	       memory_fits(local, &post->list.piece[0], 0);
}

static bool is_free(const struct local_mr *mr)
{
	return !mr->mr && mr->mapped == 0;
}

static bool reg_fits(const struct local *local, const struct request *req)
{
	if (req->reg.mr >= MAX_MRS || req->reg.mr == MR_ARENA || req->reg.pd >= PD_COUNT)
		return false;
	if (req->command == CMD_REG_OWN)
		return is_free(&local->mr[req->reg.mr]) && req->reg.length <= OWN_BYTES_MAX;
	return req->command != CMD_REG ||
	       (is_free(&local->mr[req->reg.mr]) && req->reg.offset <= ARENA_BYTES &&
		req->reg.length <= ARENA_BYTES - req->reg.offset);
}

static bool open_fits(const struct local *local, const struct request *req)
{
	return !local->dev && memchr(req->open.device, '\0', sizeof(req->open.device)) &&
	       memchr(req->open.provider, '\0', sizeof(req->open.provider));
}

static bool flow_fits(const struct request *req)
{
	const uint64_t most = ARENA_BYTES - FLOW_BATCH * FLOW_STRIDE;

	return req->flow.n <= FLOW_BATCH && req->flow.base <= most;
}

/* Of a channel that is there. */
static bool channel_fits(const struct local *local, const struct request *req)
{
	switch (req->command) {
	case CMD_CREATE:
		return !local->ch[req->slot];
	case CMD_POST:
		return local->ch[req->slot] && post_fits(local, &req->post);
	case CMD_REAP:
		return local->ch[req->slot] && req->reap.count <= MAX_REAP;
	case CMD_FLOW_PREPARE:
	case CMD_FLOW_VERIFY:
		return local->ch[req->slot] && flow_fits(req);
	default:
		return local->ch[req->slot] != NULL;
	}
}

bool request_fits(const struct local *local, const struct request *req)
{
	if ((unsigned)req->command >= CMD_COUNT || req->slot >= MAX_CHANNELS)
		return false;
	switch (req->command) {
	case CMD_OPEN:
		return open_fits(local, req);
	case CMD_RESET:
	case CMD_DIE:
		return true;
	case CMD_REG:
	case CMD_REG_OWN:
	case CMD_UNMAP:
	case CMD_DEREG:
		return reg_fits(local, req);
	case CMD_FILL:
	case CMD_CHECK:
		return fill_fits(local, &req->memory.list);
	default:
		return channel_fits(local, req);
	}
}
