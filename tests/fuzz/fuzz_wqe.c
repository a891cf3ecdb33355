/* SPDX-License-Identifier: MIT */
/*
 * The WQE reader of mlx5emu: a ring of any bytes, on a queue of any kind, at each level. What is taken
 * lies inside the WQE and the limits, what is refused comes with a printable reason, a stricter level
 * takes no more than a milder one and reads the same, and the decoded text fits its room.
 *
 *	| options | index 2 | posted | bytes of the ring, from the WQE on; the rest is 0 |
 */
#include "fuzz.h"

#include <string.h>

#include "tools/mlx5emu/engine/wqe_text.h"

enum {
	QPN = 0x010203,
	HEADER = 4,
	MAX_BLOCKS = 32,
};

struct result {
	int rc;
	struct emu_wqe wqe;
	struct emu_wqe_error error;
};

static void check_text(const char *text, size_t room)
{
	require(memchr(text, '\0', room));
	for (const char *c = text; *c; c++)
		require((*c >= ' ' && *c <= '~') || *c == '\n');
}

static void check_taken(const struct emu_wqe_ring *ring, const struct emu_wqe *w, uint32_t posted)
{
	uint64_t length = 0;

	require(w->blocks >= 1 && w->blocks <= posted && w->nseg <= EMU_MAX_DS);
	for (unsigned i = 0; i < w->nseg; i++) {
		length += w->seg[i].length;
		if (w->seg[i].is_inline)
			require(w->seg[i].addr + w->seg[i].length <=
				(uint64_t)w->blocks * EMU_WQEBB);
	}
	require(length == w->length && length <= EMU_MAX_MSG);
	if (emu_opcode_is_atomic(w->opcode))
		require(w->nseg == 1 && w->length == 8 && !w->seg[0].is_inline);
	require(emu_wqe_blocks(ring, w->index, NULL) == w->blocks);
}

static void check_result(const struct emu_wqe_ring *ring, const struct result *r, uint32_t posted)
{
	check_text(r->error.text, sizeof(r->error.text));
	if (r->rc < 0)
		require(r->error.text[0] && r->error.syndrome && r->wqe.blocks >= 1);
	else
		check_taken(ring, &r->wqe, posted);
	if (r->rc == 0 && ring->strict != EMU_STRICT_WARN)
		require(!r->error.text[0]);
}

/* By member: nobody writes the padding between them, nor the key of an inline segment. */
static bool same_segments(const struct emu_wqe *a, const struct emu_wqe *b)
{
	for (unsigned i = 0; i < a->nseg; i++) {
		const struct emu_seg *x = &a->seg[i], *y = &b->seg[i];

		if (x->addr != y->addr || x->length != y->length || x->is_inline != y->is_inline ||
		    (!x->is_inline && x->lkey != y->lkey))
			return false;
	}
	return a->nseg == b->nseg;
}

static void check_levels(struct emu_wqe_ring *ring, uint16_t index, uint32_t posted)
{
	static const enum emu_strict levels[] = { EMU_STRICT_PEDANTIC, EMU_STRICT_ERROR,
						  EMU_STRICT_WARN, EMU_STRICT_OFF };
	static struct result result[4];

	for (unsigned i = 0; i < 4; i++) {
		struct result *r = &result[i];

		ring->strict = levels[i];
		r->rc = emu_wqe_parse(ring, index, posted, &r->wqe, &r->error);
		check_result(ring, r, posted);
		if (i == 0 || result[i - 1].rc < 0)
			continue;
		require(r->rc == 0);
		require(r->wqe.length == result[i - 1].wqe.length &&
			r->wqe.raddr == result[i - 1].wqe.raddr &&
			same_segments(&r->wqe, &result[i - 1].wqe));
	}
}

static void check_decoded(const struct emu_wqe_ring *ring, uint16_t index)
{
	uint8_t bytes[EMU_WQE_MAX_BYTES];
	char text[EMU_WQE_TEXT];
	const unsigned size = emu_wqe_copy(ring, index, bytes);

	require(size <= sizeof(bytes));
	emu_wqe_text(bytes, size, ring->type, text, sizeof(text));
	check_text(text, sizeof(text));
	emu_wqe_text(bytes, size, ring->type, text, 1 + index % 64);
	check_text(text, 1 + index % 64);
}

static void check_receive(const uint8_t *data, size_t size, uint16_t index)
{
	const uint32_t room = (uint32_t)(size < 512 ? size / EMU_DS * EMU_DS : 512);
	struct emu_wqe_error error = { .text = "" };
	char text[EMU_WQE_TEXT];
	struct emu_rwqe out;
	uint64_t length = 0;

	if (emu_rwqe_parse(data, room, index, QPN, &out, &error) < 0)
		require(error.text[0] && error.syndrome);
	check_text(error.text, sizeof(error.text));
	require(out.nseg <= room / EMU_DS);
	for (unsigned i = 0; i < out.nseg; i++)
		length += out.seg[i].length;
	require(length == out.length);
	emu_rwqe_text(data, room, text, sizeof(text));
	check_text(text, sizeof(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum emu_qp_type types[] = { EMU_QPT_RC, EMU_QPT_UC, EMU_QPT_UD,
						  EMU_QPT_XRC_INI };
	struct emu_wqe_ring ring = { .qpn = QPN };
	uint32_t posted;
	uint16_t index;
	uint8_t *bytes, posted_byte;

	if (size < HEADER)
		return 0;
	ring.type = types[data[0] & 3];
	ring.blocks = 1u << (data[0] >> 2 & 7) % 6;
	index = (uint16_t)(data[1] << 8 | data[2]);
	posted_byte = data[3];
	posted = 1 + posted_byte % ring.blocks;
	data += HEADER;
	size -= HEADER;
	bytes = calloc(ring.blocks, EMU_WQEBB); /* of its size: for the sanitizer */
	require(bytes);
	for (size_t i = 0; i < size && i < (size_t)ring.blocks * EMU_WQEBB; i++)
		bytes[((size_t)index * EMU_WQEBB + i) % ((size_t)ring.blocks * EMU_WQEBB)] =
			data[i];
	ring.bytes = bytes;
	check_levels(&ring, index, posted);
	if (!(posted_byte & 0xe0)) /* one in eight: printing is slow */
		check_decoded(&ring, index);
	check_receive(data, size, index);
	free(bytes);
	return 0;
}
