/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_TRACE_STAT_H
#define MLX5EMU_TRACE_STAT_H

#include <stdint.h>

#include "../mlx5emu.h"

/*
 * What one process shows of its devices while it runs: the file stat/<pid> in the run directory,
 * mapped and written in place by that process alone, mapped by whoever looks (`mlx5emu stat`). So
 * counting is an increment in memory, looking disturbs nobody, and what was last counted stays
 * readable as long as the run lasts. Numbers are read while they change: each is whole, together they
 * may be of different moments.
 */

#define EMU_STAT_DIR "stat"

enum {
	EMU_STAT_VERSION = 1,
	EMU_STAT_DEVICES = 16,
	EMU_STAT_QPS = 4096,
	EMU_STAT_NAME = 64,
};

static const char emu_stat_magic[8] = { 'm', 'l', 'x', '5', 's', 't', 'a', 't' };

struct emu_stat_work {
	uint64_t doorbells, wqes, receives;
	uint64_t packets_sent, packets_received, retransmissions, timeouts;
	uint64_t rnr_naks_sent, rnr_naks_received;
	uint64_t cqes, error_cqes;
};

struct emu_stat_qp {
	uint32_t qpn;  /* 0 = there is none; written last, cleared first */
	uint32_t peer; /* 0 = not connected */
	uint8_t type, state, device, reserved[5];
	struct emu_stat_work work;
};

struct emu_stat_device {
	char name[EMU_STAT_NAME]; /* "" = never opened by this process */
	uint64_t opened;
	struct emu_stat_work gone; /* of queue pairs that were destroyed */
};

struct emu_stat {
	char magic[8];
	uint32_t version, size;
	int32_t pid;
	uint32_t slot;
	uint64_t started; /* of the process, field 22 of /proc/<pid>/stat */
	char name[EMU_STAT_NAME];
	struct mlx5emu_counters counters;
	struct emu_stat_device device[EMU_STAT_DEVICES];
	struct emu_stat_qp qp[EMU_STAT_QPS]; /* by the lower half of the number */
};

/* Field 22 of /proc/<pid>/stat; 0 when there is no such process. */
uint64_t emu_stat_started(int pid);

#endif
