/* SPDX-License-Identifier: MIT */
/*
 * Filled by the first caller, from any thread, also before constructors have run. Two threads may
 * fill it at the same time: they store the same values.
 */
#include "uverbs/libc.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

static struct emu_libc libc;
static atomic_bool ready;

static void lookup(const char *name, void *slot)
{
	void *fn = dlsym(RTLD_NEXT, name);

	memcpy(slot, &fn, sizeof(fn)); /* ISO C has no conversion from object to function pointer */
}

const struct emu_libc *emu_libc(void)
{
	if (atomic_load_explicit(&ready, memory_order_acquire))
		return &libc;
	lookup("open", &libc.open);
	lookup("openat", &libc.openat);
	lookup("stat", &libc.stat);
	lookup("fstat", &libc.fstat);
	lookup("access", &libc.access);
	lookup("readlink", &libc.readlink);
	lookup("realpath", &libc.realpath);
	lookup("opendir", &libc.opendir);
	lookup("fopen", &libc.fopen);
	lookup("ioctl", &libc.ioctl);
	lookup("close", &libc.close);
	lookup("socket", &libc.socket);
	lookup("write", &libc.write);
	atomic_store_explicit(&ready, true, memory_order_release);
	return &libc;
}
