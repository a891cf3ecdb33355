/* SPDX-License-Identifier: MIT */
#include "pattern.h"

#include <string.h>

#define STEP UINT64_C(0x9e3779b97f4a7c15)

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014): neighbouring numbers share nothing. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* Word @index of a message. */
static uint64_t word(uint64_t start, size_t index)
{
	return start + index * STEP;
}

uint32_t pattern_imm(uint64_t number)
{
	return (uint32_t)mix(number);
}

void pattern_fill(void *buf, size_t size, uint64_t number)
{
	const uint64_t start = mix(number + STEP);
	uint8_t *bytes = buf;
	size_t at = 0;
	uint64_t value;

	if (size == 0)
		return;
	for (; at + sizeof(value) <= size; at += sizeof(value)) {
		value = word(start, at / sizeof(value));
		memcpy(bytes + at, &value, sizeof(value));
	}
	value = word(start, at / sizeof(value));
	memcpy(bytes + at, &value, size - at);
	bytes[size - 1] = pattern_tag(number);
}

uint8_t pattern_byte(size_t at, size_t size, uint64_t number)
{
	const uint64_t value = word(mix(number + STEP), at / sizeof(value));
	uint8_t bytes[sizeof(value)];

	memcpy(bytes, &value, sizeof(value));
	return at == size - 1 ? pattern_tag(number) : bytes[at % sizeof(value)];
}

size_t pattern_check(const void *buf, size_t size, uint64_t number)
{
	const uint64_t start = mix(number + STEP);
	const uint8_t *bytes = buf;
	size_t at = 0;
	uint64_t value;

	/* Whole words first: the last byte is the tag, and never part of this loop. */
	for (; at + sizeof(value) < size; at += sizeof(value)) {
		memcpy(&value, bytes + at, sizeof(value));
		if (value != word(start, at / sizeof(value)))
			break;
	}
	for (; at < size; at++) {
		if (bytes[at] != pattern_byte(at, size, number))
			return at;
	}
	return size;
}
