/* SPDX-License-Identifier: MIT */
/*
 * Makes a device look as if its driver had no extended completion queues, so that provider verbs
 * takes the other of its two ways to poll. Linked with --wrap=ibv_open_device.
 */
#include <infiniband/verbs.h>

struct ibv_context *__real_ibv_open_device(struct ibv_device *device);
struct ibv_context *__wrap_ibv_open_device(struct ibv_device *device);

struct ibv_context *__wrap_ibv_open_device(struct ibv_device *device)
{
	struct ibv_context *context = __real_ibv_open_device(device);
	struct verbs_context *extended = context ? verbs_get_ctx(context) : NULL;

	if (extended)
		extended->create_cq_ex = NULL;
	return context;
}
