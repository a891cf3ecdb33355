/* SPDX-License-Identifier: MIT */
/*
 * The short ways of posting through ibv_wr_*(): works without flags while none wait, and of one element or
 * eight bytes also with BV_MORE alone while others wait. One compare with a limit asks for all that at once:
 * that there is a credit, and that the way is open. Everything else goes the general way (post_wr.c), which sets
 * these limits.
 */
#include "build_wr.h"

static inline const struct bv_channel_ops *general(void)
{
	return &bvi_verbs_ops_ready_wr_narrow;
}

static int64_t general_list(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
			    uint64_t what)
{
	return general()->post_other(ch, sg, remote, what, 0, 0);
}

static int64_t general_inline(struct bv_channel *ch, const void *buf,
			      const struct bv_remote *remote, uint64_t what)
{
	return general()->post_other(ch, buf, remote, what | BVI_WHAT_INLINE, 0, 0);
}

static inline bool is_plain(const struct bv_channel *ch)
{
	return bvi_likely(to_verbs_const(ch)->at < to_verbs_const(ch)->plain_end);
}

static inline bool is_more(const struct bv_channel *ch)
{
	return bvi_likely(to_verbs_const(ch)->at < to_verbs_const(ch)->more_end);
}

/* One element, whose length needs no look at the channel's. */
static inline bool is_short(const void *sg)
{
	return bvi_likely(((const struct bv_gather *)sg)->length <= VERBS_SHORT_LENGTH);
}

/* What a call asks for has no flags, if that is so. */
static inline bool is_usual(uint64_t what, enum bv_op op)
{
	return (uint32_t)what == (uint32_t)op << 16;
}

/* The count of a call for @op without flags (bvi_what()); of every other call, and of flags, something huge. */
static inline uint32_t n_of(uint64_t what, enum bv_op op, unsigned usual)
{
	const uint32_t asked = (uint32_t)what;

	static_assert(BVI_WHAT_N_MAX == 0x7ff && BV_POST_FLAGS == 0xf,
		      "from bit 4 on, flags below");
	return (asked >> 4 | asked << 28) ^ ((uint32_t)op << 12 | usual);
}

/* What was asked for if n_of() made @n of it. */
static inline uint64_t asked_of(uint32_t n, enum bv_op op, unsigned usual)
{
	n ^= (uint32_t)op << 12 | usual;
	return n << 4 | n >> 28;
}

static BV_COLD __attribute__((noinline)) int64_t refused(const struct verbs_posted *place, int rc)
{
	struct verbs_channel *const v = place->channel;

	bvi_verbs_withdraw(v, v->base.sq_posted - 1);
	return verbs_refused(rc);
}

/* The work that was kept is the next one. */
static ALWAYS_INLINE struct ibv_qp_ex *begin(struct bv_channel *ch, struct verbs_posted *place)
{
	struct ibv_qp_ex *qp;

	assert(place->number == ch->sq_posted);
	verbs_count(to_verbs(ch));
	qp = qp_of(place);
	qp->wr_id = (uintptr_t)place;
	return qp;
}

/* The driver takes what was kept. */
static ALWAYS_INLINE int64_t post_kept(struct bv_channel *ch, struct verbs_posted *place,
				       const struct work *w)
{
	int rc;

	ibv_wr_start(begin(ch, place));
	build(place, w);
	rc = ibv_wr_complete(qp_of(place));
	if (bvi_unlikely(rc))
		return refused(place, rc);
	return (int64_t)place->number;
}

static ALWAYS_INLINE int64_t post_plain(struct bv_channel *ch, const struct work *w)
{
	struct verbs_posted *const place = to_verbs(ch)->at;

	keep(place, w, 0);
	return post_kept(ch, place, w);
}

static ALWAYS_INLINE int64_t post_more(struct bv_channel *ch, const struct work *w)
{
	struct verbs_posted *const place = to_verbs(ch)->at;

	keep(place, w, 0);
	(void)begin(ch, place);
	build(place, w);
	return (int64_t)place->number;
}

/* The first of a chain. */
static ALWAYS_INLINE int64_t post_first(struct bv_channel *ch, const struct work *w)
{
	struct verbs_channel *const v = to_verbs(ch);
	struct verbs_posted *const place = v->at;

	keep(place, w, 0);
	v->first_waiting = ch->sq_posted;
	(void)begin(ch, place);
	verbs_more_open(v);
	ibv_wr_start(qp_of(place));
	build(place, w);
	return (int64_t)place->number;
}

/* The last: without BV_MORE. */
static ALWAYS_INLINE int64_t post_last(struct bv_channel *ch, const struct work *w)
{
	struct verbs_channel *const v = to_verbs(ch);
	struct verbs_posted *const place = v->at;

	keep(place, w, 0);
	(void)begin(ch, place);
	build(place, w);
	return bvi_verbs_complete(v);
}

/*
 * A list that is no longer than what the channel takes. One with a target is no longer than that, or than max_msg,
 * which core has seen to: so the lengths of its elements are added up only for a long target, or none.
 */
static ALWAYS_INLINE bool is_short_list(const struct work *w)
{
	if (w->op != BV_OP_SEND && bvi_likely(w->remote->length <= VERBS_SHORT_LENGTH))
		return true;
	return bvi_gather_bytes((const struct bv_gather *)w->list, w->nsge) <= VERBS_SHORT_LENGTH;
}

#define EIGHT .is_fixed = true, .is_inline = true, .list = payload, .length = BVI_SHORT_INLINE
#define ONE .is_fixed = true, .list = payload, .nsge = 1
#define PAYLOAD .is_inline = true, .list = payload, .length = n

#define FETCHED .fetched = what >> 32

/* A body of slots: posts the work of the initializers that follow, @how. */
#define WORK(name, how, ...)                                                             \
	static ALWAYS_INLINE int64_t name(struct bv_channel *ch, const void *payload,    \
					  const struct bv_remote *remote, uint64_t what) \
	{                                                                                \
		const struct work w = { __VA_ARGS__ };                                   \
                                                                                         \
		(void)remote;                                                            \
		(void)what;                                                              \
		return how(ch, &w);                                                      \
	}

/*
 * One of the most frequent works in a chain: with BV_MORE while others wait, and the first and the last of these. The
 * two latter are functions of their own, as they need more registers.
 */
#define CHAINED(name, ...)                                                  \
	WORK(name##_more, post_more, __VA_ARGS__)                           \
	WORK(body_first_##name, post_first, __VA_ARGS__)                    \
	WORK(body_last_##name, post_last, __VA_ARGS__)                      \
                                                                            \
	static __attribute__((noinline))                                    \
	int64_t name##_first(struct bv_channel *ch, const void *payload,    \
			     const struct bv_remote *remote, uint64_t what) \
	{                                                                   \
		return body_first_##name(ch, payload, remote, what);        \
	}                                                                   \
                                                                            \
	static __attribute__((noinline))                                    \
	int64_t name##_last(struct bv_channel *ch, const void *payload,     \
			    const struct bv_remote *remote, uint64_t what)  \
	{                                                                   \
		return body_last_##name(ch, payload, remote, what);         \
	}

/* ... and without one. */
#define SHORT(name, ...)                    \
	WORK(name, post_plain, __VA_ARGS__) \
	CHAINED(name, __VA_ARGS__)

SHORT(write_eight, .op = BV_OP_WRITE, EIGHT, TARGET)
SHORT(send_eight, .op = BV_OP_SEND, EIGHT)
SHORT(write_one, .op = BV_OP_WRITE, ONE, TARGET)
SHORT(send_one, .op = BV_OP_SEND, ONE)
CHAINED(read_one, .op = BV_OP_READ, ONE, TARGET, FETCHED)
WORK(read_one, post_plain, .op = BV_OP_READ, ONE, TARGET, .is_said = true,
     .said = verbs_how_one(what))

/* What the channel's present limit does not let pass the shortest way. */
static __attribute__((noinline)) int64_t
other_inline8(struct bv_channel *ch, const void *buf, const struct bv_remote *remote, uint64_t what)
{
	const bool more = what & BV_MORE;

	if (more ? !is_plain(ch) : !is_more(ch))
		return general_inline(ch, buf, remote, what);
	if (more)
		return remote ? write_eight_first(ch, buf, remote, what) :
				send_eight_first(ch, buf, NULL, what);
	return remote ? write_eight_last(ch, buf, remote, what) :
			send_eight_last(ch, buf, NULL, what);
}

static __attribute__((noinline)) int64_t other_one(struct bv_channel *ch, const void *sg,
						   const struct bv_remote *remote, uint64_t what)
{
	const bool more = what & BV_MORE;

	if ((more ? !is_plain(ch) : !is_more(ch)) || !is_short(sg))
		return general_list(ch, sg, remote, what);
	switch (bvi_what_op(what)) {
	case BV_OP_WRITE:
		return (more ? write_one_first : write_one_last)(ch, sg, remote, what);
	case BV_OP_SEND:
		return (more ? send_one_first : send_one_last)(ch, sg, NULL, what);
	default:
		return (more ? read_one_first : read_one_last)(ch, sg, remote, what);
	}
}

static int64_t short_inline8(struct bv_channel *ch, const void *buf, const struct bv_remote *remote,
			     uint64_t what)
{
	if (!is_plain(ch))
		return other_inline8(ch, buf, remote, what);
	return remote ? write_eight(ch, buf, remote, what) : send_eight(ch, buf, NULL, what);
}

static int64_t short_one(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
			 uint64_t what)
{
	if (!is_plain(ch) || !is_short(sg))
		return other_one(ch, sg, remote, what);
	if (bvi_likely(is_usual(what, BV_OP_WRITE)))
		return write_one(ch, sg, remote, what);
	return remote ? read_one(ch, sg, remote, what) : send_one(ch, sg, NULL, what);
}

static int64_t short_write8_more(struct bv_channel *ch, const void *buf,
				 const struct bv_remote *remote, uint64_t what)
{
	if (!is_more(ch))
		return other_inline8(ch, buf, remote, what);
	return write_eight_more(ch, buf, remote, what);
}

static int64_t short_send8_more(struct bv_channel *ch, const void *buf,
				const struct bv_remote *remote, uint64_t what)
{
	if (!is_more(ch))
		return other_inline8(ch, buf, remote, what);
	return send_eight_more(ch, buf, remote, what);
}

static int64_t short_write_more(struct bv_channel *ch, const void *sg,
				const struct bv_remote *remote, uint64_t what)
{
	if (!is_more(ch) || !is_short(sg))
		return other_one(ch, sg, remote, what);
	return bvi_what_op(what) == BV_OP_WRITE ? write_one_more(ch, sg, remote, what) :
						  read_one_more(ch, sg, remote, what);
}

static int64_t short_send_more(struct bv_channel *ch, const void *sg,
			       const struct bv_remote *remote, uint64_t what)
{
	if (!is_more(ch) || !is_short(sg))
		return other_one(ch, sg, remote, what);
	return send_one_more(ch, sg, remote, what);
}

/* @n is a constant. */
static ALWAYS_INLINE int64_t post_few(struct bv_channel *ch, const void *payload,
				      const struct bv_remote *remote, uint64_t what, enum bv_op op,
				      unsigned n)
{
	const struct work w = {
		.op = op,
		.is_few = true,
		.list = payload,
		.nsge = n,
		.fetched = op == BV_OP_READ ? what >> 32 : 0,
		TARGET,
	};

	if (bvi_unlikely(!is_short_list(&w)))
		return general_list(ch, payload, remote, what);
	return post_plain(ch, &w);
}

/* That the channel may have such lists is known of the longest without a look at its limit. */
static inline bool is_list(struct bv_channel *ch, uint64_t what, enum bv_op op, unsigned n)
{
	if (op == BV_OP_WRITE && n == VERBS_POSTED_SGE)
		return (uint32_t)what == to_verbs(ch)->what_longest;
	return (uint32_t)what == (uint32_t)bvi_what(op, n, BVI_SHORT_LIST, 0) &&
	       n <= ch->max_send_sge;
}

/*
 * A list of @op, by a body for each count. The longest, which costs the most, is looked for first; what is none of
 * these goes on to @other.
 */
static ALWAYS_INLINE int64_t post_list(struct bv_channel *ch, const void *payload,
				       const struct bv_remote *remote, uint64_t what, enum bv_op op,
				       uint64_t swap_add, uint64_t compare,
				       bvi_post_other_fn *other)
{
	static_assert(VERBS_POSTED_SGE == 4, "a body each");
	if (is_list(ch, what, op, 4))
		return post_few(ch, payload, remote, what, op, 4);
	if (is_list(ch, what, op, 3))
		return post_few(ch, payload, remote, what, op, 3);
	if (is_list(ch, what, op, 2))
		return post_few(ch, payload, remote, what, op, 2);
	return other(ch, payload, remote, what, swap_add, compare);
}

static __attribute__((noinline)) int64_t post_reads(struct bv_channel *ch, const void *payload,
						    const struct bv_remote *remote, uint64_t what,
						    uint64_t swap_add, uint64_t compare)
{
	return post_list(ch, payload, remote, what, BV_OP_READ, swap_add, compare,
			 general()->post_other);
}

static __attribute__((noinline)) int64_t post_sends(struct bv_channel *ch, const void *payload,
						    const struct bv_remote *remote, uint64_t what,
						    uint64_t swap_add, uint64_t compare)
{
	return post_list(ch, payload, remote, what, BV_OP_SEND, swap_add, compare, post_reads);
}

/* In calls of post_other. */
#define OTHER_INLINE (BVI_SHORT_INLINE | BVI_WHAT_INLINE >> 4)

/* Of sends; and everything else. @n_write: its count as that of a write */
static __attribute__((noinline)) int64_t other_inline(struct bv_channel *ch, const void *payload,
						      const struct bv_remote *remote,
						      uint32_t n_write)
{
	const uint64_t what = asked_of(n_write, BV_OP_WRITE, OTHER_INLINE);
	const unsigned n = n_of(what, BV_OP_SEND, OTHER_INLINE);
	const struct work w = { .op = BV_OP_SEND, PAYLOAD };

	if (bvi_unlikely(n > ch->max_inline) || !is_plain(ch))
		return general_inline(ch, payload, remote, what);
	return post_plain(ch, &w);
}

static int64_t short_list(struct bv_channel *ch, const void *payload,
			  const struct bv_remote *remote, uint64_t what, uint64_t swap_add,
			  uint64_t compare)
{
	if (!is_plain(ch))
		return general()->post_other(ch, payload, remote, what, swap_add, compare);
	return post_list(ch, payload, remote, what, BV_OP_WRITE, swap_add, compare, post_sends);
}

static int64_t short_inline(struct bv_channel *ch, const void *payload,
			    const struct bv_remote *remote, uint64_t what)
{
	const unsigned n = n_of(what, BV_OP_WRITE, OTHER_INLINE);
	const struct work w = { .op = BV_OP_WRITE, PAYLOAD, TARGET };

	if (bvi_unlikely(n > ch->max_inline) || !is_plain(ch))
		return other_inline(ch, payload, remote, n);
	return post_plain(ch, &w);
}

static int64_t short_atomic(struct bv_channel *ch, const struct bv_scatter *result,
			    const struct bv_remote *remote, uint64_t what, uint64_t swap_add,
			    uint64_t compare)
{
	const struct work w = {
		.op = BV_OP_FETCH_ADD,
		.is_fixed = true,
		.list = result,
		.nsge = 1,
		.operand = swap_add,
		.fetched = 8,
		TARGET,
	};

	if (bvi_unlikely(!is_usual(what, BV_OP_FETCH_ADD)) || !is_plain(ch))
		return general()->post_other(ch, result, remote, what, swap_add, compare);
	return post_plain(ch, &w);
}

/* Without a count, a length and flags it is an atomic. */
static int64_t short_other(struct bv_channel *ch, const void *payload,
			   const struct bv_remote *remote, uint64_t what, uint64_t swap_add,
			   uint64_t compare)
{
	const int16_t how = (int16_t)what;

	static_assert(BVI_WHAT_INLINE == 0x8000, "the sign");
	if (how < 0)
		return short_inline(ch, payload, remote, what);
	if (how == 0)
		return short_atomic(ch, payload, remote, what, swap_add, compare);
	return short_list(ch, payload, remote, what, swap_add, compare);
}

/* The same with an immediate. */
#define WORK_IMM(name, ...)                                                              \
	static ALWAYS_INLINE int64_t name(struct bv_channel *ch, const void *payload,    \
					  const struct bv_remote *remote, uint64_t what, \
					  uint32_t imm)                                  \
	{                                                                                \
		const struct work w = { __VA_ARGS__, IMM };                              \
                                                                                         \
		(void)remote;                                                            \
		(void)what;                                                              \
		return post_plain(ch, &w);                                               \
	}

WORK_IMM(write_one_imm, .op = BV_OP_WRITE, ONE, TARGET)
WORK_IMM(send_one_imm, .op = BV_OP_SEND, ONE)

static int64_t short_imm(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
			 uint64_t what, uint32_t imm)
{
	if ((uint16_t)what || !is_plain(ch) || !is_short(sg))
		return general()->post_imm(ch, sg, remote, what, imm);
	return remote ? write_one_imm(ch, sg, remote, what, imm) :
			send_one_imm(ch, sg, NULL, what, imm);
}

static int64_t short_inline_imm(struct bv_channel *ch, const void *payload,
				const struct bv_remote *remote, uint64_t what, uint32_t imm)
{
	const unsigned n = n_of(what, remote ? BV_OP_WRITE : BV_OP_SEND, BVI_SHORT_INLINE);
	const struct work write = { .op = BV_OP_WRITE, PAYLOAD, TARGET, IMM };
	const struct work send = { .op = BV_OP_SEND, PAYLOAD, IMM };

	if (bvi_unlikely(n > ch->max_inline) || !is_plain(ch))
		return general()->post_inline_imm(ch, payload, remote, what, imm);
	return remote ? post_plain(ch, &write) : post_plain(ch, &send);
}

const struct bv_channel_ops bvi_verbs_ops_ready_wr = {
	.post_one = short_one,
	.post_inline8 = short_inline8,
	.write_one_more = short_write_more,
	.write_inline8_more = short_write8_more,
	.send_one_more = short_send_more,
	.send_inline8_more = short_send8_more,
	.post_other = short_other,
	.post_imm = short_imm,
	.post_inline_imm = short_inline_imm,
	VERBS_RECEIVES,
	VERBS_REAPS_EX,
	.flush = bvi_verbs_flush_wr,
};
