/* SPDX-License-Identifier: MIT */
#include "uverbs/process.h"

#include "engine/engine.h"
#include "trace/stat.h"
#include "uverbs/session.h"

#include <errno.h>
#include <stdio.h>

static const enum emu_strict levels[] = {
	[EMU_RUN_STRICT_ERROR] = EMU_STRICT_ERROR,
	[EMU_RUN_STRICT_PEDANTIC] = EMU_STRICT_PEDANTIC,
	[EMU_RUN_STRICT_WARN] = EMU_STRICT_WARN,
	[EMU_RUN_STRICT_OFF] = EMU_STRICT_OFF,
};

int emu_process_enter(void)
{
	const struct emu_session *s = emu_session();
	char reports[PATH_MAX + sizeof(EMU_RUN_REPORTS_FILE)];
	char stats[PATH_MAX + sizeof(EMU_STAT_DIR)];
	struct emu_run_config config;

	if (!s)
		return -EINVAL;
	snprintf(reports, sizeof(reports), "%s/" EMU_RUN_REPORTS_FILE, s->dir);
	snprintf(stats, sizeof(stats), "%s/" EMU_STAT_DIR, s->dir);
	config = (struct emu_run_config){
		.run_id = s->run.id,
		.manual = s->run.manual,
		.log_level = s->run.log_level,
		.log_path = s->run.log_file[0] ? s->run.log_file : NULL,
		.faults = s->run.faults,
		.strict = levels[s->run.strict],
		.reports_path = reports,
		.trace_path = s->run.trace_file,
		.frames_path = s->run.pcap_file,
		.stat_dir = stats,
	};
	return emu_engine_enter(&config);
}
