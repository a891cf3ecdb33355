/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_LAUNCHER_DEVICES_H
#define MLX5EMU_LAUNCHER_DEVICES_H

#include "launcher/host.h"
#include "run/config.h"

/*
 * The devices of a run, by the options that describe them: lists and first values for all, and
 * --device for one at a time, which goes before those.
 */
struct argp_state;

struct device_options {
	unsigned n; /* -n, 0 = not given */
	const char *port_state, *mtu;
	uint64_t guid;
	uint32_t ipv4;
	unsigned ndescribed;
	const char *described[EMU_RUN_MAX_DEVICES]; /* --device */
};

uint64_t devices_guid(struct argp_state *state, const char *option, const char *text);
uint32_t devices_ipv4(struct argp_state *state, const char *option, const char *text);

/*
 * Fills run->ndev, run->dev and run->first_uverbs, beside what @host has. What is wrong ends the
 * launcher by argp_error().
 */
void devices_make(struct argp_state *state, const struct device_options *options,
		  const struct host *host, struct emu_run *run);

#endif
