/* SPDX-License-Identifier: MIT */
/*
 * Events of DEVX: a program names event types of one object, or of the device, and a cookie, which is
 * all that a record of its channel holds. Channels that carry the event's data as well are refused.
 *
 * Who writes: the engine's callbacks, in the device thread. Subscriptions have a lock of their own,
 * below the engine's, under which nothing but a write into a pipe happens.
 */
#include "uverbs/command.h"

#include "engine/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <rdma/mlx5_user_ioctl_verbs.h>

enum type { /* PRM "event types" */
	    PRM_COMPLETION = 0x00,
	    PRM_COMM_EST = 0x02,
	    PRM_SQ_DRAINED = 0x03,
	    PRM_CQ_ERROR = 0x04,
	    PRM_WQ_CATASTROPHIC = 0x05,
	    PRM_INTERNAL_ERROR = 0x08,
	    PRM_PORT_CHANGE = 0x09,
	    PRM_WQ_INVALID_REQUEST = 0x10,
	    PRM_WQ_ACCESS_ERROR = 0x11,
	    PRM_SRQ_CATASTROPHIC = 0x12,
	    PRM_LAST_WQE = 0x13,
	    PRM_NONE = 0xffff,
};

enum { MAX_TYPES = 16 };

struct emu_subscription {
	struct emu_subscription *next;
	struct emu_evfile *ev; /* a reference */
	const struct emu_object *obj;
	uint16_t type;
	uint64_t cookie;
};

static uint16_t prm_type(int event)
{
	switch (event) {
	case EMU_EVENT_COMM_EST:
		return PRM_COMM_EST;
	case EMU_EVENT_SQ_DRAINED:
		return PRM_SQ_DRAINED;
	case EMU_EVENT_QP_FATAL:
		return PRM_WQ_CATASTROPHIC;
	case EMU_EVENT_QP_REQ_ERR:
		return PRM_WQ_INVALID_REQUEST;
	case EMU_EVENT_QP_ACCESS_ERR:
		return PRM_WQ_ACCESS_ERROR;
	case EMU_EVENT_QP_LAST_WQE_REACHED:
		return PRM_LAST_WQE;
	case EMU_EVENT_CQ_ERR:
		return PRM_CQ_ERROR;
	case EMU_EVENT_SRQ_ERR:
		return PRM_SRQ_CATASTROPHIC;
	case EMU_EVENT_PORT_ACTIVE:
	case EMU_EVENT_PORT_ERR:
		return PRM_PORT_CHANGE;
	case EMU_EVENT_DEVICE_FATAL:
		return PRM_INTERNAL_ERROR;
	default:
		return PRM_NONE;
	}
}

static void tell(struct emu_file *file, uint16_t type, const struct emu_object *obj)
{
	pthread_mutex_lock(&file->subscribed);
	for (const struct emu_subscription *s = file->subscriptions; s; s = s->next) {
		if (s->type == type && s->obj == obj)
			(void)emu_evfile_post(s->ev, &s->cookie, sizeof(s->cookie));
	}
	pthread_mutex_unlock(&file->subscribed);
}

void emu_devx_event(struct emu_file *file, int event, const struct emu_object *obj)
{
	tell(file, prm_type(event), obj);
}

void emu_devx_completion(struct emu_file *file, const struct emu_object *cq)
{
	tell(file, PRM_COMPLETION, cq);
}

void emu_devx_unsubscribe(struct emu_file *file, const struct emu_object *obj,
			  const struct emu_evfile *ev)
{
	struct emu_subscription **at = &file->subscriptions, *s;

	pthread_mutex_lock(&file->subscribed);
	while ((s = *at)) {
		if ((obj && s->obj != obj) || (ev && s->ev != ev)) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		emu_evfile_put(s->ev);
		free(s);
	}
	pthread_mutex_unlock(&file->subscribed);
}

enum { CHANNEL_HANDLE, CHANNEL_FLAGS };

int emu_devx_event_channel(struct emu_file *file, const struct emu_attr *attr)
{
	uint32_t flags;
	int fd, rc = emu_attr_read(&attr[CHANNEL_FLAGS], &flags, sizeof(flags));

	if (rc < 0)
		return rc;
	if (!file->fw || flags & ~(uint32_t)MLX5_IB_UAPI_DEVX_CR_EV_CH_FLAGS_OMIT_DATA)
		return -EINVAL;
	if (!flags)
		return -EOPNOTSUPP;
	fd = emu_file_add_channel(file, EMU_CHANNEL_DEVX);
	if (fd < 0)
		return fd;
	rc = emu_attr_write_handle(&attr[CHANNEL_HANDLE], (uint32_t)fd);
	if (rc < 0)
		emu_file_remove_channel(file, fd);
	return rc;
}

static int subscribe(struct emu_file *file, struct emu_evfile *ev, const struct emu_object *obj,
		     uint16_t type, uint64_t cookie)
{
	struct emu_subscription *s = malloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	*s = (struct emu_subscription){
		.ev = emu_evfile_get(ev), .obj = obj, .type = type, .cookie = cookie
	};
	pthread_mutex_lock(&file->subscribed);
	s->next = file->subscriptions;
	file->subscriptions = s;
	pthread_mutex_unlock(&file->subscribed);
	return 0;
}

/* Whether objects of commands, or else the device, raise events of this type. */
static bool raised(uint16_t type, bool by_object)
{
	switch (type) {
	case PRM_COMPLETION:
	case PRM_CQ_ERROR:
	case PRM_COMM_EST:
	case PRM_SQ_DRAINED:
	case PRM_WQ_CATASTROPHIC:
	case PRM_WQ_INVALID_REQUEST:
	case PRM_WQ_ACCESS_ERROR:
	case PRM_SRQ_CATASTROPHIC:
	case PRM_LAST_WQE:
		return by_object;
	case PRM_INTERNAL_ERROR:
	case PRM_PORT_CHANGE:
		return !by_object;
	default:
		return false;
	}
}

enum { SUB_CHANNEL, SUB_OBJECT, SUB_TYPES, SUB_COOKIE };

static int find_object(const struct emu_file *file, const struct emu_attr *attr,
		       struct emu_object **obj)
{
	*obj = NULL;
	return attr->at ? emu_attr_object(file, attr, EMU_OBJECT_DEVX, obj) : 0;
}

int emu_devx_subscribe(struct emu_file *file, const struct emu_attr *attr)
{
	const size_t n = attr[SUB_TYPES].a.len / sizeof(uint16_t);
	uint16_t types[MAX_TYPES];
	uint64_t cookie = 0;
	struct emu_evfile *ev;
	struct emu_object *obj;
	int rc = find_object(file, &attr[SUB_OBJECT], &obj);

	if (rc == 0)
		rc = emu_attr_read(&attr[SUB_COOKIE], &cookie, sizeof(cookie));
	if (rc < 0)
		return rc;
	if (n == 0 || n > MAX_TYPES || attr[SUB_TYPES].a.len % sizeof(uint16_t))
		return -EINVAL;
	rc = emu_attr_read(&attr[SUB_TYPES], types, n * sizeof(types[0]));
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = raised(types[i], obj) ? 0 : -EINVAL;
	if (rc < 0)
		return rc;
	ev = emu_file_channel(file, (int)attr[SUB_CHANNEL].a.data, EMU_CHANNEL_DEVX);
	if (!ev)
		return -EBADF;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = subscribe(file, ev, obj, types[i], cookie);
	emu_evfile_put(ev);
	return rc;
}
