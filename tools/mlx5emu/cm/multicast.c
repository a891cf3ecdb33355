/* SPDX-License-Identifier: MIT */
/*
 * Groups that identifiers joined. There is nobody to ask: every group exists, and its members are who
 * attached a queue pair to it (engine/mcast.h), which librdmacm does when the event of the join is
 * read. A group has a number and counts its events, as in the kernel's ucma.c.
 */
#include "cm/cm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct emu_cm_group *groups;

struct emu_cm_group *emu_cm_group_find(uint32_t handle)
{
	struct emu_cm_group *g = groups;

	while (g && g->handle != handle)
		g = g->next;
	return g;
}

/* The lowest, as the kernel's xa_alloc() finds it. */
static uint32_t free_handle(void)
{
	uint32_t handle = 1;

	while (emu_cm_group_find(handle))
		handle++;
	return handle;
}

static void tell(const struct emu_cm_id *id, struct emu_cm_group *group, struct emu_cm_event *event)
{
	struct rdma_ucm_ud_param *ud = &event->resp.param.ud;

	event->group = group;
	event->resp.uid = group->uid;
	event->resp.id = group->handle;
	ud->qp_num = EMU_CM_MULTICAST_QPN;
	ud->qkey = EMU_CM_UDP_QKEY;
	emu_cm_addr_ah(id, &group->addr, &ud->ah_attr);
}

int emu_cm_group_join(struct emu_cm_id *id, uint64_t uid, const struct sockaddr_in6 *addr,
		      int error, struct emu_cm_group **out)
{
	struct emu_cm_event *event;
	struct emu_cm_group *group;

	if (!id->datagrams || id->device < 0 || !emu_cm_addr_multicast(addr))
		return -EINVAL;
	group = calloc(1, sizeof(*group));
	if (!group)
		return -ENOMEM;
	event = emu_cm_raise(id, error ? EMU_CM_EVENT_MULTICAST_ERROR : EMU_CM_EVENT_MULTICAST_JOIN,
			     error);
	if (!event) {
		free(group);
		return -ENOMEM;
	}
	group->handle = free_handle();
	group->id = id;
	group->uid = uid;
	group->addr = *addr;
	group->next = groups;
	groups = group;
	tell(id, group, event);
	*out = group;
	return 0;
}

void emu_cm_group_leave(struct emu_cm_group *group)
{
	struct emu_cm_group **at = &groups;

	while (*at != group)
		at = &(*at)->next;
	*at = group->next;
	emu_cm_events_drop_group(group);
	free(group);
}

void emu_cm_groups_leave(const struct emu_cm_id *id)
{
	struct emu_cm_group *g = groups, *next;

	for (; g; g = next) {
		next = g->next;
		if (g->id == id)
			emu_cm_group_leave(g);
	}
}
