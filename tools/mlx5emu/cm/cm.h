/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_CM_CM_H
#define MLX5EMU_CM_CM_H

#include <netinet/in.h> /* before the kernel's: they agree only so */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <rdma/rdma_user_cm.h>

#include "engine/engine.h"

/*
 * /dev/infiniband/rdma_cm: the connection manager as librdmacm asks for it (kernel:
 * drivers/infiniband/core/ucma.c over cma.c and cm.c). Commands come by write(2).
 *
 * What a program holds as the file is an epoll descriptor: it becomes readable when a socket of one
 * of its identifiers does, or when an event waits already. So poll, epoll and O_NONBLOCK work on it as
 * on the kernel's file, and no thread is needed: sockets are read when the program asks for events.
 *
 *	identifier --- AF_UNIX SOCK_SEQPACKET --- identifier	a connection; names: socket.c
 *	active:  REQ ->	     <- REP	  RTU ->		DREQ or the end of the socket: either side
 *	datagrams: REQ ->    <- REP	and that is all: both know a queue pair to send to (SIDR)
 *
 * One lock (file.c) guards everything below. It is never held when the engine is called, which calls
 * back with its own. An open file is a user of the engine: for the trace, and for the fault plan, which
 * is asked before each command. Addresses are those of the run's devices; no AF_IB.
 */
/*
 * Addresses are IPv4 or IPv6 in the room of a struct sockaddr_in6, as librdmacm's older commands carry
 * them; all zero when there is none.
 */

enum emu_cm_state {
	EMU_CM_IDLE,
	EMU_CM_BOUND,
	EMU_CM_RESOLVED,
	EMU_CM_ROUTED,
	EMU_CM_LISTEN,
	EMU_CM_WAITING,    /* passive: connected socket, no REQ yet */
	EMU_CM_REQUESTED,  /* passive: has a REQ */
	EMU_CM_ACCEPTING,  /* passive: sent a REP */
	EMU_CM_CONNECTING, /* active: sent a REQ */
	EMU_CM_RESPONDED,  /* active: has a REP */
	EMU_CM_CONNECTED,
	EMU_CM_CLOSED,
};

enum { /* of enum rdma_cm_event_type */
       EMU_CM_EVENT_ADDR_RESOLVED = 0,
       EMU_CM_EVENT_ADDR_ERROR = 1,
       EMU_CM_EVENT_ROUTE_RESOLVED = 2,
       EMU_CM_EVENT_ROUTE_ERROR = 3,
       EMU_CM_EVENT_CONNECT_REQUEST = 4,
       EMU_CM_EVENT_CONNECT_RESPONSE = 5,
       EMU_CM_EVENT_UNREACHABLE = 7,
       EMU_CM_EVENT_REJECTED = 8,
       EMU_CM_EVENT_ESTABLISHED = 9,
       EMU_CM_EVENT_DISCONNECTED = 10,
       EMU_CM_EVENT_DEVICE_REMOVAL = 11,
       EMU_CM_EVENT_MULTICAST_JOIN = 12,
       EMU_CM_EVENT_MULTICAST_ERROR = 13,
       EMU_CM_EVENT_ADDR_CHANGE = 14,
};

enum {
	EMU_CM_UDP_QKEY = 0x01234567, /* RDMA_UDP_QKEY */
	EMU_CM_MULTICAST_QPN = 0xffffff,
	EMU_CM_SIDR_UNSUPPORTED = 1, /* IBA vol 1 table 123 "SIDR_REP status" */
	EMU_CM_SIDR_REJECT = 2,
};

struct emu_cm_event {
	struct emu_cm_event *next;
	struct emu_cm_id *id;    /* whose event it is; of a request, the listener */
	struct emu_cm_id *child; /* of a request */
	struct emu_cm_group *group;
	struct rdma_ucm_event_resp resp;
};

struct emu_cm_file {
	struct emu_cm_file *next;
	int fd;      /* epoll, the program's */
	int wake_fd; /* eventfd: readable while events is not empty */
	pid_t pid;   /* a child after fork() has nothing here */
	struct emu_cm_event *events, **last;
};

struct emu_cm_id {
	uint32_t handle;
	uint64_t uid;
	struct emu_cm_file *file;
	struct emu_cm_id *listener; /* of a WAITING one */
	enum emu_cm_state state;
	int device; /* index of the run's device, -1 = not known yet */
	struct sockaddr_in6 src, dst;
	int sock; /* bound, listening or connected; -1 */
	uint32_t psn, peer_psn;
	struct rdma_ucm_conn_param own, peer;
	bool passive; /* was asked to connect */
	bool untold; /* came from outside, and its event was not read yet: the program cannot name it */
	bool datagrams; /* RDMA_PS_UDP */
	uint8_t tos; /* traffic class of what is sent; of a passive one, what the peer asked for */
	bool has_timeout;
	uint8_t timeout; /* of acknowledges, when @has_timeout */
	uint32_t events_reported;
};

/* A multicast group that an identifier joined. */
struct emu_cm_group {
	struct emu_cm_group *next;
	uint32_t handle;
	uint64_t uid;
	struct emu_cm_id *id;
	struct sockaddr_in6 addr;
	uint32_t events_reported;
};

/* ---- file.c ---- */

/* open("/dev/infiniband/rdma_cm"): a descriptor or -errno. */
int emu_cm_open(int flags);

/* Whether @fd is such a descriptor of this process. */
bool emu_cm_is(int fd);

/* A command: @size or -errno. */
ssize_t emu_cm_write(int fd, const void *buf, size_t size);

/* Before the descriptor is closed: takes down what is behind it. No effect on others. */
void emu_cm_closing(int fd);

struct emu_cm_file *emu_cm_file_find(int fd);

/* Appends an event of @id; NULL without memory (the event is lost). */
struct emu_cm_event *emu_cm_raise(struct emu_cm_id *id, uint32_t type, int status);

/* Moves what waits for @id to another file, and the requests in it. */
void emu_cm_events_move(struct emu_cm_id *id, struct emu_cm_file *to);

/* Forgets what waits for @id, and the requests in it; or for a group. */
void emu_cm_events_drop(struct emu_cm_id *id);
void emu_cm_events_drop_group(const struct emu_cm_group *group);

/* ---- id.c ---- */

struct emu_cm_id *emu_cm_id_new(struct emu_cm_file *file, uint64_t uid);
struct emu_cm_id *emu_cm_id_find(uint32_t handle);

/* Tells the peer, gives back the socket, the events and the number. */
void emu_cm_id_destroy(struct emu_cm_id *id);
void emu_cm_ids_destroy(const struct emu_cm_file *file);

/* Something happened on the socket of @id. */
void emu_cm_id_ready(struct emu_cm_id *id);

/* Events of the fault plan, EMU_FAULT_DISCONNECTED..., to all whom they concern. */
void emu_cm_ids_tell(uint32_t events);

/* To another file, with what waits for it. 0 or -errno of the watch. */
int emu_cm_id_move(struct emu_cm_id *id, struct emu_cm_file *to);

/* Watches the socket for its file, or stops that. */
int emu_cm_id_watch(struct emu_cm_id *id);
void emu_cm_id_unwatch(const struct emu_cm_id *id);

/* ---- multicast.c ---- */

/*
 * The event says MULTICAST_JOIN, or MULTICAST_ERROR with @error, if that is not 0. -EINVAL no identifier
 * of datagrams with an address, or no address of a group; -ENOMEM.
 */
int emu_cm_group_join(struct emu_cm_id *id, uint64_t uid, const struct sockaddr_in6 *addr,
		      int error, struct emu_cm_group **out);
struct emu_cm_group *emu_cm_group_find(uint32_t handle);
void emu_cm_group_leave(struct emu_cm_group *group);
void emu_cm_groups_leave(const struct emu_cm_id *id);

/* ---- qp_attr.c: what a queue pair of the connection needs ---- */

/* -EINVAL: the identifier is not that far. */
int emu_cm_qp_attr(const struct emu_cm_id *id, uint32_t qp_state, struct ib_uverbs_qp_attr *attr);

/* ---- command.c ---- */

/* What fault plans call it; EMU_FAULT_NO_COMMAND: nothing, as it is not offered. */
enum emu_fault_command emu_cm_plan_name(const struct rdma_ucm_cmd_hdr *hdr, const void *payload);

/* All but GET_EVENT: 0 or -errno. @refusal: of the fault plan, in the place of the success. */
int emu_cm_command(struct emu_cm_file *file, const struct rdma_ucm_cmd_hdr *hdr,
		   const void *payload, const struct emu_cm_answer *refusal);

/* ---- socket.c ---- */

enum emu_cm_message_type { EMU_CM_REQ = 1, EMU_CM_REP, EMU_CM_RTU, EMU_CM_REJ, EMU_CM_DREQ };

struct emu_cm_message {
	uint32_t magic;
	uint32_t type;
	uint32_t psn;
	uint32_t reason;        /* REJ */
	uint32_t traffic_class; /* REQ */
	struct sockaddr_in6 src, dst;
	struct rdma_ucm_conn_param param;
};

/* A socket bound to port @addr->port of the address, 0 = any free one, which is then written. */
int emu_cm_bind(struct sockaddr_in6 *addr, bool datagrams);

/* A socket connected to who listens at @to: -ECONNREFUSED when nobody does. */
int emu_cm_connect(const struct sockaddr_in6 *to, bool datagrams);

void emu_cm_send(const struct emu_cm_id *id, enum emu_cm_message_type type, uint32_t reason);

/* 1 a message, 0 nothing there, -errno the connection is over (or the message is none). */
int emu_cm_receive(const struct emu_cm_id *id, struct emu_cm_message *message);

/* ---- address.c ---- */

bool emu_cm_addr_any(const struct sockaddr_in6 *addr);
uint16_t emu_cm_addr_port(const struct sockaddr_in6 *addr);
void emu_cm_addr_set_port(struct sockaddr_in6 *addr, uint16_t port);

/* -EINVAL neither IPv4 nor IPv6. */
int emu_cm_addr_check(const struct sockaddr_in6 *addr);

/* The device of the run that has the address (a loopback address: the first one); -1. */
int emu_cm_addr_device(const struct sockaddr_in6 *addr);

bool emu_cm_addr_multicast(const struct sockaddr_in6 *addr);

/* The address vector from the own address to @dst, a device's or a group's. */
void emu_cm_addr_ah(const struct emu_cm_id *id, const struct sockaddr_in6 *dst,
		    struct ib_uverbs_ah_attr *ah);

/* Its row in that device's GID table (RoCE v2), and the GID. */
unsigned emu_cm_addr_gid(const struct sockaddr_in6 *addr, int device, uint8_t gid[16]);

#endif
