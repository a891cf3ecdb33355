/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_FAULT_WORDS_H
#define MLX5EMU_FAULT_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

/*
 * The words of a plan and what they can mean; plan.c knows where each belongs. Bytes are read from
 * @at to @end. The first error wins: it sets the place and ends the parse.
 */
struct emu_plan_parser {
	const char *text, *at, *end;
	struct emu_fault_error *error;
	bool failed;
};

struct emu_word {
	const char *at;
	size_t size;
};

/* At @where, once. */
void emu_plan_fail(struct emu_plan_parser *p, const char *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

bool emu_plan_at_separator(const struct emu_plan_parser *p);

/* Comments, too. */
void emu_plan_skip_blanks(struct emu_plan_parser *p);

/* Bytes up to one of the characters that end a word. */
struct emu_word emu_plan_take(struct emu_plan_parser *p);

bool emu_word_is(struct emu_word w, const char *name);

/* For "%.*s": how much of it fits a message. */
int emu_word_shown(struct emu_word w);

/* ---- values; what is none ends the parse, and the result does not count ---- */

uint64_t emu_word_number(struct emu_plan_parser *p, struct emu_word w, uint64_t low, uint64_t high);
uint64_t emu_word_duration(struct emu_plan_parser *p, struct emu_word w);
uint32_t emu_word_rate(struct emu_plan_parser *p, struct emu_word w);
void emu_word_range(struct emu_plan_parser *p, struct emu_word w, struct emu_fault_rule *r);

/* Names with commas between them; @known ends with a NULL name, its first entry says what they are. */
struct emu_word_bits {
	const char *name;
	uint64_t bits;
	const char *what;
};
uint64_t emu_word_list(struct emu_plan_parser *p, struct emu_word w,
		       const struct emu_word_bits *known);

/* The index of @w in @names, or an error that lists them. */
unsigned emu_word_choice(struct emu_plan_parser *p, struct emu_word w, const char *const *names,
			 unsigned n);

#endif
