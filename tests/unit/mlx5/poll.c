/* SPDX-License-Identifier: MIT */
/*
 * The completion pollers, on completions that the test writes as the device would: successes of
 * every kind, owner bit over many laps, WQE index across its wrap, errors, nonsense. Polls of one are called by
 * the name that bv_poll_send() gives them only when the compiler optimises.
 */
#include "plain.h"

#define REMOTE (&(const struct bv_remote){ 0x1000, 7, 1 << 20 })
#define CQE(opcode) ((uint8_t)((opcode) << 4))

static void expect_wc(const struct bv_wc *wc, int64_t work, enum bv_op op, uint32_t bytes)
{
	assert_int_equal(wc->work, work);
	assert_int_equal(wc->status, BV_STATUS_SUCCESS);
	assert_int_equal(wc->op, op);
	assert_int_equal(wc->bytes, bytes);
	assert_int_equal(wc->vendor_err, 0);
	assert_int_equal(wc->reserved, 0);
}

static void expect_imm(const struct bv_wc *wc, unsigned flags, uint32_t imm)
{
	assert_int_equal(wc->flags, flags);
	assert_int_equal(wc->imm, imm);
}

/* Garbage that every field of a completion must replace. */
static struct bv_wc garbage(void)
{
	struct bv_wc wc;

	memset(&wc, 0xee, sizeof(wc));
	return wc;
}

static int64_t post(struct bv_channel *ch, enum bv_op op, bool imm)
{
	const struct bv_scatter to = { 1, 0x12345, 3 };

	switch (op) {
	case BV_OP_SEND:
		return imm ? bv_post_send_imm(ch, NULL, 0, 1, 0) :
			     bv_post_send_inline(ch, "12345678", 8, 0);
	case BV_OP_WRITE:
		return imm ? bv_post_write_imm(ch, NULL, 0, REMOTE, 1, 0) :
			     bv_post_write_inline(ch, "12345678", 8, REMOTE, 0);
	case BV_OP_READ:
		return bv_post_read(ch, &to, 1, REMOTE, 0);
	default:
		return bv_post_fetch_add(ch, &(const struct bv_scatter){ 0, 8, 3 }, REMOTE, 1, 0);
	}
}

static void sends(void **state)
{
	static const struct {
		uint8_t wqe_opcode;
		bool imm;
		enum bv_op op;
		uint32_t bytes;
	} kinds[] = {
		{ PRM_OPCODE_SEND, false, BV_OP_SEND, 0 },
		{ PRM_OPCODE_SEND_IMM, true, BV_OP_SEND, 0 },
		{ PRM_OPCODE_WRITE, false, BV_OP_WRITE, 0 },
		{ PRM_OPCODE_WRITE_IMM, true, BV_OP_WRITE, 0 },
		{ PRM_OPCODE_READ, false, BV_OP_READ, 0x12345 },
		{ PRM_OPCODE_FETCH_ADD, false, BV_OP_FETCH_ADD, 8 },
	};
	struct plain *p = plain_new(&plain_default);
	struct bv_channel *ch = plain_channel(p);

	(void)state;
	for (uint16_t i = 0; i < 6; i++) {
		struct bv_wc wc = garbage();

		assert_int_equal(bvi_poll_send_one(ch, &wc), 0);
		assert_int_equal(post(ch, kinds[i].op, kinds[i].imm), i);
		assert_int_equal(bvi_poll_send_one(ch, &wc), 0);
		/* The device writes a length into every one of them. */
		plain_send_cqe(p, 0, kinds[i].wqe_opcode, i, 0x12345);
		assert_int_equal(bvi_poll_send_one(ch, &wc), 1);
		expect_wc(&wc, i, kinds[i].op, kinds[i].bytes);
		expect_imm(&wc, 0, 0);
		assert_true(bv_work_done(ch, i));
	}
	plain_free(p);
}

static void receives(void **state)
{
	static const struct {
		uint8_t opcode;
		enum bv_op op;
		unsigned flags;
	} kinds[] = {
		{ PRM_CQE_RESP_SEND, BV_OP_RECV, 0 },
		{ PRM_CQE_RESP_SEND_IMM, BV_OP_RECV, BV_WC_IMM },
		{ PRM_CQE_RESP_WRITE_IMM, BV_OP_RECV_WRITE_IMM, BV_WC_IMM },
	};
	struct plain *p = plain_new(&plain_default);
	struct bv_channel *ch = plain_channel(p);

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		const unsigned k = i % 3;
		const uint8_t se = i < 3 ? 0 : PRM_CQE_SE;
		struct bv_wc wc = garbage(), kept = garbage();

		assert_int_equal(bv_post_recv(ch, NULL, 0), i | BV_WORK_RECV);
		assert_int_equal(bvi_poll_recv_one(ch, &wc), 0);
		plain_recv_cqe(p, CQE(kinds[k].opcode) | se, 1000 + i, 0xcafe0000 + i);
		assert_int_equal(bvi_poll_recv_one(ch, &wc), 1);
		expect_wc(&wc, i | BV_WORK_RECV, kinds[k].op, 1000 + i);
		expect_imm(&wc, kinds[k].flags, kinds[k].flags ? 0xcafe0000 + i : 0);
		ch->ops->recv_result(ch, i | BV_WORK_RECV, &kept);
		assert_memory_equal(&kept, &wc, sizeof(wc));
	}
	plain_free(p);
}

/* 200,000 works of changing lengths and signals: laps of both rings, wrap of the WQE index. */
static void many_laps(void **state)
{
	struct plain *p = plain_new(&plain_default);
	struct bv_channel *ch = plain_channel(p);
	uint8_t buf[200] = { 0 };
	uint32_t seed = 1;

	(void)state;
	for (int64_t n = 0; n < 200000;) {
		const unsigned burst = 1 + (unsigned)(n % 7);
		struct bv_wc wc[16];
		uint16_t index = 0;

		for (unsigned i = 0; i < burst; i++, n++) {
			seed = seed * 1664525 + 1013904223;
			index = plain_index(p);
			assert_int_equal(bv_post_write_inline(ch, buf, (seed >> 16) % 200, REMOTE,
							      i + 1 < burst ? BV_UNSIGNALED : 0),
					 n);
			assert_int_equal(bv_post_recv(ch, NULL, 0), n | BV_WORK_RECV);
			plain_recv_cqe(p, CQE(PRM_CQE_RESP_SEND), (uint32_t)n, 0);
		}
		plain_send_cqe(p, 0, PRM_OPCODE_WRITE, index, 0);
		assert_int_equal(bv_poll_send(ch, wc, 16), 1);
		expect_wc(&wc[0], n - 1, BV_OP_WRITE, 0);
		assert_int_equal(bv_poll_recv(ch, wc, 16), burst);
		for (unsigned i = 0; i < burst; i++)
			expect_wc(&wc[i], (n - burst + i) | BV_WORK_RECV, BV_OP_RECV,
				  (uint32_t)(n - burst + i));
	}
	plain_free(p);
}

/* Laps of both rings, one by one, and what ends them. */
static void one_by_one(void **state)
{
	struct plain *p = plain_new(&plain_default);
	struct bv_channel *ch = plain_channel(p);
	struct bv_wc wc;

	(void)state;
	for (int64_t n = 0; n < 500; n++) {
		const uint16_t index = plain_index(p);

		assert_int_equal(post(ch, BV_OP_WRITE, false), n);
		assert_int_equal(bv_post_recv(ch, NULL, 0), n | BV_WORK_RECV);
		assert_int_equal(bvi_poll_send_one(ch, &wc), 0);
		assert_int_equal(bvi_poll_recv_one(ch, &wc), 0);
		plain_send_cqe(p, 0, PRM_OPCODE_WRITE, index, 0);
		plain_recv_cqe(p, CQE(PRM_CQE_RESP_SEND), (uint32_t)n, 0);
		wc = garbage();
		assert_int_equal(bvi_poll_send_one(ch, &wc), 1);
		expect_wc(&wc, n, BV_OP_WRITE, 0);
		wc = garbage();
		assert_int_equal(bvi_poll_recv_one(ch, &wc), 1);
		expect_wc(&wc, n | BV_WORK_RECV, BV_OP_RECV, (uint32_t)n);
	}
	assert_int_equal(post(ch, BV_OP_SEND, false), 500);
	plain_send_error(p, (uint16_t)(plain_index(p) - 1), PRM_SYNDROME_REMOTE_ACCESS, 0x88);
	assert_int_equal(bvi_poll_send_one(ch, &wc), 1);
	assert_int_equal(wc.status, BV_STATUS_REMOTE_ACCESS_ERROR);
	plain_free(p);
}

/* Every length of a burst at every place of the ring, of one kind and of several. */
static void send_bursts(void **state)
{
	static const enum bv_op ops[] = { BV_OP_SEND, BV_OP_WRITE, BV_OP_READ, BV_OP_SEND };
	static const uint8_t opcodes[] = { PRM_OPCODE_SEND, PRM_OPCODE_WRITE, PRM_OPCODE_READ,
					   PRM_OPCODE_SEND };
	struct plain *p = plain_new(&plain_default);
	struct bv_channel *ch = plain_channel(p);

	(void)state;
	for (int64_t first = 0; first < 20000;) {
		const unsigned n = 1 + (unsigned)(first % 15);
		struct bv_wc wc[17];

		for (unsigned i = 0; i < n; i++) {
			const uint16_t index = plain_index(p);

			assert_int_equal(post(ch, ops[i % 4], false), first + i);
			plain_send_cqe(p, 0, opcodes[i % 4], index, 0);
		}
		wc[n] = garbage();
		assert_int_equal(bv_poll_send(ch, wc, n + 1), n);
		for (unsigned i = 0; i < n; i++) {
			expect_wc(&wc[i], first + i, ops[i % 4], i % 4 == 2 ? 0x12345 : 0);
			expect_imm(&wc[i], 0, 0);
		}
		assert_int_equal(wc[n].work, garbage().work);
		first += n;
		assert_int_equal(bvi_sq_done(ch), first);
	}
	plain_free(p);
}

/* Of a ring whose half is longer than what its next stop tells apart, the device is told twice a lap all the same. */
static void long_ring(void **state)
{
	static const struct plain_shape shape = {
		.blocks = 4096,
		.strides = 16,
		.stride = 64,
		.max_send = 4096,
		.max_recv = 16,
	};
	struct plain *p = plain_new(&shape);
	struct bv_channel *ch = plain_channel(p);
	const uint32_t half = p->cqes / 2;

	(void)state;
	assert_true(half * sizeof(*p->scq) > UINT16_MAX);
	for (uint32_t first = 0; first < 5 * p->cqes;) {
		const unsigned n = 1 + first % 17;
		struct bv_wc wc[17];

		for (unsigned i = 0; i < n; i++) {
			const uint16_t index = plain_index(p);

			assert_int_equal(post(ch, BV_OP_WRITE, false), first + i);
			plain_send_cqe(p, 0, PRM_OPCODE_WRITE, index, 0);
		}
		assert_int_equal(bv_poll_send(ch, wc, n), n);
		for (unsigned i = 0; i < n; i++)
			expect_wc(&wc[i], first + i, BV_OP_WRITE, 0);
		first += n;
		assert_int_equal(be32toh(p->scq_dbrec[PRM_CQ_DBREC_CI]), first / half * half);
	}
	plain_free(p);
}

static void recv_bursts(void **state)
{
	static const uint8_t opcodes[] = { 0, PRM_CQE_RESP_WRITE_IMM, PRM_CQE_RESP_SEND,
					   PRM_CQE_RESP_SEND_IMM };
	struct plain *p = plain_new(&plain_default);
	struct bv_channel *ch = plain_channel(p);
	uint32_t seed = 1;

	(void)state;
	for (int64_t first = 0; first < 20000;) {
		const unsigned n = 1 + (unsigned)(first % 15);
		struct bv_wc wc[17], kept;
		unsigned kinds[16], change = 0;

		for (unsigned i = 0; i < n; i++) {
			seed = seed * 1664525 + 1013904223;
			/* Runs of up to 9 or so. */
			change = i && (seed >> 16) % 5 ? change : 1 + (seed >> 24) % 3;
			kinds[i] = change;
			assert_int_equal(bv_post_recv(ch, NULL, 0), (first + i) | BV_WORK_RECV);
			plain_recv_cqe(p, CQE(opcodes[change]) | (seed >> 8 & PRM_CQE_SE),
				       0x12345600 + i, 0xcafe0000 + i);
		}
		wc[n] = garbage();
		assert_int_equal(bv_poll_recv(ch, wc, n + (seed >> 20 & 1)), n);
		for (unsigned i = 0; i < n; i++) {
			const bool imm = kinds[i] != 2;

			expect_wc(&wc[i], (first + i) | BV_WORK_RECV,
				  kinds[i] == 1 ? BV_OP_RECV_WRITE_IMM : BV_OP_RECV,
				  0x12345600 + i);
			expect_imm(&wc[i], imm ? BV_WC_IMM : 0, imm ? 0xcafe0000 + i : 0);
			ch->ops->recv_result(ch, (uint64_t)wc[i].work, &kept);
			assert_memory_equal(&kept, &wc[i], sizeof(kept));
		}
		assert_int_equal(wc[n].work, garbage().work);
		first += n;
		assert_int_equal(ch->rq_done, first | BV_WORK_RECV);
	}
	plain_free(p);
}

static void no_more_than_asked(void **state)
{
	struct plain *p = plain_new(&plain_default);
	struct bv_channel *ch = plain_channel(p);
	struct bv_wc wc[4];

	(void)state;
	for (uint16_t i = 0; i < 5; i++) {
		assert_int_equal(bv_post_send(ch, NULL, 0, 0), i);
		plain_send_cqe(p, 0, PRM_OPCODE_SEND, i, 0);
	}
	wc[2] = garbage();
	assert_int_equal(bv_poll_send(ch, wc, 2), 2);
	assert_int_equal(wc[2].work, garbage().work);
	assert_int_equal(bvi_sq_done(ch), 2);
	assert_int_equal(bv_poll_send(ch, wc, 4), 3);
	assert_int_equal(wc[2].work, 4);
	plain_free(p);
}

/* The counters are 64 bits wide. */
static void numbers_beyond_32_bits(void **state)
{
	struct plain *p = plain_new(&plain_default);
	struct bv_channel *ch = plain_channel(p);
	const int64_t first = 0x1fffffffe;
	struct bv_wc wc;

	(void)state;
	ch->sq_posted = (uint64_t)first;
	plain_empty(p);
	for (uint16_t i = 0; i < 4; i++) {
		assert_int_equal(bv_post_send(ch, NULL, 0, 0), first + i);
		if (!(i % 2))
			continue;
		plain_send_cqe(p, 0, PRM_OPCODE_SEND, i, 0);
		assert_int_equal(bvi_poll_send_one(ch, &wc), 1);
		assert_int_equal(wc.work, first + i);
	}
	plain_free(p);
}

static void send_errors(void **state)
{
	struct plain *p = plain_new(&plain_default);
	struct bv_channel *ch = plain_channel(p);
	struct bv_wc wc[4] = { garbage(), garbage(), garbage(), garbage() };

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(bv_post_send(ch, NULL, 0, BV_UNSIGNALED), i);
	/* Works 0 and 1 were fine and unsignaled; 2 fails; 3 and 4 are flushed one by one. */
	plain_send_error(p, 2, PRM_SYNDROME_REMOTE_ACCESS, 0x88);
	plain_send_error(p, 3, PRM_SYNDROME_FLUSH, 0xf5);
	plain_send_error(p, 4, PRM_SYNDROME_FLUSH, 0xf5);
	assert_int_equal(bv_poll_send(ch, wc, 4), 3);
	for (int i = 0; i < 3; i++) {
		const struct bv_wc want = {
			.work = 2 + i,
			.status = i ? BV_STATUS_WORK_REQUEST_FLUSH_ERROR :
				      BV_STATUS_REMOTE_ACCESS_ERROR,
			.vendor_err = i ? 0xf5 : 0x88,
		};

		assert_memory_equal(&wc[i], &want, sizeof(want));
	}
	assert_int_equal(bvi_sq_done(ch), 5);
	assert_int_equal(p->c.core.state, BV_CHANNEL_ERROR);
	assert_int_equal(p->c.core.first_error.work, 2);
	assert_int_equal(p->c.core.first_error.status, BV_STATUS_REMOTE_ACCESS_ERROR);
	assert_int_equal(p->c.core.flushed, 2);
	assert_int_equal(bv_poll_send(ch, wc, 4), 0);
	plain_free(p);
}

static void recv_errors(void **state)
{
	struct plain *p = plain_new(&plain_default);
	struct bv_channel *ch = plain_channel(p);
	struct bv_wc wc[4];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(bv_post_recv(ch, NULL, 0) >= 0);
	plain_recv_cqe(p, CQE(PRM_CQE_RESP_SEND), 5, 0);
	plain_recv_error(p, PRM_SYNDROME_LOCAL_LENGTH, 0x11);
	plain_recv_error(p, PRM_SYNDROME_FLUSH, 0xf9);
	assert_int_equal(bv_poll_recv(ch, wc, 4), 3);
	expect_wc(&wc[0], BV_WORK_RECV, BV_OP_RECV, 5);
	assert_int_equal(wc[1].work, 1 | BV_WORK_RECV);
	assert_int_equal(wc[1].status, BV_STATUS_LOCAL_LENGTH_ERROR);
	assert_int_equal(wc[1].vendor_err, 0x11);
	assert_int_equal(wc[2].status, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	ch->ops->recv_result(ch, 1 | BV_WORK_RECV, &wc[3]);
	assert_memory_equal(&wc[3], &wc[1], sizeof(wc[1]));
	assert_true(p->c.core.failed_recv);
	assert_int_equal(p->c.core.first_error.work, 1 | BV_WORK_RECV);
	plain_free(p);
}

/* Every syndrome has its status, also those that nobody has heard of. */
static void syndromes(void **state)
{
	static const struct {
		uint8_t syndrome;
		enum bv_status status;
	} known[] = {
		{ 0x01, BV_STATUS_LOCAL_LENGTH_ERROR },
		{ 0x02, BV_STATUS_LOCAL_QP_OPERATION_ERROR },
		{ 0x04, BV_STATUS_LOCAL_PROTECTION_ERROR },
		{ 0x05, BV_STATUS_WORK_REQUEST_FLUSH_ERROR },
		{ 0x06, BV_STATUS_MEMORY_WINDOW_BIND_ERROR },
		{ 0x10, BV_STATUS_BAD_RESPONSE_ERROR },
		{ 0x11, BV_STATUS_LOCAL_ACCESS_ERROR },
		{ 0x12, BV_STATUS_REMOTE_INVALID_REQUEST_ERROR },
		{ 0x13, BV_STATUS_REMOTE_ACCESS_ERROR },
		{ 0x14, BV_STATUS_REMOTE_OPERATION_ERROR },
		{ 0x15, BV_STATUS_RETRY_EXCEEDED_ERROR },
		{ 0x16, BV_STATUS_RNR_RETRY_EXCEEDED_ERROR },
		{ 0x22, BV_STATUS_REMOTE_ABORT_ERROR },
	};
	struct plain *p = plain_new(&plain_default);
	struct bv_channel *ch = plain_channel(p);
	struct bv_wc wc;

	(void)state;
	for (unsigned syndrome = 0; syndrome < 256; syndrome++) {
		enum bv_status want = BV_STATUS_GENERAL_ERROR;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
			if (known[i].syndrome == syndrome)
				want = known[i].status;
		}
		assert_int_equal(bv_post_send(ch, NULL, 0, 0), syndrome);
		plain_send_error(p, (uint16_t)syndrome, (uint8_t)syndrome, 0);
		assert_int_equal(bvi_poll_send_one(ch, &wc), 1);
		assert_int_equal(wc.status, want);
	}
	plain_free(p);
}

/* What makes no sense is not taken: what came before is delivered, then every call fails. */
static void broken_sends(void **state)
{
	(void)state;
	for (unsigned low = 0; low < 256; low += 2) {
		const unsigned opcode = low >> 4;
		struct plain *p = plain_new(&plain_default);
		struct bv_channel *ch = plain_channel(p);
		const bool fine = opcode == PRM_CQE_REQ && !(low & PRM_CQE_SCATTER);
		struct bv_wc wc[2];

		assert_int_equal(bv_post_send(ch, NULL, 0, 0), 0);
		assert_int_equal(bv_post_send(ch, NULL, 0, 0), 1);
		plain_send_cqe(p, 0, PRM_OPCODE_SEND, 0, 0);
		plain_send_cqe(p, (uint8_t)low, PRM_OPCODE_SEND, 1, 0);
		if (fine || opcode == PRM_CQE_REQ_ERR) {
			assert_int_equal(bv_poll_send(ch, wc, 2), 2);
			assert_int_equal(!wc[1].status, fine);
		} else {
			assert_int_equal(bv_poll_send(ch, wc, 2), 1);
			for (int i = 0; i < 2; i++)
				assert_int_equal(bv_poll_send(ch, wc, 2), -EIO);
			assert_int_equal(bvi_sq_done(ch), 1);
		}
		plain_free(p);
	}
}

static void broken_receives(void **state)
{
	(void)state;
	for (unsigned low = 0; low < 256; low += 2) {
		const unsigned opcode = low >> 4;
		struct plain *p = plain_new(&plain_default);
		struct bv_channel *ch = plain_channel(p);
		const bool fine = opcode >= PRM_CQE_RESP_WRITE_IMM &&
				  opcode <= PRM_CQE_RESP_SEND_IMM && !(low & PRM_CQE_SCATTER);
		struct bv_wc wc[2];

		assert_true(bv_post_recv(ch, NULL, 0) >= 0);
		assert_true(bv_post_recv(ch, NULL, 0) >= 0);
		plain_recv_cqe(p, CQE(PRM_CQE_RESP_SEND), 0, 0);
		plain_recv_cqe(p, (uint8_t)low, 0, 0);
		if (fine || opcode == PRM_CQE_RESP_ERR) {
			assert_int_equal(bv_poll_recv(ch, wc, 2), 2);
			assert_int_equal(!wc[1].status, fine);
		} else {
			assert_int_equal(bv_poll_recv(ch, wc, 2), 1);
			for (int i = 0; i < 2; i++)
				assert_int_equal(bv_poll_recv(ch, wc, 2), -EIO);
			assert_int_equal(ch->rq_done, 1 | BV_WORK_RECV);
		}
		plain_free(p);
	}
}

/* Errors of works that were never posted: the queues are broken, and nothing is counted. */
static void errors_of_nothing(void **state)
{
	struct plain *p = plain_new(&plain_default);
	struct bv_channel *ch = plain_channel(p);
	struct bv_wc wc = { .work = 77 };

	(void)state;
	plain_recv_error(p, PRM_SYNDROME_FLUSH, 0xf9);
	assert_int_equal(bvi_poll_recv_one(ch, &wc), -EIO);
	assert_int_equal(ch->rq_done, BV_WORK_RECV);
	plain_send_error(p, 0, PRM_SYNDROME_FLUSH, 0xf5);
	assert_int_equal(bvi_poll_send_one(ch, &wc), -EIO);
	assert_int_equal(bvi_sq_done(ch), 0);
	assert_int_equal(wc.work, 77);
	assert_int_equal(ch->core->flushed, 0);
	plain_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_of_nothing),  cmocka_unit_test(sends),
		cmocka_unit_test(receives),           cmocka_unit_test(many_laps),
		cmocka_unit_test(no_more_than_asked), cmocka_unit_test(numbers_beyond_32_bits),
		cmocka_unit_test(send_errors),        cmocka_unit_test(recv_errors),
		cmocka_unit_test(syndromes),          cmocka_unit_test(broken_sends),
		cmocka_unit_test(broken_receives),    cmocka_unit_test(send_bursts),
		cmocka_unit_test(recv_bursts),        cmocka_unit_test(one_by_one),
		cmocka_unit_test(long_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
