/* SPDX-License-Identifier: MIT */
#include "cq.h"
#include "cq_check.h"
#include "prm.h"
#include "qp.h"
#include "state.h"
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * UAR pages and their doorbells.
 *
 *	0x020  CQ arm: record, cqn                (8 bytes)
 *	0x800  BlueFlame register 0, even half    the first 8 bytes of a WQE's control segment;
 *	0x900                        odd half     with BlueFlame up to 256 bytes follow: the ring
 *	0xa00  BlueFlame register 1, even half    has the same, so doorbell.c only compares them
 *	0xb00                        odd half
 *
 * The program writes eight bytes at once, the engine exchanges them with zero: an equal doorbell
 * is seen again, and a doorbell record alone never starts work. Two queues that share a page can
 * overwrite each other's doorbell before it is seen, so one doorbell looks at all of the page's
 * queues: their records tell how far each one goes.
 */

static uint8_t *own_page(const struct emu_uar *uar)
{
	return (uint8_t *)uar->dev->config.uar_base + (size_t)uar->index * EMU_PAGE_SIZE;
}

void emu_uars_fini(struct emu_device *dev)
{
	for (uint32_t i = 0; i < dev->nuars; i++) {
		if (dev->uars[i])
			free(dev->uars[i]->bf);
		free(dev->uars[i]);
	}
	free(dev->uars);
}

static bool is_free(const struct emu_device *dev, uint32_t page)
{
	return page && !(page < dev->nuars && dev->uars[page] && dev->uars[page]->allocated);
}

/* 0 when all are in use. */
static uint32_t find_free(const struct emu_device *dev)
{
	const uint32_t n = dev->config.uar_pages;

	for (uint32_t i = 0; i < n; i++) {
		const uint32_t at = (dev->next_uar + i) % n;

		if (is_free(dev, at))
			return at;
	}
	return 0;
}

static int make_room(struct emu_device *dev, uint32_t index)
{
	const uint32_t n = index + 16;
	struct emu_uar **uars;

	if (index < dev->nuars)
		return 0;
	uars = realloc(dev->uars, n * sizeof(struct emu_uar *));
	if (!uars)
		return -ENOMEM;
	memset(uars + dev->nuars, 0, (n - dev->nuars) * sizeof(struct emu_uar *));
	dev->uars = uars;
	dev->nuars = n;
	return 0;
}

/* Stays until the device goes, so that whoever allocates the page again needs no memory. */
static struct emu_uar *make(struct emu_device *dev, uint32_t index)
{
	struct emu_uar *uar = calloc(1, sizeof(*uar));

	if (!uar)
		return NULL;
	uar->bf = calloc(EMU_UAR_SLOTS, sizeof(*uar->bf));
	if (!uar->bf) {
		free(uar);
		return NULL;
	}
	uar->dev = dev;
	uar->index = index;
	emu_list_init(&uar->node);
	emu_list_init(&uar->qps);
	emu_list_init(&uar->cqs);
	dev->uars[index] = uar;
	return uar;
}

/* Lock held. */
static int alloc(struct emu_device *dev, struct emu_uar **out)
{
	int rc = emu_device_usable(dev);
	struct emu_uar *uar = NULL;
	uint32_t index;

	if (rc < 0)
		return rc;
	index = find_free(dev);
	if (index && make_room(dev, index) == 0)
		uar = dev->uars[index] ? dev->uars[index] : make(dev, index);
	if (!uar)
		return -ENOMEM;
	emu_bf_reset(uar->bf);
	memset(uar->reg_qpn, 0, sizeof(uar->reg_qpn));
	uar->page = own_page(uar);
	uar->other = NULL;
	uar->allocated = true;
	dev->next_uar = index + 1;
	*out = uar;
	return 0;
}

int emu_uar_alloc(struct emu_device *dev, uint32_t *page)
{
	struct emu_uar *uar;
	int rc;

	emu_lock();
	rc = alloc(dev, &uar);
	if (rc == 0) {
		memset(uar->page, 0, EMU_PAGE_SIZE);
		*page = uar->index;
	}
	emu_unlock();
	return rc;
}

int emu_uar_place(struct emu_device *dev, void *at, void *other, uint32_t *page)
{
	struct emu_uar *uar;
	int rc;

	emu_lock();
	rc = alloc(dev, &uar);
	if (rc == 0) {
		uar->page = at;
		uar->other = other;
		*page = uar->index;
	}
	emu_unlock();
	return rc;
}

int emu_uar_free(struct emu_device *dev, uint32_t page)
{
	struct emu_uar *uar;
	int rc;

	emu_lock();
	uar = emu_uar_find(dev, page);
	rc = emu_object_check(dev, uar);
	if (rc == 0 && uar->users)
		rc = -EBUSY;
	if (rc == 0)
		uar->allocated = false;
	emu_unlock();
	return rc;
}

struct emu_uar *emu_uar_find(struct emu_device *dev, uint32_t page)
{
	return page == 0 || is_free(dev, page) ? NULL : dev->uars[page];
}

void emu_uar_get(struct emu_uar *uar)
{
	if (uar->users++ == 0)
		emu_list_append(&emu.uars, &uar->node);
	emu_thread_kick();
}

void emu_uar_put(struct emu_uar *uar)
{
	if (--uar->users == 0)
		emu_list_remove(&uar->node);
}

/* Acquire: the records and WQEs that the program wrote before the doorbell are visible after it. */
static uint64_t consume(uint8_t *at)
{
	uint64_t *doorbell = (uint64_t *)(void *)at;

	if (__atomic_load_n(doorbell, __ATOMIC_RELAXED) == 0)
		return 0;
	return __atomic_exchange_n(doorbell, 0, __ATOMIC_ACQ_REL);
}

static bool rings(uint8_t *page, unsigned offset)
{
	return __atomic_load_n((uint64_t *)(void *)(page + offset), __ATOMIC_RELAXED) != 0;
}

/* A program maps all its pages in one of the two ways. */
static void settle_place(struct emu_uar *uar)
{
	bool rung = rings(uar->other, EMU_UAR_CQ_ARM);

	for (unsigned i = 0; i < EMU_UAR_SLOTS; i++)
		rung |= rings(uar->other, EMU_UAR_BLUEFLAME + i * EMU_UAR_SLOT);
	if (!rung)
		return;
	uar->page = uar->other;
	uar->other = NULL;
}

unsigned emu_uar_scan_send(struct emu_uar *uar)
{
	struct emu_doorbell doorbell[EMU_UAR_SLOTS];
	struct emu_list *node, *following;
	unsigned rung = 0;

	if (uar->other)
		settle_place(uar);
	for (unsigned i = 0; i < EMU_UAR_SLOTS; i++) {
		const unsigned offset = EMU_UAR_BLUEFLAME + i * EMU_UAR_SLOT;
		const uint64_t value = consume(uar->page + offset);

		if (!value)
			continue;
		doorbell[rung++] = (struct emu_doorbell){ .slot = i, .value = value };
		if (emu_trace_on())
			emu_trace_doorbell(uar, offset, value);
	}
	if (!rung)
		return 0;
	emu_doorbells_check(uar, doorbell, rung);
	emu.counters.doorbells += rung;
	emu_list_each(node, following, &uar->qps)
		emu_requester_doorbell(emu_container(node, struct emu_qp, uar_node));
	return rung;
}

unsigned emu_uar_scan_arm(struct emu_uar *uar)
{
	struct emu_list *node, *following;
	uint64_t value;

	if (uar->other)
		settle_place(uar);
	value = consume(uar->page + EMU_UAR_CQ_ARM);
	if (!value)
		return 0;
	emu_arm_check(uar, value);
	emu_list_each(node, following, &uar->cqs)
		emu_cq_arm(emu_container(node, struct emu_cq, node));
	return 1;
}

unsigned emu_uar_scan(void)
{
	struct emu_list *node, *following;
	unsigned n = 0;

	emu_list_each(node, following, &emu.uars)
	{
		struct emu_uar *uar = emu_container(node, struct emu_uar, node);

		if (!emu_list_empty(&uar->qps))
			n += emu_uar_scan_send(uar);
		if (!emu_list_empty(&uar->cqs))
			n += emu_uar_scan_arm(uar);
	}
	return n;
}
