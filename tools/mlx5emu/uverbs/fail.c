/* SPDX-License-Identifier: MIT */
#include "uverbs/fail.h"

#include "engine/engine.h"
#include "uverbs/command.h"

#include <assert.h>

int emu_command_fails(const struct emu_file *file, unsigned fault)
{
	assert(fault != EMU_FAULT_NO_COMMAND);
	if (!file->device || fault == EMU_FAULT_AS_WRITTEN)
		return 0;
	return emu_command_fault((enum emu_fault_command)fault, NULL);
}
