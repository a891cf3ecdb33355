/* SPDX-License-Identifier: MIT */
#include "mr.h"

/* From a key and an address to memory; the rules of access (IBA vol 1 section 10.6.3, 10.6.7). */

struct emu_mr *emu_mr_find(uint32_t key)
{
	struct emu_mr *mr = emu_ids_get(&emu.mrs, key >> 8);

	return mr && mr->key == key ? mr : NULL;
}

static const char *add(struct emu_pieces *out, uint64_t at, uint64_t length)
{
	return out && emu_pieces_add(out, at, length) < 0 ? "the device has no memory" : NULL;
}

static const char *check(const struct emu_key_use *use, const struct emu_mr *mr, uint64_t va,
			 uint64_t length)
{
	if (!mr || mr->revoked)
		return "no region has this key";
	if (mr->free)
		return "the key is not bound to memory";
	if (mr->pd != use->pd)
		return "the key belongs to another protection domain";
	if (mr->indirect && mr->qpn != EMU_ANY_QPN && mr->qpn != use->qpn)
		return "the key belongs to another queue pair";
	if ((mr->access & use->access) != use->access)
		return "the region does not allow this access";
	if (!emu_mr_covers(mr, va, length))
		return "the range is not inside the region";
	return NULL;
}

static const char *walk(const struct emu_key_use *use, uint32_t key, uint64_t va, uint64_t length,
			struct emu_pieces *out, unsigned depth);

/* @offset, @length: inside of what the key covers. */
static const char *walk_ranges(const struct emu_key_use *use, const struct emu_mr *mr,
			       uint64_t offset, uint64_t length, struct emu_pieces *out,
			       unsigned depth)
{
	const uint64_t entity = mr->log_entity ? UINT64_C(1) << mr->log_entity : 0;
	uint64_t i = entity ? offset >> mr->log_entity : 0;

	if (entity)
		offset &= entity - 1;
	for (; i < mr->nranges && length > 0; i++) {
		const struct emu_key_range *range = &mr->range[i];
		const uint64_t size = entity ? entity : range->length;
		uint64_t bytes = offset < size ? size - offset : 0;
		const char *why;

		if (bytes > length)
			bytes = length;
		why = bytes ? walk(use, range->key, range->va + offset, bytes, out, depth) : NULL;
		if (why)
			return why;
		offset = bytes ? 0 : offset - size;
		length -= bytes;
	}
	return length ? "the range is not inside the region" : NULL;
}

static uint64_t cycle_length(const struct emu_mr *mr)
{
	uint64_t length = 0;

	for (uint32_t i = 0; i < mr->nranges; i++)
		length += mr->range[i].length;
	return length;
}

static const char *check_each(const struct emu_key_use *use, const struct emu_key_range *range,
			      uint64_t first, uint64_t n, unsigned depth)
{
	const char *why = NULL;

	for (uint64_t cycle = first; cycle < first + n && !why; cycle++)
		why = walk(use, range->key, range->va + cycle * range->stride, range->length, NULL,
			   depth);
	return why;
}

/*
 * Whether @n whole cycles from the one at @first may be used. What repeats lies in one key's range, so
 * that in a region the first and the last tell of all between them; of a key over others the gaps may be
 * nothing that can be used, and nothing that is.
 */
static const char *check_cycles(const struct emu_key_use *use, const struct emu_mr *mr,
				uint64_t first, uint64_t n, unsigned depth)
{
	for (uint32_t i = 0; i < mr->nranges; i++) {
		const struct emu_key_range *range = &mr->range[i];
		const struct emu_mr *below = emu_mr_find(range->key);
		const char *why = NULL;

		if (range->length)
			why = walk(use, range->key, range->va + first * range->stride,
				   (n - 1) * range->stride + range->length, NULL, depth);
		if (why && below && below->indirect)
			why = check_each(use, range, first, n, depth);
		if (why)
			return why;
	}
	return NULL;
}

/* The part [offset, offset + length) of a cycle. */
static const char *walk_cycle(const struct emu_key_use *use, const struct emu_mr *mr,
			      uint64_t cycle, uint64_t offset, uint64_t length,
			      struct emu_pieces *out, unsigned depth)
{
	for (uint32_t i = 0; i < mr->nranges && length > 0; i++) {
		const struct emu_key_range *range = &mr->range[i];
		uint64_t bytes = offset < range->length ? range->length - offset : 0;
		const char *why;

		if (bytes > length)
			bytes = length;
		why = bytes ? walk(use, range->key, range->va + cycle * range->stride + offset,
				   bytes, out, depth) :
			      NULL;
		if (why)
			return why;
		offset = bytes ? 0 : offset - range->length;
		length -= bytes;
	}
	return NULL;
}

/* As walk_ranges(), of entries that repeat. */
static const char *walk_cycles(const struct emu_key_use *use, const struct emu_mr *mr,
			       uint64_t offset, uint64_t length, struct emu_pieces *out,
			       unsigned depth)
{
	const uint64_t size = cycle_length(mr);
	uint64_t cycle = offset / size;

	offset %= size;
	while (length > 0 && cycle < mr->cycles) {
		const uint64_t left = size - offset, most = mr->cycles - cycle;
		const uint64_t here = out || offset ? 0 : length / size;
		const uint64_t whole = here < most ? here : most;
		const uint64_t bytes = whole ? whole * size : length < left ? length : left;
		const char *why = whole ? check_cycles(use, mr, cycle, whole, depth) :
					  walk_cycle(use, mr, cycle, offset, bytes, out, depth);

		if (why)
			return why;
		cycle += whole ? whole : 1;
		offset = 0;
		length -= bytes;
	}
	return length ? "the range is not inside the region" : NULL;
}

/* What is behind an indirect key is reached with local rights: the key itself gave the others. */
static const char *walk(const struct emu_key_use *use, uint32_t key, uint64_t va, uint64_t length,
			struct emu_pieces *out, unsigned depth)
{
	const struct emu_mr *mr = emu_mr_find(key);
	const char *why = check(use, mr, va, length);
	struct emu_key_use below = *use;

	if (why)
		return why;
	if (!mr->indirect)
		return add(out, mr->addr + (va - mr->iova), length);
	if (depth == EMU_KEY_DEPTH)
		return "the key is over too many others";
	below.access = use->access & ~(uint32_t)EMU_ACCESS_REMOTE_READ ? EMU_ACCESS_LOCAL_WRITE : 0;
	return (mr->cycles ? walk_cycles : walk_ranges)(&below, mr, va - mr->iova, length, out,
							depth + 1);
}

const char *emu_key_pieces(const struct emu_key_use *use, uint32_t key, uint64_t va,
			   uint64_t length, struct emu_pieces *out)
{
	return walk(use, key, va, length, out, 0);
}
