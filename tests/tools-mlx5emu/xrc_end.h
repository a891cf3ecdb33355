/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TOOLS_MLX5EMU_XRC_END_H
#define TESTS_TOOLS_MLX5EMU_XRC_END_H

#include "link.h"

/* What the queues of one context have in tests of XRC. Every failure ends the test. */

enum { XRC_BYTES = 256 * 1024, XRC_DEPTH = 16 };

struct xrc_end {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_mr *mr; /* of all of @buffer, with every access */
	char buffer[XRC_BYTES];
};

void xrc_open_end(struct xrc_end *end);
void xrc_close_end(struct xrc_end *end);

/* NULL and errno, as ibv_open_xrcd(). */
struct ibv_xrcd *xrc_open_domain(struct xrc_end *end, int fd, int oflags);

/* A file without a name, for a domain. */
int xrc_make_file(void);

struct ibv_qp *xrc_make_target(struct xrc_end *end, struct ibv_xrcd *xrcd);
struct ibv_qp *xrc_make_initiator(struct xrc_end *end);
struct ibv_srq *xrc_make_srq(struct xrc_end *end, struct ibv_xrcd *xrcd);

/* A receive into the buffer's first @length bytes; the number of the queue, which peers name. */
uint32_t xrc_receive(struct xrc_end *end, struct ibv_srq *srq, uint32_t length);

/* The buffer's first @length bytes to that queue; signaled. */
void xrc_send(struct xrc_end *end, struct ibv_qp *from, uint32_t number, uint32_t length);

#endif
