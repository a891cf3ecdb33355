/* SPDX-License-Identifier: MIT */
/* Identifiers and what their sockets bring: the states of a connection. */
#include "cm/cm.h"

#include "uverbs/evfile.h"
#include "uverbs/libc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_IDS = 65536, REJ_CONSUMER = 28 }; /* IBA vol 1 table 111 "REJ reason codes" */

static struct emu_cm_id **ids;
static uint32_t nids;

static int grow(void)
{
	const uint32_t size = nids ? 2 * nids : 64;
	struct emu_cm_id **more;

	if (nids >= MAX_IDS)
		return -ENOMEM;
	more = realloc(ids, size * sizeof(struct emu_cm_id *));
	if (!more)
		return -ENOMEM;
	memset(more + nids, 0, (size - nids) * sizeof(struct emu_cm_id *));
	ids = more;
	nids = size;
	return 0;
}

/* 0 is no identifier: epoll data 0 is the file's own eventfd. */
static uint32_t free_handle(void)
{
	uint32_t handle = 1;

	while (handle < nids && ids[handle])
		handle++;
	if (handle >= nids && grow() < 0)
		return 0;
	return handle;
}

struct emu_cm_id *emu_cm_id_new(struct emu_cm_file *file, uint64_t uid)
{
	struct emu_cm_id *id = calloc(1, sizeof(*id));
	const uint32_t handle = id ? free_handle() : 0;

	if (!handle || getrandom(&id->psn, sizeof(id->psn), 0) != sizeof(id->psn)) {
		free(id);
		return NULL;
	}
	id->psn &= 0xffffff;
	id->handle = handle;
	id->uid = uid;
	id->file = file;
	id->device = -1;
	id->sock = -1;
	ids[handle] = id;
	return id;
}

struct emu_cm_id *emu_cm_id_find(uint32_t handle)
{
	return handle < nids ? ids[handle] : NULL;
}

int emu_cm_id_watch(struct emu_cm_id *id)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = id->handle };

	return epoll_ctl(id->file->fd, EPOLL_CTL_ADD, id->sock, &event) < 0 ? -errno : 0;
}

void emu_cm_id_unwatch(const struct emu_cm_id *id)
{
	if (id->sock >= 0)
		(void)epoll_ctl(id->file->fd, EPOLL_CTL_DEL, id->sock, NULL);
}

static void hang_up(struct emu_cm_id *id)
{
	if (id->sock < 0)
		return;
	emu_cm_id_unwatch(id);
	emu_libc()->close(id->sock);
	id->sock = -1;
}

/* Requests of a listener that were not told yet have nobody to tell. */
static void drop_waiting(const struct emu_cm_id *listener)
{
	for (uint32_t i = 1; i < nids; i++)
		if (ids[i] && ids[i]->listener == listener)
			emu_cm_id_destroy(ids[i]);
}

void emu_cm_id_destroy(struct emu_cm_id *id)
{
	ids[id->handle] = NULL;
	if (id->state == EMU_CM_LISTEN)
		drop_waiting(id);
	emu_cm_groups_leave(id);
	hang_up(id);
	emu_cm_events_drop(id);
	free(id);
}

int emu_cm_id_move(struct emu_cm_id *id, struct emu_cm_file *to)
{
	const bool watched = id->sock >= 0 && id->state >= EMU_CM_LISTEN &&
			     id->state != EMU_CM_CLOSED;

	if (id->file == to)
		return 0;
	if (watched)
		emu_cm_id_unwatch(id);
	emu_cm_events_move(id, to);
	id->file = to;
	return watched ? emu_cm_id_watch(id) : 0;
}

/* Those that are in an event go with its listener; the second pass finds whose listener went elsewhere. */
void emu_cm_ids_destroy(const struct emu_cm_file *file)
{
	for (unsigned pass = 0; pass < 2; pass++)
		for (uint32_t i = 1; i < nids; i++)
			if (ids[i] && ids[i]->file == file && (pass || !ids[i]->untold))
				emu_cm_id_destroy(ids[i]);
}

/* ---- what arrives ---- */

static void accept_one(struct emu_cm_id *listener, int sock)
{
	struct emu_cm_id *id = emu_cm_id_new(listener->file, 0);

	if (!id) {
		emu_libc()->close(sock);
		return;
	}
	id->state = EMU_CM_WAITING;
	id->listener = listener;
	id->passive = id->untold = true;
	id->datagrams = listener->datagrams;
	id->sock = sock;
	if (emu_cm_id_watch(id) < 0)
		emu_cm_id_destroy(id);
}

static void accept_all(struct emu_cm_id *listener)
{
	int sock;

	while ((sock = accept4(listener->sock, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		accept_one(listener, emu_fd_move_up(sock));
}

/* What the peer will begin with is what this side must answer, and the other way round. */
static void tell_param(struct emu_cm_event *event, const struct rdma_ucm_conn_param *peer)
{
	struct rdma_ucm_conn_param *conn = &event->resp.param.conn;

	*conn = *peer;
	conn->responder_resources = peer->initiator_depth;
	conn->initiator_depth = peer->responder_resources;
}

static void tell_private_data(struct emu_cm_event *event, const struct rdma_ucm_conn_param *peer)
{
	struct rdma_ucm_ud_param *ud = &event->resp.param.ud;

	memcpy(ud->private_data, peer->private_data, sizeof(ud->private_data));
	ud->private_data_len = peer->private_data_len;
}

static void request(struct emu_cm_id *id, const struct emu_cm_message *m)
{
	struct emu_cm_id *listener = id->listener;
	struct emu_cm_event *event;

	id->src = m->dst;
	id->dst = m->src;
	id->device = emu_cm_addr_device(&id->src);
	id->peer = m->param;
	id->peer_psn = m->psn;
	id->tos = (uint8_t)m->traffic_class;
	if (id->device >= 0 && emu_cm_id_move(id, listener->file) < 0)
		id->device = -1;
	event = id->device < 0 ? NULL : emu_cm_raise(listener, EMU_CM_EVENT_CONNECT_REQUEST, 0);
	if (!event) {
		emu_cm_id_destroy(id);
		return;
	}
	id->state = EMU_CM_REQUESTED;
	id->listener = NULL;
	event->child = id;
	event->resp.id = id->handle;
	if (id->datagrams)
		tell_private_data(event, &m->param);
	else
		tell_param(event, &m->param);
}

/* The answer names the queue pair, and nothing else is needed to send to it. */
static void found(struct emu_cm_id *id, const struct emu_cm_message *m)
{
	struct emu_cm_event *event = emu_cm_raise(id, EMU_CM_EVENT_ESTABLISHED, 0);

	id->state = EMU_CM_CONNECTED;
	hang_up(id);
	if (!event)
		return;
	tell_private_data(event, &m->param);
	event->resp.param.ud.qp_num = m->param.qp_num;
	event->resp.param.ud.qkey = EMU_CM_UDP_QKEY;
	emu_cm_addr_ah(id, &id->dst, &event->resp.param.ud.ah_attr);
}

static void response(struct emu_cm_id *id, const struct emu_cm_message *m)
{
	struct emu_cm_event *event = emu_cm_raise(id, EMU_CM_EVENT_CONNECT_RESPONSE, 0);

	id->state = EMU_CM_RESPONDED;
	id->peer = m->param;
	id->peer_psn = m->psn;
	if (event)
		tell_param(event, &m->param);
}

static void rejected(struct emu_cm_id *id, uint32_t reason, const struct rdma_ucm_conn_param *param)
{
	struct emu_cm_event *event =
		id->datagrams ? emu_cm_raise(id, EMU_CM_EVENT_UNREACHABLE, EMU_CM_SIDR_REJECT) :
				emu_cm_raise(id, EMU_CM_EVENT_REJECTED, (int)reason);

	if (event && param && id->datagrams)
		tell_private_data(event, param);
	else if (event && param)
		event->resp.param.conn = *param;
	id->state = EMU_CM_CLOSED;
	hang_up(id);
}

/* The peer said so, or ended without a word. */
static void over(struct emu_cm_id *id)
{
	switch (id->state) {
	case EMU_CM_WAITING:
		emu_cm_id_destroy(id);
		return;
	case EMU_CM_CONNECTING:
	case EMU_CM_ACCEPTING:
		rejected(id, REJ_CONSUMER, NULL);
		return;
	case EMU_CM_RESPONDED:
	case EMU_CM_CONNECTED:
		if (!id->datagrams)
			emu_cm_raise(id, EMU_CM_EVENT_DISCONNECTED, 0);
		break;
	default:
		break;
	}
	id->state = EMU_CM_CLOSED;
	hang_up(id);
}

/* A message that does not fit the state ends the connection: peers are of our own kind. */
static void message(struct emu_cm_id *id, const struct emu_cm_message *m)
{
	if (m->type == EMU_CM_REQ && id->state == EMU_CM_WAITING)
		request(id, m);
	else if (m->type == EMU_CM_REP && id->state == EMU_CM_CONNECTING && id->datagrams)
		found(id, m);
	else if (m->type == EMU_CM_REP && id->state == EMU_CM_CONNECTING)
		response(id, m);
	else if (m->type == EMU_CM_REJ &&
		 (id->state == EMU_CM_CONNECTING || id->state == EMU_CM_ACCEPTING))
		rejected(id, m->reason, &m->param);
	else if (m->type == EMU_CM_RTU && id->state == EMU_CM_ACCEPTING &&
		 emu_cm_raise(id, EMU_CM_EVENT_ESTABLISHED, 0))
		id->state = EMU_CM_CONNECTED;
	else
		over(id);
}

void emu_cm_id_ready(struct emu_cm_id *id)
{
	struct emu_cm_message m;
	int rc;

	if (id->state == EMU_CM_LISTEN) {
		accept_all(id);
		return;
	}
	rc = emu_cm_receive(id, &m);
	if (rc > 0)
		message(id, &m);
	else if (rc < 0)
		over(id);
}

/* ---- what the fault plan has happen ---- */

/* cma_process_remove(): what was under way ends, and nothing is left but to destroy it. */
static void removed(struct emu_cm_id *id)
{
	if (id->state == EMU_CM_LISTEN)
		drop_waiting(id);
	hang_up(id);
	id->state = EMU_CM_CLOSED;
	emu_cm_raise(id, EMU_CM_EVENT_DEVICE_REMOVAL, 0);
}

/* As ucma_event_handler() of the kernel, nobody hears of what the program does not know of yet. */
static void tell(struct emu_cm_id *id, uint32_t events)
{
	if (!id->uid || id->device < 0 || id->file->pid != getpid())
		return;
	if (events & EMU_FAULT_ADDR_CHANGE)
		emu_cm_raise(id, EMU_CM_EVENT_ADDR_CHANGE, 0);
	if (events & EMU_FAULT_DISCONNECTED && id->state == EMU_CM_CONNECTED && !id->datagrams)
		over(id);
	if (events & EMU_FAULT_DEVICE_REMOVAL)
		removed(id);
}

void emu_cm_ids_tell(uint32_t events)
{
	for (uint32_t i = 1; i < nids; i++)
		if (ids[i])
			tell(ids[i], events);
}
