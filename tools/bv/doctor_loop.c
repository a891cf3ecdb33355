/* SPDX-License-Identifier: MIT */
/*
 * What only opening a device tells: which providers drive it, whether BlueFlame is granted, and
 * whether a channel that is connected to itself moves bytes: one write, then one read back.
 */
#include "doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <bareverbs/bareverbs.h>

#include "error.h"
#include "lane.h"
#include "select.h"
#include "stepper.h"

#define BUFFER_BYTES 4096
#define BYTES 64
/* Places in the buffer: what is written, where to, and where it is read back to. */
#define SOURCE 0
#define TARGET 1024
#define RESULT 2048
#define TIMEOUT_NS (5 * BV_SEC)

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * BV_SEC + ts.tv_nsec;
}

static int finish(struct lane *lane, int64_t work, const char *what)
{
	const int64_t end = now_ns() + TIMEOUT_NS;
	int rc;

	if (work < 0)
		return fail_bv((int)work, NULL, "the %s cannot be posted", what);
	do {
		stepper_settle();
		rc = bv_test(lane->ch, work, NULL);
	} while (rc == 0 && now_ns() < end);
	if (rc == 0)
		return fail(-ETIMEDOUT, "the %s did not complete within 5 s", what);
	return rc < 0 ? fail_bv(rc, lane->ch, "the %s failed", what) : 0;
}

static int write_and_read(struct lane *lane)
{
	const struct bv_gather from = bv_gather(lane->mr, lane->memory + SOURCE, BYTES);
	const struct bv_scatter to = bv_scatter(lane->mr, lane->memory + RESULT, BYTES);
	const struct bv_remote there = bv_remote_slice_unchecked(&lane->peer, TARGET, BYTES);
	int rc;

	for (unsigned i = 0; i < BYTES; i++)
		lane->memory[SOURCE + i] = (uint8_t)(i * 37 + 1);
	rc = finish(lane, bv_post_write(lane->ch, &from, 1, &there, 0), "write");
	if (rc == 0)
		rc = finish(lane, bv_post_read(lane->ch, &to, 1, &there, 0), "read");
	if (rc == 0 && memcmp(lane->memory + SOURCE, lane->memory + RESULT, BYTES) != 0)
		rc = fail(-EILSEQ, "the bytes that were read are not those that were written");
	return rc;
}

/* Small queues: a device that is nearly full must not fail for the doctor's own demands. */
static int try_loopback(struct lane *lane)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;
	struct lane_address self;
	int rc;

	attr.max_send = attr.max_recv = 4;
	attr.max_send_sge = attr.max_recv_sge = 1;
	rc = lane_channel(lane, BUFFER_BYTES, &attr);
	if (rc == 0)
		rc = lane_address(lane, &self);
	if (rc == 0)
		rc = lane_connect(lane, &self);
	return rc == 0 ? write_and_read(lane) : rc;
}

static void data_path(struct doctor *d, const char *device, const struct lane *lane)
{
	const char *path = lane->info.data_path;

	if (strncmp(path, "doorbell", 8) == 0)
		doctor_add(d, DOCTOR_WARNING, "data-path", device,
			   "unset MLX5_SHUT_UP_BF; in a virtual machine, the host must map the "
			   "register write-combining",
			   "%s: %s: no BlueFlame, posts take one PCIe read more", lane->provider,
			   path);
	else
		doctor_add(d, DOCTOR_OK, "data-path", device, NULL, "%s: %s", lane->provider, path);
}

static void loopback(struct doctor *d, const char *device, const char *provider)
{
	struct lane lane;
	int rc = lane_open(&lane, device, provider);

	if (rc == 0)
		rc = try_loopback(&lane);
	if (lane.ch != NULL)
		data_path(d, device, &lane);
	if (rc == 0)
		doctor_add(d, DOCTOR_OK, "loopback", device, NULL,
			   "%s: wrote %u bytes to itself and read them back, on GID row %u",
			   provider, BYTES, lane.info.gid_index);
	else
		doctor_add(d, DOCTOR_FAILURE, "loopback", device,
			   "see the findings above; `bv info` has the providers and GIDs", "%s: %s",
			   provider, fail_text());
	lane_close(&lane);
}

static void provider(struct doctor *d, const char *device, const struct bv_provider_info *info)
{
	if (info->score <= 0) {
		doctor_add(d, DOCTOR_NOTE, "provider", device, NULL, "%s cannot drive it: %s",
			   info->name, info->why);
		return;
	}
	doctor_add(d, DOCTOR_OK, "provider", device, NULL, "%s: %s", info->name, info->why);
	loopback(d, device, info->name);
}

/* What the path can carry; channels take the smaller one of both sides. */
static void active_mtu(struct doctor *d, const struct bv_device_info *info)
{
	for (uint32_t i = 0; i < info->nports; i++) {
		const struct bv_port_info *port = &info->ports[i];
		const bool small = port->active_mtu < port->max_mtu;

		if (port->state == BV_PORT_ACTIVE)
			doctor_add(d, small ? DOCTOR_NOTE : DOCTOR_OK, "active-mtu", info->name,
				   small ? "on Ethernet raise the MTU of the interface (4200 or "
					   "more), on InfiniBand that of the subnet manager" :
					   NULL,
				   "port %u uses %u of the %u bytes that it can", port->num,
				   port->active_mtu, port->max_mtu);
	}
}

static bool is_active(const struct bv_device_info *info)
{
	for (uint32_t i = 0; i < info->nports; i++)
		if (info->ports[i].num == 1 && info->ports[i].state == BV_PORT_ACTIVE)
			return true;
	return false;
}

static void counters(struct doctor *d, const char *device)
{
	struct bv_counters now;
	struct bv_device *dev;
	char text[256] = "";
	size_t used = 0;

	if (bv_open(device, NULL, &dev) < 0)
		return;
	bv_counters_read(dev, 1, &now);
	bv_close(dev);
	for (unsigned i = 0; i < BV_COUNTERS && used < sizeof(text); i++)
		if (now.valid & 1u << i && now.value[i] != 0)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %llu",
						 used > 0 ? ", " : "",
						 bv_counter_name((enum bv_counter)i),
						 (unsigned long long)now.value[i]);
	if (now.valid != 0)
		doctor_add(d, used > 0 ? DOCTOR_NOTE : DOCTOR_OK, "counters", device,
			   used > 0 ? "look again after a run: only what grows is of now" : NULL,
			   "error counters of port 1 since the driver was loaded: %s",
			   used > 0 ? text : "all 0");
}

static void device(struct doctor *d, const struct bv_device_info *info)
{
	const char *note = select_kind_note(info->kind);

	if (info->open_error != 0) {
		doctor_add(d, DOCTOR_FAILURE, "open", info->name, NULL, "cannot be opened: %s",
			   info->open_error_text);
		return;
	}
	if (note != NULL)
		doctor_add(d, DOCTOR_NOTE, "kind", info->name, NULL, "%s", note);
	active_mtu(d, info);
	counters(d, info->name);
	for (uint32_t i = 0; i < info->nproviders; i++) {
		if (is_active(info))
			provider(d, info->name, &info->providers[i]);
		else
			doctor_add(d, DOCTOR_SKIPPED, "loopback", info->name, NULL,
				   "%s: port 1 is not active", info->providers[i].name);
	}
}

void doctor_loop(struct doctor *d)
{
	if (d->root[0] != '\0') {
		doctor_add(d, DOCTOR_SKIPPED, "loopback", NULL, NULL,
			   "--root stands for another machine: no device is opened");
		return;
	}
	for (int i = 0; i < d->ndevices; i++)
		if (d->device == NULL || strcmp(d->device, d->devices[i].name) == 0)
			device(d, &d->devices[i]);
}
