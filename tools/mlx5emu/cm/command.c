/* SPDX-License-Identifier: MIT */
/*
 * The commands of ucma.c, a table by number. Those for AF_IB are not in it: librdmacm tries them first
 * and does without.
 */
#include "cm/cm.h"

#include "run/config.h"
#include "uverbs/libc.h"
#include "uverbs/session.h"
#include "uverbs/user.h"

#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { REJ_NO_SERVICE = 8, REJ_CONSUMER = 28 }; /* IBA vol 1 table 111 "REJ reason codes" */
enum { QPT_RC = 2, QPT_UD = 4 };

struct call {
	struct emu_cm_file *file;
	struct emu_cm_id *id; /* that the command names, if its table entry says where */
	const void *payload;
	size_t out; /* room for the answer */
	const struct emu_cm_answer *refusal;
};

static bool refused_with(const struct call *c, enum emu_fault_cm_error error)
{
	return c->refusal->given && c->refusal->error == error;
}

static int raise_error(const struct call *c, uint32_t event)
{
	return emu_cm_raise(c->id, event, c->refusal->status) ? 0 : -ENOMEM;
}

static int answer(const struct call *c, uint64_t to, const void *data, size_t size)
{
	return emu_user_write(to, data, c->out < size ? c->out : size);
}

static bool offered(const struct rdma_ucm_create_id *cmd)
{
	return (cmd->ps == RDMA_PS_TCP && (!cmd->qp_type || cmd->qp_type == QPT_RC)) ||
	       (cmd->ps == RDMA_PS_UDP && (!cmd->qp_type || cmd->qp_type == QPT_UD));
}

static int create_id(const struct call *c)
{
	const struct rdma_ucm_create_id *cmd = c->payload;
	struct rdma_ucm_create_id_resp resp;
	struct emu_cm_id *id;
	int rc;

	if (!offered(cmd))
		return -EOPNOTSUPP;
	id = emu_cm_id_new(c->file, cmd->uid);
	if (!id)
		return -ENOMEM;
	id->datagrams = cmd->ps == RDMA_PS_UDP;
	resp.id = id->handle;
	rc = answer(c, cmd->response, &resp, sizeof(resp));
	if (rc < 0)
		emu_cm_id_destroy(id);
	return rc;
}

static int destroy_id(const struct call *c)
{
	const struct rdma_ucm_destroy_id *cmd = c->payload;
	const struct rdma_ucm_destroy_id_resp resp = { .events_reported = c->id->events_reported };

	emu_cm_id_destroy(c->id);
	return answer(c, cmd->response, &resp, sizeof(resp));
}

/* ---- addresses ---- */

/* Without an address every device's is meant, and none is chosen yet. */
static int bind_to(struct emu_cm_id *id, const struct sockaddr_in6 *addr)
{
	const int device = emu_cm_addr_any(addr) ? -1 : emu_cm_addr_device(addr);
	struct sockaddr_in6 bound = *addr;
	int sock;

	if (id->state != EMU_CM_IDLE || emu_cm_addr_check(addr) < 0)
		return -EINVAL;
	if (device < 0 && !emu_cm_addr_any(addr))
		return -EADDRNOTAVAIL;
	sock = emu_cm_bind(&bound, id->datagrams);
	if (sock < 0)
		return sock;
	id->sock = sock;
	id->src = bound;
	id->device = device;
	id->state = EMU_CM_BOUND;
	return 0;
}

static int bind_ip(const struct call *c)
{
	const struct rdma_ucm_bind_ip *cmd = c->payload;

	return bind_to(c->id, &cmd->addr);
}

/* A connection leaves by the device that it goes to, and every device reaches every other. */
static int resolve_ip(const struct call *c)
{
	const struct rdma_ucm_resolve_ip *cmd = c->payload;
	struct emu_cm_id *id = c->id;
	const bool has_src = !emu_cm_addr_any(&cmd->src_addr);
	uint16_t port = emu_cm_addr_port(&id->src);
	int device = emu_cm_addr_device(has_src ? &cmd->src_addr : &cmd->dst_addr);

	if ((id->state != EMU_CM_IDLE && id->state != EMU_CM_BOUND) ||
	    emu_cm_addr_check(&cmd->dst_addr) < 0)
		return -EINVAL;
	if (refused_with(c, EMU_FAULT_ADDR_ERROR))
		return raise_error(c, EMU_CM_EVENT_ADDR_ERROR);
	if (id->device >= 0)
		device = id->device;
	if (device < 0 && emu_cm_addr_multicast(&cmd->dst_addr))
		device = 0; /* groups are on every wire */
	if (device < 0 ||
	    (emu_cm_addr_device(&cmd->dst_addr) < 0 && !emu_cm_addr_multicast(&cmd->dst_addr)))
		return emu_cm_raise(id, EMU_CM_EVENT_ADDR_ERROR, -ENODEV) ? 0 : -ENOMEM;
	if (id->device < 0)
		id->src = has_src ? cmd->src_addr : cmd->dst_addr;
	if (!emu_cm_addr_port(&id->src) || !has_src)
		emu_cm_addr_set_port(&id->src, port);
	id->dst = cmd->dst_addr;
	id->device = device;
	if (!emu_cm_raise(id, EMU_CM_EVENT_ADDR_RESOLVED, 0))
		return -ENOMEM;
	id->state = EMU_CM_RESOLVED;
	return 0;
}

static int resolve_route(const struct call *c)
{
	if (c->id->state != EMU_CM_RESOLVED)
		return -EINVAL;
	if (refused_with(c, EMU_FAULT_ROUTE_ERROR))
		return raise_error(c, EMU_CM_EVENT_ROUTE_ERROR);
	if (!emu_cm_raise(c->id, EMU_CM_EVENT_ROUTE_RESOLVED, 0))
		return -ENOMEM;
	c->id->state = EMU_CM_ROUTED;
	return 0;
}

static void fill_path(const struct emu_cm_id *id, struct ib_user_path_rec *path)
{
	struct ib_uverbs_ah_attr ah = { .port_num = 0 };

	emu_cm_addr_gid(&id->src, id->device, path->sgid);
	emu_cm_addr_ah(id, &id->dst, &ah);
	memcpy(path->dgid, ah.grh.dgid, sizeof(path->dgid));
	path->pkey = htobe16(emu_session()->run.dev[id->device].pkey[0]);
	path->hop_limit = 64;
	path->traffic_class = id->tos;
}

/* ucma_query_route(): ibdev_index stays what it was, this "kernel" has no such numbers. */
static int query_route(const struct call *c)
{
	const struct rdma_ucm_query *cmd = c->payload;
	const struct emu_cm_id *id = c->id;
	struct rdma_ucm_query_route_resp resp = {
		.src_addr = id->src,
		.dst_addr = id->dst,
	};

	if (id->device >= 0) {
		resp.node_guid = htobe64(emu_session()->run.dev[id->device].guid);
		resp.port_num = 1;
		fill_path(id, &resp.ib_route[0]);
		resp.num_paths = id->state >= EMU_CM_ROUTED && id->state != EMU_CM_LISTEN;
	}
	return answer(c, cmd->response, &resp,
		      offsetof(struct rdma_ucm_query_route_resp, ibdev_index));
}

/* ---- connections ---- */

static int listen_cmd(const struct call *c)
{
	const struct rdma_ucm_listen *cmd = c->payload;
	const struct sockaddr_in6 any = { .sin6_family = AF_INET };
	struct emu_cm_id *id = c->id;
	int rc = id->state == EMU_CM_IDLE ? bind_to(id, &any) : 0;

	if (rc < 0)
		return rc;
	if (id->state != EMU_CM_BOUND)
		return -EINVAL;
	if (listen(id->sock, cmd->backlog > 0 && cmd->backlog < 1024 ? (int)cmd->backlog : 1024) <
	    0)
		return -errno;
	rc = emu_cm_id_watch(id);
	if (rc == 0)
		id->state = EMU_CM_LISTEN;
	return rc;
}

/* @status: of REJECTED the reason; of UNREACHABLE -errno. As cma_ib_handler(), cma_sidr_rep_handler(). */
static int refused(struct emu_cm_id *id, uint32_t event, int status)
{
	id->state = EMU_CM_CLOSED;
	if (id->datagrams && event == EMU_CM_EVENT_REJECTED) {
		event = EMU_CM_EVENT_UNREACHABLE;
		status = status == REJ_NO_SERVICE ? EMU_CM_SIDR_UNSUPPORTED : EMU_CM_SIDR_REJECT;
	}
	return emu_cm_raise(id, event, status) ? 0 : -ENOMEM;
}

static int connect_cmd(const struct call *c)
{
	const struct rdma_ucm_connect *cmd = c->payload;
	struct emu_cm_id *id = c->id;
	int sock;

	if (id->state != EMU_CM_ROUTED || !cmd->conn_param.valid)
		return -EINVAL;
	if (refused_with(c, EMU_FAULT_UNREACHABLE))
		return refused(id, EMU_CM_EVENT_UNREACHABLE, c->refusal->status);
	if (refused_with(c, EMU_FAULT_REJECTED))
		return refused(id, EMU_CM_EVENT_REJECTED, c->refusal->status);
	sock = emu_cm_connect(&id->dst, id->datagrams);
	if (sock == -ECONNREFUSED)
		return refused(id, EMU_CM_EVENT_REJECTED, REJ_NO_SERVICE);
	if (sock < 0)
		return refused(id, EMU_CM_EVENT_UNREACHABLE, -ETIMEDOUT);
	if (id->sock >= 0)
		emu_libc()->close(id->sock); /* kept the port */
	id->sock = sock;
	id->own = cmd->conn_param;
	id->state = EMU_CM_CONNECTING;
	emu_cm_send(id, EMU_CM_REQ, 0);
	return emu_cm_id_watch(id);
}

/* The active side accepts the response, without parameters (ucma_accept()). */
static int accept_cmd(const struct call *c)
{
	const struct rdma_ucm_accept *cmd = c->payload;
	struct emu_cm_id *id = c->id;

	if (id->state == EMU_CM_RESPONDED && !cmd->conn_param.valid) {
		emu_cm_send(id, EMU_CM_RTU, 0);
		id->state = EMU_CM_CONNECTED;
		return 0;
	}
	if (id->state != EMU_CM_REQUESTED || !cmd->conn_param.valid)
		return -EINVAL;
	id->uid = cmd->uid;
	id->own = cmd->conn_param;
	id->state = id->datagrams ? EMU_CM_CONNECTED : EMU_CM_ACCEPTING;
	emu_cm_send(id, EMU_CM_REP, 0);
	return 0;
}

static int reject(const struct call *c)
{
	const struct rdma_ucm_reject *cmd = c->payload;
	struct emu_cm_id *id = c->id;

	if (id->state != EMU_CM_REQUESTED && id->state != EMU_CM_RESPONDED)
		return -EINVAL;
	id->own = (struct rdma_ucm_conn_param){ .private_data_len = cmd->private_data_len };
	memcpy(id->own.private_data, cmd->private_data, sizeof(cmd->private_data));
	emu_cm_send(id, EMU_CM_REJ, cmd->reason ? cmd->reason : REJ_CONSUMER);
	id->state = EMU_CM_CLOSED;
	return 0;
}

/* Both sides hear of it; after the peer's word it is the answer to it, and nothing more happens. */
static int disconnect(const struct call *c)
{
	struct emu_cm_id *id = c->id;

	if (id->datagrams)
		return -EINVAL; /* there is no connection */
	if (id->state == EMU_CM_CLOSED)
		return 0;
	if (id->state != EMU_CM_CONNECTED && id->state != EMU_CM_ACCEPTING)
		return -EINVAL;
	emu_cm_send(id, EMU_CM_DREQ, 0);
	emu_cm_id_unwatch(id);
	id->state = EMU_CM_CLOSED;
	return emu_cm_raise(id, EMU_CM_EVENT_DISCONNECTED, 0) ? 0 : -ENOMEM;
}

static int notify(const struct call *c)
{
	struct emu_cm_id *id = c->id;

	if (id->state != EMU_CM_ACCEPTING)
		return id->state == EMU_CM_CONNECTED ? 0 : -EINVAL;
	if (!emu_cm_raise(id, EMU_CM_EVENT_ESTABLISHED, 0))
		return -ENOMEM;
	id->state = EMU_CM_CONNECTED;
	return 0;
}

static int init_qp_attr(const struct call *c)
{
	const struct rdma_ucm_init_qp_attr *cmd = c->payload;
	struct ib_uverbs_qp_attr attr;
	const int rc = emu_cm_qp_attr(c->id, cmd->qp_state, &attr);

	return rc < 0 ? rc : answer(c, cmd->response, &attr, sizeof(attr));
}

/* ---- multicast ---- */

static int join_group(const struct call *c, uint64_t uid, uint64_t response,
		      const struct sockaddr_in6 *addr)
{
	struct rdma_ucm_create_id_resp resp;
	struct emu_cm_group *group;
	int rc = emu_cm_group_join(
		c->id, uid, addr,
		refused_with(c, EMU_FAULT_MULTICAST_ERROR) ? c->refusal->status : 0, &group);

	if (rc < 0)
		return rc;
	resp.id = group->handle;
	rc = answer(c, response, &resp, sizeof(resp));
	if (rc < 0)
		emu_cm_group_leave(group);
	return rc;
}

static int join_ip(const struct call *c)
{
	const struct rdma_ucm_join_ip_mcast *cmd = c->payload;

	return join_group(c, cmd->uid, cmd->response, &cmd->addr);
}

/* Who joins to send alone hears nothing, as librdmacm does not attach its queue pair. */
static int join(const struct call *c)
{
	const struct rdma_ucm_join_mcast *cmd = c->payload;
	struct sockaddr_in6 addr;

	if (cmd->addr_size > sizeof(cmd->addr) || cmd->join_flags >= RDMA_MC_JOIN_FLAG_RESERVED)
		return -EINVAL;
	memcpy(&addr, &cmd->addr, sizeof(addr));
	return join_group(c, cmd->uid, cmd->response, &addr);
}

static int leave(const struct call *c)
{
	const struct rdma_ucm_destroy_id *cmd = c->payload;
	struct emu_cm_group *group = emu_cm_group_find(cmd->id);
	struct rdma_ucm_destroy_id_resp resp;

	if (!group)
		return -ENOENT;
	if (group->id->file != c->file)
		return -EINVAL;
	resp.events_reported = group->events_reported;
	emu_cm_group_leave(group);
	return answer(c, cmd->response, &resp, sizeof(resp));
}

/* ---- the rest ---- */

/* Those of addresses change nothing here: ports are the run's own, and each is taken once. */
static int set_option(const struct call *c)
{
	enum { MAX_TIMEOUT = 31 };
	const struct rdma_ucm_set_option *cmd = c->payload;
	const bool byte = cmd->optname == RDMA_OPTION_ID_TOS ||
			  cmd->optname == RDMA_OPTION_ID_ACK_TIMEOUT;
	uint8_t value[sizeof(int)];
	int rc;

	if (cmd->level != RDMA_OPTION_ID)
		return -EOPNOTSUPP;
	if (cmd->optname > RDMA_OPTION_ID_ACK_TIMEOUT)
		return -ENOSYS;
	if (cmd->optlen != (byte ? 1 : sizeof(int)) ||
	    (cmd->optname == RDMA_OPTION_ID_ACK_TIMEOUT && c->id->datagrams))
		return -EINVAL;
	rc = emu_user_read(value, cmd->optval, cmd->optlen);
	if (rc == 0 && cmd->optname == RDMA_OPTION_ID_TOS)
		c->id->tos = value[0];
	if (rc == 0 && cmd->optname == RDMA_OPTION_ID_ACK_TIMEOUT) {
		c->id->has_timeout = true;
		c->id->timeout = value[0] & MAX_TIMEOUT;
	}
	return rc;
}

/* The command comes on the new file; the identifier, with what waits for it, is on another. */
static int migrate_id(const struct call *c)
{
	const struct rdma_ucm_migrate_id *cmd = c->payload;
	struct emu_cm_id *id = emu_cm_id_find(cmd->id);
	struct rdma_ucm_migrate_resp resp;
	const struct emu_cm_file *from = emu_cm_file_find((int)cmd->fd);
	int rc;

	if (!id || id->untold || !from || id->file != from)
		return -ENOENT;
	rc = emu_cm_id_move(id, c->file);
	resp.events_reported = id->events_reported;
	return rc < 0 ? rc : answer(c, cmd->response, &resp, sizeof(resp));
}

/* ---- the table ---- */

struct command {
	size_t in;    /* bytes that a caller must give at least */
	size_t id_at; /* where in them the identifier is, 0 = it names none of the own */
	enum emu_fault_command plan_name;
	int (*run)(const struct call *c);
};

#define COMMAND(type, name, fn)                                                           \
	{                                                                                 \
		offsetof(struct type, id) + sizeof(uint32_t),                             \
			offsetof(struct type, id) ? offsetof(struct type, id) : AT_START, \
			EMU_FAULT_##name, fn                                              \
	}

enum { AT_START = 0xffff };

static const struct command commands[] = {
	[RDMA_USER_CM_CMD_CREATE_ID] = { sizeof(struct rdma_ucm_create_id), 0, EMU_FAULT_CREATE_ID,
					 create_id },
	[RDMA_USER_CM_CMD_DESTROY_ID] = COMMAND(rdma_ucm_destroy_id, DESTROY_ID, destroy_id),
	[RDMA_USER_CM_CMD_BIND_IP] = COMMAND(rdma_ucm_bind_ip, BIND_ADDR, bind_ip),
	[RDMA_USER_CM_CMD_RESOLVE_IP] = COMMAND(rdma_ucm_resolve_ip, RESOLVE_ADDR, resolve_ip),
	[RDMA_USER_CM_CMD_RESOLVE_ROUTE] =
		COMMAND(rdma_ucm_resolve_route, RESOLVE_ROUTE, resolve_route),
	[RDMA_USER_CM_CMD_QUERY_ROUTE] = COMMAND(rdma_ucm_query, QUERY_ROUTE, query_route),
	[RDMA_USER_CM_CMD_CONNECT] = COMMAND(rdma_ucm_connect, CONNECT, connect_cmd),
	[RDMA_USER_CM_CMD_LISTEN] = COMMAND(rdma_ucm_listen, LISTEN, listen_cmd),
	[RDMA_USER_CM_CMD_ACCEPT] = COMMAND(rdma_ucm_accept, ACCEPT, accept_cmd),
	[RDMA_USER_CM_CMD_REJECT] = COMMAND(rdma_ucm_reject, REJECT, reject),
	[RDMA_USER_CM_CMD_DISCONNECT] = COMMAND(rdma_ucm_disconnect, DISCONNECT, disconnect),
	[RDMA_USER_CM_CMD_INIT_QP_ATTR] =
		COMMAND(rdma_ucm_init_qp_attr, INIT_QP_ATTR, init_qp_attr),
	[RDMA_USER_CM_CMD_GET_EVENT] = { sizeof(struct rdma_ucm_get_event), 0, EMU_FAULT_GET_EVENT,
					 NULL }, /* file.c */
	[RDMA_USER_CM_CMD_SET_OPTION] = COMMAND(rdma_ucm_set_option, SET_OPTION, set_option),
	[RDMA_USER_CM_CMD_NOTIFY] = COMMAND(rdma_ucm_notify, NOTIFY, notify),
	[RDMA_USER_CM_CMD_JOIN_IP_MCAST] = COMMAND(rdma_ucm_join_ip_mcast, JOIN_MULTICAST, join_ip),
	[RDMA_USER_CM_CMD_JOIN_MCAST] = { sizeof(struct rdma_ucm_join_mcast),
					  offsetof(struct rdma_ucm_join_mcast, id),
					  EMU_FAULT_JOIN_MULTICAST, join },
	[RDMA_USER_CM_CMD_LEAVE_MCAST] = { sizeof(struct rdma_ucm_destroy_id), 0,
					   EMU_FAULT_LEAVE_MULTICAST, leave },
	[RDMA_USER_CM_CMD_MIGRATE_ID] = { sizeof(struct rdma_ucm_migrate_id), 0,
					  EMU_FAULT_MIGRATE_ID, migrate_id },
};

/* librdmacm begins with an identifier of AF_IB, to see whether there is such a thing: nobody's command. */
enum emu_fault_command emu_cm_plan_name(const struct rdma_ucm_cmd_hdr *hdr, const void *payload)
{
	if (hdr->cmd >= sizeof(commands) / sizeof(commands[0]) || hdr->in < commands[hdr->cmd].in ||
	    (hdr->cmd == RDMA_USER_CM_CMD_CREATE_ID && !offered(payload)))
		return EMU_FAULT_NO_COMMAND;
	return commands[hdr->cmd].plan_name;
}

int emu_cm_command(struct emu_cm_file *file, const struct rdma_ucm_cmd_hdr *hdr,
		   const void *payload, const struct emu_cm_answer *refusal)
{
	struct call c = { .file = file, .payload = payload, .out = hdr->out, .refusal = refusal };
	const struct command *command;
	uint32_t handle;

	if (hdr->cmd >= sizeof(commands) / sizeof(commands[0]) || !commands[hdr->cmd].run)
		return -ENOSYS;
	command = &commands[hdr->cmd];
	if (hdr->in < command->in)
		return -EINVAL;
	if (command->id_at) {
		memcpy(&handle,
		       (const char *)payload + (command->id_at == AT_START ? 0 : command->id_at),
		       sizeof(handle));
		c.id = emu_cm_id_find(handle);
		if (!c.id || c.id->untold)
			return -ENOENT;
		if (c.id->file != file)
			return -EINVAL;
	}
	return command->run(&c);
}
