/* SPDX-License-Identifier: MIT */
#include "transport.h"

static const struct emu_transport reliable = {
	.name = "RC",
	.service = EMU_SERVICE_RC,
	.acknowledged = true,
	.connected = true,
	.sends = true,
	.receives = true,
	.states = &emu_states_rc,
	.request = emu_responder_receive,
};

static const struct emu_transport unreliable = {
	.name = "UC",
	.service = EMU_SERVICE_UC,
	.connected = true,
	.sends = true,
	.receives = true,
	.states = &emu_states_uc,
	.request = emu_unreliable_receive,
};

static const struct emu_transport datagram = {
	.name = "UD",
	.service = EMU_SERVICE_UD,
	.sends = true,
	.receives = true,
	.states = &emu_states_ud,
	.request = emu_datagram_receive,
};

/* Annex A14: the two ends of an XRC connection; only the initiator sends requests. */
static const struct emu_transport xrc_initiator = {
	.name = "XRC_INI",
	.service = EMU_SERVICE_XRC,
	.acknowledged = true,
	.connected = true,
	.sends = true,
	.states = &emu_states_xrc_ini,
};

static const struct emu_transport xrc_target = {
	.name = "XRC_TGT",
	.service = EMU_SERVICE_XRC,
	.acknowledged = true,
	.connected = true,
	.states = &emu_states_xrc_tgt,
	.request = emu_responder_receive,
};

const struct emu_transport *emu_transport_of(enum emu_qp_type type)
{
	switch (type) {
	case EMU_QPT_RC:
		return &reliable;
	case EMU_QPT_UC:
		return &unreliable;
	case EMU_QPT_UD:
		return &datagram;
	case EMU_QPT_XRC_INI:
		return &xrc_initiator;
	case EMU_QPT_XRC_TGT:
		return &xrc_target;
	default:
		return NULL;
	}
}
