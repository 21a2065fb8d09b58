#include "sys/meminfo.h"

#include "support.h"

#define MIB (UINT64_C(1) << 20)

/* Writes a file of the tree that stands for /, and the directories above it. */
static void write_tree(const char *path, const char *text)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", scratch, path);
	for (char *slash = strchr(full + strlen(scratch) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	write_file(full, text, strlen(text), 0600);
}

static void set_up(void)
{
	scratch_enter();
	write_tree("/proc/meminfo", "MemTotal:       8192000 kB\nMemFree:         100 kB\n"
				    "MemAvailable:    1048576 kB\nBuffers:            1340 kB\n");
}

START_TEST(without_groups_it_is_mem_available)
{
	ck_assert_uint_eq(meminfo_available_bytes(scratch), 1024 * MIB);
	write_tree("/proc/self/cgroup", "0::/\n4:memory:/gone\nnonsense\n:\n\n");
	ck_assert_uint_eq(meminfo_available_bytes(scratch), 1024 * MIB);
}
END_TEST

START_TEST(unknown_is_nothing)
{
	write_tree("/proc/meminfo", "MemTotal: 1 kB\nMemAvailableNot: 5 kB\n");
	ck_assert_uint_eq(meminfo_available_bytes(scratch), 0);
	write_tree("/proc/meminfo", "MemAvailable: 18446744073709551615 kB\n");
	ck_assert_uint_eq(meminfo_available_bytes(scratch), 0);
	write_tree("/proc/meminfo", "");
	ck_assert_uint_eq(meminfo_available_bytes(scratch), 0);
}
END_TEST

START_TEST(version_2_limits_of_every_group_above_count)
{
	write_tree("/proc/self/cgroup", "0::/a.slice/b.scope\n");
	write_tree("/sys/fs/cgroup/a.slice/b.scope/memory.max", "max\n");
	write_tree("/sys/fs/cgroup/a.slice/b.scope/memory.current", "1048576\n");
	ck_assert_uint_eq(meminfo_available_bytes(scratch), 1024 * MIB);

	write_tree("/sys/fs/cgroup/a.slice/memory.max", "104857600\n");
	write_tree("/sys/fs/cgroup/a.slice/memory.current", "73400320\n");
	ck_assert_uint_eq(meminfo_available_bytes(scratch), 30 * MIB);

	write_tree("/sys/fs/cgroup/a.slice/memory.stat",
		   "file 41943040\ninactive_file_not 5\ninactive_file 20971520\n");
	ck_assert_uint_eq(meminfo_available_bytes(scratch), 50 * MIB);

	write_tree("/sys/fs/cgroup/a.slice/memory.high", "83886080\n");
	ck_assert_uint_eq(meminfo_available_bytes(scratch), 30 * MIB);

	write_tree("/sys/fs/cgroup/a.slice/b.scope/memory.max", "1000\n");
	ck_assert_uint_eq(meminfo_available_bytes(scratch), 0);
}
END_TEST

START_TEST(version_1_knows_huge_numbers_and_shared_hierarchies)
{
	write_tree("/proc/self/cgroup", "9:name=systemd:/\n5:cpuset,memory:/x/y\n0::/\n");
	write_tree("/sys/fs/cgroup/memory/x/y/memory.limit_in_bytes", "9223372036854771712\n");
	write_tree("/sys/fs/cgroup/memory/x/y/memory.usage_in_bytes", "4096\n");
	ck_assert_uint_eq(meminfo_available_bytes(scratch), 1024 * MIB);

	/* As in a container: its own group is the root of the mount, "x/y" is not there. */
	write_tree("/sys/fs/cgroup/memory/memory.limit_in_bytes", "104857600\n");
	write_tree("/sys/fs/cgroup/memory/memory.usage_in_bytes", "94371840\n");
	write_tree("/sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 5242880\n");
	ck_assert_uint_eq(meminfo_available_bytes(scratch), 15 * MIB);

	write_tree("/proc/self/cgroup", "5:cpuset,memory2:/\n");
	ck_assert_uint_eq(meminfo_available_bytes(scratch), 1024 * MIB);
}
END_TEST

START_TEST(a_group_outside_the_namespace_leads_nowhere)
{
	write_tree("/proc/self/cgroup", "0::/../../secret\n");
	write_tree("/sys/fs/cgroup/cgroup.procs", "");
	write_tree("/sys/secret/memory.max", "1\n");
	write_tree("/sys/secret/memory.current", "1\n");
	ck_assert_uint_eq(meminfo_available_bytes(scratch), 1024 * MIB);
}
END_TEST

START_TEST(this_machine_has_memory)
{
	if (access("/proc/meminfo", R_OK) == 0)
		ck_assert_uint_gt(meminfo_available_bytes(""), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("meminfo");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, set_up, scratch_leave);
	tcase_add_test(t, without_groups_it_is_mem_available);
	tcase_add_test(t, unknown_is_nothing);
	tcase_add_test(t, version_2_limits_of_every_group_above_count);
	tcase_add_test(t, version_1_knows_huge_numbers_and_shared_hierarchies);
	tcase_add_test(t, a_group_outside_the_namespace_leads_nowhere);
	tcase_add_test(t, this_machine_has_memory);
	suite_add_tcase(s, t);
	return run_suite(s);
}
