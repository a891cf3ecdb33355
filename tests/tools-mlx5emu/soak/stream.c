/* SPDX-License-Identifier: MIT */
#include "soak/stream.h"

#include <string.h>

/* splitmix64 (Steele, Lea, Flood 2014) */
uint64_t soak_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint32_t below(uint64_t *state, uint32_t n)
{
	return (uint32_t)((soak_random(state) >> 32) * n >> 32);
}

static bool one_in(uint64_t *state, unsigned n)
{
	return below(state, n) == 0;
}

/* As many small ones as large ones, 0 and @max among them. */
static uint32_t length(uint64_t *state, uint32_t max)
{
	unsigned bits = 0;
	uint32_t limit;

	while (bits < 32 && max >> bits)
		bits++;
	limit = 1u << below(state, bits + 1);
	return one_in(state, 16) ? max : below(state, limit < max ? limit : max + 1);
}

void plan_make(struct plan *plan, uint64_t seed, enum transport transport)
{
	uint64_t r = seed;
	const bool rc = transport == SOAK_RC;

	*plan = (struct plan){ .seed = seed, .transport = transport };
	plan->nqp = 1 + below(&r, 6);
	plan->rounds = rc ? 3 + below(&r, 6) : 1;
	plan->works = 1 + below(&r, rc ? 120 : 300);
	plan->mtu = 1 + below(&r, 5);
	plan->max_len = transport == SOAK_UD ? 128u << plan->mtu : 1024u << below(&r, 7);
	plan->sq_depth = 4 + below(&r, 100);
	plan->rq_depth = 2 + below(&r, 60);
	plan->depth_rd = 1 + below(&r, 16);
	plan->max_inline = 16 * below(&r, 13);
	plan->signal_one_in = 1 + below(&r, 6);
	plan->srq = rc && one_in(&r, 3);
	plan->events = one_in(&r, 3);
	plan->extended = one_in(&r, 2);
	plan->two_cqs = one_in(&r, 2);
	plan->lazy = rc && one_in(&r, 4);
	plan->gid_index = (unsigned[]){ 0, 1, 3 }[below(&r, 3)];
}

void source_fill(uint8_t source[SOURCE], uint64_t seed, unsigned side)
{
	uint64_t r = seed * 2 + side, word;

	for (size_t i = 0; i < SOURCE; i += sizeof(word)) {
		word = soak_random(&r);
		memcpy(source + i, &word, sizeof(word));
	}
}

void stream_init(struct stream *stream, const struct plan *plan, unsigned side, unsigned qp,
		 const uint8_t *source, uint8_t *window)
{
	uint64_t r = plan->seed;

	r = soak_random(&r) + side * 64 + qp;
	*stream = (struct stream){
		.plan = plan, .qp = qp, .source = source, .window = window, .random = r
	};
}

void stream_round(struct stream *stream)
{
	stream->left = 1 + below(&stream->random, stream->plan->works);
	stream->fresh = stream->sink = 0;
	stream->read_over = false;
	memset(stream->window, FILL, WINDOW);
}

static enum kind choose_kind(struct stream *s, uint32_t len)
{
	enum kind kind = (enum kind)below(&s->random, KINDS);

	if (s->plan->transport == SOAK_UD)
		return SEND_IMM;
	if (s->plan->transport == SOAK_UC)
		kind = kind == WRITE || kind == WRITE_IMM ? kind : SEND_IMM;
	/* no room for it in this round */
	if ((kind == WRITE || kind == WRITE_IMM) && s->fresh + len > FRESH)
		return SEND_IMM;
	if (kind >= READ && s->sink + OVER + s->plan->max_len + GAP > SINK)
		return SEND;
	return kind;
}

static void apply_write(struct stream *s, struct work *w)
{
	if (w->kind == OVERWRITE) {
		w->len = w->len < OVER / 2 ? w->len : OVER / 2;
		w->at = below(&s->random, OVER - w->len);
		/* A repeated read would find what a later write wrote: IBA 10.8.3.3, table 79. */
		w->fence = s->read_over;
		s->read_over = false;
	} else {
		w->at = OVER + s->fresh;
		s->fresh += w->len;
	}
	memcpy(s->window + w->at, s->source + w->from, w->len);
}

static void apply_read(struct stream *s, struct work *w)
{
	if (w->kind == READ_OVER) {
		w->at = below(&s->random, OVER / 2);
		w->len = w->len < OVER / 2 ? w->len : OVER / 2;
		s->read_over = true;
	} else if (w->kind == READ_BACK) {
		w->at = OVER + below(&s->random, s->fresh + 1);
		if (w->len > OVER + s->fresh - w->at)
			w->len = OVER + s->fresh - w->at;
	}
	w->sink = s->sink;
	s->sink += w->len + GAP;
}

static void apply_atomic(struct stream *s, struct work *w)
{
	uint64_t *const word = &s->word[w->word];

	w->len = sizeof(*word);
	w->sink = (s->sink + 7) & ~7u;
	s->sink = w->sink + w->len + GAP;
	w->old = *word;
	if (w->kind == ADD_SHARED) {
		s->shared++;
	} else if (w->kind == ADD) {
		*word += w->operand;
	} else {
		if (w->operand % 3)
			w->operand = *word; /* else it compares unequal, as good as ever */
		if (w->operand == *word)
			*word = w->swap;
	}
}

bool stream_next(struct stream *s, struct work *w)
{
	uint64_t *const r = &s->random;

	if (s->left == 0)
		return false;
	*w = (struct work){ .seq = s->seq++, .len = length(r, s->plan->max_len) };
	w->kind = choose_kind(s, w->len);
	w->from = below(r, SOURCE - w->len);
	w->imm = s->plan->transport == SOAK_RC ? (uint32_t)soak_random(r) : w->seq;
	w->nsge = 1 + below(r, 3);
	w->word = below(r, WORDS);
	w->operand = soak_random(r);
	w->swap = soak_random(r);
	w->solicited = one_in(r, 2);
	w->fence = one_in(r, 8);
	if (work_reads(w))
		apply_read(s, w);
	else if (work_is_atomic(w))
		apply_atomic(s, w);
	else if (w->kind != SEND && w->kind != SEND_IMM)
		apply_write(s, w);
	w->is_inline = w->kind < READ && w->len <= s->plan->max_inline && one_in(r, 2);
	/* the last one of a round ends it, and a full queue must get its places back */
	s->left--;
	w->signaled = s->left == 0 || one_in(r, s->plan->signal_one_in) ||
		      s->unsignaled + 1 >= s->plan->sq_depth / 2;
	s->unsignaled = w->signaled ? 0 : s->unsignaled + 1;
	return true;
}
