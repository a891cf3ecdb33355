/* SPDX-License-Identifier: MIT */
#include "sink.h"
#include "pcapng.h"
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

unsigned emu_trace_sinks;

static int text_fd = -1, frames_fd = -1;

static int append_to(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	return fd < 0 ? -errno : fd;
}

/* A descriptor or -errno. */
static int open_text(const char *path)
{
	return strcmp(path, "-") == 0 ? STDERR_FILENO : append_to(path);
}

int emu_trace_open(const char *text, const char *frames)
{
	unsigned sinks = 0;
	int fd = -1;

	if (text && *text) {
		fd = open_text(text);
		if (fd < 0)
			return fd;
		sinks |= EMU_TRACE_TEXT;
	}
	text_fd = fd;
	if (frames && *frames) {
		fd = append_to(frames);
		if (fd < 0) {
			emu_trace_close();
			return fd;
		}
		frames_fd = fd;
		sinks |= EMU_TRACE_FRAMES;
	}
	emu_trace_sinks = sinks;
	return 0;
}

void emu_trace_close(void)
{
	emu_trace_sinks = 0;
	if (text_fd >= 0 && text_fd != STDERR_FILENO)
		emu_raw_close(text_fd);
	if (frames_fd >= 0)
		emu_raw_close(frames_fd);
	text_fd = frames_fd = -1;
}

void emu_line_begin(struct emu_line *line, uint64_t ns)
{
	line->size = 0;
	emu_line_add(line, "%llu.%09llu %s[%d]", (unsigned long long)(ns / 1000000000),
		     (unsigned long long)(ns % 1000000000), program_invocation_short_name,
		     (int)getpid());
}

void emu_line_add(struct emu_line *line, const char *format, ...)
{
	static const char cut[] = "...";
	const size_t room = sizeof(line->text) - 1 - line->size; /* the line break */
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line->text + line->size, room, format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n < room) {
		line->size += (size_t)n;
		return;
	}
	line->size = sizeof(line->text) - 2;
	memcpy(line->text + line->size - strlen(cut), cut, strlen(cut));
}

void emu_line_write(struct emu_line *line)
{
	const int saved = errno;

	line->text[line->size++] = '\n';
	(void)!write(text_fd, line->text, line->size); /* a full disk ends nobody's program */
	errno = saved;
}

void emu_trace_frame(unsigned interface, uint64_t ns, const uint8_t *frame, size_t size,
		     const char *comment)
{
	struct emu_pcapng_packet packet;
	const int saved = errno;
	struct iovec iov[3];

	emu_pcapng_packet(&packet, interface, ns, size, comment);
	iov[0] = (struct iovec){ packet.before, sizeof(packet.before) };
	iov[1] = (struct iovec){ (void *)(uintptr_t)frame, size };
	iov[2] = (struct iovec){ packet.behind, packet.tail };
	(void)!writev(frames_fd, iov, 3);
	errno = saved;
}
