/* SPDX-License-Identifier: MIT */
/*
 * Exchange through the connection manager: the listening and the connecting side.
 */
#include <sys/socket.h>

#include "error.h"
#include "exchange_cm.h"
#include "exchange_tcp.h"
#include "provider.h"
#include "recovery.h"
#include "route.h"

#define PAUSE_NS (50 * BV_MSEC)
#define BACKLOG 32
/* One attempt to resolve: the connection manager's own patience, in ms. */
#define RESOLVE_MS 2000

/* IBTA volume 1, 12.6.7.2: the peer's program said no. */
#define REJECTED_BY_CONSUMER 28

/* -EPROTO and a text, if the peer gave one, are worth more than its refusal. */
static int refused(const struct bvi_cm_event *event)
{
	struct bvi_cm_told told;
	int rc;

	if (event->type != RDMA_CM_EVENT_REJECTED || event->status != REJECTED_BY_CONSUMER)
		return 1;
	rc = bvi_cm_decode(event->bytes, event->size, &told);
	return rc < 0 && rc != -EBADMSG ?
		       rc :
		       bvi_fail(-ECONNABORTED, "exchange: the peer refused the connection");
}

/* 0; 1 try again; -errno. */
static int expect(struct bvi_cm *cm, enum rdma_cm_event_type wanted, struct bvi_cm_event *event)
{
	int rc;

	rc = bvi_cm_next(cm, event);
	if (rc == -ETIMEDOUT)
		return bvi_fail(rc, "exchange: no peer answered at %s in time (waiting for %s)",
				cm->text, rdma_event_str(wanted));
	if (rc < 0 || event->type == wanted)
		return rc;
	switch (event->type) {
	case RDMA_CM_EVENT_ADDR_ERROR:
	case RDMA_CM_EVENT_ROUTE_ERROR:
		/* -ENODEV and the like will not change; a peer that is booting will. */
		if (event->status == -ETIMEDOUT || event->status == -EHOSTUNREACH)
			return 1;
		return bvi_fail(event->status < 0 ? event->status : -EADDRNOTAVAIL,
				"exchange: no RDMA device reaches %s: %s (%s)", cm->text,
				rdma_event_str(event->type), bvi_errno_text(event->status));
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		return bvi_fail(-ENODEV, "exchange: the device is gone");
	default:
		return refused(event);
	}
}

/* The source address picks the device; only an IP address of it will do. */
static struct sockaddr *source(const struct bvi_cm *cm, struct sockaddr_storage *at)
{
	const struct bv_endpoint *local = &cm->ch->core->local;

	if (local->link_layer != BV_LINK_ETHERNET || local->gid[0] == 0xfe)
		return NULL;
	bvi_gid_to_sockaddr(local->gid, at);
	return (struct sockaddr *)at;
}

static int resolve(struct bvi_cm *cm, struct sockaddr *to)
{
	struct sockaddr_storage from;
	struct sockaddr *at = source(cm, &from);
	struct bvi_cm_event event;
	int rc;

	if (at && at->sa_family != to->sa_family)
		at = NULL;
	if (rdma_resolve_addr(cm->id, at, to, RESOLVE_MS) < 0)
		return bvi_fail(bv_rc(-1), "exchange: %s cannot be resolved: %s", cm->text,
				bvi_errno_text(bv_rc(-1)));
	rc = expect(cm, RDMA_CM_EVENT_ADDR_RESOLVED, &event);
	if (rc == 0)
		rc = bvi_cm_check_device(cm, cm->id);
	if (rc != 0)
		return rc;
	if (rdma_resolve_route(cm->id, RESOLVE_MS) < 0)
		return bvi_fail(bv_rc(-1), "exchange: no route to %s: %s", cm->text,
				bvi_errno_text(bv_rc(-1)));
	return expect(cm, RDMA_CM_EVENT_ROUTE_RESOLVED, &event);
}

static void reject(struct rdma_cm_id *id)
{
	uint8_t bytes[BVI_CM_HEADER + BVI_CM_REASON_MAX];
	const size_t size = bvi_cm_encode_rejection(bv_last_error()->text, bytes);

	/* Best effort: we are leaving anyhow. */
	(void)rdma_reject(id, bytes, (uint8_t)size);
}

/* The answer is here: agree, connect, and let the peer know. */
static int accept_answer(struct bvi_cm *cm, const struct bvi_cm_event *event)
{
	struct bvi_cm_told told;
	int rc;

	rc = bvi_cm_decode(event->bytes, event->size, &told);
	if (rc == 0)
		rc = bvi_cm_fits(&told, cm->data);
	if (rc == 0)
		rc = bvi_cm_adopt(cm, event, &told);
	if (rc < 0) {
		reject(cm->id);
		return rc;
	}
	if (rdma_establish(cm->id) < 0) {
		rc = bvi_fail(bv_rc(-1), "exchange: the connection could not be established: %s",
			      bvi_errno_text(bv_rc(-1)));
		(void)bvi_channel_stop(cm->ch, "its peer did not become ready in the exchange");
		return rc;
	}
	bvi_cm_deliver(&told, cm->data);
	return 0;
}

/* 1: nobody is there yet. */
static int attempt(struct bvi_cm *cm, struct sockaddr *to)
{
	uint8_t told[BVI_CM_PRIVATE];
	struct rdma_conn_param param = bvi_cm_param(cm, told);
	struct bvi_cm_event event;
	int rc;

	rc = resolve(cm, to);
	if (rc != 0)
		return rc;
	if (rdma_connect(cm->id, &param) < 0)
		return bvi_fail(bv_rc(-1), "exchange: rdma_connect: %s", bvi_errno_text(bv_rc(-1)));
	rc = expect(cm, RDMA_CM_EVENT_CONNECT_RESPONSE, &event);
	return rc != 0 ? rc : accept_answer(cm, &event);
}

static int nobody(const struct bvi_cm *cm)
{
	return bvi_fail(-ETIMEDOUT,
			"exchange: nobody to talk to at %s in time: is the peer listening there?",
			cm->text);
}

int bvi_cm_connect(struct bvi_cm *cm, const struct addrinfo *list)
{
	int rc;

	for (;;) {
		for (const struct addrinfo *to = list; to; to = to->ai_next) {
			rc = bvi_cm_create_id(cm);
			if (rc == 0)
				rc = attempt(cm, to->ai_addr);
			if (rc <= 0)
				return rc;
			bvi_cm_destroy_id(cm);
		}
		rc = bvi_exchange_pause(cm->deadline, PAUSE_NS);
		if (rc != 0)
			return rc < 0 ? rc : nobody(cm);
	}
}

/* 0; 1 a stranger, sent away; -errno what is wrong with the peer, which was told. */
static int look_at(struct bvi_cm *cm, const struct bvi_cm_event *event, struct bvi_cm_told *told)
{
	int rc;

	rc = bvi_cm_decode(event->bytes, event->size, told);
	if (rc == -EBADMSG || rc == -ECONNABORTED) {
		(void)rdma_reject(event->id, NULL, 0);
		return 1;
	}
	if (rc == 0)
		rc = bvi_cm_check_device(cm, event->id);
	if (rc == 0)
		rc = bvi_cm_fits(told, cm->data);
	if (rc < 0)
		reject(event->id);
	return rc;
}

static int receive_peer(struct bvi_cm *cm, struct bvi_cm_event *event, struct bvi_cm_told *told)
{
	int rc;

	do {
		rc = bvi_cm_next(cm, event);
		if (rc == -ETIMEDOUT)
			return bvi_fail(rc, "exchange: no peer came to %s in time", cm->text);
		if (rc < 0)
			return rc;
		rc = 1;
		if (event->type != RDMA_CM_EVENT_CONNECT_REQUEST)
			continue;
		rc = look_at(cm, event, told);
		if (rc != 0)
			rdma_destroy_id(event->id);
	} while (rc == 1);
	return rc;
}

static int answer(struct bvi_cm *cm, const struct bvi_cm_event *event,
		  const struct bvi_cm_told *told)
{
	uint8_t bytes[BVI_CM_PRIVATE];
	struct rdma_conn_param param = bvi_cm_param(cm, bytes);
	struct bvi_cm_event last;
	int rc;

	rc = bvi_cm_adopt(cm, event, told);
	if (rc < 0) {
		reject(cm->id);
		return rc;
	}
	if (rdma_accept(cm->id, &param) < 0)
		rc = bvi_fail(bv_rc(-1), "exchange: rdma_accept: %s", bvi_errno_text(bv_rc(-1)));
	else
		rc = expect(cm, RDMA_CM_EVENT_ESTABLISHED, &last);
	if (rc == 1)
		rc = bvi_fail(-ECONNRESET, "exchange: the peer went away (%s)",
			      rdma_event_str(last.type));
	if (rc < 0)
		(void)bvi_channel_stop(cm->ch, "its peer did not become ready in the exchange");
	return rc;
}

int bvi_cm_listen(struct bvi_cm *cm, const struct addrinfo *list)
{
	struct bvi_cm_event event;
	struct bvi_cm_told told;
	int rc;

	rc = bvi_cm_create_id(cm);
	if (rc < 0)
		return rc;
	if (rdma_bind_addr(cm->id, list->ai_addr) < 0 || rdma_listen(cm->id, BACKLOG) < 0)
		return bvi_fail(bv_rc(-1), "exchange: cannot listen on %s: %s", cm->text,
				bvi_errno_text(bv_rc(-1)));
	rc = receive_peer(cm, &event, &told);
	if (rc < 0)
		return rc;
	/* From here on others find nobody, and try again elsewhere or later. */
	bvi_cm_destroy_id(cm);
	cm->id = event.id;
	rc = answer(cm, &event, &told);
	if (rc == 0)
		bvi_cm_deliver(&told, cm->data);
	return rc;
}
