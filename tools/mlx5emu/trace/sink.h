/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_TRACE_SINK_H
#define MLX5EMU_TRACE_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Where traces go. Every process of a run appends to the same files; each line and each frame is one
 * write(2), so they never mix. Opened and closed with the first and last user of the engine; nothing else may
 * run meanwhile. Off, tracing is one flag that is read and nothing more.
 */

enum {
	EMU_TRACE_TEXT = 1 << 0,
	EMU_TRACE_FRAMES = 1 << 1,
	EMU_TRACE_LINE = 2048, /* bytes at most; what is longer ends in "..." */
};

extern unsigned emu_trace_sinks; /* EMU_TRACE_* */

static inline bool emu_trace_on(void)
{
	return __builtin_expect(emu_trace_sinks != 0, 0);
}

/*
 * @text: a file, "-" is standard error; @frames: a file that has its section and interfaces already.
 * NULL or "" for neither. -errno.
 */
int emu_trace_open(const char *text, const char *frames);
void emu_trace_close(void);

/* A line under construction. */
struct emu_line {
	char text[EMU_TRACE_LINE];
	size_t size;
};

/* Begins with time and process. */
void emu_line_begin(struct emu_line *line, uint64_t ns);
void emu_line_add(struct emu_line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void emu_line_write(struct emu_line *line);

/* A frame that left by @interface. */
void emu_trace_frame(unsigned interface, uint64_t ns, const uint8_t *frame, size_t size,
		     const char *comment);

#endif
