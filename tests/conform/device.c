/* SPDX-License-Identifier: MIT */
#include "device.h"

#include <stdio.h>
#include <string.h>

#include "link.h"

#define MLX5EMU_WEAK
#include "mlx5emu.h"

/* How far the clock of an idle stepped device moves: below every time-out of interest. */
enum {
	IDLE_NS = 20000,
};

/* RXE_VENDOR_ID of Linux, drivers/infiniband/sw/rxe/rxe_param.h: soft-RoCE. */
#define VENDOR_SOFT_ROCE 0xffffffu

/*
 * Statuses of soft-RoCE, from drivers/infiniband/sw/rxe. In Linux 6.1 rxe_requester() gives
 * LOC_PROT_ERR to memory behind the end of a region only, not to a key that is wrong (-EINVAL of
 * copy_data()); in 6.12 whatever it finds wrong ends as a flush, because rxe_completer() flushes all
 * works of a QP in error, good ones before it included. In both rxe_responder() takes memory that it
 * may not write, and a message longer than the receive, for a malformed receive; and it ends the
 * receive of a refused write with immediate by REM_ACCESS_ERR.
 */
static const struct {
	enum bv_status specified, reported;
} soft_roce[] = {
	{ BV_STATUS_LOCAL_PROTECTION_ERROR, BV_STATUS_LOCAL_QP_OPERATION_ERROR },
	{ BV_STATUS_LOCAL_PROTECTION_ERROR, BV_STATUS_WORK_REQUEST_FLUSH_ERROR },
	{ BV_STATUS_LOCAL_LENGTH_ERROR, BV_STATUS_LOCAL_QP_OPERATION_ERROR },
	{ BV_STATUS_REMOTE_INVALID_REQUEST_ERROR, BV_STATUS_REMOTE_OPERATION_ERROR },
	{ BV_STATUS_WORK_REQUEST_FLUSH_ERROR, BV_STATUS_REMOTE_ACCESS_ERROR },
};

bool device_is_manual(void)
{
	return mlx5emu_is_manual && mlx5emu_is_manual();
}

bool device_is_emulated(void)
{
	struct bv_device_info *list;
	const bool is = device_info(&list)->kind == BV_DEVICE_EMULATED;

	bv_device_list_free(list);
	return is;
}

void device_step(void)
{
	if (mlx5emu_step() == 0)
		mlx5emu_advance_ns(IDLE_NS);
}

const struct bv_device_info *device_info(struct bv_device_info **list)
{
	const int n = bv_device_list(list);

	assert_true(n > 0);
	for (int i = 0; i < n; i++)
		if (!options.device || strcmp((*list)[i].name, options.device) == 0)
			return &(*list)[i];
	fail_msg("device %s is not in the list", options.device);
	return NULL;
}

const struct bv_port_info *device_port(struct bv_device_info **list)
{
	const struct bv_device_info *info = device_info(list);

	for (uint32_t i = 0; i < info->nports; i++)
		if (info->ports[i].num == options.port)
			return &info->ports[i];
	fail_msg("%s has no port %u", info->name, options.port);
	return NULL;
}

static bool is_soft_roce(void)
{
	struct bv_device_info *list;
	const bool is = device_info(&list)->vendor_id == VENDOR_SOFT_ROCE;

	bv_device_list_free(list);
	return is;
}

enum bv_status device_status(enum bv_status specified, enum bv_status reported)
{
	for (size_t i = 0; i < sizeof(soft_roce) / sizeof(soft_roce[0]); i++)
		if (soft_roce[i].specified == specified && soft_roce[i].reported == reported &&
		    is_soft_roce())
			return reported;
	return specified;
}

bool device_plan(const char *plan)
{
	return mlx5emu_fault_plan && mlx5emu_fault_plan(plan, NULL, 0) == 0;
}

/* drivers/infiniband/sw/rxe of Linux 6.1 and 6.12 knows no IB_EVENT_QP_ACCESS_ERR. */
bool device_raises_access_errors(void)
{
	return !is_soft_roce();
}

static bool drivable(const struct bv_device_info *info, char *why, size_t size)
{
	snprintf(why, size, "%s: no provider drives it", info->name);
	for (uint32_t i = 0; i < info->nproviders; i++) {
		if (info->providers[i].score > 0)
			return true;
		if (strcmp(info->providers[i].name, options.provider) == 0)
			snprintf(why, size, "%s: %s", info->name, info->providers[i].why);
	}
	return info->nproviders == 0;
}

/* Without such a device the first test says so. */
bool device_drivable(char *why, size_t size)
{
	struct bv_device_info *list = NULL;
	const int n = bv_device_list(&list);
	bool can = true;

	for (int i = 0; i < n; i++)
		if (!options.device || strcmp(list[i].name, options.device) == 0)
			can = can && drivable(&list[i], why, size);
	if (n >= 0)
		bv_device_list_free(list);
	return can;
}
