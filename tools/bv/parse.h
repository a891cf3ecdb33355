/* SPDX-License-Identifier: MIT */
/* Values on the command line. Each returns 0, or -EINVAL with its text; nothing else is written. */
#ifndef BV_TOOLS_BV_PARSE_H
#define BV_TOOLS_BV_PARSE_H

#include <stddef.h>
#include <stdint.h>

/* "8", "4K", "1M", "2G" (powers of 1024): at most @max. @what names the value in the text. */
int parse_size(const char *text, const char *what, uint64_t max, uint64_t *value);

/* "100", "5000": @min..@max. */
int parse_count(const char *text, const char *what, uint64_t min, uint64_t max, uint64_t *value);

/* --port, and --gid-index. */
int parse_port(const char *text, uint8_t *port);
int parse_gid_index(const char *text, int *index);

/* "2", "0.5s", "300ms", "50us": above 0, at most a day. */
int parse_time(const char *text, const char *what, int64_t *ns);

/* "8,64,1K": 1..@max_items sizes, each at most @max. */
int parse_sizes(const char *text, const char *what, uint64_t max, uint32_t *list, size_t max_items,
		size_t *nlist);

/*
 * "verbs,mlx5": 1..@max_items words of 1..15 letters, digits, '_' or '-', each at most once, into
 * rows of 16 bytes.
 */
int parse_words(const char *text, const char *what, char (*list)[16], size_t max_items,
		size_t *nlist);

#endif
