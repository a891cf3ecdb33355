/* SPDX-License-Identifier: MIT */
/*
 * The host that listens: one thread, one loop. A connection is a stranger until its first line is whole:
 * either the greeting of a session, while there is none, or the session's token, and then the socket
 * goes to a process of its own. The session ends with its control connection, and the command with it.
 */
#include "selftest_hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bareverbs/common.h>

#include "child.h"
#include "clock.h"
#include "control.h"
#include "error.h"
#include "selftest.h"

#define STRANGERS_MAX 8
#define SERVERS_MAX 16
#define STRANGER_NS (5 * BV_SEC)
#define LINE_MAX_BYTES 1024
#define TOKEN_BYTES 16
/* How often the ends of processes are looked for. */
#define TICK_MS 100

struct stranger {
	int fd; /* -1: this place is free */
	int64_t deadline;
	char line[LINE_MAX_BYTES];
	size_t used;
};

struct listener {
	struct selftest *selftest;
	json_t *facts;
	int fd;
	int control; /* -1: no session */
	char token[2 * TOKEN_BYTES + 1];
	struct stranger strangers[STRANGERS_MAX];
	pid_t servers[SERVERS_MAX]; /* 0: this place is free */
	int status;                 /* of the command; -1 while it goes on */
};

static bool new_token(char *token)
{
	unsigned char bytes[TOKEN_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return false;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		snprintf(token + 2 * i, 3, "%02x", bytes[i]);
	return true;
}

static void dismiss(struct stranger *stranger)
{
	close(stranger->fd);
	stranger->fd = -1;
}

static _Noreturn void become_server(const struct selftest *selftest, int fd)
{
	char number[16], port[16], gid[16];
	char path[sizeof(selftest->suite)], device[sizeof(selftest->selection.device)];
	char device_option[] = "--device", port_option[] = "--port", gid_option[] = "--gid-index",
	     serve[] = "--serve";
	char *const argv[] = { path,       device_option, device, port_option, port,
			       gid_option, gid,           serve,  number,      NULL };

	memcpy(path, selftest->suite, sizeof(path));
	memcpy(device, selftest->selection.device, sizeof(device));
	snprintf(number, sizeof(number), "%d", fd);
	snprintf(port, sizeof(port), "%u", selftest->options->where.port);
	snprintf(gid, sizeof(gid), "%d", selftest->options->where.gid_index);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fcntl(fd, F_SETFD, 0);
	fcntl(fd, F_SETFL, 0); /* it waits for each request */
	execv(path, argv);
	fprintf(stderr, "bv selftest: cannot run %s: %s\n", path, strerror(errno));
	_exit(127);
}

static void start_server(struct listener *listener, struct stranger *stranger)
{
	for (unsigned i = 0; i < SERVERS_MAX; i++) {
		if (listener->servers[i] != 0)
			continue;
		fflush(NULL);
		listener->servers[i] = fork();
		if (listener->servers[i] == 0)
			become_server(listener->selftest, stranger->fd);
		if (listener->servers[i] < 0)
			listener->servers[i] = 0;
		break;
	}
	dismiss(stranger);
}

static json_t *provider_list(const struct selection *selection)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < selection->nproviders; i++)
		json_array_append_new(list, json_string(selection->provider[i]));
	return list;
}

static void refuse(struct stranger *stranger, const char *why)
{
	printf("refused a host: %s\n", why);
	control_send(stranger->fd, json_pack("{s:s}", "error", why));
	dismiss(stranger);
}

/* The stranger becomes the session. */
static void begin_session(struct listener *listener, struct stranger *stranger)
{
	const struct selftest *selftest = listener->selftest;

	if (!new_token(listener->token)) {
		refuse(stranger, "the kernel has no random numbers yet");
		return;
	}
	fcntl(stranger->fd, F_SETFL, 0);
	if (control_send(stranger->fd, json_pack("{s:s, s:o, s:O}", "token", listener->token,
						 "providers", provider_list(&selftest->selection),
						 "facts", listener->facts)) < 0) {
		dismiss(stranger);
		return;
	}
	control_keep_alive(stranger->fd);
	listener->control = stranger->fd;
	stranger->fd = -1;
	printf("the other host is there, and runs the tests\n");
}

static void greeted(struct listener *listener, struct stranger *stranger)
{
	json_t *greeting = json_loadb(stranger->line, stranger->used, 0, NULL);
	const char *version = json_string_value(json_object_get(greeting, "version"));
	char why[1024];

	if (version == NULL) {
		dismiss(stranger);
	} else if (strcmp(version, listener->selftest->suite_version) != 0) {
		snprintf(why, sizeof(why),
			 "both hosts need the same build; the one that listens has\n"
			 "    %.300s\n  and the one that connects has\n    %.300s",
			 listener->selftest->suite_version, version);
		refuse(stranger, why);
	} else if (listener->control >= 0) {
		refuse(stranger, "another host is being served");
	} else {
		begin_session(listener, stranger);
	}
	json_decref(greeting);
}

/* Of a length that does not depend on where they differ. */
static bool is_token(const struct listener *listener, const struct stranger *stranger)
{
	const size_t length = sizeof(listener->token) - 1;
	unsigned char differ = 0;

	if (listener->control < 0 || stranger->used != length + 1)
		return false;
	for (size_t i = 0; i < length; i++)
		differ |= (unsigned char)(listener->token[i] ^ stranger->line[i]);
	return differ == 0;
}

/* Takes no byte behind the line's end: those are for the server. */
static void hear(struct listener *listener, struct stranger *stranger)
{
	ssize_t n;

	do {
		n = recv(stranger->fd, stranger->line + stranger->used, 1, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		stranger->used += n > 0;
		if (n <= 0 || stranger->used == sizeof(stranger->line)) {
			dismiss(stranger);
			return;
		}
	} while (stranger->line[stranger->used - 1] != '\n');
	if (stranger->line[0] == '{')
		greeted(listener, stranger);
	else if (is_token(listener, stranger))
		start_server(listener, stranger);
	else
		dismiss(stranger);
}

static void accept_one(struct listener *listener)
{
	const int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (unsigned i = 0; fd >= 0 && i < STRANGERS_MAX; i++) {
		if (listener->strangers[i].fd >= 0)
			continue;
		listener->strangers[i].fd = fd;
		listener->strangers[i].used = 0;
		listener->strangers[i].deadline = clock_ns() + STRANGER_NS;
		return;
	}
	if (fd >= 0)
		close(fd);
}

static int count_of(const json_t *message, const char *name)
{
	return (int)json_integer_value(json_object_get(message, name));
}

/* The other host says what it came to, or is gone. */
static void end_session(struct listener *listener)
{
	json_t *message;

	if (control_recv(listener->control, BV_SEC, &message) < 0) {
		printf("the other host ended before it said what the tests came to\n");
		listener->status = EXIT_NOT_RUN;
		return;
	}
	printf("the other host has finished: %d passed, %d failed, %d skipped, %d not run\n",
	       count_of(message, "passed"), count_of(message, "failed"),
	       count_of(message, "skipped"), count_of(message, "not_run"));
	listener->status = count_of(message, "failed") > 0  ? EXIT_FAILED :
			   count_of(message, "not_run") > 0 ? EXIT_NOT_RUN :
							      EXIT_OK;
	json_decref(message);
}

/* Tests kill processes on purpose; what else ends one is told to the other host. */
static void reap_servers(struct listener *listener)
{
	for (unsigned i = 0; i < SERVERS_MAX; i++) {
		char ended[128], text[256];
		int status;

		if (listener->servers[i] == 0 ||
		    waitpid(listener->servers[i], &status, WNOHANG) != listener->servers[i])
			continue;
		listener->servers[i] = 0;
		if (status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
			continue;
		child_status_text(status, ended, sizeof(ended));
		snprintf(text, sizeof(text), "the process of a test %s", ended);
		printf("%s\n", text);
		if (listener->control >= 0)
			control_send(listener->control, json_pack("{s:s}", "event", text));
	}
}

static void turn(struct listener *listener)
{
	struct pollfd entries[STRANGERS_MAX + 2];

	for (unsigned i = 0; i < STRANGERS_MAX; i++)
		entries[i] = (struct pollfd){ .fd = listener->strangers[i].fd, .events = POLLIN };
	entries[STRANGERS_MAX] = (struct pollfd){ .fd = listener->control, .events = POLLIN };
	entries[STRANGERS_MAX + 1] = (struct pollfd){ .fd = listener->fd, .events = POLLIN };
	if (poll(entries, STRANGERS_MAX + 2, TICK_MS) < 0)
		return;
	for (unsigned i = 0; i < STRANGERS_MAX; i++) {
		struct stranger *stranger = &listener->strangers[i];

		if (stranger->fd >= 0 && entries[i].revents != 0)
			hear(listener, stranger);
		if (stranger->fd >= 0 && clock_ns() > stranger->deadline)
			dismiss(stranger);
	}
	reap_servers(listener);
	if (entries[STRANGERS_MAX].revents != 0)
		end_session(listener);
	if (entries[STRANGERS_MAX + 1].revents != 0)
		accept_one(listener);
}

static void close_all(struct listener *listener)
{
	for (unsigned i = 0; i < SERVERS_MAX; i++) {
		if (listener->servers[i] == 0)
			continue;
		kill(listener->servers[i], SIGKILL);
		waitpid(listener->servers[i], NULL, 0);
	}
	for (unsigned i = 0; i < STRANGERS_MAX; i++)
		if (listener->strangers[i].fd >= 0)
			dismiss(&listener->strangers[i]);
	if (listener->control >= 0)
		close(listener->control);
	close(listener->fd);
	json_decref(listener->facts);
}

int selftest_listen(struct selftest *selftest)
{
	struct listener listener = { .selftest = selftest, .control = -1, .status = -1 };
	uint16_t port = selftest->options->tcp_port;

	for (unsigned i = 0; i < STRANGERS_MAX; i++)
		listener.strangers[i].fd = -1;
	listener.fd = control_listen(&port);
	if (listener.fd < 0)
		return listener.fd;
	listener.facts = selftest_facts(selftest);
	printf("%s is ready: `bv selftest THIS-HOST --tcp-port %u` on the other host\n"
	       "  until then anybody who reaches that port can run the tests on the device; Ctrl-C "
	       "ends it\n",
	       selftest->selection.device, port);
	while (listener.status < 0 && !selftest_interrupted()) {
		fflush(stdout);
		turn(&listener);
	}
	close_all(&listener);
	return listener.status < 0 ? EXIT_NOT_RUN : listener.status;
}
