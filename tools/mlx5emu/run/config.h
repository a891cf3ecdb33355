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
	EMU_RUN_MAX_UVERBS = 1 << 16,
	EMU_RUN_ID_SIZE = 33,        /* 32 characters and the end */
	EMU_RUN_FAULTS_SIZE = 16384, /* text of the fault plan and the end */
	EMU_RUN_NAME_SIZE = 64,      /* of a device (IBV_SYSFS_NAME_MAX), with its end */
	EMU_RUN_ADDRESSES = 8,       /* of a port; on Ethernet each has two rows of the GID table */
	EMU_RUN_PKEYS = 8,           /* of a port on InfiniBand */
	EMU_GID_TABLE = 16,          /* gid_tbl_len; the rest is zero, as on a real port */
};

#define EMU_BOARD_ID "MLX5EMU"
enum { EMU_VENDOR_OUI = 0x2c9, EMU_PCI_VENDOR = 0x15b3 };

/*
 * What a device says it is: by the PCI number libmlx5 recognises it, and programs choose their ways.
 * What it can do is the same for all.
 */
struct emu_model {
	const char *name, *hca_type;
	uint16_t pci_device, fw_major, fw_minor, fw_subminor;
};
enum { EMU_MODELS = 8, EMU_MODEL_DEFAULT = 5 /* ConnectX-6 */ };
extern const struct emu_model emu_models[EMU_MODELS];

enum { EMU_RUN_LOG_WARN = 2 }; /* the level of the log unless the run is told otherwise */

/* What becomes of breaches; engine/engine.h says what each level means. */
enum emu_run_strict {
	EMU_RUN_STRICT_ERROR,
	EMU_RUN_STRICT_PEDANTIC,
	EMU_RUN_STRICT_WARN,
	EMU_RUN_STRICT_OFF,
	EMU_RUN_STRICTS,
};

struct emu_run_device {
	char name[EMU_RUN_NAME_SIZE];
	unsigned model;   /* in emu_models */
	bool infiniband;  /* link layer; else Ethernet */
	bool active;      /* port state */
	bool static_uars; /* as kernels before Linux 5.8: a fixed set of UARs for each context */
	bool cqe_v0;      /* completions of version 0: they name queues by their numbers */
	unsigned mtu;     /* active MTU in bytes */
	uint64_t guid;    /* node GUID, first byte in the top bits */
	uint16_t lid;     /* InfiniBand, else 0 */
	unsigned npkeys;
	uint16_t pkey[EMU_RUN_PKEYS];
	uint32_t ipv4; /* host byte order: by which rdma_cm finds it; 0 = none */
	unsigned naddresses;
	uint8_t address[EMU_RUN_ADDRESSES][16]; /* GIDs, one of them mapped from IPv4, or not */
};

struct emu_run {
	char id[EMU_RUN_ID_SIZE];
	unsigned ndev;         /* 1..EMU_RUN_MAX_DEVICES */
	unsigned first_uverbs; /* number of the first device's node: those of real devices are below */
	struct emu_run_device dev[EMU_RUN_MAX_DEVICES];
	bool manual;
	bool write_commands; /* by write(2), not by ioctl(2) */
	enum emu_run_strict strict;
	int log_level;                    /* 0 none .. 5 trace */
	char log_file[PATH_MAX];          /* "" = stderr */
	char trace_file[PATH_MAX];        /* "" = no trace, "-" = stderr */
	char pcap_file[PATH_MAX];         /* "" = no capture */
	char faults[EMU_RUN_FAULTS_SIZE]; /* fault plan, lines that each end; "" = none */
};

/* "ffff+8001", hexadecimal with or without 0x. -EINVAL. */
int emu_run_parse_pkeys(const char *text, struct emu_run_device *dev);

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
 * The GID table. On Ethernet each address has two rows, RoCE v1 and v2, in the order of a real mlx5
 * port; on InfiniBand one. The rows behind emu_run_gids() are zero.
 */
unsigned emu_run_gids(const struct emu_run_device *dev);
void emu_run_gid(const struct emu_run_device *dev, unsigned index, uint8_t gid[16]);
bool emu_run_gid_is_v2(const struct emu_run_device *dev, unsigned index);

/* The row to use for address @i: of RoCE v2. */
unsigned emu_run_address_row(const struct emu_run_device *dev, unsigned i);

/* The device that has the GID, and its number in @run; NULL. */
const struct emu_run_device *emu_run_find_gid(const struct emu_run *run, const uint8_t gid[16]);

/* Letters, digits and "_-.", at most EMU_RUN_NAME_SIZE - 1, not "." and "..". */
bool emu_run_name_valid(const char *name);

/* The link-local address that a port has of its GUID: EUI-64 of its Ethernet address, or the GUID. */
void emu_run_link_local(const struct emu_run_device *dev, uint8_t address[16]);
void emu_run_mapped(uint32_t ipv4, uint8_t address[16]);

/* Of the device that has the GID, or of the group that it names; false when there is neither. */
bool emu_run_mac_of_gid(const struct emu_run *run, const uint8_t gid[16], uint8_t mac[6]);

#endif
