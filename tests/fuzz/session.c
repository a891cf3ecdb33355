/* SPDX-License-Identifier: MIT */
/*
 * The words of a fault plan are a table here: another fuzzer looks at its grammar (fuzz_fault_plan.c), this one
 * at what becomes of each fault. "kill" is not in it, by which the fuzzer would end.
 */
#include "session.h"
#include "fuzz.h"
#include "host.h"

#include <stdio.h>
#include <string.h>

#include "tools/mlx5emu/engine/log.h"
#include "tools/mlx5emu/uverbs/session.h"

enum { MAX_RULES = 8, MAX_RULE = 100, NUMBERS = 16 };

/* Each is of a number from 1 on. */
static const char *const rules[] = {
	"lose nth=%u",
	"lose direction=in nth=%u",
	"lose rate=%u%%",
	"lose opcode=ack,nak nth=%u",
	"duplicate nth=%u",
	"duplicate direction=in every=%u",
	"delay by=%ums",
	"delay direction=in nth=1 by=%ums",
	"reorder by=%u",
	"reorder direction=in by=%u",
	"rnr nth=%u",
	"nak error=operation nth=%u",
	"nak error=access nth=%u",
	"nak error=request transport=rc,xrc nth=%u",
	"revoke nth=%u",
	"revoke on=wqe nth=%u",
	"revoke on=receive nth=%u",
	"slow by=%ums",
	"overflow nth=%u",
	"overflow cqn=%u",
	"limit nth=%u",
	"srq-error nth=%u",
	"srq-error srqn=%u",
	"qp-error nth=%u",
	"qp-error on=request nth=%u",
	"qp-error on=receive nth=%u",
	"port-down at=%ums",
	"port-down on=packet nth=%u",
	"port-up at=%ums",
	"fatal at=%ums",
	"fatal on=completion nth=%u",
	"fatal on=command nth=%u",
	"event type=lid-change,pkey-change,sm-change,client-reregister,gid-change at=%ums",
	"full at=%ums for=9ms",
	"full on=wqe for=2s nth=%u",
	"fail nth=%u",
	"fail error=EAGAIN every=%u",
	"fail command=modify-qp error=EINVAL nth=%u",
	"fail command=get-context count=%u",
	"cm-error type=addr-error nth=%u",
	"cm-error type=route-error nth=%u",
	"cm-error type=unreachable nth=%u",
	"cm-error type=rejected reason=%u",
	"cm-error type=multicast-error nth=%u",
	"cm-event type=disconnected at=%ums",
	"cm-event type=device-removal on=command nth=%u",
	"cm-event type=addr-change at=%ums",
};

enum { RULES = sizeof(rules) / sizeof(*rules) };

static struct emu_session session;
static unsigned nrules;

const struct emu_session *emu_session(void)
{
	return &session;
}

/* The second one is as different as it may be: InfiniBand, with the UAR pages of old kernels. */
static void describe(struct emu_run_device *dev, unsigned index)
{
	*dev = (struct emu_run_device){
		.model = EMU_MODEL_DEFAULT,
		.active = true,
		.mtu = 4096,
		.npkeys = 1,
		.pkey = { 0xffff },
		.ipv4 = 0x0a4d0001 + index,
		.naddresses = 2,
		.guid = 0x02424d03004c5800 + index,
		.infiniband = index > 0,
		.static_uars = index > 0,
		.lid = (uint16_t)index,
	};
	snprintf(dev->name, sizeof(dev->name), "mlx5_%u", index);
	emu_run_link_local(dev, dev->address[0]);
	emu_run_mapped(dev->ipv4, dev->address[1]);
}

void session_reset(void)
{
	static bool begun;

	if (!begun) {
		session.run = (struct emu_run){ .id = SESSION_RUN,
						.ndev = SESSION_DEVICES,
						.manual = true };
		for (unsigned i = 0; i < SESSION_DEVICES; i++)
			describe(&session.run.dev[i], i);
		strcpy(session.dir, HOST_DIR);
	}
	begun = true;
	session_choose(0);
	session_clear_faults();
}

void session_choose(unsigned options)
{
	struct emu_run *run = &session.run;

	run->strict = (enum emu_run_strict)(options & SESSION_STRICT);
	strcpy(run->trace_file, options & SESSION_TRACE ? HOST_LINES : "");
	strcpy(run->pcap_file, options & SESSION_PCAP ? HOST_FRAMES : "");
	strcpy(run->log_file, options & SESSION_LOG ? HOST_LINES : "");
	run->log_level = options & SESSION_LOG ? EMU_LOG_TRACE : EMU_LOG_NONE;
}

void session_clear_faults(void)
{
	nrules = 0;
	session.run.faults[0] = '\0';
}

void session_add_fault(uint8_t rule, uint8_t number)
{
	char *end = session.run.faults + strlen(session.run.faults);

	if (nrules++ < MAX_RULES) {
		/* The compiler cannot see that each has one number. */
		int n = snprintf(end, MAX_RULE, rules[rule % RULES], 1u + number % NUMBERS);

		require(n > 0 && n < MAX_RULE);
		strcat(end, "\n");
	}
}
