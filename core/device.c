/* SPDX-License-Identifier: MIT */
/*
 * Opening a device: find it by name, let core/select.c choose the provider on a plain context, and
 * keep the context that this provider opens.
 */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "select.h"

static void list_names(struct ibv_device **list, int count, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; i < count && used < size; i++) {
		const int n = snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "",
				       ibv_get_device_name(list[i]));

		used += n > 0 ? (size_t)n : 0;
	}
}

static int find(struct ibv_device **list, int count, const char *name, struct ibv_device **ibdev)
{
	char names[512];

	if (count == 0)
		return bvi_fail(
			-ENODEV,
			"no RDMA device in this machine: is its driver loaded "
			"(`rdma link`, `lspci`)? Without one, `mlx5emu run -- program` has one "
			"in software");
	list_names(list, count, names, sizeof(names));
	if (!name && count > 1)
		return bvi_fail(-ENOTUNIQ, "several RDMA devices, so name one of: %s", names);
	for (int i = 0; i < count; i++) {
		if (!name || strcmp(ibv_get_device_name(list[i]), name) == 0) {
			*ibdev = list[i];
			return 0;
		}
	}
	return bvi_fail(-ENOENT, "no RDMA device \"%s\"; there are: %s", name, names);
}

static int choose(struct ibv_device *ibdev, const struct bv_open_opts *opts,
		  const struct bv_provider **provider)
{
	struct ibv_context *plain;
	char why[256];
	int rc;

	rc = bvi_ibv_open(ibdev, &plain, why, sizeof(why));
	if (rc < 0)
		return bvi_fail(rc, "%s %s", ibv_get_device_name(ibdev), why);
	rc = bvi_select(ibdev, plain, opts ? opts->provider : NULL, provider);
	ibv_close_device(plain);
	return rc;
}

static int open_with(struct ibv_device *ibdev, const struct bv_provider *provider,
		     struct bv_device *dev)
{
	const char *name = ibv_get_device_name(ibdev);
	int rc;

	rc = provider->open(ibdev, &dev->context);
	if (rc < 0)
		return bvi_fail(rc, "%s: provider %s could not open it: %s", name, provider->name,
				bvi_errno_text(rc));
	rc = bv_rc(ibv_query_device(dev->context, &dev->limits));
	if (rc < 0) {
		ibv_close_device(dev->context);
		return bvi_fail(rc, "%s: its limits cannot be read: %s", name, bvi_errno_text(rc));
	}
	bvi_ref_init(&dev->ref);
	bvi_events_init(&dev->events);
	dev->provider = provider;
	dev->kind = bvi_ibv_kind(ibdev, &dev->limits);
	snprintf(dev->name, sizeof(dev->name), "%s", name);
	return 0;
}

static int open_found(struct ibv_device *ibdev, const struct bv_open_opts *opts,
		      struct bv_device **out)
{
	const struct bv_provider *provider;
	struct bv_device *dev;
	int rc;

	rc = choose(ibdev, opts, &provider);
	if (rc < 0)
		return rc;
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return bvi_fail(-ENOMEM, "no memory for a device");
	rc = open_with(ibdev, provider, dev);
	if (rc < 0) {
		free(dev);
		return rc;
	}
	*out = dev;
	return 0;
}

int bv_open(const char *name, const struct bv_open_opts *opts, struct bv_device **dev)
{
	struct ibv_device **list, *ibdev;
	int rc, count;

	if (!dev)
		return bvi_fail(-EINVAL, "bv_open: dev is NULL");
	rc = bvi_ibv_devices(&list, &count);
	if (rc < 0)
		return rc;
	rc = find(list, count, name, &ibdev);
	if (rc == 0)
		rc = open_found(ibdev, opts, dev);
	if (list)
		ibv_free_device_list(list); /* an open context keeps its device */
	return rc;
}

void bvi_device_put(struct bv_device *dev)
{
	if (!bvi_ref_put(&dev->ref))
		return;
	bvi_events_fini(&dev->events);
	ibv_close_device(dev->context);
	free(dev);
}

void bv_close(struct bv_device *dev)
{
	if (dev)
		bvi_device_put(dev);
}

const char *bv_device_name(const struct bv_device *dev)
{
	return dev->name;
}

const char *bv_device_provider(const struct bv_device *dev)
{
	return dev->provider->name;
}

enum bv_device_kind bv_device_kind(const struct bv_device *dev)
{
	return dev->kind;
}
