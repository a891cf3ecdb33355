/* SPDX-License-Identifier: MIT */
/*
 * bv selftest between two hosts. One connection, the control, lives as long as the session; over it
 * both say who they are, and the listener gives a token out. Each half of a test on the listener's side is a
 * process of its own behind a connection that begins with the token. The listener trusts nobody else:
 * other connections are closed, and requests of the session are held against bounds by bv-conform.
 */
#ifndef BV_TOOLS_BV_SELFTEST_HOSTS_H
#define BV_TOOLS_BV_SELFTEST_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

struct selftest;
struct selftest_hosts;

/*
 * To options->host: sets the peer and its facts, and leaves the providers that both can use, those of
 * --provider all. Return: 0, or -errno with its text: -EPROTONOSUPPORT another version.
 */
int selftest_hosts_connect(struct selftest *selftest);
/*
 * What happened on the other host since the last call: true and one line, or false. @gone: something did,
 * and it is waited for.
 */
bool selftest_hosts_event(const struct selftest_hosts *hosts, bool gone, char *text, size_t size);
/* Tells the other host what it came to, and ends the session; NULL hosts are fine. */
void selftest_hosts_end(struct selftest *selftest);

/* selftest_listen.c: serves one session. The exit status of the command. */
int selftest_listen(struct selftest *selftest);

#endif
