/* check_config.c - what lines of a configuration file say */
#include "config.h"

#include "support.h"

static struct config config;

static void setup(void)
{
	scratch_enter();
	config_init(&config);
}

static void teardown(void)
{
	config_release(&config);
	scratch_leave();
}

/* The first line that says nothing known. */
static unsigned int parse(const char *text)
{
	unsigned int line = 77;

	ck_assert_int_eq(config_parse(&config, text, strlen(text), "/home/u", &line), 0);
	return line;
}

START_TEST(settings_are_taken)
{
	ck_assert_uint_eq(parse(""), 0);
	ck_assert_uint_eq(config.store_bytes, CONFIG_STORE_BYTES);
	ck_assert_uint_eq(parse("# comment\n\n  exclude = /mnt/nas \r\nexclude=~/Private # why\n"
				"store-size = 3M\nstore-age= 7\nexclude = a#b"),
			  0);
	ck_assert_uint_eq(config.store_bytes, 3 << 20);
	ck_assert_uint_eq(config.store_days, 7);
	ck_assert_uint_eq(config.excluded.n_patterns, 3);
	ck_assert(exclusions_match(&config.excluded, "/mnt/nas/x"));
	ck_assert(exclusions_match(&config.excluded, "/home/u/Private/x"));
	ck_assert(exclusions_match(&config.excluded, "/x/a#b"));
	/* The later one holds. */
	ck_assert_uint_eq(parse("store-size = 1\nstore-size = 2K\nstore-age = unlimited\n"), 0);
	ck_assert_uint_eq(config.store_bytes, 2048);
	ck_assert_uint_eq(config.store_days, CONFIG_UNLIMITED);
	ck_assert_uint_eq(parse("store-size = 4G\nstore-age = 0\n"), 0);
	ck_assert_uint_eq(config.store_bytes, UINT64_C(4) << 30);
	ck_assert_uint_eq(config.store_days, 0);
}
END_TEST

START_TEST(faulty_lines_are_passed_over)
{
	static const char *const faulty[] = {
		"colour = red",     "exclude",
		"exclude =",        "exclude = /",
		"store-size = ",    "store-size = M",
		"store-size = -1",  "store-size = 1T",
		"store-size = 1MB", "store-age = 7d",
		"store-age = 1 2",  "= 1",
		"[section]",        "store-size = 99999999999999999999",
	};

	for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
		char text[128];

		snprintf(text, sizeof(text), "store-age = 1\n%s\nstore-size = 5\n%s\n", faulty[i], faulty[i]);
		ck_assert_msg(parse(text) == 2, "%s", faulty[i]);
		ck_assert_uint_eq(config.store_days, 1);
		ck_assert_uint_eq(config.store_bytes, 5);
	}
}
END_TEST

START_TEST(bytes_that_are_no_text)
{
	static const char text[] = "store-size = 5\0\nstore-age = 6\n\xff\xfe";
	unsigned int line;

	ck_assert_int_eq(config_parse(&config, text, sizeof(text) - 1, NULL, &line), 0);
	ck_assert_uint_eq(line, 1);
	ck_assert_uint_eq(config.store_bytes, CONFIG_STORE_BYTES);
	ck_assert_uint_eq(config.store_days, 6);
}
END_TEST

static int read_config(const char *name)
{
	unsigned int line;

	return config_read(&config, scratch_path(name), NULL, &line);
}

START_TEST(files_are_trusted_or_not)
{
	static const char text[] = "store-age = 3\n";
	const size_t size = sizeof(text) - 1;

	ck_assert_int_eq(read_config("missing"), 0);
	write_file("good", text, size, 0644);
	ck_assert_int_eq(symlink("good", "link"), 0);
	ck_assert_int_eq(read_config("link"), 0);
	ck_assert_uint_eq(config.store_days, 3);
	ck_assert_int_eq(read_config("good/below"), 0);
	write_file("open", text, size, 0666);
	ck_assert_int_eq(read_config("open"), -EKEYREJECTED);
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(read_config("fifo"), -EINVAL);
	ck_assert_int_eq(truncate("good", CONFIG_MAX_BYTES + 1), 0);
	ck_assert_int_eq(read_config("good"), -EFBIG);
	if (geteuid() == 0) {
		write_file("foreign", text, size, 0644);
		ck_assert_int_eq(chown("foreign", 12345, 12345), 0);
		ck_assert_int_eq(read_config("foreign"), -EPERM);
		/* In another user's home, and one's own that cannot be read. */
		ck_assert_int_eq(mkdir("closed", 0700), 0);
		write_file("closed/config", text, size, 0600);
		write_file("unreadable", text, size, 0);
		ck_assert_int_eq(seteuid(12345), 0);
		ck_assert_int_eq(read_config("closed/config"), 0);
		ck_assert_int_eq(read_config("unreadable"), -EACCES);
		ck_assert_int_eq(seteuid(0), 0);
	}
}
END_TEST

START_TEST(the_agent_can_be_turned_off)
{
	ck_assert(config.uses_agent);
	ck_assert_uint_eq(parse("agent = no\n"), 0);
	ck_assert(!config.uses_agent);
	ck_assert_uint_eq(parse("agent = yes\n"), 0);
	ck_assert(config.uses_agent);
	ck_assert_uint_eq(parse("agent = maybe\n"), 1);
	ck_assert(config.uses_agent);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("config");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, settings_are_taken);
	tcase_add_test(t, faulty_lines_are_passed_over);
	tcase_add_test(t, bytes_that_are_no_text);
	tcase_add_test(t, files_are_trusted_or_not);
	tcase_add_test(t, the_agent_can_be_turned_off);
	suite_add_tcase(s, t);
	return run_suite(s);
}
