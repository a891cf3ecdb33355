/* SPDX-License-Identifier: MIT */
/*
 * libibverbs devices as listing and opening need them: enumerate, open with advice, tell the kind.
 */
#include "device.h"

#include <stdio.h>
#include <string.h>

#include "error.h"
#include "sysfs.h"

/* Linux: drivers/infiniband/sw/rxe/rxe_param.h, RXE_VENDOR_ID; sw/siw/siw.h, SIW_VENDOR_ID. */
#define VENDOR_RXE 0xffffffu
#define VENDOR_SIW 0x626d74u

/* What the board_id of a device of tools/mlx5emu begins with. */
static const char emulated_board[] = "MLX5EMU";

int bvi_ibv_devices(struct ibv_device ***list, int *count)
{
	struct ibv_device **found;
	int rc, n = 0;

	errno = 0;
	found = ibv_get_device_list(&n);
	/* ENOSYS is libibverbs' word for a kernel without ib_uverbs. */
	if (!found && errno != 0 && errno != ENOSYS) {
		rc = bv_rc(-1);
		return bvi_fail(rc, "could not list the RDMA devices: %s", bvi_errno_text(rc));
	}
	*list = found;
	*count = found ? n : 0;
	return 0;
}

static const char *open_advice(int rc)
{
	switch (-rc) {
	case EACCES:
	case EPERM:
		return "this user may not open /dev/infiniband/uverbs*: check its mode and group; "
		       "in a container add --device=/dev/infiniband and the device cgroup";
	case ENOENT:
	case ENXIO:
	case ENODEV:
		return "its node under /dev/infiniband is missing: modprobe ib_uverbs; in a "
		       "container add --device=/dev/infiniband";
	case EMFILE:
	case ENFILE:
		return "too many open files: raise ulimit -n";
	case ENOMEM:
		return "no memory, or the device is out of user contexts: see `rdma resource show`";
	default:
		return "the kernel log (dmesg) may say more";
	}
}

int bvi_ibv_open(struct ibv_device *ibdev, struct ibv_context **context, char *why, size_t size)
{
	struct ibv_context *opened;
	int rc;

	errno = 0;
	opened = ibv_open_device(ibdev);
	if (!opened) {
		rc = bv_rc(-1);
		snprintf(why, size, "could not be opened: %s; %s", bvi_errno_text(rc),
			 open_advice(rc));
		return rc;
	}
	*context = opened;
	return 0;
}

static bool begins_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

enum bv_device_kind bvi_ibv_kind(const struct ibv_device *ibdev, const struct ibv_device_attr *attr)
{
	char path[IBV_SYSFS_PATH_MAX + sizeof("/board_id")], board[64];

	snprintf(path, sizeof(path), "%s/board_id", ibdev->ibdev_path);
	if (bvi_read_file(path, board, sizeof(board)) > 0 && begins_with(board, emulated_board))
		return BV_DEVICE_EMULATED;
	if (attr && (attr->vendor_id == VENDOR_RXE || attr->vendor_id == VENDOR_SIW))
		return BV_DEVICE_SOFTWARE;
	if (begins_with(ibdev->name, "rxe") || begins_with(ibdev->name, "siw"))
		return BV_DEVICE_SOFTWARE;
	return BV_DEVICE_HARDWARE;
}
