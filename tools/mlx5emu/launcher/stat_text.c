/* SPDX-License-Identifier: MIT */
#include "launcher/stat.h"

#include <string.h>

/* A screen: what fits; how much did not is said on its last line. */
struct screen {
	FILE *out;
	unsigned rows, used, hidden; /* rows 0: all */
	unsigned interval_ms;
};

static bool room(struct screen *s)
{
	if (s->rows == 0 || s->used + 1 < s->rows) {
		s->used++;
		return true;
	}
	s->hidden++;
	return false;
}

static void put_head(struct screen *s)
{
	if (room(s))
		fprintf(s->out, "%-34s %9s %9s %9s %10s %10s %7s %7s %6s %9s %6s%s\n", "",
			"doorbells", "wqes", "receives", "pkts out", "pkts in", "retrans",
			"timeout", "rnr", "cqes", "errors",
			s->interval_ms ? "    wqes/s    pkts/s" : "");
}

static unsigned long long rate(const struct screen *s, uint64_t now, uint64_t then)
{
	return now >= then ? (now - then) * 1000 / s->interval_ms : 0;
}

/* @before: of the same object the last time, or NULL. */
static void put_line(struct screen *s, const char *what, const struct emu_stat_work *w,
		     const struct emu_stat_work *before)
{
	static const struct emu_stat_work none;

	if (!room(s))
		return;
	fprintf(s->out, "%-34.34s %9llu %9llu %9llu %10llu %10llu %7llu %7llu %6llu %9llu %6llu",
		what, (unsigned long long)w->doorbells, (unsigned long long)w->wqes,
		(unsigned long long)w->receives, (unsigned long long)w->packets_sent,
		(unsigned long long)w->packets_received, (unsigned long long)w->retransmissions,
		(unsigned long long)w->timeouts,
		(unsigned long long)(w->rnr_naks_sent + w->rnr_naks_received),
		(unsigned long long)w->cqes, (unsigned long long)w->error_cqes);
	if (!before)
		before = &none;
	if (s->interval_ms)
		fprintf(s->out, " %9llu %9llu", rate(s, w->wqes, before->wqes),
			rate(s, w->packets_sent + w->packets_received,
			     before->packets_sent + before->packets_received));
	fputc('\n', s->out);
}

static const struct emu_stat *same_process(const struct stat_table *before,
					   const struct stat_process *p)
{
	for (size_t i = 0; before && i < before->n; i++) {
		const struct stat_process *q = before->process[i];

		if (q->stat.pid == p->stat.pid && strcmp(q->run, p->run) == 0)
			return &q->stat;
	}
	return NULL;
}

static void put_device(struct screen *s, const struct emu_stat *stat, const struct emu_stat *old,
		       unsigned device)
{
	struct emu_stat_work sum = stat_device_sum(stat, device), then;
	char text[EMU_STAT_NAME + 16];

	if (old)
		then = stat_device_sum(old, device);
	snprintf(text, sizeof(text), "  %s", stat->device[device].name);
	put_line(s, text, &sum, old ? &then : NULL);
	for (unsigned i = 0; i < EMU_STAT_QPS; i++) {
		const struct emu_stat_qp *qp = &stat->qp[i];

		if (!qp->qpn || qp->device != device)
			continue;
		snprintf(text, sizeof(text), "    QP 0x%06x %s %s", qp->qpn,
			 stat_type_name(qp->type), stat_state_name(qp->state));
		put_line(s, text, &qp->work,
			 old && old->qp[i].qpn == qp->qpn ? &old->qp[i].work : NULL);
	}
}

void stat_print_text(FILE *out, const struct stat_table *table, const struct stat_table *before,
		     unsigned interval_ms, unsigned rows)
{
	struct screen s = {
		.out = out,
		.rows = rows,
		.interval_ms = before ? interval_ms : 0,
	};
	const char *run = "";

	if (table->n == 0) {
		fputs("no program with an emulated device is running\n", out);
		return;
	}
	put_head(&s);
	for (size_t i = 0; i < table->n; i++) {
		const struct stat_process *p = table->process[i];
		const struct emu_stat *old = same_process(before, p);

		if (strcmp(run, p->run) != 0 && room(&s))
			fprintf(out, "%s\n", p->run);
		run = p->run;
		if (room(&s))
			fprintf(out, "%s[%d] slot %u, %llu faults, %llu events\n", p->stat.name,
				p->stat.pid, p->stat.slot,
				(unsigned long long)p->stat.counters.faults,
				(unsigned long long)p->stat.counters.async_events);
		for (unsigned d = 0; d < EMU_STAT_DEVICES; d++)
			if (p->stat.device[d].name[0])
				put_device(&s, &p->stat, old, d);
	}
	if (s.hidden)
		fprintf(out, "(%u more lines)\n", s.hidden);
}
