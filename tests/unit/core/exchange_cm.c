/* SPDX-License-Identifier: MIT */
/*
 * Exchange through a connection manager that tells what the test wrote down: each of its calls fails
 * once, and each of its events comes at the wrong time. tests/exchange/cm.c has the real one.
 */
#include "host.h"

#include <errno.h>
#include <rdma/rdma_cma.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/cm_told.h"
#include "core/device.h"

#define EVENTS 8
#define SOON (20 * BV_MSEC)
#define ADDRESS "10.0.0.9:7471"

static struct bv_device *dev;
static struct bv_pd *pd;
static struct bv_channel *ch;

static struct {
	const char *failing; /* this call fails with EIO */
	unsigned int spared; /* so many of these calls succeed before */
	int source_family;   /* of what an address is resolved from; 0: nothing */
	struct rdma_cm_event event[EVENTS];
	unsigned int nevents, next;
	unsigned int channels, ids, unacked, rejects, established;
	struct ibv_device *device; /* that addresses lead to; NULL: none */
	uint8_t port;
	struct rdma_conn_param param;
	uint8_t told[BVI_CM_PRIVATE]; /* the channel's private data */
	uint8_t reason[148];
	uint8_t private_data[EVENTS][64];
	struct ibv_context context; /* librdmacm's own */
} cm;

#define CM(type, name, ...)              \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

static int result(const char *call)
{
	if (!cm.failing || strcmp(cm.failing, call) != 0)
		return 0;
	if (cm.spared > 0) {
		cm.spared--;
		return 0;
	}
	errno = EIO;
	return -1;
}

CM(struct rdma_event_channel *, rdma_create_event_channel, void)
{
	struct rdma_event_channel *channel;

	if (result("rdma_create_event_channel") < 0)
		return NULL;
	channel = malloc(sizeof(*channel));
	channel->fd = eventfd(0, EFD_CLOEXEC);
	cm.channels++;
	return channel;
}

CM(void, rdma_destroy_event_channel, struct rdma_event_channel *channel)
{
	assert_int_equal(cm.ids, 0);
	close(channel->fd);
	free(channel);
	cm.channels--;
}

static struct rdma_cm_id *new_id(void)
{
	struct rdma_cm_id *id = calloc(1, sizeof(*id));

	cm.context.device = cm.device;
	id->verbs = cm.device ? &cm.context : NULL;
	id->port_num = cm.port;
	id->route.addr.addr.ibaddr.sgid.raw[0] = 0x20;
	cm.ids++;
	return id;
}

CM(int, rdma_create_id, struct rdma_event_channel *channel, struct rdma_cm_id **id, void *context,
   enum rdma_port_space ps)
{
	(void)channel;
	(void)context;
	assert_int_equal(ps, RDMA_PS_TCP);
	if (result("rdma_create_id") < 0)
		return -1;
	*id = new_id();
	return 0;
}

CM(int, rdma_destroy_id, struct rdma_cm_id *id)
{
	assert_int_equal(cm.unacked, 0);
	free(id);
	cm.ids--;
	return 0;
}

CM(int, rdma_resolve_addr, struct rdma_cm_id *id, struct sockaddr *src, struct sockaddr *dst,
   int ms)
{
	(void)id;
	assert_true(ms > 0 && (!src || src->sa_family == dst->sa_family));
	cm.source_family = src ? src->sa_family : 0;
	return result("rdma_resolve_addr");
}

CM(int, rdma_resolve_route, struct rdma_cm_id *id, int ms)
{
	(void)id;
	(void)ms;
	return result("rdma_resolve_route");
}

CM(int, rdma_bind_addr, struct rdma_cm_id *id, struct sockaddr *at)
{
	(void)id;
	(void)at;
	return result("rdma_bind_addr");
}

CM(int, rdma_listen, struct rdma_cm_id *id, int backlog)
{
	(void)id;
	(void)backlog;
	return result("rdma_listen");
}

static int keep(const char *call, const struct rdma_conn_param *param)
{
	cm.param = *param;
	assert_int_equal(param->private_data_len, sizeof(cm.told));
	memcpy(cm.told, param->private_data, sizeof(cm.told));
	return result(call);
}

CM(int, rdma_connect, struct rdma_cm_id *id, struct rdma_conn_param *param)
{
	(void)id;
	return keep("rdma_connect", param);
}

CM(int, rdma_accept, struct rdma_cm_id *id, struct rdma_conn_param *param)
{
	(void)id;
	return keep("rdma_accept", param);
}

CM(int, rdma_establish, struct rdma_cm_id *id)
{
	(void)id;
	cm.established++;
	return result("rdma_establish");
}

CM(int, rdma_reject, struct rdma_cm_id *id, const void *data, uint8_t size)
{
	(void)id;
	cm.rejects++;
	memset(cm.reason, 0, sizeof(cm.reason));
	if (size > 0)
		memcpy(cm.reason, data, size);
	return 0;
}

CM(int, rdma_get_cm_event, struct rdma_event_channel *channel, struct rdma_cm_event **event)
{
	(void)channel;
	if (result("rdma_get_cm_event") < 0)
		return -1;
	errno = EAGAIN;
	if (cm.next == cm.nevents)
		return -1;
	*event = &cm.event[cm.next++];
	/* A request comes with an identifier of its own. */
	if ((*event)->event == RDMA_CM_EVENT_CONNECT_REQUEST)
		(*event)->id = new_id();
	cm.unacked++;
	return 0;
}

CM(int, rdma_ack_cm_event, struct rdma_cm_event *event)
{
	(void)event;
	cm.unacked--;
	return 0;
}

CM(int, rdma_init_qp_attr, struct rdma_cm_id *id, struct ibv_qp_attr *attr, int *mask)
{
	(void)id;
	if (result("rdma_init_qp_attr") < 0)
		return -1;
	*mask = IBV_QP_STATE |
		(attr->qp_state == IBV_QPS_RTR ? IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN :
						 IBV_QP_SQ_PSN);
	attr->dest_qp_num = 0x777;
	attr->rq_psn = 0x111111;
	attr->sq_psn = 0x222222;
	attr->path_mtu = IBV_MTU_2048;
	attr->ah_attr.is_global = 1;
	attr->ah_attr.grh.sgid_index = 3;
	return 0;
}

static int setup(void **state)
{
	host_reset(state);
	fake.tick = BV_MSEC;
	memset(&cm, 0, sizeof(cm));
	cm.device = &fake.device[0].ibdev;
	cm.port = 1;
	ch = fake_channel(NULL, &dev, &pd);
	return 0;
}

static int teardown(void **state)
{
	bv_channel_destroy(ch);
	bv_pd_free(pd);
	bv_close(dev);
	assert_int_equal(cm.ids, 0);
	assert_int_equal(cm.channels, 0);
	return host_check(state);
}

#define cm_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static struct rdma_cm_event *coming(enum rdma_cm_event_type type, int status)
{
	struct rdma_cm_event *event = &cm.event[cm.nevents];

	*event = (struct rdma_cm_event){ .event = type, .status = status };
	event->param.conn.responder_resources = 5;
	event->param.conn.initiator_depth = 6;
	cm.nevents++;
	return event;
}

/* The peer's private data: one byte of a blob. */
static uint8_t *telling(enum rdma_cm_event_type type)
{
	const struct bv_endpoint peer = { .mtu = 1024, .ack_timeout = 17, .min_rnr_timer = 12 };
	const struct bv_exchange data = { .blob = "x", .blob_size = 1 };
	uint8_t *bytes = cm.private_data[cm.nevents];
	struct rdma_cm_event *event = coming(type, 0);

	bvi_cm_encode(&peer, &data, bytes);
	event->param.conn.private_data = bytes;
	event->param.conn.private_data_len = BVI_CM_PRIVATE;
	return bytes;
}

static void rejecting(int status, const char *reason, uint8_t version)
{
	uint8_t *bytes = cm.private_data[cm.nevents];
	struct rdma_cm_event *event = coming(RDMA_CM_EVENT_REJECTED, status);

	if (!reason)
		return;
	event->param.conn.private_data_len = (uint8_t)bvi_cm_encode_rejection(reason, bytes);
	event->param.conn.private_data = bytes;
	bytes[2] = version;
}

static void resolved(void)
{
	coming(RDMA_CM_EVENT_ADDR_RESOLVED, 0);
	coming(RDMA_CM_EVENT_ROUTE_RESOLVED, 0);
}

static char blob;
static struct bv_exchange data;

static int meet(enum bv_exchange_role role)
{
	blob = 0;
	data = (struct bv_exchange){ .peer_blob = &blob, .max_peer_blob = 1 };
	return bv_exchange_cm(ch, ADDRESS, role, &data, SOON);
}

static void assert_met(void)
{
	struct bv_channel_info info;

	assert_int_equal(blob, 'x');
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_READY);
	bv_channel_query(ch, &info);
	assert_int_equal(info.peer_qpn, 0x777);
	assert_int_equal(info.mtu, 1024); /* of 4096 here, 2048 on the path, 1024 there */
	assert_int_equal(info.ack_timeout, 17);
	assert_int_equal(info.min_rnr_timer, 16);
	assert_int_equal(info.rd_atomic, 6);
	assert_int_equal(fake.qp_attr[IBV_QPS_RTR].max_dest_rd_atomic, 5);
	assert_int_equal(fake.qp_attr[IBV_QPS_RTR].path_mtu, IBV_MTU_1024);
	assert_int_equal(fake.qp_attr[IBV_QPS_RTS].timeout, 17);
	assert_int_equal(fake.qp_attr[IBV_QPS_RTS].sq_psn, 0x222222);
	assert_int_equal(cm.param.qp_num, 0x1234);
	assert_int_equal(cm.told[0], 'B');
	assert_int_equal(cm.ids, 1);         /* kept as long as the connection */
	assert_int_equal(info.gid[0], 0x20); /* the connection manager's choice */
	assert_int_equal(bv_channel_reset(ch), 0);
	assert_int_equal(cm.ids, 0);
	bv_channel_query(ch, &info);
	assert_int_equal(info.gid[10], 0xff);
}

static void connects(void **state)
{
	(void)state;
	resolved();
	telling(RDMA_CM_EVENT_CONNECT_RESPONSE);
	assert_int_equal(meet(BV_EXCHANGE_CONNECT), 0);
	assert_int_equal(cm.source_family, AF_INET);
	assert_int_equal(cm.established, 1);
	assert_met();
}

/* Our GID says where from to resolve, if it is an address that can reach there. */
static void resolved_from(void **state)
{
	static const char gids[][16] = { "\xfe\x80", "\x20\x01\x0d\xb8" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		memcpy(ch->core->local.gid, gids[i], 16);
		resolved();
		telling(RDMA_CM_EVENT_CONNECT_RESPONSE);
		assert_int_equal(meet(BV_EXCHANGE_CONNECT), 0);
		assert_int_equal(cm.source_family, 0);
		assert_int_equal(bv_channel_reset(ch), 0);
		cm.nevents = cm.next = 0;
	}
	ch->core->local.link_layer = BV_LINK_INFINIBAND;
	cm.failing = "rdma_resolve_addr";
	assert_int_equal(meet(BV_EXCHANGE_CONNECT), -EIO);
	assert_int_equal(cm.source_family, 0);
}

static void listens(void **state)
{
	(void)state;
	telling(RDMA_CM_EVENT_CONNECT_REQUEST);
	coming(RDMA_CM_EVENT_ESTABLISHED, 0);
	assert_int_equal(meet(BV_EXCHANGE_LISTEN), 0);
	assert_met();
}

static void assert_fails(enum bv_exchange_role role, const char *const *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		cm.failing = calls[i];
		cm.next = 0;
		assert_int_equal(meet(role), -EIO);
		assert_int_equal(bv_last_error()->code, -EIO);
		assert_int_equal(cm.ids, 0);
		if (bv_channel_state(ch) == BV_CHANNEL_ERROR)
			assert_int_equal(bv_channel_reset(ch), 0);
	}
	cm.failing = NULL;
	cm.next = 0;
	assert_int_equal(meet(role), 0);
}

static void each_call_fails(void **state)
{
	static const char *const connecting[] = {
		"rdma_create_event_channel", "rdma_create_id", "rdma_resolve_addr",
		"rdma_resolve_route",        "rdma_connect",   "rdma_get_cm_event",
		"rdma_init_qp_attr",         "rdma_establish"
	};
	static const char *const listening[] = {
		"rdma_create_event_channel", "rdma_create_id",    "rdma_bind_addr", "rdma_listen",
		"rdma_get_cm_event",         "rdma_init_qp_attr", "rdma_accept"
	};

	(void)state;
	resolved();
	telling(RDMA_CM_EVENT_CONNECT_RESPONSE);
	assert_fails(BV_EXCHANGE_CONNECT, connecting, 8);
	assert_int_equal(bv_channel_reset(ch), 0);
	cm.nevents = 0;
	telling(RDMA_CM_EVENT_CONNECT_REQUEST);
	coming(RDMA_CM_EVENT_ESTABLISHED, 0);
	assert_fails(BV_EXCHANGE_LISTEN, listening, 7);
}

static void descriptors_fail(void **state)
{
	(void)state;
	host_fail(HOST_FCNTL, 1, EBADF);
	assert_int_equal(meet(BV_EXCHANGE_CONNECT), -EBADF);
	assert_text("the event channel cannot be made non-blocking");
	host_fail(HOST_POLL, 1, ENOMEM);
	assert_int_equal(meet(BV_EXCHANGE_LISTEN), -ENOMEM);
	assert_text("cannot wait");
	cm.failing = "rdma_init_qp_attr";
	cm.spared = 1; /* RTR is told, RTS is not */
	resolved();
	telling(RDMA_CM_EVENT_CONNECT_RESPONSE);
	assert_int_equal(meet(BV_EXCHANGE_CONNECT), -EIO);
	assert_int_equal(cm.rejects, 1);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_PREPARED);
	cm.failing = "rdma_listen";
	assert_int_equal(meet(BV_EXCHANGE_LISTEN), -EIO);
	assert_text("cannot listen on " ADDRESS);
}

static void queue_pair_fails(void **state)
{
	(void)state;
	resolved();
	telling(RDMA_CM_EVENT_CONNECT_RESPONSE);
	fake.modify_errno[IBV_QPS_RTR] = EINVAL;
	assert_int_equal(meet(BV_EXCHANGE_CONNECT), -EINVAL);
	assert_int_equal(cm.rejects, 1);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_ERROR);
	assert_int_equal(bv_channel_reset(ch), 0);
	fake.modify_errno[IBV_QPS_RTR] = 0;
	fake.modify_errno[IBV_QPS_RTS] = EIO;
	cm.nevents = cm.next = 0;
	telling(RDMA_CM_EVENT_CONNECT_REQUEST);
	assert_int_equal(meet(BV_EXCHANGE_LISTEN), -EIO);
	assert_int_equal(cm.rejects, 2);
}

/* Nobody listens, the peer boots, the network forgets: tried again until the deadline. */
static void tries_again(void **state)
{
	(void)state;
	resolved();
	rejecting(8, NULL, 0);
	assert_int_equal(meet(BV_EXCHANGE_CONNECT), -ETIMEDOUT);
	cm.nevents = cm.next = 0;
	coming(RDMA_CM_EVENT_ADDR_ERROR, -ETIMEDOUT);
	coming(RDMA_CM_EVENT_ADDR_RESOLVED, 0);
	coming(RDMA_CM_EVENT_ROUTE_ERROR, -EHOSTUNREACH);
	resolved();
	telling(RDMA_CM_EVENT_CONNECT_RESPONSE);
	data = (struct bv_exchange){ .peer_blob = &blob, .max_peer_blob = 1 };
	assert_int_equal(bv_exchange_cm(ch, ADDRESS, BV_EXCHANGE_CONNECT, &data, BV_SEC), 0);
}

static void nobody_listens(void **state)
{
	(void)state;
	host.rests = true;
	resolved();
	rejecting(8, NULL, 0);
	assert_int_equal(meet(BV_EXCHANGE_CONNECT), -ETIMEDOUT);
	assert_text("nobody to talk to at " ADDRESS " in time");
	cm.nevents = cm.next = 0;
	resolved();
	rejecting(8, NULL, 0);
	host_fail(HOST_POLL, 1, ENOMEM);
	assert_int_equal(meet(BV_EXCHANGE_CONNECT), -ENOMEM);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_PREPARED);
}

static void refused(int code, const char *text)
{
	assert_int_equal(meet(BV_EXCHANGE_CONNECT), code);
	assert_text(text);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_PREPARED);
	cm.nevents = cm.next = 0;
}

static void refusals(void **state)
{
	(void)state;
	resolved();
	rejecting(28, "no room", BV_EXCHANGE_VERSION);
	refused(-ECONNABORTED, "the peer gave up: no room");
	resolved();
	rejecting(28, "no room", 9);
	refused(-EPROTO, "version 9; this library has version 1");
	resolved();
	rejecting(28, NULL, 0);
	refused(-ECONNABORTED, "refused the connection");
	coming(RDMA_CM_EVENT_ADDR_ERROR, -ENODEV);
	refused(-ENODEV, "no RDMA device reaches " ADDRESS);
	coming(RDMA_CM_EVENT_ADDR_ERROR, 5);
	refused(-EADDRNOTAVAIL, "no RDMA device reaches " ADDRESS);
	resolved();
	telling(RDMA_CM_EVENT_REJECTED);
	cm.event[2].status = 28;
	refused(-ECONNABORTED, "refused the connection");
	cm.device = NULL;
	resolved();
	refused(-EADDRNOTAVAIL, "is reached by device none, port 1");
	cm.device = &fake.device[0].ibdev;
	cm.port = 2;
	resolved();
	refused(-EADDRNOTAVAIL, "is reached by device mlx5_0, port 2; the channel is on mlx5_0");
	cm.port = 1;
	coming(RDMA_CM_EVENT_DEVICE_REMOVAL, 0);
	refused(-ENODEV, "the device is gone");
	cm.device = &fake.device[2].ibdev;
	resolved();
	refused(-EADDRNOTAVAIL, "is reached by device rxe0, port 1; the channel is on mlx5_0");
	cm.device = &fake.device[0].ibdev;
	resolved();
	telling(RDMA_CM_EVENT_CONNECT_RESPONSE)[2] = 7;
	refused(-EPROTO, "version 7");
	assert_int_equal(cm.rejects, 1);
}

static void strangers(void **state)
{
	(void)state;
	telling(RDMA_CM_EVENT_CONNECT_REQUEST)[0] = 'X';
	rejecting(0, "not yet", BV_EXCHANGE_VERSION);
	cm.event[1].event = RDMA_CM_EVENT_CONNECT_REQUEST;
	coming(RDMA_CM_EVENT_CONNECT_REQUEST, 0);
	coming(RDMA_CM_EVENT_ADDR_CHANGE, 0);
	telling(RDMA_CM_EVENT_CONNECT_REQUEST);
	coming(RDMA_CM_EVENT_ESTABLISHED, 0);
	assert_int_equal(meet(BV_EXCHANGE_LISTEN), 0);
	assert_int_equal(cm.rejects, 3);
	assert_met();
}

/* The peer is told what was wrong with it. */
static void unfit_peers(void **state)
{
	(void)state;
	telling(RDMA_CM_EVENT_CONNECT_REQUEST)[2] = 3;
	assert_int_equal(meet(BV_EXCHANGE_LISTEN), -EPROTO);
	assert_int_equal(cm.reason[2], BV_EXCHANGE_VERSION);
	cm.nevents = cm.next = 0;
	telling(RDMA_CM_EVENT_CONNECT_REQUEST);
	assert_int_equal(bv_exchange_cm(ch, ADDRESS, BV_EXCHANGE_LISTEN, NULL, SOON), -EMSGSIZE);
	assert_non_null(strstr((char *)cm.reason + BVI_CM_HEADER, "0 regions and 1 bytes"));
	cm.nevents = cm.next = 0;
	cm.device = &fake.device[2].ibdev;
	telling(RDMA_CM_EVENT_CONNECT_REQUEST);
	assert_int_equal(meet(BV_EXCHANGE_LISTEN), -EADDRNOTAVAIL);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_PREPARED);
	assert_int_equal(cm.rejects, 3);
}

static void gone_before_established(void **state)
{
	(void)state;
	telling(RDMA_CM_EVENT_CONNECT_REQUEST);
	coming(RDMA_CM_EVENT_DISCONNECTED, 0);
	assert_int_equal(meet(BV_EXCHANGE_LISTEN), -ECONNRESET);
	assert_text("the peer went away");
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_ERROR);
	assert_int_equal(bv_channel_reset(ch), 0);
	cm.nevents = cm.next = 0;
	telling(RDMA_CM_EVENT_CONNECT_REQUEST);
	assert_int_equal(meet(BV_EXCHANGE_LISTEN), -ETIMEDOUT);
	assert_text("waiting for RDMA_CM_EVENT_ESTABLISHED");
	assert_int_equal(bv_channel_reset(ch), 0);
	cm.nevents = cm.next = 0;
	assert_int_equal(meet(BV_EXCHANGE_LISTEN), -ETIMEDOUT);
	assert_text("no peer came to " ADDRESS);
}

static void arguments(void **state)
{
	const struct bv_exchange much = { .blob = ADDRESS, .blob_size = 49 };
	struct bv_exchange copy = much;

	(void)state;
	assert_int_equal(bv_exchange_cm(NULL, ADDRESS, BV_EXCHANGE_LISTEN, NULL, 0), -EINVAL);
	assert_int_equal(bv_exchange_cm(ch, "10.0.0.9", BV_EXCHANGE_LISTEN, NULL, 0), -EINVAL);
	assert_int_equal(bv_exchange_cm(ch, ADDRESS, (enum bv_exchange_role)2, NULL, 0), -EINVAL);
	assert_int_equal(bv_exchange_cm(ch, ADDRESS, BV_EXCHANGE_LISTEN, &copy, 0), -EMSGSIZE);
	fake.calloc_in = 1;
	assert_int_equal(bv_exchange_cm(ch, ADDRESS, BV_EXCHANGE_LISTEN, NULL, 0), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cm_test(connects),        cm_test(listens),
		cm_test(each_call_fails), cm_test(queue_pair_fails),
		cm_test(tries_again),     cm_test(refusals),
		cm_test(resolved_from),   cm_test(descriptors_fail),
		cm_test(nobody_listens),  cm_test(strangers),
		cm_test(unfit_peers),     cm_test(gone_before_established),
		cm_test(arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
