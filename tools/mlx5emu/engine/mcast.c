/* SPDX-License-Identifier: MIT */
#include "mcast.h"
#include "../fabric/ip.h"
#include "qp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool emu_gid_is_multicast(const uint8_t gid[16])
{
	return gid[0] == 0xff || (emu_ip_is_v4(gid) && gid[12] >> 4 == 0xe);
}

/* Where the pointer to the group is, or where it would go. */
static struct emu_group **find(struct emu_qp *qp, const uint8_t gid[16])
{
	struct emu_group **at = &qp->groups;

	while (*at && memcmp((*at)->gid, gid, sizeof((*at)->gid)) != 0)
		at = &(*at)->next;
	return at;
}

bool emu_mcast_member(const struct emu_qp *qp, const uint8_t gid[16])
{
	const struct emu_group *group = qp->groups;

	while (group && memcmp(group->gid, gid, sizeof(group->gid)) != 0)
		group = group->next;
	return group;
}

/* Lock held. Being attached twice is being attached, as the kernel's ib_uverbs_attach_mcast() has it. */
static int attach(struct emu_qp *qp, const uint8_t gid[16])
{
	struct emu_group **at = find(qp, gid);

	if (*at)
		return 0;
	*at = calloc(1, sizeof(**at));
	if (!*at)
		return -ENOMEM;
	memcpy((*at)->gid, gid, sizeof((*at)->gid));
	return 0;
}

int emu_mcast_attach(struct emu_device *dev, uint32_t qpn, const uint8_t gid[16])
{
	struct emu_qp *qp;
	int rc;

	emu_lock();
	rc = emu_device_usable(dev);
	qp = emu_qp_find(dev, qpn);
	if (rc == 0 && (!qp || qp->init.type != EMU_QPT_UD || !emu_gid_is_multicast(gid)))
		rc = -EINVAL;
	if (rc == 0)
		rc = attach(qp, gid);
	emu_unlock();
	return rc;
}

/* Lock held. */
static int detach(struct emu_qp *qp, const uint8_t gid[16])
{
	struct emu_group **at = find(qp, gid), *group = *at;

	if (!group)
		return -EINVAL;
	*at = group->next;
	free(group);
	return 0;
}

int emu_mcast_detach(struct emu_device *dev, uint32_t qpn, const uint8_t gid[16])
{
	struct emu_qp *qp;
	int rc;

	emu_lock();
	rc = emu_device_check(dev);
	qp = emu_qp_find(dev, qpn);
	if (rc == 0)
		rc = qp ? detach(qp, gid) : -EINVAL;
	emu_unlock();
	return rc;
}

void emu_mcast_leave_all(struct emu_qp *qp)
{
	while (qp->groups)
		(void)detach(qp, qp->groups->gid);
}
