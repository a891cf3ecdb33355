/* SPDX-License-Identifier: MIT */
/*
 * The texts of failed works: whole ones, letter by letter, and that every status has one.
 */
#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "core/diagnosis.h"

static struct bv_device *dev;
static struct bv_pd *pd;
static struct bv_channel *ch;

static int connect_channel(void **state)
{
	const struct bv_endpoint peer = fake_peer();

	fake_reset(state);
	ch = fake_channel(NULL, &dev, &pd);
	return bv_channel_connect(ch, &peer);
}

static int destroy_channel(void **state)
{
	bv_channel_destroy(ch);
	bv_pd_free(pd);
	bv_close(dev);
	return fake_check(state);
}

#define channel_test(f) cmocka_unit_test_setup_teardown(f, connect_channel, destroy_channel)

static const struct bv_work_info a_write = {
	.op = BV_OP_WRITE,
	.bytes = 4096,
	.nranges = 1,
	.nshown = 1,
	.range = { { 0x7f0000001000, 4096, 0x1200 } },
	.remote_addr = 0x7f8000000010,
	.rkey = 0x20160a,
};

/* Work 0 fails with @status, work 1 is flushed. */
static void fail_send(enum bv_status status)
{
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), 0);
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), 1);
	fake_complete_send(ch, 0, status);
	fake_complete_send(ch, 1, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	assert_int_equal(bv_wait(ch, 1, 0, NULL), -EIO);
}

static const char *long_text(const struct bv_counters *before)
{
	static char text[BV_DIAGNOSIS_TEXT_MAX];
	struct bv_diagnosis d;
	int length;

	assert_int_equal(bv_diagnose(ch, before, &d), 1);
	length = bv_diagnosis_text(&d, text, sizeof(text));
	assert_int_equal(length, strlen(text));
	return text;
}

static void one_line(void **state)
{
	(void)state;
	fake.described = a_write;
	fail_send(BV_STATUS_RETRY_EXCEEDED_ERROR);
	assert_string_equal(
		bv_error_text(ch),
		"mlx5_0:1 channel qpn 0x1234 (fast): RDMA WRITE #0 (4096 B at 0x7f0000001000 lkey "
		"0x1200 -> 0x7f8000000010 rkey 0x20160a) failed: retry exceeded error [transport], "
		"vendor syndrome 0x81; peer qpn 0x4321, gid ::ffff:10.0.0.9, mtu 1024; tried 7 "
		"times, waiting 67.109 ms each, 469.762 ms in all; 1 other work was flushed because "
		"of this one; the peer did not answer: is it alive and connected (its own channel's "
		"error?), the GID and the path right, the link up; does the network carry frames of "
		"this MTU and UDP port 4791 both ways; if it loses packets, raise retry or "
		"ack_timeout");
}

static void many_lines(void **state)
{
	(void)state;
	fake.described = a_write;
	fail_send(BV_STATUS_RETRY_EXCEEDED_ERROR);
	assert_string_equal(
		long_text(NULL),
		"mlx5_0:1 channel qpn 0x1234 (fast): RDMA WRITE #0 (4096 B at 0x7f0000001000 lkey "
		"0x1200 -> 0x7f8000000010 rkey 0x20160a) failed: retry exceeded error [transport]\n"
		"  vendor syndrome 0x81 (not documented; users saw it together with \"retry "
		"exceeded error\")\n"
		"  peer qpn 0x4321, gid ::ffff:10.0.0.9, mtu 1024; tried 7 times, waiting 67.109 ms "
		"each, 469.762 ms in all\n"
		"  port 1: ACTIVE; the device has no error counters\n"
		"  likely: (1) the peer's process ended, or its channel is in error or not "
		"connected yet\n"
		"              see the peer's log; connect both sides before the first post\n"
		"          (2) the path does not carry packets of this MTU\n"
		"              `ping -M do -s 1064 10.0.0.9`; if it fails, raise the MTU of "
		"interfaces and switches, or lower mtu\n"
		"          (3) UDP port 4791 is blocked in one direction, or the GID is not on the "
		"peer's network\n"
		"              look at firewalls and ACLs; `ip route get 10.0.0.9` must name the "
		"interface of our GID (`bv info`)\n"
		"  1 other work was flushed because of this one");
}

static void port_down_comes_first(void **state)
{
	const char *text;

	(void)state;
	fail_send(BV_STATUS_RETRY_EXCEEDED_ERROR);
	fake.device[0].port[0].state = IBV_PORT_DOWN;
	text = long_text(NULL);
	assert_non_null(strstr(text, "port 1: DOWN"));
	assert_non_null(strstr(text, "likely: (1) this port is down"));
	fake.query_port_errno = EIO;
	text = long_text(NULL);
	assert_non_null(strstr(text, "port 1: its state cannot be read"));
	assert_null(strstr(text, "this port is down"));
	fake.query_port_errno = 0;
}

/* Every status, known and unknown, has a name, a class and a cause with a remedy in its text. */
static void every_status(void **state)
{
	static const enum bv_op ops[] = { BV_OP_NONE, BV_OP_SEND, BV_OP_WRITE, BV_OP_READ,
					  BV_OP_RECV };
	char text[BV_DIAGNOSIS_TEXT_MAX], json[BV_DIAGNOSIS_JSON_MAX], name[64];
	struct bv_diagnosis d;

	(void)state;
	for (int status = 1; status < 26; status++) {
		for (size_t op = 0; op < sizeof(ops) / sizeof(ops[0]); op++) {
			destroy_channel(state);
			connect_channel(state);
			fake.described = a_write;
			fake.described.op = ops[op];
			fail_send((enum bv_status)status);
			assert_int_equal(bv_diagnose(ch, NULL, &d), 1);
			assert_int_equal(d.status, status);
			assert_in_range(d.ncauses, 1, BV_DIAGNOSIS_CAUSES);
			for (uint32_t i = 0; i < d.ncauses; i++) {
				assert_true(strlen(d.causes[i].cause) > 0);
				assert_true(strlen(d.causes[i].remedy) > 0);
				/* none is cut */
				assert_true(strlen(d.causes[i].cause) <
					    sizeof(d.causes[i].cause) - 1);
				assert_true(strlen(d.causes[i].remedy) <
					    sizeof(d.causes[i].remedy) - 1);
			}
			assert_in_range(bv_diagnosis_text(&d, text, sizeof(text)), 1,
					sizeof(text) - 1);
			snprintf(name, sizeof(name), "failed: %s [",
				 bv_status_name((enum bv_status)status));
			assert_non_null(strstr(text, name));
			assert_non_null(strstr(text, "likely: (1) "));
			assert_true(bv_diagnosis_to_json(&d, json, sizeof(json)) > 0);
		}
	}
}

static void operations(void **state)
{
	static const struct {
		enum bv_op op;
		bool imm;
		const char *name;
	} table[] = {
		{ BV_OP_SEND, false, ": SEND #0 (8 B inline) failed" },
		{ BV_OP_SEND, true, ": SEND with immediate #0 (8 B inline, imm 0x7) failed" },
		{ BV_OP_WRITE, true,
		  ": RDMA WRITE with immediate #0 (8 B inline -> 0x1000 rkey 0x2, imm 0x7) failed" },
		{ BV_OP_NONE, false, ": send-queue work #0 failed" },
	};

	(void)state;
	fail_send(BV_STATUS_REMOTE_ACCESS_ERROR);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		fake.described = (struct bv_work_info){
			.op = table[i].op,
			.has_imm = table[i].imm,
			.imm = 7,
			.is_inline = true,
			.bytes = 8,
			.remote_addr = 0x1000,
			.rkey = 2,
		};
		assert_non_null(strstr(bv_error_text(ch), table[i].name));
	}
}

static void lists(void **state)
{
	const char *text;

	(void)state;
	fake.described = (struct bv_work_info){
		.op = BV_OP_READ,
		.bytes = 100,
		.nranges = 9,
		.nshown = 2,
		.range = { { 0x1000, 10, 1 }, { 0x2000, 20, 2 } },
		.remote_addr = 0x3000,
		.rkey = 3,
	};
	fail_send(BV_STATUS_LOCAL_PROTECTION_ERROR);
	text = long_text(NULL);
	assert_non_null(strstr(
		text, "RDMA READ #0 (100 B at 0x1000 lkey 0x1 and 8 more <- 0x3000 rkey 0x3)"));
	assert_non_null(strstr(text, "\n  its list: 10 B at 0x1000 lkey 0x1, 20 B at 0x2000 lkey "
				     "0x2, 7 more\n"));
	assert_non_null(strstr(text, "(1) the region does not allow the device to write to it"));
}

static void receive_that_was_too_short(void **state)
{
	const char *text;

	(void)state;
	fake.described = (struct bv_work_info){
		.op = BV_OP_RECV, .bytes = 7, .nranges = 1, .nshown = 1, .range = { { 4096, 7, 9 } }
	};
	assert_int_equal(bv_post_recv(ch, NULL, 0), BV_WORK_RECV);
	fake_complete_recv(ch, 0, BV_STATUS_LOCAL_LENGTH_ERROR);
	assert_int_equal(bv_wait(ch, BV_WORK_RECV, 0, NULL), -EIO);
	text = long_text(NULL);
	assert_non_null(strstr(text, ": receive #0 (7 B at 0x1000 lkey 0x9) failed: local length"));
	assert_non_null(strstr(text, "this one held 7 bytes"));
	assert_non_null(strstr(text, "vendor syndrome 0x51 (not documented; users saw it together "
				     "with \"local protection error\")"));
}

static void rnr(void **state)
{
	(void)state;
	fail_send(BV_STATUS_RNR_RETRY_EXCEEDED_ERROR);
	assert_non_null(
		strstr(long_text(NULL),
		       "; retried 6 times, each time waiting as long as both sides agreed on "
		       "(min_rnr_timer, 655.360 ms: 3932.160 ms in all)\n"));
}

/* What this side did on purpose is told as its doing. */
static void ended_here(void **state)
{
	const char *text;

	(void)state;
	assert_int_equal(bv_post_recv(ch, NULL, 0), BV_WORK_RECV);
	fake_complete_recv(ch, 0, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	assert_int_equal(bv_wait(ch, BV_WORK_RECV, 0, NULL), -EIO);
	text = long_text(NULL);
	assert_non_null(strstr(text, "(1) another work failed first"));
	assert_non_null(strstr(text, "bv_poll_send()"));
	ch->core->stopped = "it was drained";
	text = long_text(NULL);
	assert_non_null(strstr(text,
			       "(1) the channel was ended, by this side or by an event of the "
			       "device\n              the reason: it was drained; "
			       "bv_channel_reset()"));
	assert_null(strstr(text, "(2)"));
}

static void memory_lock_limit(void **state)
{
	struct rlimit before, small = { .rlim_cur = 65536 };
	struct bv_channel *other;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	small.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &small), 0);
	fake.channel_create_rc = -ENOMEM;
	assert_int_equal(bv_channel_create(pd, NULL, &other), -ENOMEM);
	assert_text("queues are pinned memory: the limit is 64 KiB, pinned ");
	assert_text("docker run --ulimit memlock=-1");
	fake.channel_create_rc = -EINVAL;
	assert_int_equal(bv_channel_create(pd, NULL, &other), -EINVAL);
	assert_null(strstr(bv_last_error()->text, "pinned"));
	setrlimit(RLIMIT_MEMLOCK, &before);
}

/* What a device of another vendor calls its errors is not held against those of mlx5. */
static void foreign_vendor(void **state)
{
	const struct bv_endpoint peer = fake_peer();
	const char *text;

	(void)state;
	destroy_channel(state);
	fake_reset(state);
	fake.device[0].attr.vendor_id = 0x1234;
	ch = fake_channel(NULL, &dev, &pd);
	assert_int_equal(bv_channel_connect(ch, &peer), 0);
	fail_send(BV_STATUS_RETRY_EXCEEDED_ERROR);
	text = long_text(NULL);
	assert_non_null(strstr(text, "vendor syndrome 0x81 (not documented)\n"));
}

static void put(const char *folder, const char *name, const char *value)
{
	char path[600];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, value, strlen(value)), strlen(value));
	close(fd);
}

static void counters(void **state)
{
	char path[] = "/tmp/bv-counters-XXXXXX", folder[512], command[600];
	struct bv_counters before;
	const char *text;

	(void)state;
	assert_non_null(mkdtemp(path));
	snprintf(fake.device[0].ibdev.ibdev_path, IBV_SYSFS_PATH_MAX, "%s", path);
	snprintf(folder, sizeof(folder), "%s/ports/1/hw_counters", path);
	snprintf(command, sizeof(command), "mkdir -p %s %s/ports/1/counters", folder, path);
	assert_int_equal(system(command), 0);
	put(folder, "local_ack_timeout_err", "10\n");
	put(folder, "out_of_sequence", "3\n");
	put(folder, "rnr_nak_retry_err", "none\n");
	assert_int_equal(bv_counters_read(dev, 1, &before), 2);
	assert_true(before.value[BV_COUNTER_LOCAL_ACK_TIMEOUT_ERR] == 10);
	fail_send(BV_STATUS_RETRY_EXCEEDED_ERROR);
	assert_non_null(strstr(long_text(&before), "; no error counter grew\n"));
	text = long_text(NULL);
	assert_non_null(strstr(text,
			       "; counters since the driver was loaded: local_ack_timeout_err "
			       "10, out_of_sequence 3\n"));
	assert_null(strstr(text, "loses or reorders"));
	put(folder, "local_ack_timeout_err", "17\n");
	put(folder, "out_of_sequence", "4\n");
	text = long_text(&before);
	assert_non_null(strstr(text, "; counters since the snapshot: local_ack_timeout_err +7, "
				     "out_of_sequence +1\n"));
	assert_non_null(strstr(text, "(1) the network loses or reorders packets"));
	assert_int_equal(bv_counters_read(dev, 2, &before), 0);
	snprintf(command, sizeof(command), "rm -r %s", path);
	assert_int_equal(system(command), 0);
}

static void names_of_counters(void **state)
{
	(void)state;
	for (int i = 0; i < BV_COUNTERS; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(bv_counter_name((enum bv_counter)i),
						bv_counter_name((enum bv_counter)j));
	assert_string_equal(bv_counter_name((enum bv_counter) - 1), "unknown");
	assert_string_equal(bv_counter_name(BV_COUNTERS), "unknown");
}

static const char *member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void json(void **state)
{
	char text[BV_DIAGNOSIS_JSON_MAX];
	struct bv_diagnosis d;
	json_t *root, *work;
	int length;

	(void)state;
	fake.described = a_write;
	fail_send(BV_STATUS_RETRY_EXCEEDED_ERROR);
	assert_int_equal(bv_diagnose(ch, NULL, &d), 1);
	length = bv_diagnosis_to_json(&d, text, sizeof(text));
	assert_int_equal(length, strlen(text));
	assert_int_equal(bv_diagnosis_to_json(&d, text, (size_t)length), -ENOSPC);
	assert_int_equal(bv_diagnosis_to_json(&d, text, (size_t)length + 1), length);
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	assert_string_equal(member(root, "status_name"), "retry exceeded error");
	assert_string_equal(member(root, "class"), "transport");
	assert_string_equal(member(root, "queue"), "send");
	assert_int_equal(json_integer_value(json_object_get(root, "flushed")), 1);
	work = json_object_get(root, "work");
	assert_string_equal(member(work, "operation"), "RDMA WRITE");
	assert_string_equal(member(json_object_get(work, "remote"), "rkey"), "0x20160a");
	assert_string_equal(member(json_array_get(json_object_get(work, "local"), 0), "addr"),
			    "0x7f0000001000");
	assert_string_equal(member(json_object_get(root, "vendor"), "syndrome"), "0x81");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(root, "budget"), "tries")), 7);
	assert_int_equal(json_array_size(json_object_get(root, "causes")), d.ncauses);
	json_decref(root);
}

/* A diagnosis is a plain value: one with everything that the others here do not have. */
static struct bv_diagnosis by_hand(enum bv_status status)
{
	struct bv_diagnosis d = {
		.device = "ib0",
		.provider = "verbs",
		.port = 1,
		.status = status,
		.what = { .op = BV_OP_WRITE, .has_imm = true, .imm = 0xcafe, .is_inline = true },
		.connected = true,
		.peer_lid = 9,
		.port_valid = true,
		.port_state = BV_PORT_DOWN,
		.before = { .valid = 3, .value = { 1, 2 } },
		.now = { .valid = 7, .value = { 4, 2, 9 } },
		.stopped = "it was closed",
	};

	bvi_diagnosis_causes(&d);
	return d;
}

static void infiniband(void **state)
{
	struct bv_diagnosis d = by_hand(BV_STATUS_RETRY_EXCEEDED_ERROR);
	char text[BV_DIAGNOSIS_TEXT_MAX];

	(void)state;
	bv_diagnosis_text(&d, text, sizeof(text));
	assert_non_null(strstr(text, "(1) this port is down"));
	assert_non_null(strstr(text, "`ibtracert` to LID 9"));
	assert_non_null(strstr(text, "the time allowed is short"));
	assert_null(strstr(text, "4791"));
	/* Only what both moments have. */
	assert_non_null(strstr(text, "since the snapshot: local_ack_timeout_err +3\n"));
	d = by_hand(BV_STATUS_GENERAL_ERROR);
	assert_string_equal(d.causes[0].cause, "this port is down");
	d = by_hand(BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	assert_int_equal(d.ncauses, 1);
	d.stopped = NULL;
	bvi_diagnosis_causes(&d);
	assert_string_equal(d.causes[0].cause, "the device or its port went away");
	assert_non_null(strstr(d.causes[1].remedy, "bv_poll_recv()"));
}

static void json_of_the_rest(void **state)
{
	struct bv_diagnosis d = by_hand(BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	char text[BV_DIAGNOSIS_JSON_MAX];
	json_t *root;

	(void)state;
	assert_true(bv_diagnosis_to_json(&d, text, sizeof(text)) > 0);
	root = json_loads(text, 0, NULL);
	assert_string_equal(member(root, "stopped"), "it was closed");
	assert_string_equal(member(json_object_get(root, "work"), "imm"), "0xcafe");
	assert_int_equal(json_object_size(json_object_get(root, "counters")), 3);
	assert_int_equal(json_object_size(json_object_get(root, "counters_before")), 2);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(root, "peer"), "lid")),
			 9);
	assert_int_equal(json_integer_value(json_object_get(root, "port_state")), BV_PORT_DOWN);
	json_decref(root);
	d.connected = d.port_valid = false;
	d.what = (struct bv_work_info){ .op = BV_OP_NONE };
	assert_true(bv_diagnosis_to_json(&d, text, sizeof(text)) > 0);
	root = json_loads(text, 0, NULL);
	assert_true(json_is_null(json_object_get(root, "peer")));
	assert_true(json_is_null(json_object_get(root, "port_state")));
	assert_false(json_is_true(json_object_get(json_object_get(root, "work"), "known")));
	json_decref(root);
}

/* Values that no work of ours has: nothing is read past a table, nothing is made up. */
static void odd_values(void **state)
{
	struct bv_diagnosis d = by_hand(BV_STATUS_LOCAL_PROTECTION_ERROR);
	char text[BV_DIAGNOSIS_TEXT_MAX], json_text[BV_DIAGNOSIS_JSON_MAX];
	struct bvi_text line = { text, sizeof(text), 0 };

	(void)state;
	assert_null(strstr(d.causes[0].cause, "write to it"));
	d.work = BV_WORK_RECV;
	bvi_diagnosis_causes(&d);
	assert_non_null(strstr(d.causes[0].cause, "write to it"));
	d.port_state = (enum bv_port_state)99;
	d.ncauses = BV_DIAGNOSIS_CAUSES + 3;
	d.tries = 7;
	d.budget_ns = BV_FOREVER;
	bv_diagnosis_text(&d, text, sizeof(text));
	assert_non_null(strstr(text, "port 1: unknown"));
	d.ncauses = 1;
	assert_true(bv_diagnosis_to_json(&d, json_text, sizeof(json_text)) > 0);
	assert_null(strstr(json_text, "budget"));
	bvi_diagnosis_line(&d, &line);
	assert_null(strstr(text, "vendor syndrome"));
	for (int i = BV_COUNTER_LOCAL_ACK_TIMEOUT_ERR; i < BV_COUNTERS; i++) {
		d = by_hand(BV_STATUS_RETRY_EXCEEDED_ERROR);
		d.before.valid = d.now.valid = 1u << i;
		d.now.value[i] = d.before.value[i] + 1;
		bvi_diagnosis_causes(&d);
		assert_int_equal(strstr(d.causes[1].cause, "loses or reorders") != NULL,
				 i == BV_COUNTER_OUT_OF_SEQUENCE ||
					 i == BV_COUNTER_PACKET_SEQ_ERR ||
					 i == BV_COUNTER_IMPLIED_NAK_SEQ_ERR);
	}
}

/* The longest that a diagnosis can be fits where the header says so. */
static void longest(void **state)
{
	char text[BV_DIAGNOSIS_TEXT_MAX], json_text[BV_DIAGNOSIS_JSON_MAX];
	struct bv_diagnosis d = by_hand(BV_STATUS_TAG_MATCHING_RENDEZVOUS_INCOMPLETE);

	(void)state;
	memset(d.device, 'd', sizeof(d.device) - 1);
	d.what = (struct bv_work_info){ .op = BV_OP_WRITE,
					.has_imm = true,
					.bytes = UINT64_MAX,
					.nranges = UINT32_MAX,
					.nshown = BV_WORK_RANGES,
					.remote_addr = UINT64_MAX,
					.rkey = UINT32_MAX };
	for (int i = 0; i < BV_WORK_RANGES; i++)
		d.what.range[i] = (struct bv_work_range){ UINT64_MAX, UINT32_MAX, UINT32_MAX };
	memset(d.peer_gid, 0xff, sizeof(d.peer_gid));
	d.peer_lid = 0;
	d.work = INT64_MAX;
	d.vendor_err = UINT32_MAX;
	d.vendor_seen = 0xffffff;
	d.flushed = INT64_MAX;
	d.before.valid = d.now.valid = (1u << BV_COUNTERS) - 1;
	for (int i = 0; i < BV_COUNTERS; i++) {
		d.before.value[i] = 0;
		d.now.value[i] = INT64_MAX;
	}
	d.ncauses = BV_DIAGNOSIS_CAUSES;
	for (int i = 0; i < BV_DIAGNOSIS_CAUSES; i++) {
		memset(d.causes[i].cause, 'c', sizeof(d.causes[i].cause) - 1);
		memset(d.causes[i].remedy, 'r', sizeof(d.causes[i].remedy) - 1);
	}
	assert_in_range(bv_diagnosis_text(&d, text, sizeof(text)), 1, sizeof(text) - 1);
	assert_true(bv_diagnosis_to_json(&d, json_text, sizeof(json_text)) > 0);
}

static void arguments(void **state)
{
	struct bv_counters now;
	struct bv_diagnosis d;
	char small[10];

	(void)state;
	assert_int_equal(bv_diagnose(ch, NULL, &d), 0);
	assert_int_equal(bv_diagnose(NULL, NULL, &d), -EINVAL);
	assert_int_equal(bv_diagnose(ch, NULL, NULL), -EINVAL);
	assert_int_equal(bv_counters_read(NULL, 1, &now), -EINVAL);
	assert_int_equal(bv_counters_read(dev, 1, NULL), -EINVAL);
	fail_send(BV_STATUS_GENERAL_ERROR);
	assert_int_equal(bv_diagnose(ch, NULL, &d), 1);
	assert_int_equal(bv_diagnosis_text(NULL, small, sizeof(small)), -EINVAL);
	assert_int_equal(bv_diagnosis_text(&d, small, 0), -EINVAL);
	assert_int_equal(bv_diagnosis_text(&d, NULL, 1), -EINVAL);
	assert_int_equal(bv_diagnosis_to_json(NULL, small, sizeof(small)), -EINVAL);
	assert_int_equal(bv_diagnosis_to_json(&d, NULL, 1), -EINVAL);
	assert_true(bv_diagnosis_text(&d, small, sizeof(small)) > (int)sizeof(small));
	assert_string_equal(small, "mlx5_0:1 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		channel_test(one_line),
		channel_test(many_lines),
		channel_test(port_down_comes_first),
		channel_test(every_status),
		channel_test(operations),
		channel_test(lists),
		channel_test(receive_that_was_too_short),
		channel_test(rnr),
		channel_test(ended_here),
		channel_test(memory_lock_limit),
		channel_test(foreign_vendor),
		channel_test(counters),
		channel_test(names_of_counters),
		channel_test(json),
		fake_test(infiniband),
		fake_test(json_of_the_rest),
		fake_test(odd_values),
		fake_test(longest),
		channel_test(arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
