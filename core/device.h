/* SPDX-License-Identifier: MIT */
/*
 * An open device. Written once, by bv_open(); any thread reads it. Its children hold references.
 */
#ifndef BV_CORE_DEVICE_H
#define BV_CORE_DEVICE_H

#include <infiniband/verbs.h>

#include <bareverbs/device.h>

#include "event.h"
#include "provider.h"
#include "refcount.h"

struct bv_device {
	struct bvi_refcount ref;
	const struct bv_provider *provider;
	struct ibv_context *context; /* of the provider's open */
	struct ibv_device_attr limits;
	enum bv_device_kind kind;
	char name[64];
	struct bvi_events events;
};

void bvi_device_put(struct bv_device *dev);

/*
 * The machine's devices, for ibv_free_device_list(). A kernel without RDMA support has none: 0 and
 * a NULL list. @count and @list are written on success. Else -errno with its text.
 */
int bvi_ibv_devices(struct ibv_device ***list, int *count);

/* A plain libibverbs context for probing; 0, or -errno and what to do in @why, no text. */
int bvi_ibv_open(struct ibv_device *ibdev, struct ibv_context **context, char *why, size_t size);

/* @attr is NULL if the device could not be opened. */
enum bv_device_kind bvi_ibv_kind(const struct ibv_device *ibdev,
				 const struct ibv_device_attr *attr);

#endif
