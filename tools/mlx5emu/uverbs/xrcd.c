/* SPDX-License-Identifier: MIT */
/*
 * XRC domains (kernel: ib_uverbs_open_xrcd()). Opens of one inode on one device file share a domain;
 * without a file each open has its own. The kernel shares them between processes as well, which this
 * device cannot: each process has its own queues.
 */
#include "uverbs/command.h"

#include "engine/engine.h"
#include "uverbs/libc.h"

#include <errno.h>
#include <fcntl.h>
#include <rdma/ib_user_verbs.h>

/* The open domain of the file behind @fd, NULL when there is none; its identity in @st. */
static int find_inode(const struct emu_file *file, int fd, struct stat *st, struct emu_object **out)
{
	const struct emu_object_table *t = &file->objects;

	*out = NULL;
	if (emu_libc()->fstat(fd, st) < 0)
		return -EBADF;
	for (uint32_t i = 0; i < t->size && !*out; i++) {
		struct emu_object *obj = t->slot[i];

		if (obj && obj->type == EMU_OBJECT_XRCD && obj->has_inode &&
		    obj->ino == st->st_ino && obj->dev == st->st_dev)
			*out = obj;
	}
	return 0;
}

/* Another handle of a domain keeps its first one alive. */
static int open_domain(struct emu_file *file, struct emu_object *shared, struct emu_object *obj)
{
	if (!shared)
		return emu_xrcd_alloc(file->device, &obj->num);
	obj->num = shared->num;
	return 0;
}

static bool last_of_its_domain(const struct emu_file *file, const struct emu_object *obj)
{
	const struct emu_object_table *t = &file->objects;

	for (uint32_t i = 0; i < t->size; i++) {
		const struct emu_object *other = t->slot[i];

		if (other && other != obj && other->type == EMU_OBJECT_XRCD &&
		    other->num == obj->num)
			return false;
	}
	return true;
}

static int close_domain(struct emu_file *file, struct emu_object *obj)
{
	int rc = last_of_its_domain(file, obj) ? emu_xrcd_free(file->device, obj->num) : 0;

	if (rc == 0)
		emu_object_free(&file->objects, obj);
	return rc;
}

int emu_cmd_open_xrcd(struct emu_cmd *cmd)
{
	struct emu_file *file = cmd->file;
	struct ib_uverbs_open_xrcd req;
	struct ib_uverbs_open_xrcd_resp resp;
	struct emu_object *shared = NULL, *obj;
	struct stat st = { .st_ino = 0 };
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc == 0 && req.fd != UINT32_MAX)
		rc = find_inode(file, (int)req.fd, &st, &shared);
	if (rc < 0)
		return rc;
	if (!shared && !(req.oflags & O_CREAT))
		return -EAGAIN;
	if (shared && (req.oflags & O_EXCL))
		return -EINVAL;
	obj = emu_object_new(&file->objects, EMU_OBJECT_XRCD);
	if (!obj)
		return -ENOMEM;
	rc = open_domain(file, shared, obj);
	if (rc < 0) {
		emu_object_free(&file->objects, obj);
		return rc;
	}
	obj->has_inode = req.fd != UINT32_MAX;
	obj->dev = st.st_dev;
	obj->ino = st.st_ino;
	resp.xrcd_handle = obj->handle;
	rc = emu_attr_write(&cmd->out, &resp, sizeof(resp));
	if (rc < 0)
		close_domain(file, obj);
	return rc;
}

int emu_cmd_close_xrcd(struct emu_cmd *cmd)
{
	struct emu_file *file = cmd->file;
	struct ib_uverbs_close_xrcd req;
	struct emu_object *obj;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc == 0)
		rc = emu_object_find(&file->objects, EMU_OBJECT_XRCD, req.xrcd_handle, &obj);
	if (rc < 0)
		return rc;
	return obj->users ? -EBUSY : close_domain(file, obj);
}
