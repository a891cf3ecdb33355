/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_CM_TRACE_H
#define MLX5EMU_CM_TRACE_H

#include "cm/cm.h"

/*
 * A line per command of librdmacm, like those of the device's: with the fields of its request and its
 * answer by name. No effect where none was asked for; no lock is needed.
 */
void emu_cm_trace(const struct rdma_ucm_cmd_hdr *hdr, const void *payload, int rc);

#endif
