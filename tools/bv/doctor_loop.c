/* SPDX-License-Identifier: MIT */
/*
 * What only opening a device tells: which providers drive it, whether BlueFlame is granted, and
 * whether a channel that is connected to itself moves bytes: one write, one read back, one atomic.
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

/* What the atomic adds to, and what it was before. */
static _Alignas(8) uint64_t counter[2];

static int fetch_and_add(struct lane *lane, const struct bv_mr *mr)
{
	const struct bv_scatter old = bv_scatter(mr, &counter[1], sizeof(counter[1]));
	const struct bv_remote there = bv_mr_remote(mr);
	int rc;

	counter[0] = 41;
	rc = finish(lane, bv_post_fetch_add(lane->ch, &old, &there, 1, 0), "fetch-and-add");
	if (rc == 0 && (counter[0] != 42 || counter[1] != 41))
		rc = fail(-EILSEQ, "41 + 1 by fetch-and-add is %llu, and was %llu",
			  (unsigned long long)counter[0], (unsigned long long)counter[1]);
	return rc;
}

/* Small queues: a device that is nearly full must not fail for the doctor's own demands. */
static int try_channel(struct lane *lane, const struct bv_mr *atomics)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;
	struct lane_address self;
	int rc;

	attr.max_send = attr.max_recv = 4;
	attr.max_send_sge = attr.max_recv_sge = 1;
	if (atomics != NULL)
		attr.access |= BV_ACCESS_REMOTE_ATOMIC;
	rc = lane_channel(lane, BUFFER_BYTES, &attr);
	if (rc == 0)
		rc = lane_address(lane, &self);
	if (rc == 0)
		rc = lane_connect(lane, &self);
	if (rc == 0)
		rc = write_and_read(lane);
	if (rc == 0 && atomics != NULL && lane->info.atomics)
		rc = fetch_and_add(lane, atomics);
	return rc;
}

/* A device without atomics registers no memory for them, which is how it is told: *@atomics is NULL. */
static int try_loopback(struct lane *lane, struct bv_mr **atomics)
{
	const int rc = bv_mr_reg(lane->pd, counter, sizeof(counter),
				 BV_ACCESS_SHARED | BV_ACCESS_REMOTE_ATOMIC, atomics);

	if (rc < 0 && rc != -EOPNOTSUPP)
		return fail_bv(rc, NULL, "memory for an atomic cannot be registered");
	return try_channel(lane, *atomics);
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
	struct bv_mr *atomics = NULL;
	struct lane lane;
	int rc = lane_open(&lane, device, provider);

	if (rc == 0)
		rc = try_loopback(&lane, &atomics);
	if (lane.ch != NULL)
		data_path(d, device, &lane);
	if (rc == 0)
		doctor_add(d, DOCTOR_OK, "loopback", device, NULL,
			   "%s: wrote %u bytes to itself and read them back%s, on GID row %u",
			   provider, BYTES,
			   lane.info.atomics ? ", added by an atomic" : " (it has no atomics)",
			   lane.info.gid_index);
	else
		doctor_add(d, DOCTOR_FAILURE, "loopback", device,
			   "see the findings above; `bv info` has the providers and GIDs", "%s: %s",
			   provider, fail_text());
	lane_close(&lane);
	bv_mr_dereg(atomics); /* behind the channel, whose work may have it */
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
