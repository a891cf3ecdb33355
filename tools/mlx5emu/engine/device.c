/* SPDX-License-Identifier: MIT */
#include "cq.h"
#include "fault.h"
#include "memory.h"
#include "mr.h"
#include "qp.h"
#include "relay.h"
#include "report.h"
#include "srq.h"
#include "stat.h"
#include "state.h"
#include "trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The singleton, its lock, and the life of devices. Two locks: "lifecycle" serialises creation and
 * destruction, where the device thread is started and joined; the engine lock inside it guards the
 * objects, and is all that the thread and every other call take.
 */
struct emu_state emu = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.devices = EMU_LIST_INIT(emu.devices),
	.uars = EMU_LIST_INIT(emu.uars),
	.work = EMU_LIST_INIT(emu.work),
	.timed = EMU_LIST_INIT(emu.timed),
	.failed = EMU_LIST_INIT(emu.failed),
	.moderated = EMU_LIST_INIT(emu.moderated),
	.blocks = EMU_LIST_INIT(emu.blocks),
	.relays = EMU_LIST_INIT(emu.relays),
	.next_deadline = UINT64_MAX,
	.pds = { .first = 1, .limit = EMU_MAX_PD + 1 },
	.xrcds = { .first = 1, .limit = EMU_MAX_XRCD + 1 },
	.mrs = { .first = EMU_MR_FIRST, .limit = EMU_MAX_MR + EMU_MR_FIRST },
	.cqs = { .first = 1, .limit = EMU_MAX_CQ + 1 },
	.srqs = { .first = 1, .limit = EMU_MAX_SRQ + 1 },
	.qps = { .first = 1, .limit = EMU_MAX_QP + 1 },
};

static pthread_mutex_t lifecycle = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void empty_list(struct emu_list *list)
{
	while (!emu_list_empty(list))
		emu_list_remove(list->next);
}

static void fork_prepare(void)
{
	pthread_mutex_lock(&lifecycle);
	pthread_mutex_lock(&emu.lock);
}

static void fork_parent(void)
{
	pthread_mutex_unlock(&emu.lock);
	pthread_mutex_unlock(&lifecycle);
}

/*
 * The child has copies of the rings but shares the UAR pages with its parent: it must never look
 * at a doorbell again. Its objects stay in the tables until their device is destroyed.
 */
static void fork_child(void)
{
	struct emu_list *node, *following;

	emu_list_each(node, following, &emu.devices)
	{
		emu_container(node, struct emu_device, node)->orphan = true;
	}
	empty_list(&emu.devices);
	empty_list(&emu.uars);
	empty_list(&emu.work);
	empty_list(&emu.timed);
	empty_list(&emu.failed);
	empty_list(&emu.moderated);
	empty_list(&emu.relays);
	emu_stand_ins_forget(NULL);
	emu_xrcds_orphan();
	emu_fault_forget();
	emu_trace_close();
	emu_stat_forget();
	if (emu.fabric)
		emu_fabric_close(emu.fabric);
	emu.fabric = NULL;
	emu.users = 0;
	emu_thread_forget();
	pthread_mutex_unlock(&emu.lock);
	pthread_mutex_unlock(&lifecycle);
}

static void init_once(void)
{
	emu_memory_init();
	(void)pthread_atfork(fork_prepare, fork_parent, fork_child);
}

void emu_lock(void)
{
	pthread_once(&once, init_once);
	pthread_mutex_lock(&emu.lock);
}

void emu_unlock(void)
{
	pthread_mutex_unlock(&emu.lock);
}

int emu_device_check(const struct emu_device *dev)
{
	return dev->orphan ? -ENODEV : 0;
}

int emu_object_check(const struct emu_device *dev, const void *object)
{
	const int rc = emu_device_check(dev);

	return rc == 0 && !object ? -EINVAL : rc;
}

int emu_object_usable(const struct emu_device *dev, const void *object)
{
	const int rc = emu_device_usable(dev);

	return rc == 0 && !object ? -EINVAL : rc;
}

void emu_object_left(const struct emu_device *dev)
{
	if (!dev->orphan)
		emu.counters.objects_left++;
}

int emu_device_usable(const struct emu_device *dev)
{
	const int rc = emu_device_check(dev);

	return rc == 0 && dev->fatal ? -EIO : rc;
}

void emu_device_fatal(struct emu_device *dev)
{
	if (dev->fatal)
		return;
	dev->fatal = true;
	emu_qps_stop(dev);
	emu_raise(dev, EMU_EVENT_DEVICE_FATAL, NULL, 0);
}

void emu_port_change(struct emu_device *dev, bool active)
{
	if (dev->fatal || dev->port_active == active)
		return;
	dev->port_active = active;
	emu_raise(dev, active ? EMU_EVENT_PORT_ACTIVE : EMU_EVENT_PORT_ERR, NULL, 1);
}

void emu_raise(struct emu_device *dev, enum emu_event type, void *cookie, unsigned port)
{
	emu.counters.async_events++;
	emu_info("%s: asynchronous event %d", dev->config.name, (int)type);
	if (emu_trace_on())
		emu_trace_event(dev, type, cookie);
	dev->config.cb.async_event(dev->config.cookie, type, cookie, port);
}

/* The first user of the process brings up what all share. Both locks held. */
static int engine_start(const struct emu_run_config *run)
{
	char wrong[EMU_FAULT_ERROR_TEXT + 40];
	int rc = emu_log_open(run->log_level, run->log_path);

	if (rc < 0)
		return rc;
	rc = emu_fabric_open(run->run_id, &emu.fabric);
	if (rc < 0)
		goto close_log;
	emu.manual = run->manual;
	emu.virtual_ns = 1000000000;
	rc = emu_trace_start(run, run->manual);
	if (rc < 0)
		goto close_fabric;
	rc = emu_fault_start(run->faults, wrong, sizeof(wrong));
	if (rc < 0) {
		emu_error("fault plan: %s", wrong);
		goto close_fabric;
	}
	emu.next_deadline = UINT64_MAX;
	emu.next_watch = 0;
	emu.counters = (struct mlx5emu_counters){ 0 };
	emu_stat_start(run->stat_dir, emu_fabric_slot(emu.fabric));
	emu.strict = run->strict;
	emu_reports_open(run->reports_path);
	rc = run->manual ? 0 : emu_thread_start();
	if (rc < 0)
		goto close_fabric;
	emu_info("device up: slot %u, %s", emu_fabric_slot(emu.fabric),
		 run->manual ? "stepped by hand" : "own thread");
	return 0;

close_fabric:
	emu_reports_close();
	emu_stat_stop();
	emu_trace_close();
	emu_fault_stop();
	emu_fabric_close(emu.fabric);
	emu.fabric = NULL;
close_log:
	emu_log_close();
	return rc;
}

/* Lifecycle lock held, engine lock not: the thread needs it to end. */
static void engine_stop(void)
{
	emu_leave_wire();
	if (!emu.manual)
		emu_thread_stop();
	emu_lock();
	emu_fault_stop();
	emu_fabric_close(emu.fabric);
	emu.fabric = NULL;
	emu.manual = false;
	emu_reports_close();
	emu_stat_stop();
	emu_trace_close();
	emu_log_close();
	emu_unlock();
}

/* Both locks held. */
static int enter(const struct emu_run_config *run)
{
	const int rc = emu.users ? 0 : engine_start(run);

	if (rc == 0)
		emu.users++;
	return rc;
}

int emu_engine_enter(const struct emu_run_config *run)
{
	int rc;

	pthread_once(&once, init_once);
	pthread_mutex_lock(&lifecycle);
	emu_lock();
	rc = enter(run);
	emu_unlock();
	pthread_mutex_unlock(&lifecycle);
	return rc;
}

void emu_engine_leave(void)
{
	bool last;

	pthread_mutex_lock(&lifecycle);
	emu_lock();
	last = --emu.users == 0;
	emu_unlock();
	if (last)
		engine_stop();
	pthread_mutex_unlock(&lifecycle);
}

static bool config_ok(const struct emu_device_config *c)
{
	return c->uar_base && (uintptr_t)c->uar_base % EMU_PAGE_SIZE == 0 && c->uar_pages >= 2 &&
	       c->uar_pages <= EMU_MAX_UAR_PAGES && c->cb.comp_event && c->cb.async_event &&
	       c->ngids <= EMU_MAX_GIDS && c->npkeys <= EMU_MAX_PKEYS && c->mtu >= 256 &&
	       c->mtu <= 4096 && (c->mtu & (c->mtu - 1)) == 0;
}

static struct emu_device *device_new(const struct emu_device_config *config)
{
	struct emu_device *dev = calloc(1, sizeof(*dev));

	if (!dev)
		return NULL;
	dev->config = *config;
	dev->config.run = (struct emu_run_config){ 0 }; /* its strings are the caller's */
	dev->config.name[EMU_NAME_SIZE - 1] = '\0';
	if (dev->config.name[0] == '\0')
		snprintf(dev->config.name, EMU_NAME_SIZE, "mlx5_%u", config->index);
	if (config->npkeys == 0) {
		dev->config.pkey[0] = EMU_PKEY_DEFAULT;
		dev->config.npkeys = 1;
	}
	dev->port_active = config->port_active;
	while (emu_mtu_bytes(++dev->mtu_code) < config->mtu)
		;
	emu_list_init(&dev->node);
	return dev;
}

static void device_free(struct emu_device *dev)
{
	emu_uars_fini(dev);
	free(dev);
}

int emu_device_create(const struct emu_device_config *config, struct emu_device **out)
{
	struct emu_device *dev;
	int rc;

	if (!config_ok(config))
		return -EINVAL;
	pthread_once(&once, init_once);
	dev = device_new(config);
	if (!dev)
		return -ENOMEM;
	pthread_mutex_lock(&lifecycle);
	emu_lock();
	rc = enter(&config->run);
	if (rc == 0) {
		emu_list_append(&emu.devices, &dev->node);
		emu_stat_opened(dev);
	}
	emu_unlock();
	pthread_mutex_unlock(&lifecycle);
	if (rc < 0) {
		device_free(dev);
		return rc;
	}
	*out = dev;
	return 0;
}

void emu_device_destroy(struct emu_device *dev)
{
	bool last = false;

	pthread_mutex_lock(&lifecycle);
	emu_lock();
	emu_qps_destroy(dev);
	emu_srqs_destroy(dev);
	emu_cqs_destroy(dev);
	emu_mrs_destroy(dev);
	emu_xrcds_destroy(dev);
	emu_pds_destroy(dev);
	if (!dev->orphan) {
		emu_list_remove(&dev->node);
		last = --emu.users == 0;
	}
	emu_unlock();
	if (last)
		engine_stop();
	pthread_mutex_unlock(&lifecycle);
	device_free(dev);
}

unsigned emu_slot(void)
{
	unsigned slot;

	emu_lock();
	slot = emu.fabric ? emu_fabric_slot(emu.fabric) : 0;
	emu_unlock();
	return slot;
}

bool emu_port_active(const struct emu_device *dev)
{
	bool active;

	emu_lock();
	active = dev->port_active;
	emu_unlock();
	return active;
}

int emu_port_set(struct emu_device *dev, bool active)
{
	int rc;

	emu_lock();
	rc = emu_device_check(dev);
	if (rc == 0)
		emu_port_change(dev, active);
	emu_unlock();
	return rc;
}
