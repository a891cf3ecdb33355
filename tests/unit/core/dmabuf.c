/* SPDX-License-Identifier: MIT */
/*
 * Memory that has no address in this process: DMA-BUF regions, elements of device addresses; and
 * regions that are paged on demand.
 */
#include "fake.h"

#include <errno.h>
#include <unistd.h>

#define IOVA UINT64_C(0xab0000040)
#define OFFSET UINT64_C(0x200040)

/* B14: libibverbs says that the region's address is the offset. */
static void b14_addresses_are_iova(void **state)
{
	struct bv_scatter scatter;
	struct bv_gather gather;
	struct bv_remote remote;
	struct bv_mr *mr;

	(void)state;
	assert_int_equal(bv_mr_reg_dmabuf(fake_pd, 7, OFFSET, 4096, IOVA, BV_ACCESS_SHARED, &mr),
			 0);
	assert_int_equal(fake.dmabuf_fd, 7);
	assert_int_equal(fake.dmabuf_iova, IOVA);
	assert_int_equal(fake.reg_access, BV_ACCESS_SHARED);
	assert_int_equal(bv_mr_iova(mr), IOVA);
	assert_int_equal(bv_mr_length(mr), 4096);
	remote = bv_mr_remote(mr);
	assert_int_equal(remote.addr, IOVA);
	assert_int_equal(remote.length, 4096);
	assert_int_equal(remote.rkey, 0x5678);
	assert_true(bv_mr_encloses_addr(mr, IOVA, 4096));
	assert_false(bv_mr_encloses_addr(mr, OFFSET, 1));
	assert_int_equal(bv_gather_addr_checked(mr, IOVA + 8, 100, &gather), 0);
	assert_int_equal(gather.addr, IOVA + 8);
	assert_int_equal(gather.length, 100);
	assert_int_equal(gather.lkey, 0x1234);
	assert_int_equal(bv_scatter_addr_checked(mr, IOVA + 8, 100, &scatter), 0);
	assert_memory_equal(&gather, &scatter, sizeof(gather));
	assert_int_equal(bv_gather_addr_checked(mr, OFFSET, 1, &gather), -ERANGE);
	assert_int_equal(bv_scatter_addr_checked(mr, IOVA, 4097, &scatter), -ERANGE);
	assert_int_equal(bv_gather_addr_checked(mr, IOVA, (size_t)1 << 32, &gather), -EMSGSIZE);
	assert_int_equal(bv_scatter_addr_checked(mr, IOVA, (size_t)1 << 32, &scatter), -EMSGSIZE);
	assert_int_equal(gather.addr, IOVA + 8);
	assert_int_equal((&bv_gather_addr(mr, IOVA, 4096))->addr, IOVA);
	assert_int_equal((&bv_scatter_addr(mr, IOVA + 4095, 1))->addr, IOVA + 4095);
	assert_int_equal(bv_gather_addr_unchecked(mr, 3, ((size_t)1 << 32) + 5).length, 5);
	assert_int_equal(bv_scatter_addr_unchecked(mr, 3, 5).addr, 3);
	bv_mr_dereg(mr);
}

static void refused(void **state)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct bv_mr *mr = NULL;

	(void)state;
	assert_int_equal(bv_mr_reg_dmabuf(NULL, 7, 0, 1, 0, 0, &mr), -EINVAL);
	assert_int_equal(bv_mr_reg_dmabuf(fake_pd, 7, 0, 1, 0, 0, NULL), -EINVAL);
	assert_int_equal(bv_mr_reg_dmabuf(fake_pd, 7, 0, 0, 0, 0, &mr), -EINVAL);
	assert_text("length is 0");
	assert_int_equal(bv_mr_reg_dmabuf(fake_pd, 7, 0, 2 * page, -page, 0, &mr), -EINVAL);
	assert_text("wrap around");
	assert_int_equal(bv_mr_reg_dmabuf(fake_pd, 7, -page, 2 * page, 0, 0, &mr), -EINVAL);
	assert_text("wrap around");
	/* MR-2: the rule that a DMA-BUF's iova is as far into its page as the offset. */
	assert_int_equal(bv_mr_reg_dmabuf(fake_pd, 7, 0x40, 1, 16 * page + 0x80, 0, &mr), -EINVAL);
	assert_text("offset 0x40 is 0x40 into a page and iova ");
	assert_text(" is 0x80: they must be as far into a page");
	assert_text("40 would do");
	assert_int_equal(bv_mr_reg_dmabuf(fake_pd, 7, 0, 1, 0, BV_ACCESS_ON_DEMAND, &mr), -EINVAL);
	assert_text("leave 0x40 out");
	assert_int_equal(bv_mr_reg_dmabuf(fake_pd, 7, 0, 1, 0, BV_ACCESS_HUGETLB, &mr), -EINVAL);
	assert_int_equal(bv_mr_reg_dmabuf(fake_pd, 7, 0, 1, 0, 0x10, &mr), -EINVAL);
	assert_text("bv_mr_reg_dmabuf: access has unknown flags 0x10");
	assert_int_equal(bv_mr_reg_dmabuf(fake_pd, 7, 0, 1, 0, BV_ACCESS_REMOTE_WRITE, &mr),
			 -EINVAL);
	fake.calloc_in = 1;
	assert_int_equal(bv_mr_reg_dmabuf(fake_pd, 7, 0, 1, 0, 0, &mr), -ENOMEM);
	assert_null(mr);
	/* Page 0 of both will do, and relaxed ordering goes down. */
	assert_int_equal(bv_mr_reg_dmabuf(fake_pd, 7, page, 1, 0, BV_ACCESS_RELAXED_ORDERING, &mr),
			 0);
	assert_int_equal(fake.reg_access, BV_ACCESS_RELAXED_ORDERING);
	assert_int_equal(bv_mr_iova(mr), 0);
	bv_mr_dereg(mr);
}

static void driver_errors(void **state)
{
	static const struct {
		int error, code;
		const char *text;
	} table[] = {
		{ EOPNOTSUPP, -EOPNOTSUPP, "no DMA-BUF regions here (error 95)" },
		{ 524, -EOPNOTSUPP, "no DMA-BUF regions here (error 524)" },
		{ EFAULT, -EFAULT, "the exporter did not map them" },
		{ EINVAL, -EINVAL, "it is no DMA-BUF, or a shorter one" },
		{ EBADF, -EBADF, "descriptor 7 is not open" },
		{ ENOMEM, -ENOMEM, "rdma resource show mr" },
		{ EIO, -EIO, "Input/output error" },
	};
	struct bv_mr *mr = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		fake.reg_mr_errno = table[i].error;
		assert_int_equal(bv_mr_reg_dmabuf(fake_pd, 7, OFFSET, 9, IOVA, 0, &mr),
				 table[i].code);
		assert_int_equal(bv_last_error()->code, table[i].code);
		assert_text(table[i].text);
		assert_text("mlx5_0: ");
	}
	assert_null(mr);
}

static void on_demand(void **state)
{
	static uint8_t buffer[64];
	const unsigned access = BV_ACCESS_LOCAL | BV_ACCESS_ON_DEMAND;
	struct bv_mr *mr = NULL;

	(void)state;
	assert_int_equal(bv_mr_reg(fake_pd, buffer, 64, access, &mr), -EOPNOTSUPP);
	assert_text("mlx5_0: the device does not offer on-demand paging");
	assert_text("leave BV_ACCESS_ON_DEMAND out");
	fake.odp_rc = IBV_ODP_SUPPORT_SEND | IBV_ODP_SUPPORT_RECV | IBV_ODP_SUPPORT_WRITE;
	fake.odp_general = IBV_ODP_SUPPORT;
	assert_int_equal(bv_mr_reg(fake_pd, buffer, 64, access, &mr), -EOPNOTSUPP);
	assert_text("operations 0x7, needed 0xf");
	fake.odp_rc |= IBV_ODP_SUPPORT_READ;
	assert_int_equal(bv_mr_reg(fake_pd, buffer, 64, access | BV_ACCESS_REMOTE_ATOMIC, &mr),
			 -EOPNOTSUPP);
	fake.odp_general = 0;
	assert_int_equal(bv_mr_reg(fake_pd, buffer, 64, access, &mr), -EOPNOTSUPP);
	fake.odp_general = IBV_ODP_SUPPORT;
	fake.query_device_errno = EIO;
	assert_int_equal(bv_mr_reg(fake_pd, buffer, 64, access, &mr), -EIO);
	assert_text("could not ask");
	assert_null(mr);
	fake.query_device_errno = 0;
	assert_int_equal(bv_mr_reg(fake_pd, buffer, 64, access | BV_ACCESS_HUGETLB, &mr), 0);
	assert_int_equal(fake.reg_access, access | BV_ACCESS_HUGETLB);
	bv_mr_dereg(mr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_pd_test(b14_addresses_are_iova),
		fake_pd_test(refused),
		fake_pd_test(driver_errors),
		fake_pd_test(on_demand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
