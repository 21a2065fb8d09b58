#include "sys/outside.h"

#include <limits.h>

#include "support.h"

#define OURS                                                                                                 \
	"27 1 254:1 / / rw - ext4 /dev/vda1 rw\n"                                                            \
	"30 27 8:17 / /home rw - xfs /dev/sdb1 rw\n"                                                         \
	"31 27 254:1 /usr/share /srv/share rw - ext4 /dev/vda1 rw\n"                                         \
	"32 27 8:33 /deep /mnt/d rw - ext4 /dev/sdc1 rw\n"

static struct mounts ours;
static struct mounts theirs;
static const char *right;
static enum outside_way right_way;
static unsigned int n_asked;

static void set_up(void)
{
	ck_assert_int_eq(mounts_parse(OURS, strlen(OURS), &ours), 0);
	n_asked = 0;
	right_way = OUTSIDE_SAME;
}

static void tear_down(void)
{
	mounts_release(&ours);
	mounts_release(&theirs);
}

static bool is_right(const char *path, enum outside_way way, void *context)
{
	(void)context;
	n_asked++;
	ck_assert_uint_lt(strlen(path), PATH_MAX);
	ck_assert_int_eq(path[0], '/');
	return way == right_way && strcmp(path, right) == 0;
}

/* In a process with that table and root, is path what is called outside so? */
static bool leads(const char *table, const char *root, const char *path, const char *outside)
{
	char found[PATH_MAX] = "";
	const struct outside_search search = {
		.theirs = &theirs, .their_root = root, .ours = &ours, .is_it = is_right
	};

	mounts_release(&theirs);
	ck_assert_int_eq(mounts_parse(table, strlen(table), &theirs), 0);
	right = outside;
	bool is_found = outside_find(&search, path, found);

	ck_assert(!is_found || strcmp(found, outside) == 0);
	return is_found;
}

START_TEST(a_directory_bound_elsewhere)
{
	const char *table = "50 1 0:60 / / rw - tmpfs tmpfs rw\n"
			    "51 50 254:1 /usr /elsewhere rw - ext4 /dev/vda1 rw\n"
			    "52 51 8:17 /me /elsewhere/home rw - xfs /dev/sdb1 rw\n"
			    "53 50 254:1 /etc/passwd /one-file rw - ext4 /dev/vda1 rw\n";

	ck_assert(leads(table, "/", "/elsewhere/lib/x.so", "/usr/lib/x.so"));
	ck_assert(leads(table, "/", "/elsewhere", "/usr"));
	ck_assert(leads(table, "/", "/elsewhere/home/a/b", "/home/me/a/b"));
	ck_assert(leads(table, "/", "/one-file", "/etc/passwd"));
	/* Where two names lead to it, the one that is right. */
	ck_assert(leads(table, "/", "/elsewhere/share/doc", "/srv/share/doc"));
	ck_assert(!leads(table, "/", "/elsewhere2/lib/x.so", "/usr/lib/x.so"));
	/* Their own root is only theirs. */
	ck_assert(!leads(table, "/", "/bin/x", "/nowhere"));
}
END_TEST

START_TEST(the_name_itself_comes_first)
{
	ck_assert(leads("50 1 254:1 / / rw - ext4 /dev/vda1 rw\n", "/", "/usr/bin/x", "/usr/bin/x"));
	ck_assert_uint_eq(n_asked, 1);
	/* A root directory that is no mount point: it is not in the table. */
	ck_assert(leads("", "/srv/root", "/srv/root/bin/x", "/srv/root/bin/x"));
	ck_assert(!leads("", "/srv/root", "/srv/root/bin/x", "/bin/x"));
}
END_TEST

START_TEST(what_we_have_in_part_only)
{
	const char *table = "50 1 8:33 / / rw - ext4 /dev/sdc1 rw\n";

	ck_assert(leads(table, "/", "/deep/a", "/mnt/d/a"));
	ck_assert(leads(table, "/", "/deep", "/mnt/d"));
	ck_assert(!leads(table, "/", "/deeper", "/mnt/d/er"));
	ck_assert(!leads("50 1 7:9 / / rw - squashfs /dev/loop9 ro\n", "/", "/a", "/usr/a"));
}
END_TEST

START_TEST(a_root_that_others_name_otherwise)
{
	/* Mount points are as from their root directory, names as from that of their namespace. */
	const char *table = "50 1 254:1 /usr /u rw - ext4 /dev/vda1 rw\n";

	ck_assert(leads(table, "/jail", "/jail/u/bin/x", "/usr/bin/x"));
	ck_assert(!leads(table, "/jail", "/jailed/u/bin/x", "/usr/bin/x"));
	ck_assert_str_eq(outside_below_root("/jail/u", "/jail"), "/u");
	ck_assert_str_eq(outside_below_root("/jail", "/jail"), "/");
	ck_assert_str_eq(outside_below_root("/jail", "/"), "/jail");
	ck_assert_ptr_null(outside_below_root("/jailed", "/jail"));
	ck_assert_ptr_null(outside_below_root("/mail/u", "/jail"));
}
END_TEST

START_TEST(layers_of_an_overlay)
{
	const char *table =
		"50 1 0:70 / / rw - overlay overlay rw,lowerdir=/srv/low:/usr,upperdir=/home/up,workdir=/w\n"
		"51 50 0:71 / /more rw - overlay o rw,lowerdir+=/a\\134:b,lowerdir+=/c\\040d\n"
		"52 50 0:72 / /put rw - overlay o rw,lowerdir=/oldroot/usr,upperdir=rel\n"
		"53 50 0:73 /sub /part rw - overlay o rw,lowerdir=/srv/low\n";

	right_way = OUTSIDE_LAYER;
	ck_assert(leads(table, "/", "/bin/x", "/home/up/bin/x"));
	ck_assert(leads(table, "/", "/bin/x", "/srv/low/bin/x"));
	ck_assert(leads(table, "/", "/bin/x", "/usr/bin/x"));
	ck_assert(leads(table, "/", "/more/x", "/a:b/x"));
	ck_assert(leads(table, "/", "/more/x", "/c d/x"));
	ck_assert(leads(table, "/", "/put/bin/x", "/usr/bin/x"));
	ck_assert(!leads(table, "/", "/put/bin/x", "rel/bin/x"));
	ck_assert(leads(table, "/", "/part/x", "/srv/low/sub/x"));
	ck_assert(!leads(table, "/", "/bin/x", "/w/bin/x"));
}
END_TEST

START_TEST(a_layer_that_is_bound_elsewhere_or_an_overlay_itself)
{
	const char *table = "50 1 0:70 / / rw - overlay overlay rw,lowerdir=/bound/share\n"
			    "51 50 254:1 /usr /bound rw - ext4 /dev/vda1 rw\n"
			    "52 50 0:71 / /again rw - overlay o rw,lowerdir=/again/x:/,upperdir=/again\n";

	right_way = OUTSIDE_LAYER;
	ck_assert(leads(table, "/", "/doc/x", "/usr/share/doc/x"));
	ck_assert(leads(table, "/", "/again/doc/x", "/usr/share/doc/x"));
	/* In a circle: it ends. */
	ck_assert(!leads(table, "/", "/again/y", "/nowhere"));
	ck_assert_uint_lt(n_asked, 10000);
}
END_TEST

/* All layers by their names, and only then as what they may be in the sandbox. */
START_TEST(names_of_layers_come_first)
{
	const char *table = "50 1 0:70 / / rw - overlay overlay rw,lowerdir=/bound/share:/b\n"
			    "51 50 254:1 /usr /bound rw - ext4 /dev/vda1 rw\n";
	unsigned int n_before;

	right_way = OUTSIDE_LAYER;
	ck_assert(leads(table, "/", "/doc/x", "/b/doc/x"));
	n_before = n_asked;
	ck_assert(leads(table, "/", "/doc/x", "/usr/share/doc/x"));
	ck_assert_uint_gt(n_asked - n_before, n_before);
	/* The layer as a whole, where that is our root directory. */
	ck_assert(leads("50 1 0:70 / / rw - overlay overlay rw,lowerdir=/\n", "/", "/", "/"));
}
END_TEST

START_TEST(not_more_layers_than_a_name_is_worth)
{
	enum { N = 3000 };
	char table[16 * N];
	int n = snprintf(table, sizeof(table), "50 1 0:70 / / rw - overlay overlay rw,lowerdir=/0");

	for (int i = 1; i < N; i++)
		n += snprintf(table + n, sizeof(table) - (size_t)n, ":/%d", i);
	strcpy(table + n, "\n");
	right_way = OUTSIDE_LAYER;
	ck_assert(leads(table, "/", "/x", "/100/x"));
	ck_assert(!leads(table, "/", "/x", "/2999/x"));
	ck_assert_uint_lt(n_asked, N);
}
END_TEST

START_TEST(names_that_are_too_long)
{
	char path[2 * PATH_MAX];
	const char *table = "50 1 254:1 /a/directory/with/a/longer/name / rw - ext4 /dev/vda1 rw\n";

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	ck_assert(!leads(table, "/", path, "/nowhere"));
	path[PATH_MAX - 1] = '\0';
	ck_assert(!leads(table, "/", path, "/nowhere"));
	ck_assert_uint_eq(n_asked, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("outside");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_directory_bound_elsewhere);
	tcase_add_test(t, the_name_itself_comes_first);
	tcase_add_test(t, what_we_have_in_part_only);
	tcase_add_test(t, a_root_that_others_name_otherwise);
	tcase_add_test(t, layers_of_an_overlay);
	tcase_add_test(t, a_layer_that_is_bound_elsewhere_or_an_overlay_itself);
	tcase_add_test(t, names_of_layers_come_first);
	tcase_add_test(t, not_more_layers_than_a_name_is_worth);
	tcase_add_test(t, names_that_are_too_long);
	suite_add_tcase(s, t);
	return run_suite(s);
}
