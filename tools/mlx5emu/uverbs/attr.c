/* SPDX-License-Identifier: MIT */
/*
 * Copying to and from one attribute. Data of up to eight bytes travels inside the attribute
 * (kernel: uverbs_attr_ptr_is_inline()), longer data by address; answers always by address.
 */
#include "uverbs/command.h"

#include "uverbs/user.h"

#include <errno.h>
#include <string.h>

static int read_at(const struct emu_attr *attr, size_t offset, void *buf, size_t size)
{
	if (!attr->own && attr->a.len > sizeof(attr->a.data))
		return emu_user_read(buf, attr->a.data + offset, size);
	if (attr->own) {
		memcpy(buf, (const char *)(uintptr_t)attr->a.data + offset, size);
		return 0;
	}
	memcpy(buf, (const char *)&attr->a.data + offset, size);
	return 0;
}

static int check_zero_tail(const struct emu_attr *attr, size_t from)
{
	char chunk[64];

	while (from < attr->a.len) {
		size_t n = attr->a.len - from < sizeof(chunk) ? attr->a.len - from : sizeof(chunk);
		int rc = read_at(attr, from, chunk, n);

		if (rc < 0)
			return rc;
		for (size_t i = 0; i < n; i++) {
			if (chunk[i])
				return -EOPNOTSUPP;
		}
		from += n;
	}
	return 0;
}

int emu_attr_read(const struct emu_attr *attr, void *buf, size_t size)
{
	size_t have = attr->at ? attr->a.len : 0;
	size_t n = have < size ? have : size;
	int rc = read_at(attr, 0, buf, n);

	if (rc < 0)
		return rc;
	memset((char *)buf + n, 0, size - n);
	return check_zero_tail(attr, n);
}

/* Tells the program that its output attribute was written. */
static int mark_valid(const struct emu_attr *attr)
{
	uint16_t flags = (uint16_t)(attr->a.flags | UVERBS_ATTR_F_VALID_OUTPUT);

	return emu_user_write(attr->at + offsetof(struct ib_uverbs_attr, flags), &flags,
			      sizeof(flags));
}

int emu_attr_write(const struct emu_attr *attr, const void *buf, size_t size)
{
	static const char zero[256];
	size_t n, len;
	int rc;

	if (!attr->at)
		return 0;
	len = attr->a.len;
	n = size < len ? size : len;
	if (attr->own) {
		memcpy((void *)(uintptr_t)attr->a.data, buf, n);
		memset((char *)(uintptr_t)attr->a.data + n, 0, len - n);
		return 0;
	}
	rc = emu_user_write(attr->a.data, buf, n);
	while (rc == 0 && n < len) {
		size_t fill = len - n < sizeof(zero) ? len - n : sizeof(zero);

		rc = emu_user_write(attr->a.data + n, zero, fill);
		n += fill;
	}
	return rc < 0 ? rc : mark_valid(attr);
}

int emu_attr_write_handle(const struct emu_attr *attr, uint32_t handle)
{
	uint64_t data = handle;

	return emu_user_write(attr->at + offsetof(struct ib_uverbs_attr, data), &data,
			      sizeof(data));
}

int emu_attr_object(const struct emu_file *file, const struct emu_attr *attr,
		    enum emu_object_type type, struct emu_object **out)
{
	if (attr->a.data > UINT32_MAX)
		return -EINVAL;
	return emu_object_find(&file->objects, type, (uint32_t)attr->a.data, out);
}

struct emu_evfile *emu_cmd_events(const struct emu_cmd *cmd)
{
	return emu_evfile_get(cmd->events ? cmd->events : cmd->file->async);
}

int emu_cmd_answer(const struct emu_cmd *cmd, const void *core, size_t core_size, const void *drv,
		   size_t drv_size)
{
	int rc = emu_attr_write(&cmd->out, core, core_size);

	return rc < 0 ? rc : emu_attr_write(&cmd->drv_out, drv, drv_size);
}
