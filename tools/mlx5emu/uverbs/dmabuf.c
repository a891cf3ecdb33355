/* SPDX-License-Identifier: MIT */
/*
 * Regions of a DMA-BUF (kernel: UVERBS_METHOD_REG_DMABUF_MR of uverbs_std_types_mr.c). A NIC would
 * attach to the buffer; this device maps it into the process, where its engine works, until the
 * region goes. Any descriptor that can be mapped shared will do, such as that of a memfd, because
 * exporters of real DMA-BUFs are rare on machines without devices.
 */
#include "uverbs/command.h"

#include "engine/engine.h"
#include "uverbs/libc.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

enum { /* order in ioctl.c */
       ATTR_HANDLE,
       ATTR_PD,
       ATTR_OFFSET,
       ATTR_LENGTH,
       ATTR_IOVA,
       ATTR_FD,
       ATTR_ACCESS,
       ATTR_LKEY,
       ATTR_RKEY,
};

enum {
	RELAXED_ORDERING = 1 << 20,
	ACCESS_ALLOWED = EMU_ACCESS_LOCAL_WRITE | EMU_ACCESS_REMOTE_WRITE | EMU_ACCESS_REMOTE_READ |
			 EMU_ACCESS_REMOTE_ATOMIC | RELAXED_ORDERING,
};

struct request {
	uint64_t offset, length, iova;
	uint32_t access;
	int fd;
};

static int read_request(const struct emu_attr *attr, struct request *req)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	int rc = emu_attr_read(&attr[ATTR_OFFSET], &req->offset, sizeof(req->offset));

	if (rc == 0)
		rc = emu_attr_read(&attr[ATTR_LENGTH], &req->length, sizeof(req->length));
	if (rc == 0)
		rc = emu_attr_read(&attr[ATTR_IOVA], &req->iova, sizeof(req->iova));
	if (rc == 0)
		rc = emu_attr_read(&attr[ATTR_ACCESS], &req->access, sizeof(req->access));
	if (rc < 0)
		return rc;
	req->fd = (int)attr[ATTR_FD].a.data;
	if (req->access & ~(uint32_t)ACCESS_ALLOWED)
		return -EINVAL;
	/* pages of both address spaces must line up */
	return (req->offset ^ req->iova) % page ? -EINVAL : 0;
}

/* -EBADF no such descriptor; -EINVAL it cannot be mapped, or ends before the range does. */
static int map(const struct request *req, struct emu_object *mr)
{
	const uint64_t slack = req->offset % (uint64_t)sysconf(_SC_PAGESIZE);
	const int prot = req->access & EMU_ACCESS_LOCAL_WRITE ? PROT_READ | PROT_WRITE : PROT_READ;
	struct stat st;
	uint64_t size;
	void *at;

	if (emu_libc()->fstat(req->fd, &st) < 0)
		return -errno;
	/* A DMA-BUF has no size in its inode, but can tell where its end is. */
	size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : (uint64_t)lseek(req->fd, 0, SEEK_END);
	if ((int64_t)size < 0 || req->length == 0 || req->offset > size ||
	    req->length > size - req->offset)
		return -EINVAL;
	at = mmap(NULL, req->length + slack, prot, MAP_SHARED, req->fd,
		  (off_t)(req->offset - slack));
	if (at == MAP_FAILED)
		return errno == ENOMEM ? -ENOMEM : -EINVAL;
	mr->map = at;
	mr->map_size = req->length + slack;
	return 0;
}

static int reg(struct emu_file *file, const struct emu_attr *attr, const struct request *req,
	       const struct emu_object *pd, struct emu_object *mr)
{
	const uint64_t slack = mr->map_size - req->length;
	const struct emu_mr_attr region = {
		.pdn = pd->num,
		.addr = (uint64_t)(uintptr_t)mr->map + slack,
		.length = req->length,
		.iova = req->iova,
		.access = req->access,
	};
	const struct emu_mr_answer keys = { &attr[ATTR_HANDLE], &attr[ATTR_LKEY],
					    &attr[ATTR_RKEY] };

	return emu_mr_reg_answer(file, &region, &keys, mr);
}

int emu_reg_dmabuf_mr(struct emu_file *file, const struct emu_attr *attr)
{
	struct emu_object *pd, *mr;
	struct request req;
	int rc = read_request(attr, &req);

	if (rc < 0)
		return rc;
	if (!file->device || emu_attr_object(file, &attr[ATTR_PD], EMU_OBJECT_PD, &pd) < 0)
		return -EINVAL;
	mr = emu_object_new(&file->objects, EMU_OBJECT_MR);
	if (!mr)
		return -ENOMEM;
	rc = map(&req, mr);
	if (rc == 0)
		rc = reg(file, attr, &req, pd, mr);
	if (rc < 0) {
		emu_object_free(&file->objects, mr);
		return rc;
	}
	mr->length = req.length;
	mr->iova = req.iova;
	emu_object_use(mr, pd);
	return 0;
}
