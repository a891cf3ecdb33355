/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_TRANSPORT_H
#define MLX5EMU_ENGINE_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "../fabric/wire.h"
#include "engine.h"

struct emu_qp;
struct emu_packet;

/*
 * What the transports differ in, one constant each (IBA vol 1 section 9.1, table 34). What a WQE of
 * each may say is wqe_parse.c's matter; everything else about a queue pair is the same for all.
 */
struct emu_transport {
	const char *name;
	enum emu_wire_service service;
	bool acknowledged; /* a work is done when its peer says so; else when it has left */
	bool connected;    /* one peer, named by the QP; else each WQE names its own */
	bool sends;        /* has a send queue, and so a protection domain and a CQ */
	bool receives;     /* has a receive queue, own or shared, and a CQ for it */
	const struct emu_states *states;
	/* A request arrived for the QP, from a peer that it hears; NULL: it hears answers alone. */
	void (*request)(struct emu_qp *qp, const struct emu_packet *packet);
};

/* NULL for a type that the device does not offer. */
const struct emu_transport *emu_transport_of(enum emu_qp_type type);

/* Whether a queue pair of these rules may go from @from to @to with the attributes of @mask. */
bool emu_states_allow(const struct emu_states *states, enum emu_qp_state from, enum emu_qp_state to,
		      uint32_t mask);

extern const struct emu_states emu_states_rc, emu_states_uc, emu_states_ud, emu_states_xrc_ini,
	emu_states_xrc_tgt;

/* responder.c: reliable connections and XRC; unreliable.c: UC; datagram.c: UD. */
void emu_responder_receive(struct emu_qp *qp, const struct emu_packet *packet);
void emu_unreliable_receive(struct emu_qp *qp, const struct emu_packet *packet);
void emu_datagram_receive(struct emu_qp *qp, const struct emu_packet *packet);

#endif
