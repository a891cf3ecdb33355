/* SPDX-License-Identifier: MIT */
/*
 * Exchange through the connection manager (librdmacm). It resolves the peer's address, carries queue pair
 * and packet numbers, and says which path to take; our queue pair is moved along with what it says
 * (rdma_init_qp_attr), and not by librdmacm, which knows of none.
 *
 *	connecting side				listening side
 *	REQ  ---------------------------->	to RTR and RTS
 *	to RTR and RTS	<----------------- REP
 *	RTU  ---------------------------->	ESTABLISHED: both are ready
 *
 * The connection's identifier lives as long as the connection: destroying it tells the peer that it ended.
 */
#include "exchange_cm.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "error.h"
#include "exchange.h"
#include "exchange_tcp.h"
#include "pd.h"
#include "provider.h"
#include "stream.h"

static int fail_call(const char *call)
{
	const int rc = bv_rc(-1);

	return bvi_fail(rc, "exchange: %s: %s", call, bvi_errno_text(rc));
}

int bvi_cm_open(struct bvi_cm *cm)
{
	cm->events = rdma_create_event_channel();
	if (!cm->events) {
		const int rc = bv_rc(-1);

		return bvi_fail(
			rc == -ENOENT ? -ENODEV : rc,
			"exchange: the connection manager is not there (%s): load the kernel "
			"module rdma_ucm, and let this process open /dev/infiniband/rdma_cm",
			bvi_errno_text(rc));
	}
	if (fcntl(cm->events->fd, F_SETFL, O_NONBLOCK) < 0)
		return fail_call("the event channel cannot be made non-blocking");
	return 0;
}

int bvi_cm_create_id(struct bvi_cm *cm)
{
	return rdma_create_id(cm->events, &cm->id, NULL, RDMA_PS_TCP) < 0 ?
		       fail_call("rdma_create_id") :
		       0;
}

void bvi_cm_destroy_id(struct bvi_cm *cm)
{
	if (cm->id)
		rdma_destroy_id(cm->id);
	cm->id = NULL;
}

void bvi_cm_close(struct bvi_cm *cm)
{
	bvi_cm_destroy_id(cm);
	if (cm->events)
		rdma_destroy_event_channel(cm->events);
	cm->events = NULL;
}

int bvi_cm_next(struct bvi_cm *cm, struct bvi_cm_event *out)
{
	struct pollfd entry = { .fd = cm->events->fd, .events = POLLIN };
	struct rdma_cm_event *event;
	int rc;

	while (rdma_get_cm_event(cm->events, &event) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return fail_call("rdma_get_cm_event");
		rc = bvi_stream_wait(&entry, 1, cm->deadline);
		if (rc < 0)
			return rc;
		if (rc == 0)
			return -ETIMEDOUT;
	}
	*out = (struct bvi_cm_event){
		.type = event->event,
		.status = event->status,
		.id = event->id,
		.size = event->param.conn.private_data ? event->param.conn.private_data_len : 0,
		.responder_resources = event->param.conn.responder_resources,
		.initiator_depth = event->param.conn.initiator_depth,
	};
	if (out->size > 0)
		memcpy(out->bytes, event->param.conn.private_data, out->size);
	rdma_ack_cm_event(event);
	return 0;
}

/* rdma_get_cm_event(3): the event's depths are those that its receiver may use. */
int bvi_cm_adopt(struct bvi_cm *cm, const struct bvi_cm_event *event,
		 const struct bvi_cm_told *told)
{
	struct bvi_connection connection = {
		.rtr.qp_state = IBV_QPS_RTR,
		.rts.qp_state = IBV_QPS_RTS,
		.peer = {
			.mtu = told->mtu,
			.responder_depth = event->initiator_depth,
			.initiator_depth = event->responder_resources,
			.ack_timeout = told->ack_timeout,
			.min_rnr_timer = told->min_rnr_timer,
			.gid_type = cm->ch->core->local.gid_type,
		},
	};

	if (rdma_init_qp_attr(cm->id, &connection.rtr, &connection.rtr_mask) < 0 ||
	    rdma_init_qp_attr(cm->id, &connection.rts, &connection.rts_mask) < 0)
		return fail_call("rdma_init_qp_attr");
	memcpy(connection.local_gid, &cm->id->route.addr.addr.ibaddr.sgid, 16);
	return bvi_channel_adopt(cm->ch, &connection);
}

struct rdma_conn_param bvi_cm_param(const struct bvi_cm *cm, uint8_t bytes[BVI_CM_PRIVATE])
{
	const struct bvi_channel_core *core = cm->ch->core;

	bvi_cm_encode(&core->local, cm->data, bytes);
	return (struct rdma_conn_param){
		.private_data = bytes,
		.private_data_len = BVI_CM_PRIVATE,
		.responder_resources = core->local.responder_depth,
		.initiator_depth = core->local.initiator_depth,
		.retry_count = core->attr.retry,
		.rnr_retry_count = core->attr.rnr_retry,
		.qp_num = core->qp->qp_num,
	};
}

int bvi_cm_check_device(const struct bvi_cm *cm, const struct rdma_cm_id *id)
{
	const char *ours = cm->ch->core->pd->device->name;
	const char *its = id->verbs ? ibv_get_device_name(id->verbs->device) : "none";

	if (strcmp(ours, its) != 0 || id->port_num != cm->ch->core->attr.port)
		return bvi_fail(
			-EADDRNOTAVAIL,
			"exchange: %s is reached by device %s, port %u; the channel is on %s, "
			"port %u",
			cm->text, its, id->port_num, ours, cm->ch->core->attr.port);
	return 0;
}

static void release(void *kept)
{
	struct bvi_cm *cm = kept;
	struct bvi_channel_core *core = cm->ch->core;

	core->gid_index = cm->gid_index;
	memcpy(core->local.gid, cm->gid, sizeof(cm->gid));
	bvi_cm_close(cm);
	free(cm);
}

int bv_exchange_cm(struct bv_channel *ch, const char *address, enum bv_exchange_role role,
		   struct bv_exchange *data, int64_t timeout_ns)
{
	const int64_t deadline = bvi_deadline_after(timeout_ns).at;
	struct bv_exchange nothing = { 0 };
	struct addrinfo *list;
	struct bvi_cm *cm;
	int rc;

	rc = bvi_exchange_check(ch, data);
	if (rc < 0)
		return rc;
	rc = bvi_cm_check(data ? data : &nothing);
	if (rc < 0)
		return rc;
	rc = bvi_exchange_locate(address, role, &list);
	if (rc < 0)
		return rc;
	cm = calloc(1, sizeof(*cm));
	if (!cm) {
		freeaddrinfo(list);
		return bvi_fail(-ENOMEM, "exchange: no memory");
	}
	*cm = (struct bvi_cm){
		.ch = ch,
		.data = data ? data : &nothing,
		.text = address,
		.deadline = deadline,
		.gid_index = ch->core->gid_index,
	};
	memcpy(cm->gid, ch->core->local.gid, sizeof(cm->gid));
	rc = bvi_cm_open(cm);
	if (rc == 0)
		rc = role == BV_EXCHANGE_LISTEN ? bvi_cm_listen(cm, list) :
						  bvi_cm_connect(cm, list);
	freeaddrinfo(list);
	if (rc < 0) {
		release(cm);
		return rc;
	}
	ch->core->connection = cm;
	ch->core->connection_release = release;
	return 0;
}
