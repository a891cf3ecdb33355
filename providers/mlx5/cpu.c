/* SPDX-License-Identifier: MIT */
/*
 * What the CPU can: whether it has the instructions of the short ways (pin_mlx5.h), which ask no more, so that
 * all channels of the provider come through its probe, also those of a program that has the short ways
 * inline; and which level of them the called ones use.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "simd.h"

#ifdef MLX5_SIMD
#include <cpuid.h>
#endif

bool bvi_mlx5_cpu_suits(void)
{
#ifdef __x86_64__
	return __builtin_cpu_supports("ssse3");
#else
	return true;
#endif
}

#ifdef MLX5_SIMD

/* Those without VBMI, the first with AVX-512, run slower for a while after each use of it. */
static bool has_avx512(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
	       __builtin_cpu_supports("bmi2");
}

/* CPUID leaf 7, ECX bit 28 */
static bool has_movdir64b(void)
{
	unsigned eax, ebx, ecx, edx;

	return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && ecx & 1u << 28;
}

#endif

/* The best first. */
static const struct level {
	const char *name;
	bool (*has)(void);
	const struct bv_channel_ops *sends;
} levels[] = {
#ifdef MLX5_SIMD
	{ "avx512", has_avx512, bvi_mlx5_ops_avx512 },
	{ "movdir64b", has_movdir64b, bvi_mlx5_ops_movdir64b },
#endif
	{ "base", bvi_mlx5_cpu_suits, bvi_mlx5_ops_short },
};

static BV_COLD_PATH int refuse(const char *forced, bool known, char *why, size_t size)
{
	snprintf(
		why, size, "BV_MLX5_SIMD=%s: %s", forced,
		known ? "this CPU lacks these instructions; leave it unset for the best that it has" :
			"no level of this build; there are base and, on x86-64, avx512 and movdir64b");
	return -EOPNOTSUPP;
}

/* What stands behind the name of a level in @forced; NULL: it does not begin with it. */
static const char *behind(const char *forced, const char *name)
{
	const size_t n = strlen(name);

	return strncmp(forced, name, n) == 0 ? forced + n : NULL;
}

/*
 * A level with ! behind its name is taken unseen, for who executes its instructions in the CPU's place, as
 * tests/variants does. Otherwise the first post ends the program on a CPU that lacks them.
 */
int bvi_mlx5_cpu_sends(const struct bv_channel_ops **sends, char *why, size_t size)
{
	const char *const forced = getenv("BV_MLX5_SIMD");
	bool known = false;

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		const char *const rest = forced ? behind(forced, levels[i].name) : "";

		if (!rest || (*rest && strcmp(rest, "!") != 0))
			continue;
		known = true;
		if (*rest || levels[i].has()) {
			*sends = levels[i].sends;
			return 0;
		}
	}
	return refuse(forced ? forced : "", known, why, size);
}
