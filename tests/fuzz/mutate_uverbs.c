/* SPDX-License-Identifier: MIT */
/*
 * How libFuzzer changes a program of kernel commands: by whole operations, which make sense as they
 * are, more often than by bytes. The fuzzer's own mutations work inside one operation, and now and then
 * on everything.
 */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
				 size_t size2, uint8_t *out, size_t max_size, unsigned seed);

enum { MAX_OPERATIONS = 128, MAX_OPERATION = 255 };

/* Where operations begin, and behind the last one where they end. */
struct layout {
	size_t at[MAX_OPERATIONS + 1];
	unsigned n;
};

static unsigned next(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16;
}

static struct layout lay_out(const uint8_t *data, size_t size)
{
	struct layout l = { .n = 0 };
	size_t at = 0;

	while (at < size && l.n < MAX_OPERATIONS) {
		l.at[l.n++] = at;
		at += 1 + (size_t)data[at];
	}
	l.at[l.n] = at < size ? at : size;
	return l;
}

/* Puts @n bytes in the place of those from @from to @to; does nothing when they do not fit. */
static size_t replace(uint8_t *data, size_t size, size_t max_size, size_t from, size_t to,
		      const uint8_t *with, size_t n)
{
	if (size - (to - from) + n > max_size)
		return size;
	memmove(data + from + n, data + to, size - to);
	memcpy(data + from, with, n);
	return size - (to - from) + n;
}

static size_t change_one(uint8_t *data, size_t size, size_t max_size, const struct layout *l,
			 unsigned which)
{
	uint8_t one[1 + MAX_OPERATION] = { 0 };
	const size_t from = l->at[which], to = l->at[which + 1];
	size_t n = to - from - 1;

	memcpy(one + 1, data + from + 1, n);
	n = LLVMFuzzerMutate(one + 1, n, MAX_OPERATION);
	one[0] = (uint8_t)n;
	return replace(data, size, max_size, from, to, one, 1 + n);
}

/* Takes out a range of up to four operations, or puts it somewhere else once more. */
static size_t move_some(uint8_t *data, size_t size, size_t max_size, const struct layout *l,
			unsigned seed, bool out)
{
	static uint8_t some[4 * (1 + MAX_OPERATION)];
	const unsigned first = next(&seed) % l->n, left = l->n - first,
		       n = 1 + next(&seed) % (left < 4 ? left : 4);
	const size_t from = l->at[first], to = l->at[first + n], length = to - from,
		     where = l->at[next(&seed) % (l->n + 1)];

	if (out)
		return replace(data, size, max_size, from, to, some, 0);
	memcpy(some, data + from, length);
	return replace(data, size, max_size, where, where, some, length);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	const struct layout l = lay_out(data, size);
	const unsigned what = next(&seed) % 16;
	size_t changed;

	if (l.n == 0 || what == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	if (what < 12)
		changed = change_one(data, size, max_size, &l, next(&seed) % l.n);
	else
		changed = move_some(data, size, max_size, &l, seed, what < 14);
	return changed;
}

/* The first operations of one and the last of the other, or some of the other between those of the one. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
				 size_t size2, uint8_t *out, size_t max_size, unsigned seed)
{
	const struct layout a = lay_out(data1, size1), b = lay_out(data2, size2);
	const size_t split = a.at[next(&seed) % (a.n + 1)];
	const unsigned first = next(&seed) % (b.n + 1), n = next(&seed) % (b.n - first + 1);
	const bool rest = next(&seed) % 2;
	size_t size = 0;

	if (split <= max_size)
		size = replace(out, 0, max_size, 0, 0, data1, split);
	size = replace(out, size, max_size, size, size, data2 + b.at[first],
		       b.at[rest ? b.n : first + n] - b.at[first]);
	if (!rest)
		size = replace(out, size, max_size, size, size, data1 + split, size1 - split);
	return size;
}
