/* SPDX-License-Identifier: MIT */
/*
 * A side in another process: the same program started anew, so it inherits no open device. It runs on
 * this host behind a socket pair, or on another behind `bv selftest --listen`, which starts one for each
 * connection that says its token. Either way the socket carries one request, then one reply, as plain
 * memory: bv holds the output of --version of both hosts against each other first.
 */
#ifndef TESTS_CONFORM_REMOTE_H
#define TESTS_CONFORM_REMOTE_H

#include "local.h"

/* @pid is 0 for a process of another host. */
int remote_start(const char *program, int *fd, pid_t *pid);
/* options.peer. Return: 0, -EDESTADDRREQ (it names nobody), -errno. */
int remote_connect(const char *peer, int *fd);
/* 0 and *@rep is filled, or -EPIPE. */
int remote_call(int fd, const struct request *req, struct reply *rep);
bool remote_alive(int fd);
/* Closing the socket ends the server; whether its exit status was 0, as far as it can be known. */
bool remote_stop(int fd, pid_t pid);
/* It gets SIGKILL, and is gone when the call returns. */
void remote_kill(int fd, pid_t pid);
/* What must be equal on both hosts, one line. */
void remote_print_version(void);

#endif
