/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_FABRIC_DOMAIN_H
#define MLX5EMU_FABRIC_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>

struct emu_fabric;

/*
 * Which XRC domains are open in the processes of a run. On a host with an adapter the kernel has one
 * table of them (ib_uverbs_open_xrcd()); here each process that has a domain open claims a name for it,
 *
 *	"\0mlx5emu.<run id>.xrcd.<device>.<dev>.<inode>.<slot>"
 *
 * in the abstract socket namespace, and a domain exists as long as somebody holds one of its names. The
 * kernel gives a name back with its last descriptor, however the process ends. Nobody else's opens change
 * between the question and the claim: both are done while holding one more name, the run's lock,
 *
 *	"\0mlx5emu.<run id>.xrcd"
 *
 * for microseconds. Nothing here waits for it.
 */

/* What makes opens the same domain: the file's inode, and which device of the run. */
struct emu_domain_key {
	uint64_t dev, ino;
	uint32_t device;
};

/*
 * Opens the domain for this process, which has not got it open: *@claim is a descriptor to be closed
 * (emu_raw_close()) when it has not any more, -1 in a run without others.
 * -EAGAIN nobody has it open, and @create is false; -EINVAL somebody has, and @exclusive; -EBUSY another
 * open of the run is in the middle of it, so ask again; -errno of sockets.
 */
int emu_domain_claim(const struct emu_fabric *fabric, const struct emu_domain_key *key, bool create,
		     bool exclusive, int *claim);

#endif
