/* SPDX-License-Identifier: MIT */
#include "doorbell.h"
#include "cq_check.h"
#include "memory.h"
#include "qp.h"
#include "report.h"
#include "timer.h"

#include <stdio.h>
#include <string.h>

enum {
	WATCH_NS = 500000000,   /* between two looks */
	SILENT_NS = 2000000000, /* no program takes that long from its record to its doorbell */
	ALONE_NS = 100000000,   /* nor that long while it ends */
};

static uint16_t index_of(uint64_t doorbell)
{
	return (uint16_t)(be64toh(doorbell) >> 40);
}

static uint32_t qpn_of(uint64_t doorbell)
{
	return (uint32_t)be64toh(doorbell) >> 8;
}

static unsigned bytes_of(uint64_t doorbell)
{
	return (unsigned)(be64toh(doorbell) & EMU_MAX_DS) * EMU_DS;
}

static uint16_t blocks_of(uint64_t doorbell)
{
	return (uint16_t)((bytes_of(doorbell) + EMU_WQEBB - 1) / EMU_WQEBB);
}

/* A breach that silicon may not notice: reported, and at the strict levels the end of the queue. */
static void breach(struct emu_qp *qp)
{
	if (emu_strict_refuses(emu.strict))
		emu_qp_fatal(qp, EMU_EVENT_QP_FATAL);
}

/* ---- BlueFlame ---- */

void emu_bf_reset(struct emu_bf *bf)
{
	for (unsigned i = 0; i < EMU_UAR_SLOTS; i++)
		bf[i] = (struct emu_bf){ .known = true };
}

static uint64_t *slot_at(const struct emu_uar *uar, unsigned slot)
{
	return (uint64_t *)(void *)(uar->page + EMU_UAR_BLUEFLAME + (size_t)slot * EMU_UAR_SLOT);
}

/* False while the program writes there. */
static bool read_slot(const struct emu_uar *uar, unsigned slot, uint8_t out[EMU_BF_BYTES])
{
	const uint64_t *at = slot_at(uar, slot);
	uint64_t words[EMU_BF_BYTES / sizeof(uint64_t)];

	if (__atomic_load_n(at, __ATOMIC_ACQUIRE))
		return false;
	words[0] = 0;
	for (unsigned i = 1; i < EMU_BF_BYTES / sizeof(uint64_t); i++)
		words[i] = __atomic_load_n(&at[i], __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	memcpy(out, words, sizeof(words));
	return __atomic_load_n(at, __ATOMIC_RELAXED) == 0;
}

static uint32_t word_at(const uint8_t *bytes, unsigned at)
{
	emu_be32 word;

	memcpy(&word, bytes + at, sizeof(word));
	return emu_get32(word);
}

/* Where @a and @b first differ in [from, end), in steps of a word; @end when nowhere. */
static unsigned differ(const uint8_t *a, const uint8_t *b, unsigned from, unsigned end)
{
	while (from < end && word_at(a, from) == word_at(b, from))
		from += 4;
	return from;
}

static void compare(struct emu_qp *qp, const struct emu_bf *bf, const uint8_t *now)
{
	const unsigned first = bf->size < EMU_WQEBB ? bf->size : (unsigned)EMU_WQEBB;
	const unsigned at = differ(now, bf->expected, 8, bf->size);
	char text[EMU_WQE_ERROR_TEXT];

	/* Nothing but the doorbell was written, as far as the first block tells. */
	if (at == bf->size || differ(now, bf->seen, 8, first) == first)
		return;
	if (differ(now, bf->seen, at, bf->size) == bf->size)
		snprintf(
			text, sizeof(text),
			"QP 0x%06x WQE %u: BlueFlame write ends at +%02x, expected all %u bytes of "
			"the WQE",
			bf->qpn, bf->index, at, bf->size);
	else
		snprintf(text, sizeof(text),
			 "QP 0x%06x WQE %u: BlueFlame word +%02x is 0x%08x, expected 0x%08x as in "
			 "the ring",
			 bf->qpn, bf->index, at, word_at(now, at), word_at(bf->expected, at));
	emu_report_bytes(qp, bf->expected, bf->size, text);
	breach(qp);
}

/* Everything that came with the slot's doorbell has been written. */
static void verify(struct emu_uar *uar, unsigned slot)
{
	struct emu_bf *bf = &uar->bf[slot];
	struct emu_qp *qp = emu_qp_find(uar->dev, bf->qpn);
	uint8_t now[EMU_BF_BYTES];

	bf->pending = false;
	if (!read_slot(uar, slot, now)) {
		bf->known = false;
		return;
	}
	if (bf->known && qp)
		compare(qp, bf, now);
	memcpy(bf->seen, now, sizeof(now));
	bf->known = true;
}

/*
 * The other half is written next, by the same lock or thread: once that was seen to begin, this one
 * is complete. The doorbells of a queue that are not one behind the other hide some between them.
 */
static void follow(struct emu_uar *uar, struct emu_qp *qp, const struct emu_doorbell *doorbell,
		   bool owned)
{
	const unsigned other = doorbell->slot ^ 1, reg = doorbell->slot / 2;
	const struct emu_wqe_ring ring = emu_qp_ring(qp);
	struct emu_bf *bf = &uar->bf[doorbell->slot];

	if (uar->bf[other].pending)
		verify(uar, other);
	if (index_of(doorbell->value) != qp->rung ||
	    (uar->reg_qpn[reg] && uar->reg_qpn[reg] != qp->qpn)) {
		bf->known = false;
		uar->bf[other].known = false;
	}
	uar->reg_qpn[reg] = qp->qpn;
	qp->rung = (uint16_t)(index_of(doorbell->value) + blocks_of(doorbell->value));
	bf->pending = owned;
	if (!owned) {
		bf->known = false;
		return;
	}
	bf->qpn = qp->qpn;
	bf->index = index_of(doorbell->value);
	bf->size = bytes_of(doorbell->value);
	if (bf->size > EMU_BF_BYTES)
		bf->size = EMU_BF_BYTES;
	emu_wqe_linearise(&ring, bf->index, bf->expected, bf->size);
	if (emu.manual)
		verify(uar, doorbell->slot);
}

/* ---- doorbells ---- */

static void check_nobody(const struct emu_uar *uar, uint64_t value)
{
	const unsigned long long found = be64toh(value);

	if ((found & UINT32_MAX) == 0 || found >> 32 == 0)
		emu_report("UAR page %u: half of a doorbell, 0x%016llx, expected all eight bytes "
			   "written at once",
			   uar->index, found);
	else
		emu_report("UAR page %u: doorbell 0x%016llx names QP 0x%06x, expected one that has "
			   "this page",
			   uar->index, found, qpn_of(value));
}

static bool refuse(struct emu_qp *qp, uint16_t index, const char *text)
{
	emu_report_wqe(qp, index, text);
	breach(qp);
	return false;
}

/*
 * False when the queue has ended of it. *@owned: the WQE is still the device's; the ring may have
 * other things in the place of one that is done.
 */
static bool check_record(struct emu_qp *qp, uint64_t value, bool *owned)
{
	const uint32_t word = emu_qp_dbrec_word(qp, EMU_DBREC_SQ);
	const uint16_t record = (uint16_t)word, index = index_of(value);
	const uint16_t oldest = emu_requester_oldest(&qp->req);
	const struct emu_wqe_ring ring = emu_qp_ring(qp);
	char text[EMU_WQE_ERROR_TEXT];
	uint64_t begins;

	if (word > UINT16_MAX) {
		snprintf(text, sizeof(text),
			 "QP 0x%06x WQE %u: send doorbell record is 0x%x, expected 16 bits",
			 qp->qpn, index, word);
		return refuse(qp, index, text);
	}
	if ((uint16_t)(index - record) < qp->init.sq_wqebb_count) {
		snprintf(text, sizeof(text),
			 "QP 0x%06x WQE %u: doorbell without its record, which is %u, expected %u",
			 qp->qpn, index, record, (uint16_t)(index + blocks_of(value)));
		return refuse(qp, index, text);
	}
	*owned = (uint16_t)(index - oldest) < (uint16_t)(record - oldest);
	if (!*owned)
		return true;
	emu_wqe_linearise(&ring, index, (uint8_t *)&begins, sizeof(begins));
	if (begins == value)
		return true;
	snprintf(text, sizeof(text),
		 "QP 0x%06x WQE %u: doorbell is 0x%016llx, expected 0x%016llx as the WQE begins",
		 qp->qpn, index, (unsigned long long)be64toh(value),
		 (unsigned long long)be64toh(begins));
	return refuse(qp, index, text);
}

static void check(struct emu_uar *uar, const struct emu_doorbell *doorbell)
{
	struct emu_qp *qp = emu_qp_find(uar->dev, qpn_of(doorbell->value));
	bool owned = false;

	if (!qp || qp->uar != uar) {
		check_nobody(uar, doorbell->value);
		return;
	}
	qp->silent_since = 0;
	if (qp->attr.qp_state < EMU_QPS_RTS || qp->init.sq_wqebb_count == 0)
		return;
	if (check_record(qp, doorbell->value, &owned))
		follow(uar, qp, doorbell, owned);
}

void emu_doorbells_check(struct emu_uar *uar, struct emu_doorbell *doorbell, unsigned n)
{
	if (emu.strict == EMU_STRICT_OFF)
		return;
	/* What the slots hold now belongs to these, and no more to those before them. */
	for (unsigned i = 0; i < n; i++) {
		struct emu_bf *bf = &uar->bf[doorbell[i].slot];

		bf->known &= !bf->pending;
		bf->pending = false;
	}
	/* Of one register, the half with the older WQE was written first. */
	for (unsigned i = 1; i < n; i++) {
		const struct emu_doorbell second = doorbell[i];

		if (second.slot / 2 != doorbell[i - 1].slot / 2 ||
		    qpn_of(second.value) != qpn_of(doorbell[i - 1].value) ||
		    (int16_t)(index_of(second.value) - index_of(doorbell[i - 1].value)) > 0)
			continue;
		doorbell[i] = doorbell[i - 1];
		doorbell[i - 1] = second;
	}
	for (unsigned i = 0; i < n; i++)
		check(uar, &doorbell[i]);
}

/* ---- records ---- */

/* A doorbell for a WQE that waits, beside the registers of the page; 0 when there is none. */
static unsigned misplaced(const struct emu_qp *qp, uint16_t record)
{
	const uint64_t *page = (const uint64_t *)(const void *)qp->uar->page;

	for (unsigned at = 0; at < EMU_PAGE_SIZE; at += sizeof(*page)) {
		const uint64_t value = __atomic_load_n(&page[at / sizeof(*page)], __ATOMIC_RELAXED);

		if (value && qpn_of(value) == qp->qpn &&
		    (uint16_t)(index_of(value) - qp->req.limit) <
			    (uint16_t)(record - qp->req.limit))
			return at;
	}
	return 0;
}

/*
 * Whether the record is ahead of the doorbells. Nobody rang, so nothing says that the record is still
 * there: a program may have freed it and left the queue pair to the close of its device.
 */
static bool waits(const struct emu_qp *qp, uint16_t *record)
{
	const struct iovec at = { &qp->dbrec[EMU_DBREC_SQ], sizeof(emu_be32) };
	emu_be32 word = { 0 };

	if (qp->attr.qp_state < EMU_QPS_RTS || !qp->init.sq_wqebb_count ||
	    emu_memory_read(&word, &at, 1, sizeof(word)) < 0)
		return false;
	*record = (uint16_t)emu_get32(word);
	return *record != qp->req.limit;
}

/* As the record, the ring may be gone. */
static bool ring_is_there(const struct emu_qp *qp)
{
	const size_t whole = (size_t)qp->init.sq_wqebb_count * EMU_WQEBB;
	const struct iovec ends[] = { { (void *)(uintptr_t)qp->init.sq_addr, 1 },
				      { (void *)(uintptr_t)(qp->init.sq_addr + whole - 1), 1 } };
	uint8_t bytes[2];

	return emu_memory_read(bytes, ends, 2, sizeof(bytes)) == 0;
}

static void report_silent(struct emu_qp *qp, uint16_t record)
{
	const unsigned at = misplaced(qp, record);
	char text[EMU_WQE_ERROR_TEXT];

	if (at)
		snprintf(text, sizeof(text),
			 "QP 0x%06x WQE %u: doorbell at +0x%03x of UAR page %u, expected at one of "
			 "the registers +0x800, +0x900, +0xa00, +0xb00",
			 qp->qpn, qp->req.limit, at, qp->uar->index);
	else
		snprintf(text, sizeof(text),
			 "QP 0x%06x WQE %u: record without doorbell: the record is %u, expected a "
			 "doorbell, the last one was for %u",
			 qp->qpn, qp->req.limit, record, qp->req.limit);
	if (ring_is_there(qp))
		emu_report_wqe(qp, qp->req.limit, text);
	else
		emu_report("%s", text);
}

static void check_silent(struct emu_qp *qp, uint64_t patience)
{
	const uint64_t now = emu_now_ns();
	uint16_t record = 0;

	if (!waits(qp, &record)) {
		qp->silent_since = 0;
		return;
	}
	if (!qp->silent_since) {
		qp->silent_since = now;
		qp->silent_told = false;
	}
	if (qp->silent_told || now - qp->silent_since < patience)
		return;
	qp->silent_told = true;
	report_silent(qp, record);
	breach(qp);
}

void emu_doorbells_settle(struct emu_qp *qp)
{
	if (emu.strict == EMU_STRICT_OFF)
		return;
	for (unsigned slot = 0; slot < EMU_UAR_SLOTS; slot++)
		if (qp->uar->bf[slot].pending && qp->uar->bf[slot].qpn == qp->qpn)
			verify(qp->uar, slot);
	check_silent(qp, 0);
	for (unsigned reg = 0; reg < EMU_UAR_SLOTS / 2; reg++)
		if (qp->uar->reg_qpn[reg] == qp->qpn)
			qp->uar->reg_qpn[reg] = 0;
	qp->rung = 0;
	qp->silent_since = 0;
}

static void watch(uint64_t patience)
{
	struct emu_list *node, *inner, *following, *behind;

	if (emu.strict == EMU_STRICT_OFF)
		return;
	emu_list_each(node, following, &emu.uars)
	{
		struct emu_uar *uar = emu_container(node, struct emu_uar, node);

		emu_list_each(inner, behind, &uar->qps)
			check_silent(emu_container(inner, struct emu_qp, uar_node), patience);
		emu_list_each(inner, behind, &uar->cqs)
			emu_arm_check_silent(emu_container(inner, struct emu_cq, node), patience);
	}
}

void emu_doorbells_watch(void)
{
	const uint64_t now = emu_now_ns();

	if (now < emu.next_watch)
		return;
	emu.next_watch = now + WATCH_NS;
	watch(SILENT_NS);
}

void emu_doorbells_watch_last(void)
{
	watch(emu.manual ? 0 : ALONE_NS);
}
