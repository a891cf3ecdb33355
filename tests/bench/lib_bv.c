/* SPDX-License-Identifier: MIT */
/*
 * bareverbs, by its public calls. Compiled once for each row: BENCH_BV_NAME and BENCH_BV_PROVIDER say
 * which, BENCH_BV_SYMBOL is the library's symbol; with BV_PIN_PROVIDER the calls are bound at compile
 * time. What is in the environment chooses a variant of the provider. Where it can put payloads into completions
 * (BENCH_BV_INSIDE), a second channel has it do so.
 */
#include "bench.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include <bareverbs/bareverbs.h>

struct bench_side {
	struct bench_base base;
	struct bv_channel *ch;
	struct bv_remote target;
	struct bv_remote counter;
	struct bv_gather sge_1;
	struct bv_gather sge_4[BENCH_SGE_MAX];
	struct bv_gather message;
	struct bv_scatter result;
	struct bv_scatter number;
	struct bv_scatter landing;
	struct bv_scatter landings[BENCH_CHAIN];
	struct bv_wc wc[BENCH_CHAIN];
	const void *payload[BENCH_CHAIN]; /* where they are; [0] NULL: where they land */
	struct bv_channel *inside;
	struct bv_gather short_message;

	struct bv_device *dev;
	struct bv_pd *pd;
	struct bv_mr *mr;
	struct bv_channel_info info;
};

/* Posts one after the other, until one is refused. */
#define POSTS(call)                                      \
	do {                                             \
		unsigned posted;                         \
                                                         \
		for (posted = 0; posted < n; posted++) { \
			if ((call) < 0)                  \
				break;                   \
		}                                        \
		return posted;                           \
	} while (0)

/* Polls that bring @each completions at a time. */
#define POLLS(each, call)                                     \
	do {                                                  \
		unsigned found;                               \
                                                              \
		for (found = 0; found < n; found += (each)) { \
			if ((call) != (each))                 \
				break;                        \
		}                                             \
		return found;                                 \
	} while (0)

static unsigned write_inline_8(struct bench_side *s, unsigned n)
{
	POSTS(bv_post_write_inline(s->ch, s->base.memory, 8, &s->target, 0));
}

static unsigned write_inline_28(struct bench_side *s, unsigned n)
{
	POSTS(bv_post_write_inline(s->ch, s->base.memory, 28, &s->target, 0));
}

static unsigned write_inline_64(struct bench_side *s, unsigned n)
{
	POSTS(bv_post_write_inline(s->ch, s->base.memory, 64, &s->target, 0));
}

static unsigned write_sge_1(struct bench_side *s, unsigned n)
{
	POSTS(bv_post_write(s->ch, &s->sge_1, 1, &s->target, 0));
}

static unsigned write_sge_4(struct bench_side *s, unsigned n)
{
	POSTS(bv_post_write(s->ch, s->sge_4, BENCH_SGE_MAX, &s->target, 0));
}

static unsigned send_inline_8(struct bench_side *s, unsigned n)
{
	POSTS(bv_post_send_inline(s->ch, s->base.memory, 8, 0));
}

static unsigned post_read(struct bench_side *s, unsigned n)
{
	POSTS(bv_post_read(s->ch, &s->result, 1, &s->target, 0));
}

static unsigned fetch_add(struct bench_side *s, unsigned n)
{
	POSTS(bv_post_fetch_add(s->ch, &s->number, &s->counter, BENCH_ADD, 0));
}

/* Written out, so that the loop of the chain is not among what is counted. */
static unsigned write_chain(struct bench_side *s, unsigned n)
{
	struct bv_channel *const ch = s->ch;
	const struct bv_remote *const to = &s->target;
	const void *const from = s->base.memory;
	unsigned i;

#define POST(flags)                                                   \
	do {                                                          \
		if (bv_post_write_inline(ch, from, 8, to, flags) < 0) \
			return i;                                     \
	} while (0)
#define THREE          \
	POST(BV_MORE); \
	POST(BV_MORE); \
	POST(BV_MORE)
	static_assert(BENCH_CHAIN == 16, "five times three, and the last");
	for (i = 0; i < n; i += BENCH_CHAIN) {
		THREE;
		THREE;
		THREE;
		THREE;
		THREE;
		POST(0);
	}
	return i;
#undef THREE
#undef POST
}

static unsigned recv_1(struct bench_side *s, unsigned n)
{
	POSTS(bv_post_recv(s->ch, &s->landing, 1));
}

static unsigned recv_chain(struct bench_side *s, unsigned n)
{
	POLLS(BENCH_CHAIN, bv_post_recv_many(s->ch, s->landings, BENCH_CHAIN));
}

static unsigned send_imm(struct bench_side *s, unsigned n)
{
	POSTS(bv_post_send_imm(s->ch, &s->message, 1, BENCH_IMM, 0));
}

static unsigned poll_send(struct bench_side *s, unsigned n)
{
	POLLS(1, bv_poll_send(s->ch, s->wc, 1));
}

static unsigned poll_recv(struct bench_side *s, unsigned n)
{
	POLLS(1, bv_poll_recv(s->ch, s->wc, 1));
}

static unsigned poll_send_burst(struct bench_side *s, unsigned n)
{
	POLLS(BENCH_CHAIN, bv_poll_send(s->ch, s->wc, BENCH_CHAIN));
}

static unsigned poll_recv_burst(struct bench_side *s, unsigned n)
{
	POLLS(BENCH_CHAIN, bv_poll_recv(s->ch, s->wc, BENCH_CHAIN));
}

static unsigned poll_empty(struct bench_side *s, unsigned n)
{
	POSTS(bv_poll_send(s->ch, s->wc, 1) == 0 ? 0 : -1);
}

#ifdef BENCH_BV_INSIDE

static unsigned short_recv(struct bench_side *s, unsigned n)
{
	POSTS(bv_post_recv(s->inside, &s->landing, 1));
}

static unsigned short_send_imm(struct bench_side *s, unsigned n)
{
	POSTS(bv_post_send_imm(s->inside, &s->short_message, 1, BENCH_IMM, 0));
}

static unsigned short_poll_send(struct bench_side *s, unsigned n)
{
	POLLS(1, bv_poll_send(s->inside, s->wc, 1));
}

static unsigned poll_recv_inline(struct bench_side *s, unsigned n)
{
	POLLS(1, bv_poll_recv(s->inside, s->wc, 1));
}

static unsigned poll_recv_inplace(struct bench_side *s, unsigned n)
{
	POLLS(1, bv_poll_recv_inplace(s->inside, s->wc, s->payload, 1));
}

static unsigned poll_recv_inline_burst(struct bench_side *s, unsigned n)
{
	POLLS(BENCH_CHAIN, bv_poll_recv(s->inside, s->wc, BENCH_CHAIN));
}

static unsigned poll_recv_inplace_burst(struct bench_side *s, unsigned n)
{
	POLLS(BENCH_CHAIN, bv_poll_recv_inplace(s->inside, s->wc, s->payload, BENCH_CHAIN));
}

#define SHORT_CALLS                                                                                 \
	[BENCH_POLL_RECV_INLINE] = poll_recv_inline, [BENCH_POLL_RECV_INPLACE] = poll_recv_inplace, \
	[BENCH_POLL_RECV_INLINE_BURST] = poll_recv_inline_burst,                                    \
	[BENCH_POLL_RECV_INPLACE_BURST] = poll_recv_inplace_burst, [BENCH_SHORT_RECV] = short_recv, \
	[BENCH_SHORT_SEND_IMM] = short_send_imm, [BENCH_SHORT_POLL_SEND] = short_poll_send

#endif

static void seen(const struct bench_side *s, struct bench_seen *out)
{
	*out = (struct bench_seen){
		.good = s->wc[0].status == BV_STATUS_SUCCESS,
		.payload = s->payload[0],
		.bytes = s->wc[0].bytes,
		.has_imm = s->wc[0].flags & BV_WC_IMM,
		.imm = s->wc[0].imm,
	};
}

/* What a caller has ready before it posts. */
static void lists(struct bench_side *s)
{
	uint8_t *m = s->base.memory;

	s->target = bv_mr_remote(s->mr);
	s->target.addr += BENCH_TARGET;
	s->target.length = BENCH_MEMORY - BENCH_TARGET;
	s->counter = s->target;
	s->sge_1 = bv_gather(s->mr, m + BENCH_PAYLOAD, BENCH_SGE_LENGTH);
	for (unsigned i = 0; i < BENCH_SGE_MAX; i++)
		s->sge_4[i] = bv_gather(s->mr, m + BENCH_PAYLOAD + i * BENCH_PIECE_STRIDE,
					BENCH_PIECE_LENGTH);
	s->message = bv_gather(s->mr, m + BENCH_PAYLOAD, BENCH_MESSAGE);
	s->short_message = bv_gather(s->mr, m + BENCH_PAYLOAD, BENCH_SHORT);
	s->result = bv_scatter(s->mr, m + BENCH_RESULT, BENCH_SGE_LENGTH);
	s->number = bv_scatter(s->mr, m + BENCH_RESULT, sizeof(uint64_t));
	s->landing = bv_scatter(s->mr, m + BENCH_LANDING, BENCH_MESSAGE);
	for (unsigned i = 0; i < BENCH_CHAIN; i++)
		s->landings[i] = s->landing;
}

static int connect_itself(struct bench_side *s, unsigned completions, struct bv_channel **ch)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;
	struct bv_endpoint own;
	int rc;

	attr.max_send = attr.max_recv = BENCH_DEPTH;
	attr.max_send_sge = BENCH_SGE_MAX;
	attr.max_recv_sge = 1;
	attr.max_inline = BENCH_INLINE_MAX;
	attr.access |= BV_ACCESS_REMOTE_ATOMIC;
	attr.completions = completions;
	rc = bv_channel_create(s->pd, &attr, ch);
	if (rc == 0)
		rc = bv_channel_endpoint(*ch, &own);
	return rc == 0 ? bv_channel_connect(*ch, &own) : rc;
}

static void close_side(struct bench_side *s)
{
	bv_channel_destroy(s->inside);
	bv_channel_destroy(s->ch);
	bv_mr_dereg(s->mr);
	bv_pd_free(s->pd);
	bv_close(s->dev);
	free(s->base.memory);
	free(s);
}

static struct bench_side *open_side(char *why, size_t size)
{
	const struct bv_open_opts opts = { .provider = BENCH_BV_PROVIDER };
	struct bench_side *s = aligned_alloc(64, (sizeof(*s) + 63) / 64 * 64);
	int rc;

	*s = (struct bench_side){ .base = { .memory = aligned_alloc(4096, BENCH_MEMORY) } };
#ifdef BENCH_BV_VARIABLE
	setenv(BENCH_BV_VARIABLE, BENCH_BV_VALUE, 1);
#endif
	rc = bv_open(NULL, &opts, &s->dev);
	if (rc == 0)
		rc = bv_pd_alloc(s->dev, &s->pd);
	if (rc == 0)
		rc = bv_mr_reg(s->pd, s->base.memory, BENCH_MEMORY,
			       BV_ACCESS_SHARED | BV_ACCESS_REMOTE_ATOMIC, &s->mr);
	if (rc == 0)
		rc = connect_itself(s, 0, &s->ch);
#ifdef BENCH_BV_INSIDE
	if (rc == 0)
		rc = connect_itself(s, BV_COMPLETIONS_INLINE, &s->inside);
#endif
#ifdef BENCH_BV_VARIABLE
	unsetenv(BENCH_BV_VARIABLE);
#endif
	if (rc < 0) {
		snprintf(why, size, "%s", bv_last_error()->text);
		close_side(s);
		return NULL;
	}
	lists(s);
	bv_channel_query(s->ch, &s->info);
	s->base.about = s->info.data_path;
	s->base.own = s;
	s->base.own_size = sizeof(*s);
	return s;
}

const struct bench_library BENCH_BV_SYMBOL = {
	.name = BENCH_BV_NAME,
	.open = open_side,
	.close = close_side,
	.seen = seen,
	.run = {
		BENCH_EVERY_CALL,
#ifdef BENCH_BV_INSIDE
		SHORT_CALLS,
#endif
	},
};
