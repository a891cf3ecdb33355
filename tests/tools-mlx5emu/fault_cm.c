/* SPDX-License-Identifier: MIT */
/*
 * Faults of the connection manager, met by a program of librdmacm: each command refused, each answer
 * of a network that does not work, and what comes to connections by itself. And what their options do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tools/mlx5emu/fault/plan.h"
#include "tools/mlx5emu/mlx5emu.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <rdma/rdma_cma.h>

enum { WAIT_MS = 5000, QUIET_MS = 20, NO_EVENT = -1 };

/* Both ends of a connection; of one that was not made, NULL. */
static struct {
	struct rdma_event_channel *server, *client;
	struct rdma_cm_id *listener, *active, *passive;
	struct rdma_event_channel *spare; /* where a migration leads to */
	struct sockaddr_in address;
	int status; /* of the last event */
} f;

static void plan(const char *text)
{
	int (*set)(const char *, char *, size_t);
	void *symbol = dlsym(RTLD_DEFAULT, "mlx5emu_fault_plan");
	char wrong[400];

	assert_non_null(symbol);
	memcpy(&set, &symbol, sizeof(set));
	if (set(text, wrong, sizeof(wrong)) < 0)
		fail_msg("%s: %s", text, wrong);
}

/* ---- steps: 0, or -1 with errno ---- */

/* The next event, of which only the kind and the status are kept; EPROTO is another one. */
static int expect(struct rdma_event_channel *channel, enum rdma_cm_event_type type,
		  struct rdma_cm_id **id)
{
	struct pollfd p = { .fd = channel->fd, .events = POLLIN };
	struct rdma_cm_event *event;
	bool same;

	if (poll(&p, 1, WAIT_MS) != 1)
		fail_msg("no event where %s should come", rdma_event_str(type));
	if (rdma_get_cm_event(channel, &event) < 0)
		return -1;
	same = event->event == type;
	f.status = event->status;
	if (id)
		*id = same ? event->id : NULL;
	rdma_ack_cm_event(event);
	errno = EPROTO;
	return same ? 0 : -1;
}

/* rdma_destroy_id(), also where the plan has it fail. */
static int destroy(struct rdma_cm_id **id)
{
	struct rdma_cm_id *gone = *id;
	int rc;

	if (!gone)
		return 0;
	*id = NULL;
	if (gone->qp)
		rdma_destroy_qp(gone);
	rc = rdma_destroy_id(gone);
	if (rc < 0) {
		const int error = errno;

		assert_int_equal(rdma_destroy_id(gone), 0);
		errno = error;
	}
	return rc;
}

static int listen_there(void)
{
	f.address =
		(struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(0x0a4d0001) } };
	if (rdma_create_id(f.server, &f.listener, NULL, RDMA_PS_TCP) < 0 ||
	    rdma_bind_addr(f.listener, (struct sockaddr *)&f.address) < 0 ||
	    rdma_listen(f.listener, 4) < 0)
		return -1;
	f.address.sin_port = rdma_get_src_port(f.listener);
	return 0;
}

static int resolve(enum rdma_port_space ps)
{
	uint8_t tos = 1;

	if (rdma_create_id(f.client, &f.active, NULL, ps) < 0 ||
	    rdma_set_option(f.active, RDMA_OPTION_ID, RDMA_OPTION_ID_TOS, &tos, sizeof(tos)) < 0 ||
	    rdma_resolve_addr(f.active, NULL, (struct sockaddr *)&f.address, 1000) < 0)
		return -1;
	return expect(f.client, RDMA_CM_EVENT_ADDR_RESOLVED, NULL);
}

static int make_qp(struct rdma_cm_id *id)
{
	struct ibv_qp_init_attr attr = { .cap = { 4, 4, 1, 1, 0 }, .qp_type = id->qp_type };

	return rdma_create_qp(id, NULL, &attr);
}

static int route(void)
{
	if (rdma_resolve_route(f.active, 1000) < 0 ||
	    expect(f.client, RDMA_CM_EVENT_ROUTE_RESOLVED, NULL) < 0)
		return -1;
	return make_qp(f.active);
}

static int request(void)
{
	struct rdma_conn_param param = { .retry_count = 7 };

	return rdma_connect(f.active, &param) < 0 ?
		       -1 :
		       expect(f.server, RDMA_CM_EVENT_CONNECT_REQUEST, &f.passive);
}

/* What the other side waits for has come by then, which a handler in the kernel says to the server. */
static int accept_it(void)
{
	struct rdma_conn_param param = { .retry_count = 7 };

	if (make_qp(f.passive) < 0 || rdma_accept(f.passive, &param) < 0 ||
	    expect(f.client, RDMA_CM_EVENT_ESTABLISHED, NULL) < 0 ||
	    expect(f.server, RDMA_CM_EVENT_ESTABLISHED, NULL) < 0)
		return -1;
	return rdma_notify(f.passive, IBV_EVENT_COMM_EST);
}

static int part(void)
{
	if (rdma_disconnect(f.active) < 0 ||
	    expect(f.client, RDMA_CM_EVENT_DISCONNECTED, NULL) < 0 ||
	    expect(f.server, RDMA_CM_EVENT_DISCONNECTED, NULL) < 0)
		return -1;
	return 0;
}

/* ---- whole lives, in which each command occurs ---- */

static int connection(void)
{
	if (listen_there() < 0 || resolve(RDMA_PS_TCP) < 0 || route() < 0 || request() < 0 ||
	    accept_it() < 0 || part() < 0)
		return -1;
	return destroy(&f.active) < 0 || destroy(&f.passive) < 0 || destroy(&f.listener) < 0 ? -1 :
											       0;
}

static int rejection(void)
{
	if (listen_there() < 0 || resolve(RDMA_PS_TCP) < 0 || route() < 0 || request() < 0 ||
	    rdma_reject(f.passive, NULL, 0) < 0)
		return -1;
	return expect(f.client, RDMA_CM_EVENT_REJECTED, NULL);
}

static struct sockaddr_in group_address = {
	.sin_family = AF_INET,
};

static int join(void)
{
	group_address.sin_addr.s_addr = htonl(0xef010101);
	return rdma_join_multicast(f.active, (struct sockaddr *)&group_address, NULL);
}

static int leave(void)
{
	return rdma_leave_multicast(f.active, (struct sockaddr *)&group_address);
}

static int group(void)
{
	f.address = (struct sockaddr_in){ .sin_family = AF_INET,
					  .sin_port = htons(7),
					  .sin_addr = { htonl(0x0a4d0001) } };
	if (resolve(RDMA_PS_UDP) < 0 || make_qp(f.active) < 0 || join() < 0 ||
	    expect(f.client, RDMA_CM_EVENT_MULTICAST_JOIN, NULL) < 0)
		return -1;
	return leave();
}

static int migration(void)
{
	if (rdma_create_id(f.client, &f.active, NULL, RDMA_PS_TCP) < 0)
		return -1;
	return rdma_migrate_id(f.active, f.spare);
}

/* ---- one test after the other, whatever became of the last ---- */

static int set_up(void **state)
{
	(void)state;
	f.server = rdma_create_event_channel();
	f.client = rdma_create_event_channel();
	f.spare = rdma_create_event_channel();
	return f.server && f.client && f.spare ? 0 : -1;
}

static void clear(void)
{
	plan("");
	assert_int_equal(destroy(&f.active), 0);
	assert_int_equal(destroy(&f.passive), 0);
	assert_int_equal(destroy(&f.listener), 0);
}

static int tear_down(void **state)
{
	(void)state;
	clear();
	rdma_destroy_event_channel(f.server);
	rdma_destroy_event_channel(f.client);
	rdma_destroy_event_channel(f.spare);
	return 0;
}

static const struct {
	const char *name;
	int (*life)(void);
} calls[] = {
	{ "create-id", connection },     { "destroy-id", connection },
	{ "bind-addr", connection },     { "resolve-addr", connection },
	{ "resolve-route", connection }, { "query-route", connection },
	{ "connect", connection },       { "listen", connection },
	{ "accept", connection },        { "reject", rejection },
	{ "disconnect", connection },    { "init-qp-attr", connection },
	{ "get-event", connection },     { "set-option", connection },
	{ "notify", connection },        { "join-multicast", group },
	{ "leave-multicast", group },    { "migrate-id", migration },
};

static bool has_call(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (strcmp(calls[i].name, name) == 0)
			return true;
	return false;
}

static void test_all_are_here(void **state)
{
	(void)state;
	for (unsigned i = EMU_FAULT_CREATE_ID; i < EMU_FAULT_COMMANDS; i++)
		if (!has_call(emu_fault_command_name((enum emu_fault_command)i)))
			fail_msg("no test refuses %s",
				 emu_fault_command_name((enum emu_fault_command)i));
}

static void test_commands(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		char text[100];
		int rc;

		snprintf(text, sizeof(text), "fail command=%s error=EACCES nth=1", calls[i].name);
		plan(text);
		errno = 0;
		rc = calls[i].life();
		if (rc == 0 || errno != EACCES)
			fail_msg("%s: %d, errno %d", text, rc, errno);
		clear();
		if (calls[i].life() != 0)
			fail_msg("after %s: %s", text, strerror(errno));
		clear();
	}
}

/* ---- answers: the command succeeds, and then its event says what the network did ---- */

static void expect_status(enum rdma_cm_event_type type, int status)
{
	if (expect(f.client, type, NULL) < 0)
		fail_msg("not %s", rdma_event_str(type));
	assert_int_equal(f.status, status);
}

/* An address and a route can be asked for again. */
static void test_resolution(void **state)
{
	(void)state;
	assert_int_equal(listen_there(), 0);
	plan("cm-error type=addr-error count=1; cm-error type=route-error error=EHOSTUNREACH nth=1");
	assert_int_equal(resolve(RDMA_PS_TCP), -1);
	assert_int_equal(errno, EPROTO);
	assert_int_equal(f.status, -ETIMEDOUT);
	assert_int_equal(rdma_resolve_addr(f.active, NULL, (struct sockaddr *)&f.address, 1000), 0);
	expect_status(RDMA_CM_EVENT_ADDR_RESOLVED, 0);
	assert_int_equal(rdma_resolve_route(f.active, 1000), 0);
	expect_status(RDMA_CM_EVENT_ROUTE_ERROR, -EHOSTUNREACH);
	assert_int_equal(route(), 0);
}

/* The peer hears nothing of it. */
static void test_answers(void **state)
{
	static const struct {
		const char *plan;
		enum rdma_cm_event_type type;
		int status;
	} answers[] = {
		{ "cm-error type=unreachable", RDMA_CM_EVENT_UNREACHABLE, -ETIMEDOUT },
		{ "cm-error type=unreachable error=ENETUNREACH", RDMA_CM_EVENT_UNREACHABLE,
		  -ENETUNREACH },
		{ "cm-error type=rejected", RDMA_CM_EVENT_REJECTED, 28 },
		{ "cm-error type=rejected reason=10", RDMA_CM_EVENT_REJECTED, 10 },
	};
	struct pollfd p = { .fd = f.server->fd, .events = POLLIN };

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		struct rdma_conn_param param = { .retry_count = 7 };

		assert_int_equal(listen_there(), 0);
		assert_int_equal(resolve(RDMA_PS_TCP), 0);
		assert_int_equal(route(), 0);
		plan(answers[i].plan);
		assert_int_equal(rdma_connect(f.active, &param), 0);
		expect_status(answers[i].type, answers[i].status);
		assert_int_equal(poll(&p, 1, QUIET_MS), 0);
		clear();
	}
	assert_int_equal(connection(), 0);
}

/* CONNECT_ERROR is librdmacm's own word, for a queue pair that it cannot move. */
static void test_connect_error(void **state)
{
	struct rdma_conn_param param = { .retry_count = 7 };

	(void)state;
	assert_int_equal(listen_there(), 0);
	assert_int_equal(resolve(RDMA_PS_TCP), 0);
	assert_int_equal(route(), 0);
	assert_int_equal(request(), 0);
	plan("fail command=modify-qp nth=5"); /* four times while it is accepted */
	assert_int_equal(make_qp(f.passive), 0);
	assert_int_equal(rdma_accept(f.passive, &param), 0);
	expect_status(RDMA_CM_EVENT_CONNECT_ERROR, -1);
}

static void test_datagrams(void **state)
{
	struct rdma_conn_param param = { .private_data_len = 0 };

	(void)state;
	f.address = (struct sockaddr_in){ .sin_family = AF_INET,
					  .sin_port = htons(7),
					  .sin_addr = { htonl(0x0a4d0001) } };
	assert_int_equal(resolve(RDMA_PS_UDP), 0);
	assert_int_equal(route(), 0);
	plan("cm-error type=multicast-error error=EIO count=1; cm-error type=rejected");
	assert_int_equal(join(), 0);
	expect_status(RDMA_CM_EVENT_MULTICAST_ERROR, -EIO);
	assert_int_equal(leave(), 0);
	assert_int_equal(rdma_connect(f.active, &param), 0);
	expect_status(RDMA_CM_EVENT_UNREACHABLE, 2); /* IBA vol 1 table 123: rejected */
}

/* ---- what comes by itself ---- */

static void connected(void)
{
	assert_int_equal(listen_there(), 0);
	assert_int_equal(resolve(RDMA_PS_TCP), 0);
	assert_int_equal(route(), 0);
	assert_int_equal(request(), 0);
	assert_int_equal(accept_it(), 0);
}

/* Both ends are of this process here; an address of the listener is one of the device's, too. */
static void test_events(void **state)
{
	(void)state;
	connected();
	plan("cm-event type=addr-change; cm-event type=disconnected at=10ms");
	assert_int_equal(expect(f.server, RDMA_CM_EVENT_ADDR_CHANGE, NULL), 0);
	assert_int_equal(expect(f.server, RDMA_CM_EVENT_ADDR_CHANGE, NULL), 0);
	expect_status(RDMA_CM_EVENT_ADDR_CHANGE, 0);
	expect_status(RDMA_CM_EVENT_DISCONNECTED, 0);
	assert_int_equal(expect(f.server, RDMA_CM_EVENT_DISCONNECTED, NULL), 0);
}

/* What is left is to destroy everything, and to begin again. */
static void test_removal(void **state)
{
	struct rdma_cm_id *told[2];
	struct rdma_conn_param param = { .retry_count = 7 };

	(void)state;
	connected();
	plan("cm-event type=device-removal command=set-option");
	assert_int_equal(rdma_set_option(f.active, RDMA_OPTION_ID, RDMA_OPTION_ID_TOS,
					 &(uint8_t){ 1 }, 1),
			 0);
	expect_status(RDMA_CM_EVENT_DEVICE_REMOVAL, 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(expect(f.server, RDMA_CM_EVENT_DEVICE_REMOVAL, &told[i]), 0);
	assert_true((told[0] == f.listener && told[1] == f.passive) ||
		    (told[1] == f.listener && told[0] == f.passive));
	assert_int_equal(rdma_connect(f.active, &param), -1);
	assert_int_equal(errno, EINVAL);
	clear();
	assert_int_equal(connection(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* ---- options ---- */

static void expect_attributes(struct rdma_cm_id *id, uint8_t timeout, uint8_t traffic_class)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	assert_int_equal(ibv_query_qp(id->qp, &attr, IBV_QP_TIMEOUT | IBV_QP_AV, &init), 0);
	assert_int_equal(attr.timeout, timeout);
	assert_int_equal(attr.ah_attr.grh.traffic_class, traffic_class);
}

/* The traffic class is the path's, so both sides'; the time-out is that of who asks for it. */
static void test_options(void **state)
{
	uint8_t timeout = 21, tos = 0x60;

	(void)state;
	assert_int_equal(listen_there(), 0);
	assert_int_equal(resolve(RDMA_PS_TCP), 0);
	assert_int_equal(rdma_set_option(f.active, RDMA_OPTION_ID, RDMA_OPTION_ID_TOS, &tos, 1), 0);
	assert_int_equal(rdma_set_option(f.active, RDMA_OPTION_ID, RDMA_OPTION_ID_ACK_TIMEOUT,
					 &timeout, 1),
			 0);
	assert_int_equal(rdma_set_option(f.active, RDMA_OPTION_ID, RDMA_OPTION_ID_TOS, &tos, 4),
			 -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(route(), 0);
	assert_int_equal(request(), 0);
	assert_int_equal(accept_it(), 0);
	expect_attributes(f.active, timeout, tos);
	expect_attributes(f.passive, 18, tos);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_are_here),
		TEST(test_commands),
		TEST(test_resolution),
		TEST(test_answers),
		TEST(test_connect_error),
		TEST(test_datagrams),
		TEST(test_events),
		TEST(test_removal),
		TEST(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
