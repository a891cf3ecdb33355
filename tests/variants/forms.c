/* SPDX-License-Identifier: MIT */
/*
 * MOVDIR64B in each form of address, by whoever executes it here: the CPU, or what movdir64b.sh preloads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOW 0x10000000
#define LOW_TEXT "0x10000000"

enum { LINE = 64, AT = 256 };

static _Alignas(64) uint8_t source[1024], target[3 * LINE];
static __thread uint8_t own[LINE];

/* The line from @from on lies in the middle of the target, and nothing beside it. */
static void moved(const void *from)
{
	static const uint8_t none[LINE];

	assert_memory_equal(target + LINE, from, LINE);
	assert_memory_equal(target, none, LINE);
	assert_memory_equal(target + 2 * LINE, none, LINE);
	memset(target, 0, sizeof(target));
}

/* @text moves to %[to]; its inputs follow. */
#define MOVES(from, text, ...)                                          \
	do {                                                            \
		__asm__ volatile(text                                   \
				 :                                      \
				 : [to] "b"(target + LINE), __VA_ARGS__ \
				 : "memory", "r12", "r13", "r15");      \
		moved(from);                                            \
	} while (0)

static void bases(void **state)
{
	const uint8_t *const b = source + AT;

	(void)state;
	MOVES(b, "movdir64b (%[b]), %[to]", [b] "S"(b));
	MOVES(b + 1, "movdir64b 1(%[b]), %[to]", [b] "c"(b));
	MOVES(b - 128, "movdir64b -128(%[b]), %[to]", [b] "D"(b));
	MOVES(b + 0x180, "movdir64b 0x180(%[b]), %[to]", [b] "d"(b));
	MOVES(b - 0x90, "movdir64b -0x90(%[b]), %[to]", [b] "a"(b));
	MOVES(b, "mov %[b], %%r15; movdir64b (%%r15), %[to]", [b] "S"(b));
}

/* Those whose number means something else in some place. */
static void bases_with_another_meaning(void **state)
{
	const uint8_t *b = source + AT;

	(void)state;
	MOVES(b, "push %%rbp; mov %[b], %%rbp; movdir64b (%%rbp), %[to]; pop %%rbp", [b] "S"(b));
	MOVES(b, "mov %[b], %%r12; movdir64b (%%r12), %[to]", [b] "S"(b));
	MOVES(b + 0x100, "mov %[b], %%r12; movdir64b 0x100(%%r12), %[to]", [b] "S"(b));
	MOVES(b, "mov %[b], %%r13; movdir64b (%%r13), %[to]", [b] "S"(b));
	__asm__ volatile("lea -512(%%rsp), %%rsp; mov %%rsp, %%rdi; mov $64, %%ecx; rep movsb;"
			 "movdir64b (%%rsp), %[to]; lea 512(%%rsp), %%rsp"
			 : "+S"(b)
			 : [to] "a"(target + LINE)
			 : "memory", "rdi", "rcx", "cc");
	moved(source + AT);
}

static void indices(void **state)
{
	const uint8_t *const b = source + AT;
	const long i = 3, j = -3;

	(void)state;
	MOVES(b + 3, "movdir64b (%[b],%[i]), %[to]", [b] "S"(b), [i] "c"(i));
	MOVES(b - 6, "movdir64b (%[b],%[i],2), %[to]", [b] "S"(b), [i] "c"(j));
	MOVES(b + 20, "movdir64b 8(%[b],%[i],4), %[to]", [b] "S"(b), [i] "d"(i));
	MOVES(b - 232, "movdir64b -0x100(%[b],%[i],8), %[to]", [b] "S"(b), [i] "a"(i));
	MOVES(b + 12, "mov %[i], %%r12; movdir64b (%[b],%%r12,4), %[to]", [b] "S"(b), [i] "c"(i));
	MOVES(b + 3, "mov %[b], %%r13; movdir64b (%%r13,%[i]), %[to]", [b] "S"(b), [i] "c"(i));
	MOVES(b + 3, "mov %[b], %%r12; movdir64b (%%r12,%[i]), %[to]", [b] "S"(b), [i] "c"(i));
	MOVES(b + 24, "push %%rbp; mov %[i], %%rbp; movdir64b (%[b],%%rbp,8), %[to]; pop %%rbp",
	      [b] "S"(b), [i] "c"(i));
}

static void targets(void **state)
{
	const uint8_t *const b = source + AT;

	(void)state;
#define TO(reg)                                                                  \
	do {                                                                     \
		__asm__ volatile("mov %[t], %%" reg "; movdir64b (%[b]), %%" reg \
				 :                                               \
				 : [t] "r"(target + LINE), [b] "S"(b)            \
				 : "memory", reg);                               \
		moved(b);                                                        \
	} while (0)
	TO("rax");
	TO("rdi");
	TO("r8");
	TO("r12");
	TO("r13");
	TO("r15");
#undef TO
}

static void places_without_a_register(void **state)
{
	(void)state;
	MOVES(source + AT, "movdir64b %[m], %[to]", [m] "m"(source[AT]));
	for (unsigned i = 0; i < LINE; i++)
		own[i] = (uint8_t)(200 - i);
	MOVES(own, "movdir64b %[m], %[to]", [m] "m"(own));
}

static void short_addresses(void **state)
{
	uint8_t *const low = mmap((void *)LOW, 4096, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	const long far = 1L << 32, i = 8;

	(void)state;
	if (low == MAP_FAILED)
		skip();
	memcpy(low, source, sizeof(source));
	MOVES(low, "movdir64b " LOW_TEXT ", %[to]", "r"(0));
	MOVES(low + 64, "movdir64b " LOW_TEXT "(,%[i],8), %[to]", [i] "c"(i));
	/* The high halves of what they are made of do not count. */
	__asm__ volatile("movdir64b 8(%%ecx), %%edx"
			 :
			 : "c"(low + far), "d"(low + 2048 + far)
			 : "memory");
	assert_memory_equal(low + 2048, source + 8, LINE);
	munmap(low, 4096);
}

static int death_of(void (*does)(void))
{
	const pid_t child = fork();
	int status;

	if (child == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
		signal(SIGSEGV, SIG_DFL);
		signal(SIGILL, SIG_DFL);
		does();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void not_to_a_line(void)
{
	__asm__ volatile("movdir64b (%[b]), %[to]"
			 :
			 : [b] "r"(source), [to] "r"(target + 8)
			 : "memory");
}

static void from_nowhere(void)
{
	__asm__ volatile("movdir64b 8, %[to]" : : [to] "r"(target) : "memory");
}

static void from_a_register(void)
{
	__asm__ volatile(".byte 0x66, 0x0f, 0x38, 0xf8, 0xc1");
}

static void another_instruction(void)
{
	__asm__ volatile("ud2");
}

static void what_is_wrong_ends_the_program(void **state)
{
	(void)state;
	assert_int_equal(death_of(not_to_a_line), SIGSEGV);
	assert_int_equal(death_of(from_nowhere), SIGSEGV);
	assert_int_equal(death_of(from_a_register), SIGILL);
	assert_int_equal(death_of(another_instruction), SIGILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bases),
		cmocka_unit_test(bases_with_another_meaning),
		cmocka_unit_test(indices),
		cmocka_unit_test(targets),
		cmocka_unit_test(places_without_a_register),
		cmocka_unit_test(short_addresses),
		cmocka_unit_test(what_is_wrong_ends_the_program),
	};

	for (size_t i = 0; i < sizeof(source); i++)
		source[i] = (uint8_t)(i * 7 + i / 256);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
