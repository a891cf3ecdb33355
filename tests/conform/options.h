/* SPDX-License-Identifier: MIT */
/* What the command line says; constant afterwards. */
#ifndef TESTS_CONFORM_OPTIONS_H
#define TESTS_CONFORM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum topology {
	TOPOLOGY_LOOPBACK,
	TOPOLOGY_PAIR,
	TOPOLOGY_PROCESS,
};

struct options {
	const char *program;
	const char *device; /* NULL: the only one */
	uint8_t port;
	int gid_index; /* BV_GID_AUTO: by rule */
	const char *provider;
	const char *peer_provider;
	const char *peer; /* "HOST PORT TOKEN" of a `bv selftest --listen`; NULL: on this host */
	enum topology topology;
	unsigned races;       /* of arming a queue and completing a work */
	unsigned completions; /* BV_COMPLETIONS_* of every channel */
	bool reduced;         /* under a slow tool: fewer repetitions, the same cases */
};

extern struct options options;

#endif
