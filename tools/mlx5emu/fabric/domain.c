/* SPDX-License-Identifier: MIT */
#include "domain.h"
#include "../trace/raw.h"
#include "address.h"
#include "fabric.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static int open_socket(void)
{
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

static socklen_t finish_name(struct sockaddr_un *name, int length)
{
	name->sun_family = AF_UNIX;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

static socklen_t claim_name(struct sockaddr_un *name, const struct emu_fabric *fabric,
			    const struct emu_domain_key *key, unsigned slot)
{
	memset(name, 0, sizeof(*name));
	return finish_name(name,
			   snprintf(name->sun_path + 1, sizeof(name->sun_path) - 1,
				    "mlx5emu.%s.xrcd.%u.%llx.%llx.%u", emu_fabric_run_id(fabric),
				    key->device, (unsigned long long)key->dev,
				    (unsigned long long)key->ino, slot));
}

static socklen_t lock_name(struct sockaddr_un *name, const struct emu_fabric *fabric)
{
	memset(name, 0, sizeof(*name));
	return finish_name(name, snprintf(name->sun_path + 1, sizeof(name->sun_path) - 1,
					  "mlx5emu.%s.xrcd", emu_fabric_run_id(fabric)));
}

/* A socket with that name, or -errno. */
static int hold(const struct sockaddr_un *name, socklen_t len)
{
	const int fd = open_socket();
	int rc;

	if (fd < 0)
		return fd;
	if (bind(fd, (const struct sockaddr *)name, len) == 0)
		return fd;
	rc = -errno;
	emu_raw_close(fd);
	return rc;
}

/* A descriptor that holds the run's lock until it is closed; -EBUSY it is held, or -errno. */
static int try_lock(const struct emu_fabric *fabric)
{
	struct sockaddr_un name;
	const int fd = hold(&name, lock_name(&name, fabric));

	return fd == -EADDRINUSE ? -EBUSY : fd;
}

/* 1 another process has it open, 0 none, -errno. */
static int open_elsewhere(const struct emu_fabric *fabric, const struct emu_domain_key *key)
{
	const int fd = open_socket();
	struct sockaddr_un name;
	int found = 0;

	if (fd < 0)
		return fd;
	for (unsigned slot = 1; slot < EMU_SLOTS && !found; slot++) {
		const socklen_t len = claim_name(&name, fabric, key, slot);

		found = slot != emu_fabric_slot(fabric) &&
			connect(fd, (struct sockaddr *)&name, len) == 0;
	}
	emu_raw_close(fd);
	return found;
}

static int bind_claim(const struct emu_fabric *fabric, const struct emu_domain_key *key)
{
	struct sockaddr_un name;

	return hold(&name, claim_name(&name, fabric, key, emu_fabric_slot(fabric)));
}

/* The lock is held. A descriptor or -errno. */
static int claim_locked(const struct emu_fabric *fabric, const struct emu_domain_key *key,
			bool create, bool exclusive)
{
	const int found = open_elsewhere(fabric, key);

	if (found < 0)
		return found;
	if (!found && !create)
		return -EAGAIN;
	if (found && exclusive)
		return -EINVAL;
	return bind_claim(fabric, key);
}

int emu_domain_claim(const struct emu_fabric *fabric, const struct emu_domain_key *key, bool create,
		     bool exclusive, int *claim)
{
	int held, fd;

	if (!*emu_fabric_run_id(fabric)) {
		if (!create)
			return -EAGAIN;
		*claim = -1;
		return 0;
	}
	held = try_lock(fabric);
	if (held < 0)
		return held;
	fd = claim_locked(fabric, key, create, exclusive);
	emu_raw_close(held);
	if (fd < 0)
		return fd;
	*claim = fd;
	return 0;
}
