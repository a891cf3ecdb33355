/* SPDX-License-Identifier: MIT */
/*
 * Buffers on machines with and without hugepages, NUMA nodes and the calls for them: what is
 * granted, and that whatever is not is told.
 */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define TWICE (BV_BUFFER_HUGE | BV_BUFFER_NEAR)

static struct {
	const char *meminfo, *numa_node, *online; /* contents; NULL: no such file */
	int huge_errno;                           /* of mmap(MAP_HUGETLB) */
	int map_errno;                            /* of the other mmap() */
	int populate_errno;                       /* of the first of either kind of pages */
	int zero_errno, zero_reads;               /* /dev/zero; and reads that work; 0: all */
	int mbind_errno, move_errno;
	int elsewhere; /* pages that are not where they should be */
	enum ibv_fork_status fork;
	/* seen */
	unsigned huge_maps, dontforks, populates, preferred;
	unsigned long mask;
} host;

static struct bv_device *dev;
static struct bv_buffer *buffer;

ssize_t __real_bvi_read_file(const char *path, char *text, size_t size);
ssize_t __wrap_bvi_read_file(const char *path, char *text, size_t size);
ssize_t __wrap_bvi_read_file(const char *path, char *text, size_t size)
{
	const char *content = NULL;

	if (strcmp(path, "/proc/meminfo") == 0)
		content = host.meminfo;
	else if (strcmp(path, "/nonexistent/mlx5_0/device/numa_node") == 0)
		content = host.numa_node;
	else if (strcmp(path, "/sys/devices/system/node/online") == 0)
		content = host.online;
	else
		return __real_bvi_read_file(path, text, size);
	if (!content)
		return -ENOENT;
	snprintf(text, size, "%s", content);
	return (ssize_t)strlen(text);
}

void *__real_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	const bool huge = flags & MAP_HUGETLB;

	errno = huge ? host.huge_errno : host.map_errno;
	if (errno)
		return MAP_FAILED;
	if (huge) {
		assert_int_equal(length % HUGE_PAGE, 0);
		host.huge_maps++;
	}
	return __real_mmap(addr, length, prot, flags & ~MAP_HUGETLB, fd, offset);
}

int __wrap_madvise(void *addr, size_t length, int advice);
int __wrap_madvise(void *addr, size_t length, int advice)
{
	assert_int_equal((uintptr_t)addr % (size_t)sysconf(_SC_PAGESIZE), 0);
	assert_int_equal(length % (size_t)sysconf(_SC_PAGESIZE), 0);
	host.dontforks += advice == MADV_DONTFORK;
	if (advice == MADV_DONTFORK)
		return 0;
	errno = host.populate_errno;
	/* What is not a lasting property of the kernel happens once. */
	if (errno != EINVAL)
		host.populate_errno = 0;
	return host.populates++, errno ? -1 : 0;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags);
int __wrap_open(const char *path, int flags)
{
	if (strcmp(path, "/dev/zero") != 0 || host.zero_errno == 0)
		return __real_open(path, flags);
	errno = host.zero_errno;
	return -1;
}

ssize_t __real_read(int fd, void *to, size_t size);
ssize_t __wrap_read(int fd, void *to, size_t size);
ssize_t __wrap_read(int fd, void *to, size_t size)
{
	return host.zero_reads > 0 && --host.zero_reads == 0 ? -1 : __real_read(fd, to, size);
}

enum ibv_fork_status __wrap_ibv_is_fork_initialized(void);
enum ibv_fork_status __wrap_ibv_is_fork_initialized(void)
{
	return host.fork;
}

static long move_pages(unsigned long n, void *const *at, int *where)
{
	errno = host.move_errno;
	if (errno)
		return -1;
	for (unsigned long i = 0; i < n; i++) {
		assert_true((uint8_t *)at[i] >= (uint8_t *)at[0]);
		where[i] = host.elsewhere > 0 ? 0 : 1;
		host.elsewhere -= host.elsewhere > 0;
	}
	return 0;
}

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	if (number == SYS_move_pages) {
		assert_int_equal(a, 0);
		assert_int_equal(d, 0); /* only asked */
		return move_pages((unsigned long)b, (void *const *)c, (int *)e);
	}
	assert_int_equal(number, SYS_mbind);
	assert_int_equal(c, 1); /* MPOL_PREFERRED */
	assert_int_equal(f, 0);
	host.mask = *(const unsigned long *)d;
	host.preferred++;
	errno = host.mbind_errno;
	return errno ? -1 : 0;
}

static int start(void **state)
{
	fake_reset(state);
	memset(&host, 0, sizeof(host));
	host.meminfo = "MemTotal: 99 kB\nHugePages_Total:     16\nHugePages_Free:      12\n"
		       "Hugepagesize:       2048 kB\n";
	host.numa_node = "1";
	host.online = "0-1";
	host.fork = IBV_FORK_UNNEEDED;
	buffer = NULL;
	return bv_open("mlx5_0", NULL, &dev);
}

static int stop(void **state)
{
	bv_buffer_free(buffer);
	bv_close(dev);
	return fake_check(state);
}

#define buffer_test(f) cmocka_unit_test_setup_teardown(f, start, stop)

#define assert_told(part) assert_non_null(strstr(buffer->text, part))

/* The first bytes of all pages can be written, and were 0. */
static void use(void)
{
	for (size_t i = 0; i < buffer->length; i += 4096) {
		assert_int_equal(((uint8_t *)buffer->addr)[i], 0);
		((uint8_t *)buffer->addr)[i] = 1;
	}
}

static void all_granted(void **state)
{
	(void)state;
	assert_int_equal(bv_buffer_alloc(dev, HUGE_PAGE + 1, TWICE, &buffer), 0);
	assert_int_equal(buffer->length, 2 * HUGE_PAGE);
	assert_int_equal(buffer->page_size, HUGE_PAGE);
	assert_int_equal(buffer->node, 1);
	assert_int_equal(buffer->missed, 0);
	assert_string_equal(buffer->text, "");
	assert_int_equal(host.mask, 2);
	assert_int_equal(host.preferred, 1);
	assert_int_equal(host.populates, 1);
	assert_int_equal(host.dontforks, 0);
	use();
}

static void plain(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	(void)state;
	assert_int_equal(bv_buffer_alloc(dev, 1, 0, &buffer), 0);
	assert_int_equal(buffer->length, page);
	assert_int_equal(buffer->page_size, page);
	assert_int_equal(buffer->node, -1);
	assert_int_equal(buffer->missed, 0);
	assert_int_equal(host.huge_maps + host.preferred, 0);
	use();
}

static void no_hugepages(void **state)
{
	static const char *const meminfos[] = { NULL, "MemTotal: 99 kB\n" };

	(void)state;
	host.huge_errno = ENOMEM;
	assert_int_equal(bv_buffer_alloc(dev, 20 * HUGE_PAGE, TWICE, &buffer), 0);
	assert_int_equal(buffer->missed, BV_BUFFER_HUGE);
	assert_true(buffer->page_size < HUGE_PAGE);
	assert_told("20 of 2 MiB wanted, 12 of 16 free: `sysctl vm.nr_hugepages=36`");
	assert_int_equal(buffer->node, 1);
	for (unsigned i = 0; i < 2; i++) {
		bv_buffer_free(buffer);
		host.meminfo = meminfos[i];
		assert_int_equal(bv_buffer_alloc(dev, 5000, TWICE, &buffer), 0);
		assert_int_equal(buffer->missed, BV_BUFFER_HUGE);
		assert_told("no hugepages");
	}
	use();
}

/* There were hugepages, but none that this process may have on that node. */
static void hugepages_denied(void **state)
{
	(void)state;
	host.populate_errno = EFAULT;
	host.mbind_errno = EPERM;
	assert_int_equal(bv_buffer_alloc(dev, HUGE_PAGE, TWICE, &buffer), 0);
	assert_int_equal(host.huge_maps, 1);
	assert_int_equal(host.populates, 2);
	assert_int_equal(buffer->missed, TWICE);
	assert_told("control group. mlx5_0: could not ask for memory of NUMA node 1");
	assert_told("CAP_SYS_NICE");
	assert_null(strstr(strstr(buffer->text, "could not ask") + 1, "could not ask"));
	assert_int_equal(buffer->node, -1);
}

/* B21: a policy is no promise; where the pages came to lie is asked. */
static void b21_elsewhere(void **state)
{
	(void)state;
	host.elsewhere = 300;
	assert_int_equal(bv_buffer_alloc(dev, 512 * 4096, BV_BUFFER_NEAR, &buffer), 0);
	assert_int_equal(buffer->missed, BV_BUFFER_NEAR);
	assert_int_equal(buffer->node, -1);
	assert_told("300 of ");
	assert_told("not on NUMA node 1: it has not enough free memory");
	bv_buffer_free(buffer);
	host.elsewhere = 1;
	assert_int_equal(bv_buffer_alloc(dev, HUGE_PAGE, TWICE, &buffer), 0);
	assert_int_equal(buffer->missed, BV_BUFFER_NEAR);
	assert_told("1 of 1 pages");
	assert_told("free hugepages");
	bv_buffer_free(buffer);
	host.move_errno = EPERM;
	assert_int_equal(bv_buffer_alloc(dev, 4096, BV_BUFFER_NEAR, &buffer), 0);
	assert_int_equal(buffer->missed, BV_BUFFER_NEAR);
	assert_told("could not be told");
}

static void no_nodes(void **state)
{
	static const char *const online[] = { "0", NULL };
	static const char *const unknown[] = { "-1", NULL, "5000" };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		host.online = online[i];
		assert_int_equal(bv_buffer_alloc(dev, 4096, BV_BUFFER_NEAR, &buffer), 0);
		assert_int_equal(buffer->missed, 0);
		bv_buffer_free(buffer);
	}
	host.online = "0,3";
	for (unsigned i = 0; i < 3; i++) {
		host.numa_node = unknown[i];
		assert_int_equal(bv_buffer_alloc(dev, 4096, BV_BUFFER_NEAR, &buffer), 0);
		assert_int_equal(buffer->missed, BV_BUFFER_NEAR);
		assert_told("NUMA node is unknown");
		bv_buffer_free(buffer);
	}
	assert_int_equal(host.preferred, 0);
	host.numa_node = "65";
	host.mbind_errno = ENOSYS;
	assert_int_equal(bv_buffer_alloc(dev, 4096, BV_BUFFER_NEAR, &buffer), 0);
	assert_told("NUMA node 65");
	assert_int_equal(host.mask, 0);
}

static void strict(void **state)
{
	(void)state;
	host.huge_errno = ENOMEM;
	assert_int_equal(bv_buffer_alloc(dev, 4096, BV_BUFFER_HUGE | BV_BUFFER_STRICT, &buffer),
			 -ENOMEM);
	assert_text("mlx5_0: no hugepages: 1 of 2 MiB wanted");
	host.elsewhere = 1;
	assert_int_equal(bv_buffer_alloc(dev, 4096, BV_BUFFER_NEAR | BV_BUFFER_STRICT, &buffer),
			 -ENOMEM);
	assert_text("not on NUMA node 1");
	assert_null(buffer);
	host.huge_errno = 0;
	assert_int_equal(bv_buffer_alloc(dev, 4096, TWICE | BV_BUFFER_STRICT, &buffer), 0);
}

/* Kernels that cannot populate, and those whose fork() would take pages from the device. */
static void old_kernels(void **state)
{
	(void)state;
	host.populate_errno = EINVAL;
	host.fork = IBV_FORK_DISABLED;
	assert_int_equal(bv_buffer_alloc(dev, 3 * 4096, 0, &buffer), 0);
	assert_int_equal(host.dontforks, 1);
	use();
	bv_buffer_free(buffer);
	host.fork = IBV_FORK_ENABLED;
	assert_int_equal(bv_buffer_alloc(dev, 3 * HUGE_PAGE, BV_BUFFER_HUGE, &buffer), 0);
	assert_int_equal(host.dontforks, 2);
	use();
	bv_buffer_free(buffer);
	buffer = NULL;
	host.populate_errno = EINTR; /* tried again */
	assert_int_equal(bv_buffer_alloc(dev, 3 * 4096, 0, &buffer), 0);
	bv_buffer_free(buffer);
	buffer = NULL;
	host.populate_errno = EAGAIN; /* and so here */
	assert_int_equal(bv_buffer_alloc(dev, 3 * 4096, 0, &buffer), 0);
}

/* Where the kernel cannot populate, and writing to each page fails, too: no buffer, no SIGBUS. */
static void pages_that_cannot_be_had(void **state)
{
	(void)state;
	host.populate_errno = EINVAL;
	host.zero_errno = EMFILE;
	assert_int_equal(bv_buffer_alloc(dev, 3 * 4096, 0, &buffer), -EMFILE);
	assert_text("no memory for a buffer of 12 KiB");
	host.zero_errno = 0;
	host.zero_reads = 2;
	assert_int_equal(bv_buffer_alloc(dev, 3 * 4096, 0, &buffer), -ENOMEM);
	assert_null(buffer);
	host.zero_reads = 0;
	assert_int_equal(bv_buffer_alloc(dev, 3 * 4096, 0, &buffer), 0);
	use();
}

/* Of a size that is no power of two: none that we could round to, and it is told. */
static void odd_hugepages(void **state)
{
	(void)state;
	host.meminfo = "HugePages_Free: 12\nHugepagesize: 3072 kB\n";
	assert_int_equal(bv_buffer_alloc(dev, 4096, BV_BUFFER_HUGE, &buffer), 0);
	assert_int_equal(buffer->missed, BV_BUFFER_HUGE);
	assert_told("this kernel has no hugepages");
	assert_int_equal(host.huge_maps, 0);
}

static void bad_arguments(void **state)
{
	(void)state;
	assert_int_equal(bv_buffer_alloc(NULL, 1, 0, &buffer), -EINVAL);
	assert_int_equal(bv_buffer_alloc(dev, 1, 0, NULL), -EINVAL);
	assert_int_equal(bv_buffer_alloc(dev, 0, 0, &buffer), -EINVAL);
	assert_int_equal(bv_buffer_alloc(dev, SIZE_MAX, 0, &buffer), -EINVAL);
	assert_int_equal(bv_buffer_alloc(dev, 1, 8, &buffer), -EINVAL);
	assert_text("unknown flags 0x8");
	fake.calloc_in = 1;
	assert_int_equal(bv_buffer_alloc(dev, 1, 0, &buffer), -ENOMEM);
	host.populate_errno = EFAULT;
	assert_int_equal(bv_buffer_alloc(dev, 1, 0, &buffer), -ENOMEM);
	assert_text("no memory for a buffer of 1 B");
	host.map_errno = ENOMEM;
	assert_int_equal(bv_buffer_alloc(dev, 1, 0, &buffer), -ENOMEM);
	host.map_errno = 0;
	assert_null(buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		buffer_test(all_granted),   buffer_test(plain),
		buffer_test(no_hugepages),  buffer_test(hugepages_denied),
		buffer_test(b21_elsewhere), buffer_test(no_nodes),
		buffer_test(strict),        buffer_test(old_kernels),
		buffer_test(bad_arguments), buffer_test(pages_that_cannot_be_had),
		buffer_test(odd_hugepages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
