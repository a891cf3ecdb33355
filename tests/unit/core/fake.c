/* SPDX-License-Identifier: MIT */
/*
 * libibverbs and libc calls of core, replaced by --wrap. Every object given out is counted.
 */
#include "fake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

struct fake fake;

/* A wrapper needs a prototype of its own. */
#define WRAP(type, name, ...)            \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

void *__real_calloc(size_t count, size_t size);

static void note(char what)
{
	const size_t n = strlen(fake.order);

	if (n + 1 < sizeof(fake.order))
		fake.order[n] = what;
}

void fake_gid(struct fake_device *device, int row, uint32_t index, uint32_t type, const char *text)
{
	struct ibv_gid_entry *entry = &device->gids[row];

	memset(entry, 0, sizeof(*entry));
	entry->gid_index = index;
	entry->port_num = 1;
	entry->gid_type = type;
	assert_int_equal(inet_pton(AF_INET6, text, entry->gid.raw), 1);
	if (device->ngids <= row)
		device->ngids = row + 1;
}

static void make_device(struct fake_device *device, const char *name, uint8_t link)
{
	snprintf(device->ibdev.name, sizeof(device->ibdev.name), "%s", name);
	snprintf(device->ibdev.ibdev_path, sizeof(device->ibdev.ibdev_path), "/nonexistent/%s",
		 name);
	device->guid = htobe64(0x0c42a10300652d8e);
	snprintf(device->attr.fw_ver, sizeof(device->attr.fw_ver), "16.35.2000");
	device->attr.vendor_id = 0x2c9;
	device->attr.vendor_part_id = 4119;
	device->attr.phys_port_cnt = 1;
	device->attr.max_qp_wr = 32768;
	device->attr.atomic_cap = IBV_ATOMIC_HCA;
	device->attr.max_cqe = 4194303;
	device->attr.max_sge = 30;
	device->attr.max_qp_rd_atom = 16;
	device->attr.max_qp_init_rd_atom = 16;
	device->attr.max_mr_size = UINT64_MAX;
	device->attr.max_mr = 1000;
	for (int i = 0; i < 2; i++)
		device->port[i] = (struct ibv_port_attr){
			.state = IBV_PORT_ACTIVE,
			.max_mtu = IBV_MTU_4096,
			.active_mtu = IBV_MTU_4096,
			.gid_tbl_len = FAKE_GIDS,
			.max_msg_sz = 1u << 30,
			.lid = 7,
			.pkey_tbl_len = 4,
			.link_layer = link,
		};
}

int fake_reset(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.ndevices = FAKE_DEVICES;
	make_device(&fake.device[0], "mlx5_0", IBV_LINK_LAYER_ETHERNET);
	fake_gid(&fake.device[0], 0, 0, IBV_GID_TYPE_ROCE_V1, "fe80::1");
	fake_gid(&fake.device[0], 1, 1, IBV_GID_TYPE_ROCE_V2, "fe80::1");
	fake_gid(&fake.device[0], 2, 3, IBV_GID_TYPE_ROCE_V2, "::ffff:10.0.0.1");
	make_device(&fake.device[1], "ib0", IBV_LINK_LAYER_INFINIBAND);
	fake_gid(&fake.device[1], 0, 0, IBV_GID_TYPE_IB, "fe80::2:c903:0:1");
	make_device(&fake.device[2], "rxe0", IBV_LINK_LAYER_ETHERNET);
	fake_gid(&fake.device[2], 0, 0, IBV_GID_TYPE_ROCE_V2, "::ffff:10.0.0.2");
	fake.score[0] = 100;
	fake.score[1] = 10;
	fake.tick = 1;
	unsetenv("BV_PROVIDER");
	return 0;
}

int fake_check(void **state)
{
	(void)state;
	assert_int_equal(fake.contexts, 0);
	assert_int_equal(fake.pds, 0);
	assert_int_equal(fake.mrs, 0);
	assert_int_equal(fake.lists, 0);
	return 0;
}

struct bv_pd *fake_pd;

int fake_pd_open(void **state)
{
	struct bv_device *dev;

	fake_reset(state);
	assert_int_equal(bv_open("mlx5_0", NULL, &dev), 0);
	assert_int_equal(bv_pd_alloc(dev, &fake_pd), 0);
	bv_close(dev); /* the pd keeps it */
	return 0;
}

int fake_pd_close(void **state)
{
	bv_pd_free(fake_pd);
	return fake_check(state);
}

static struct fake_device *device_of(const struct ibv_context *context)
{
	for (int i = 0; i < FAKE_DEVICES; i++)
		if (&fake.device[i].ibdev == context->device)
			return &fake.device[i];
	fail_msg("a context of no device");
	return NULL;
}

WRAP(struct ibv_device **, ibv_get_device_list, int *count)
{
	struct ibv_device **list;

	if (fake.list_errno || fake.ndevices == 0) {
		errno = fake.list_errno;
		return NULL;
	}
	list = __real_calloc(FAKE_DEVICES + 1, sizeof(struct ibv_device *));
	for (int i = 0; i < fake.ndevices; i++)
		list[i] = &fake.device[i].ibdev;
	*count = fake.ndevices;
	fake.lists++;
	return list;
}

WRAP(void, ibv_free_device_list, struct ibv_device **list)
{
	fake.lists--;
	free(list);
}

WRAP(const char *, ibv_get_device_name, struct ibv_device *device)
{
	return device->name;
}

WRAP(__be64, ibv_get_device_guid, struct ibv_device *device)
{
	const struct ibv_context context = { .device = device };

	return device_of(&context)->guid;
}

static int query_device_ex(struct ibv_context *context,
			   const struct ibv_query_device_ex_input *input,
			   struct ibv_device_attr_ex *attr, size_t size)
{
	assert_null(input);
	assert_int_equal(size, sizeof(*attr));
	memset(attr, 0, size);
	attr->orig_attr = device_of(context)->attr;
	attr->odp_caps.general_caps = fake.odp_general;
	attr->odp_caps.per_transport_caps.rc_odp_caps = fake.odp_rc;
	return fake.query_device_errno;
}

WRAP(struct ibv_context *, ibv_open_device, struct ibv_device *device)
{
	struct verbs_context *context;

	if (fake.open_errno) {
		errno = fake.open_errno;
		return NULL;
	}
	context = __real_calloc(1, sizeof(*context));
	context->sz = sizeof(*context);
	context->query_device_ex = query_device_ex;
	context->context.abi_compat = __VERBS_ABI_IS_EXTENDED;
	context->context.device = device;
	fake.contexts++;
	return &context->context;
}

WRAP(int, ibv_close_device, struct ibv_context *context)
{
	fake.contexts--;
	note('D');
	free(verbs_get_ctx(context));
	return 0;
}

WRAP(int, ibv_query_device, struct ibv_context *context, struct ibv_device_attr *attr)
{
	*attr = device_of(context)->attr;
	return fake.query_device_errno;
}

WRAP(int, ibv_query_port, struct ibv_context *context, uint8_t port,
     struct _compat_ibv_port_attr *attr)
{
	if (fake.query_port_errno && fake.query_port_after-- <= 0)
		return fake.query_port_errno;
	assert_in_range(port, 1, 2);
	/* The inline that calls this has zeroed all of the real struct. */
	memcpy(attr, &device_of(context)->port[port - 1], sizeof(struct ibv_port_attr));
	return 0;
}

WRAP(ssize_t, _ibv_query_gid_table, struct ibv_context *context, struct ibv_gid_entry *entries,
     size_t max, uint32_t flags, size_t entry_size)
{
	const struct fake_device *device = device_of(context);

	assert_int_equal(flags, 0);
	assert_int_equal(entry_size, sizeof(*entries));
	assert_true(max >= (size_t)device->ngids);
	if (fake.query_gid_errno)
		return -fake.query_gid_errno;
	memcpy(entries, device->gids, (size_t)device->ngids * sizeof(*entries));
	return device->ngids;
}

WRAP(struct ibv_pd *, ibv_alloc_pd, struct ibv_context *context)
{
	struct ibv_pd *pd;

	if (fake.alloc_pd_errno) {
		errno = fake.alloc_pd_errno;
		return NULL;
	}
	pd = __real_calloc(1, sizeof(*pd));
	pd->context = context;
	fake.pds++;
	return pd;
}

WRAP(int, ibv_dealloc_pd, struct ibv_pd *pd)
{
	fake.pds--;
	note('P');
	free(pd);
	return fake.destroy_errno;
}

WRAP(struct ibv_mr *, ibv_reg_mr_iova2, struct ibv_pd *pd, void *addr, size_t length, uint64_t iova,
     unsigned int access)
{
	struct ibv_mr *mr;
	const int error = fake.reg_mr_hook ? fake.reg_mr_hook() : fake.reg_mr_errno;

	assert_int_equal(iova, (uintptr_t)addr);
	if (error) {
		errno = error;
		return NULL;
	}
	mr = __real_calloc(1, sizeof(*mr));
	mr->pd = pd;
	mr->addr = addr;
	mr->length = length;
	mr->lkey = 0x1234;
	mr->rkey = 0x5678;
	fake.reg_access = access;
	fake.mrs++;
	return mr;
}

WRAP(struct ibv_mr *, ibv_reg_mr, struct ibv_pd *pd, void *addr, size_t length, int access)
{
	return __wrap_ibv_reg_mr_iova2(pd, addr, length, (uintptr_t)addr, (unsigned int)access);
}

/* libibverbs gives a DMA-BUF region its offset as its address. */
WRAP(struct ibv_mr *, ibv_reg_dmabuf_mr, struct ibv_pd *pd, uint64_t offset, size_t length,
     uint64_t iova, int fd, int access)
{
	fake.dmabuf_fd = fd;
	fake.dmabuf_iova = iova;
	return __wrap_ibv_reg_mr(pd, (void *)(uintptr_t)offset, length, access);
}

WRAP(int, ibv_dereg_mr, struct ibv_mr *mr)
{
	fake.mrs--;
	note('M');
	free(mr);
	return fake.destroy_errno;
}

WRAP(int, ibv_modify_qp, struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask)
{
	const int rc = fake.modify_errno[attr->qp_state];

	(void)qp;
	fake.qp_attr[attr->qp_state] = *attr;
	fake.qp_mask[attr->qp_state] = mask;
	errno = fake.modify_by_errno ? rc : 0;
	return fake.modify_by_errno && rc ? -1 : rc;
}

WRAP(int, ibv_query_qp, struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask,
     struct ibv_qp_init_attr *init)
{
	(void)qp, (void)mask, (void)init;
	attr->qp_state = fake.qp_state;
	return fake.query_qp_errno;
}

WRAP(void *, calloc, size_t count, size_t size)
{
	if (fake.calloc_in > 0 && --fake.calloc_in == 0) {
		errno = ENOMEM;
		return NULL;
	}
	return __real_calloc(count, size);
}

WRAP(ssize_t, getrandom, void *buffer, size_t size, unsigned int flags)
{
	static uint32_t sequence = 0xff000001;

	assert_int_equal(flags, 0);
	assert_int_equal(size, sizeof(sequence));
	if (fake.random_errno) {
		errno = fake.random_errno;
		/* An interrupted call is made again, and works then. */
		if (errno == EINTR)
			fake.random_errno = 0;
		return -1;
	}
	sequence++;
	memcpy(buffer, &sequence, size);
	return (ssize_t)size;
}

WRAP(int, clock_gettime, clockid_t clock, struct timespec *now)
{
	assert_int_equal(clock, CLOCK_MONOTONIC);
	fake.clock_looks++;
	fake.now += fake.tick;
	now->tv_sec = fake.now / BV_SEC;
	now->tv_nsec = fake.now % BV_SEC;
	return 0;
}
