/* SPDX-License-Identifier: MIT */
/*
 * Every command of verbs that a fault plan can refuse, refused to the real libibverbs and libmlx5: the
 * program gets the error, and the next call is carried out.
 */
#include "link.h"

#include "tools/mlx5emu/fault/plan.h"
#include "tools/mlx5emu/mlx5emu.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <infiniband/mlx5dv.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <rdma/mlx5_user_ioctl_verbs.h>

static struct link f;

/*
 * Each call says 0, or the error that it met. One that makes an object takes it apart again, and tries that
 * once more when it is refused: what a refused command was about is still there.
 */
static int got(const void *object)
{
	return object ? 0 : errno;
}

#define UNDO(call)                                            \
	do {                                                  \
		const int undone = (call);                    \
		if (undone == 0)                              \
			return 0;                             \
		if ((call) != 0)                              \
			fail_msg("refused twice: %s", #call); \
		return undone;                                \
	} while (0)

/* libmlx5 asks several times for the context of one open file: a plan counts the file. */
static int open_device(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *ctx = ibv_open_device(list[0]);
	const int rc = got(ctx);

	ibv_free_device_list(list);
	return rc ? rc : ibv_close_device(ctx);
}

static int query_device(void)
{
	struct ibv_device_attr_ex attr;

	return ibv_query_device_ex(f.ctx, NULL, &attr);
}

static int query_port(void)
{
	struct ibv_port_attr attr;

	return ibv_query_port(f.ctx, 1, &attr);
}

static int pd(void)
{
	struct ibv_pd *pd = ibv_alloc_pd(f.ctx);
	const int rc = got(pd);

	if (rc)
		return rc;
	UNDO(ibv_dealloc_pd(pd));
}

static int mr(void)
{
	struct ibv_mr *mr = ibv_reg_mr(f.pd, f.buffer, LINK_BYTES, 0U);
	const int rc = got(mr);

	if (rc)
		return rc;
	UNDO(ibv_dereg_mr(mr));
}

/* Only a region on demand can be prefetched; the advice is asked about before that is looked at. */
static int advise_mr(void)
{
	struct ibv_sge sge = { (uintptr_t)f.buffer, LINK_BYTES, f.mr->lkey };
	const int rc = ibv_advise_mr(f.pd, IBV_ADVISE_MR_ADVICE_PREFETCH, IBV_ADVISE_MR_FLAG_FLUSH,
				     &sge, 1);

	return rc == EINVAL ? 0 : rc;
}

static int mw(void)
{
	struct ibv_mw *mw = ibv_alloc_mw(f.pd, IBV_MW_TYPE_1);
	const int rc = got(mw);

	if (rc)
		return rc;
	UNDO(ibv_dealloc_mw(mw));
}

static int dm(void)
{
	struct ibv_alloc_dm_attr attr = { .length = 4096 };
	struct ibv_dm *dm = ibv_alloc_dm(f.ctx, &attr);
	const int rc = got(dm);

	if (rc)
		return rc;
	UNDO(ibv_free_dm(dm));
}

/* A page has two registers, and those that are free come first: all are kept until the end. */
static struct mlx5dv_devx_uar *registers[8];

static int alloc_uar(void)
{
	static unsigned n;
	int rc = 0;

	for (unsigned i = 0; i < 2 && rc == 0; i++) {
		registers[n] = mlx5dv_devx_alloc_uar(f.ctx, MLX5_IB_UAPI_UAR_ALLOC_TYPE_BF);
		rc = got(registers[n++]);
	}
	return rc;
}

static void free_registers(void)
{
	for (size_t i = 0; i < sizeof(registers) / sizeof(*registers); i++)
		if (registers[i])
			mlx5dv_devx_free_uar(registers[i]);
}

static int create_channel(void)
{
	struct ibv_comp_channel *channel = ibv_create_comp_channel(f.ctx);
	const int rc = got(channel);

	return rc ? rc : ibv_destroy_comp_channel(channel);
}

static int cq(void)
{
	struct ibv_cq *cq = ibv_create_cq(f.ctx, 4, NULL, NULL, 0);
	const int rc = got(cq);

	if (rc)
		return rc;
	UNDO(ibv_destroy_cq(cq));
}

static int modify_cq(void)
{
	struct ibv_modify_cq_attr attr = { .attr_mask = IBV_CQ_ATTR_MODERATE,
					   .moderate = { 1, 1 } };

	return ibv_modify_cq(f.cq, &attr);
}

static int resize_cq(void)
{
	static int cqe = 32;

	cqe *= 2; /* libmlx5 asks for nothing that is so already */
	return ibv_resize_cq(f.cq, cqe);
}

static int srq(void)
{
	struct ibv_srq_init_attr init = { .attr = { .max_wr = 4, .max_sge = 1 } };
	struct ibv_srq *srq = ibv_create_srq(f.pd, &init);
	struct ibv_srq_attr attr = { .srq_limit = 0 };
	int rc = got(srq);

	if (rc)
		return rc;
	rc = ibv_modify_srq(srq, &attr, IBV_SRQ_LIMIT);
	if (rc == 0)
		rc = ibv_query_srq(srq, &attr);
	if (rc == 0)
		UNDO(ibv_destroy_srq(srq));
	assert_int_equal(ibv_destroy_srq(srq), 0);
	return rc;
}

static int qp(void)
{
	struct ibv_qp_init_attr attr = {
		.send_cq = f.cq, .recv_cq = f.cq, .cap = { 1, 1, 1, 1, 0 }, .qp_type = IBV_QPT_UD
	};
	struct ibv_qp *qp = ibv_create_qp(f.pd, &attr);
	const int rc = got(qp);

	if (rc)
		return rc;
	UNDO(ibv_destroy_qp(qp));
}

static int modify_qp(void)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RTS };

	return ibv_modify_qp(f.qp, &attr, IBV_QP_STATE);
}

static int query_qp(void)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	return ibv_query_qp(f.qp, &attr, IBV_QP_STATE, &init);
}

static int ah(void)
{
	struct ibv_ah_attr attr = { .is_global = 1,
				    .port_num = 1,
				    .grh = { .sgid_index = LINK_GID_INDEX } };
	struct ibv_ah *ah;
	int rc = ibv_query_gid(f.ctx, 1, LINK_GID_INDEX, &attr.grh.dgid);

	assert_int_equal(rc, 0);
	ah = ibv_create_ah(f.pd, &attr);
	rc = got(ah);
	if (rc)
		return rc;
	UNDO(ibv_destroy_ah(ah));
}

static int xrcd(void)
{
	struct ibv_xrcd_init_attr attr = { .comp_mask = IBV_XRCD_INIT_ATTR_FD |
							IBV_XRCD_INIT_ATTR_OFLAGS,
					   .fd = -1,
					   .oflags = O_CREAT };
	struct ibv_xrcd *xrcd = ibv_open_xrcd(f.ctx, &attr);
	const int rc = got(xrcd);

	if (rc)
		return rc;
	UNDO(ibv_close_xrcd(xrcd));
}

/* Queue pairs are not shared between processes: the plan is asked first. */
static int open_qp(void)
{
	struct ibv_xrcd_init_attr domain = { .comp_mask = IBV_XRCD_INIT_ATTR_FD |
							  IBV_XRCD_INIT_ATTR_OFLAGS,
					     .fd = -1,
					     .oflags = O_CREAT };
	struct ibv_xrcd *xrcd = ibv_open_xrcd(f.ctx, &domain);
	struct ibv_qp_open_attr attr = { .comp_mask = IBV_QP_OPEN_ATTR_NUM | IBV_QP_OPEN_ATTR_XRCD |
						      IBV_QP_OPEN_ATTR_TYPE,
					 .qp_num = 1,
					 .xrcd = xrcd,
					 .qp_type = IBV_QPT_XRC_RECV };
	int rc;

	assert_non_null(xrcd);
	assert_null(ibv_open_qp(f.ctx, &attr));
	rc = errno;
	assert_int_equal(ibv_close_xrcd(xrcd), 0);
	return rc == EOPNOTSUPP ? 0 : rc;
}

static int mcast(void)
{
	const union ibv_gid group = { .raw = { 0xff, 0x0e, [15] = 1 } };
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_INIT, .port_num = 1 };
	struct ibv_qp *qp = link_qp(&f, IBV_QPT_UD);
	int rc, detached;

	assert_int_equal(ibv_modify_qp(qp, &attr,
				       IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
					       IBV_QP_QKEY),
			 0);
	rc = ibv_attach_mcast(qp, &group, 0);
	if (rc == 0) {
		rc = ibv_detach_mcast(qp, &group, 0);
		detached = rc ? ibv_detach_mcast(qp, &group, 0) : 0;
		assert_int_equal(detached, 0);
	}
	assert_int_equal(ibv_destroy_qp(qp), 0);
	return rc;
}

/* PRM: QUERY_ISSI is none of the commands that this device has; NOP is. */
static int devx(void)
{
	enum { NOP = 0x80d };
	uint8_t in[16] = { NOP >> 8, NOP & 0xff }, out[16] = { 0 };
	const int rc = mlx5dv_devx_general_cmd(f.ctx, in, sizeof(in), out, sizeof(out));

	return rc ? errno : 0;
}

static int import_device(void)
{
	struct ibv_context *ctx = ibv_import_device(fcntl(f.ctx->cmd_fd, F_DUPFD_CLOEXEC, 0));
	const int rc = got(ctx);

	return rc ? rc : ibv_close_device(ctx);
}

static int import_pd(void)
{
	struct ibv_pd *pd = ibv_import_pd(f.ctx, f.pd->handle);
	const int rc = got(pd);

	if (pd)
		ibv_unimport_pd(pd);
	return rc;
}

static int import_mr(void)
{
	struct ibv_mr *mr = ibv_import_mr(f.pd, f.mr->handle);
	const int rc = got(mr);

	if (mr)
		ibv_unimport_mr(mr);
	return rc;
}

static int import_dm(void)
{
	struct ibv_alloc_dm_attr attr = { .length = 4096 };
	struct ibv_dm *own = ibv_alloc_dm(f.ctx, &attr), *dm;
	int rc;

	assert_non_null(own);
	dm = ibv_import_dm(f.ctx, own->handle);
	rc = got(dm);
	if (dm)
		ibv_unimport_dm(dm);
	assert_int_equal(ibv_free_dm(own), 0);
	return rc;
}

static const struct {
	const char *name;
	int (*call)(void);
} calls[] = {
	{ "get-context", open_device },
	{ "query-device", query_device },
	{ "query-port", query_port },
	{ "alloc-pd", pd },
	{ "dealloc-pd", pd },
	{ "reg-mr", mr },
	{ "dereg-mr", mr },
	{ "advise-mr", advise_mr },
	{ "alloc-mw", mw },
	{ "dealloc-mw", mw },
	{ "alloc-dm", dm },
	{ "free-dm", dm },
	{ "alloc-uar", alloc_uar },
	{ "create-channel", create_channel },
	{ "create-cq", cq },
	{ "modify-cq", modify_cq },
	{ "resize-cq", resize_cq },
	{ "destroy-cq", cq },
	{ "create-srq", srq },
	{ "modify-srq", srq },
	{ "query-srq", srq },
	{ "destroy-srq", srq },
	{ "create-qp", qp },
	{ "modify-qp", modify_qp },
	{ "query-qp", query_qp },
	{ "open-qp", open_qp },
	{ "destroy-qp", qp },
	{ "create-ah", ah },
	{ "destroy-ah", ah },
	{ "open-xrcd", xrcd },
	{ "close-xrcd", xrcd },
	{ "attach-mcast", mcast },
	{ "detach-mcast", mcast },
	{ "devx", devx },
	{ "query-context", import_device },
	{ "alloc-events", import_device },
	{ "query-pd", import_pd },
	{ "query-mr", import_mr },
	{ "query-dm", import_dm },
};

static bool has_call(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (strcmp(calls[i].name, name) == 0)
			return true;
	return strcmp(name, "free-uar") == 0; /* test_pages */
}

/* Each command has a name in plans; the device asserts that it was given one. */
static void test_all_are_here(void **state)
{
	(void)state;
	for (unsigned i = 1; i < EMU_FAULT_CREATE_ID; i++) /* the rest: fault_cm.c */
		if (!has_call(emu_fault_command_name((enum emu_fault_command)i)))
			fail_msg("no test refuses %s",
				 emu_fault_command_name((enum emu_fault_command)i));
}

/* libibverbs has one error for all that it cannot open a channel with. */
static bool is_error(int rc, const char *name, int error)
{
	return rc == error || rc == -error || (rc && strcmp(name, "create-channel") == 0);
}

static void test_commands(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		char plan[100];
		int rc;

		snprintf(plan, sizeof(plan), "fail command=%s error=EACCES nth=2", calls[i].name);
		link_plan(plan);
		rc = calls[i].call();
		if (rc)
			fail_msg("%s: %d at once", plan, rc);
		rc = calls[i].call();
		if (!is_error(rc, calls[i].name, EACCES))
			fail_msg("%s: %d", plan, rc);
		assert_int_equal(calls[i].call(), 0);
	}
	free_registers();
	link_plan("fail count=1");
	assert_int_equal(pd(), ENOMEM);
	assert_int_equal(pd(), 0);
}

/* The plan of the run: it outlives the process's only device. */
static void test_first_open(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(open_device(), EMFILE);
	assert_int_equal(open_device(), 0);
}

/* libmlx5 gives pages back when it closes the device, and takes for granted that it can. */
static void test_pages(void **state)
{
	uint64_t (*hits)(unsigned);
	void *symbol = dlsym(RTLD_DEFAULT, "mlx5emu_fault_hits");

	(void)state;
	assert_non_null(symbol);
	memcpy(&hits, &symbol, sizeof(hits));
	link_plan("fail command=free-uar");
	assert_int_equal(open_device(), 0);
	assert_true(hits(0) > 0);
}

#define TEST(name) LINK_TEST(name, &f)

int main(int argc, char **argv)
{
	const struct CMUnitTest first[] = { cmocka_unit_test(test_first_open) };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_are_here),
		TEST(test_commands),
		TEST(test_pages),
	};

	if (argc == 2 && strcmp(argv[1], "first") == 0)
		return cmocka_run_group_tests(first, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
