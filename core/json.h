/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing flat JSON objects with a fixed set of members, on jansson.
 */
#ifndef BV_CORE_JSON_H
#define BV_CORE_JSON_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* Parses one object; 0, -EBADMSG or -ENOMEM with its text. @what is for texts: "endpoint". */
int bvi_json_load(const char *what, const char *text, size_t length, json_t **object);

/* -EBADMSG if @object has a member that is not one of the @count names. */
int bvi_json_only(const char *what, const json_t *object, const char *const *names, size_t count);

/* An integer member within [min, max], else -EBADMSG. */
int bvi_json_uint(const char *what, const json_t *object, const char *name, uint64_t min,
		  uint64_t max, uint64_t *value);

/* Likewise, and it may be a string of hexadecimal digits after "0x": numbers end at INT64_MAX. */
int bvi_json_uint64(const char *what, const json_t *object, const char *name, uint64_t *value);

/* A string member, else -EBADMSG; the string is the object's. */
int bvi_json_string(const char *what, const json_t *object, const char *name, const char **value);

/* Writes @object on one line and drops it; the length, -ENOSPC or -ENOMEM (@object is NULL). */
int bvi_json_dump(const char *what, json_t *object, char *text, size_t size);

#endif
