/* SPDX-License-Identifier: MIT */
/*
 * Groups: made, asked about, failed and left.
 */
#include "group.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bareverbs/debug.h>
#include <bareverbs/work.h>

#include "clock.h"
#include "error.h"

/* How long those who leave wait until their last words have arrived. */
#define FAREWELL_NS BV_SEC

static int check_attr(struct bv_pd *pd, const struct bv_group_attr *attr, struct bv_group **out)
{
	if (!pd || !attr || !out)
		return bvi_fail(-EINVAL, "bv_group_create: an argument is NULL");
	if (attr->size < 1 || attr->size > BV_GROUP_SIZE_MAX)
		return bvi_fail(-EINVAL, "bv_group_create: size is %u; it must be 1..%u",
				attr->size, BV_GROUP_SIZE_MAX);
	if (attr->rank >= attr->size)
		return bvi_fail(-EINVAL,
				"bv_group_create: rank is %u; with size %u it must be 0..%u",
				attr->rank, attr->size, attr->size - 1);
	return 0;
}

static void release(struct bv_group *group)
{
	bv_mr_dereg(group->mr);
	free(group->slots);
	free(group->peers);
	free(group->members);
	free(group);
}

static int add_memory(struct bv_group *group)
{
	const size_t size = group->size * sizeof(*group->slots);

	group->slots = aligned_alloc(BVI_SLOT_SIZE, size);
	group->peers = calloc(group->size, sizeof(*group->peers));
	group->members = calloc(group->size, sizeof(*group->members));
	if (!group->slots || !group->peers || !group->members)
		return bvi_fail(-ENOMEM, "bv_group_create: no memory for %u ranks", group->size);
	memset(group->slots, 0, size);
	return bv_mr_reg(group->pd, group->slots, size,
			 BV_ACCESS_LOCAL_WRITE | BV_ACCESS_REMOTE_WRITE, &group->mr);
}

int bv_group_create(struct bv_pd *pd, const struct bv_group_attr *attr, struct bv_group **out)
{
	const struct bv_channel_attr usual = BV_CHANNEL_ATTR_DEFAULT;
	struct bv_group *group;
	int rc;

	rc = check_attr(pd, attr, out);
	if (rc < 0)
		return rc;
	group = calloc(1, sizeof(*group));
	if (!group)
		return bvi_fail(-ENOMEM, "bv_group_create: no memory");
	group->pd = pd;
	group->rank = attr->rank;
	group->size = attr->size;
	group->channel = attr->channel ? *attr->channel : usual;
	group->channels = attr->channels;
	rc = add_memory(group);
	if (rc < 0) {
		release(group);
		return rc;
	}
	*out = group;
	return 0;
}

int64_t bvi_group_write(struct bvi_peer *peer, const struct bv_remote *to, struct bvi_word word,
			unsigned flags)
{
	const uint64_t bytes = bvi_word_pack(word);

	/* Without the text that posting would write: a barrier may do without this peer. */
	if (bv_channel_state(peer->own) != BV_CHANNEL_READY)
		return -EIO;
	return bv_post_write_inline(peer->own, &bytes, sizeof(bytes), to, flags);
}

bool bvi_group_news(const struct bv_group *group, uint32_t rank, enum bvi_news *kind,
		    struct bvi_word *word)
{
	if (!bvi_word_load(&group->slots[rank].news, word))
		return false;
	*kind = (enum bvi_news)(word->info >> 12);
	return true;
}

/* Of the barrier that is under way. */
static bool is_member(const struct bv_group *group, uint32_t rank)
{
	for (uint32_t i = 0; i < group->nmembers; i++)
		if (group->members[i] == rank)
			return true;
	return false;
}

int bvi_group_fail(struct bv_group *group, int code, uint32_t rank, uint32_t reporter,
		   const char *format, ...)
{
	va_list args;

	group->error = (struct bv_group_error){ .code = code, .rank = rank, .reporter = reporter };
	va_start(args, format);
	vsnprintf(group->error.text, sizeof(group->error.text), format, args);
	va_end(args);
	/* Best effort: those whom it does not reach have their own time-outs. */
	for (uint32_t i = 0; i < group->size; i++) {
		struct bvi_peer *peer = &group->peers[i];
		const uint32_t passed = peer->barriers - is_member(group, i);
		const struct bvi_word word = { rank, bvi_news_failed(code, passed + 1) };

		if (peer->own)
			(void)bvi_group_write(peer, &peer->news, word, 0);
	}
	return bvi_fail(code, "%s", group->error.text);
}

/* Nothing that we could say matters to @rank any more. */
static bool is_gone(const struct bv_group *group, uint32_t rank)
{
	enum bvi_news kind;
	struct bvi_word word;

	return !group->peers[rank].own ||
	       (bvi_group_news(group, rank, &kind, &word) && kind != BVI_NEWS_HERE);
}

/* All that we said has arrived, or never will. */
static bool is_told(const struct bv_group *group, uint32_t rank)
{
	struct bv_channel *own = group->peers[rank].own;

	return is_gone(group, rank) || bv_channel_state(own) != BV_CHANNEL_READY ||
	       bv_test(own, bv_last_posted(own), NULL) != 0;
}

/*
 * Says goodbye, and waits until that has arrived, and with it all that was said before: a peer may
 * need our last step still, and must be able to tell a rank that left from one that died.
 */
static void leave(struct bv_group *group)
{
	const int64_t deadline = bvi_clock_ns() + FAREWELL_NS;

	for (uint32_t rank = 0; rank < group->size; rank++) {
		struct bvi_peer *peer = &group->peers[rank];
		const struct bvi_word word = { peer->barriers, bvi_news_info(BVI_NEWS_LEFT) };

		/* Who failed has told so already; a queue is full only if its peer does not answer. */
		if (group->error.code == 0 && !is_gone(group, rank))
			(void)bvi_group_write(peer, &peer->news, word, 0);
	}
	for (uint32_t rank = 0; rank < group->size; rank++)
		while (!is_told(group, rank) && bvi_clock_ns() < deadline)
			sched_yield();
}

void bv_group_destroy(struct bv_group *group)
{
	if (!group)
		return;
	leave(group);
	for (uint32_t rank = 0; rank < group->size; rank++) {
		bv_channel_destroy(group->peers[rank].own);
		bv_channel_destroy(group->peers[rank].program);
	}
	release(group);
}

uint32_t bv_group_rank(const struct bv_group *group)
{
	return group->rank;
}

uint32_t bv_group_size(const struct bv_group *group)
{
	return group->size;
}

struct bv_channel *bv_group_channel(const struct bv_group *group, uint32_t peer)
{
	return peer < group->size ? group->peers[peer].program : NULL;
}

int bv_group_failed(const struct bv_group *group, struct bv_group_error *error)
{
	if (group->error.code == 0)
		return 0;
	if (error)
		*error = group->error;
	return 1;
}
