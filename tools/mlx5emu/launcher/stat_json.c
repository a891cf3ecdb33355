/* SPDX-License-Identifier: MIT */
#include "launcher/stat.h"

#include <string.h>

static void put_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (*c < ' ' || *c > '~')
			fprintf(out, "\\u%04x", *c);
		else
			fputc(*c, out);
	}
	fputc('"', out);
}

static void put_work(FILE *out, const struct emu_stat_work *work)
{
	for (unsigned i = 0; i < STAT_FIELDS; i++)
		fprintf(out, ",\"%s\":%llu", stat_fields[i].name, stat_value(work, i));
}

static void put_qp(FILE *out, const struct emu_stat_qp *qp)
{
	fprintf(out, "{\"qpn\":%u,\"type\":\"%s\",\"state\":\"%s\",\"peer\":%u", qp->qpn,
		stat_type_name(qp->type), stat_state_name(qp->state), qp->peer);
	put_work(out, &qp->work);
	fputc('}', out);
}

static void put_device(FILE *out, const struct emu_stat *stat, unsigned device)
{
	const struct emu_stat_work sum = stat_device_sum(stat, device);
	const char *separator = "";

	fputs("{\"name\":", out);
	put_string(out, stat->device[device].name);
	put_work(out, &sum);
	fputs(",\"qps\":[", out);
	for (unsigned i = 0; i < EMU_STAT_QPS; i++) {
		if (!stat->qp[i].qpn || stat->qp[i].device != device)
			continue;
		fputs(separator, out);
		put_qp(out, &stat->qp[i]);
		separator = ",";
	}
	fputs("]}", out);
}

#define COUNTER(member)                                            \
	{                                                          \
#member, offsetof(struct mlx5emu_counters, member) \
	}

/* Those of a process that are not sums over its queue pairs. */
static const struct {
	const char *name;
	size_t offset;
} counters[] = {
	COUNTER(arms),
	COUNTER(illegal_wqes),
	COUNTER(comp_events),
	COUNTER(async_events),
	COUNTER(datagrams_sent),
	COUNTER(datagrams_received),
	COUNTER(datagrams_dropped),
	COUNTER(sequence_naks),
	COUNTER(rnr_naks),
	COUNTER(remote_naks),
	COUNTER(faults),
	COUNTER(ownership_errors),
	COUNTER(reports),
};

static void put_process(FILE *out, const struct emu_stat *stat)
{
	const char *separator = "";

	fprintf(out, "{\"pid\":%d,\"name\":", stat->pid);
	put_string(out, stat->name);
	fprintf(out, ",\"slot\":%u", stat->slot);
	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++) {
		uint64_t value;

		memcpy(&value, (const char *)&stat->counters + counters[i].offset, sizeof(value));
		fprintf(out, ",\"%s\":%llu", counters[i].name, (unsigned long long)value);
	}
	fputs(",\"devices\":[", out);
	for (unsigned i = 0; i < EMU_STAT_DEVICES; i++) {
		if (stat->device[i].name[0] == '\0')
			continue;
		fputs(separator, out);
		put_device(out, stat, i);
		separator = ",";
	}
	fputs("]}", out);
}

void stat_print_json(FILE *out, const struct stat_table *table)
{
	const char *run = "";

	fputs("{\"runs\":[", out);
	for (size_t i = 0; i < table->n; i++) {
		const struct stat_process *p = table->process[i];

		if (strcmp(run, p->run) != 0) {
			fprintf(out, "%s{\"directory\":", i ? "]}," : "");
			put_string(out, p->run);
			fputs(",\"processes\":[", out);
			run = p->run;
		} else {
			fputc(',', out);
		}
		put_process(out, &p->stat);
	}
	fputs(table->n ? "]}]}\n" : "]}\n", out);
}
