/* SPDX-License-Identifier: MIT */
/*
 * The two sides of bv_exchange_cm(), and what both do.
 */
#ifndef BV_CORE_EXCHANGE_CM_H
#define BV_CORE_EXCHANGE_CM_H

#include <netdb.h>
#include <rdma/rdma_cma.h>

#include "cm_told.h"
#include "connect.h"

/*
 * Until the exchange succeeds the caller's, then the channel's. What is left to do then is to end the
 * connection, and to give the channel its own GID back: the connection manager may have chosen another.
 */
struct bvi_cm {
	struct rdma_event_channel *events;
	struct rdma_cm_id *id;
	struct bv_channel *ch;
	struct bv_exchange *data;
	const char *text; /* the address as the caller gave it */
	int64_t deadline;
	uint32_t gid_index; /* the channel's own */
	uint8_t gid[16];
};

/* A copy, so that the event itself is acknowledged at once. */
struct bvi_cm_event {
	enum rdma_cm_event_type type;
	int status;
	struct rdma_cm_id *id;
	uint8_t responder_resources;
	uint8_t initiator_depth;
	uint8_t size;
	uint8_t bytes[UINT8_MAX];
};

/* Each 0 or -errno with text, but bvi_cm_next(), which leaves -ETIMEDOUT to its caller. */
int bvi_cm_open(struct bvi_cm *cm);
int bvi_cm_create_id(struct bvi_cm *cm);
int bvi_cm_next(struct bvi_cm *cm, struct bvi_cm_event *event);
int bvi_cm_check_device(const struct bvi_cm *cm, const struct rdma_cm_id *id);
int bvi_cm_adopt(struct bvi_cm *cm, const struct bvi_cm_event *event,
		 const struct bvi_cm_told *told);
void bvi_cm_destroy_id(struct bvi_cm *cm);
void bvi_cm_close(struct bvi_cm *cm);

/* For rdma_connect() and rdma_accept(); writes the private data into @bytes, which it points to. */
struct rdma_conn_param bvi_cm_param(const struct bvi_cm *cm, uint8_t bytes[BVI_CM_PRIVATE]);

/* core/exchange_cm_sides.c. As bv_exchange_cm(). */
int bvi_cm_listen(struct bvi_cm *cm, const struct addrinfo *list);
int bvi_cm_connect(struct bvi_cm *cm, const struct addrinfo *list);

#endif
