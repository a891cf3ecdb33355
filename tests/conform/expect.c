/* SPDX-License-Identifier: MIT */
/*
 * What a completion must be, field by field.
 */
#include "link.h"

#include <inttypes.h>
#include <string.h>

static void expect_wc(const struct bv_wc *wc, const struct bv_wc *want)
{
	if (wc->work == want->work && wc->status == want->status && wc->op == want->op &&
	    wc->bytes == want->bytes && wc->flags == want->flags && wc->imm == want->imm &&
	    (want->status != BV_STATUS_SUCCESS || wc->vendor_err == 0))
		return;
	fail_msg("completion {work %" PRIx64
		 ", %s, op %u, %u bytes, flags %u, imm 0x%x, vendor 0x%x} "
		 "instead of {work %" PRIx64 ", %s, op %u, %u bytes, flags %u, imm 0x%x}",
		 (uint64_t)wc->work, bv_status_name(wc->status), wc->op, wc->bytes, wc->flags,
		 wc->imm, wc->vendor_err, (uint64_t)want->work, bv_status_name(want->status),
		 want->op, want->bytes, want->flags, want->imm);
}

void expect_sent(const struct bv_wc *wc, int64_t work, enum op op, uint32_t bytes)
{
	struct bv_wc want = { .work = work, .op = BV_OP_SEND };

	if (op_is_write(op))
		want.op = BV_OP_WRITE;
	if (op == OP_READ) {
		want.op = BV_OP_READ;
		want.bytes = bytes;
	}
	expect_wc(wc, &want);
}

void expect_received(const struct bv_wc *wc, int64_t work, enum op op, uint32_t bytes, uint32_t imm)
{
	struct bv_wc want = {
		.work = work,
		.bytes = bytes,
		.op = op_is_send(op) ? BV_OP_RECV : BV_OP_RECV_WRITE_IMM,
	};

	if (op_has_imm(op)) {
		want.flags = BV_WC_IMM;
		want.imm = imm;
	}
	expect_wc(wc, &want);
}

void expect_failed(const struct bv_wc *wc, int64_t work, enum bv_status status)
{
	const struct bv_wc want = { .work = work, .status = (uint8_t)status };

	expect_wc(wc, &want);
}

void expect_word(const char *text, const char *word)
{
	if (!strcasestr(text, word))
		fail_msg("\"%s\" says nothing of \"%s\"", text, word);
}
