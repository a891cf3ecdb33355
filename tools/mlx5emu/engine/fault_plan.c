/* SPDX-License-Identifier: MIT */
#include "fault.h"
#include "state.h"
#include "timer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The plan in force and what reaches beyond one queue: commands, moments, the ends of rounds. State is
 * emu.fault; the rules and their counts are fault/decide.h's.
 */

static int load(const char *text, char *message, size_t size)
{
	struct emu_fault_plan plan;
	struct emu_fault_error error;

	if (emu_fault_parse(text, strlen(text), &plan, &error) < 0) {
		emu_fault_error_print(&error, message, size);
		return -EINVAL;
	}
	if (!emu.fabric) {
		snprintf(message, size, "no device is open");
		return -ENODEV;
	}
	emu_faults_start(&emu.fault.faults, &plan, emu_fabric_slot(emu.fabric), emu_now_ns());
	emu_fabric_block(emu.fabric, false);
	emu.fault.full_until = 0;
	emu.fault.noted = 0;
	emu.fault.events = 0;
	emu.fault.cm_events = 0;
	emu.fault.active = plan.nrules > 0;
	if (emu.fault.active)
		emu_info("fault plan: %u rules, seed %llu", plan.nrules,
			 (unsigned long long)plan.seed);
	return 0;
}

static void forget_text(void)
{
	free(emu.fault.text);
	emu.fault.text = NULL;
}

int emu_fault_load(const char *text, char *message, size_t size)
{
	const int rc = load(text ? text : "", message, size);

	if (rc == 0)
		forget_text();
	return rc;
}

int emu_fault_start(const char *text, char *message, size_t size)
{
	int rc;

	if (!text)
		text = "";
	if (emu.fault.text && strcmp(emu.fault.text, text) == 0) {
		emu.fault.faults.slot = emu_fabric_slot(emu.fabric);
		emu.fault.active = emu.fault.faults.plan.nrules > 0;
		return 0;
	}
	rc = load(text, message, size);
	if (rc < 0)
		return rc;
	forget_text();
	emu.fault.text = strdup(text); /* without memory it is begun anew the next time */
	return 0;
}

void emu_fault_stop(void)
{
	emu_hold_clear(&emu.fault.hold);
	emu.fault.active = false;
	emu.fault.full_until = 0;
	emu.fault.noted = 0;
	emu.fault.events = 0;
	emu.fault.cm_events = 0;
}

void emu_fault_forget(void)
{
	emu_hold_clear(&emu.fault.hold);
	forget_text();
	emu.fault = (struct emu_fault_state){ .full_until = 0 };
}

/* ---- asking ---- */

/* Whatever a rule asks for that is not the event's own matter. */
static void note(const struct emu_fault_rule *r)
{
	switch (r->action) {
	case EMU_FAULT_KILL:
		(void)raise(SIGKILL);
		break;
	case EMU_FAULT_PORT_DOWN:
	case EMU_FAULT_PORT_UP:
	case EMU_FAULT_FATAL:
		emu.fault.noted |= 1u << r->action;
		break;
	case EMU_FAULT_EVENT:
		emu.fault.noted |= 1u << r->action;
		emu.fault.events |= r->events;
		break;
	case EMU_FAULT_CM_EVENT:
		emu.fault.noted |= 1u << r->action;
		emu.fault.cm_events |= r->events;
		break;
	case EMU_FAULT_FULL:
		emu.fault.full_until = emu_now_ns() + r->for_ns;
		emu.fault.noted |= 1u << r->action;
		break;
	default:
		break;
	}
}

const struct emu_fault_rule *emu_fault_next(const struct emu_fault_event *event, unsigned *at)
{
	const struct emu_fault_rule *r = emu_faults_next(&emu.fault.faults, event, at);

	if (!r)
		return NULL;
	emu.counters.faults++;
	if (event->point == EMU_FAULT_COMMAND)
		emu_debug("fault: %s, command %s", emu_fault_action_name(r->action),
			  emu_fault_command_name(event->command));
	else
		emu_debug("fault: %s, QP 0x%06x PSN %u", emu_fault_action_name(r->action),
			  event->qpn, event->psn);
	note(r);
	return r;
}

bool emu_fault_about(enum emu_fault_point point)
{
	return emu.fault.active && emu_faults_about(&emu.fault.faults, point);
}

/* ---- commands ---- */

static void answer_with(const struct emu_fault_rule *r, struct emu_cm_answer *answer)
{
	*answer = (struct emu_cm_answer){
		.given = true,
		.error = r->cm_error,
		.status = r->cm_error == EMU_FAULT_REJECTED ? (int)r->reason : -r->error,
	};
}

int emu_command_fault(enum emu_fault_command command, struct emu_cm_answer *answer)
{
	struct emu_fault_event event = {
		.point = EMU_FAULT_COMMAND,
		.opcode = EMU_FAULT_OP_ALL,
		.transport = EMU_FAULT_TRANSPORTS,
		.command = command,
	};
	const struct emu_fault_rule *r;
	unsigned at = 0;
	int rc = 0;

	emu_lock();
	if (emu_fault_about(EMU_FAULT_COMMAND)) {
		event.now_ns = emu_now_ns();
		while ((r = emu_fault_next(&event, &at))) {
			if (r->action == EMU_FAULT_FAIL)
				rc = -r->error;
			else if (r->action == EMU_FAULT_CM_ERROR && answer)
				answer_with(r, answer);
		}
		emu_thread_kick();
	}
	emu_unlock();
	return rc;
}

void emu_connections(emu_tell_connections *tell)
{
	emu_lock();
	emu.tell_connections = tell;
	emu_unlock();
}

/* ---- rounds ---- */

static void release(const struct emu_held *held)
{
	if (held->in)
		emu_receive_again(held->data, held->size, held->slot);
	else
		(void)emu_fabric_send(emu.fabric, held->slot, held->data, held->size, true);
}

void emu_fault_release(void)
{
	struct emu_held *held;

	while ((held = emu_hold_take(&emu.fault.hold, UINT64_MAX))) {
		if (!held->in)
			release(held);
		free(held);
	}
}

unsigned emu_fault_begin_round(void)
{
	struct emu_fault_event event = { .point = EMU_FAULT_TIME };
	struct emu_held *held;
	unsigned at = 0, n = 0;

	if (!emu.fault.active && !emu.fault.hold.first && !emu.fault.full_until)
		return 0;
	event.now_ns = emu_now_ns();
	if (emu.fault.full_until && event.now_ns >= emu.fault.full_until) {
		emu.fault.full_until = 0;
		emu_fabric_block(emu.fabric, false);
		n++;
	}
	while ((held = emu_hold_take(&emu.fault.hold, event.now_ns))) {
		release(held);
		free(held);
		n++;
	}
	if (emu_fault_about(EMU_FAULT_TIME))
		while (emu_fault_next(&event, &at))
			n++;
	return n;
}

static bool take_noted(enum emu_fault_action action)
{
	const uint32_t bit = 1u << action;
	const bool noted = emu.fault.noted & bit;

	emu.fault.noted &= ~bit;
	return noted;
}

/* They say that something changed, which a program then asks for: it is what it was. */
static void raise_port_events(struct emu_device *dev)
{
	static const enum emu_event types[] = { EMU_EVENT_LID_CHANGE, EMU_EVENT_PKEY_CHANGE,
						EMU_EVENT_SM_CHANGE, EMU_EVENT_CLIENT_REREGISTER,
						EMU_EVENT_GID_CHANGE };

	for (unsigned i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (emu.fault.events & 1u << i && !dev->fatal)
			emu_raise(dev, types[i], NULL, 1);
}

static void tell_device(struct emu_device *dev)
{
	if (emu.fault.noted & 1u << EMU_FAULT_PORT_DOWN)
		emu_port_change(dev, false);
	if (emu.fault.noted & 1u << EMU_FAULT_PORT_UP)
		emu_port_change(dev, true);
	raise_port_events(dev);
	if (emu.fault.noted & 1u << EMU_FAULT_FATAL)
		emu_device_fatal(dev);
}

unsigned emu_fault_end_round(void)
{
	struct emu_list *node, *following;

	if (!emu.fault.noted)
		return 0;
	if (take_noted(EMU_FAULT_FULL))
		emu_fabric_block(emu.fabric, true);
	emu_list_each(node, following, &emu.devices)
		tell_device(emu_container(node, struct emu_device, node));
	emu.fault.events = 0;
	if (emu.fault.cm_events && emu.tell_connections &&
	    !emu.tell_connections(emu.fault.cm_events)) {
		emu.fault.noted = 1u << EMU_FAULT_CM_EVENT;
		return 1;
	}
	emu.fault.cm_events = 0;
	emu.fault.noted = 0;
	return 1;
}

uint64_t emu_fault_deadline(void)
{
	uint64_t deadline = emu_hold_deadline(&emu.fault.hold), at;

	if (emu.fault.full_until && emu.fault.full_until < deadline)
		deadline = emu.fault.full_until;
	if (!emu_fault_about(EMU_FAULT_TIME))
		return deadline;
	at = emu_faults_deadline(&emu.fault.faults);
	return at < deadline ? at : deadline;
}
