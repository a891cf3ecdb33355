/* SPDX-License-Identifier: MIT */
/*
 * Timer codes of RC queue pairs, and their times.
 */
#include <bareverbs/channel.h>

#define CODES 32u
/* IBTA volume 1, 9.7.6.1.3: the local ack time-out is 4.096 us * 2^code. */
#define ACK_UNIT_NS INT64_C(4096)

/* IBTA volume 1, table "Encoding for RNR NAK Timer Field", in units of 10 us. */
static const uint32_t rnr_timers[CODES] = {
	65536, 1,    2,    3,    4,    6,     8,     12,    16,    24,    32,
	48,    64,   96,   128,  192,  256,   384,   512,   768,   1024,  1536,
	2048,  3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152,
};

int64_t bv_rnr_timer_ns(uint8_t code)
{
	return rnr_timers[code % CODES] * 10 * BV_USEC;
}

uint8_t bv_rnr_timer_code(int64_t ns)
{
	for (uint8_t code = 1; code < CODES; code++)
		if (bv_rnr_timer_ns(code) >= ns)
			return code;
	return 0;
}

int64_t bv_ack_timeout_ns(uint8_t code)
{
	return code % CODES == 0 ? BV_FOREVER : ACK_UNIT_NS << code % CODES;
}

uint8_t bv_ack_timeout_code(int64_t ns)
{
	for (uint8_t code = 1; code < CODES - 1; code++)
		if (bv_ack_timeout_ns(code) >= ns)
			return code;
	return CODES - 1;
}
