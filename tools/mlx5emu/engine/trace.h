/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_TRACE_H
#define MLX5EMU_ENGINE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "../trace/sink.h"

struct emu_completion;
struct emu_cq;
struct emu_device;
struct emu_packet;
struct emu_qp;
struct emu_rwqe;
struct emu_uar;
struct emu_wqe;
struct emu_run_config;

/*
 * What happens in the device, as lines and frames (docs/mlx5emu.1.md, TRACES). The device calls
 * these behind `if (emu_trace_on())` and with its lock held; they only look.
 */

/* Opens the files of the run; the first device's configuration. -errno. */
int emu_trace_start(const struct emu_run_config *run, bool manual);

/* Now, as lines and frames have it. */
uint64_t emu_trace_now_ns(void);

/* Begins a line of @dev: for the layers above, which have lines of their own. Any thread. */
void emu_trace_begin(struct emu_line *line, const struct emu_device *dev);

void emu_trace_doorbell(const struct emu_uar *uar, unsigned offset, uint64_t value);
void emu_trace_arm(const struct emu_cq *cq, uint32_t record);
void emu_trace_wqe(const struct emu_qp *qp, const struct emu_wqe *wqe);
void emu_trace_refused(const struct emu_qp *qp, unsigned index, const char *why);
void emu_trace_receive(const struct emu_qp *qp, unsigned index, const struct emu_rwqe *wqe);
void emu_trace_cqe(const struct emu_cq *cq, const struct emu_completion *c);
void emu_trace_event(const struct emu_device *dev, unsigned type, const void *cookie);

/* What becomes of a packet: "sent", "lost", ... by the fault plan. */
void emu_trace_sent(const struct emu_qp *qp, const struct emu_packet *packet,
		    const uint8_t *payload, const char *fate);
void emu_trace_arrived(const struct emu_qp *qp, const struct emu_packet *packet);

#endif
