/* SPDX-License-Identifier: MIT */
/* What a command was answered is read from the program's memory once more, after the command. */
#include "cm/trace.h"

#include "engine/trace.h"
#include "trace/members.h"
#include "uverbs/user.h"

#include <assert.h>
#include <string.h>

enum { MAX_FIELDS = 8, NO_ANSWER = 0 };

/* @answer: where in the request the address of the answer is, and @told its fields. */
struct layout {
	const char *name;
	struct emu_member in[MAX_FIELDS];
	uint16_t answer_size, answer;
	struct emu_member told[4];
};

#define F(type, member) EMU_MEMBER(type, member)
#define ANSWER(request, type) sizeof(struct type), offsetof(struct request, response)
#define CONN(type)                                                                        \
	F(type, id), F(type, conn_param.qp_num), F(type, conn_param.responder_resources), \
		F(type, conn_param.initiator_depth), F(type, conn_param.retry_count),     \
		F(type, conn_param.rnr_retry_count), F(type, conn_param.private_data_len)

static const struct layout layouts[] = {
	[RDMA_USER_CM_CMD_CREATE_ID] = { "CREATE_ID",
					 { F(rdma_ucm_create_id, ps),
					   F(rdma_ucm_create_id, qp_type) },
					 ANSWER(rdma_ucm_create_id, rdma_ucm_create_id_resp),
					 { F(rdma_ucm_create_id_resp, id) } },
	[RDMA_USER_CM_CMD_DESTROY_ID] = { "DESTROY_ID",
					  { F(rdma_ucm_destroy_id, id) },
					  ANSWER(rdma_ucm_destroy_id, rdma_ucm_destroy_id_resp),
					  { F(rdma_ucm_destroy_id_resp, events_reported) } },
	[RDMA_USER_CM_CMD_BIND_IP] = { "BIND_IP",
				       { F(rdma_ucm_bind_ip, id), F(rdma_ucm_bind_ip, addr) },
				       NO_ANSWER,
				       NO_ANSWER,
				       { { NULL, 0, 0 } } },
	[RDMA_USER_CM_CMD_RESOLVE_IP] = { "RESOLVE_IP",
					  { F(rdma_ucm_resolve_ip, id),
					    F(rdma_ucm_resolve_ip, src_addr),
					    F(rdma_ucm_resolve_ip, dst_addr),
					    F(rdma_ucm_resolve_ip, timeout_ms) },
					  NO_ANSWER,
					  NO_ANSWER,
					  { { NULL, 0, 0 } } },
	[RDMA_USER_CM_CMD_RESOLVE_ROUTE] = { "RESOLVE_ROUTE",
					     { F(rdma_ucm_resolve_route, id),
					       F(rdma_ucm_resolve_route, timeout_ms) },
					     NO_ANSWER,
					     NO_ANSWER,
					     { { NULL, 0, 0 } } },
	[RDMA_USER_CM_CMD_QUERY_ROUTE] = { "QUERY_ROUTE",
					   { F(rdma_ucm_query, id) },
					   ANSWER(rdma_ucm_query, rdma_ucm_query_route_resp),
					   { F(rdma_ucm_query_route_resp, num_paths),
					     F(rdma_ucm_query_route_resp, src_addr),
					     F(rdma_ucm_query_route_resp, dst_addr) } },
	[RDMA_USER_CM_CMD_CONNECT] = { "CONNECT",
				       { CONN(rdma_ucm_connect) },
				       NO_ANSWER,
				       NO_ANSWER,
				       { { NULL, 0, 0 } } },
	[RDMA_USER_CM_CMD_LISTEN] = { "LISTEN",
				      { F(rdma_ucm_listen, id), F(rdma_ucm_listen, backlog) },
				      NO_ANSWER,
				      NO_ANSWER,
				      { { NULL, 0, 0 } } },
	[RDMA_USER_CM_CMD_ACCEPT] = { "ACCEPT",
				      { CONN(rdma_ucm_accept) },
				      NO_ANSWER,
				      NO_ANSWER,
				      { { NULL, 0, 0 } } },
	[RDMA_USER_CM_CMD_REJECT] = { "REJECT",
				      { F(rdma_ucm_reject, id),
					F(rdma_ucm_reject, private_data_len),
					F(rdma_ucm_reject, reason) },
				      NO_ANSWER,
				      NO_ANSWER,
				      { { NULL, 0, 0 } } },
	[RDMA_USER_CM_CMD_DISCONNECT] = { "DISCONNECT",
					  { F(rdma_ucm_disconnect, id) },
					  NO_ANSWER,
					  NO_ANSWER,
					  { { NULL, 0, 0 } } },
	[RDMA_USER_CM_CMD_INIT_QP_ATTR] = { "INIT_QP_ATTR",
					    { F(rdma_ucm_init_qp_attr, id),
					      F(rdma_ucm_init_qp_attr, qp_state) },
					    ANSWER(rdma_ucm_init_qp_attr, ib_uverbs_qp_attr),
					    { F(ib_uverbs_qp_attr, qp_attr_mask),
					      F(ib_uverbs_qp_attr, dest_qp_num),
					      F(ib_uverbs_qp_attr, rq_psn),
					      F(ib_uverbs_qp_attr, sq_psn) } },
	[RDMA_USER_CM_CMD_GET_EVENT] = { "GET_EVENT",
					 { { NULL, 0, 0 } },
					 ANSWER(rdma_ucm_get_event, rdma_ucm_event_resp),
					 { F(rdma_ucm_event_resp, id),
					   F(rdma_ucm_event_resp, status) } },
	[RDMA_USER_CM_CMD_SET_OPTION] = { "SET_OPTION",
					  { F(rdma_ucm_set_option, id),
					    F(rdma_ucm_set_option, level),
					    F(rdma_ucm_set_option, optname) },
					  NO_ANSWER,
					  NO_ANSWER,
					  { { NULL, 0, 0 } } },
	[RDMA_USER_CM_CMD_NOTIFY] = { "NOTIFY",
				      { F(rdma_ucm_notify, id), F(rdma_ucm_notify, event) },
				      NO_ANSWER,
				      NO_ANSWER,
				      { { NULL, 0, 0 } } },
	[RDMA_USER_CM_CMD_JOIN_IP_MCAST] = { "JOIN_IP_MCAST",
					     { F(rdma_ucm_join_ip_mcast, id),
					       F(rdma_ucm_join_ip_mcast, addr) },
					     ANSWER(rdma_ucm_join_ip_mcast,
						    rdma_ucm_create_id_resp),
					     { F(rdma_ucm_create_id_resp, id) } },
	[RDMA_USER_CM_CMD_LEAVE_MCAST] = { "LEAVE_MCAST",
					   { F(rdma_ucm_destroy_id, id) },
					   ANSWER(rdma_ucm_destroy_id, rdma_ucm_destroy_id_resp),
					   { F(rdma_ucm_destroy_id_resp, events_reported) } },
	[RDMA_USER_CM_CMD_MIGRATE_ID] = { "MIGRATE_ID",
					  { F(rdma_ucm_migrate_id, id),
					    F(rdma_ucm_migrate_id, fd) },
					  ANSWER(rdma_ucm_migrate_id, rdma_ucm_migrate_resp),
					  { F(rdma_ucm_migrate_resp, events_reported) } },
	[RDMA_USER_CM_CMD_JOIN_MCAST] = { "JOIN_MCAST",
					  { F(rdma_ucm_join_mcast, id),
					    F(rdma_ucm_join_mcast, join_flags) },
					  ANSWER(rdma_ucm_join_mcast, rdma_ucm_create_id_resp),
					  { F(rdma_ucm_create_id_resp, id) } },
};

/* Of enum rdma_cm_event_type. */
static const char *event_name(uint32_t event)
{
	static const char *const names[] = {
		"ADDR_RESOLVED",   "ADDR_ERROR",       "ROUTE_RESOLVED", "ROUTE_ERROR",
		"CONNECT_REQUEST", "CONNECT_RESPONSE", "CONNECT_ERROR",  "UNREACHABLE",
		"REJECTED",        "ESTABLISHED",      "DISCONNECTED",   "DEVICE_REMOVAL",
		"MULTICAST_JOIN",  "MULTICAST_ERROR",
	};

	return event < sizeof(names) / sizeof(*names) ? names[event] : "?";
}

static void add_answer(struct emu_line *line, const struct layout *l,
		       const struct rdma_ucm_cmd_hdr *hdr, const void *payload)
{
	uint8_t told[sizeof(struct rdma_ucm_event_resp)] = { 0 };
	const size_t n = hdr->out < l->answer_size ? hdr->out : l->answer_size;
	struct rdma_ucm_event_resp event;
	uint64_t at;

	static_assert(sizeof(told) >= sizeof(struct rdma_ucm_query_route_resp), "room for all");
	static_assert(sizeof(told) >= sizeof(struct ib_uverbs_qp_attr), "room for all");
	memcpy(&at, (const uint8_t *)payload + l->answer, sizeof(at));
	if (emu_user_read(told, at, n) < 0)
		return;
	emu_line_add(line, " ->");
	emu_line_members(line, l->told, sizeof(l->told) / sizeof(*l->told), told, n);
	if (hdr->cmd != RDMA_USER_CM_CMD_GET_EVENT)
		return;
	memcpy(&event, told, sizeof(event));
	emu_line_add(line, " event=%s", event_name(event.event));
}

void emu_cm_trace(const struct rdma_ucm_cmd_hdr *hdr, const void *payload, int rc)
{
	const struct layout *l =
		hdr->cmd < sizeof(layouts) / sizeof(*layouts) ? &layouts[hdr->cmd] : NULL;
	struct emu_line line;

	if (!(emu_trace_sinks & EMU_TRACE_TEXT))
		return;
	emu_line_begin(&line, emu_trace_now_ns());
	emu_line_add(&line, " rdma_cm command");
	if (l && l->name) {
		emu_line_add(&line, " %s: rc=%d", l->name, rc);
		emu_line_members(&line, l->in, MAX_FIELDS, payload, hdr->in);
	} else {
		emu_line_add(&line, " %u: rc=%d", hdr->cmd, rc);
	}
	if (rc == 0 && l && l->answer_size)
		add_answer(&line, l, hdr, payload);
	emu_line_write(&line);
}
