/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_RUN_CONFIG_H
#define MLX5EMU_RUN_CONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * What one run of `mlx5emu run` is: the launcher decides it, writes it to "config" in the run
 * directory, and every process of the run reads it there. MLX5EMU_RUN names that directory; nothing
 * else travels through the environment. The file is text, one `key value...` per line, so that a
 * person can read it while a program hangs.
 */

#define EMU_RUN_ENV "MLX5EMU_RUN"
#define EMU_RUN_CONFIG_FILE "config"
#define EMU_RUN_REPORTS_FILE "reports" /* beside it: a line for each breach, by any process */

enum {
	EMU_RUN_MAX_DEVICES = 16,
	EMU_RUN_ID_SIZE = 33,        /* 32 characters and the end */
	EMU_RUN_FAULTS_SIZE = 16384, /* text of the fault plan and the end */
	EMU_GID_COUNT = 4,           /* filled entries: link-local v1, v2, IPv4 v1, v2 */
	EMU_GID_TABLE = 16,          /* gid_tbl_len; the rest is zero, as on a real port */
};

/* Identity of the device: a ConnectX-6, by which libmlx5 recognises it. */
#define EMU_BOARD_ID "MLX5EMU"
enum { EMU_FW_MAJOR = 20, EMU_FW_MINOR = 35, EMU_FW_SUBMINOR = 1012 };
enum { EMU_VENDOR_OUI = 0x2c9, EMU_PCI_VENDOR = 0x15b3, EMU_PCI_DEVICE = 0x101b };

/* What becomes of breaches; engine/engine.h says what each level means. */
enum emu_run_strict {
	EMU_RUN_STRICT_ERROR,
	EMU_RUN_STRICT_PEDANTIC,
	EMU_RUN_STRICT_WARN,
	EMU_RUN_STRICT_OFF,
	EMU_RUN_STRICTS,
};

struct emu_run_device {
	bool active;   /* port state */
	unsigned mtu;  /* active MTU in bytes */
	uint64_t guid; /* node GUID, first byte in the top bits */
	uint32_t ipv4; /* host byte order; the address of GIDs 2 and 3 */
};

struct emu_run {
	char id[EMU_RUN_ID_SIZE];
	unsigned ndev; /* 1..EMU_RUN_MAX_DEVICES */
	struct emu_run_device dev[EMU_RUN_MAX_DEVICES];
	bool manual;
	enum emu_run_strict strict;
	int log_level;                    /* 0 none .. 5 trace */
	char log_file[PATH_MAX];          /* "" = stderr */
	char trace_file[PATH_MAX];        /* "" = no trace, "-" = stderr */
	char pcap_file[PATH_MAX];         /* "" = no capture */
	char faults[EMU_RUN_FAULTS_SIZE]; /* fault plan, lines that each end; "" = none */
};

/* -EIO when the stream is in error. */
int emu_run_write(const struct emu_run *run, FILE *out);

/* -EINVAL for a line that is not understood or a value out of range; -EIO. */
int emu_run_read(FILE *in, struct emu_run *run);

/* "error", "pedantic", "warn", "off": NULL behind the last; -EINVAL for another name. */
const char *emu_run_strict_name(enum emu_run_strict strict);
int emu_run_strict_parse(const char *name, enum emu_run_strict *strict);

/* 256, 512, 1024, 2048 and 4096 are MTUs of InfiniBand. */
bool emu_run_mtu_valid(unsigned long mtu);

/* The port's Ethernet address, taken from the GUID the way mlx5 forms a GUID from it. */
void emu_run_mac(const struct emu_run_device *dev, uint8_t mac[6]);

/*
 * Entry @index of the GID table in the order of a real mlx5 port: link-local (EUI-64 of the
 * Ethernet address) as RoCE v1 and v2, then the IPv4-mapped address as v1 and v2, then zeros.
 */
void emu_run_gid(const struct emu_run_device *dev, unsigned index, uint8_t gid[16]);
bool emu_run_gid_is_v2(unsigned index);

#endif
