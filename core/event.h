/* SPDX-License-Identifier: MIT */
/*
 * The events of a device on their way from the kernel to the caller, and the list of its channels,
 * by which they find their channel. Everything is under the lock.
 */
#ifndef BV_CORE_EVENT_H
#define BV_CORE_EVENT_H

#include <pthread.h>

#include <bareverbs/event.h>

struct bvi_event_node;

struct bvi_events {
	pthread_mutex_t lock;
	struct bv_channel *channels; /* by core->next_channel */
	struct bvi_event_node *first;
	struct bvi_event_node **last;
	bool nonblocking; /* the kernel's descriptor */
	int poll_fd;      /* epoll over the kernel's descriptor and wake_fd; -1 until asked for */
	int wake_fd;      /* readable while the list has events */
	bool awake;
};

void bvi_events_init(struct bvi_events *events);
void bvi_events_fini(struct bvi_events *events);

/*
 * From when on events name the channel, and until when. A channel leaves before its QP is destroyed:
 * destruction waits for those who took an event of it from the kernel, and they need the lock.
 */
void bvi_events_add(struct bv_channel *ch);
void bvi_events_remove(struct bv_channel *ch);

#endif
