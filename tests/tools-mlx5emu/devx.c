/* SPDX-License-Identifier: MIT */
/*
 * Commands of the device through the real libmlx5: capabilities, what is refused and how, user memory
 * and keys.
 */
#include "box.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	QUERY_HCA_CAP = 0x100,
	CREATE_MKEY = 0x200,
	QUERY_MKEY = 0x201,
	RTS2RTS_QP = 0x505,
	QUERY_NIC_VPORT_CONTEXT = 0x754,
	QUERY_ROCE_ADDRESS = 0x760,
	QUERY_HCA_VPORT_CONTEXT = 0x762,
	QUERY_LAG = 0x842,
};

static int general(struct ibv_context *ctx, struct box *b, size_t out)
{
	return mlx5dv_devx_general_cmd(ctx, b->in, 16, b->out, out);
}

static void check_roce(struct ibv_context *ctx, bool roce)
{
	struct box b = command(QUERY_HCA_CAP, 0x0 << 1);

	assert_int_equal(general(ctx, &b, sizeof(b.out)), 0);
	assert_int_equal(got(&b, 0x10 + 0x28) >> 14 & 1, roce); /* rts2rts_qp_udp_sport */
	assert_int_equal(got(&b, 0x10 + 0x40) >> 2 & 1, roce);
	assert_int_equal(got(&b, 0x10 + 0x34) >> 8 & 0x3, roce); /* port_type */
	b = command(QUERY_HCA_CAP, 0x4 << 1);
	assert_int_equal(general(ctx, &b, sizeof(b.out)), roce ? 0 : EREMOTEIO);
	if (roce)
		assert_int_equal(got(&b, 0x10 + 0x14) & 0xffff, 4791);
	b = command(QUERY_NIC_VPORT_CONTEXT, 0);
	assert_int_equal(general(ctx, &b, sizeof(b.out)), 0);
	assert_int_equal(got(&b, 0x10) & 1, roce); /* roce_en */
}

static void test_port(void **state)
{
	struct ibv_context *ctx = link_open_device();
	struct box b = command(QUERY_HCA_VPORT_CONTEXT, 0);
	struct ibv_port_attr port;

	(void)state;
	check_roce(ctx, !link_infiniband(ctx));
	if (link_infiniband(ctx)) {
		assert_int_equal(ibv_query_port(ctx, 1, &port), 0);
		assert_int_equal(general(ctx, &b, sizeof(b.out)), 0);
		assert_int_equal(got(&b, 0x10 + 0x20), 0x5044); /* LinkUp, active, active */
		assert_int_equal(got(&b, 0x10 + 0x60) >> 16, port.lid);
		assert_int_equal(got(&b, 0x10 + 0x64) >> 16, port.sm_lid);
		assert_int_equal(got(&b, 0x10 + 0x40), port.port_cap_flags);
	} else {
		assert_int_equal(general(ctx, &b, sizeof(b.out)), EREMOTEIO);
		assert_int_equal(status(&b), STATUS_BAD_PARAM);
	}
	assert_int_equal(ibv_close_device(ctx), 0);
}

static void test_capabilities(void **state)
{
	struct ibv_context *ctx = link_open_device();
	struct box b = command(QUERY_HCA_CAP, 0x0 << 1 | 1);

	(void)state;
	assert_int_equal(general(ctx, &b, sizeof(b.out)), 0);
	assert_int_equal(status(&b), 0);
	assert_int_equal(got(&b, 0x10 + 0x38) >> 24 & 0x1f, 30); /* log_max_msg */
	assert_int_equal(got(&b, 0x10 + 0x40) & 0x2, 0x2);       /* atomic */
	assert_int_equal(got(&b, 0x10 + 0x44) & 0xf, 0xf);       /* xrc, ud, uc, rc */
	assert_int_equal(got(&b, 0x10 + 0x34) & 0xff, 1);        /* num_ports */
	b = command(QUERY_HCA_CAP, 0x3 << 1);
	assert_int_equal(general(ctx, &b, 0x10 + 0x18), 0);
	assert_int_equal(got(&b, 0x10 + 0x10) & 0xffff, 0x3); /* compare-and-swap, fetch-and-add */
	assert_int_equal(got(&b, 0x10 + 0x14) & 0xffff, 8);
	b = command(QUERY_HCA_CAP, 0x7 << 1 | 1);
	assert_int_equal(general(ctx, &b, sizeof(b.out)), 0); /* no flow tables */
	assert_int_equal(got(&b, 0x10), 0);
	b = command(QUERY_LAG, 0);
	assert_int_equal(general(ctx, &b, 16), 0);
	assert_int_equal(got(&b, 8) & 7, 0);
	assert_int_equal(ibv_close_device(ctx), 0);
}

static void test_refusals(void **state)
{
	struct ibv_context *ctx = link_open_device();
	struct box b = command(QUERY_ROCE_ADDRESS, 0);

	(void)state;
	assert_int_equal(general(ctx, &b, 16), EREMOTEIO);
	assert_int_equal(status(&b), STATUS_BAD_OP);
	assert_int_not_equal(got(&b, 4), 0);
	b = command(QUERY_HCA_CAP, 0x3f << 1);
	assert_int_equal(general(ctx, &b, sizeof(b.out)), EREMOTEIO);
	assert_int_equal(status(&b), STATUS_BAD_PARAM);
	b = command(0xfff, 0); /* nothing that a kernel lets pass */
	assert_int_equal(general(ctx, &b, 16), EINVAL);
	b = command(RTS2RTS_QP, 0); /* not a general one */
	assert_int_equal(general(ctx, &b, 16), EINVAL);
	assert_int_equal(general(ctx, &b, 8), EINVAL);
	assert_int_equal(ibv_close_device(ctx), 0);
}

static void test_user_memory(void **state)
{
	struct ibv_context *ctx = link_open_device();
	void *memory = aligned_alloc(4096, 8192);
	struct mlx5dv_devx_umem *first, *second;
	uint32_t eqn = 0;

	(void)state;
	assert_non_null(memory);
	first = mlx5dv_devx_umem_reg(ctx, memory, 8192, IBV_ACCESS_LOCAL_WRITE);
	assert_non_null(first);
	second = mlx5dv_devx_umem_reg(ctx, memory, 1, 0);
	assert_non_null(second);
	assert_int_not_equal(first->umem_id, second->umem_id);
	assert_null(mlx5dv_devx_umem_reg(ctx, memory, 0, 0));
	assert_int_equal(errno, EINVAL);
	assert_null(mlx5dv_devx_umem_reg(ctx, (void *)4096, 4096, 0));
	assert_int_equal(errno, EFAULT);
	assert_int_equal(mlx5dv_devx_umem_dereg(first), 0);
	assert_int_equal(mlx5dv_devx_umem_dereg(second), 0);
	assert_int_equal(mlx5dv_devx_query_eqn(ctx, 0, &eqn), 0);
	assert_int_not_equal(eqn, 0);
	assert_int_not_equal(mlx5dv_devx_query_eqn(ctx, 1000, &eqn), 0);
	free(memory);
	assert_int_equal(ibv_close_device(ctx), 0);
}

/* ---- keys over keys ---- */

enum { MKC = 0x10, LIST = 0x110, VARIANT = 0x5a };
enum { MODE_KLM = 2, MODE_KSM = 3 };
enum { RIGHTS_A = 1 << 14, RIGHTS_RW = 1 << 13, RIGHTS_RR = 1 << 12, RIGHTS_LW = 1 << 11 };

struct entry {
	uint64_t va;
	uint32_t bytes, key;
};

/* CREATE_MKEY of two entries. */
static struct box mkey_command(struct ibv_pd *pd, unsigned mode, uint32_t rights, uint64_t va,
			       uint64_t length, const struct entry entry[2])
{
	struct box b = command(CREATE_MKEY, 0);

	put(&b, MKC, rights | mode << 8 | 1 << 10);
	put(&b, MKC + 0x04, 0xffffff00u | VARIANT);
	put(&b, MKC + 0x0c, pdn_of(pd));
	put(&b, MKC + 0x10, (uint32_t)(va >> 32));
	put(&b, MKC + 0x14, (uint32_t)va);
	put(&b, MKC + 0x18, (uint32_t)(length >> 32));
	put(&b, MKC + 0x1c, (uint32_t)length);
	put(&b, MKC + 0x34, 2);
	put(&b, 0x60, 2);
	for (unsigned i = 0; i < 2; i++) {
		put(&b, LIST + i * 16, entry[i].bytes);
		put(&b, LIST + i * 16 + 4, entry[i].key);
		put(&b, LIST + i * 16 + 8, (uint32_t)(entry[i].va >> 32));
		put(&b, LIST + i * 16 + 12, (uint32_t)entry[i].va);
	}
	return b;
}

static struct mlx5dv_devx_obj *make_mkey(struct link *link, struct box *b, uint32_t *key)
{
	struct mlx5dv_devx_obj *obj =
		mlx5dv_devx_obj_create(link->ctx, b->in, LIST + 32, b->out, 16);

	if (obj)
		*key = got(b, 8) << 8 | VARIANT;
	return obj;
}

/* Two ranges of a buffer, the second one first, as one range at an address of its own. */
static void test_list_of_ranges(void **state)
{
	const uint64_t va = 0x100000;
	struct mlx5dv_devx_obj *obj;
	uint32_t key = 0;
	struct link link;
	struct box b;

	(void)state;
	link_set_up(&link, IBV_ACCESS_LOCAL_WRITE);
	const struct entry entry[] = {
		{ (uintptr_t)link.buffer + 2048, 100, link.mr->lkey },
		{ (uintptr_t)link.buffer + 1024, 100, link.mr->lkey },
	};
	b = mkey_command(link.pd, MODE_KLM, RIGHTS_RW | RIGHTS_LW, va, 200, entry);
	obj = make_mkey(&link, &b, &key);
	assert_non_null(obj);
	memcpy(link.buffer, "abcdefgh", 8);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_WRITE, link.buffer, 8, va + 96, key),
			 IBV_WC_SUCCESS);
	assert_memory_equal(link.buffer + 2048 + 96, "abcd", 4);
	assert_memory_equal(link.buffer + 1024, "efgh", 4);
	b = command(QUERY_MKEY, 0);
	put(&b, 8, key >> 8);
	assert_int_equal(mlx5dv_devx_obj_query(obj, b.in, 16, b.out, 16), EREMOTEIO);
	assert_int_equal(status(&b), STATUS_BAD_OP);
	/* it gives no right to read */
	assert_int_equal(transfer(&link, IBV_WR_RDMA_READ, link.buffer, 8, va, key),
			 IBV_WC_REM_ACCESS_ERR);
	assert_int_equal(mlx5dv_devx_obj_destroy(obj), 0);
	link_tear_down(&link);
}

/* Entries of one length: what UCX lays over its regions, 2 GiB each, for its atomics. */
static void test_ranges_of_one_length(void **state)
{
	enum { LOG = 31, OFFSET = 24 };
	struct mlx5dv_devx_obj *obj;
	uint32_t key = 0;
	uint64_t base, first;
	struct link link;
	struct box b;

	(void)state;
	link_set_up(&link, LINK_ACCESS_ALL);
	base = (uintptr_t)link.buffer & ~((UINT64_C(1) << LOG) - 1);
	first = (uintptr_t)link.buffer - base;
	const struct entry entry[] = {
		{ base, 0, link.mr->lkey },
		{ base + (UINT64_C(1) << LOG), 0, link.mr->lkey },
	};
	b = mkey_command(link.pd, MODE_KSM, RIGHTS_RW | RIGHTS_RR | RIGHTS_A | RIGHTS_LW,
			 base + OFFSET, first + LINK_BYTES, entry);
	put(&b, MKC + 0x38, LOG);
	obj = make_mkey(&link, &b, &key);
	assert_non_null(obj);
	memcpy(link.buffer + 512, "shifted", 8);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_READ, link.buffer, 8,
				  (uintptr_t)link.buffer + 512 + OFFSET, key),
			 IBV_WC_SUCCESS);
	assert_string_equal(link.buffer, "shifted");
	assert_int_equal(mlx5dv_devx_obj_destroy(obj), 0);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_READ, link.buffer, 8,
				  (uintptr_t)link.buffer + OFFSET, key),
			 IBV_WC_REM_ACCESS_ERR);
	link_tear_down(&link);
}

static void test_refused_keys(void **state)
{
	const struct entry entry[2] = { { 0, 1, 1 }, { 0, 1, 1 } };
	uint32_t key = 0;
	struct link link;
	struct box b;

	(void)state;
	link_set_up(&link, LINK_ACCESS_ALL);
	b = mkey_command(link.pd, MODE_KLM, RIGHTS_RW, 0, 2, entry);
	put(&b, 0x60, 1000); /* more than the command has */
	assert_null(make_mkey(&link, &b, &key));
	assert_int_equal(errno, EREMOTEIO);
	assert_int_equal(status(&b), STATUS_BAD_PARAM);
	b = mkey_command(link.pd, MODE_KLM, RIGHTS_RW, 0, 2, entry);
	put(&b, MKC + 0x0c, 0xfffff0); /* no such domain */
	assert_null(make_mkey(&link, &b, &key));
	assert_int_equal(status(&b), STATUS_BAD_PARAM);
	b = mkey_command(link.pd, 0, RIGHTS_RW, 0, 2, entry); /* physical addresses */
	assert_null(make_mkey(&link, &b, &key));
	assert_int_equal(status(&b), STATUS_BAD_PARAM);
	link_tear_down(&link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port),           cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_refusals),       cmocka_unit_test(test_user_memory),
		cmocka_unit_test(test_list_of_ranges), cmocka_unit_test(test_ranges_of_one_length),
		cmocka_unit_test(test_refused_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
