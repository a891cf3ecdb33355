/* SPDX-License-Identifier: MIT */
/* Access to program memory: in pieces, across holes, and where a sandbox forbids the kernel's help. */
#include "rig.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/mlx5emu/engine/memory.h"
#include "tools/mlx5emu/engine/mr.h"

enum {
	PAGE = 4096,
};

static uint8_t *map(size_t pages, int prot)
{
	void *p = mmap(NULL, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	return p;
}

static void moves_pieces(void)
{
	uint8_t from[100], to[100] = { 0 }, back[100] = { 0 };
	const struct iovec pieces[] = { { to + 50, 50 }, { to, 7 }, { to + 7, 43 } };

	for (unsigned i = 0; i < sizeof(from); i++)
		from[i] = (uint8_t)(i + 1);
	assert_int_equal(emu_memory_write(pieces, 3, from, sizeof(from)), 0);
	assert_memory_equal(to + 50, from, 50);
	assert_memory_equal(to, from + 50, 50);
	assert_int_equal(emu_memory_read(back, pieces, 3, sizeof(back)), 0);
	assert_memory_equal(back, from, sizeof(from));
	assert_int_equal(emu_memory_read(back, pieces, 0, 0), 0);
	assert_int_equal(emu_memory_write(pieces, 0, from, 0), 0);
}

static void pieces_move(void **state)
{
	(void)state;
	emu_memory_init();
	moves_pieces();
}

static void holes_are_told(void **state)
{
	uint8_t *p = map(3, PROT_READ | PROT_WRITE);
	uint8_t bytes[2 * PAGE];
	struct iovec iov = { p + PAGE / 2, PAGE };

	(void)state;
	emu_memory_init();
	munmap(p + PAGE, PAGE);
	assert_int_equal(emu_memory_read(bytes, &iov, 1, PAGE), -EFAULT);
	mprotect(p, PAGE, PROT_READ);
	iov = (struct iovec){ p, 8 };
	assert_int_equal(emu_memory_read(bytes, &iov, 1, 8), 0);
	assert_int_equal(emu_memory_populate((uintptr_t)p + 1, PAGE - 1, false), 0);
	assert_int_equal(emu_memory_populate((uintptr_t)p + 1, PAGE - 1, true), -EFAULT);
	assert_int_equal(emu_memory_populate((uintptr_t)p + 1, PAGE, false), -EFAULT);
	assert_int_equal(emu_memory_populate((uintptr_t)p + 2 * PAGE, PAGE, true), 0);
	assert_int_equal(emu_memory_populate(0, 1, false), -EFAULT);
	munmap(p, PAGE);
	munmap(p + 2 * PAGE, PAGE);
}

/* From here on process_vm_readv() is -EPERM, as in a container with a strict profile. */
static int forbid(void)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(rules) / sizeof(*rules), rules };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void sandbox_falls_back_to_copies(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		uint8_t byte = 1, to;
		const struct iovec local = { &to, 1 }, remote = { &byte, 1 };

		if (forbid() < 0 || process_vm_readv(getpid(), &local, 1, &remote, 1, 0) >= 0)
			_exit(77);
		emu_memory_init();
		moves_pieces();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("skipped: no seccomp here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static uint32_t key_over(const struct emu_key_range *range, unsigned n, uint64_t length)
{
	const struct emu_indirect_attr attr = {
		.pdn = rig.pd,
		.length = length,
		.access = EMU_ACCESS_LOCAL_WRITE,
		.umr = true,
		.range = range,
		.nranges = n,
		.max_ranges = 4,
	};
	uint32_t key = 0;

	assert_int_equal(emu_indirect_create(rig.dev, &attr, &key), 0);
	return key;
}

/* What a cycle leaves out is nobody's business. */
static void gaps_of_cycles_are_not_used(void **state)
{
	const struct emu_key_range parts[] = {
		{ .va = (uintptr_t)rig.local, .length = 64, .key = rig.lkey },
		{ .va = 0, .length = 64, .key = 0xdead00 },
		{ .va = (uintptr_t)rig.local + 64, .length = 64, .key = rig.lkey },
	};
	const uint32_t list = key_over(parts, 3, 192);
	const struct emu_key_range each = { .va = 0, .length = 64, .key = list, .stride = 128 };
	const uint32_t cycles = key_over(&each, 1, 128);
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_WRITE, RIG_SIGNALED);

	(void)state;
	rig_fill(9);
	emu_mr_find(cycles)->cycles = 2;
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_data(&w, NULL, 128, cycles);
	rig_send(&rig.a, &w);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_memory_equal(rig.remote, rig.local, 128);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_move),
		cmocka_unit_test(holes_are_told),
		cmocka_unit_test(sandbox_falls_back_to_copies),
		cmocka_unit_test_setup_teardown(gaps_of_cycles_are_not_used, rig_setup,
						rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
