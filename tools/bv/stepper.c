/* SPDX-License-Identifier: MIT */
/* The calls of tools/mlx5emu/mlx5emu.h are in the library that mlx5emu preloads, or nowhere. */
#include "stepper.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

/* A data pointer into a function pointer, the way POSIX means it for dlsym(). */
#define FIND(function, name)                                    \
	do {                                                    \
		void *symbol = dlsym(RTLD_DEFAULT, name);       \
                                                                \
		memcpy(&(function), &symbol, sizeof(function)); \
	} while (0)

bool stepper_is_manual(void)
{
	int (*is_manual)(void);

	FIND(is_manual, "mlx5emu_is_manual");
	return is_manual != NULL && is_manual() != 0;
}

void stepper_settle(void)
{
	static unsigned (*step)(void);

	if (step == NULL) {
		if (!stepper_is_manual())
			return;
		FIND(step, "mlx5emu_step");
	}
	while (step != NULL && step() > 0)
		;
}
