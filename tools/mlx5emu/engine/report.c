/* SPDX-License-Identifier: MIT */
#include "report.h"
#include "../trace/raw.h"
#include "qp.h"
#include "wqe_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	MOST_LOGGED = 100, /* of one process; the rest is counted */
	DUMP = 2 * EMU_WQE_TEXT + 2 * EMU_WQE_TEXT_LINE,
};

static int file = -1;
static char dump[DUMP]; /* scratch of whoever holds the lock */

void emu_reports_open(const char *path)
{
	emu.last_illegal[0] = '\0';
	if (!path)
		return;
	file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (file < 0)
		emu_info("%s: %s: the launcher will not learn of reports", path, strerror(errno));
}

void emu_reports_close(void)
{
	if (file >= 0)
		emu_raw_close(file);
	file = -1;
}

static void keep_last(const char *text)
{
	snprintf(emu.last_illegal, sizeof(emu.last_illegal), "%s", text);
}

/* One line in one write, so that those of several processes do not mix. */
static void tell_launcher(const char *text)
{
	char line[EMU_WQE_ERROR_TEXT + 32];
	const int n = snprintf(line, sizeof(line), "[%d] %s\n", (int)getpid(), text);

	if (file >= 0 && write(file, line, (size_t)n) < 0)
		emu_error("a report for the launcher is lost: %s", strerror(errno));
}

static void breach(const char *text, const char *decoded)
{
	keep_last(text);
	if (emu.strict == EMU_STRICT_OFF) {
		emu_warn("%s", text);
		return;
	}
	emu.counters.reports++;
	tell_launcher(text);
	if (emu.counters.reports <= MOST_LOGGED)
		emu_log_block(EMU_LOG_WARN, text, decoded);
	if (emu.counters.reports == MOST_LOGGED)
		emu_warn("%d reports: more are counted only", (int)MOST_LOGGED);
}

void emu_report(const char *format, ...)
{
	char text[EMU_WQE_ERROR_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	breach(text, "");
}

/* The WQE at @index as it lies in the ring. */
static const char *decode(const struct emu_qp *qp, uint16_t index)
{
	const struct emu_wqe_ring ring = emu_qp_ring(qp);
	uint8_t bytes[EMU_WQE_MAX_BYTES];
	const unsigned size = emu_wqe_copy(&ring, index, bytes);

	emu_wqe_text(bytes, size, ring.type, dump, sizeof(dump));
	return dump;
}

void emu_report_wqe(const struct emu_qp *qp, uint16_t index, const char *text)
{
	breach(text, decode(qp, index));
}

void emu_report_bytes(const struct emu_qp *qp, const uint8_t *wqe, unsigned size, const char *text)
{
	emu_wqe_text(wqe, size, qp->init.type, dump, sizeof(dump));
	breach(text, dump);
}

void emu_report_receive(const uint8_t *wqe, unsigned size, const char *text)
{
	emu_rwqe_text(wqe, size, dump, sizeof(dump));
	breach(text, dump);
}

void emu_report_changed(const struct emu_qp *qp, const uint8_t *then, const uint8_t *now,
			unsigned size, const char *text)
{
	size_t used;

	emu_wqe_text(then, size, qp->init.type, dump, sizeof(dump));
	used = strlen(dump);
	used += (size_t)snprintf(dump + used, sizeof(dump) - used, "\nand now:\n");
	emu_wqe_text(now, size, qp->init.type, dump + used, sizeof(dump) - used);
	breach(text, dump);
}

void emu_report_error(const struct emu_qp *qp, uint16_t index, const char *format, ...)
{
	const struct emu_wqe_ring ring = emu_qp_ring(qp);
	char text[EMU_WQE_ERROR_TEXT];
	uint8_t opcode;
	va_list args;
	int n;

	emu_wqe_blocks(&ring, index, &opcode);
	n = snprintf(text, sizeof(text), "QP 0x%06x WQE %u %s: ", qp->qpn, index,
		     emu_opcode_name(opcode));
	va_start(args, format);
	vsnprintf(text + n, sizeof(text) - (size_t)n, format, args);
	va_end(args);
	keep_last(text);
	emu_log_block(EMU_LOG_WARN, text, emu_log_on(EMU_LOG_INFO) ? decode(qp, index) : "");
}

void emu_report_receive_error(const uint8_t *wqe, unsigned size, const char *text)
{
	emu_rwqe_text(wqe, size, dump, sizeof(dump));
	keep_last(text);
	emu_log_block(EMU_LOG_WARN, text, emu_log_on(EMU_LOG_INFO) ? dump : "");
}

void emu_report_remote(const char *format, ...)
{
	char text[EMU_WQE_ERROR_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	keep_last(text);
	emu_warn("%s", text);
}
