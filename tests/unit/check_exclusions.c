/* check_exclusions.c - which paths a pattern excludes */
#include "sys/exclusions.h"

#include "support.h"

static bool excludes(const char *pattern, const char *path)
{
	cleanup_with(exclusions_release) struct exclusions excluded = { 0 };

	ck_assert_int_eq(exclusions_add(&excluded, pattern, "/home/u"), 0);
	return exclusions_match(&excluded, path);
}

START_TEST(what_patterns_match)
{
	static const struct {
		const char *pattern;
		const char *path;
		bool expected;
	} cases[] = {
		{ "/mnt/nas", "/mnt/nas", true },
		{ "/mnt/nas", "/mnt/nas/a/b", true },
		{ "/mnt/nas/", "/mnt/nas/a", true },
		{ "/mnt/nas//", "/mnt/nas", true },
		{ "/mnt/nas", "/mnt/nas2", false },
		{ "/mnt/nas", "/a/mnt/nas", false },
		{ "/mnt/*", "/mnt/nas/a", true },
		{ "/mnt/*/private", "/mnt/a/b/private/c", true },
		{ "/srv/[ab]", "/srv/b/x", true },
		{ "/srv/[ab]", "/srv/c", false },
		{ "*.iso", "/a/b.iso", true },
		{ "*.iso", "/a/b.iso/c", true },
		{ "*.iso", "/a/b.isox", false },
		{ "letters", "/home/u/letters/x", true },
		{ "letters", "/home/u/loveletters", false },
		{ "Private/letters", "/x/Private/letters/y", true },
		{ "~/Private", "/home/u/Private/x", true },
		{ "~/Private", "/home/v/Private/x", false },
		{ "~", "/x/~/y", true },
		{ "~user", "/x/~user", true },
		{ "\\*", "/a/*", true },
		{ "\\*", "/a/b", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(excludes(cases[i].pattern, cases[i].path) == cases[i].expected, "%s: %s",
			      cases[i].pattern, cases[i].path);
}
END_TEST

START_TEST(none_is_none)
{
	struct exclusions excluded = { 0 };

	ck_assert(!exclusions_match(NULL, "/a"));
	ck_assert(!exclusions_match(&excluded, "/a"));
	ck_assert_int_eq(exclusions_add(&excluded, "", "/home/u"), -EINVAL);
	ck_assert_int_eq(exclusions_add(&excluded, "/", "/home/u"), -EINVAL);
	ck_assert_int_eq(exclusions_add(&excluded, "///", "/home/u"), -EINVAL);
	ck_assert_int_eq(exclusions_add(&excluded, "~/x", NULL), -EINVAL);
	ck_assert_int_eq(exclusions_add(&excluded, "~/x", "relative"), -EINVAL);
	ck_assert(!exclusions_match(&excluded, "/a"));
	exclusions_release(&excluded);
}
END_TEST

START_TEST(not_too_many_nor_too_long)
{
	cleanup_with(exclusions_release) struct exclusions excluded = { 0 };
	char longest[PATH_MAX + 1];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ck_assert_int_eq(exclusions_add(&excluded, longest, NULL), -ENAMETOOLONG);
	for (int i = 0; i < EXCLUSIONS_MAX; i++)
		ck_assert_int_eq(exclusions_add(&excluded, "/none", NULL), 0);
	ck_assert_int_eq(exclusions_add(&excluded, "/none", NULL), -E2BIG);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("exclusions");
	TCase *t = tcase_create("core");

	tcase_add_test(t, what_patterns_match);
	tcase_add_test(t, none_is_none);
	tcase_add_test(t, not_too_many_nor_too_long);
	suite_add_tcase(s, t);
	return run_suite(s);
}
