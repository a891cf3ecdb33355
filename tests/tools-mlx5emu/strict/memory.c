/* SPDX-License-Identifier: MIT */
/* Requests that are well-formed and may not be carried out: any verbs program can ask for these. */
#include "faults.h"

static void send_with(struct rig *rig, const void *addr, uint32_t length, uint32_t lkey)
{
	uint8_t *wqe = wqe_good(rig, &rig->a, OP_WRITE);

	put_data(wqe + 32, addr, length, lkey);
	post(rig, &rig->a, wqe);
}

static void to_remote(struct rig *rig, unsigned opcode, const void *addr, uint32_t rkey)
{
	uint8_t *wqe = wqe_good(rig, &rig->a, opcode);

	put_raddr(wqe + 16, addr, rkey);
	post(rig, &rig->a, wqe);
}

static void unknown_lkey(struct rig *rig)
{
	send_with(rig, rig_data(rig), 64, 0xdead00);
}

static void freed_lkey(struct rig *rig)
{
	const uint32_t lkey = rig->mr->lkey;

	ibv_dereg_mr(rig->mr);
	rig->mr = NULL;
	{
		uint8_t *wqe = wqe_begin(&rig->a, OP_WRITE, 3);

		put_raddr(wqe + 16, rig_data(rig), rig->rkey);
		put_data(wqe + 32, rig_data(rig), 64, lkey);
		post(rig, &rig->a, wqe);
	}
}

static void foreign_lkey(struct rig *rig)
{
	send_with(rig, rig_data(rig), 64, rig->foreign->lkey);
}

static void beyond_region(struct rig *rig)
{
	send_with(rig, rig_data(rig) + REGION - 32, 64, rig->mr->lkey);
}

static void before_region(struct rig *rig)
{
	send_with(rig, rig_data(rig) - 8, 64, rig->mr->lkey);
}

static void read_into_readonly(struct rig *rig)
{
	uint8_t *wqe = wqe_good(rig, &rig->a, OP_READ);

	put_data(wqe + 32, rig_data(rig), 64, rig->readonly->lkey);
	post(rig, &rig->a, wqe);
}

static void unknown_rkey(struct rig *rig)
{
	to_remote(rig, OP_WRITE, rig_data(rig), 0xdead00);
}

static void unwritable_rkey(struct rig *rig)
{
	to_remote(rig, OP_WRITE, rig_data(rig), rig->readonly->rkey);
}

static void unreadable_rkey(struct rig *rig)
{
	to_remote(rig, OP_READ, rig_data(rig), rig->readonly->rkey);
}

static void beyond_remote(struct rig *rig)
{
	to_remote(rig, OP_WRITE, rig_data(rig) + REGION - 32, rig->rkey);
}

static void unaligned_atomic(struct rig *rig)
{
	to_remote(rig, OP_CAS, rig_data(rig) + 4, rig->rkey);
}

static const struct fault memory[] = {
	{ "names a local key that nobody has",
	  "data[0].lkey is 0xdead00, expected the key of a region", ERROR, RIG_RC, unknown_lkey },
	{ "names the key of a region that it deregistered",
	  "expected the key of a region: that one was deregistered", ERROR, RIG_RC, freed_lkey },
	{ "names a key of another protection domain",
	  "expected a key of the queue's protection domain", ERROR, RIG_RC, foreign_lkey },
	{ "sends bytes behind the end of a region", ", 64 bytes, expected inside of 0x", ERROR,
	  RIG_RC, beyond_region },
	{ "sends bytes before the start of a region", ", 64 bytes, expected inside of 0x", ERROR,
	  RIG_RC, before_region },
	{ "reads into a region that it may not write",
	  "whose region allows access 0x0, expected 0x1, local write", ERROR, RIG_RC,
	  read_into_readonly },
	{ "names a remote key that nobody has",
	  "raddr.rkey is 0xdead00, expected the key of a region", ERROR, RIG_RC, unknown_rkey },
	{ "writes to a region that peers may not write",
	  "whose region allows access 0x0, expected 0x2, remote write", ERROR, RIG_RC,
	  unwritable_rkey },
	{ "reads from a region that peers may not read",
	  "whose region allows access 0x0, expected 0x4, remote read", ERROR, RIG_RC,
	  unreadable_rkey },
	{ "writes behind the end of a peer's region", "raddr is 0x", ERROR, RIG_RC, beyond_remote },
	{ "does an atomic at an address that is no multiple of 8", "expected a multiple of 8",
	  ERROR, RIG_RC, unaligned_atomic },
};

const struct faults faults_memory = { .title = "Memory", FAULTS(memory) };
