/* SPDX-License-Identifier: MIT */
#include "wqe_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The bytes, how far they are told, and where the text goes: what does not fit is left out. */
struct writer {
	const uint8_t *wqe;
	unsigned at, size;
	char *out;
	size_t room;
};

__attribute__((format(printf, 2, 3))) static void add(struct writer *w, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(w->out, w->room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= w->room)
		n = (int)w->room - 1;
	w->out += n;
	w->room -= (size_t)n;
}

/* The next 16 bytes, or what there is of them, as words; then they are done with. */
static void words(struct writer *w, const char *name)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned end = w->at + EMU_DS < w->size ? w->at + EMU_DS : w->size;
	char hex[EMU_DS * 2 + EMU_DS / 4 + 1], *to = hex;
	const unsigned from = w->at;

	for (; w->at < end; w->at++) {
		if (w->at % 4 == 0)
			*to++ = ' ';
		*to++ = digits[w->wqe[w->at] >> 4];
		*to++ = digits[w->wqe[w->at] & 15];
	}
	*to = '\0';
	add(w, "%s    +%02x %-6s%s", from ? "\n" : "", from, name, hex);
}

static bool has(const struct writer *w, unsigned bytes)
{
	return w->size - w->at >= bytes;
}

static unsigned ctrl(struct writer *w)
{
	struct emu_ctrl_seg seg;
	uint32_t word, qpn_ds;

	memcpy(&seg, w->wqe, sizeof(seg));
	word = emu_get32(seg.opmod_idx_opcode);
	qpn_ds = emu_get32(seg.qpn_ds);
	words(w, "ctrl");
	add(w, "  %s index %u opmod %u, qp 0x%06x ds %u, fm %u ce %u se %u",
	    emu_opcode_name(word & 0xff), word >> 8 & 0xffff, word >> 24, qpn_ds >> 8,
	    qpn_ds & EMU_MAX_DS, seg.fm_ce_se >> EMU_CTRL_FM_SHIFT,
	    seg.fm_ce_se >> EMU_CTRL_CE_SHIFT & 3, seg.fm_ce_se >> 1 & 1);
	if (emu_opcode_has_imm(word & 0xff))
		add(w, ", imm 0x%08x", emu_get32(seg.imm));
	if (emu_opcode_has_key(word & 0xff))
		add(w, ", key 0x%08x", emu_get32(seg.imm));
	return word & 0xff;
}

static void raddr(struct writer *w)
{
	struct emu_raddr_seg seg;

	if (!has(w, sizeof(seg)))
		return;
	memcpy(&seg, w->wqe + w->at, sizeof(seg));
	words(w, "raddr");
	add(w, "  0x%" PRIx64 ", rkey 0x%x", emu_get64(seg.raddr), emu_get32(seg.rkey));
}

static void atomic(struct writer *w)
{
	struct emu_atomic_seg seg;

	if (!has(w, sizeof(seg)))
		return;
	memcpy(&seg, w->wqe + w->at, sizeof(seg));
	words(w, "atomic");
	add(w, "  swap or add 0x%" PRIx64 ", compare 0x%" PRIx64, emu_get64(seg.swap_add),
	    emu_get64(seg.compare));
}

static void xrc(struct writer *w)
{
	struct emu_xrc_seg seg;

	if (!has(w, sizeof(seg)))
		return;
	memcpy(&seg, w->wqe + w->at, sizeof(seg));
	words(w, "xrc");
	add(w, "  SRQ %u", emu_get32(seg.srqn));
}

static void datagram(struct writer *w)
{
	struct emu_av_seg seg;

	if (!has(w, sizeof(seg)))
		return;
	memcpy(&seg, w->wqe + w->at, sizeof(seg));
	words(w, "av");
	add(w, "  to qp 0x%06x, qkey 0x%x%s", emu_get32(seg.dqp_dct) & EMU_AV_QPN,
	    emu_get32(seg.qkey),
	    emu_get32(seg.dqp_dct) & (uint32_t)EMU_AV_EXTENDED ? "" : ", not extended");
	words(w, "");
	add(w, "  rmac %02x:%02x:%02x:%02x:%02x:%02x, hop limit %u, source gid %u", seg.rmac[0],
	    seg.rmac[1], seg.rmac[2], seg.rmac[3], seg.rmac[4], seg.rmac[5], seg.hop_limit,
	    emu_get32(seg.grh_gid_fl) >> 20 & 0xff);
	words(w, "");
	add(w, "  rgid");
}

/* A data segment, or an inline one with all its bytes. */
static void data(struct writer *w)
{
	struct emu_data_seg seg;
	const unsigned from = w->at;
	uint32_t count;

	memset(&seg, 0, sizeof(seg));
	memcpy(&seg, w->wqe + w->at, has(w, sizeof(seg)) ? sizeof(seg) : w->size - w->at);
	count = emu_get32(seg.byte_count);
	if (!(count & (uint32_t)EMU_INLINE_FLAG)) {
		words(w, "data");
		add(w, "  %u bytes at 0x%" PRIx64 ", lkey 0x%x", count, emu_get64(seg.addr),
		    emu_get32(seg.lkey));
		return;
	}
	count &= ~(uint32_t)EMU_INLINE_FLAG;
	words(w, "inline");
	add(w, "  %u bytes", count);
	while (w->at < w->size && w->at - from < EMU_INLINE_HEADER + (uint64_t)count)
		words(w, "");
}

/* What a UMR changes; the ranges behind it look like data segments. */
static void umr(struct writer *w)
{
	struct emu_umr_ctrl_seg control;
	struct emu_mkey_seg mkey;

	if (!has(w, sizeof(control) + sizeof(mkey)))
		return;
	memcpy(&control, w->wqe + w->at, sizeof(control));
	memcpy(&mkey, w->wqe + w->at + sizeof(control), sizeof(mkey));
	words(w, "umr");
	add(w, "  flags 0x%02x, %u ranges, mask 0x%" PRIx64, control.flags,
	    emu_get16(control.klm_octowords), emu_get64(control.mkey_mask));
	words(w, "");
	words(w, "");
	words(w, "mkey");
	add(w, "  %sqpn 0x%06x, lowest byte 0x%02x, rights 0x%02x",
	    mkey.free & EMU_MKEY_SEG_FREE ? "free, " : "", emu_get32(mkey.qpn_mkey) >> 8,
	    emu_get32(mkey.qpn_mkey) & 0xff, mkey.access_flags);
	words(w, "");
	add(w, "  %" PRIu64 " bytes at 0x%" PRIx64, emu_get64(mkey.len),
	    emu_get64(mkey.start_addr));
	words(w, "");
	words(w, "");
}

void emu_wqe_text(const uint8_t *wqe, unsigned size, enum emu_qp_type type, char *out, size_t room)
{
	struct writer w = { .wqe = wqe, .size = size, .out = out, .room = room };
	unsigned opcode;

	out[0] = '\0';
	if (size < EMU_DS)
		return;
	opcode = ctrl(&w);
	if (type == EMU_QPT_UD && opcode != EMU_OP_NOP)
		datagram(&w);
	if (opcode == EMU_OP_UMR)
		umr(&w);
	if (type == EMU_QPT_XRC_INI && opcode != EMU_OP_NOP && opcode != EMU_OP_UMR)
		xrc(&w);
	if (emu_opcode_has_raddr(opcode))
		raddr(&w);
	if (emu_opcode_is_atomic(opcode))
		atomic(&w);
	while (w.at < size) {
		if (opcode == EMU_OP_NOP)
			words(&w, "");
		else
			data(&w);
	}
}

void emu_rwqe_text(const uint8_t *wqe, unsigned size, char *out, size_t room)
{
	struct writer w = { .wqe = wqe, .size = size, .out = out, .room = room };
	struct emu_data_seg seg;

	out[0] = '\0';
	while (has(&w, sizeof(seg))) {
		memcpy(&seg, wqe + w.at, sizeof(seg));
		words(&w, "data");
		if (emu_get32(seg.lkey) == EMU_TERMINATOR_LKEY && emu_get32(seg.byte_count) == 0) {
			add(&w, "  end of the list");
			return;
		}
		add(&w, "  %u bytes at 0x%" PRIx64 ", lkey 0x%x", emu_get32(seg.byte_count),
		    emu_get64(seg.addr), emu_get32(seg.lkey));
	}
}
