/* SPDX-License-Identifier: MIT */
/*
 * A channel of provider mlx5 whose queues are plain memory. The test plays the device: it reads the
 * rings, records and doorbell register, and writes completions.
 */
#ifndef BV_TESTS_UNIT_MLX5_PLAIN_H
#define BV_TESTS_UNIT_MLX5_PLAIN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <bareverbs/bareverbs.h>

#include "providers/mlx5/channel.h"

enum {
	PLAIN_QPN = 0x123456,
	PLAIN_BF_SIZE = 256,
	PLAIN_CANARY = 0xa5, /* what rings hold before anything is written */
	PLAIN_MAX_SEND_SGE = 30,
	PLAIN_MAX_INLINE = 1024,
};

/* Kinds of doorbell registers. */
enum plain_register {
	PLAIN_BLUEFLAME,
	PLAIN_COMBINING, /* write-combining, and not BlueFlame */
	PLAIN_UNCACHED,
	PLAIN_REGISTERS,
};

struct plain_shape {
	unsigned blocks; /* of the send ring */
	unsigned strides;
	unsigned stride; /* bytes */
	unsigned max_send;
	unsigned max_recv;
	enum plain_register reg;
};

struct plain {
	struct bv_channel *ch;
	struct mlx5_channel c;
	uint8_t *sq;
	uint8_t *rq;
	uint8_t *bf; /* both halves of the doorbell register */
	struct prm_cqe *scq;
	struct prm_cqe *rcq;
	uint32_t qp_dbrec[2];
	uint32_t scq_dbrec[2];
	uint32_t rcq_dbrec[2];
	unsigned cqes;   /* entries of each completion ring */
	unsigned scq_pi; /* completions written so far */
	unsigned rcq_pi;
};

extern const struct plain_shape plain_default;

struct plain *plain_new(const struct plain_shape *shape);
void plain_free(struct plain *p);
struct bv_channel *plain_channel(struct plain *p);

/* Forgets all works, as if they had completed. */
void plain_empty(struct plain *p);

/* The index of the next block. */
uint16_t plain_index(const struct plain *p);

/* Moves the empty queue's index, as if that many blocks had been used. */
void plain_seek(struct plain *p, uint16_t pi);

/* Copies @size bytes from block @index on, across the end of the ring. */
void plain_read_sq(const struct plain *p, uint16_t index, void *out, size_t size);

/* What the device writes. @low: op_own without the owner bit. */
void plain_send_cqe(struct plain *p, uint8_t op_own, uint8_t wqe_opcode, uint16_t index,
		    uint32_t bytes);
void plain_recv_cqe(struct plain *p, uint8_t op_own, uint32_t bytes, uint32_t imm);
void plain_send_error(struct plain *p, uint16_t index, uint8_t syndrome, uint8_t vendor);
void plain_recv_error(struct plain *p, uint8_t syndrome, uint8_t vendor);

/* Bytes against hexadecimal text; blanks are ignored. */
void expect_hex(const void *bytes, const char *hex, const char *file, int line);
#define EXPECT_HEX(bytes, hex) expect_hex(bytes, hex, __FILE__, __LINE__)

#endif
