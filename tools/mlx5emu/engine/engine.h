/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_ENGINE_H
#define MLX5EMU_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../fault/plan.h"

/*
 * The contract between the ABI layer (tools/mlx5emu/uverbs, or a unit test) and the engine.
 *
 * The ABI layer turns kernel commands into these calls; the engine owns every object's meaning and
 * all work on rings, keys and wires. No structure of the kernel ABI appears here: numbers that the
 * verbs API also defines (states, masks, access flags, event types) have the values of
 * <infiniband/verbs.h>, and tests/unit/mlx5emu holds them against it.
 *
 * Conventions of every call below:
 *  - returns 0 or -errno; outputs are written only on success; after an error nothing happened;
 *  - any thread may call; the engine takes its own lock. Never call from inside a callback;
 *  - never sleeps for a peer, and never for longer than one turn of the device thread; but the last one
 *    to go waits while peers take what was sent to them, ten seconds at most, and a second for one that
 *    takes nothing; and emu_xrcd_open() some seconds for a process that is in the middle of it;
 *  - objects are named by the numbers that the hardware would use (cqn, qpn, pdn, key); a number of
 *    another emu_device, or one that does not exist, is -EINVAL;
 *  - an object still used by another one cannot go: -EBUSY (PD under QP/SRQ/MR, CQ under QP/SRQ,
 *    SRQ under QP, XRC domain under QP/SRQ, UAR under CQ/QP). emu_device_destroy() removes whatever is left;
 *  - a device that broke (EMU_EVENT_DEVICE_FATAL) answers -EIO, but for calls that take something
 *    apart and for a move to RESET or ERR: those succeed, as mlx5_internal_err_ret_value() in the
 *    kernel's drivers/net/ethernet/mellanox/mlx5/core/cmd.c has it;
 *  - in a child after fork() every device inherited from the parent is gone: each call is -ENODEV,
 *    only emu_device_destroy() works (it frees memory). The child may create its own device.
 */

struct emu_device;

enum {
	EMU_PAGE_SIZE = 4096, /* one UAR page (log_uar_size 12, one UAR per page) */
	EMU_MAX_UAR_PAGES = 1024,
	EMU_MAX_SLOTS = 254, /* processes of one run */
	EMU_MAX_QP = 4096,   /* per process; a QPN is slot << 16 | index */
	EMU_MAX_CQ = 8192,
	EMU_MAX_MR = 65536,
	EMU_MAX_PD = 4096,
	EMU_MAX_GROUPS = 65536,    /* of multicast; as many as there is memory for */
	EMU_MAX_KEY_RANGES = 4096, /* entries of one indirect key */
	EMU_KEY_DEPTH = 3,         /* indirect keys over indirect keys */
	EMU_MAX_XRCD = 4096,
	EMU_MAX_SQ_WQEBB = 32768, /* 64-byte blocks of one send queue */
	EMU_MAX_RQ_WQE = 32768,
	EMU_MAX_SRQ = 4096,
	EMU_MAX_SRQ_WQE = 32768,
	EMU_MAX_SRQ_SGE = 31,  /* what a 512-byte stride holds behind its next segment */
	EMU_MAX_CQE = 4194303, /* usable entries; the ring has one more */
	EMU_MAX_CQ_COUNT = 0xffff,
	EMU_MAX_CQ_PERIOD = 0xfff, /* us */
	EMU_BLOCK_MAX = 64,        /* completions compressed into one block */
	EMU_MAX_SEND_SGE = 30,     /* data segments that fit a 1008-byte WQE with one header */
	EMU_MAX_RECV_SGE = 32,     /* 512-byte receive stride */
	EMU_MAX_SQ_DESC = 1024,    /* bytes (max_sq_desc_sz) */
	EMU_MAX_RQ_DESC = 512,     /* bytes (max_rq_desc_sz) */
	EMU_MAX_GIDS = 16,
	EMU_MAX_PKEYS = 8,
	EMU_PKEY_DEFAULT = 0xffff, /* IBA vol 1 section 10.9.1 */
	EMU_NAME_SIZE = 64,        /* of a device, with its end */
	EMU_MAX_RD_ATOM = 16,      /* max_rd_atomic and max_dest_rd_atomic */
	EMU_MAX_MSG = 1 << 30,     /* bytes of one message (max_msg_sz) */
};

/*
 * What becomes of requests that break the rules of the device interface in a way that silicon may
 * not notice. What cannot be carried out at all fails at every level.
 */
enum emu_strict {
	EMU_STRICT_ERROR,    /* reported, and the queue fails */
	EMU_STRICT_PEDANTIC, /* the same, also for leftovers of widespread libraries */
	EMU_STRICT_WARN,     /* reported, and carried out as far as possible */
	EMU_STRICT_OFF,      /* not looked for */
};

static inline bool emu_strict_refuses(enum emu_strict strict)
{
	return strict == EMU_STRICT_ERROR || strict == EMU_STRICT_PEDANTIC;
}

/*
 * What is common to all devices of one process. Taken from the first emu_device_create(), or the first
 * emu_engine_enter() before it.
 */
struct emu_run_config {
	/*
	 * Names the run: processes with equal ids see each other. 1..48 characters of [0-9A-Za-z_-];
	 * NULL or "" = private to this process.
	 */
	const char *run_id;
	bool manual;          /* no thread, virtual clock: mlx5emu_step() does the work */
	int log_level;        /* 0 none, 1 error, 2 warn, 3 info, 4 debug, 5 trace */
	const char *log_path; /* NULL = stderr; appended to, one write per line */
	const char *faults;   /* fault plan (docs/mlx5emu.1.md), NULL = none */
	enum emu_strict strict;
	const char *reports_path; /* a file that takes a line per report; NULL = none */
	/* Traces (trace/sink.h): text, "-" for stderr, and frames; NULL or "" = none. */
	const char *trace_path, *frames_path;
	const char *stat_dir; /* takes the counters for those who look; NULL or "" = none */
};

/* Asynchronous events; values of enum ibv_event_type. */
enum emu_event {
	EMU_EVENT_CQ_ERR = 0,
	EMU_EVENT_QP_FATAL = 1,
	EMU_EVENT_QP_REQ_ERR = 2,
	EMU_EVENT_QP_ACCESS_ERR = 3,
	EMU_EVENT_COMM_EST = 4,
	EMU_EVENT_SQ_DRAINED = 5,
	EMU_EVENT_DEVICE_FATAL = 8,
	EMU_EVENT_PORT_ACTIVE = 9,
	EMU_EVENT_PORT_ERR = 10,
	EMU_EVENT_LID_CHANGE = 11,
	EMU_EVENT_PKEY_CHANGE = 12,
	EMU_EVENT_SM_CHANGE = 13,
	EMU_EVENT_SRQ_ERR = 14,
	EMU_EVENT_SRQ_LIMIT_REACHED = 15,
	EMU_EVENT_QP_LAST_WQE_REACHED = 16,
	EMU_EVENT_CLIENT_REREGISTER = 17,
	EMU_EVENT_GID_CHANGE = 18,
};

/*
 * Upcalls. They come with the engine lock held, mostly from the device thread: they must not block,
 * must not call the engine, and may be called before the creating call has returned. Once the
 * destroying call has returned, that object's cookie is not used again.
 */
struct emu_callbacks {
	/* A CQ that was armed got its completion: raise one event on its completion channel. */
	void (*comp_event)(void *cq_cookie);
	/*
	 * @obj_cookie: of the QP (QP_*, COMM_EST, SQ_DRAINED), CQ (CQ_ERR) or SRQ (SRQ_*)
	 * concerned; NULL for port and device events, where @port is 1 or 0.
	 */
	void (*async_event)(void *dev_cookie, enum emu_event type, void *obj_cookie, unsigned port);
};

/* An entry of a port's GID table. */
struct emu_gid {
	uint8_t raw[16];
	bool v2; /* RoCE v2 */
};

struct emu_device_config {
	struct emu_run_config run;
	unsigned index;           /* among the devices of the run */
	char name[EMU_NAME_SIZE]; /* for people; "" = mlx5_<index> */
	/*
	 * UAR pages: the engine's own mapping of the memory that the program maps as UARs, page i
	 * at uar_base + i * EMU_PAGE_SIZE, zeroed, valid until emu_device_destroy() has returned.
	 */
	void *uar_base;
	unsigned uar_pages;           /* 2..EMU_MAX_UAR_PAGES; page 0 is never handed out */
	bool cqe_v0;                  /* completions of version 0: no user indices */
	bool infiniband;              /* link layer of the port; else Ethernet */
	uint16_t lid;                 /* InfiniBand */
	uint16_t pkey[EMU_MAX_PKEYS]; /* of the port; none given is 0xffff alone */
	unsigned npkeys;
	bool port_active;
	unsigned mtu; /* active MTU of the port in bytes: 256, 512, 1024, 2048, 4096 */
	struct emu_gid gid[EMU_MAX_GIDS];
	unsigned ngids;
	/* The Ethernet address of the port that has this GID, anywhere in the run; may be NULL. */
	bool (*mac_of_gid)(const uint8_t gid[16], uint8_t mac[6]);
	struct emu_callbacks cb; /* both set */
	void *cookie;
};

/*
 * One emu_device per opened uverbs file; several may live in one process, each with its own UAR
 * pages, PDs, keys and queues. The first user of the engine claims a fabric slot and (unless manual)
 * starts the device thread; the last one to go ends both.
 * -EINVAL config; -EADDRINUSE all slots of the run are taken; -ENOMEM; -errno of thread or socket.
 */
int emu_device_create(const struct emu_device_config *config, struct emu_device **out);
void emu_device_destroy(struct emu_device *dev);

/*
 * A user without a device: for as long as it is there the process has its slot, its trace and its fault
 * plan. Fails as emu_device_create() does. In a child after fork() there is nothing to leave.
 */
int emu_engine_enter(const struct emu_run_config *run);
void emu_engine_leave(void);

/* The fabric slot of this process, 1..EMU_MAX_SLOTS (0 when nobody uses the engine). */
unsigned emu_slot(void);

/* Port state for QUERY_PORT; EMU_EVENT_PORT_* is raised when emu_port_set() changes it. */
bool emu_port_active(const struct emu_device *dev);
int emu_port_set(struct emu_device *dev, bool active);

/* What a fault plan has the network answer to a command of the connection manager. */
struct emu_cm_answer {
	bool given;
	enum emu_fault_cm_error error;
	int status; /* of the event: -errno, or the reason of a rejection */
};

/*
 * Before a command of the program: -errno where the fault plan has it fail, else 0 and, if @answer is
 * not NULL, what comes of it.
 */
int emu_command_fault(enum emu_fault_command command, struct emu_cm_answer *answer);

/*
 * Who tells all connections of the process of EMU_FAULT_DISCONNECTED... events, from now on. It is
 * called with the lock held, and must neither block nor call the engine; false: not now, ask again.
 */
typedef bool emu_tell_connections(uint32_t events);
void emu_connections(emu_tell_connections *tell);

/* ---- UAR pages ---- */

/* -ENOMEM when all are in use. The page is zeroed. @page 1..uar_pages - 1. */
int emu_uar_alloc(struct emu_device *dev, uint32_t *page);
int emu_uar_free(struct emu_device *dev, uint32_t page);

/*
 * A page at @at, which the program maps there without asking for one; or at @other, which may be NULL: the
 * first doorbell tells. Both in the mapping at uar_base. emu_uar_free() or the device's end gives it back.
 */
int emu_uar_place(struct emu_device *dev, void *at, void *other, uint32_t *page);

/* ---- protection domains ---- */

int emu_pd_alloc(struct emu_device *dev, uint32_t *pdn);
int emu_pd_free(struct emu_device *dev, uint32_t pdn);

/* ---- XRC domains ---- */

/* The file that a domain was opened with. */
struct emu_xrcd_open {
	int fd;            /* of the file that the domain is known by; -1: a domain of its own */
	uint64_t dev, ino; /* of that file */
	bool create, exclusive; /* O_CREAT, O_EXCL: of no meaning without a file */
};

/*
 * What the target queue pairs and shared receive queues of an XRC domain have in common. Opens of one file
 * on devices of one index are one domain, in all processes of the run.
 * -EAGAIN nobody has it open, and @create is false; -EINVAL somebody has, and @exclusive; -ETIMEDOUT another
 * process has been in the middle of an open for seconds. Each success is a number of its own.
 */
int emu_xrcd_open(struct emu_device *dev, const struct emu_xrcd_open *how, uint32_t *xrcdn);
int emu_xrcd_free(struct emu_device *dev, uint32_t xrcdn);

/* ---- memory regions ---- */

/* Values of enum ibv_access_flags. */
enum {
	EMU_ACCESS_LOCAL_WRITE = 1 << 0,
	EMU_ACCESS_REMOTE_WRITE = 1 << 1,
	EMU_ACCESS_REMOTE_READ = 1 << 2,
	EMU_ACCESS_REMOTE_ATOMIC = 1 << 3,
	EMU_ACCESS_MW_BIND = 1 << 4,
	EMU_ACCESS_ZERO_BASED = 1 << 5,
	EMU_ACCESS_ON_DEMAND = 1 << 6,
	EMU_ACCESS_HUGETLB = 1 << 7,
	EMU_ACCESS_OPTIONAL = 0x3ff00000, /* relaxed ordering and friends: accepted, no effect */
};

struct emu_mr_attr {
	uint32_t pdn;
	uint64_t addr;   /* in this process */
	uint64_t length; /* 1.. */
	uint64_t iova;   /* address that WQEs and peers use for byte 0 */
	uint32_t access;
	bool may_be_empty; /* length 0.., as of device memory */
};

/*
 * lkey == rkey == index << 8 | variant.
 * -EINVAL: length 0, wrap-around, unknown flags, remote write or atomic without local write;
 * -EFAULT: a page of the range is not mapped (or not writable, with local write);
 * -EOPNOTSUPP: ZERO_BASED, ON_DEMAND unless emu_mr_on_demand(); -ENOMEM: no key left.
 * A region on demand may name what is not mapped yet, up to all addresses (0, UINT64_MAX): a page
 * that is missing fails the request that meets it.
 */
int emu_mr_reg(struct emu_device *dev, const struct emu_mr_attr *attr, uint32_t *key);
/* With the lowest byte of the key chosen by the caller. */
int emu_mr_reg_variant(struct emu_device *dev, const struct emu_mr_attr *attr, uint8_t variant,
		       uint32_t *key);
int emu_mr_dereg(struct emu_device *dev, uint32_t key);

/* ---- keys over keys ---- */

struct emu_key_range {
	uint64_t va, length; /* under @key; the length of a list with log_entity means nothing */
	uint32_t key;
	uint32_t stride; /* of an entry that repeats */
};

struct emu_indirect_attr {
	uint32_t pdn;
	uint32_t access; /* what peers may do is this key's matter, not that of those behind it */
	uint64_t iova, length;
	bool has_variant;
	uint8_t variant;    /* lowest byte of the key; else the device chooses */
	uint8_t log_entity; /* 0, or all ranges have 1 << log_entity bytes */
	bool free;          /* useless before a UMR request binds it */
	bool umr;           /* UMR requests may change it */
	bool window;        /* a memory window of verbs, with its rules for binding */
	bool remote_invalidate;
	uint32_t max_ranges; /* 1..EMU_MAX_KEY_RANGES */
	uint32_t nranges;
	const struct emu_key_range *range;
};

/* What is behind it is looked up when it is used. -EINVAL, -ENOMEM. emu_mr_dereg() takes it back. */
int emu_indirect_create(struct emu_device *dev, const struct emu_indirect_attr *attr,
			uint32_t *key);

/* A memory window of type 1 or 2, not bound to anything. emu_mr_dereg() takes it back. */
int emu_mw_alloc(struct emu_device *dev, uint32_t pdn, unsigned type, uint32_t *key);

/* ---- */

/* -EFAULT when a page of the range is not mapped, or not writable; else all of them are there now. */
int emu_memory_check(uint64_t addr, uint64_t length, bool writable);

/* Whether regions on demand are offered: only where the kernel copies, which survives a bad address. */
bool emu_mr_on_demand(void);

/*
 * Faults in a part of a region on demand. -ENOENT no such key in that domain; -EINVAL the region is
 * not on demand, or the range or the right to write is not its; -EFAULT.
 */
int emu_mr_prefetch(struct emu_device *dev, uint32_t pdn, uint32_t key, uint64_t va,
		    uint64_t length, bool writable);

/* ---- completion queues ---- */

struct emu_cq_attr {
	uint64_t buf_addr;   /* ring, cqe_size-aligned */
	uint64_t dbrec_addr; /* two big-endian words: consumer index, arm; 8-byte aligned */
	uint32_t cqe_size;   /* 64 or 128 */
	uint32_t cqe_count;  /* entries of the ring, a power of two */
	uint32_t uar_page;   /* page whose offset 0x20 arms this CQ */
	bool compresses;     /* writes blocks of completions as one, with minis: see cqe.h */
	bool padded;         /* an entry of 128 bytes is written whole */
	bool overwrites; /* ignores overruns: goes round without looking at the consumer index */
	void *cookie;
};

/*
 * -EINVAL attributes; -EFAULT ring or record not mapped writable; -ENOMEM.
 * Armed notifications come by comp_event(cookie). Destroying a QP never removes its CQEs: libmlx5
 * (like any program with the ring in its hands) purges them itself after destroy returned, and the
 * engine writes none for that QP from then on. The same holds for a move to RESET.
 */
int emu_cq_create(struct emu_device *dev, const struct emu_cq_attr *attr, uint32_t *cqn);
int emu_cq_destroy(struct emu_device *dev, uint32_t cqn);

/*
 * Moves the queue to a ring of @cqe_count entries at @buf_addr, the CQE size stays. What is unread
 * remains in the old ring, and behind it a CQE of opcode "resize" tells the program that the rest is
 * in the new one, where the numbers go on. -EINVAL attributes, or more is unread than fits either
 * ring; -EFAULT.
 */
int emu_cq_resize(struct emu_device *dev, uint32_t cqn, uint64_t buf_addr, uint32_t cqe_count);

/*
 * From now on an event waits for @count completions since the last event, or for @period_us after the
 * first of them; 0 in either: it does not wait. -EINVAL: beyond EMU_MAX_CQ_COUNT, EMU_MAX_CQ_PERIOD.
 */
int emu_cq_moderate(struct emu_device *dev, uint32_t cqn, uint32_t count, uint32_t period_us);

/* The present attributes. */
int emu_cq_query(struct emu_device *dev, uint32_t cqn, struct emu_cq_attr *attr);

/* ---- shared receive queues ---- */

struct emu_srq_attr {
	uint32_t pdn;
	uint64_t buf_addr;     /* ring of WQEs, each with a next segment in front */
	uint64_t dbrec_addr;   /* one big-endian word: how many WQEs were ever posted */
	uint32_t wqe_count;    /* a power of two */
	uint32_t stride_shift; /* log2 bytes of one WQE: 5..9 */
	bool cyclic;           /* taken round and round, whatever the links say */
	uint32_t xrcdn;        /* of an XRC shared receive queue; 0 = an ordinary one */
	uint32_t cqn, uidx;    /* XRC: where its completions go, and what their srqn_uidx is */
	void *cookie;          /* for async_event */
};

/*
 * -EINVAL attributes; -EFAULT ring or record not mapped; -ENOMEM. The number of an XRC shared receive
 * queue, which peers name in requests, is slot << 16 | index, as a QPN is.
 */
int emu_srq_create(struct emu_device *dev, const struct emu_srq_attr *attr, uint32_t *srqn);
int emu_srq_destroy(struct emu_device *dev, uint32_t srqn);

/*
 * SRQ_LIMIT_REACHED is raised, once, when fewer than @limit WQEs wait, at once if so already. 0 calls
 * it off; -EINVAL when @limit is not less than the number of WQEs.
 */
int emu_srq_arm(struct emu_device *dev, uint32_t srqn, uint32_t limit);

/* @limit: as armed, 0 when not. */
int emu_srq_query(struct emu_device *dev, uint32_t srqn, struct emu_srq_attr *attr,
		  uint32_t *limit);

/* ---- queue pairs ---- */

enum emu_qp_type { /* values of enum ibv_qp_type */
		   EMU_QPT_RC = 2,
		   EMU_QPT_UC = 3,
		   EMU_QPT_UD = 4,
		   EMU_QPT_XRC_INI = 9,
		   EMU_QPT_XRC_TGT = 10,
};

struct emu_qp_init {
	enum emu_qp_type type;    /* another one is -EOPNOTSUPP */
	uint32_t pdn;             /* all but XRC_TGT */
	uint32_t send_cqn;        /* all but XRC_TGT */
	uint32_t recv_cqn;        /* all but XRC */
	uint32_t srqn;            /* receives come from this shared queue; 0 = from the own ring */
	uint32_t xrcdn;           /* XRC_TGT */
	uint64_t sq_addr;         /* first 64-byte block; ignored when sq_wqebb_count is 0 */
	uint64_t rq_addr;         /* first receive WQE; ignored when rq_wqe_count is 0 */
	uint64_t dbrec_addr;      /* two big-endian words: 0 receive, 1 send */
	uint32_t sq_wqebb_count;  /* power of two or 0 */
	uint32_t rq_wqe_count;    /* power of two or 0 */
	uint32_t rq_stride_shift; /* log2 bytes of one receive WQE: 4..9 */
	uint32_t uidx;            /* reported in srqn_uidx of each CQE */
	uint32_t uar_page;        /* all four doorbell slots of the page start this QP */
	/*
	 * Up to so many bytes of a read or atomic (RC), and of a received message (RC, UC), are put into
	 * the CQE instead of memory: 0, 32, or 64 where the CQE has 128. It is the program that copies.
	 */
	uint32_t scatter_req, scatter_res;
	void *cookie; /* for async_event */
	/* Kept for emu_qp_query() only: what the creator asked for. */
	uint32_t max_send_wr, max_recv_wr, max_send_sge, max_recv_sge, max_inline;
	bool sq_sig_all;
};

int emu_qp_create(struct emu_device *dev, const struct emu_qp_init *init, uint32_t *qpn);
int emu_qp_destroy(struct emu_device *dev, uint32_t qpn);

enum emu_qp_state { /* values of enum ibv_qp_state */
		    EMU_QPS_RESET,
		    EMU_QPS_INIT,
		    EMU_QPS_RTR,
		    EMU_QPS_RTS,
		    EMU_QPS_SQD,
		    EMU_QPS_SQE,
		    EMU_QPS_ERR,
};

enum { /* values of enum ibv_qp_attr_mask */
       EMU_QP_STATE = 1 << 0,
       EMU_QP_CUR_STATE = 1 << 1,
       EMU_QP_EN_SQD_ASYNC_NOTIFY = 1 << 2,
       EMU_QP_ACCESS_FLAGS = 1 << 3,
       EMU_QP_PKEY_INDEX = 1 << 4,
       EMU_QP_PORT = 1 << 5,
       EMU_QP_QKEY = 1 << 6,
       EMU_QP_AV = 1 << 7,
       EMU_QP_PATH_MTU = 1 << 8,
       EMU_QP_TIMEOUT = 1 << 9,
       EMU_QP_RETRY_CNT = 1 << 10,
       EMU_QP_RNR_RETRY = 1 << 11,
       EMU_QP_RQ_PSN = 1 << 12,
       EMU_QP_MAX_QP_RD_ATOMIC = 1 << 13,
       EMU_QP_ALT_PATH = 1 << 14,
       EMU_QP_MIN_RNR_TIMER = 1 << 15,
       EMU_QP_SQ_PSN = 1 << 16,
       EMU_QP_MAX_DEST_RD_ATOMIC = 1 << 17,
       EMU_QP_PATH_MIG_STATE = 1 << 18,
       EMU_QP_CAP = 1 << 19,
       EMU_QP_DEST_QPN = 1 << 20,
       EMU_QP_RATE_LIMIT = 1 << 25,
       EMU_QP_UDP_SPORT = 1 << 30, /* no verbs attribute: av.udp_sport alone */
};

/* An address vector as far as this fabric has use for it; the rest is kept for the query. */
struct emu_av {
	uint8_t dgid[16];
	uint32_t flow_label;
	uint16_t dlid;
	uint8_t sgid_index, hop_limit, traffic_class;
	uint8_t sl, src_path_bits, static_rate, port_num;
	uint16_t udp_sport; /* RoCE v2; 0: made of the flow label or of the QP numbers */
	bool is_global;
	bool loopback; /* to a queue of the same device, by its number alone */
};

struct emu_qp_attr {
	enum emu_qp_state qp_state, cur_qp_state;
	uint32_t path_mtu; /* enum ibv_mtu: 1..5 */
	uint32_t path_mig_state;
	uint32_t qkey, rq_psn, sq_psn, dest_qpn;
	uint32_t access_flags; /* EMU_ACCESS_REMOTE_* (LOCAL_WRITE allowed, ignored) */
	uint16_t pkey_index, alt_pkey_index;
	uint8_t en_sqd_async_notify, sq_draining;
	uint8_t max_rd_atomic, max_dest_rd_atomic;
	uint8_t min_rnr_timer, port_num, timeout, retry_cnt, rnr_retry;
	uint8_t alt_port_num, alt_timeout;
	struct emu_av av, alt_av;
};

/*
 * Required and optional attributes per transition are those of the kernel's ib_modify_qp_is_ok();
 * a wrong set, value or transition is -EINVAL. A global address, or loopback, is required for the
 * AV, as the kernel asks on Ethernet. Flush completions of a move to ERR are written by the device, not
 * inside this call.
 */
int emu_qp_modify(struct emu_device *dev, uint32_t qpn, const struct emu_qp_attr *attr,
		  uint32_t mask);

/*
 * Groups that a datagram queue pair hears, IPv6 multicast addresses or IPv4 ones mapped into them. A queue
 * pair in a group cannot go: -EBUSY.
 */
int emu_mcast_attach(struct emu_device *dev, uint32_t qpn, const uint8_t gid[16]);
int emu_mcast_detach(struct emu_device *dev, uint32_t qpn, const uint8_t gid[16]);

/* What a step between two states must be given; 0 also when there is no such step. */
uint32_t emu_qp_required(enum emu_qp_type type, enum emu_qp_state from, enum emu_qp_state to);

/* All attributes and the init values of the QP; either output may be NULL. */
int emu_qp_query(struct emu_device *dev, uint32_t qpn, struct emu_qp_attr *attr,
		 struct emu_qp_init *init);

#endif
