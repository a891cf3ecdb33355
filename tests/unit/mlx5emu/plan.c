/* SPDX-License-Identifier: MIT */
/* Fault plans: what the text means, where it is wrong, and which events its rules happen to. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tools/mlx5emu/fault/decide.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct emu_fault_plan parsed(const char *text)
{
	struct emu_fault_plan plan;
	struct emu_fault_error error;

	if (emu_fault_parse(text, strlen(text), &plan, &error) < 0)
		fail_msg("'%s': line %u, column %u: %s", text, error.line, error.column,
			 error.text);
	return plan;
}

static void settings_are_read(void **state)
{
	const struct emu_fault_plan plan =
		parsed("seed=0x2A ; lose rate=0.25% opcode=send,ack slot=2 direction=in\n"
		       "# a comment; with = signs\n"
		       "  delay by=2ms every=3 count=7 after=1s until=2s # and one more\r\n"
		       ";;duplicate nth=5..9;reorder nth=4.. by=3\n"
		       "nak error=access qpn=0x010002 psn=0xFFfffF;full at=20us for=1ms");
	const struct emu_fault_rule *r = plan.rule;

	(void)state;
	assert_int_equal(plan.seed, 42);
	assert_int_equal(plan.nrules, 6);
	assert_int_equal(r->action, EMU_FAULT_LOSE);
	assert_int_equal(r->rate, 2500);
	assert_int_equal(r->opcodes, EMU_FAULT_OP_SEND | EMU_FAULT_OP_ACK);
	assert_int_equal(r->slot, 2);
	assert_true(r->in);
	assert_int_equal(r[1].by, 2000000);
	assert_int_equal(r[1].every, 3);
	assert_int_equal(r[1].count, 7);
	assert_int_equal(r[1].after_ns, 1000000000);
	assert_int_equal(r[1].until_ns, 2000000000);
	assert_int_equal(r[2].first, 5);
	assert_int_equal(r[2].last, 9);
	assert_int_equal(r[3].first, 4);
	assert_true(r[3].last == UINT64_MAX);
	assert_int_equal(r[3].by, 3);
	assert_int_equal(r[4].on, EMU_FAULT_REQUEST);
	assert_int_equal(r[4].nak, EMU_FAULT_NAK_ACCESS);
	assert_int_equal(r[4].qpn, 0x010002);
	assert_int_equal(r[4].psn, 0xffffff);
	assert_int_equal(r[5].on, EMU_FAULT_TIME);
	assert_int_equal(r[5].at_ns, 20000);
	assert_int_equal(r[5].for_ns, 1000000);
}

static void commands_and_events_are_read(void **state)
{
	const struct emu_fault_plan plan =
		parsed("fail; fail command=create-qp,devx error=EMFILE nth=2; event "
		       "type=gid-change,lid-change command=alloc-pd; event type=sm-change at=1ms");
	const struct emu_fault_rule *r = plan.rule;

	(void)state;
	assert_int_equal(r[0].on, EMU_FAULT_COMMAND);
	assert_true(r[0].commands == ~(UINT64_C(1) << EMU_FAULT_FREE_UAR));
	assert_int_equal(r[0].error, ENOMEM);
	assert_true(r[1].commands ==
		    (UINT64_C(1) << EMU_FAULT_CREATE_QP | UINT64_C(1) << EMU_FAULT_DEVX));
	assert_int_equal(r[1].error, EMFILE);
	assert_int_equal(r[1].first, 2);
	assert_int_equal(r[2].on, EMU_FAULT_COMMAND);
	assert_int_equal(r[2].events, EMU_FAULT_GID_CHANGE | EMU_FAULT_LID_CHANGE);
	assert_int_equal(r[3].on, EMU_FAULT_TIME);
}

static void connections_are_read(void **state)
{
	const struct emu_fault_plan plan =
		parsed("cm-error type=unreachable; cm-error type=rejected reason=10 nth=2\n"
		       "cm-error type=multicast-error error=EIO; cm-event type=disconnected at=1ms;"
		       "cm-event type=device-removal,addr-change command=accept,get-context");
	const struct emu_fault_rule *r = plan.rule;

	(void)state;
	assert_int_equal(r[0].on, EMU_FAULT_COMMAND);
	assert_true(r[0].commands == UINT64_C(1) << EMU_FAULT_CONNECT);
	assert_int_equal(r[0].cm_error, EMU_FAULT_UNREACHABLE);
	assert_int_equal(r[0].error, ETIMEDOUT);
	assert_int_equal(r[1].cm_error, EMU_FAULT_REJECTED);
	assert_int_equal(r[1].reason, 10);
	assert_int_equal(r[1].first, 2);
	assert_true(r[2].commands == UINT64_C(1) << EMU_FAULT_JOIN_MULTICAST);
	assert_int_equal(r[2].error, EIO);
	assert_int_equal(r[3].on, EMU_FAULT_TIME);
	assert_int_equal(r[3].events, EMU_FAULT_DISCONNECTED);
	assert_int_equal(r[4].on, EMU_FAULT_COMMAND);
	assert_int_equal(r[4].events, EMU_FAULT_DEVICE_REMOVAL | EMU_FAULT_ADDR_CHANGE);
	assert_true(r[4].commands ==
		    (UINT64_C(1) << EMU_FAULT_ACCEPT | 1u << EMU_FAULT_GET_CONTEXT));
}

static void what_counts_counts_packets(void **state)
{
	(void)state;
	assert_int_equal(parsed("kill").rule[0].on, EMU_FAULT_TIME);
	assert_int_equal(parsed("kill slot=2").rule[0].on, EMU_FAULT_TIME);
	assert_int_equal(parsed("kill nth=5").rule[0].on, EMU_FAULT_PACKET);
	assert_int_equal(parsed("kill on=wqe nth=5").rule[0].on, EMU_FAULT_WQE);
	assert_int_equal(parsed("fatal on=completion").rule[0].on, EMU_FAULT_COMPLETION);
	assert_int_equal(parsed("rnr").rule[0].on, EMU_FAULT_READY);
	assert_int_equal(parsed(" \n;# nothing\n").nrules, 0);
	assert_int_equal(parsed("").seed, 1);
}

static const struct {
	const char *text;
	unsigned line, column;
	const char *says;
} mistakes[] = {
	{ "drop", 1, 1, "unknown fault 'drop'" },
	{ "lose\n\n  loose", 3, 3, "unknown fault 'loose'" },
	{ "lose rat=1%", 1, 6, "unknown setting 'rat'" },
	{ "fail command=make-qp", 1, 14, "unknown command 'make-qp'; known: get-context" },
	{ "fail error=EX", 1, 12, "'EX' is none of: ENOMEM" },
	{ "fail opcode=send", 1, 6, "no setting 'opcode' for fail" },
	{ "fail on=wqe", 1, 6, "no setting 'on' for fail" },
	{ "kill on=wqe command=reg-mr", 1, 1, "command= is of commands" },
	{ "kill on=command qpn=1", 1, 1, "a command has no" },
	{ "kill at=1ms command=reg-mr", 1, 1, "at= is a moment" },
	{ "event", 1, 1, "'event' needs type=" },
	{ "event type=path-mig", 1, 12, "unknown type 'path-mig'; known: lid-change" },
	{ "event type=disconnected", 1, 12, "unknown type 'disconnected'; known: lid-change" },
	{ "cm-event at=1ms", 1, 1, "'cm-event' needs type=" },
	{ "cm-event type=rejected", 1, 15, "unknown type 'rejected'; known: disconnected" },
	{ "cm-error", 1, 1, "'cm-error' needs type=" },
	{ "cm-error type=rejected,unreachable", 1, 15, "is none of: addr-error route-error" },
	{ "cm-error type=rejected at=1ms", 1, 24, "no setting 'at' for cm-error" },
	{ "cm-error type=rejected command=connect", 1, 24, "no setting 'command'" },
	{ "cm-error type=rejected error=EIO", 1, 1, "reason= and not error=" },
	{ "cm-error type=unreachable reason=4", 1, 1, "reason= is of type=rejected" },
	{ "cm-error type=rejected reason=0", 1, 31, "not a number from 1 to 65535" },
	{ "lose by=1ms", 1, 6, "no setting 'by' for lose" },
	{ "lose rate", 1, 6, "expected setting=value" },
	{ "lose = 3", 1, 6, "expected setting=value" },
	{ "lose rate=1", 1, 11, "not a rate" },
	{ "lose rate=101%", 1, 11, "not a rate" },
	{ "lose rate=1.%", 1, 11, "not a rate" },
	{ "lose rate=1.00001%", 1, 11, "not a rate" },
	{ "lose rate=1%%", 1, 11, "not a rate" },
	{ "lose rate=", 1, 11, "not a rate" },
	{ "lose rate=1% rate=2%", 1, 14, "given twice" },
	{ "lose nth=0", 1, 10, "not a position" },
	{ "lose nth=5..4", 1, 10, "not a position" },
	{ "lose nth=5.", 1, 10, "not a position" },
	{ "lose nth=18446744073709551616", 1, 10, "not a position" },
	{ "lose slot=255", 1, 11, "not a number from 1 to 254" },
	{ "lose slot=-1", 1, 11, "not a number" },
	{ "lose qpn=0x", 1, 10, "not a number" },
	{ "lose psn=0x1000000", 1, 10, "not a number" },
	{ "lose opcode=sned", 1, 13, "unknown opcode 'sned'" },
	{ "lose opcode=send,", 1, 18, "unknown opcode ''" },
	{ "lose opcode=recv", 1, 1, "never meets these opcodes" },
	{ "lose direction=up", 1, 16, "none of: out in" },
	{ "delay", 1, 1, "'delay' needs by=" },
	{ "delay by=5", 1, 10, "not a time" },
	{ "delay by=86401s", 1, 10, "not a time" },
	{ "nak", 1, 1, "'nak' needs error=" },
	{ "full at=1ms", 1, 1, "'full' needs for=" },
	{ "revoke on=packet", 1, 11, "cannot happen on a packet" },
	{ "kill on=ready", 1, 9, "none of: packet request wqe completion" },
	{ "kill at=1ms nth=5", 1, 1, "at= is a moment" },
	{ "kill on=wqe psn=5", 1, 1, "psn= is of packets" },
	{ "kill on=wqe direction=in", 1, 1, "direction= is of packets" },
	{ "lose after=2ms until=2ms", 1, 1, "not later" },
	{ "seed=1 lose", 1, 8, "stands alone" },
	{ "seed=x", 1, 6, "not a number" },
	{ "=", 1, 1, "expected the name" },
};

static void mistakes_are_shown(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(mistakes); i++) {
		struct emu_fault_plan plan = { .seed = 99 };
		struct emu_fault_error error;
		char text[200];

		if (emu_fault_parse(mistakes[i].text, strlen(mistakes[i].text), &plan, &error) == 0)
			fail_msg("'%s' was taken", mistakes[i].text);
		if (error.line != mistakes[i].line || error.column != mistakes[i].column ||
		    !strstr(error.text, mistakes[i].says))
			fail_msg("'%s': line %u, column %u: %s", mistakes[i].text, error.line,
				 error.column, error.text);
		assert_int_equal(plan.seed, 99);
		emu_fault_error_print(&error, text, sizeof(text));
		assert_non_null(strstr(text, "column"));
	}
}

static void zero_bytes_and_too_many_rules(void **state)
{
	struct emu_fault_plan plan;
	struct emu_fault_error error;
	char many[6 * (EMU_FAULT_RULES + 1)];

	(void)state;
	assert_true(emu_fault_parse("lose\0", 5, &plan, &error) < 0);
	assert_true(emu_fault_parse("lose rate=1\0%", 13, &plan, &error) < 0);
	for (size_t i = 0; i < sizeof(many); i += 6)
		memcpy(many + i, "lose \n", 6);
	assert_int_equal(emu_fault_parse(many, sizeof(many) - 6, &plan, &error), 0);
	assert_int_equal(plan.nrules, EMU_FAULT_RULES);
	assert_true(emu_fault_parse(many, sizeof(many), &plan, &error) < 0);
	assert_int_equal(error.line, EMU_FAULT_RULES + 1);
}

/* ---- decisions ---- */

static struct emu_faults faults;

static void start(const char *text, uint32_t slot)
{
	const struct emu_fault_plan plan = parsed(text);

	emu_faults_start(&faults, &plan, slot, 1000);
}

static const struct emu_fault_event some_packet = {
	.point = EMU_FAULT_PACKET,
	.opcode = EMU_FAULT_OP_SEND,
	.transport = EMU_FAULT_RC,
	.qpn = 0x010001,
	.peer_qpn = 0x020001,
	.psn = 0xfffffe,
	.packets = 4,
	.now_ns = 1000,
};

static bool hits(const struct emu_fault_event *event)
{
	unsigned at = 0;

	return emu_faults_next(&faults, event, &at) != NULL;
}

static bool selects(const char *text, uint32_t slot)
{
	start(text, slot);
	return hits(&some_packet);
}

static void selection(void **state)
{
	(void)state;
	assert_true(selects("lose", 1));
	assert_true(selects("lose slot=1", 1));
	assert_false(selects("lose slot=2", 1));
	assert_false(selects("lose direction=in", 1));
	assert_true(selects("lose opcode=request", 1));
	assert_false(selects("lose opcode=write,ack", 1));
	assert_true(selects("lose qpn=0x010001", 1));
	assert_true(selects("lose qpn=0x020001", 1));
	assert_false(selects("lose qpn=0x010002", 1));
	assert_true(selects("lose psn=0xfffffe", 1));
	assert_true(selects("lose psn=1", 1));
	assert_false(selects("lose psn=2", 1));
	assert_false(selects("lose psn=0xfffffd", 1));
	assert_false(selects("slow by=1us", 1));
	assert_false(selects("lose after=1ns", 1));
	assert_true(selects("lose until=1ns", 1));
	assert_false(selects("kill at=1ns", 1));
}

static void expect_hits(const char *text, const char *pattern)
{
	start(text, 1);
	for (size_t i = 0; pattern[i]; i++)
		if (hits(&some_packet) != (pattern[i] == 'x'))
			fail_msg("'%s': event %zu", text, i + 1);
}

static void positions(void **state)
{
	(void)state;
	expect_hits("lose nth=3", "..x......");
	expect_hits("lose nth=3..4", "..xx.....");
	expect_hits("lose nth=3..", "..xxxxxxx");
	expect_hits("lose every=3", "x..x..x..");
	expect_hits("lose nth=2.. every=2 count=3", ".x.x.x...");
	expect_hits("lose count=2", "xx.......");
	expect_hits("lose rate=0%", ".........");
}

static void moments_happen_once(void **state)
{
	struct emu_fault_event event = { .point = EMU_FAULT_TIME, .now_ns = 1099 };

	(void)state;
	start("kill at=100ns; fatal at=2us slot=2", 1);
	assert_true(emu_faults_deadline(&faults) == 1100);
	assert_false(hits(&event));
	event.now_ns = 1100;
	assert_true(hits(&event));
	assert_false(hits(&event));
	assert_true(emu_faults_deadline(&faults) == UINT64_MAX);
}

static unsigned draw(const char *text, uint32_t slot, unsigned rule, char pattern[1000])
{
	unsigned n = 0;

	start(text, slot);
	for (unsigned i = 0; i < 1000; i++) {
		unsigned at = rule;
		const struct emu_fault_rule *r = emu_faults_next(&faults, &some_packet, &at);

		pattern[i] = r == &faults.plan.rule[rule];
		n += (unsigned)pattern[i];
	}
	return n;
}

/* One seed, one sequence; another for each slot, seed and rule. */
static void chance_repeats(void **state)
{
	static char a[1000], b[1000];
	const unsigned n = draw("seed=5; lose rate=10%", 1, 0, a);

	(void)state;
	assert_in_range(n, 60, 140);
	assert_int_equal(draw("seed=5; lose rate=10%", 1, 0, b), n);
	assert_memory_equal(a, b, sizeof(a));
	draw("seed=5; lose rate=10%; kill", 1, 0, b);
	assert_memory_equal(a, b, sizeof(a));
	draw("seed=6; lose rate=10%", 1, 0, b);
	assert_memory_not_equal(a, b, sizeof(a));
	draw("seed=5; lose rate=10%", 2, 0, b);
	assert_memory_not_equal(a, b, sizeof(a));
	draw("seed=5; lose rate=10%; lose rate=10%", 1, 1, b);
	assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_are_read),
		cmocka_unit_test(what_counts_counts_packets),
		cmocka_unit_test(commands_and_events_are_read),
		cmocka_unit_test(connections_are_read),
		cmocka_unit_test(mistakes_are_shown),
		cmocka_unit_test(zero_bytes_and_too_many_rules),
		cmocka_unit_test(selection),
		cmocka_unit_test(positions),
		cmocka_unit_test(moments_happen_once),
		cmocka_unit_test(chance_repeats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
