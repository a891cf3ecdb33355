/* SPDX-License-Identifier: MIT */
/*
 * User memory: named ranges of the program, in which DEVX places rings and doorbell records. The
 * kernel pins them and tells the device their pages (CREATE_UMEM); here a range is what it is.
 */
#include "internal.h"

#include "engine/engine.h"

#include <errno.h>

int emu_fw_umem_reg(struct emu_fw *fw, uint64_t addr, uint64_t length, uint32_t access,
		    uint32_t *id)
{
	int rc;

	/* ib_check_mr_access() of the kernel, as for a region */
	if (length == 0 || addr > UINT64_MAX - length ||
	    access & ~(uint32_t)(EMU_ACCESS_LOCAL_WRITE | EMU_ACCESS_REMOTE_WRITE |
				 EMU_ACCESS_REMOTE_READ) ||
	    (access & EMU_ACCESS_REMOTE_WRITE && !(access & EMU_ACCESS_LOCAL_WRITE)))
		return -EINVAL;
	rc = emu_memory_check(addr, length, access & EMU_ACCESS_LOCAL_WRITE);
	if (rc < 0)
		return rc;
	for (uint32_t i = 1; i < EMU_FW_MAX_UMEM; i++) {
		if (fw->umem[i].used)
			continue;
		fw->umem[i] = (struct emu_fw_umem){
			.used = true, .addr = addr, .length = length, .access = access
		};
		*id = i;
		return 0;
	}
	return -ENOMEM;
}

int emu_fw_umem_dereg(struct emu_fw *fw, uint32_t id)
{
	if (id >= EMU_FW_MAX_UMEM || !fw->umem[id].used)
		return -EINVAL;
	if (fw->umem[id].users)
		return -EBUSY;
	fw->umem[id].used = false;
	return 0;
}

int emu_fw_umem_place(const struct emu_fw *fw, uint32_t id, uint64_t offset, uint64_t length,
		      uint64_t *addr)
{
	const struct emu_fw_umem *umem;

	if (id >= EMU_FW_MAX_UMEM || !fw->umem[id].used)
		return -EINVAL;
	umem = &fw->umem[id];
	if (offset > umem->length || length > umem->length - offset)
		return -EINVAL;
	*addr = umem->addr + offset;
	return 0;
}

void emu_fw_umem_use(struct emu_fw *fw, struct emu_fw_object *obj, uint32_t id)
{
	unsigned i = 0;

	while (obj->umem[i])
		i++;
	obj->umem[i] = id;
	fw->umem[id].users++;
}
