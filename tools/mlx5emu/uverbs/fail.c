/* SPDX-License-Identifier: MIT */
#include "uverbs/fail.h"

#include "engine/engine.h"

int emu_command_fails(const struct emu_file *file, uint8_t fault)
{
	return fault && file->device ? emu_command_fault(file->device, fault - 1u) : 0;
}
