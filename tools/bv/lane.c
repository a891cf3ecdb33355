/* SPDX-License-Identifier: MIT */
/* Each step leaves what it made in the lane, also when it fails: lane_close() undoes all of it. */
#include "lane.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "error.h"

int lane_open(struct lane *lane, const char *device, const char *provider)
{
	const struct bv_open_opts opts = { .provider = provider };
	int rc;

	*lane = (struct lane){ .provider = provider };
	rc = bv_open(device, &opts, &lane->device);
	if (rc < 0)
		return fail_bv(rc, NULL, "cannot open %s with provider %s", device, provider);
	rc = bv_pd_alloc(lane->device, &lane->pd);
	if (rc < 0)
		return fail_bv(rc, NULL, "provider %s: cannot make a protection domain", provider);
	return 0;
}

int lane_channel(struct lane *lane, size_t length, const struct bv_channel_attr *attr)
{
	void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	int rc;

	if (memory == MAP_FAILED)
		return fail(-errno, "cannot map a buffer of %zu bytes: %s", length,
			    strerror(errno));
	lane->memory = memory;
	lane->length = length;
	rc = bv_mr_reg(lane->pd, memory, length, BV_ACCESS_SHARED, &lane->mr);
	if (rc < 0)
		return fail_bv(rc, NULL, "provider %s: cannot register %zu bytes", lane->provider,
			       length);
	rc = bv_channel_create(lane->pd, attr, &lane->ch);
	if (rc < 0)
		return fail_bv(rc, NULL, "provider %s: cannot make a channel", lane->provider);
	bv_channel_query(lane->ch, &lane->info);
	return 0;
}

int lane_address(const struct lane *lane, struct lane_address *address)
{
	const struct bv_remote remote = bv_mr_remote(lane->mr);
	struct bv_endpoint endpoint;
	int rc = bv_channel_endpoint(lane->ch, &endpoint);

	if (rc == 0)
		rc = bv_endpoint_encode(&endpoint, address->endpoint);
	if (rc < 0)
		return fail_bv(rc, NULL, "provider %s: no endpoint", lane->provider);
	bv_remote_encode(&remote, address->remote);
	return 0;
}

int lane_connect(struct lane *lane, const struct lane_address *peer)
{
	struct bv_endpoint endpoint;
	int rc = bv_endpoint_decode(peer->endpoint, sizeof(peer->endpoint), &endpoint);

	if (rc == 0)
		rc = bv_remote_decode(peer->remote, sizeof(peer->remote), &lane->peer);
	if (rc == 0)
		rc = bv_channel_connect(lane->ch, &endpoint);
	if (rc < 0)
		return fail_bv(rc, NULL, "provider %s: cannot connect", lane->provider);
	bv_channel_query(lane->ch, &lane->info);
	return 0;
}

void lane_close(struct lane *lane)
{
	bv_channel_destroy(lane->ch);
	bv_mr_dereg(lane->mr);
	bv_pd_free(lane->pd);
	bv_close(lane->device);
	if (lane->memory != NULL)
		munmap(lane->memory, lane->length);
	*lane = (struct lane){ .provider = lane->provider };
}
