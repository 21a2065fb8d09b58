#include <check.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "report.h"
#include "support.h"

static json_t *parsed(char *text)
{
	json_t *value = json_loads(text, 0, NULL);

	ck_assert_msg(value, "not JSON: %s", text);
	ck_assert_msg(strchr(text, '\n') == text + strlen(text) - 1, "not one line: %s", text);
	free(text);
	return value;
}

static json_t *parsed_launch(const struct report *report)
{
	char *text = NULL;

	ck_assert_int_eq(report_format_launch(report, &text), 0);
	return parsed(text);
}

/* The value at "key" or "key.key"; fails the test if there is none. */
static json_t *at(json_t *object, const char *path)
{
	const char *dot = strchr(path, '.');

	if (!dot) {
		ck_assert_msg(json_object_get(object, path), "no \"%s\"", path);
		return json_object_get(object, path);
	}

	char *key = strndup(path, (size_t)(dot - path));
	json_t *inner = at(object, key);

	free(key);
	return at(inner, dot + 1);
}

static const char *const unreached_mounts[] = { "squashfs /dev/loop0 on /" };

static struct account sample_account(void)
{
	return (struct account){
		.shadow = ACCOUNT_SHADOW_STALE,
		.progress = ACCOUNT_RUNNING,
		.prefetch = { .stats = { .files = 1,
					 .extents = 2,
					 .bytes = 3 * 4096,
					 .resident_bytes = 5,
					 .skipped_files = 4,
					 .unanswered_files = 9,
					 .elapsed_ns = 1234567 },
			      .head_start_ns = 5500000,
			      .knows_waste = true,
			      .wasted_bytes = 2288 },
		.record = { .choice = { .mode = POLICY_TRAIN },
			    .is_exact = true,
			    .n_files = 6,
			    .n_pages = 7,
			    .n_unreached = 11,
			    .unreached = unreached_mounts,
			    .n_unreached_mounts = 1 },
		.launch = { .elapsed_ns = 100000, .cost = { .major_faults = 8, .read_bytes = 9 } },
	};
}

static struct report sample_report(const struct account *account)
{
	return (struct report){ .program = "/usr/bin/x", .profile = "p", .account = account };
}

START_TEST(launch_has_every_field)
{
	struct account account = sample_account();
	struct report report = sample_report(&account);
	json_t *json = parsed_launch(&report);

	ck_assert_str_eq(json_string_value(at(json, "program")), "/usr/bin/x");
	ck_assert_str_eq(json_string_value(at(json, "profile")), "p");
	ck_assert_str_eq(json_string_value(at(json, "shadow")), "stale");
	ck_assert_int_eq(json_integer_value(at(json, "prefetch.files")), 1);
	ck_assert_int_eq(json_integer_value(at(json, "prefetch.extents")), 2);
	ck_assert_int_eq(json_integer_value(at(json, "prefetch.bytes")), 12288);
	ck_assert_int_eq(json_integer_value(at(json, "prefetch.resident_bytes")), 5);
	ck_assert_int_eq(json_integer_value(at(json, "prefetch.used_bytes")), 10000);
	ck_assert_int_eq(json_integer_value(at(json, "prefetch.wasted_bytes")), 2288);
	ck_assert_int_eq(json_integer_value(at(json, "prefetch.skipped_files")), 4);
	ck_assert_int_eq(json_integer_value(at(json, "prefetch.unanswered_files")), 9);
	ck_assert_double_eq(json_real_value(at(json, "prefetch.elapsed_ms")), 1.234);
	ck_assert_double_eq(json_real_value(at(json, "prefetch.head_start_ms")), 5.5);
	ck_assert_str_eq(json_string_value(at(json, "record.mode")), "train");
	ck_assert(json_is_true(at(json, "record.exact")));
	ck_assert_int_eq(json_integer_value(at(json, "record.files")), 6);
	ck_assert_int_eq(json_integer_value(at(json, "record.pages")), 7);
	ck_assert_int_eq(json_integer_value(at(json, "record.unreached_files")), 11);
	ck_assert_str_eq(json_string_value(json_array_get(at(json, "record.unreached"), 0)),
			 "squashfs /dev/loop0 on /");
	ck_assert_double_eq(json_real_value(at(json, "launch.elapsed_ms")), 0.1);
	ck_assert_int_eq(json_integer_value(at(json, "launch.major_faults")), 8);
	ck_assert_int_eq(json_integer_value(at(json, "launch.read_bytes")), 9);
	ck_assert_uint_eq(json_array_size(at(json, "warnings")), 0);
	/* Not known, so not said. */
	ck_assert_ptr_null(json_object_get(at(json, "record"), "reason"));
	ck_assert_ptr_null(json_object_get(at(json, "record"), "cut"));
	ck_assert_ptr_null(json_object_get(at(json, "launch"), "exit_status"));
	ck_assert_ptr_null(json_object_get(at(json, "launch"), "exit_signal"));
	json_decref(json);
}
END_TEST

START_TEST(launch_tells_that_training_was_cut)
{
	struct account account = sample_account();
	struct report report = sample_report(&account);

	account.record.cuts = FOLLOW_CUT_CHILDREN;
	account.record.cut_us = 1500;
	json_t *json = parsed_launch(&report);

	ck_assert_str_eq(json_string_value(at(json, "record.cut")), "children");
	ck_assert_double_eq(json_real_value(at(json, "record.cut_ms")), 1.5);
	json_decref(json);
}
END_TEST

START_TEST(launch_tells_how_the_program_ended)
{
	struct account account = sample_account();
	struct report report = sample_report(&account);

	account.progress = ACCOUNT_ENDED;
	account.launch.wait_status = W_EXITCODE(42, 0);

	json_t *json = parsed_launch(&report);

	ck_assert_int_eq(json_integer_value(at(json, "launch.exit_status")), 42);
	ck_assert_ptr_null(json_object_get(at(json, "launch"), "exit_signal"));
	json_decref(json);

	account.launch.wait_status = W_EXITCODE(0, SIGSEGV);
	json = parsed_launch(&report);
	ck_assert_int_eq(json_integer_value(at(json, "launch.exit_signal")), SIGSEGV);
	ck_assert_ptr_null(json_object_get(at(json, "launch"), "exit_status"));
	json_decref(json);
}
END_TEST

START_TEST(launch_carries_reason_and_warnings)
{
	const char *warnings[] = { "first", "caf\xe9" };
	struct account account = sample_account();
	struct report report = sample_report(&account);

	account.record.choice.reason = "no shadow yet";
	report.warnings = warnings;
	report.n_warnings = 2;

	json_t *json = parsed_launch(&report);
	json_t *array = at(json, "warnings");

	ck_assert_str_eq(json_string_value(at(json, "record.reason")), "no shadow yet");
	ck_assert_uint_eq(json_array_size(array), 2);
	ck_assert_str_eq(json_string_value(json_array_get(array, 0)), "first");
	ck_assert_str_eq(json_string_value(json_array_get(array, 1)), "caf\xef\xbf\xbd");
	json_decref(json);
}
END_TEST

START_TEST(any_bytes_give_valid_json)
{
	static const struct {
		const char *path;
		const char *text;
		const char *hex; /* NULL: none, the text is the path */
	} cases[] = {
		{ "/caf\xc3\xa9/\xf0\x9f\x90\xa7", "/caf\xc3\xa9/\xf0\x9f\x90\xa7", NULL },
		{ "/\x01\"\\\n", "/\x01\"\\\n", NULL },
		{ "/\xff", "/\xef\xbf\xbd", "2fff" },
		{ "/a\xc3", "/a\xef\xbf\xbd", "2f61c3" },
		{ "\xe9t\xc3\xa9", "\xef\xbf\xbdt\xc3\xa9", "e974c3a9" },
		/* A surrogate and an overlong slash are no UTF-8, byte for byte. */
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "eda080" },
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd", "c0af" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct account account = sample_account();
		struct report report = sample_report(&account);

		report.program = cases[i].path;

		json_t *json = parsed_launch(&report);
		json_t *hex = json_object_get(json, "program_hex");

		ck_assert_str_eq(json_string_value(at(json, "program")), cases[i].text);
		ck_assert_pstr_eq(json_string_value(hex), cases[i].hex);
		json_decref(json);
	}
}
END_TEST

static struct pageset_file *add_file(struct shadow *shadow, const char *path, uint8_t access)
{
	struct pageset_file *file = NULL;

	ck_assert_int_eq(pageset_add(&shadow->files, path, 1500, &file), 0);
	file->access = access;
	file->id.size_bytes = 123;
	return file;
}

static struct shadow sample_shadow(void)
{
	struct shadow shadow;

	ck_assert_int_eq(shadow_init(&shadow, "/usr/bin/x", ""), 0);
	shadow.stats.runs = 3;
	shadow.stats.updated_s = 1700000000;

	struct pageset_file *mapped = add_file(&shadow, "/usr/lib/a.so", PAGESET_MAPPED | PAGESET_OPENED);

	ck_assert_int_eq(pageset_file_append(mapped, (struct extent){ .first_page = 2, .n_pages = 3 }), 0);
	ck_assert_int_eq(
		pageset_file_append(mapped,
				    (struct extent){ .first_page = 9, .n_pages = 1, .first_use_us = 2500 }),
		0);
	add_file(&shadow, "/etc", PAGESET_STATED);
	return shadow;
}

START_TEST(shadow_has_every_field)
{
	struct shadow shadow = sample_shadow();
	char *text = NULL;

	ck_assert_int_eq(report_format_shadow(&shadow, "/cache/x.shadow", &text), 0);

	json_t *json = parsed(text);
	json_t *mapped = json_array_get(at(json, "files"), 0);
	json_t *metadata = json_array_get(at(json, "files"), 1);
	char *extents = json_dumps(at(mapped, "extents"), JSON_COMPACT);
	char *times = json_dumps(at(mapped, "extents_first_use_ms"), JSON_COMPACT);
	char *access = json_dumps(at(mapped, "access"), JSON_COMPACT);

	ck_assert_int_eq(json_integer_value(at(json, "format")), 1);
	ck_assert_str_eq(json_string_value(at(json, "program")), "/usr/bin/x");
	ck_assert_str_eq(json_string_value(at(json, "profile")), "");
	ck_assert_int_eq(json_integer_value(at(json, "page_size")), shadow.page_size);
	ck_assert(json_is_true(at(json, "exact")));
	ck_assert_uint_eq(json_array_size(at(json, "starts")), 0);
	ck_assert_ptr_null(json_object_get(json, "saved_share"));
	ck_assert_ptr_null(json_object_get(json, "first_major_faults"));
	ck_assert_int_eq(json_integer_value(at(json, "runs")), 3);
	ck_assert_int_eq(json_integer_value(at(json, "updated")), 1700000000);
	ck_assert_str_eq(json_string_value(at(json, "shadow_file")), "/cache/x.shadow");
	ck_assert_uint_eq(json_array_size(at(json, "files")), 2);
	ck_assert_str_eq(json_string_value(at(mapped, "path")), "/usr/lib/a.so");
	ck_assert_int_eq(json_integer_value(at(mapped, "size")), 123);
	ck_assert_str_eq(json_string_value(at(mapped, "kind")), "mapped");
	ck_assert(json_is_true(at(mapped, "exact")));
	ck_assert_double_eq(json_real_value(at(mapped, "first_use_ms")), 1.5);
	ck_assert_str_eq(extents, "[[2,3],[9,1]]");
	ck_assert_str_eq(times, "[0.0,2.5]");
	ck_assert_str_eq(access, "[\"mapped\",\"opened\"]");
	ck_assert_str_eq(json_string_value(at(metadata, "kind")), "metadata");
	ck_assert_uint_eq(json_array_size(at(metadata, "extents")), 0);
	free(extents);
	free(times);
	free(access);
	json_decref(json);
	shadow_release(&shadow);
}
END_TEST

START_TEST(inexact_file_is_told)
{
	struct shadow shadow = sample_shadow();
	char *text = NULL;

	pageset_find(&shadow.files, "/usr/lib/a.so")->exact = false;
	ck_assert_int_eq(report_format_shadow(&shadow, NULL, &text), 0);

	json_t *json = parsed(text);

	ck_assert(json_is_false(at(json, "exact")));
	ck_assert(json_is_false(at(json_array_get(at(json, "files"), 0), "exact")));
	ck_assert(json_is_true(at(json_array_get(at(json, "files"), 1), "exact")));
	ck_assert_ptr_null(json_object_get(json, "shadow_file"));
	json_decref(json);
	shadow_release(&shadow);
}
END_TEST

START_TEST(the_last_starts_are_told)
{
	struct shadow shadow = sample_shadow();
	struct history_start start = { 5, 300, 100, 600, 7, 0 };
	char *text = NULL;

	shadow.history.first_faults = 1380;
	history_add(&shadow.history, &start);
	start.flags = HISTORY_KNOWS_WASTE | HISTORY_KNOWS_MISSED | HISTORY_REPLAYED;
	history_add(&shadow.history, &start);
	ck_assert_int_eq(report_format_shadow(&shadow, NULL, &text), 0);

	json_t *json = parsed(text);
	char *latest = json_dumps(json_array_get(at(json, "starts"), 0), JSON_COMPACT);
	char *before = json_dumps(json_array_get(at(json, "starts"), 1), JSON_COMPACT);

	ck_assert_int_eq(json_integer_value(at(json, "first_major_faults")), 1380);
	ck_assert_double_eq(json_real_value(at(json, "saved_share")), 0.25);
	ck_assert_str_eq(latest, "{\"recorded\":5,\"replayed\":true,\"prefetched_bytes\":300,"
				 "\"wasted_bytes\":100,\"missed_bytes\":600,\"major_faults\":7}");
	ck_assert_str_eq(before, "{\"recorded\":5,\"replayed\":false,\"prefetched_bytes\":300,"
				 "\"major_faults\":7}");
	free(latest);
	free(before);
	json_decref(json);
	shadow_release(&shadow);
}
END_TEST

START_TEST(huge_number_stays_positive)
{
	struct shadow shadow = sample_shadow();
	char *text = NULL;

	shadow.stats.wasted_bytes = UINT64_MAX;
	shadow.stats.runs = UINT32_MAX;
	ck_assert_int_eq(report_format_shadow(&shadow, NULL, &text), 0);

	json_t *json = parsed(text);

	ck_assert_int_eq(json_integer_value(at(json, "wasted_bytes")), INT64_MAX);
	ck_assert_int_eq(json_integer_value(at(json, "runs")), UINT32_MAX);
	json_decref(json);
	shadow_release(&shadow);
}
END_TEST

START_TEST(list_has_good_and_bad_entries)
{
	struct shadow shadow = sample_shadow();
	struct report_list *list = report_list_new();
	char *text = NULL;
	struct shadowdb_entry good = { .file_name = "x-1.shadow",
				       .directory = "/cache",
				       .head = &shadow,
				       .n_files = 2,
				       .n_pages = 4,
				       .size_bytes = 200 };
	struct shadowdb_entry bad = { .file_name = "y-2.shadow", .directory = "/cache", .error = -EBADMSG };

	ck_assert_ptr_nonnull(list);
	ck_assert_int_eq(report_list_add(list, &good, "fresh", "fresh"), 0);
	ck_assert_int_eq(report_list_add(list, &bad, "fresh", "fresh"), 0);
	shadow_release(&shadow);
	ck_assert_int_eq(report_list_format(list, &text), 0);
	report_list_free(list);

	json_t *json = parsed(text);
	json_t *first = json_array_get(at(json, "shadows"), 0);
	json_t *second = json_array_get(at(json, "shadows"), 1);

	ck_assert_int_eq(json_integer_value(at(json, "format")), 1);
	ck_assert_uint_eq(json_array_size(at(json, "shadows")), 2);
	ck_assert_str_eq(json_string_value(at(first, "program")), "/usr/bin/x");
	ck_assert_int_eq(json_integer_value(at(first, "files")), 2);
	ck_assert_int_eq(json_integer_value(at(first, "pages")), 4);
	ck_assert_int_eq(json_integer_value(at(first, "shadow_bytes")), 200);
	ck_assert_str_eq(json_string_value(at(first, "shadow_file")), "/cache/x-1.shadow");
	ck_assert_ptr_null(json_object_get(first, "error"));
	ck_assert_str_eq(json_string_value(at(second, "error")), "EBADMSG");
	ck_assert_ptr_null(json_object_get(second, "program"));
	json_decref(json);
}
END_TEST

START_TEST(empty_list_is_a_list)
{
	struct report_list *list = report_list_new();
	char *text = NULL;

	ck_assert_int_eq(report_list_format(list, &text), 0);
	report_list_free(list);

	json_t *json = parsed(text);

	ck_assert(json_is_array(at(json, "shadows")));
	json_decref(json);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report");
	TCase *core = tcase_create("core");

	tcase_add_test(core, launch_has_every_field);
	tcase_add_test(core, launch_tells_that_training_was_cut);
	tcase_add_test(core, launch_tells_how_the_program_ended);
	tcase_add_test(core, launch_carries_reason_and_warnings);
	tcase_add_test(core, any_bytes_give_valid_json);
	tcase_add_test(core, shadow_has_every_field);
	tcase_add_test(core, inexact_file_is_told);
	tcase_add_test(core, the_last_starts_are_told);
	tcase_add_test(core, huge_number_stays_positive);
	tcase_add_test(core, list_has_good_and_bad_entries);
	tcase_add_test(core, empty_list_is_a_list);
	suite_add_tcase(suite, core);

	return run_suite(suite);
}
