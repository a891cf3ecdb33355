/* SPDX-License-Identifier: MIT */
/*
 * The JSON file of a command. It is opened before anything runs, so that a wrong path costs
 * nothing, and holds one object: {"schema": 1, "tool": ..., ...}.
 */
#ifndef BV_TOOLS_BV_JSON_OUT_H
#define BV_TOOLS_BV_JSON_OUT_H

#include <stdio.h>

#include <jansson.h>

#define JSON_OUT_SCHEMA 1

struct json_out {
	const char *path;
	FILE *file;
};

/* "-" is standard output. Return: 0, or -errno with its text. */
int json_out_open(struct json_out *out, const char *path);

/*
 * Writes @root, takes its reference, and closes; NULL is memory that ran out.
 * Return: 0, or -errno with its text.
 */
int json_out_write(struct json_out *out, json_t *root);

/* Closes without writing. */
void json_out_close(struct json_out *out);

/* {"schema", "tool", "version", "library"}, to be added to; NULL without memory. */
json_t *json_out_root(const char *tool);

/* The root with "error", what fail_text() says; NULL without memory. */
json_t *json_out_failure(const char *tool);

/* {"cpu", "cpus", "clock", ...}: the machine that figures come from; NULL without memory. */
json_t *json_out_host(void);

#endif
