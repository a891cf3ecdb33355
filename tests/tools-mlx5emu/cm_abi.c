/* SPDX-License-Identifier: MIT */
/*
 * /dev/infiniband/rdma_cm, written to as a hostile or careless program would: without librdmacm, one
 * command at a time. Runs below `mlx5emu run`.
 */
#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <rdma/rdma_user_cm.h>

enum { NO_EVENT = -1, UID = 4711 };

static int open_file(int flags)
{
	int fd = open("/dev/infiniband/rdma_cm", O_RDWR | O_CLOEXEC | flags);

	assert_true(fd >= 0);
	return fd;
}

/* 0 or -errno */
static int command(int fd, uint32_t number, const void *in, size_t in_len, size_t out_len)
{
	struct {
		struct rdma_ucm_cmd_hdr hdr;
		uint8_t payload[1024];
	} request = { .hdr = { number, (uint16_t)in_len, (uint16_t)out_len } };
	const size_t size = sizeof(request.hdr) + in_len;

	memcpy(request.payload, in, in_len);
	return write(fd, &request, size) == (ssize_t)size ? 0 : -errno;
}

static uint32_t create_id(int fd)
{
	struct rdma_ucm_create_id_resp resp = { .id = 0 };
	const struct rdma_ucm_create_id in = {
		.uid = UID,
		.response = (uintptr_t)&resp,
		.ps = RDMA_PS_TCP,
	};

	assert_int_equal(command(fd, RDMA_USER_CM_CMD_CREATE_ID, &in, sizeof(in), sizeof(resp)), 0);
	return resp.id;
}

static int destroy_id(int fd, uint32_t id)
{
	struct rdma_ucm_destroy_id_resp resp;
	const struct rdma_ucm_destroy_id in = { .response = (uintptr_t)&resp, .id = id };

	return command(fd, RDMA_USER_CM_CMD_DESTROY_ID, &in, sizeof(in), sizeof(resp));
}

static int next_event(int fd, struct rdma_ucm_event_resp *resp)
{
	const struct rdma_ucm_get_event in = { .response = (uintptr_t)resp };
	int rc = command(fd, RDMA_USER_CM_CMD_GET_EVENT, &in, sizeof(in), sizeof(*resp));

	if (rc == -EAGAIN)
		return NO_EVENT;
	assert_int_equal(rc, 0);
	return (int)resp->event;
}

static int resolve(int fd, uint32_t id, uint32_t address)
{
	struct rdma_ucm_resolve_ip in = { .id = id, .timeout_ms = 1000 };
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(7),
		.sin_addr.s_addr = htonl(address),
	};

	memcpy(&in.dst_addr, &to, sizeof(to));
	return command(fd, RDMA_USER_CM_CMD_RESOLVE_IP, &in, sizeof(in), 0);
}

static void test_node(void **state)
{
	int fd = open_file(0);
	struct stat path, file;

	(void)state;
	assert_int_equal(stat("/dev/infiniband/rdma_cm", &path), 0);
	assert_int_equal(fstat(fd, &file), 0);
	assert_true(S_ISCHR(path.st_mode) && S_ISCHR(file.st_mode));
	assert_true(path.st_rdev == file.st_rdev);
	errno = 0;
	close(fd);
	close(open_file(0));
	assert_int_equal(errno, 0);
}

static void test_refused(void **state)
{
	static volatile uintptr_t unmapped = 64;
	uint8_t zero[600] = { 0 };
	int fd = open_file(0);
	const struct rdma_ucm_create_id ipoib = { .ps = RDMA_PS_IPOIB };
	const struct rdma_ucm_create_id mixed = { .ps = RDMA_PS_UDP, .qp_type = 2 };
	const struct rdma_ucm_create_id nowhere = { .ps = RDMA_PS_TCP, .response = 1 };

	(void)state;
	assert_int_equal(write(fd, zero, 3), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(write(fd, (const void *)unmapped, 64), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(command(fd, 99, zero, 8, 0), -ENOSYS);
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_JOIN_MCAST, zero, 300, 0), -ENOENT);
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_CREATE_ID, zero, 8, 4), -EINVAL);
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_CREATE_ID, &ipoib, sizeof(ipoib), 4),
			 -EOPNOTSUPP);
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_CREATE_ID, &mixed, sizeof(mixed), 4),
			 -EOPNOTSUPP);
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_CREATE_ID, &nowhere, sizeof(nowhere), 4),
			 -EFAULT);
	for (uint32_t i = 1; i < 23; i++)
		if (i != RDMA_USER_CM_CMD_GET_EVENT)
			assert_true(command(fd, i, zero, sizeof(zero), 0) < 0);
	assert_int_equal(destroy_id(fd, UINT32_MAX), -ENOENT);
	close(fd);
	assert_int_equal(destroy_id(fd, 1), -EBADF);
}

static void test_owner(void **state)
{
	int fd = open_file(0), other = open_file(0);
	uint32_t id = create_id(fd);

	(void)state;
	assert_int_equal(destroy_id(other, id), -EINVAL);
	assert_int_equal(destroy_id(fd, id), 0);
	assert_int_equal(destroy_id(fd, id), -ENOENT);
	close(other);
	close(fd);
}

static void test_events(void **state)
{
	int fd = open_file(O_NONBLOCK);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct rdma_ucm_event_resp event;
	uint32_t id = create_id(fd), nobody = create_id(fd);
	const struct rdma_ucm_resolve_route route = { .id = id };
	const struct rdma_ucm_connect connect = { .id = id, .conn_param.valid = 1 };

	(void)state;
	assert_int_equal(next_event(fd, &event), NO_EVENT);
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_RESOLVE_ROUTE, &route, sizeof(route), 0),
			 -EINVAL);
	assert_int_equal(resolve(fd, nobody, 0x01020304), 0);
	assert_int_equal(resolve(fd, id, INADDR_LOOPBACK), 0);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(next_event(fd, &event), 1); /* ADDR_ERROR */
	assert_int_equal((int)event.status, -ENODEV);
	assert_int_equal(next_event(fd, &event), 0); /* ADDR_RESOLVED */
	assert_int_equal(event.uid, UID);
	assert_int_equal(event.id, id);
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_RESOLVE_ROUTE, &route, sizeof(route), 0), 0);
	assert_int_equal(next_event(fd, &event), 2); /* ROUTE_RESOLVED */
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_CONNECT, &connect, sizeof(connect), 0), 0);
	assert_int_equal(next_event(fd, &event), 8); /* REJECTED */
	assert_int_equal(event.status, 8);
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_CONNECT, &connect, sizeof(connect), 0),
			 -EINVAL);
	close(fd); /* with all that is in it */
}

static void test_fork(void **state)
{
	int fd = open_file(0), status;
	uint32_t id = create_id(fd);
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		int own = open("/dev/infiniband/rdma_cm", O_RDWR);
		bool ok = destroy_id(fd, id) == -EBADF && close(fd) == 0 && own >= 0;

		_exit(ok && create_id(own) != 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(destroy_id(fd, id), 0);
	close(fd);
}

static uint64_t random_state = 88172645463325252u;

static uint64_t random_number(void) /* xorshift64: the same commands on every run */
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void test_random(void **state)
{
	static uint64_t answer[64];
	int fd = open_file(O_NONBLOCK);
	struct rdma_ucm_event_resp event;

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		create_id(fd);
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t word[128];
		uint64_t to = random_number() % 4 ? (uintptr_t)answer : random_number();

		for (unsigned k = 0; k < 128; k++)
			word[k] = (uint32_t)(random_number() % 3 ? random_number() % 12 :
								   random_number());
		memcpy(word + 2 * (random_number() % 2), &to, sizeof(to));
		command(fd, (uint32_t)(random_number() % 25), word, random_number() % 512,
			sizeof(answer));
		if (random_number() % 8 == 0)
			(void)next_event(fd, &event);
	}
	close(fd);
}

static uint32_t create_datagrams(int fd)
{
	uint32_t id = 0;
	const struct rdma_ucm_create_id cmd = {
		.ps = RDMA_PS_UDP,
		.response = (uintptr_t)&id,
	};

	assert_int_equal(command(fd, RDMA_USER_CM_CMD_CREATE_ID, &cmd, sizeof(cmd), sizeof(id)), 0);
	return id;
}

/* A group has an event, told once; who leaves before it is told is told nothing. */
static void test_groups(void **state)
{
	int fd = open_file(O_NONBLOCK);
	const uint32_t id = create_datagrams(fd), stream = create_id(fd);
	uint32_t group = 0;
	struct rdma_ucm_bind_ip bind = { .id = id };
	struct rdma_ucm_join_ip_mcast join = { .response = (uintptr_t)&group, .id = id };
	struct rdma_ucm_event_resp event;
	const struct rdma_ucm_get_event get = { .response = (uintptr_t)&event };
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr = { htonl(0x0a4d0001) } };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htonl(0xef010101) } };
	struct rdma_ucm_destroy_id leave = { .response = (uintptr_t)&event };

	(void)state;
	memcpy(&bind.addr, &own, sizeof(own));
	memcpy(&join.addr, &to, sizeof(to));
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_JOIN_IP_MCAST, &join, sizeof(join), 4),
			 -EINVAL); /* without an address of its own */
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_BIND_IP, &bind, sizeof(bind), 0), 0);
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_JOIN_IP_MCAST, &join, sizeof(join), 4), 0);
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_GET_EVENT, &get, sizeof(get), sizeof(event)),
			 0);
	assert_int_equal(event.event, 12);
	assert_int_equal(event.id, group);
	assert_int_equal(event.param.ud.qp_num, 0xffffff);
	assert_int_equal(event.param.ud.ah_attr.grh.dgid[12], 0xef);
	leave.id = group;
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_LEAVE_MCAST, &leave, sizeof(leave), 4), 0);
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_LEAVE_MCAST, &leave, sizeof(leave), 4),
			 -ENOENT);
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_JOIN_IP_MCAST, &join, sizeof(join), 4), 0);
	leave.id = group;
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_LEAVE_MCAST, &leave, sizeof(leave), 4), 0);
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_GET_EVENT, &get, sizeof(get), sizeof(event)),
			 -EAGAIN);
	join.id = stream;
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_JOIN_IP_MCAST, &join, sizeof(join), 4),
			 -EINVAL);
	join.id = id;
	memcpy(&join.addr, &own, sizeof(own)); /* no group */
	assert_int_equal(command(fd, RDMA_USER_CM_CMD_JOIN_IP_MCAST, &join, sizeof(join), 4),
			 -EINVAL);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_node),    cmocka_unit_test(test_groups),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_owner),
		cmocka_unit_test(test_events),  cmocka_unit_test(test_fork),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
