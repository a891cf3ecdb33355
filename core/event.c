/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous events. The kernel has one queue for each context, and whoever reads it gets the
 * events of everybody. So they are taken from there into a list, from which each caller takes its
 * own. What is read is acknowledged at once: the destruction of a QP or CQ waits for that
 * (ibv_get_async_event(3)), and must not wait for a caller.
 */
#include "event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "error.h"
#include "pd.h"
#include "recovery.h"

struct bvi_event_node {
	struct bv_event event;
	struct bvi_event_node *next;
};

void bvi_events_init(struct bvi_events *events)
{
	pthread_mutex_init(&events->lock, NULL);
	events->last = &events->first;
	events->poll_fd = -1;
	events->wake_fd = -1;
}

void bvi_events_fini(struct bvi_events *events)
{
	struct bvi_event_node *node;

	while ((node = events->first)) {
		events->first = node->next;
		free(node);
	}
	if (events->poll_fd >= 0)
		close(events->poll_fd);
	if (events->wake_fd >= 0)
		close(events->wake_fd);
	pthread_mutex_destroy(&events->lock);
}

static struct bvi_events *events_of(const struct bv_channel *ch)
{
	return &ch->core->pd->device->events;
}

/* The descriptor follows the list. A full or empty eventfd is as it should be. */
static void update_wake(struct bvi_events *events)
{
	const bool wanted = events->first;
	uint64_t one = 1;
	ssize_t n = 0;

	if (events->wake_fd < 0 || events->awake == wanted)
		return;
	n = wanted ? write(events->wake_fd, &one, sizeof(one)) :
		     read(events->wake_fd, &one, sizeof(one));
	(void)n;
	events->awake = wanted;
}

void bvi_events_add(struct bv_channel *ch)
{
	struct bvi_events *events = events_of(ch);

	pthread_mutex_lock(&events->lock);
	ch->core->next_channel = events->channels;
	events->channels = ch;
	pthread_mutex_unlock(&events->lock);
}

/* Takes @node's successor out, and frees it. */
static void drop(struct bvi_events *events, struct bvi_event_node **at)
{
	struct bvi_event_node *node = *at;

	*at = node->next;
	if (!*at)
		events->last = at;
	free(node);
}

void bvi_events_remove(struct bv_channel *ch)
{
	struct bvi_events *events = events_of(ch);
	struct bvi_event_node **at = &events->first;
	struct bv_channel **link = &events->channels;

	pthread_mutex_lock(&events->lock);
	while (*link != ch)
		link = &(*link)->core->next_channel;
	*link = ch->core->next_channel;
	while (*at) {
		if ((*at)->event.channel == ch)
			drop(events, at);
		else
			at = &(*at)->next;
	}
	update_wake(events);
	pthread_mutex_unlock(&events->lock);
}

static struct bv_channel *channel_of_qp(const struct bvi_events *events, const struct ibv_qp *qp)
{
	struct bv_channel *ch = events->channels;

	while (ch && ch->core->qp != qp)
		ch = ch->core->next_channel;
	return ch;
}

static struct bv_channel *channel_of_cq(const struct bvi_events *events, const struct ibv_cq *cq)
{
	struct bv_channel *ch = events->channels;

	while (ch && ch->core->qp->send_cq != cq && ch->core->qp->recv_cq != cq)
		ch = ch->core->next_channel;
	return ch;
}

static enum bv_event_type type_of(enum ibv_event_type type)
{
	switch (type) {
	case IBV_EVENT_QP_FATAL:
		return BV_EVENT_CHANNEL_FATAL;
	case IBV_EVENT_QP_REQ_ERR:
		return BV_EVENT_CHANNEL_REQUEST_ERROR;
	case IBV_EVENT_QP_ACCESS_ERR:
		return BV_EVENT_CHANNEL_ACCESS_ERROR;
	case IBV_EVENT_CQ_ERR:
		return BV_EVENT_CHANNEL_CQ_ERROR;
	case IBV_EVENT_COMM_EST:
		return BV_EVENT_CHANNEL_ESTABLISHED;
	case IBV_EVENT_PORT_ACTIVE:
		return BV_EVENT_PORT_UP;
	case IBV_EVENT_PORT_ERR:
		return BV_EVENT_PORT_DOWN;
	case IBV_EVENT_LID_CHANGE:
	case IBV_EVENT_PKEY_CHANGE:
	case IBV_EVENT_SM_CHANGE:
	case IBV_EVENT_CLIENT_REREGISTER:
	case IBV_EVENT_GID_CHANGE:
		return BV_EVENT_PORT_CHANGED;
	case IBV_EVENT_DEVICE_FATAL:
		return BV_EVENT_DEVICE_FATAL;
	default:
		return BV_EVENT_OTHER;
	}
}

/* False: it is about an object that is nobody's any more. */
static bool translate(const struct bvi_events *events, const struct ibv_async_event *from,
		      struct bv_event *to)
{
	*to = (struct bv_event){ .type = type_of(from->event_type), .code = (int)from->event_type };
	switch (from->event_type) {
	case IBV_EVENT_QP_FATAL:
	case IBV_EVENT_QP_REQ_ERR:
	case IBV_EVENT_QP_ACCESS_ERR:
	case IBV_EVENT_COMM_EST:
	case IBV_EVENT_SQ_DRAINED:
	case IBV_EVENT_PATH_MIG:
	case IBV_EVENT_PATH_MIG_ERR:
	case IBV_EVENT_QP_LAST_WQE_REACHED:
		to->channel = channel_of_qp(events, from->element.qp);
		break;
	case IBV_EVENT_CQ_ERR:
		to->channel = channel_of_cq(events, from->element.cq);
		break;
	case IBV_EVENT_SRQ_ERR:
	case IBV_EVENT_SRQ_LIMIT_REACHED:
	case IBV_EVENT_WQ_FATAL:
		return false; /* no channel has such */
	case IBV_EVENT_DEVICE_FATAL:
		return true;
	default:
		to->port = (uint8_t)from->element.port_num;
		return true;
	}
	if (to->channel)
		to->qpn = to->channel->core->local.qpn;
	return to->channel;
}

static int make_nonblocking(struct bv_device *dev)
{
	const int fd = dev->context->async_fd;
	const int flags = fcntl(fd, F_GETFL);

	if (dev->events.nonblocking)
		return 0;
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return bvi_fail(bv_rc(-1), "%s: the descriptor of its events cannot be set up: %s",
				dev->name, bvi_errno_text(bv_rc(-1)));
	dev->events.nonblocking = true;
	return 0;
}

/* Everything that the kernel has goes into the list: 0 or -errno. */
static int pump(struct bv_device *dev)
{
	struct bvi_events *events = &dev->events;
	struct bvi_event_node *node = NULL;
	struct ibv_async_event event;
	int rc;

	rc = make_nonblocking(dev);
	while (rc == 0) {
		if (!node)
			node = malloc(sizeof(*node));
		if (!node) {
			rc = bvi_fail(-ENOMEM, "no memory for an event");
			break;
		}
		errno = 0;
		rc = ibv_get_async_event(dev->context, &event);
		if (rc != 0) {
			rc = bv_rc(-1);
			break;
		}
		if (translate(events, &event, &node->event)) {
			node->next = NULL;
			*events->last = node;
			events->last = &node->next;
			node = NULL;
		}
		ibv_ack_async_event(&event);
	}
	free(node);
	if (rc == -EAGAIN || rc == -EINTR)
		return 0;
	return rc;
}

/* The first event of @ch, or of anybody if it is NULL. */
static int take(struct bv_device *dev, const struct bv_channel *ch, struct bv_event *event)
{
	struct bvi_events *events = &dev->events;
	struct bvi_event_node **at = &events->first;
	int rc;

	pthread_mutex_lock(&events->lock);
	rc = pump(dev);
	while (*at && ch && (*at)->event.channel != ch)
		at = &(*at)->next;
	if (*at) {
		*event = (*at)->event;
		drop(events, at);
		rc = 1;
	}
	update_wake(events);
	pthread_mutex_unlock(&events->lock);
	if (rc < 0 && rc != -ENOMEM)
		return bvi_fail(rc, "%s: the kernel gives no more events: %s", dev->name,
				bvi_errno_text(rc));
	return rc;
}

int bv_device_event(struct bv_device *dev, struct bv_event *event)
{
	if (!dev || !event)
		return bvi_fail(-EINVAL, "bv_device_event: an argument is NULL");
	return take(dev, NULL, event);
}

int bv_channel_event(struct bv_channel *ch, struct bv_event *event)
{
	int rc;

	if (!ch || !event)
		return bvi_fail(-EINVAL, "bv_channel_event: an argument is NULL");
	rc = take(ch->core->pd->device, ch, event);
	if (rc != 1)
		return rc;
	switch (event->type) {
	case BV_EVENT_CHANNEL_FATAL:
	case BV_EVENT_CHANNEL_REQUEST_ERROR:
	case BV_EVENT_CHANNEL_ACCESS_ERROR:
	case BV_EVENT_CHANNEL_CQ_ERROR:
		bvi_channel_enter_error(ch, bv_event_name(event->type));
		break;
	default:
		break;
	}
	return 1;
}

/* With the lock held. 0 or -errno; what was made stays for the next attempt. */
static int make_fds(struct bv_device *dev)
{
	struct bvi_events *events = &dev->events;
	struct epoll_event wish = { .events = EPOLLIN };

	if (events->wake_fd < 0)
		events->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (events->wake_fd < 0)
		return bv_rc(-1);
	events->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (events->poll_fd < 0)
		return bv_rc(-1);
	if (epoll_ctl(events->poll_fd, EPOLL_CTL_ADD, events->wake_fd, &wish) < 0 ||
	    epoll_ctl(events->poll_fd, EPOLL_CTL_ADD, dev->context->async_fd, &wish) < 0) {
		const int rc = bv_rc(-1);

		close(events->poll_fd);
		events->poll_fd = -1;
		return rc;
	}
	update_wake(events);
	return 0;
}

int bv_device_event_fd(struct bv_device *dev)
{
	int rc = 0;

	if (!dev)
		return bvi_fail(-EINVAL, "bv_device_event_fd: dev is NULL");
	pthread_mutex_lock(&dev->events.lock);
	if (dev->events.poll_fd < 0)
		rc = make_fds(dev);
	if (rc == 0)
		rc = dev->events.poll_fd;
	pthread_mutex_unlock(&dev->events.lock);
	if (rc < 0)
		return bvi_fail(rc, "%s: no descriptor for its events: %s", dev->name,
				bvi_errno_text(rc));
	return rc;
}

const char *bv_event_name(enum bv_event_type type)
{
	switch (type) {
	case BV_EVENT_CHANNEL_FATAL:
		return "channel fatal error";
	case BV_EVENT_CHANNEL_REQUEST_ERROR:
		return "channel request error";
	case BV_EVENT_CHANNEL_ACCESS_ERROR:
		return "channel access error";
	case BV_EVENT_CHANNEL_CQ_ERROR:
		return "channel completion queue error";
	case BV_EVENT_CHANNEL_ESTABLISHED:
		return "channel established";
	case BV_EVENT_PORT_UP:
		return "port up";
	case BV_EVENT_PORT_DOWN:
		return "port down";
	case BV_EVENT_PORT_CHANGED:
		return "port changed";
	case BV_EVENT_DEVICE_FATAL:
		return "device fatal error";
	default:
		return "other event";
	}
}
