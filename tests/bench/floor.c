/* SPDX-License-Identifier: MIT */
/*
 * Layouts and opcodes: Mellanox Adapters Programmer's Reference Manual (PRM), chapters Work Queue
 * Structure and Completion Queue Elements; the same in providers/mlx5/mlx5dv.h of rdma-core. Written
 * once more, in the plainest way, so that it shares nothing with what it is compared to.
 */
#include "floor.h"

#include <endian.h>
#include <string.h>

enum {
	BLOCK = 64,
	OPCODE_WRITE = 0x08,
	OPCODE_SEND = 0x0a,
	OPCODE_SEND_IMM = 0x0b,
	OPCODE_READ = 0x10,
	OPCODE_FETCH_ADD = 0x12,
	SIGNALED = 2 << 2,
	CQE_REQ = 0x0,
	CQE_ERROR = 0xd, /* and above */
};

#define INLINE_SEGMENT 0x80000000u

/* A 16-byte segment in a register. */
typedef uint64_t segment __attribute__((vector_size(16), may_alias));

struct blocks {
	segment s[8];
};

static inline __attribute__((always_inline)) segment pair(uint64_t low, uint64_t high)
{
	return (segment){ low, high };
}

static inline __attribute__((always_inline)) uint64_t words(uint32_t first, uint32_t second)
{
	return (uint64_t)htobe32(second) << 32 | htobe32(first);
}

static inline __attribute__((always_inline)) segment control(const struct floor *f, unsigned opcode,
							     unsigned ds, uint32_t imm)
{
	return pair(words((f->pi & 0xffff) << 8 | opcode, f->qpn << 8 | ds),
		    (uint64_t)htobe32(imm) << 32 | (uint64_t)SIGNALED << 24);
}

static inline __attribute__((always_inline)) segment remote(uint64_t addr, uint32_t rkey)
{
	return pair(htobe64(addr), htobe32(rkey));
}

static inline __attribute__((always_inline)) segment data(const struct floor_sge *sge)
{
	return pair(words(sge->length, sge->lkey), htobe64(sge->addr));
}

static inline __attribute__((always_inline)) void store(uint8_t *to, const segment *s)
{
	volatile segment *const at = (volatile segment *)(void *)to;

	at[0] = s[0];
	at[1] = s[1];
	at[2] = s[2];
	at[3] = s[3];
}

static inline void record(struct floor *f, unsigned blocks)
{
	f->pi += blocks;
	__asm__ volatile("" ::: "memory");
	*(volatile uint32_t *)f->dbrec = htobe32(f->pi & 0xffff);
#if defined(__x86_64__)
	__asm__ volatile("sfence" ::: "memory");
#else
	__sync_synchronize();
#endif
}

/* Into the ring, and to BlueFlame. */
static inline __attribute__((always_inline)) void post(struct floor *f, const struct blocks *w,
						       unsigned blocks)
{
	uint8_t *const bf = f->bf;

	for (unsigned i = 0; i < blocks; i++)
		store(f->ring + ((f->pi + i) & f->mask) * BLOCK, &w->s[4 * i]);
	record(f, blocks);
	for (unsigned i = 0; i < blocks; i++)
		store(bf + i * BLOCK, &w->s[4 * i]);
	f->bf = (uint8_t *)((uintptr_t)bf ^ f->bf_size);
}

/* An inline segment of @length bytes, a constant, from s[at] on. */
static inline __attribute__((always_inline)) void payload(struct blocks *w, unsigned at,
							  const void *buf, unsigned length)
{
	const uint32_t header = htobe32(INLINE_SEGMENT | length);

	memcpy(&w->s[at], &header, sizeof(header));
	memcpy((uint8_t *)&w->s[at] + sizeof(header), buf, length);
}

/* Eight bytes fit behind the header. */
static inline __attribute__((always_inline)) segment payload_8(const void *buf)
{
	const uint32_t header = htobe32(INLINE_SEGMENT | 8);
	uint64_t value;

	memcpy(&value, buf, sizeof(value));
	return pair(header | value << 32, value >> 32);
}

static inline __attribute__((always_inline)) void
write_inline(struct floor *f, const void *buf, unsigned length, uint64_t addr, uint32_t rkey)
{
	const unsigned ds = 2 + (4 + length + 15) / 16;
	struct blocks w = { .s = { control(f, OPCODE_WRITE, ds, 0), remote(addr, rkey) } };

	payload(&w, 2, buf, length);
	post(f, &w, (ds + 3) / 4);
}

void floor_write_8(struct floor *f, const void *buf, uint64_t addr, uint32_t rkey)
{
	const struct blocks w = { .s = { control(f, OPCODE_WRITE, 3, 0), remote(addr, rkey),
					 payload_8(buf) } };

	post(f, &w, 1);
}

void floor_write_28(struct floor *f, const void *buf, uint64_t addr, uint32_t rkey)
{
	write_inline(f, buf, 28, addr, rkey);
}

void floor_write_64(struct floor *f, const void *buf, uint64_t addr, uint32_t rkey)
{
	write_inline(f, buf, 64, addr, rkey);
}

void floor_write_sge_1(struct floor *f, const struct floor_sge *sge, uint64_t addr, uint32_t rkey)
{
	const struct blocks w = { .s = { control(f, OPCODE_WRITE, 3, 0), remote(addr, rkey),
					 data(sge) } };

	post(f, &w, 1);
}

void floor_write_sge_4(struct floor *f, const struct floor_sge sge[4], uint64_t addr, uint32_t rkey)
{
	const struct blocks w = { .s = { control(f, OPCODE_WRITE, 6, 0), remote(addr, rkey),
					 data(&sge[0]), data(&sge[1]), data(&sge[2]),
					 data(&sge[3]) } };

	post(f, &w, 2);
}

void floor_send_8(struct floor *f, const void *buf)
{
	const struct blocks w = { .s = { control(f, OPCODE_SEND, 2, 0), payload_8(buf) } };

	post(f, &w, 1);
}

void floor_send_imm(struct floor *f, const struct floor_sge *sge, uint32_t imm)
{
	const struct blocks w = { .s = { control(f, OPCODE_SEND_IMM, 2, imm), data(sge) } };

	post(f, &w, 1);
}

void floor_read(struct floor *f, const struct floor_sge *sge, uint64_t addr, uint32_t rkey)
{
	const struct blocks w = { .s = { control(f, OPCODE_READ, 3, 0), remote(addr, rkey),
					 data(sge) } };

	post(f, &w, 1);
}

void floor_fetch_add(struct floor *f, const struct floor_sge *sge, uint64_t addr, uint32_t rkey,
		     uint64_t add)
{
	const struct blocks w = { .s = { control(f, OPCODE_FETCH_ADD, 4, 0), remote(addr, rkey),
					 pair(htobe64(add), 0), data(sge) } };

	post(f, &w, 1);
}

void floor_write_8_chain(struct floor *f, const void *buf, uint64_t addr, uint32_t rkey, unsigned n)
{
	const uint32_t mask = f->mask;
	uint8_t *const bf = f->bf;
	segment first = { 0 };

	for (unsigned i = 0; i < n; i++, f->pi++) {
		volatile segment *const at =
			(volatile segment *)(void *)(f->ring + (f->pi & mask) * BLOCK);

		first = control(f, OPCODE_WRITE, 3, 0);
		at[0] = first;
		at[1] = remote(addr, rkey);
		at[2] = payload_8(buf);
	}
	record(f, 0);
	*(volatile uint64_t *)(void *)bf = first[0];
	f->bf = (uint8_t *)((uintptr_t)bf ^ f->bf_size);
}

static inline uint32_t receive(struct floor *f, uint32_t pi, segment s)
{
	*(volatile segment *)(void *)(f->recv_ring + (pi & f->recv_mask) * f->recv_stride) = s;
	return pi + 1;
}

static inline void receive_record(struct floor *f, uint32_t pi)
{
	f->recv_pi = pi;
	__asm__ volatile("" ::: "memory");
	*(volatile uint32_t *)f->recv_dbrec = htobe32(pi & 0xffff);
}

void floor_recv(struct floor *f, const struct floor_sge *sge)
{
	receive_record(f, receive(f, f->recv_pi, data(sge)));
}

void floor_recv_chain(struct floor *f, const struct floor_sge *sge, unsigned n)
{
	uint32_t pi = f->recv_pi;

	for (unsigned i = 0; i < n; i++)
		pi = receive(f, pi, data(sge));
	receive_record(f, pi);
}

/* The last eight bytes of a completion: QPN, counter, signature, opcode and owner. */
static inline uint64_t tail(const uint8_t *cqe)
{
	return le64toh(
		__atomic_load_n((const uint64_t *)(const void *)(cqe + 56), __ATOMIC_ACQUIRE));
}

static inline uint16_t counter_of(uint64_t t)
{
	return be16toh((uint16_t)(t >> 32));
}

static inline void step(struct floor_cq *cq)
{
	cq->next += BLOCK;
	cq->ci++;
	if (__builtin_expect(cq->next == cq->end, 0)) {
		cq->next -= cq->size;
		cq->phase ^= 1;
	}
}

static inline void consumed(struct floor_cq *cq)
{
	*(volatile uint32_t *)cq->dbrec = htobe32(cq->ci & 0xffffff);
}

static inline int poll_send(struct floor_cq *cq, uint16_t *counter)
{
	const uint64_t t = tail(cq->next);
	const unsigned differs = (unsigned)(t >> 56) ^ cq->phase;

	if (differs & 1)
		return 0;
	if (__builtin_expect(differs >> 4 != CQE_REQ, 0))
		return -1;
	*counter = counter_of(t);
	step(cq);
	return 1;
}

static inline int poll_recv(struct floor_cq *cq, struct floor_received *received)
{
	const uint8_t *const cqe = cq->next;
	const uint64_t t = tail(cqe);
	const unsigned op_own = (unsigned)(t >> 56);
	uint32_t bytes, imm;

	if ((op_own ^ cq->phase) & 1)
		return 0;
	if (__builtin_expect(op_own >= CQE_ERROR << 4, 0))
		return -1;
	memcpy(&imm, cqe + 36, sizeof(imm));
	memcpy(&bytes, cqe + 44, sizeof(bytes));
	received->bytes = be32toh(bytes);
	received->imm = be32toh(imm);
	received->counter = counter_of(t);
	received->opcode = (uint8_t)(op_own >> 4);
	step(cq);
	return 1;
}

int floor_poll_send(struct floor *f, uint16_t *counter)
{
	const int found = poll_send(&f->send_cq, counter);

	if (found > 0)
		consumed(&f->send_cq);
	return found;
}

int floor_poll_recv(struct floor *f, struct floor_received *received)
{
	const int found = poll_recv(&f->recv_cq, received);

	if (found > 0)
		consumed(&f->recv_cq);
	return found;
}

int floor_poll_send_burst(struct floor *f, uint16_t *counter, unsigned max)
{
	unsigned n = 0;
	int found = 0;

	while (n < max && (found = poll_send(&f->send_cq, counter)) > 0)
		n++;
	if (n)
		consumed(&f->send_cq);
	return n ? (int)n : found;
}

int floor_poll_recv_burst(struct floor *f, struct floor_received *received, unsigned max)
{
	unsigned n = 0;
	int found = 0;

	while (n < max && (found = poll_recv(&f->recv_cq, &received[n])) > 0)
		n++;
	if (n)
		consumed(&f->recv_cq);
	return n ? (int)n : found;
}
