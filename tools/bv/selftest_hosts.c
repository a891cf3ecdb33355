/* SPDX-License-Identifier: MIT */
/* The host that runs the tests and reports. */
#include "selftest_hosts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bareverbs/common.h>

#include "control.h"
#include "error.h"
#include "selftest.h"

#define CONNECT_NS (10 * BV_SEC)
/* The listener opens its device for each provider before it answers. */
#define ANSWER_NS (60 * BV_SEC)
/* The listener tells of a process that ended at once; a busy one, soon. */
#define EVENT_NS (10 * BV_SEC)

struct selftest_hosts {
	int fd;
};

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static bool has_provider(const json_t *answer, const char *name)
{
	const json_t *list = json_object_get(answer, "providers");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *other = json_string_value(json_array_get(list, i));

		if (other != NULL && strcmp(other, name) == 0)
			return true;
	}
	return false;
}

/* A provider of --provider that the other host lacks is an error, another is left out. */
static int common_providers(struct selftest *selftest, const json_t *answer)
{
	struct selection *selection = &selftest->selection;
	uint32_t n = 0;

	for (uint32_t i = 0; i < selection->nproviders; i++) {
		if (!has_provider(answer, selection->provider[i])) {
			if (selftest->options->where.nproviders > 0)
				return fail(-EOPNOTSUPP,
					    "the other host cannot use provider %s on its device",
					    selection->provider[i]);
			continue;
		}
		memmove(selection->provider[n++], selection->provider[i],
			sizeof(selection->provider[0]));
	}
	selection->nproviders = n;
	return n > 0 ? 0 : fail(-EOPNOTSUPP, "no provider can be used on both hosts");
}

static int take_answer(struct selftest *selftest, const json_t *answer)
{
	const char *token = text_of(answer, "token");

	if (text_of(answer, "error")[0] != '\0')
		return fail(-EPROTONOSUPPORT, "the other host refuses: %s",
			    text_of(answer, "error"));
	if (token[0] == '\0' || strcspn(token, " \n") != strlen(token))
		return fail(-EPROTO, "the other host does not speak as bv selftest does");
	snprintf(selftest->peer, sizeof(selftest->peer), "%.300s %u %.64s", selftest->options->host,
		 selftest->options->tcp_port, token);
	selftest->peer_facts = json_incref(json_object_get(answer, "facts"));
	return common_providers(selftest, answer);
}

static int greet(struct selftest *selftest, int fd)
{
	json_t *answer;
	int rc;

	rc = control_send(fd, json_pack("{s:i, s:s}", "selftest", 1, "version",
					selftest->suite_version));
	if (rc == 0)
		rc = control_recv(fd, ANSWER_NS, &answer);
	if (rc < 0)
		return rc;
	rc = take_answer(selftest, answer);
	json_decref(answer);
	return rc;
}

int selftest_hosts_connect(struct selftest *selftest)
{
	const struct selftest_options *options = selftest->options;
	struct selftest_hosts *hosts = calloc(1, sizeof(*hosts));
	int rc;

	if (hosts == NULL)
		return fail(-ENOMEM, "out of memory");
	rc = hosts->fd = control_connect(options->host, options->tcp_port, CONNECT_NS);
	if (rc >= 0)
		rc = greet(selftest, hosts->fd);
	if (rc == 0) {
		selftest->hosts = hosts;
		return 0;
	}
	if (hosts->fd >= 0)
		close(hosts->fd);
	free(hosts);
	return rc;
}

bool selftest_hosts_event(const struct selftest_hosts *hosts, bool gone, char *text, size_t size)
{
	json_t *message;

	/* It comes from the same accident as the failure, by another way. */
	if (control_recv(hosts->fd, gone ? EVENT_NS : BV_SEC / 4, &message) < 0)
		return false;
	snprintf(text, size, "on the other host: %s", text_of(message, "event"));
	json_decref(message);
	return true;
}

void selftest_hosts_end(struct selftest *selftest)
{
	struct selftest_hosts *hosts = selftest->hosts;

	if (hosts == NULL)
		return;
	control_send(hosts->fd,
		     json_pack("{s:s, s:i, s:i, s:i, s:i}", "done", selftest_outcome(selftest),
			       "passed", (int)selftest_count(selftest, SELFTEST_PASSED), "failed",
			       (int)selftest_count(selftest, SELFTEST_FAILED), "skipped",
			       (int)selftest_count(selftest, SELFTEST_SKIPPED), "not_run",
			       (int)selftest_count(selftest, SELFTEST_NOT_RUN)));
	close(hosts->fd);
	free(hosts);
	selftest->hosts = NULL;
}
