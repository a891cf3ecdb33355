/* SPDX-License-Identifier: MIT */
/*
 * GID tables of a device, and which row a channel uses.
 */
#ifndef BV_CORE_GID_H
#define BV_CORE_GID_H

#include <infiniband/verbs.h>

#include <stdbool.h>

#include <bareverbs/device.h>

/* The filled rows of all ports. */
struct bvi_gid_table {
	struct ibv_gid_entry *rows;
	uint32_t count;
};

/* Reads the table; 0 or -errno, no text. bvi_gid_table_free() ends it. */
int bvi_gid_table_read(struct ibv_context *context, uint8_t nports, struct bvi_gid_table *table);
void bvi_gid_table_free(struct bvi_gid_table *table);

/* What a row is wanted for. */
struct bvi_gid_wish {
	uint8_t port;
	enum bv_link_layer link;
	int index;                    /* of the table, or BV_GID_AUTO */
	const uint8_t *peer;          /* the GID that it shall reach; NULL: not known */
	const uint8_t *source;        /* the address on the route to it; NULL: not known */
	bool (*up)(uint32_t ifindex); /* of a row's interface; NULL: all are */
};

/*
 * The row to use, or NULL if there is none. By rule, on Ethernet, the first of these that tells two
 * rows apart: a RoCE v2 row is of the peer's IP version, or it is none; the row with the address on
 * the route to the peer; an interface that is up; RoCE v2; IPv4 (private is as good as public),
 * then global IPv6, link-local, loopback; the lower index. On InfiniBand row 0.
 */
const struct ibv_gid_entry *bvi_gid_choose(const struct bvi_gid_table *table,
					   const struct bvi_gid_wish *wish);

/* The rows of the port, one a line, and which of them would do; returns @text. */
const char *bvi_gid_table_text(const struct bvi_gid_table *table, const struct bvi_gid_wish *wish,
			       char *text, size_t size);

/* Public form of a row. */
void bvi_gid_info(const struct ibv_gid_entry *row, struct bv_gid_info *info);

/* What the endpoint says of a row; kernels before 5.10 call RoCE v1 and InfiniBand the same. */
enum bv_gid_type bvi_gid_type(const struct ibv_gid_entry *row, enum bv_link_layer link);

enum bv_link_layer bvi_link_layer(uint8_t ibv_link_layer);

#endif
