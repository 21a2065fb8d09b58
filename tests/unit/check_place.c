#include "prefetch/place.h"

#include "support.h"

static struct places places;

/* A table of mounts in place of this machine's; own is the program's mount. */
static void use(const char *text, const char *program)
{
	places_init(&places, program);
	mounts_release(&places.mounts);
	ck_assert_int_eq(mounts_parse(text, strlen(text), &places.mounts), 0);
	places.own = mounts_find(&places.mounts, program);
}

static void tear_down(void)
{
	places_release(&places);
}

static const char table[] = "27 1 0:99 / / rw - ext4 root rw\n"
			    "30 27 0:98 / /net rw - nfs4 server:/ rw\n"
			    "31 27 0:97 / /auto rw - autofs systemd-1 rw\n"
			    "32 27 0:96 / /tmp rw - tmpfs tmpfs rw\n"
			    "33 27 0:95 / /run/kernel rw - sysfs sysfs rw\n";

START_TEST(reach_is_that_of_the_mount)
{
	use(table, "/usr/bin/cat");
	ck_assert_int_eq(place_of(&places, "/usr/lib/x.so").reach, PLACE_NEAR);
	ck_assert_int_eq(place_of(&places, "/net/x").reach, PLACE_FAR);
	ck_assert_int_eq(place_of(&places, "/net/x").storage, STORAGE_SLOW);
	ck_assert_int_eq(place_of(&places, "/auto/host/x").reach, PLACE_LEFT_OUT);
	ck_assert_int_eq(place_of(&places, "/tmp/x").reach, PLACE_MEMORY);
	ck_assert_int_eq(place_of(&places, "/run/kernel/x").reach, PLACE_LEFT_OUT);
	ck_assert_uint_ne(place_of(&places, "/net/x").mount, place_of(&places, "/x").mount);
	ck_assert_uint_eq(place_of(&places, "/y").mount, place_of(&places, "/x").mount);
}
END_TEST

START_TEST(the_programs_own_mount_is_near)
{
	use(table, "/net/bin/program");
	ck_assert_int_eq(place_of(&places, "/net/x").reach, PLACE_NEAR);
	ck_assert_int_eq(place_of(&places, "/net/x").storage, STORAGE_SLOW);
}
END_TEST

START_TEST(the_kernels_own_is_left_out)
{
	for (int i = 0; i < 2; i++) {
		struct places *known = i == 0 ? NULL : &places;

		use("", "/usr/bin/cat");
		ck_assert_int_eq(place_of(known, "/proc/cpuinfo").reach, PLACE_LEFT_OUT);
		ck_assert_int_eq(place_of(known, "/sys").reach, PLACE_LEFT_OUT);
		ck_assert_int_eq(place_of(known, "/dev/sda").reach, PLACE_LEFT_OUT);
		ck_assert_int_eq(place_of(known, "/device").reach, PLACE_NEAR);
		ck_assert_uint_eq(place_of(known, "/device").mount, 0);
		tear_down();
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("place");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, NULL, tear_down);
	tcase_add_test(t, reach_is_that_of_the_mount);
	tcase_add_test(t, the_programs_own_mount_is_near);
	tcase_add_test(t, the_kernels_own_is_left_out);
	suite_add_tcase(s, t);
	return run_suite(s);
}
