/* SPDX-License-Identifier: MIT */
#include "address.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char legal[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_-abcdefghijklmnopqrstuvwxyz";

bool emu_address_valid(const char *run_id)
{
	const size_t n = strlen(run_id);

	return n <= EMU_RUN_ID_MAX && strspn(run_id, legal) == n;
}

socklen_t emu_address_make(struct sockaddr_un *name, const char *run_id, unsigned slot)
{
	const size_t room = sizeof(name->sun_path) - 1;
	int n;

	memset(name, 0, sizeof(*name));
	name->sun_family = AF_UNIX;
	n = snprintf(name->sun_path + 1, room, "mlx5emu.%s.%u", run_id, slot);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

/* Compared with what we would make ourselves: nothing of a stranger's name is parsed further. */
unsigned emu_address_slot(const struct sockaddr_un *name, socklen_t len, const char *run_id)
{
	const size_t fixed =
		offsetof(struct sockaddr_un, sun_path) + sizeof("mlx5emu.") + strlen(run_id) + 1;
	const char *digits = (const char *)name + fixed;
	struct sockaddr_un made;
	unsigned slot = 0;

	if (len <= fixed || len > fixed + 3)
		return 0;
	for (socklen_t i = 0; i < len - (socklen_t)fixed; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return 0;
		slot = slot * 10 + (unsigned)(digits[i] - '0');
	}
	if (slot == 0 || slot >= EMU_SLOTS)
		return 0;
	if (emu_address_make(&made, run_id, slot) != len || memcmp(&made, name, len) != 0)
		return 0;
	return slot;
}
