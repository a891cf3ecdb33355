/* SPDX-License-Identifier: MIT */
/*
 * Each fault of the table at one level of strictness (the argument, which is also that of the run), or
 * the table itself for the manual.
 */
#include "faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MLX5EMU_WEAK
#include "tools/mlx5emu/mlx5emu.h"

static const struct faults *const all[] = {
	&faults_control,   &faults_segments, &faults_memory,
	&faults_doorbells, &faults_receives, &faults_completions,
};

enum { TABLES = sizeof(all) / sizeof(*all) };

static const char *level;

static bool is_level(const char *name)
{
	return strcmp(level, name) == 0;
}

static uint64_t reports(void)
{
	struct mlx5emu_counters c;

	mlx5emu_counters(&c, sizeof(c));
	return c.reports;
}

static bool failed(const struct side *s)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	return ibv_query_qp(s->qp, &attr, IBV_QP_STATE, &init) == 0 &&
	       (attr.qp_state == IBV_QPS_ERR || attr.qp_state == IBV_QPS_SQE);
}

/* What is wrong with what the device made of it, NULL when nothing is. */
static const char *judge(const struct fault *f, struct rig *rig, uint64_t said, const char *text)
{
	const bool strict = is_level("error") || is_level("pedantic");
	const bool breach = f->outcome == BREACH || f->outcome == NOTED ||
			    (f->outcome == PEDANTIC && is_level("pedantic"));

	if (f->outcome == ERROR)
		return said                    ? "an error was taken for a breach" :
		       !strstr(text, f->words) ? "the words are not there" :
		       !failed(&rig->a)        ? "the queue pair goes on" :
						 NULL;
	if (!breach || is_level("off"))
		return said ? "something was reported" : NULL;
	if (said == 0)
		return "nothing was reported";
	if (said > 1 && strict)
		return "more than one thing was reported";
	if (!strstr(text, f->words))
		return "the words are not there";
	if (f->outcome != NOTED && strict && !failed(&rig->a) && !failed(&rig->b))
		return "the queue pair goes on";
	return NULL;
}

static bool run(const struct fault *f)
{
	struct rig rig;
	char text[400];
	const char *wrong;
	uint64_t before;

	rig_open(&rig, f->kind);
	before = reports();
	f->commit(&rig);
	mlx5emu_last_illegal(text, sizeof(text));
	wrong = judge(f, &rig, reports() - before, text);
	rig_close(&rig);
	if (wrong)
		printf("The program %s: %s\n  wanted: %s\n  said:   %s\n", f->what, wrong, f->words,
		       text);
	return !wrong;
}

static int run_all(void)
{
	unsigned n = 0, bad = 0;

	for (unsigned t = 0; t < TABLES; t++) {
		for (unsigned i = 0; i < all[t]->n; i++, n++)
			bad += !run(&all[t]->fault[i]);
	}
	printf("%u faults at level %s, %u not as they should be\n", n, level, bad);
	return bad ? 1 : 0;
}

/* In a table a vertical line ends the cell. */
static int print_table(void)
{
	static const char *const outcomes[] = { "breach", "breach", "pedantic", "error" };
	unsigned n = 0;

	for (unsigned t = 0; t < TABLES; t++) {
		printf("\n### %s\n\n| | The program | What the report says | |\n|--:|---|---|---|\n",
		       all[t]->title);
		for (unsigned i = 0; i < all[t]->n; i++)
			printf("| %u | %s | %s | %s |\n", ++n, all[t]->fault[i].what,
			       all[t]->fault[i].words, outcomes[all[t]->fault[i].outcome]);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--table") == 0)
		return print_table();
	if (argc != 2 || !mlx5emu_step || !mlx5emu_counters || !mlx5emu_last_illegal) {
		fprintf(stderr,
			"usage: mlx5emu run --manual --strict=LEVEL -- %s LEVEL\n"
			"       %s --table\n",
			argv[0], argv[0]);
		return 2;
	}
	level = argv[1];
	return run_all();
}
