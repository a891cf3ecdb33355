/* SPDX-License-Identifier: MIT */
/*
 * mlx5emu's kernel: a program that opens the device and says anything, by write(2), by INVOKE_WRITE and
 * by the ioctl methods, stores anything into its memory and the registers, and lets the device work in
 * between. Whatever it is, every call ends with 0 or an error, nothing outside the program's memory is
 * touched (arena.h), and closing the device gives back all of it.
 *
 *	input:	| operation | its arguments | operation | ...	(enum operation)
 */
#include "arena.h"
#include "fuzz.h"
#include "host.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rdma/rdma_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_verbs.h>

#include "tools/mlx5emu/engine/state.h"
#include "tools/mlx5emu/mlx5emu.h"
#include "tools/mlx5emu/run/config.h"
#include "tools/mlx5emu/uverbs/command.h"
#include "tools/mlx5emu/uverbs/libc.h"
#include "tools/mlx5emu/uverbs/session.h"

enum operation {
	OP_INVOKE, /* command, sizes of its four buffers (outputs in units of 8), core in, driver in */
	OP_WRITE,    /* size, bytes */
	OP_METHOD,   /* object 2, method 2, count; of each attribute: id 2, flags, size, bytes */
	OP_STORE,    /* offset in units of 16: 2, size, bytes */
	OP_REGISTER, /* page, offset in units of 8: 2, eight bytes */
	OP_STEP,     /* milliseconds */
	OPERATIONS,
};

enum {
	REQUESTS = ARENA_SIZE - (1 << 14), /* in the arena: what a call is made of */
	OUTPUTS = ARENA_SIZE - (1 << 13),
	MAX_OPERATIONS = 64,
};

struct input {
	const uint8_t *at, *end;
};

static uint8_t byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static uint16_t word(struct input *in)
{
	const unsigned low = byte(in);

	return (uint16_t)(low | (unsigned)byte(in) << 8);
}

/* Copies @size bytes, those that are not there as zeros. */
static void bytes(struct input *in, uint8_t *to, size_t size)
{
	const size_t left = (size_t)(in->end - in->at), n = size < left ? size : left;

	memcpy(to, in->at, n);
	memset(to + n, 0, size - n);
	in->at += n;
}

/* ---- the program's calls ---- */

/* An attribute whose bytes are in the arena or, up to eight of them, in itself. */
static void set_data(struct input *in, struct ib_uverbs_attr *attr, uint32_t *used)
{
	uint8_t *at = arena_at(*used);

	bytes(in, at, attr->len);
	if (attr->len <= sizeof(attr->data)) {
		memcpy(&attr->data, at, attr->len);
	} else {
		attr->data = (uintptr_t)at;
		*used += (attr->len + 7u) & ~7u;
	}
}

static void call(struct emu_file *file, struct ib_uverbs_ioctl_hdr *hdr, unsigned n)
{
	hdr->num_attrs = (uint16_t)n;
	hdr->length = (uint16_t)(sizeof(*hdr) + n * sizeof(hdr->attrs[0]));
	require(emu_verbs_ioctl(file, (uintptr_t)hdr) <= 0);
}

static void invoke(struct emu_file *file, struct input *in)
{
	struct ib_uverbs_ioctl_hdr *hdr = (struct ib_uverbs_ioctl_hdr *)(void *)arena_at(REQUESTS);
	const uint16_t command = word(in), core = byte(in), drv = byte(in), out = byte(in),
		       drv_out = byte(in);
	uint32_t used = REQUESTS + 1024;

	memset(hdr, 0, sizeof(*hdr) + 5 * sizeof(hdr->attrs[0]));
	hdr->object_id = UVERBS_OBJECT_DEVICE;
	hdr->method_id = UVERBS_METHOD_INVOKE_WRITE;
	hdr->attrs[0].attr_id = UVERBS_ATTR_WRITE_CMD;
	hdr->attrs[0].len = sizeof(uint32_t);
	hdr->attrs[0].data = (command & 0xff) | (uint64_t)(command & 0xff00) << 16;
	hdr->attrs[1].attr_id = UVERBS_ATTR_CORE_IN;
	hdr->attrs[1].len = core;
	set_data(in, &hdr->attrs[1], &used);
	hdr->attrs[2].attr_id = UVERBS_ATTR_UHW_IN;
	hdr->attrs[2].len = drv;
	set_data(in, &hdr->attrs[2], &used);
	hdr->attrs[3].attr_id = UVERBS_ATTR_CORE_OUT;
	hdr->attrs[3].len = (uint16_t)(out * 8);
	hdr->attrs[3].data = ARENA_BASE + OUTPUTS;
	hdr->attrs[4].attr_id = UVERBS_ATTR_UHW_OUT;
	hdr->attrs[4].len = (uint16_t)(drv_out * 8);
	hdr->attrs[4].data = ARENA_BASE + OUTPUTS + 2048;
	call(file, hdr, 5);
}

static void method(struct emu_file *file, struct input *in)
{
	struct ib_uverbs_ioctl_hdr *hdr = (struct ib_uverbs_ioctl_hdr *)(void *)arena_at(REQUESTS);
	uint32_t used = REQUESTS + 1024;
	unsigned n;

	memset(hdr, 0, sizeof(*hdr));
	hdr->object_id = word(in);
	hdr->method_id = word(in);
	n = byte(in) & 15;
	for (unsigned i = 0; i < n; i++) {
		struct ib_uverbs_attr *attr = &hdr->attrs[i];

		memset(attr, 0, sizeof(*attr));
		attr->attr_id = word(in);
		attr->flags = byte(in);
		attr->len = byte(in);
		set_data(in, attr, &used);
		if (attr->len == 0) /* a handle */
			attr->data = word(in);
	}
	call(file, hdr, n);
}

static void write_file(struct emu_file *file, struct input *in)
{
	const size_t size = byte(in) * 4u;

	bytes(in, arena_at(REQUESTS), size);
	require(emu_write_file(file, ARENA_BASE + REQUESTS, size) <= 0);
}

static void store(struct input *in)
{
	const uint32_t offset = word(in) * 16u % REQUESTS;
	const size_t size = byte(in);

	bytes(in, arena_at(offset), size);
}

static void ring(const struct emu_file *file, struct input *in)
{
	const size_t page = byte(in) % 8, offset = word(in) % (EMU_PAGE_SIZE / 8);
	uint64_t value;

	bytes(in, (uint8_t *)&value, sizeof(value));
	__atomic_store_n((uint64_t *)file->uar + page * (EMU_PAGE_SIZE / 8) + offset, value,
			 __ATOMIC_RELEASE);
}

static void run(struct emu_file *file, struct input *in)
{
	for (unsigned n = 0; in->at < in->end && n < MAX_OPERATIONS; n++) {
		switch ((enum operation)(byte(in) % OPERATIONS)) {
		case OP_INVOKE:
			invoke(file, in);
			break;
		case OP_WRITE:
			write_file(file, in);
			break;
		case OP_METHOD:
			method(file, in);
			break;
		case OP_STORE:
			store(in);
			break;
		case OP_REGISTER:
			ring(file, in);
			break;
		default:
			mlx5emu_advance_ns(byte(in) * UINT64_C(1000000));
			mlx5emu_step();
			break;
		}
	}
}

/* ---- the run ---- */

/* The directory of a run, with the configuration that `mlx5emu run --manual` would leave there. */
static void begin(void)
{
	static char dir[] = "/tmp/bv-fuzz-uverbs.XXXXXX";
	struct emu_run config = { .ndev = 1,
				  .manual = true,
				  .dev = { { .name = "mlx5_0",
					     .model = EMU_MODEL_DEFAULT,
					     .active = true,
					     .mtu = 4096,
					     .npkeys = 1,
					     .pkey = { 0xffff },
					     .ipv4 = 0x0a4d0001,
					     .naddresses = 2 } } };
	struct emu_run_device *dev = &config.dev[0];
	char path[64];
	FILE *out;

	dev->guid = 0x02424d03004c5800;
	emu_run_link_local(dev, dev->address[0]);
	emu_run_mapped(dev->ipv4, dev->address[1]);
	require(mkdtemp(dir));
	snprintf(config.id, sizeof(config.id), "fuzz-%d", (int)getpid());
	snprintf(path, sizeof(path), "%s/%s", dir, EMU_RUN_CONFIG_FILE);
	out = fopen(path, "we");
	require(out);
	require(emu_run_write(&config, out) == 0);
	fclose(out);
	require(setenv(EMU_RUN_ENV, dir, 1) == 0);
	require(emu_session());
	unlink(path);
	rmdir(dir);
	host_hide(dir);
}

/* Each input meets the same numbers: those of objects go on from device to device. */
static void renumber(void)
{
	struct emu_ids *const tables[] = { &emu.pds, &emu.xrcds, &emu.mrs,
					   &emu.cqs, &emu.srqs,  &emu.qps };

	for (unsigned i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		require(tables[i]->count == 0);
		emu_ids_reset(tables[i]);
	}
	emu.key_variant = 0;
	emu.nfreed = 0;
	memset(emu.freed_keys, 0, sizeof(emu.freed_keys));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct emu_closing closing;
	struct emu_file *file;
	static bool begun;
	int fd;

	if (!begun)
		begin();
	begun = true;
	arena_reset();
	host_reset();
	renumber();
	fd = emu_file_open(0, O_CLOEXEC);
	require(fd >= 0);
	file = emu_file_get(fd);
	require(file);
	run(file, &in);
	emu_file_put(file);
	emu_file_close_note(fd, &closing);
	emu_libc()->close(fd);
	emu_file_close_gone(&closing);
	require(!emu_file_any());
	return 0;
}
