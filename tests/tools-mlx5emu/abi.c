/* SPDX-License-Identifier: MIT */
/*
 * The kernel interface of mlx5emu, called as a hostile or careless program would: without
 * libibverbs, one ioctl at a time. Runs below `mlx5emu run`. Error codes are the kernel's, because
 * libibverbs acts on them.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <rdma/rdma_user_ioctl_cmds.h>

enum { MAX_ATTRS = 300 };

/* struct ib_uverbs_ioctl_hdr, with room for attributes. */
struct request {
	struct {
		uint16_t length, object_id, method_id, num_attrs;
		uint64_t reserved1;
		uint32_t driver_id, reserved2;
	} hdr;
	struct ib_uverbs_attr attrs[MAX_ATTRS];
};
static_assert(offsetof(struct request, attrs) == sizeof(struct ib_uverbs_ioctl_hdr), "kernel ABI");

static struct request request(unsigned object, unsigned method)
{
	return (struct request){ .hdr = { .object_id = (uint16_t)object,
					  .method_id = (uint16_t)method } };
}

static struct ib_uverbs_attr *add(struct request *r, unsigned id, size_t len, uint64_t data)
{
	struct ib_uverbs_attr *a = &r->attrs[r->hdr.num_attrs++];

	*a = (struct ib_uverbs_attr){ .attr_id = (uint16_t)id,
				      .len = (uint16_t)len,
				      .flags = UVERBS_ATTR_F_MANDATORY,
				      .data = data };
	return a;
}

static void add_in(struct request *r, unsigned id, const void *data, size_t len)
{
	uint64_t value = (uintptr_t)data;

	if (len <= sizeof(value)) {
		value = 0;
		memcpy(&value, data, len);
	}
	add(r, id, len, value);
}

/* 0 or -errno */
static int call(int fd, struct request *r)
{
	r->hdr.length = (uint16_t)(sizeof(r->hdr) + r->hdr.num_attrs * sizeof(r->attrs[0]));
	return ioctl(fd, RDMA_VERBS_IOCTL, r) < 0 ? -errno : 0;
}

static struct request write_request(uint32_t command)
{
	struct request r = request(UVERBS_OBJECT_DEVICE, UVERBS_METHOD_INVOKE_WRITE);

	add(&r, UVERBS_ATTR_WRITE_CMD, sizeof(uint64_t), command);
	return r;
}

static int command(int fd, uint32_t number, const void *in, size_t in_len, void *out,
		   size_t out_len)
{
	struct request r = write_request(number);

	add_in(&r, UVERBS_ATTR_CORE_IN, in, in_len);
	if (out)
		add(&r, UVERBS_ATTR_CORE_OUT, out_len, (uintptr_t)out);
	return call(fd, &r);
}

static int open_file(void)
{
	int fd = open("/dev/infiniband/uverbs0", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static int get_context(int fd, uint32_t flags)
{
	struct ib_uverbs_get_context in = { .response = 0 };
	struct ib_uverbs_get_context_resp out = { .async_fd = 0 };
	struct mlx5_ib_alloc_ucontext_req_v2 drv_in = {
		.total_num_bfregs = 16,
		.num_low_latency_bfregs = 4,
		.flags = flags,
		.max_cqe_version = 1,
		.lib_caps = MLX5_LIB_CAP_4K_UAR | MLX5_LIB_CAP_DYN_UAR,
	};
	struct mlx5_ib_alloc_ucontext_resp drv_out;
	struct request r = write_request(IB_USER_VERBS_CMD_GET_CONTEXT);
	int rc;

	add_in(&r, UVERBS_ATTR_CORE_IN, &in, sizeof(in));
	add(&r, UVERBS_ATTR_CORE_OUT, sizeof(out), (uintptr_t)&out);
	add_in(&r, UVERBS_ATTR_UHW_IN, &drv_in, sizeof(drv_in));
	add(&r, UVERBS_ATTR_UHW_OUT, sizeof(drv_out), (uintptr_t)&drv_out);
	rc = call(fd, &r);
	if (rc == 0) {
		assert_true(r.attrs[2].flags & UVERBS_ATTR_F_VALID_OUTPUT);
		assert_int_equal(drv_out.response_length, sizeof(drv_out));
		assert_int_equal(drv_out.cqe_version, 1);
		assert_true(fcntl((int)out.async_fd, F_GETFD) & FD_CLOEXEC);
		close((int)out.async_fd);
	}
	return rc;
}

static int open_device(void)
{
	int fd = open_file();

	assert_int_equal(get_context(fd, 0), 0);
	return fd;
}

static int alloc_pd(int fd, uint32_t *handle)
{
	struct ib_uverbs_alloc_pd in = { .response = 0 };
	struct ib_uverbs_alloc_pd_resp out;
	struct mlx5_ib_alloc_pd_resp drv;
	struct request r = write_request(IB_USER_VERBS_CMD_ALLOC_PD);
	int rc;

	add_in(&r, UVERBS_ATTR_CORE_IN, &in, sizeof(in));
	add(&r, UVERBS_ATTR_CORE_OUT, sizeof(out), (uintptr_t)&out);
	add(&r, UVERBS_ATTR_UHW_OUT, sizeof(drv), (uintptr_t)&drv);
	rc = call(fd, &r);
	if (rc == 0)
		*handle = out.pd_handle;
	return rc;
}

static int dealloc_pd(int fd, uint32_t handle)
{
	struct ib_uverbs_dealloc_pd in = { .pd_handle = handle };

	return command(fd, IB_USER_VERBS_CMD_DEALLOC_PD, &in, sizeof(in), NULL, 0);
}

static int reg_mr(int fd, uint32_t pd, void *addr, size_t len, uint32_t *handle)
{
	struct ib_uverbs_reg_mr in = { .start = (uintptr_t)addr,
				       .length = len,
				       .hca_va = (uintptr_t)addr,
				       .pd_handle = pd,
				       .access_flags = 1 };
	struct ib_uverbs_reg_mr_resp out;
	int rc = command(fd, IB_USER_VERBS_CMD_REG_MR, &in, sizeof(in), &out, sizeof(out));

	if (rc == 0)
		*handle = out.mr_handle;
	return rc;
}

static int dereg_mr(int fd, uint32_t handle)
{
	struct ib_uverbs_dereg_mr in = { .mr_handle = handle };

	return command(fd, IB_USER_VERBS_CMD_DEREG_MR, &in, sizeof(in), NULL, 0);
}

static unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void test_device_node(void **state)
{
	struct stat path, file;
	int fd = open_file();

	(void)state;
	assert_int_equal(stat("/dev/infiniband/uverbs0", &path), 0);
	assert_int_equal(fstat(fd, &file), 0);
	assert_true(S_ISCHR(path.st_mode) && S_ISCHR(file.st_mode));
	assert_true(path.st_rdev == makedev(231, 192) && file.st_rdev == path.st_rdev);
	assert_int_equal(access("/dev/infiniband/uverbs0", R_OK | W_OK), 0);
	assert_int_equal(open("/dev/infiniband/uverbs1", O_RDWR), -1);
	assert_int_equal(errno, ENOENT);
	close(fd);
}

static void test_header(void **state)
{
	int fd = open_device();
	struct request r = request(UVERBS_OBJECT_DEVICE, UVERBS_METHOD_INVOKE_WRITE);

	(void)state;
	assert_int_equal(call(fd, &r), -EINVAL); /* no command number */
	r = request(UVERBS_OBJECT_WQ, UVERBS_METHOD_WQ_CREATE);
	assert_int_equal(call(fd, &r), -EPROTONOSUPPORT);
	r = request(0xffff, 0xffff);
	assert_int_equal(call(fd, &r), -EPROTONOSUPPORT);
	r = write_request(IB_USER_VERBS_CMD_QUERY_DEVICE);
	r.hdr.reserved1 = 1;
	assert_int_equal(call(fd, &r), -EPROTONOSUPPORT);
	r = write_request(IB_USER_VERBS_CMD_QUERY_DEVICE);
	r.hdr.length = 1;
	assert_int_equal(ioctl(fd, RDMA_VERBS_IOCTL, &r), -1);
	assert_int_equal(errno, EINVAL);
	r.hdr.num_attrs = MAX_ATTRS; /* more than a page */
	assert_int_equal(call(fd, &r), -EINVAL);
	assert_int_equal(ioctl(fd, RDMA_VERBS_IOCTL, NULL), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(ioctl(fd, RDMA_VERBS_IOCTL, (void *)-4096L), -1);
	assert_int_equal(errno, EFAULT);
	close(fd);
}

static void test_attributes(void **state)
{
	struct ib_uverbs_query_device in = { .response = 0 };
	struct ib_uverbs_query_device_resp out;
	int fd = open_device();
	struct request r = write_request(IB_USER_VERBS_CMD_QUERY_DEVICE);

	(void)state;
	assert_int_equal(call(fd, &r), -ENOSPC); /* libibverbs probes with this */
	add_in(&r, UVERBS_ATTR_CORE_IN, &in, sizeof(in));
	add(&r, UVERBS_ATTR_CORE_OUT, sizeof(out) - 1, (uintptr_t)&out);
	assert_int_equal(call(fd, &r), -ENOSPC);
	r.attrs[2].len++;
	assert_int_equal(call(fd, &r), 0);
	assert_true(r.attrs[2].flags & UVERBS_ATTR_F_VALID_OUTPUT);
	assert_int_equal(out.vendor_id, 0x2c9);

	add(&r, 77, 0, 0);
	assert_int_equal(call(fd, &r), -EPROTONOSUPPORT); /* unknown and mandatory */
	r.attrs[3].flags = 0;
	assert_int_equal(call(fd, &r), 0); /* unknown and optional */
	r.attrs[3] = r.attrs[1];
	assert_int_equal(call(fd, &r), -EINVAL); /* twice */
	r.hdr.num_attrs = 3;
	r.attrs[1].attr_data.reserved = 1;
	assert_int_equal(call(fd, &r), -EINVAL);
	r.attrs[1].attr_data.reserved = 0;
	r.attrs[2].data = 1; /* nothing is mapped there */
	assert_int_equal(call(fd, &r), -EFAULT);
	close(fd);
}

static void test_sizes(void **state)
{
	union {
		struct ib_uverbs_query_port req;
		uint64_t word[42];
	} in = { .word = { 0 } };
	unsigned char out[sizeof(struct ib_uverbs_query_port_resp) + 600];
	int fd = open_device();

	(void)state;
	memset(out, 0xee, sizeof(out));
	in.req.port_num = 1;
	assert_int_equal(
		command(fd, IB_USER_VERBS_CMD_QUERY_PORT, &in, sizeof(in), out, sizeof(out)), 0);
	for (size_t i = sizeof(struct ib_uverbs_query_port_resp); i < sizeof(out); i++)
		assert_int_equal(out[i], 0);
	in.word[41] = 1;
	assert_int_equal(command(fd, IB_USER_VERBS_CMD_QUERY_PORT, &in, sizeof(in), out,
				 sizeof(out)),
			 -EOPNOTSUPP);
	in.word[41] = 0;
	in.req.port_num = 2;
	assert_int_equal(command(fd, IB_USER_VERBS_CMD_QUERY_PORT, &in, sizeof(in), out,
				 sizeof(out)),
			 -EINVAL);
	close(fd);
}

static void test_commands(void **state)
{
	uint64_t word[8] = { 0 };
	int fd = open_device();

	(void)state;
	assert_int_equal(command(fd, IB_USER_VERBS_CMD_CREATE_SRQ, word, 8, word, 8), -ENOSPC);
	assert_int_equal(command(fd, IB_USER_VERBS_CMD_PEEK_CQ, word, 8, word, 8), -EOPNOTSUPP);
	assert_int_equal(command(fd, 200, word, 8, word, 8), -EOPNOTSUPP);
	assert_int_equal(command(fd,
				 IB_USER_VERBS_CMD_FLAG_EXTENDED | IB_USER_VERBS_EX_CMD_CREATE_FLOW,
				 word, 8, word, 8),
			 -EOPNOTSUPP);
	assert_int_equal(command(fd, 0x10000, word, 8, word, 8), -EINVAL);
	close(fd);
}

/* A queue by its own method: what it lacks, and whose events it wants. */
static void test_create(void **state)
{
	uint32_t cqe = 4, vector = 0, resp;
	uint64_t cookie = 1;
	int fd = open_device();
	struct request r = request(UVERBS_OBJECT_CQ, UVERBS_METHOD_CQ_CREATE);

	(void)state;
	assert_int_equal(call(fd, &r), -EINVAL);
	add(&r, UVERBS_ATTR_CREATE_CQ_HANDLE, 0, 0);
	add_in(&r, UVERBS_ATTR_CREATE_CQ_CQE, &cqe, sizeof(cqe));
	add_in(&r, UVERBS_ATTR_CREATE_CQ_USER_HANDLE, &cookie, sizeof(cookie));
	add_in(&r, UVERBS_ATTR_CREATE_CQ_COMP_VECTOR, &vector, sizeof(vector));
	add(&r, UVERBS_ATTR_CREATE_CQ_RESP_CQE, sizeof(resp), (uintptr_t)&resp);
	assert_int_equal(call(fd, &r), -EINVAL); /* no ring: mlx5's part is not there */
	add(&r, UVERBS_ATTR_CREATE_CQ_EVENT_FD, 0, (uint64_t)fd);
	assert_int_equal(call(fd, &r), -EBADF); /* a device is no file for events */
	close(fd);
}

static void test_context(void **state)
{
	int fd = open_file();
	uint32_t pd = 0;

	(void)state;
	assert_int_equal(alloc_pd(fd, &pd), -EINVAL); /* no context yet */
	assert_int_equal(get_context(fd, MLX5_IB_ALLOC_UCTX_DEVX << 1), -EOPNOTSUPP);
	assert_int_equal(get_context(fd, MLX5_IB_ALLOC_UCTX_DEVX), 0);
	assert_int_equal(get_context(fd, 0), -EINVAL);
	close(fd);
}

static void test_handles(void **state)
{
	static char buffer[8192];
	int fd = open_device(), other = open_device();
	uint32_t pd = 0, mr = 0;

	(void)state;
	assert_int_equal(alloc_pd(fd, &pd), 0);
	assert_int_equal(reg_mr(fd, pd + 1, buffer, sizeof(buffer), &mr), -EINVAL);
	assert_int_equal(reg_mr(fd, pd, NULL, 4096, &mr), -EFAULT);
	assert_int_equal(reg_mr(fd, pd, buffer, sizeof(buffer), &mr), 0);
	assert_int_equal(dealloc_pd(fd, pd), -EBUSY);
	assert_int_equal(dealloc_pd(fd, mr), -EINVAL);
	assert_int_equal(dealloc_pd(fd, 12345678), -ENOENT);
	assert_int_equal(dealloc_pd(other, pd), -ENOENT);
	assert_int_equal(dereg_mr(fd, mr), 0);
	assert_int_equal(dereg_mr(fd, mr), -ENOENT);
	assert_int_equal(dealloc_pd(fd, pd), 0);
	close(other);
	close(fd);
}

static int alloc_uar(int fd, uint64_t type, uint64_t *offset, uint32_t *handle)
{
	struct request r = request(MLX5_IB_OBJECT_UAR, MLX5_IB_METHOD_UAR_OBJ_ALLOC);
	uint32_t length = 0, page = 0;
	int rc;

	add(&r, MLX5_IB_ATTR_UAR_OBJ_ALLOC_HANDLE, 0, 0);
	add(&r, MLX5_IB_ATTR_UAR_OBJ_ALLOC_TYPE, sizeof(type), type);
	add(&r, MLX5_IB_ATTR_UAR_OBJ_ALLOC_MMAP_OFFSET, sizeof(*offset), (uintptr_t)offset);
	add(&r, MLX5_IB_ATTR_UAR_OBJ_ALLOC_MMAP_LENGTH, sizeof(length), (uintptr_t)&length);
	add(&r, MLX5_IB_ATTR_UAR_OBJ_ALLOC_PAGE_ID, sizeof(page), (uintptr_t)&page);
	rc = call(fd, &r);
	if (rc == 0) {
		assert_int_equal(length, 4096);
		*handle = (uint32_t)r.attrs[0].data;
	}
	return rc;
}

static int destroy_uar(int fd, uint64_t handle)
{
	struct request r = request(MLX5_IB_OBJECT_UAR, MLX5_IB_METHOD_UAR_OBJ_DESTROY);

	add(&r, MLX5_IB_ATTR_UAR_OBJ_DESTROY_HANDLE, 0, handle);
	return call(fd, &r);
}

static void test_uar(void **state)
{
	uint32_t handle[2] = { 0 };
	uint64_t offset[2] = { 0 };
	int fd = open_device();
	void *page;

	(void)state;
	assert_int_equal(alloc_uar(fd, 0, &offset[0], &handle[0]), 0);
	assert_int_equal(alloc_uar(fd, 1, &offset[1], &handle[1]), 0);
	assert_int_not_equal(offset[0], offset[1]);
	page = mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, (off_t)offset[0]);
	assert_true(page != MAP_FAILED);
	munmap(page, 4096);
	assert_int_equal(alloc_uar(fd, 2, &offset[1], &handle[1]), -EINVAL);
	assert_int_equal(destroy_uar(fd, handle[0]), 0);
	assert_int_equal(destroy_uar(fd, handle[0]), -ENOENT);
	assert_int_equal(destroy_uar(fd, UINT64_MAX), -EINVAL);
	close(fd);
}

static void test_descriptors(void **state)
{
	int fd = open_device(), copy = dup(fd);
	uint32_t pd = 0;

	(void)state;
	close(fd);
	assert_int_equal(alloc_pd(copy, &pd), 0); /* the file lives on in its copy */
	assert_int_equal(dup2(copy, fd), fd);
	close(copy);
	assert_int_equal(dealloc_pd(fd, pd), 0);
	close(fd);
	assert_int_equal(alloc_pd(fd, &pd), -EBADF);
	assert_int_equal(ftruncate(fd, 0), -1);
}

static void test_truncate(void **state)
{
	int fd = open_device();

	(void)state;
	assert_int_equal(ftruncate(fd, 0), -1); /* our own mapping would fault */
	close(fd);
}

static void test_channels(void **state)
{
	struct ib_uverbs_create_comp_channel in = { .response = 0 };
	struct ib_uverbs_create_comp_channel_resp out;
	struct rlimit limit;
	int fd = open_device(), copy;

	(void)state;
	/* each takes three descriptors, which its close gives back */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (rlim_t i = 0; i < limit.rlim_cur && i < 3000; i++) {
		assert_int_equal(command(fd, IB_USER_VERBS_CMD_CREATE_COMP_CHANNEL, &in, sizeof(in),
					 &out, sizeof(out)),
				 0);
		copy = dup((int)out.fd);
		close((int)out.fd);
		close(copy);
	}
	close(fd);
}

/* What a program leaves behind goes with the last descriptor of its file. */
static void test_abandoned(void **state)
{
	struct ib_uverbs_create_comp_channel in = { .response = 0 };
	struct ib_uverbs_create_comp_channel_resp out;
	static char buffer[4096];
	unsigned before = open_descriptors();

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		uint32_t pd = 0, mr = 0;
		int fd = open_device();

		assert_int_equal(alloc_pd(fd, &pd), 0);
		assert_int_equal(reg_mr(fd, pd, buffer, sizeof(buffer), &mr), 0);
		assert_int_equal(command(fd, IB_USER_VERBS_CMD_CREATE_COMP_CHANNEL, &in, sizeof(in),
					 &out, sizeof(out)),
				 0);
		close(i % 2 ? fd : (int)out.fd);
		close(i % 2 ? (int)out.fd : fd);
		assert_int_equal(open_descriptors(), before);
	}
}

static void test_fork(void **state)
{
	int fd = open_device(), status;
	uint32_t pd = 0, mine = 0;
	pid_t child;

	(void)state;
	assert_int_equal(alloc_pd(fd, &pd), 0);
	child = fork();
	if (child == 0) {
		int own;

		if (alloc_pd(fd, &mine) != -EIO || dealloc_pd(fd, pd) != -EIO)
			_exit(1);
		close(fd);
		own = open("/dev/infiniband/uverbs0", O_RDWR);
		_exit(own >= 0 && get_context(own, 0) == 0 && alloc_pd(own, &mine) == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(dealloc_pd(fd, pd), 0);
	close(fd);
}

static uint64_t random_state = 88172645463325252u;

static uint64_t random_number(void) /* xorshift64: the same requests on every run */
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static uint64_t random_data(const void *buffer)
{
	switch (random_number() % 4) {
	case 0:
		return (uintptr_t)buffer;
	case 1:
		return random_number() % 64;
	case 2:
		return UINT64_MAX - random_number() % 64;
	default:
		return random_number();
	}
}

static struct request random_request(const void *buffer)
{
	static const uint16_t lengths[] = { 0, 4, 8, 16, 20, 40, 56, 64, 112, 304 };
	static const uint16_t objects[] = { UVERBS_OBJECT_DM, UVERBS_OBJECT_MR, UVERBS_OBJECT_PD,
					    UVERBS_OBJECT_CQ, UVERBS_OBJECT_QP, UVERBS_OBJECT_SRQ };
	struct request r = write_request((uint32_t)(random_number() % 60) |
					 (random_number() % 4 ? 0 : 0x80000000u));
	unsigned n = (unsigned)(random_number() % 16);

	if (random_number() % 8 == 0)
		r = request(MLX5_IB_OBJECT_UAR, 0x1000 + (unsigned)(random_number() % 2));
	else if (random_number() % 8 == 0)
		r = request(objects[random_number() % 6], (unsigned)(random_number() % 6));
	for (unsigned i = 0; i < n; i++) {
		unsigned id = (unsigned)(random_number() % 16);

		if (random_number() % 4 == 0)
			id += 0x1000;
		add(&r, id, lengths[random_number() % 10], random_data(buffer));
	}
	return r;
}

static void test_random(void **state)
{
	static uint64_t buffer[64];
	int fd = open_device();

	(void)state;
	for (unsigned i = 0; i < 50000; i++) {
		struct request r;

		for (unsigned k = 0; k < 64; k++)
			buffer[k] = random_number() % 3 ? random_number() % 8 : random_data(buffer);
		r = random_request(buffer);
		call(fd, &r); /* any answer will do, but no fault */
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device_node), cmocka_unit_test(test_header),
		cmocka_unit_test(test_attributes),  cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_create),      cmocka_unit_test(test_commands),
		cmocka_unit_test(test_context),     cmocka_unit_test(test_handles),
		cmocka_unit_test(test_uar),         cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_truncate),    cmocka_unit_test(test_channels),
		cmocka_unit_test(test_abandoned),   cmocka_unit_test(test_fork),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
