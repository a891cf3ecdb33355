/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_LOG_H
#define MLX5EMU_ENGINE_LOG_H

#include <stdbool.h>

/*
 * One line per call, written with a single write(2) so that lines of several processes never mix.
 * "mlx5emu[<pid>] <level>: <text>". Levels are those of emu_run_config.log_level.
 */
enum emu_log_level {
	EMU_LOG_NONE,
	EMU_LOG_ERROR, /* the device cannot do what it should */
	EMU_LOG_WARN,  /* the program did something that hardware would refuse */
	EMU_LOG_INFO,  /* objects and states */
	EMU_LOG_DEBUG, /* work requests, completions, retries */
	EMU_LOG_TRACE, /* every packet */
};

extern enum emu_log_level emu_log_limit;

/* -errno when @path cannot be appended to; NULL is stderr. */
int emu_log_open(int level, const char *path);
void emu_log_close(void);

void emu_log_line(enum emu_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same to @path (NULL: stderr), for who has no device open and so no log. */
void emu_log_apart(const char *path, enum emu_log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with @more, whole lines of their own, below it; "" for none. */
void emu_log_block(enum emu_log_level level, const char *text, const char *more);

static inline bool emu_log_on(enum emu_log_level level)
{
	return level <= emu_log_limit;
}

#define emu_log(level, ...)                               \
	do {                                              \
		if (emu_log_on(level))                    \
			emu_log_line(level, __VA_ARGS__); \
	} while (0)

#define emu_error(...) emu_log(EMU_LOG_ERROR, __VA_ARGS__)
#define emu_warn(...) emu_log(EMU_LOG_WARN, __VA_ARGS__)
#define emu_info(...) emu_log(EMU_LOG_INFO, __VA_ARGS__)
#define emu_debug(...) emu_log(EMU_LOG_DEBUG, __VA_ARGS__)
#define emu_trace(...) emu_log(EMU_LOG_TRACE, __VA_ARGS__)

#endif
