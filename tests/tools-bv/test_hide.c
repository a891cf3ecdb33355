/* SPDX-License-Identifier: MIT */
/* What a report hides, and what it must not touch. */
#include "tools/bv/hide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct hide_word words[] = {
	{ "trade07.example.com", "<host>" },
	{ "trade07", "<host>" },
	{ "", "never" },
	{ NULL, "never" },
	{ "/home/alice", "~" },
};

static void becomes(const char *text, const char *expected)
{
	char out[512];

	hide_text(text, words, sizeof(words) / sizeof(words[0]), out, sizeof(out));
	assert_string_equal(out, expected);
}

static void stays(const char *text)
{
	becomes(text, text);
}

static void addresses(void **state)
{
	(void)state;
	becomes("10.0.13.4", "<hidden>");
	becomes("ping 10.0.13.4: no answer", "ping <hidden>: no answer");
	becomes("peer 10.0.13.4.", "peer <hidden>.");
	becomes("10.0.13.4:18515", "<hidden>:18515");
	becomes("fe80::42:4dff:fe4c:5800", "fe80::<hidden>");
	becomes("fe80:0000:0000:0000:ba3f:d2ff:fe00:0001", "fe80::<hidden>");
	becomes("3: RoCE v2, ::ffff:10.77.0.1, lo", "3: RoCE v2, ::ffff:<hidden>, lo");
	becomes("0000:0000:0000:0000:0000:ffff:0a00:0001", "<hidden>");
	becomes("(gid 2001:db8::7, mtu 4096)", "(gid <hidden>, mtu 4096)");
	becomes("gid 2001:db8::7: not there", "gid <hidden>: not there");
	becomes("GUID 0242:4d03:004c:5800", "GUID <hidden>");
	becomes("mac b8:3f:d2:00:00:01,", "mac <hidden>,");
	becomes("::1", "<hidden>");
}

static void words_are_whole(void **state)
{
	(void)state;
	becomes("trade07: port 1", "<host>: port 1");
	becomes("on trade07.example.com", "on <host>");
	becomes("/home/alice/build/x.c:3", "~/build/x.c:3");
	stays("trade071");
	stays("mytrade07");
	stays("/home/alicent");
}

/* Versions, PCI addresses, places in sources, times, numbers. */
static void others_stay(void **state)
{
	(void)state;
	stays("/usr/lib/libibverbs.so.1.14.44.0");
	stays("kernel 5.15.0.1-azure");
	stays("firmware 22.39.1002");
	stays("0000:3b:00.0");
	stays("tests/conform/expect.c:16: completion");
	stays("at 12:34:56");
	stays("1.2.3");
	stays("1.2.3.4.5");
	stays("300.1.1.1");
	stays("QP 0x0101d9: NAK 0x62");
	stays("work {2, success, op 2}");
	stays("BV_MORE: dead: beef");
	stays("...");
	stays(":::");
	stays("");
}

static void cut_off(void **state)
{
	char out[8];

	(void)state;
	hide_text("0123456789", NULL, 0, out, sizeof(out));
	assert_string_equal(out, "0123456");
	hide_text("a 10.0.0.1 b", NULL, 0, out, sizeof(out));
	assert_string_equal(out, "a <hidd");
}

static void all_of_a_tree(void **state)
{
	json_t *root = json_pack("{s:s, s:[s, {s:s}, i], s:n}", "10.0.0.1", "trade07", "list",
				 "10.0.0.1", "deep", "fe80::1", 7, "nothing");
	json_t *list = json_object_get(root, "list");

	(void)state;
	assert_int_equal(hide_json(root, words, sizeof(words) / sizeof(words[0])), 0);
	assert_string_equal(json_string_value(json_object_get(root, "10.0.0.1")), "<host>");
	assert_string_equal(json_string_value(json_array_get(list, 0)), "<hidden>");
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "deep")),
			    "fe80::<hidden>");
	assert_int_equal(json_integer_value(json_array_get(list, 2)), 7);
	json_decref(root);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),     cmocka_unit_test(words_are_whole),
		cmocka_unit_test(others_stay),   cmocka_unit_test(cut_off),
		cmocka_unit_test(all_of_a_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
