/* SPDX-License-Identifier: MIT */
/*
 * Names, classes, hints and kinds; the thread's last error.
 */
#include "fake.h"

#include <errno.h>
#include <pthread.h>

#include "core/error.h"

/* semantics.md ERR-4 */
static void classes(void **state)
{
	static const enum bv_error_class expected[] = {
		BV_CLASS_SUCCESS,
		BV_CLASS_LOCAL_PROGRAMMING,
		BV_CLASS_LOCAL_PROGRAMMING,
		BV_CLASS_LOCAL_PROGRAMMING,
		BV_CLASS_LOCAL_PROGRAMMING,
		BV_CLASS_LOCAL_RESOURCE,
		BV_CLASS_LOCAL_RESOURCE,
		BV_CLASS_UNKNOWN,
		BV_CLASS_LOCAL_PROGRAMMING,
		BV_CLASS_REMOTE,
		BV_CLASS_REMOTE,
		BV_CLASS_REMOTE,
		BV_CLASS_TRANSPORT,
		BV_CLASS_TRANSPORT,
		BV_CLASS_LOCAL_PROGRAMMING,
		BV_CLASS_REMOTE,
		BV_CLASS_REMOTE,
		BV_CLASS_LOCAL_PROGRAMMING,
		BV_CLASS_LOCAL_PROGRAMMING,
		BV_CLASS_FATAL,
		BV_CLASS_TIMEOUT,
		BV_CLASS_UNKNOWN,
		BV_CLASS_UNKNOWN,
		BV_CLASS_UNKNOWN,
	};

	(void)state;
	for (int i = 0; i < 24; i++)
		assert_int_equal(bv_status_class((enum bv_status)i), expected[i]);
	assert_int_equal(bv_status_class((enum bv_status)24), BV_CLASS_UNKNOWN);
	assert_int_equal(bv_status_class((enum bv_status) - 1), BV_CLASS_UNKNOWN);
}

static void names_and_hints(void **state)
{
	static const int hinted[] = { 1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13, 15, 19, 20 };
	const char *none = bv_status_hint(BV_STATUS_GENERAL_ERROR);

	(void)state;
	for (int i = 0; i < 24; i++) {
		assert_true(strlen(bv_status_name((enum bv_status)i)) > 0);
		assert_string_not_equal(bv_status_name((enum bv_status)i), "unknown error");
		assert_true(strlen(bv_status_hint((enum bv_status)i)) > 0);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(bv_status_name((enum bv_status)i),
						bv_status_name((enum bv_status)j));
	}
	for (size_t i = 0; i < sizeof(hinted) / sizeof(hinted[0]); i++)
		assert_string_not_equal(bv_status_hint((enum bv_status)hinted[i]), none);
	assert_string_equal(bv_status_name(BV_STATUS_REMOTE_ACCESS_ERROR), "remote access error");
	assert_string_equal(bv_status_name((enum bv_status)24), "unknown error");
	assert_string_equal(bv_status_name((enum bv_status) - 1), "unknown error");
	assert_string_equal(bv_status_hint((enum bv_status)255), none);
	assert_string_equal(bv_error_class_name(BV_CLASS_TRANSPORT), "transport");
	assert_string_equal(bv_error_class_name((enum bv_error_class)99), "unknown");
	assert_string_equal(bv_error_class_name((enum bv_error_class) - 1), "unknown");
}

static void kinds(void **state)
{
	static const struct {
		int rc;
		enum bv_error_kind kind;
	} table[] = {
		{ 0, BV_ERROR_NONE },
		{ 7, BV_ERROR_NONE },
		{ INT32_MAX, BV_ERROR_NONE },
		{ -EINVAL, BV_ERROR_INVALID_INPUT },
		{ -EMSGSIZE, BV_ERROR_INVALID_INPUT },
		{ -ERANGE, BV_ERROR_INVALID_INPUT },
		{ -EBADMSG, BV_ERROR_INVALID_INPUT },
		{ -EPROTO, BV_ERROR_INVALID_INPUT },
		{ -ENOMEM, BV_ERROR_RESOURCE },
		{ -EMFILE, BV_ERROR_RESOURCE },
		{ -ENFILE, BV_ERROR_RESOURCE },
		{ -EAGAIN, BV_ERROR_RESOURCE },
		{ -ENOSPC, BV_ERROR_RESOURCE },
		{ -ENETDOWN, BV_ERROR_RESOURCE },
		{ -EPERM, BV_ERROR_PERMISSION },
		{ -EACCES, BV_ERROR_PERMISSION },
		{ -ENOENT, BV_ERROR_NOT_FOUND },
		{ -ENODEV, BV_ERROR_NOT_FOUND },
		{ -EIO, BV_ERROR_DRIVER },
		{ -12345, BV_ERROR_DRIVER },
		{ INT32_MIN, BV_ERROR_DRIVER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(bv_error_kind(table[i].rc), table[i].kind);
}

static void states_have_names(void **state)
{
	(void)state;
	assert_string_equal(bv_channel_state_name(BV_CHANNEL_PREPARED), "PREPARED");
	assert_string_equal(bv_channel_state_name(BV_CHANNEL_READY), "READY");
	assert_string_equal(bv_channel_state_name(BV_CHANNEL_ERROR), "ERROR");
	assert_string_equal(bv_channel_state_name((enum bv_channel_state)9), "unknown");
}

static void foreign_returns(void **state)
{
	(void)state;
	errno = 0;
	assert_int_equal(bv_rc(0), 0);
	assert_int_equal(bv_rc(EINVAL), -EINVAL);
	assert_int_equal(bv_rc(-1), -EIO);
	errno = ENOMEM;
	assert_int_equal(bv_rc(-1), -ENOMEM);
	assert_int_equal(bv_rc(0), 0);
}

static void *other_thread(void *arg)
{
	const struct bv_errinfo *info = bv_last_error();

	(void)arg;
	if (info->code != 0 || info->text[0] != '\0' || !info->file)
		return "a new thread has an error";
	bvi_fail(-ENOSPC, "other");
	return strcmp(bv_error_text(NULL), "other") == 0 ? NULL : "its own error is not its own";
}

static void one_text_per_thread(void **state)
{
	pthread_t thread;
	void *complaint;

	(void)state;
	assert_int_equal(bvi_fail(-EINVAL, "%s %d", "mine", 1), -EINVAL);
	assert_int_equal(pthread_create(&thread, NULL, other_thread, NULL), 0);
	assert_int_equal(pthread_join(thread, &complaint), 0);
	assert_null(complaint);
	assert_int_equal(bv_last_error()->code, -EINVAL);
	assert_string_equal(bv_last_error()->text, "mine 1");
	assert_string_equal(bv_error_text(NULL), "mine 1");
	assert_true(bv_last_error()->line > 0);
	assert_non_null(strstr(bv_last_error()->file, "errors.c"));
}

/* Without a channel, or one without a failed work: the thread's last error. */
static void text_without_a_channel(void **state)
{
	(void)state;
	bvi_fail(-EIO, "the last one");
	assert_string_equal(bv_error_text(NULL), "the last one");
}

static void long_texts_are_cut(void **state)
{
	char text[2 * BV_ERRINFO_TEXT_MAX];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	bvi_fail(-EIO, "%s", text);
	assert_int_equal(strlen(bv_last_error()->text), BV_ERRINFO_TEXT_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(classes),
		fake_test(names_and_hints),
		fake_test(kinds),
		fake_test(foreign_returns),
		fake_test(one_text_per_thread),
		fake_test(text_without_a_channel),
		fake_test(long_texts_are_cut),
		fake_test(states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
