/* SPDX-License-Identifier: MIT */
/*
 * The kernel interface of mlx5emu by write(2), without libibverbs: requests as a hostile or careless
 * program would make them. Runs below `mlx5emu run`.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>
#include <rdma/rdma_user_ioctl_cmds.h>

/* A request in one piece: header, core structure, mlx5's part. 0 or -errno. */
struct by_write {
	struct ib_uverbs_cmd_hdr hdr;
	union {
		struct ib_uverbs_query_device query_device;
		struct ib_uverbs_alloc_pd alloc_pd;
		struct ib_uverbs_dealloc_pd dealloc_pd;
		struct {
			uint64_t response;
			struct mlx5_ib_alloc_ucontext_req_v2 drv;
		} context;
		struct {
			struct ib_uverbs_ex_cmd_hdr hdr;
			struct ib_uverbs_ex_query_device query_device;
		} ex;
	};
};

static int send_write(int fd, const struct by_write *r, size_t size)
{
	ssize_t n = write(fd, r, size);

	assert_true(n == -1 || n == (ssize_t)size);
	return n < 0 ? -errno : 0;
}

static struct by_write to_write(uint32_t command, size_t in, size_t out)
{
	return (struct by_write){
		.hdr = { .command = command,
			 .in_words = (uint16_t)((sizeof(struct ib_uverbs_cmd_hdr) + in) / 4),
			 .out_words = (uint16_t)(out / 4) }
	};
}

/* Completions are of the highest version that both sides know. */
static int get_context_with(int fd, uint8_t cqe_version)
{
	struct {
		uint32_t async_fd, num_comp_vectors;
		struct mlx5_ib_alloc_ucontext_resp drv;
	} out;
	struct by_write r = to_write(IB_USER_VERBS_CMD_GET_CONTEXT, sizeof(r.context), sizeof(out));
	int rc;

	r.context.response = (uintptr_t)&out;
	r.context.drv.total_num_bfregs = 16;
	r.context.drv.num_low_latency_bfregs = 4;
	r.context.drv.max_cqe_version = cqe_version;
	r.context.drv.lib_caps = MLX5_LIB_CAP_4K_UAR | MLX5_LIB_CAP_DYN_UAR;
	rc = send_write(fd, &r, sizeof(r.hdr) + sizeof(r.context));
	if (rc == 0) {
		assert_int_equal(out.drv.response_length, sizeof(out.drv));
		assert_int_equal(out.drv.cqe_version, cqe_version != 0);
		assert_int_equal(close((int)out.async_fd), 0);
	}
	return rc;
}

static int get_context(int fd)
{
	return get_context_with(fd, 1);
}

static int open_file(void)
{
	int fd = open("/dev/infiniband/uverbs0", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void test_old(void **state)
{
	enum { HDR = sizeof(struct ib_uverbs_cmd_hdr) };
	struct {
		uint32_t handle, pdn;
	} pd;
	struct ib_uverbs_query_device_resp dev;
	void *volatile nowhere = (void *)1;
	const size_t query = sizeof(struct ib_uverbs_query_device);
	struct by_write r = to_write(IB_USER_VERBS_CMD_QUERY_DEVICE, query, sizeof(dev));
	int fd = open_file();

	(void)state;
	r.query_device.response = (uintptr_t)&dev;
	assert_int_equal(send_write(fd, &r, HDR + query), -EINVAL); /* no context yet */
	assert_int_equal(get_context(fd), 0);
	assert_int_equal(send_write(fd, &r, HDR + query), 0);
	assert_int_equal(dev.vendor_id, 0x2c9);
	assert_int_equal(send_write(fd, &r, HDR), -EINVAL);
	assert_int_equal(send_write(fd, &r, HDR - 1), -EINVAL);
	r.hdr.out_words--;
	assert_int_equal(send_write(fd, &r, HDR + query), -ENOSPC);
	r.hdr.out_words++;
	r.query_device.response = 1; /* nothing is mapped there */
	assert_int_equal(send_write(fd, &r, HDR + query), -EFAULT);
	assert_int_equal(write(fd, nowhere, HDR + query), -1);
	assert_int_equal(errno, EFAULT);
	r.hdr.command = 200;
	assert_int_equal(send_write(fd, &r, HDR + query), -EOPNOTSUPP);
	r.hdr.command = 0x10000;
	assert_int_equal(send_write(fd, &r, HDR + query), -EINVAL);

	r = to_write(IB_USER_VERBS_CMD_ALLOC_PD, sizeof(r.alloc_pd), sizeof(pd));
	r.alloc_pd.response = (uintptr_t)&pd;
	memset(&pd, 0xff, sizeof(pd));
	assert_int_equal(send_write(fd, &r, HDR + sizeof(r.alloc_pd)), 0);
	assert_int_not_equal(pd.pdn, UINT32_MAX);
	r = to_write(IB_USER_VERBS_CMD_DEALLOC_PD, sizeof(r.dealloc_pd), 0);
	r.dealloc_pd.pd_handle = pd.handle;
	assert_int_equal(send_write(fd, &r, HDR + sizeof(r.dealloc_pd)), 0);
	assert_int_equal(send_write(fd, &r, HDR + sizeof(r.dealloc_pd)), -ENOENT);
	close(fd);
}

static void test_cqe_versions(void **state)
{
	(void)state;
	for (uint8_t version = 0; version < 3; version++) {
		int fd = open_file();

		assert_int_equal(get_context_with(fd, version), 0);
		close(fd);
	}
}

static void test_extended(void **state)
{
	enum { HDR = sizeof(struct ib_uverbs_cmd_hdr) + sizeof(struct ib_uverbs_ex_cmd_hdr) };
	const size_t size = HDR + sizeof(struct ib_uverbs_ex_query_device);
	struct ib_uverbs_ex_query_device_resp dev;
	struct by_write r = { .hdr = { .command = IB_USER_VERBS_CMD_FLAG_EXTENDED |
						  IB_USER_VERBS_EX_CMD_QUERY_DEVICE,
				       .in_words = sizeof(r.ex.query_device) / 8,
				       .out_words = sizeof(dev) / 8 },
			      .ex = { .hdr = { .response = (uintptr_t)&dev } } };
	int fd = open_file();

	(void)state;
	assert_int_equal(get_context(fd), 0);
	assert_int_equal(send_write(fd, &r, size), 0);
	assert_int_equal(dev.base.vendor_id, 0x2c9);
	assert_true(dev.response_length > 0);
	assert_int_equal(send_write(fd, &r, size - 8), -EINVAL);
	assert_int_equal(send_write(fd, &r, sizeof(r.hdr)), -EINVAL);
	r.ex.hdr.response = 0;
	assert_int_equal(send_write(fd, &r, size), -EINVAL);
	r.hdr.out_words = 0;
	r.ex.hdr.cmd_hdr_reserved = 1;
	assert_int_equal(send_write(fd, &r, size), -EINVAL);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_old),
		cmocka_unit_test(test_extended),
		cmocka_unit_test(test_cqe_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
