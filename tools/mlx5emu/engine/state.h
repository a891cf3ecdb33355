/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_STATE_H
#define MLX5EMU_ENGINE_STATE_H

#include <pthread.h>
#include <stdint.h>

#include "../fabric/domain.h"
#include "../fabric/fabric.h"
#include "../fabric/relay.h"
#include "../fault/decide.h"
#include "../fault/hold.h"
#include "../fabric/wire.h"
#include "../mlx5emu.h"
#include "doorbell.h"
#include "engine.h"
#include "ids.h"
#include "list.h"
#include "log.h"
#include "pieces.h"
#include "wqe_parse.h"

/*
 * The device hardware of this process: one singleton behind one lock. Everything below engine.h
 * runs with the lock held; functions named emu_*_locked() never take it, the calls of engine.h do.
 *
 *	API calls (any thread) ---+
 *	                          +--> lock --> objects, work list, fabric
 *	device thread, or step ---+
 *
 * To split the lock later: objects are reached only through the tables below, and a QP touches
 * nothing but itself, its CQs, its PD's keys and the fabric.
 */

enum {
	EMU_STAND_IN_LISTS = 1024, /* by numbers of targets, so that none is long */
	EMU_FREED_KEYS = 64,       /* how many keys are remembered, for who still uses them */
	EMU_MR_FIRST = 16,         /* key 0x100 ends a scatter list and must stay invalid */
};

struct emu_uar {
	struct emu_device *dev;
	struct emu_list node; /* emu.uars, while in use by a QP or CQ */
	struct emu_list qps, cqs;
	uint8_t *page;
	uint8_t *other; /* where the program may have mapped it instead, until a doorbell tells; or NULL */
	uint32_t index;
	unsigned users;
	bool allocated;
	uint32_t reg_qpn[EMU_UAR_SLOTS / 2]; /* who rang there last; 0 = nobody that is left */
	struct emu_bf *bf;                   /* EMU_UAR_SLOTS of them */
};

struct emu_device {
	struct emu_device_config config;
	struct emu_list node; /* emu.devices */
	bool port_active;
	uint8_t mtu_code;      /* of config.mtu */
	bool fatal;            /* works no more: emu_device_fatal() */
	bool orphan;           /* inherited over fork(): see engine.h */
	struct emu_uar **uars; /* nuars of them: pages that were used so far; others are NULL */
	uint32_t nuars;
	uint32_t next_uar;
};

struct emu_pd {
	struct emu_device *dev;
	uint32_t pdn;
	unsigned users;
};

struct emu_xrc_domain;

struct emu_xrcd {
	struct emu_device *dev;
	struct emu_xrc_domain *domain; /* a reference; equal in all who share it */
	uint32_t xrcdn;
	unsigned users;
};

struct emu_fault_state {
	bool active; /* a plan is in force and has rules */
	char *text;  /* of the run, that faults came from; NULL = they did not */
	struct emu_faults faults;
	struct emu_hold hold;
	uint32_t noted;      /* bit per emu_fault_action, for the end of the round */
	uint32_t events;     /* EMU_FAULT_LID_CHANGE..., as noted */
	uint32_t cm_events;  /* EMU_FAULT_DISCONNECTED..., as noted */
	uint64_t full_until; /* the wire takes nothing; 0 = it does */
};

struct emu_state {
	pthread_mutex_t lock;
	struct emu_list devices;
	unsigned users; /* devices, and who entered without one */
	bool manual;
	enum emu_strict strict;
	uint64_t virtual_ns; /* the clock of manual mode */

	struct emu_ids pds, xrcds, mrs, cqs, srqs, qps;
	uint8_t key_variant; /* lowest byte of the next key */
	uint32_t freed_keys[EMU_FREED_KEYS];
	unsigned nfreed; /* free-running */
	struct emu_fabric *fabric;
	struct emu_list uars;      /* pages that can bring doorbells */
	struct emu_list work;      /* QPs with something to do */
	struct emu_list timed;     /* QPs with a running timer */
	struct emu_list failed;    /* QPs in the error state: they flush what is posted */
	struct emu_list moderated; /* CQs with an event that waits */
	struct emu_list blocks;    /* compressed completions that are not written yet */
	struct emu_list relays;    /* XRC targets that wait for another process: relay.h */
	/* What this process does for others' targets: stand_in.c. */
	struct emu_stand_in *stand_ins[EMU_STAND_IN_LISTS];
	uint64_t last_relay;    /* number; 0 = there was none */
	uint64_t next_watch;    /* for silent queues: doorbell.h */
	uint64_t next_deadline; /* no timer expires earlier; UINT64_MAX = none runs */
	uint64_t behind_since;  /* when arrivals began to pile up; 0 = they do not */

	struct emu_fault_state fault;
	emu_tell_connections *tell_connections; /* NULL = nobody to tell */
	struct mlx5emu_counters counters;
	char last_illegal[EMU_WQE_ERROR_TEXT];

	/* Scratch of whoever holds the lock. */
	struct emu_wqe wqe;
	struct emu_pieces pieces;
	uint8_t rx[EMU_RELAY_MAX], tx[EMU_RELAY_MAX];
};

extern struct emu_state emu;

void emu_lock(void);
void emu_unlock(void);

/* Lock held: 0, or -ENODEV when @dev is of the parent of a fork. */
int emu_device_check(const struct emu_device *dev);

/* Lock held: as above, and -EIO when it is broken: what asks more of it than an end. */
int emu_device_usable(const struct emu_device *dev);

/*
 * Lock held: how a call about one object goes on when it has looked for it. As the two above, and
 * -EINVAL when @object is NULL.
 */
int emu_object_check(const struct emu_device *dev, const void *object);
int emu_object_usable(const struct emu_device *dev, const void *object);

/* Lock held: an object is destroyed because its device is, and not by the program. */
void emu_object_left(const struct emu_device *dev);

/*
 * Lock held: the device breaks. Its queues stop where they are, nothing completes any more, and what
 * software may still ask of it is to take it apart.
 */
void emu_device_fatal(struct emu_device *dev);

/* Lock held: moves the port; an event when that changes something. Down, nothing passes it. */
void emu_port_change(struct emu_device *dev, bool active);

/* Lock held; counts the event. */
void emu_raise(struct emu_device *dev, enum emu_event type, void *cookie, unsigned port);

/* ---- uar.c ---- */

void emu_uars_fini(struct emu_device *dev);

/* The page when allocated on @dev, else NULL. */
struct emu_uar *emu_uar_find(struct emu_device *dev, uint32_t page);
void emu_uar_get(struct emu_uar *uar);
void emu_uar_put(struct emu_uar *uar);

/* Consumes all doorbells; returns how many there were. */
unsigned emu_uar_scan(void);

/* The same for the send doorbells of one page. */
unsigned emu_uar_scan_send(struct emu_uar *uar);

/* The same for its arm doorbell. */
unsigned emu_uar_scan_arm(struct emu_uar *uar);

/* ---- pd.c ---- */

struct emu_pd *emu_pd_find(const struct emu_device *dev, uint32_t pdn);
void emu_pds_destroy(struct emu_device *dev);

/* ---- xrcd.c ---- */

struct emu_xrcd *emu_xrcd_find(const struct emu_device *dev, uint32_t xrcdn);
void emu_xrcds_destroy(struct emu_device *dev);

/* By what other processes know its domain; NULL: they do not. */
const struct emu_domain_key *emu_xrcd_key(const struct emu_xrcd *xrcd);
bool emu_xrcd_has_key(const struct emu_xrcd *xrcd, const struct emu_domain_key *key);

/* After fork(), in the child: the parent's domains are the parent's alone. */
void emu_xrcds_orphan(void);

/* ---- step.c ---- */

/* One round over everything; returns the number of work items. Lock held. */
unsigned emu_step_locked(void);

/* Only the outgoing half: sends what is owed. Lock held. */
unsigned emu_drain_locked(void);

/* A datagram that a fault held back on its way in arrives now. Lock held. */
void emu_receive_again(const uint8_t *datagram, size_t size, unsigned slot);

/* ---- leave.c ---- */

/* Before the fabric closes, while the thread still runs. Lock not held. */
void emu_leave_wire(void);

/* ---- thread.c ---- */

int emu_thread_start(void);
void emu_thread_stop(void);

/* After fork(), in the child: the thread does not exist here. */
void emu_thread_forget(void);

/* Ends a long nap: there is something new to watch. */
void emu_thread_kick(void);

#endif
