/* SPDX-License-Identifier: MIT */
/*
 * A side in another process. It is the same program started anew, so it inherits no open device,
 * and it talks over a socket pair: one request, one reply.
 */
#ifndef TESTS_CONFORM_REMOTE_H
#define TESTS_CONFORM_REMOTE_H

#include "local.h"

/* The argument that makes the program a server; its value is the socket. */
#define REMOTE_ARGUMENT "--serve"

int remote_start(const char *program, int *fd, pid_t *pid);
/* 0 and *@rep is filled, or -EPIPE. */
int remote_call(int fd, const struct request *req, struct reply *rep);
bool remote_alive(int fd);
/* Closing the socket ends the server; whether its exit status was 0. */
bool remote_stop(int fd, pid_t pid);
void remote_kill(int fd, pid_t pid);

#endif
