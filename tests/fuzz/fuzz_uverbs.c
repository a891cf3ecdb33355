/* SPDX-License-Identifier: MIT */
/*
 * mlx5emu's kernel: a program that opens two devices and says anything, by write(2), by INVOKE_WRITE and
 * by the ioctl methods, or to the connection manager, by which it may reach itself; that stores anything
 * into its memory and the registers, and lets the device work in between. Whatever it is, every call ends
 * with 0 or an error, nothing outside the program's memory is touched (arena.h), no buffer is written that a
 * completion has given back, and closing the devices gives back all of them, down to the descriptors. The
 * run may be traced and have faults, and another process may send anything (session.h, host.h).
 *
 * For each input the devices are opened and closed, and numbers, keys, chance and the clock begin anew:
 * what an input finds, it finds alone.
 *
 *	input:	| size | operation | its arguments | size | operation | ...	(enum operation)
 *
 * The size is that of one operation, so that another one can be put in its place (mutate_uverbs.c). In
 * what a call carries, most bytes are 0: a zero is written as | 0 | how many more |.
 */
#include "tools/mlx5emu/cm/cm.h" /* before the kernel's headers, as it says */

#include "arena.h"
#include "fuzz.h"
#include "host.h"
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <rdma/rdma_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_verbs.h>

#include "tools/mlx5emu/engine/fault.h"
#include "tools/mlx5emu/engine/state.h"
#include "tools/mlx5emu/mlx5emu.h"
#include "tools/mlx5emu/uverbs/command.h"
#include "tools/mlx5emu/uverbs/libc.h"
#include "tools/mlx5emu/uverbs/session.h"

enum operation {
	OP_INVOKE, /* command, sizes of its four buffers (outputs in units of 8), core in, driver in */
	OP_WRITE, /* size, bytes */
	OP_METHOD, /* object 2, method 2, count; of each attribute: id 2, flags, size; bytes or value 2 */
	OP_STORE,    /* offset in units of 16: 2, size, bytes */
	OP_REGISTER, /* page, offset in units of 8: 2, eight bytes */
	OP_STEP,     /* milliseconds */
	OP_CM,       /* which of two files, size in units of 4, bytes: a command of rdma_cm */
	OP_DEVICE,   /* which of the two devices is meant from now on; 0 at first */
	OP_RUN,      /* options of session.h, then for each fault its rule and number */
	OP_ARRIVE,   /* what the other process sends: below, at arrive() */
	OPERATIONS,
};

/* Beside the flags of an attribute. */
enum {
	LONG = 0x80,   /* the size is in units of 16 */
	ANSWER = 0x40, /* room for the device's bytes: the input has none */
};

enum {
	REQUESTS = ARENA_SIZE - (1 << 14), /* in the arena: what a call is made of */
	OUTPUTS = ARENA_SIZE - (1 << 13),
	MAX_OPERATIONS = 128,
	MAX_PAYLOAD = HOST_DATAGRAM - EMU_RELAY_HEADER - EMU_WIRE_HEADER,
};

struct input {
	const uint8_t *at, *end;
};

enum { FILES = SESSION_DEVICES };

/* What the program has open; -1: not yet. */
struct files {
	struct emu_file *device; /* that is meant */
	int fd[FILES], cm[FILES];
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

/* Writes @size bytes, those that are not there as zeros. */
static void bytes(struct input *in, uint8_t *to, size_t size)
{
	for (size_t i = 0; i < size && in->at < in->end; i++) {
		to[i] = *in->at++;
		for (unsigned zeros = to[i] ? 0 : byte(in); zeros && i + 1 < size; zeros--)
			to[++i] = 0;
	}
}

/* The next operation; nothing when there is none. */
static struct input operation(struct input *in)
{
	const size_t size = byte(in), left = (size_t)(in->end - in->at);
	const uint8_t *at = in->at;

	in->at += size < left ? size : left;
	return (struct input){ at, in->at };
}

/* ---- the program's calls ---- */

/* Room of @size bytes in what a call is made of, all zeros; the first again when it is used up. */
static uint8_t *room(uint32_t *used, uint32_t size)
{
	uint8_t *at;

	if (size > OUTPUTS - *used)
		*used = REQUESTS + 1024;
	at = arena_at(*used, size);
	*used += (size + 7u) & ~7u;
	memset(at, 0, size);
	return at;
}

/* An attribute whose bytes are in the arena or, up to eight of them, in itself. */
static void set_data(struct input *in, struct ib_uverbs_attr *attr, uint32_t *used)
{
	if (attr->len <= sizeof(attr->data)) {
		bytes(in, (uint8_t *)&attr->data, attr->len);
	} else {
		uint8_t *at = room(used, attr->len);

		bytes(in, at, attr->len);
		attr->data = (uintptr_t)at;
	}
}

static struct ib_uverbs_ioctl_hdr *request(void)
{
	struct ib_uverbs_ioctl_hdr *hdr = (void *)arena_at(REQUESTS, 1024);

	memset(hdr, 0, 1024);
	return hdr;
}

static void call(struct emu_file *file, struct ib_uverbs_ioctl_hdr *hdr, unsigned n)
{
	hdr->num_attrs = (uint16_t)n;
	hdr->length = (uint16_t)(sizeof(*hdr) + n * sizeof(hdr->attrs[0]));
	require(emu_verbs_ioctl(file, (uintptr_t)hdr) <= 0);
}

static void invoke(struct emu_file *file, struct input *in)
{
	struct ib_uverbs_ioctl_hdr *hdr = request();
	const uint16_t command = word(in), core = byte(in), drv = byte(in), out = byte(in),
		       drv_out = byte(in);
	uint32_t used = REQUESTS + 1024;

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
	struct ib_uverbs_ioctl_hdr *hdr = request();
	uint32_t used = REQUESTS + 1024;
	unsigned n;

	hdr->object_id = word(in);
	hdr->method_id = word(in);
	n = byte(in) & 15;
	for (unsigned i = 0; i < n; i++) {
		struct ib_uverbs_attr *attr = &hdr->attrs[i];
		uint8_t flags;

		attr->attr_id = word(in);
		flags = byte(in);
		attr->flags = flags & (uint8_t) ~(LONG | ANSWER);
		attr->len = (uint16_t)(byte(in) * (flags & LONG ? 16 : 1));
		if (flags & ANSWER)
			attr->data = (uintptr_t)room(&used, attr->len);
		else if (attr->len)
			set_data(in, attr, &used);
		else /* a handle */
			attr->data = word(in);
	}
	call(file, hdr, n);
}

static void write_file(struct emu_file *file, struct input *in)
{
	const size_t size = byte(in) * 4u;

	bytes(in, memset(arena_at(REQUESTS, 1024), 0, 1024), size);
	require(emu_write_file(file, ARENA_BASE + REQUESTS, size) <= 0);
}

static void store(struct input *in)
{
	const uint32_t offset = word(in) * 16u % REQUESTS;
	const size_t size = byte(in);

	bytes(in, arena_at(offset, (uint32_t)size), size);
}

static void ring(const struct emu_file *file, struct input *in)
{
	const size_t page = byte(in) % 8, offset = word(in) % (EMU_PAGE_SIZE / 8);
	uint64_t value = 0;

	bytes(in, (uint8_t *)&value, sizeof(value));
	__atomic_store_n((uint64_t *)file->uar + page * (EMU_PAGE_SIZE / 8) + offset, value,
			 __ATOMIC_RELEASE);
}

static void write_cm(struct files *files, struct input *in)
{
	int *fd = &files->cm[byte(in) % FILES];
	const size_t size = byte(in) * 4u;
	uint8_t *at = memset(arena_at(REQUESTS, 1024), 0, 1024);

	if (*fd < 0)
		*fd = emu_cm_open(O_CLOEXEC | O_NONBLOCK);
	bytes(in, at, size);
	if (*fd >= 0)
		require(emu_cm_write(*fd, at, size) <= (ssize_t)size);
}

/* Nothing changes when a program has all the descriptors that it may have. */
static void choose(struct files *files, unsigned index)
{
	int *fd = &files->fd[index];

	if (*fd < 0)
		*fd = emu_file_open(index, O_CLOEXEC);
	if (*fd < 0)
		return;
	if (files->device)
		emu_file_put(files->device);
	files->device = emu_file_get(*fd);
	require(files->device);
}

/* Faults are in force at once, what else there is when the first device is opened again. */
static void set_run(struct input *in)
{
	int rc;

	session_choose(byte(in));
	session_clear_faults();
	while (in->at < in->end) {
		const uint8_t rule = byte(in);

		session_add_fault(rule, byte(in));
	}
	rc = mlx5emu_fault_plan(emu_session()->run.faults, NULL, 0);
	require(rc == 0 || rc == -ENODEV);
}

/* ---- what arrives ---- */

static uint64_t number(struct input *in, unsigned size)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)byte(in) << 8 * i;
	return value;
}

static uint32_t qpn(struct input *in, unsigned slot)
{
	const uint32_t index = word(in);

	return index == 0xffff ? EMU_CM_MULTICAST_QPN : slot << 16 | index;
}

static struct emu_packet packet(struct input *in)
{
	struct emu_packet p = { .pkey = 0xffff };

	p.opcode = (enum emu_wire_opcode)byte(in);
	p.service = (enum emu_wire_service)byte(in);
	p.flags = byte(in);
	p.mtu = byte(in);
	p.syndrome = byte(in);
	p.src_qpn = qpn(in, SESSION_OTHER_SLOT);
	p.dst_qpn = qpn(in, SESSION_SLOT);
	p.psn = (uint32_t)number(in, 3);
	p.raddr = number(in, 4);
	p.rkey = (uint32_t)number(in, 4);
	p.dma_len = word(in);
	p.imm = byte(in);
	p.qkey = p.srqn = p.msn = (uint32_t)number(in, 4);
	p.compare = byte(in);
	p.swap_add = byte(in);
	p.length = word(in) % MAX_PAYLOAD;
	return p;
}

static struct emu_relayed relay(struct input *in)
{
	struct emu_relayed m = { .length = 0 };

	m.kind = (enum emu_relay_kind)byte(in);
	m.flags = byte(in);
	m.syndrome = byte(in);
	m.number = byte(in);
	m.since = byte(in);
	m.value = byte(in);
	m.domain.dev = byte(in);
	m.domain.ino = number(in, 3);
	m.domain.device = byte(in);
	m.qpn = qpn(in, m.kind >= EMU_RELAY_DONE ? SESSION_SLOT : SESSION_OTHER_SLOT);
	return m;
}

/*
 *	| 0 | packet | payload
 *	| 1 | relay | packet | payload
 *	| 2 | relay | length 2 | payload
 *
 * Their headers are put together here: another fuzzer looks at how they are read (fuzz_wire.c).
 */
static void arrive(struct input *in)
{
	static uint8_t datagram[HOST_DATAGRAM];
	const unsigned kind = byte(in) % 3;
	struct emu_relayed m = { .length = 0 };
	struct emu_packet p;
	uint8_t *at = datagram;

	memset(datagram, 0, sizeof(datagram));
	if (kind) {
		m = relay(in);
		at += EMU_RELAY_HEADER;
	}
	if (kind < 2) {
		p = packet(in);
		if (kind)
			p.dst_qpn = m.qpn;
		emu_wire_encode(&p, at);
		bytes(in, at + EMU_WIRE_HEADER, p.length);
		m.length = EMU_WIRE_HEADER + p.length;
	} else {
		m.length = word(in) % MAX_PAYLOAD;
		bytes(in, at, m.length);
	}
	if (kind)
		emu_relay_encode(&m, datagram);
	host_arrive(datagram, (size_t)(at - datagram) + m.length);
}

static void perform(struct files *files, struct input *in)
{
	struct emu_file *file = files->device;

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
	case OP_DEVICE:
		choose(files, byte(in) % FILES);
		break;
	case OP_CM:
		write_cm(files, in);
		break;
	case OP_RUN:
		set_run(in);
		break;
	case OP_ARRIVE:
		arrive(in);
		break;
	default:
		mlx5emu_advance_ns(byte(in) * UINT64_C(1000000));
		mlx5emu_step();
		break;
	}
}

static void run(struct files *files, struct input *in)
{
	for (unsigned n = 0; in->at < in->end && n < MAX_OPERATIONS; n++) {
		struct input one = operation(in);

		perform(files, &one);
	}
}

/* ---- the run ---- */

/* Each input meets the same: numbers of objects and the clock go on from device to device. */
static void begin_anew(void)
{
	struct emu_ids *const tables[] = { &emu.pds, &emu.xrcds, &emu.mrs,
					   &emu.cqs, &emu.srqs,  &emu.qps };

	session_reset();
	emu_fault_forget();
	emu.last_relay = 0;
	for (unsigned i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		require(tables[i]->count == 0);
		emu_ids_reset(tables[i]);
	}
	emu.virtual_ns = emu.next_watch = 0;
	emu.next_deadline = UINT64_MAX;
	emu.key_variant = 0;
	emu.nfreed = 0;
	memset(emu.freed_keys, 0, sizeof(emu.freed_keys));
}

/* As the library's close(). */
static void close_file(int fd)
{
	struct emu_closing closing;

	if (fd < 0)
		return;
	emu_cm_closing(fd);
	emu_file_close_note(fd, &closing);
	emu_libc()->close(fd);
	emu_file_close_gone(&closing);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct files files = { .fd = { -1, -1 }, .cm = { -1, -1 } };

	arena_reset();
	host_reset();
	begin_anew();
	choose(&files, 0);
	require(files.device);
	run(&files, &in);
	require(emu.counters.ownership_errors == 0);
	emu_file_put(files.device);
	for (unsigned i = 0; i < FILES; i++) {
		close_file(files.cm[i]);
		close_file(files.fd[i]);
	}
	require(!emu_file_any() && !host_private_any());
	return 0;
}
