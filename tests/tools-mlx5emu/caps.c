/* SPDX-License-Identifier: MIT */
/*
 * Nothing is announced that does not work: every bit that the device sets, in what verbs, libmlx5 and its
 * own commands tell of it, has a row here with the test that holds it; all that has no row must be zero.
 * A row names a file below tests/ and a word in it, and the word is looked for. Limits are reached.
 */
#include "box.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
	const char *what;
	uint16_t at, size; /* bytes of the structure */
	uint64_t mask;
	const char *held_by; /* file:word */
};

#define WHOLE UINT64_MAX
#define D(member)                                             \
#member, offsetof(struct ibv_device_attr_ex, member), \
		sizeof(((struct ibv_device_attr_ex *)0)->member)
#define FLAG(bit) #bit, offsetof(struct ibv_device_attr_ex, orig_attr.device_cap_flags), 4, bit
#define FLAG_EX(bit) #bit, offsetof(struct ibv_device_attr_ex, device_cap_flags_ex), 8, bit
#define HERE "tools-mlx5emu/caps.c:"
#define RUNS "tools-mlx5emu/programs.list:\n"

static const struct row device_rows[] = {
	{ D(orig_attr.node_guid), WHOLE, "tools-mlx5emu/devinfo.sh:node_guid" },
	{ D(orig_attr.sys_image_guid), WHOLE, "tools-mlx5emu/devinfo.sh:node_guid" },
	{ D(orig_attr.max_mr_size), WHOLE, "unit/mlx5emu/objects.c:regions_on_demand" },
	{ D(orig_attr.page_size_cap), WHOLE, "unit/mlx5emu/objects.c:registration_is_checked" },
	{ D(orig_attr.vendor_id), WHOLE, "tools-mlx5emu/devinfo.sh:vendor_id" },
	{ D(orig_attr.vendor_part_id), WHOLE, "tools-mlx5emu/devinfo.sh:vendor_part_id" },
	{ D(orig_attr.max_qp), WHOLE, HERE "test_counts" },
	{ D(orig_attr.max_qp_wr), WHOLE, HERE "test_sizes" },
	{ FLAG(IBV_DEVICE_CURR_QP_STATE_MOD), "unit/mlx5emu/states.c:test_every_step" },
	{ FLAG(IBV_DEVICE_PORT_ACTIVE_EVENT), "unit/mlx5emu/objects.c:port_changes_are_events" },
	{ FLAG(IBV_DEVICE_SYS_IMAGE_GUID), HERE "sys_image_guid" },
	{ FLAG(IBV_DEVICE_RC_RNR_NAK_GEN), "unit/mlx5emu/reliability.c:rnr_retries_are_counted" },
	{ FLAG(IBV_DEVICE_MEM_WINDOW), "tools-mlx5emu/mw.c:test_type_1" },
	{ FLAG(IBV_DEVICE_XRC), RUNS "ibv_xsrq_pingpong -g 1\n" },
	{ FLAG(IBV_DEVICE_MEM_MGT_EXTENSIONS), "tools-mlx5emu/mw.c:test_local_invalidate" },
	{ FLAG(IBV_DEVICE_MEM_WINDOW_TYPE_2B), "tools-mlx5emu/mw.c:test_other_queue_pair" },
	{ D(orig_attr.max_sge), WHOLE, HERE "test_sizes" },
	{ D(orig_attr.max_sge_rd), WHOLE, HERE "test_sizes" },
	{ D(orig_attr.max_cq), WHOLE, HERE "test_counts" },
	{ D(orig_attr.max_cqe), WHOLE, HERE "test_sizes" },
	{ D(orig_attr.max_mr), WHOLE, "unit/mlx5emu/objects.c:as_many_keys_as_announced" },
	{ D(orig_attr.max_pd), WHOLE, HERE "test_counts" },
	{ D(orig_attr.max_qp_rd_atom), WHOLE, "unit/mlx5emu/errors.c:more_reads_than_allowed" },
	{ D(orig_attr.max_res_rd_atom), WHOLE, HERE "max_res_rd_atom" },
	{ D(orig_attr.max_qp_init_rd_atom), WHOLE, "unit/mlx5emu/states.c:test_every_step" },
	{ D(orig_attr.atomic_cap), IBV_ATOMIC_HCA,
	  "unit/mlx5emu/operations.c:atomics_answer_the_old_value" },
	{ D(orig_attr.max_mw), WHOLE, "unit/mlx5emu/objects.c:as_many_keys_as_announced" },
	{ D(orig_attr.max_mcast_grp), WHOLE, "tools-mlx5emu/mcast.c:test_groups" },
	{ D(orig_attr.max_mcast_qp_attach), WHOLE, "tools-mlx5emu/mcast.c:test_groups" },
	{ D(orig_attr.max_total_mcast_qp_attach), WHOLE, "tools-mlx5emu/mcast.c:test_groups" },
	{ D(orig_attr.max_ah), WHOLE, "tools-mlx5emu/verbs.c:test_address_handle" },
	{ D(orig_attr.max_srq), WHOLE, HERE "test_counts" },
	{ D(orig_attr.max_srq_wr), WHOLE, HERE "test_sizes" },
	{ D(orig_attr.max_srq_sge), WHOLE, HERE "test_sizes" },
	{ D(orig_attr.max_pkeys), WHOLE, "tools-mlx5emu/partition.c:test_tables" },
	{ D(orig_attr.local_ca_ack_delay), WHOLE,
	  "unit/mlx5emu/reliability.c:silent_peer_uses_up_the_retries" },
	{ D(orig_attr.phys_port_cnt), 1, "tools-mlx5emu/devinfo.sh:phys_port_cnt" },
	{ D(odp_caps.general_caps), IBV_ODP_SUPPORT, RUNS "ibv_rc_pingpong -g 1 -n 100 -o -c\n" },
	{ D(odp_caps.general_caps), IBV_ODP_SUPPORT_IMPLICIT,
	  RUNS "ibv_rc_pingpong -g 1 -n 100 -O -c\n" },
	{ D(odp_caps.per_transport_caps.rc_odp_caps), 0x3f,
	  "unit/mlx5emu/objects.c:regions_on_demand" },
	{ D(odp_caps.per_transport_caps.uc_odp_caps), 0x27,
	  "unit/mlx5emu/objects.c:regions_on_demand" },
	{ D(odp_caps.per_transport_caps.ud_odp_caps), 0x23,
	  "unit/mlx5emu/objects.c:regions_on_demand" },
	{ D(completion_timestamp_mask), WHOLE, RUNS "ibv_rc_pingpong -g 1 -n 100 -t\n" },
	{ D(hca_core_clock), WHOLE, RUNS "ibv_rc_pingpong -g 1 -n 100 -t\n" },
	{ FLAG_EX(IBV_DEVICE_CURR_QP_STATE_MOD), HERE "FLAG" },
	{ FLAG_EX(IBV_DEVICE_PORT_ACTIVE_EVENT), HERE "FLAG" },
	{ FLAG_EX(IBV_DEVICE_SYS_IMAGE_GUID), HERE "FLAG" },
	{ FLAG_EX(IBV_DEVICE_RC_RNR_NAK_GEN), HERE "FLAG" },
	{ FLAG_EX(IBV_DEVICE_MEM_WINDOW), HERE "FLAG" },
	{ FLAG_EX(IBV_DEVICE_XRC), HERE "FLAG" },
	{ FLAG_EX(IBV_DEVICE_MEM_MGT_EXTENSIONS), HERE "FLAG" },
	{ FLAG_EX(IBV_DEVICE_MEM_WINDOW_TYPE_2B), HERE "FLAG" },
	{ D(cq_mod_caps.max_cq_count), WHOLE, "unit/mlx5emu/moderation.c:enough_completions" },
	{ D(cq_mod_caps.max_cq_period), WHOLE, "unit/mlx5emu/moderation.c:enough_time" },
	{ D(max_dm_size), WHOLE, "tools-mlx5emu/dm.c:test_space" },
	{ D(xrc_odp_caps), 0x3f, RUNS "ibv_xsrq_pingpong -g 3 -n 100 -o\n" },
	{ D(phys_port_cnt_ex), 1, "tools-mlx5emu/devinfo.sh:phys_port_cnt" },
};

#define M(member)                                         \
#member, offsetof(struct mlx5dv_context, member), \
		sizeof(((struct mlx5dv_context *)0)->member)

static const struct row driver_rows[] = {
	{ M(flags), MLX5DV_CONTEXT_FLAGS_CQE_V1, "tools-mlx5emu/cq.c:announced" },
	{ M(flags), MLX5DV_CONTEXT_FLAGS_CQE_128B_COMP, "tools-mlx5emu/cq.c:compressed" },
	{ M(flags), MLX5DV_CONTEXT_FLAGS_CQE_128B_PAD, "tools-mlx5emu/cq.c:padded" },
	{ M(comp_mask), WHOLE,
	  HERE "test_driver" }, /* which of the members count, not what they say */
	{ M(max_clock_info_update_nsec), WHOLE, "tools-mlx5emu/cq.c:times_of_the_wall" },
	{ M(cqe_comp_caps.max_num), WHOLE, "unit/mlx5emu/compress.c:limits" },
	{ M(cqe_comp_caps.supported_format), MLX5DV_CQE_RES_FORMAT_HASH,
	  "tools-mlx5emu/cq.c:compressed" },
	{ M(cqe_comp_caps.supported_format), MLX5DV_CQE_RES_FORMAT_CSUM,
	  "tools-mlx5emu/cq.c:compressed" },
	{ M(num_lag_ports), 1, "tools-mlx5emu/devx.c:QUERY_LAG" },
};

#define P(member) \
#member, offsetof(struct ibv_port_attr, member), sizeof(((struct ibv_port_attr *)0)->member)

static const struct row port_rows[] = {
	{ P(state), WHOLE, "tools-mlx5emu/port_down.sh:PORT_DOWN" },
	{ P(max_mtu), WHOLE, "tools-mlx5emu/devinfo.sh:active_mtu" },
	{ P(active_mtu), WHOLE, "tools-mlx5emu/devinfo.sh:active_mtu" },
	{ P(gid_tbl_len), WHOLE, "tools-mlx5emu/devinfo.sh:GID[ 3]" },
	{ P(port_cap_flags), IBV_PORT_CM_SUP, "tools-mlx5emu/cm.sh:rping" },
	{ P(port_cap_flags), IBV_PORT_IP_BASED_GIDS, "tools-mlx5emu/devinfo.sh:GID[ 3]" },
	{ P(max_msg_sz), WHOLE, "tools-mlx5emu/devx.c:log_max_msg" },
	{ P(pkey_tbl_len), WHOLE, "tools-mlx5emu/partition.c:test_tables" },
	{ P(lid), WHOLE, "tools-mlx5emu/devx.c:port.lid" },
	{ P(sm_lid), WHOLE, "tools-mlx5emu/devx.c:port.sm_lid" },
	{ P(max_vl_num), WHOLE, "tools-mlx5emu/trace.sh:RC_SEND" },
	{ P(active_width), WHOLE, "tools-mlx5emu/devinfo.sh:state" },
	{ P(active_speed), WHOLE, "tools-mlx5emu/devinfo.sh:state" },
	{ P(phys_state), WHOLE, "tools-mlx5emu/devinfo.sh:phys_state" },
	{ P(link_layer), WHOLE, "tools-mlx5emu/devinfo.sh:link_layer" },
	{ P(flags), IBV_QPF_GRH_REQUIRED, "unit/mlx5emu/datagram.c:bad_source_index_fails" },
};

static bool is_held(const char *by)
{
	static char text[100000];
	const char *word = strchr(by, ':') + 1;
	char path[500];
	size_t n;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%.*s", TESTS_DIR, (int)(word - 1 - by), by);
	in = fopen(path, "re");
	if (!in)
		return false;
	n = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	text[n] = '\0';
	return strstr(text, word);
}

static bool take_row(uint8_t *bytes, const struct row *row)
{
	uint64_t value = 0, rest;

	memcpy(&value, bytes + row->at, row->size);
	rest = value & ~row->mask;
	memcpy(bytes + row->at, &rest, row->size);
	return value & row->mask;
}

/* Takes what has a row out of @bytes, of a little-endian machine, and wants nothing to be left. */
static void hold(const struct row *row, size_t n, void *structure, size_t size)
{
	uint8_t *bytes = structure;

	for (size_t i = 0; i < n; i++) {
		if (take_row(bytes, &row[i]) && !is_held(row[i].held_by))
			fail_msg("%s is announced; there is no %s", row[i].what, row[i].held_by);
	}
	for (size_t i = 0; i < size; i++) {
		if (bytes[i])
			fail_msg("bits 0x%02x of byte %zu are announced, and no test is named",
				 bytes[i], i);
	}
}

#define HOLD(rows, structure) \
	hold(rows, sizeof(rows) / sizeof(*(rows)), &(structure), sizeof(structure))

static void test_device(void **state)
{
	struct ibv_context *ctx = link_open_device();
	struct ibv_device_attr_ex attr;

	(void)state;
	memset(&attr, 0, sizeof(attr));
	assert_int_equal(ibv_query_device_ex(ctx, NULL, &attr), 0);
	assert_memory_equal(&attr.orig_attr.sys_image_guid, &attr.orig_attr.node_guid, 8);
	assert_int_equal(attr.orig_attr.device_cap_flags, attr.device_cap_flags_ex);
	assert_int_equal(attr.orig_attr.max_res_rd_atom,
			 attr.orig_attr.max_qp_rd_atom * attr.orig_attr.max_qp);
	assert_true(is_held("tools-mlx5emu/devinfo.sh:fw_ver"));
	memset(attr.orig_attr.fw_ver, 0, sizeof(attr.orig_attr.fw_ver));
	HOLD(device_rows, attr);
	assert_int_equal(ibv_close_device(ctx), 0);
}

static void test_driver(void **state)
{
	struct ibv_context *ctx = link_open_device();
	struct mlx5dv_context attr;

	(void)state;
	memset(&attr, 0, sizeof(attr));
	attr.comp_mask = UINT32_MAX;
	assert_int_equal(mlx5dv_query_device(ctx, &attr), 0);
	assert_true(attr.comp_mask & MLX5DV_CONTEXT_MASK_CQE_COMPRESION);
	HOLD(driver_rows, attr);
	assert_int_equal(ibv_close_device(ctx), 0);
}

static void test_port(void **state)
{
	struct ibv_context *ctx = link_open_device();
	struct ibv_port_attr attr;

	(void)state;
	memset(&attr, 0, sizeof(attr));
	assert_int_equal(ibv_query_port(ctx, 1, &attr), 0);
	HOLD(port_rows, attr);
	assert_int_equal(ibv_close_device(ctx), 0);
}

/* ---- the device's own words (PRM, QUERY_HCA_CAP) ---- */

struct field {
	uint16_t type, at;
	uint8_t high, low; /* of the big-endian word at @at */
	const char *held_by;
};

enum {
	GENERAL = 0x0,
	ODP = 0x2,
	ATOMIC = 0x3,
	ROCE = 0x4,
	NIC_FLOW_TABLE = 0x7, /* known, and all of it 0 */
	DEVICE_MEMORY = 0xf,
	TYPES = 0x40,
};

static const struct field fields[] = {
	{ GENERAL, 0x10, 31, 24, HERE "test_sizes" },  /* log_max_srq_sz */
	{ GENERAL, 0x10, 23, 16, HERE "test_sizes" },  /* log_max_qp_sz */
	{ GENERAL, 0x10, 4, 0, HERE "test_counts" },   /* log_max_qp */
	{ GENERAL, 0x14, 20, 16, HERE "test_counts" }, /* log_max_srq */
	{ GENERAL, 0x18, 23, 16, HERE "test_sizes" },  /* log_max_cq_sz */
	{ GENERAL, 0x18, 4, 0, HERE "test_counts" },   /* log_max_cq */
	{ GENERAL, 0x1c, 21, 16,
	  "unit/mlx5emu/objects.c:as_many_keys_as_announced" },              /* log_max_mkey */
	{ GENERAL, 0x20, 31, 24, "tools-mlx5emu/devx.c:test_refused_keys" }, /* max_indirection */
	{ GENERAL, 0x20, 23, 23, "tools-mlx5emu/devx.c:test_ranges_of_one_length" },
	{ GENERAL, 0x20, 22, 16, "unit/mlx5emu/objects.c:regions_on_demand" },
	{ GENERAL, 0x20, 5, 0, "tools-mlx5emu/devx.c:test_list_of_ranges" },
	{ GENERAL, 0x28, 21, 16, "unit/mlx5emu/errors.c:more_reads_than_allowed" },
	{ GENERAL, 0x28, 14, 14, "tools-mlx5emu/devx_queues.c:test_udp_source_port" },
	{ GENERAL, 0x28, 5, 0, "unit/mlx5emu/errors.c:more_reads_than_allowed" },
	{ GENERAL, 0x2c, 15, 0, "tools-mlx5emu/devinfo.sh:GID[ 3]" }, /* gid_table_size */
	{ GENERAL, 0x34, 23, 23, "tools-mlx5emu/dm.c:test_region" },  /* device_memory */
	{ GENERAL, 0x34, 20, 16, "unit/mlx5emu/reliability.c:silent_peer" },
	{ GENERAL, 0x34, 9, 8, "tools-mlx5emu/devx.c:port_type" },
	{ GENERAL, 0x34, 7, 0, "tools-mlx5emu/devx.c:num_ports" },
	{ GENERAL, 0x38, 28, 24, "tools-mlx5emu/devx.c:log_max_msg" },
	{ GENERAL, 0x3c, 3, 0, "tools-mlx5emu/cq.c:announced" },    /* cqe_version */
	{ GENERAL, 0x40, 24, 24, "tools-mlx5emu/umr.c:test_list" }, /* no other entity size */
	{ GENERAL, 0x40, 2, 2, "tools-mlx5emu/devx.c:check_roce" }, /* roce */
	{ GENERAL, 0x40, 1, 1, "unit/mlx5emu/operations.c:atomics_answer_the_old_value" },
	{ GENERAL, 0x44, 31, 31, "tools-mlx5emu/cq.c:overruns_ignored" }, /* cq_oi */
	{ GENERAL, 0x44, 30, 30, "tools-mlx5emu/verbs.c:test_resize_cq" },
	{ GENERAL, 0x44, 24, 24, RUNS "ibv_rc_pingpong -g 1 -n 100 -o -c\n" }, /* pg */
	{ GENERAL, 0x44, 14, 14, "tools-mlx5emu/mw.c:test_other_queue_pair" }, /* imaicl */
	{ GENERAL, 0x44, 3, 3, RUNS "ibv_xsrq_pingpong -g 1\n" },
	{ GENERAL, 0x44, 2, 2, RUNS "ibv_ud_pingpong -g 1 -n 100 -c\n" },
	{ GENERAL, 0x44, 1, 1, RUNS "ibv_uc_pingpong -g 1 -n 100 -c\n" },
	{ GENERAL, 0x44, 0, 0, RUNS "ibv_rc_pingpong -g 1 -c\n" },
	{ GENERAL, 0x48, 31, 31, "tools-mlx5emu/abi.c:test_uar" }, /* uar_4k */
	{ GENERAL, 0x48, 7, 0, "tools-mlx5emu/abi.c:test_uar" },   /* log_pg_sz */
	{ GENERAL, 0x4c, 31, 31, "tools-mlx5emu/strict/ring.c:BlueFlame" },
	{ GENERAL, 0x4c, 20, 16, "tools-mlx5emu/strict/ring.c:BlueFlame" },
	{ GENERAL, 0x50, 15, 0, HERE "test_sizes" },   /* max_wqe_sz_sq */
	{ GENERAL, 0x54, 15, 0, HERE "test_sizes" },   /* max_wqe_sz_rq */
	{ GENERAL, 0x64, 20, 16, HERE "test_counts" }, /* log_max_pd */
	{ GENERAL, 0x64, 4, 0, HERE "test_counts" },   /* log_max_xrcd */
	{ GENERAL, 0x70, 28, 24, "tools-mlx5emu/devx_queues.c:test_queue_pair" }, /* log_max_rmp */
	{ GENERAL, 0x98, 31, 0, RUNS "ibv_rc_pingpong -g 1 -n 100 -t\n" }, /* device_frequency */
	{ GENERAL, 0x9c, 31, 0, RUNS "ibv_rc_pingpong -g 1 -n 100 -t\n" },
	{ GENERAL, 0xb4, 0, 0, "tools-mlx5emu/cq.c:compressed" },
	{ GENERAL, 0xb8, 15, 0, "unit/mlx5emu/compress.c:limits" },
	{ ODP, 0x10, 31, 26, RUNS "ibv_rc_pingpong -g 1 -n 100 -o -c\n" },
	{ ODP, 0x14, 31, 26, "unit/mlx5emu/objects.c:regions_on_demand" },
	{ ODP, 0x18, 31, 26, "unit/mlx5emu/objects.c:regions_on_demand" },
	{ ODP, 0x1c, 31, 26, RUNS "ibv_xsrq_pingpong -g 3 -n 100 -o\n" },
	{ ATOMIC, 0x08, 31, 30, "unit/mlx5emu/operations.c:atomics_answer_the_old_value" },
	{ ATOMIC, 0x08, 25, 25, "unit/mlx5emu/operations.c:atomics_answer_the_old_value" },
	{ ATOMIC, 0x10, 15, 0, "unit/mlx5emu/operations.c:atomics_answer_the_old_value" },
	{ ATOMIC, 0x14, 15, 0, "unit/mlx5emu/operations.c:atomics_answer_the_old_value" },
	{ ROCE, 0x00, 25, 25, "tools-mlx5emu/verbs.c:test_event" },     /* queue pairs to oneself */
	{ ROCE, 0x10, 19, 16, "tools-mlx5emu/devices.sh:gids=" },       /* l3_type */
	{ ROCE, 0x10, 7, 0, "tools-mlx5emu/tshark.sh:RoCE v1 and v2" }, /* roce_version */
	{ ROCE, 0x14, 15, 0, "tools-mlx5emu/devx.c:4791" },
	{ ROCE, 0x18, 31, 16, "tools-mlx5emu/devx_queues.c:test_udp_source_port" },
	{ ROCE, 0x18, 15, 0, "tools-mlx5emu/devx_queues.c:test_udp_source_port" },
	{ ROCE, 0x1c, 15, 0, "tools-mlx5emu/devinfo.sh:GID[ 3]" },
	{ DEVICE_MEMORY, 0x00, 31, 31, "tools-mlx5emu/dm.c:test_region" },
	{ DEVICE_MEMORY, 0x04, 20, 16, "tools-mlx5emu/dm.c:test_space" },
	{ DEVICE_MEMORY, 0x04, 7, 0, "tools-mlx5emu/dm.c:test_space" },
	{ DEVICE_MEMORY, 0x14, 31, 0, "tools-mlx5emu/dm.c:test_space" },
};

static void take_field(struct box *b, const struct field *f)
{
	const unsigned word = (0x10u + f->at) / 4;
	const uint32_t mask = (uint32_t)((UINT64_C(2) << f->high) - (UINT64_C(1) << f->low));
	const uint32_t value = be32toh(b->out[word]);

	if (value & mask && !is_held(f->held_by))
		fail_msg("capability 0x%x word 0x%x is announced; there is no %s", f->type, f->at,
			 f->held_by);
	b->out[word] = htobe32(value & ~mask);
}

static void hold_type(struct ibv_context *ctx, uint16_t type, uint16_t current)
{
	struct box b = command(0x100, (uint32_t)type << 1 | current);
	const int rc = mlx5dv_devx_general_cmd(ctx, b.in, 16, b.out, sizeof(b.out));
	bool known = false;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (fields[i].type != type)
			continue;
		known = true;
		if (rc == 0)
			take_field(&b, &fields[i]);
	}
	if (!known && type != NIC_FLOW_TABLE) {
		assert_int_not_equal(rc, 0);
		assert_int_equal(status(&b), STATUS_BAD_PARAM);
		return;
	}
	for (unsigned at = 0; rc == 0 && at < 0x1000; at += 4) {
		if (got(&b, 0x10 + at))
			fail_msg("capability 0x%x word 0x%x announces 0x%08x, and no test is named",
				 type, at, got(&b, 0x10 + at));
	}
}

static void test_commands(void **state)
{
	struct ibv_context *ctx = link_open_device();

	(void)state;
	for (uint16_t type = 0; type < TYPES; type++) {
		hold_type(ctx, type, 0);
		hold_type(ctx, type, 1);
	}
	assert_int_equal(ibv_close_device(ctx), 0);
}

/* ---- limits ---- */

static void *make_pd(struct link *link)
{
	return ibv_alloc_pd(link->ctx);
}

static void *make_cq(struct link *link)
{
	return ibv_create_cq(link->ctx, 1, NULL, NULL, 0);
}

static void *make_srq(struct link *link)
{
	struct ibv_srq_init_attr attr = { .attr = { .max_wr = 1, .max_sge = 1 } };

	return ibv_create_srq(link->pd, &attr);
}

static void *make_qp(struct link *link)
{
	struct ibv_qp_init_attr attr = {
		.send_cq = link->cq,
		.recv_cq = link->cq,
		.cap = { .max_send_wr = 1, .max_send_sge = 1 },
		.qp_type = IBV_QPT_RC,
	};

	return ibv_create_qp(link->pd, &attr);
}

static int destroy_pd(void *object)
{
	return ibv_dealloc_pd(object);
}

static int destroy_cq(void *object)
{
	return ibv_destroy_cq(object);
}

static int destroy_srq(void *object)
{
	return ibv_destroy_srq(object);
}

static int destroy_qp(void *object)
{
	return ibv_destroy_qp(object);
}

/* As many as announced, of which @before exist, and then no more. */
static void fill(struct link *link, void *(*make)(struct link *), int (*destroy)(void *), int limit,
		 int before)
{
	const size_t n = (size_t)(limit - before);
	void **object = calloc(n, sizeof(*object));

	assert_non_null(object);
	for (size_t i = 0; i < n; i++) {
		object[i] = make(link);
		if (!object[i])
			fail_msg("%zu of %d announced", i + (size_t)before, limit);
	}
	assert_null(make(link));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(destroy(object[i]), 0);
	free(object);
}

static void test_counts(void **state)
{
	struct ibv_device_attr attr;
	static struct link link;

	(void)state;
	link_set_up(&link, 0);
	assert_int_equal(ibv_query_device(link.ctx, &attr), 0);
	fill(&link, make_pd, destroy_pd, attr.max_pd, 1);
	fill(&link, make_cq, destroy_cq, attr.max_cq, 2);
	fill(&link, make_srq, destroy_srq, attr.max_srq, 0);
	fill(&link, make_qp, destroy_qp, attr.max_qp, 2);
	link_tear_down(&link);
}

static bool qp_of(struct link *link, const struct ibv_qp_cap *cap)
{
	struct ibv_qp_init_attr attr = {
		.send_cq = link->cq, .recv_cq = link->cq, .cap = *cap, .qp_type = IBV_QPT_RC
	};
	struct ibv_qp *qp = ibv_create_qp(link->pd, &attr);

	if (qp)
		assert_int_equal(ibv_destroy_qp(qp), 0);
	return qp;
}

static bool srq_of(struct link *link, uint32_t wr, uint32_t sge)
{
	struct ibv_srq_init_attr attr = { .attr = { .max_wr = wr, .max_sge = sge } };
	struct ibv_srq *srq = ibv_create_srq(link->pd, &attr);

	if (srq)
		assert_int_equal(ibv_destroy_srq(srq), 0);
	return srq;
}

static bool cq_of(struct link *link, int cqe)
{
	struct ibv_cq *cq = ibv_create_cq(link->ctx, cqe, NULL, NULL, 0);

	if (cq)
		assert_int_equal(ibv_destroy_cq(cq), 0);
	return cq;
}

/* A send request of libmlx5's takes more than one of the blocks that max_qp_wr counts, on any mlx5. */
static void test_sizes(void **state)
{
	struct ibv_device_attr a;
	static struct link link;
	uint32_t wr, sge;

	(void)state;
	link_set_up(&link, 0);
	assert_int_equal(ibv_query_device(link.ctx, &a), 0);
	wr = (uint32_t)a.max_qp_wr;
	sge = (uint32_t)a.max_sge;
	assert_true(qp_of(&link, &(struct ibv_qp_cap){ .max_recv_wr = wr, .max_recv_sge = 1 }));
	assert_false(
		qp_of(&link, &(struct ibv_qp_cap){ .max_recv_wr = wr + 1, .max_recv_sge = 1 }));
	assert_true(qp_of(&link, &(struct ibv_qp_cap){ .max_send_wr = wr / 4, .max_send_sge = 1 }));
	assert_false(
		qp_of(&link, &(struct ibv_qp_cap){ .max_send_wr = wr + 1, .max_send_sge = 1 }));
	assert_true(qp_of(&link, &(struct ibv_qp_cap){ 4, 4, sge, sge, 0 }));
	assert_true(srq_of(&link, (uint32_t)a.max_srq_wr, 1));
	assert_false(srq_of(&link, (uint32_t)a.max_srq_wr + 1, 1));
	assert_true(srq_of(&link, 4, (uint32_t)a.max_srq_sge));
	assert_false(srq_of(&link, 4, (uint32_t)a.max_srq_sge + 1));
	assert_true(cq_of(&link, a.max_cqe));
	assert_false(cq_of(&link, a.max_cqe + 1));
	link_tear_down(&link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device), cmocka_unit_test(test_driver),
		cmocka_unit_test(test_port),   cmocka_unit_test(test_commands),
		cmocka_unit_test(test_counts), cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
