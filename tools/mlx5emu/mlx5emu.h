/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_H
#define MLX5EMU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a test can ask of the emulated device under it.
 *
 * The symbols live in the preloaded libmlx5emu.so. A program that must also run on a real device
 * finds them with dlsym(RTLD_DEFAULT, "mlx5emu_step"), or declares MLX5EMU_WEAK before including
 * this header and tests the address: `if (mlx5emu_step) ...`.
 *
 * Manual mode (`mlx5emu run --manual`): no device thread, and the device's clock stands still but
 * for mlx5emu_advance_ns(). Doorbells wait for mlx5emu_step(). The same calls then always give the
 * same results.
 */

#ifdef MLX5EMU_WEAK
#define MLX5EMU_API __attribute__((weak, visibility("default")))
#else
#define MLX5EMU_API __attribute__((visibility("default")))
#endif

/* Since the first device was opened. All but ns count events. */
struct mlx5emu_counters {
	uint64_t doorbells;    /* send doorbells consumed */
	uint64_t arms;         /* completion queues armed */
	uint64_t wqes;         /* send WQEs accepted */
	uint64_t illegal_wqes; /* send and receive WQEs refused */
	uint64_t receives;     /* receive WQEs taken */
	uint64_t cqes;         /* completions written, error_cqes included */
	uint64_t error_cqes;
	uint64_t comp_events;
	uint64_t async_events;
	uint64_t datagrams_sent, datagrams_received;
	uint64_t datagrams_dropped; /* malformed, or for no queue that would take them */
	uint64_t packets_sent;      /* as the specification counts them: one per MTU */
	uint64_t retransmissions;   /* times that a requester went back */
	uint64_t timeouts;          /* ... because no acknowledge came */
	uint64_t sequence_naks;     /* sent */
	uint64_t rnr_naks;          /* sent */
	uint64_t remote_naks;       /* invalid request, access, operation: sent */
	uint64_t faults;            /* times that a rule of the fault plan happened */
	/*
	 * The device's check of itself: writes into a buffer after the completion that gave it back,
	 * or of a request that it had acknowledged before. Each is refused and logged as an error.
	 */
	uint64_t ownership_errors;
	uint64_t objects_left; /* objects of all kinds that lived when their device was closed */
	uint64_t reports;      /* breaches of the device interface: see mlx5emu(1), STRICTNESS */
};

/*
 * Does everything that can be done at this moment of the device's clock; returns the number of
 * work items, 0 when the device is idle. In any mode, from any thread.
 */
MLX5EMU_API unsigned mlx5emu_step(void);

/* Moves the clock of manual mode; no effect otherwise. Does no work by itself. */
MLX5EMU_API void mlx5emu_advance_ns(uint64_t ns);

/* The device's clock. */
MLX5EMU_API uint64_t mlx5emu_now_ns(void);

/* 1 in manual mode, 0 otherwise or when no device is open. */
MLX5EMU_API int mlx5emu_is_manual(void);

/*
 * Copies the first @size bytes of the counters (struct mlx5emu_counters only grows).
 * Returns the size that the device knows.
 */
MLX5EMU_API size_t mlx5emu_counters(struct mlx5emu_counters *out, size_t size);

/*
 * Puts a fault plan (mlx5emu(1), FAULT PLANS) in the place of this process's present one, from now
 * on: rules count from here, and times run from here. "" ends all faults; packets that are held
 * back still arrive. 0; -EINVAL the plan is wrong: @error (may be NULL) receives where and what, the
 * present plan stays; -ENODEV neither a device nor the connection manager is open.
 */
MLX5EMU_API int mlx5emu_fault_plan(const char *plan, char *error, size_t size);

/* How often rule @rule (from 0) of the present plan has happened in this process. */
MLX5EMU_API uint64_t mlx5emu_fault_hits(unsigned rule);

/*
 * What the device last found wrong with a request, a record or a doorbell, as also logged: "QP
 * 0x010001 WQE 5 WRITE: ctrl.ds is 0x0, expected 1..63". Empty when there was nothing. Always
 * terminated; @size 1...
 */
MLX5EMU_API void mlx5emu_last_illegal(char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
