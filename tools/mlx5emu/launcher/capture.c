/* SPDX-License-Identifier: MIT */
#include "launcher/capture.h"

#include "trace/pcapng.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int make(const char *path)
{
	/* Not emptied by open(): the file may be a pipe or a terminal. */
	const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, 0) < 0 && errno != EINVAL) {
		const int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

static int put(int fd, const uint8_t *block, size_t size)
{
	return write(fd, block, size) == (ssize_t)size ? 0 : -EIO;
}

static int write_head(int fd, const struct emu_run *run)
{
	uint8_t block[EMU_PCAPNG_HEAD_MAX];
	int rc = put(fd, block, emu_pcapng_section(block));

	for (unsigned i = 0; i < run->ndev && rc == 0; i++) {
		rc = put(fd, block,
			 emu_pcapng_interface(run->dev[i].name, !run->dev[i].infiniband, block));
	}
	return rc;
}

int capture_create(const struct emu_run *run, const char **path)
{
	int fd, rc = 0;

	if (run->trace_file[0] && strcmp(run->trace_file, "-") != 0) {
		*path = run->trace_file;
		fd = make(run->trace_file);
		if (fd < 0)
			return fd;
		close(fd);
	}
	if (run->pcap_file[0]) {
		*path = run->pcap_file;
		fd = make(run->pcap_file);
		if (fd < 0)
			return fd;
		rc = write_head(fd, run);
		close(fd);
	}
	return rc;
}
