/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_UVERBS_PROCESS_H
#define MLX5EMU_UVERBS_PROCESS_H

/*
 * This process as a user of the engine, with what the run asks for: its log, trace, counters, faults.
 * Whoever needs these enters; devices do so, too. emu_engine_leave() ends it. -EINVAL outside of a run;
 * -errno of emu_engine_enter().
 */
int emu_process_enter(void);

#endif
