/* SPDX-License-Identifier: MIT */
/*
 * GID tables of a device, and which row a channel uses.
 */
#ifndef BV_CORE_GID_H
#define BV_CORE_GID_H

#include <infiniband/verbs.h>

#include <bareverbs/device.h>

/* The filled rows of all ports. */
struct bvi_gid_table {
	struct ibv_gid_entry *rows;
	uint32_t count;
};

/* Reads the table; 0 or -errno, no text. bvi_gid_table_free() ends it. */
int bvi_gid_table_read(struct ibv_context *context, uint8_t nports, struct bvi_gid_table *table);
void bvi_gid_table_free(struct bvi_gid_table *table);

/* How well a row suits a channel on Ethernet: the highest wins, 0 is unusable. */
unsigned int bvi_gid_rank(const struct ibv_gid_entry *row);

/*
 * The row of @port to use: @index of the table, or BV_GID_AUTO for the best. NULL if there is none.
 */
const struct ibv_gid_entry *bvi_gid_choose(const struct bvi_gid_table *table, uint8_t port,
					   enum bv_link_layer link, int index);

/* The rows of @port, one a line, and which of them would do; returns @text. */
const char *bvi_gid_table_text(const struct bvi_gid_table *table, uint8_t port,
			       enum bv_link_layer link, char *text, size_t size);

/* Public form of a row. */
void bvi_gid_info(const struct ibv_gid_entry *row, struct bv_gid_info *info);

/* What the endpoint says of a row; kernels before 5.10 call RoCE v1 and InfiniBand the same. */
enum bv_gid_type bvi_gid_type(const struct ibv_gid_entry *row, enum bv_link_layer link);

enum bv_link_layer bvi_link_layer(uint8_t ibv_link_layer);

#endif
