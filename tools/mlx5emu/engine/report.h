/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_REPORT_H
#define MLX5EMU_ENGINE_REPORT_H

#include <stdint.h>

/*
 * What a program did wrong with its rings, records and doorbells, in words: who, where, which field,
 * what it is and what it should be, and below it the request decoded.
 *
 *	breach	no verbs call leads to it: it is counted, goes into the file of the launcher, and
 *		the run ends with a status that says so
 *	error	a wrong key or length, as any verbs program can give: it comes back as an error
 *		completion, which is for the program to judge; here it is only explained
 *
 * Lock held, all of it.
 */
struct emu_qp;

/* Breaches go to the end of the file @path (NULL: none), which exists. */
void emu_reports_open(const char *path);
void emu_reports_close(void);

/* A breach of no WQE: @format tells all. */
void emu_report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A breach by the send WQE at @index, which lies in the ring. */
void emu_report_wqe(const struct emu_qp *qp, uint16_t index, const char *text);

/* A breach by the send WQE that is, or begins with, these bytes. */
void emu_report_bytes(const struct emu_qp *qp, const uint8_t *wqe, unsigned size, const char *text);

/* A breach by the receive WQE of @size bytes. */
void emu_report_receive(const uint8_t *wqe, unsigned size, const char *text);

/* A breach by the send WQE that is now @now and was @then when the device read it. */
void emu_report_changed(const struct emu_qp *qp, const uint8_t *then, const uint8_t *now,
			unsigned size, const char *text);

/* An error of the send WQE at @index, which is put before @format. */
void emu_report_error(const struct emu_qp *qp, uint16_t index, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* An error of a receive WQE; of what a peer asked for. */
void emu_report_receive_error(const uint8_t *wqe, unsigned size, const char *text);
void emu_report_remote(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
