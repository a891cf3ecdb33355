/* SPDX-License-Identifier: MIT */
/* Which device a command runs on, and through which providers. */
#ifndef BV_TOOLS_BV_SELECT_H
#define BV_TOOLS_BV_SELECT_H

#include <stddef.h>
#include <stdint.h>

#include <bareverbs/device.h>

#define SELECT_MAX_PROVIDERS 4

/* A plain value: it goes to the peer process as it is. */
struct selection {
	char device[64];
	char firmware[64];
	enum bv_device_kind kind;
	uint32_t nproviders;
	char provider[SELECT_MAX_PROVIDERS][16];
};

/*
 * @device: NULL is the only one there is. @provider: 0 names take $BV_PROVIDER, or else every
 * provider that can drive the device, "verbs" first. Return: 0, or -errno with its text.
 */
int select_device(const char *device, const char (*provider)[16], size_t nproviders,
		  struct selection *selection);

/* @device's place in a list of @n > 0, or -errno with its text; NULL is the only one there is. */
int select_find(const struct bv_device_info *list, int n, const char *device);

/* Whether $BV_PROVIDER, if it is set, names a provider: 0, or -ENOENT with its text. */
int select_environment(const struct bv_device_info *list, int n);

/* "no RDMA device ...", and what to do. */
int select_no_device(void);

const char *select_kind_name(enum bv_device_kind kind);

/* What stands beside every figure of this kind of device; NULL if nothing need be said. */
const char *select_kind_note(enum bv_device_kind kind);

#endif
