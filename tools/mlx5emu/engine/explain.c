/* SPDX-License-Identifier: MIT */
#include "explain.h"
#include "qp.h"

#include <stdarg.h>
#include <stdio.h>

/* Where the next words of the text go. */
struct place {
	char *text;
	size_t size;
	const char *name; /* of the key: lkey or rkey */
};

__attribute__((format(printf, 2, 3))) static void add(struct place *p, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(p->text, p->size, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= p->size)
		n = (int)p->size - 1;
	p->text += n;
	p->size -= (size_t)n;
}

static bool was_freed(uint32_t key)
{
	for (unsigned i = 0; i < EMU_FREED_KEYS; i++)
		if (key && emu.freed_keys[i] == key)
			return true;
	return false;
}

static const char *access_name(uint32_t access)
{
	if (access & EMU_ACCESS_REMOTE_ATOMIC)
		return "remote atomic";
	if (access & EMU_ACCESS_REMOTE_WRITE)
		return "remote write";
	if (access & EMU_ACCESS_REMOTE_READ)
		return "remote read";
	return "local write";
}

static void explain(struct place *p, const struct emu_key_use *use, uint32_t key, uint64_t va,
		    uint64_t length, const char *why)
{
	const struct emu_mr *mr = emu_mr_find(key);

	if (!mr)
		add(p, ".%s is 0x%x, expected the key of a region%s", p->name, key,
		    was_freed(key) ? ": that one was deregistered" : "");
	else if (mr->pd != use->pd)
		add(p, ".%s is 0x%x, expected a key of the queue's protection domain", p->name,
		    key);
	else if ((mr->access & use->access) != use->access)
		add(p, ".%s is 0x%x, whose region allows access 0x%x, expected 0x%x, %s", p->name,
		    key, mr->access, use->access, access_name(use->access));
	else if (!emu_mr_covers(mr, va, length))
		add(p, " is 0x%llx, %llu bytes, expected inside of 0x%llx, %llu bytes, of %s 0x%x",
		    (unsigned long long)va, (unsigned long long)length,
		    (unsigned long long)mr->iova, (unsigned long long)mr->length, p->name, key);
	else
		add(p, ".%s is 0x%x, expected one that lets it pass: %s", p->name, key, why);
}

void emu_explain_segments(const struct emu_key_use *use, const struct emu_seg *seg, unsigned nseg,
			  const char *why, char *text, size_t size)
{
	struct place p = { .text = text, .size = size, .name = "lkey" };

	for (unsigned i = 0; i < nseg; i++) {
		const char *reason;

		if (seg[i].is_inline)
			continue;
		reason = emu_key_pieces(use, seg[i].lkey, seg[i].addr, seg[i].length, NULL);
		if (!reason)
			continue;
		add(&p, "data[%u]", i);
		explain(&p, use, seg[i].lkey, seg[i].addr, seg[i].length, reason);
		return;
	}
	add(&p, "local protection: %s", why);
}

void emu_explain_remote(const struct emu_key_use *use, uint32_t rkey, uint64_t va, uint64_t length,
			const char *why, char *text, size_t size)
{
	struct place p = { .text = text, .size = size, .name = "rkey" };

	add(&p, "raddr");
	explain(&p, use, rkey, va, length, why);
}
