/* SPDX-License-Identifier: MIT */
/*
 * MOVDIR64B for CPUs that lack it: a library to be preloaded, which executes the instruction when the CPU
 * refuses it. So provider mlx5's level of that name runs everywhere (BV_MLX5_SIMD=movdir64b!).
 *
 *	66 0F 38 F8 /r	MOVDIR64B r64, m512	(Intel SDM volume 2)
 *
 * 64 bytes are loaded from memory and stored to where the register points, as a whole; that must be a multiple of
 * 64, else #GP, which Linux delivers as SIGSEGV. The operand may have any form of address, with the prefixes of
 * 32-bit addresses (67), of %fs (64) and REX.
 *
 * Everything else goes to who handles SIGILL. Programs may say who that is at any time (cmocka does), and still do
 * not get what is for us. The handler neither allocates nor locks, and makes no call of the kernel but its return,
 * so that noalloc may watch.
 *
 * In the environment: MOVDIR64B_COUNT names a file, which at the end of each process gets the count of what was
 * executed, if it was not 0. MOVDIR64B_OPCODE=255 has that in the place of F8: for a program in which each is
 * replaced so, as CPUs execute MOVDIR64B also where a hypervisor has them not tell.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { LINE = 64, LONGEST = 15 };

/* What of an instruction was read. */
struct decoded {
	bool short_addresses, of_thread;
	unsigned rex;
	unsigned reg; /* which points to where it goes */
	uint64_t from;
	unsigned length;
};

static unsigned long executed;
static uint8_t opcode = 0xf8;
static struct sigaction other; /* who handles SIGILL */
static int (*real_sigaction)(int signal, const struct sigaction *action, struct sigaction *old);

static uint64_t reg_of(const ucontext_t *uc, unsigned n)
{
	static const int place[16] = {
		REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
		REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
	};

	return (uint64_t)uc->uc_mcontext.gregs[place[n & 15]];
}

/* A displacement of 1 or 4 bytes, extended by its sign. */
static uint64_t displacement(const uint8_t *at, unsigned bytes)
{
	int32_t wide;

	if (bytes == 1)
		return (uint64_t)(int64_t)(int8_t)*at;
	memcpy(&wide, at, sizeof(wide));
	return (uint64_t)(int64_t)wide;
}

/* Prefixes; returns what is behind them, the opcode. */
static const uint8_t *prefixes(const uint8_t *at, struct decoded *out)
{
	const uint8_t *const end = at + LONGEST - 5;
	bool operand = false;

	for (; at < end; at++) {
		if (*at == 0x66)
			operand = true;
		else if (*at == 0x67)
			out->short_addresses = true;
		else if (*at == 0x64)
			out->of_thread = true;
		/* Those of the other segments but %gs say nothing. */
		else if (*at != 0x26 && *at != 0x2e && *at != 0x36 && *at != 0x3e)
			break;
	}
	if ((*at & 0xf0) == 0x40)
		out->rex = *at++;
	return operand ? at : NULL;
}

/* Index and base of a SIB byte. */
static uint64_t scaled(const ucontext_t *uc, const struct decoded *in, unsigned sib, bool no_base)
{
	const unsigned index = (sib >> 3 & 7) | (in->rex & 2) << 2;
	const unsigned base = (sib & 7) | (in->rex & 1) << 3;
	uint64_t sum = no_base ? 0 : reg_of(uc, base);

	/* 4 is none; with REX.X it is R12. */
	if (index != 4)
		sum += reg_of(uc, index) << (sib >> 6);
	return sum;
}

/* The operand in memory (SDM volume 2, 2.1.5, tables 2-2 and 2-3); returns what is behind it. NULL: a register. */
static const uint8_t *operand(const ucontext_t *uc, const uint8_t *at, struct decoded *out)
{
	const unsigned modrm = *at++, mod = modrm >> 6, rm = modrm & 7;
	unsigned disp = mod == 1 ? 1 : mod == 2 ? 4 : 0;
	bool of_next = false;

	if (mod == 3)
		return NULL;
	out->reg = (modrm >> 3 & 7) | (out->rex & 4) << 1;
	if (rm == 4) {
		const unsigned sib = *at++;
		const bool no_base = mod == 0 && (sib & 7) == 5;

		disp = no_base ? 4 : disp;
		out->from = scaled(uc, out, sib, no_base);
	} else if (rm == 5 && mod == 0) {
		of_next = true;
		disp = 4;
		out->from = 0;
	} else {
		out->from = reg_of(uc, rm | (out->rex & 1) << 3);
	}
	if (disp)
		out->from += displacement(at, disp);
	at += disp;
	if (of_next)
		out->from += (uint64_t)(uintptr_t)at;
	return at;
}

static bool decode(const ucontext_t *uc, struct decoded *out)
{
	const uint8_t *const start = (const uint8_t *)(uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
	const uint8_t *at;

	*out = (struct decoded){ 0 };
	at = prefixes(start, out);
	if (!at || at[0] != 0x0f || at[1] != 0x38 || at[2] != opcode)
		return false;
	at = operand(uc, at + 3, out);
	if (!at)
		return false;
	out->length = (unsigned)(at - start);
	if (out->short_addresses)
		out->from = (uint32_t)out->from;
	/* The thread's first word is its own address, which the segment begins with. */
	if (out->of_thread)
		out->from += (uintptr_t)__builtin_thread_pointer();
	return true;
}

/* As one: whoever looks from another thread sees its words in ascending order at worst. */
static void move(uint64_t to, uint64_t from)
{
	volatile uint64_t *const words = (volatile uint64_t *)(uintptr_t)to;
	uint64_t line[LINE / sizeof(uint64_t)];

	memcpy(line, (const void *)(uintptr_t)from, sizeof(line));
	for (size_t i = 0; i < LINE / sizeof(uint64_t); i++)
		words[i] = line[i];
}

static void on_illegal(int signal, siginfo_t *info, void *context)
{
	ucontext_t *const uc = context;
	struct decoded in;
	uint64_t to;

	(void)signal, (void)info;
	if (!decode(uc, &in)) {
		real_sigaction(SIGILL, &other, NULL); /* and is refused once more */
		return;
	}
	to = reg_of(uc, in.reg);
	if (in.short_addresses)
		to = (uint32_t)to;
	if (to % LINE) {
		raise(SIGSEGV); /* blocked until this returns, so that it is of the instruction */
		return;
	}
	move(to, in.from);
	uc->uc_mcontext.gregs[REG_RIP] += in.length;
	__atomic_fetch_add(&executed, 1, __ATOMIC_RELAXED);
}

static void begin(void)
{
	struct sigaction action = { .sa_sigaction = on_illegal, .sa_flags = SA_SIGINFO };
	const char *const stand_in = getenv("MOVDIR64B_OPCODE");
	void *found;

	if (real_sigaction)
		return;
	if (stand_in)
		opcode = (uint8_t)atoi(stand_in);
	found = dlsym(RTLD_NEXT, "sigaction");
	memcpy(&real_sigaction, &found, sizeof(found));
	sigaddset(&action.sa_mask, SIGSEGV);
	real_sigaction(SIGILL, &action, &other);
}

static __attribute__((constructor)) void load(void)
{
	begin();
}

EXPORT int sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
	begin(); /* other libraries' constructors may come first */
	if (signal != SIGILL)
		return real_sigaction(signal, action, old);
	if (old)
		*old = other;
	if (action)
		other = *action;
	return 0;
}

EXPORT __sighandler_t signal(int signal, __sighandler_t handler)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART }, old;

	return sigaction(signal, &action, &old) < 0 ? SIG_ERR : old.sa_handler;
}

static __attribute__((destructor)) void end(void)
{
	const char *const path = getenv("MOVDIR64B_COUNT");
	const int file =
		executed && path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

	if (file < 0)
		return;
	dprintf(file, "%lu\n", executed);
	close(file);
}
