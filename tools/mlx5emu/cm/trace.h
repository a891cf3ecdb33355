/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_CM_TRACE_H
#define MLX5EMU_CM_TRACE_H

#include "cm/cm.h"

/*
 * A line per command of librdmacm, like those of the device's: with the fields of its request and its
 * answer by name. A connection manager may be open before any device is, so the trace is looked for in the
 * run's configuration and opened for each line. No effect where none was asked for; no lock is needed.
 */
void emu_cm_trace(const struct rdma_ucm_cmd_hdr *hdr, const void *payload, int rc);

#endif
