#include "prefetch/storage.h"

#include <sys/sysmacros.h>

#include "support.h"

/* A device as the kernel shows it: its link in sys/dev/block leads to the directory with its queue. */
static void make_device(const char *directory, const char *link, const char *rotational,
			const char *partition)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command),
		 "mkdir -p sys/dev/block sys/devices/%s/queue sys/devices/%s%s && "
		 "echo %s >sys/devices/%s/queue/rotational && "
		 "ln -sfn ../../devices/%s%s sys/dev/block/%s",
		 directory, directory, partition, rotational, directory, directory, partition, link);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(a_disk_and_its_partition_rotate)
{
	make_device("pci0/ata1/block/sda", "8:0", "1", "");
	make_device("pci0/ata1/block/sda", "8:1", "1", "/sda1");
	ck_assert_int_eq(storage_of_device(scratch, makedev(8, 0)), STORAGE_ROTATING);
	ck_assert_int_eq(storage_of_device(scratch, makedev(8, 1)), STORAGE_ROTATING);
	make_device("pci0/ata1/block/sda", "8:0", "0", "");
	ck_assert_int_eq(storage_of_device(scratch, makedev(8, 1)), STORAGE_SOLID_STATE);
}
END_TEST

START_TEST(a_virtual_disk_that_says_rotational_does_not_know)
{
	make_device("pci0/virtio3/block/vda", "254:0", "1", "");
	ck_assert_int_eq(storage_of_device(scratch, makedev(254, 0)), STORAGE_SOLID_STATE);
}
END_TEST

START_TEST(memory_cards_and_networks_are_slow)
{
	make_device("platform/mmc0/block/mmcblk0", "179:2", "0", "/mmcblk0p2");
	make_device("virtual/block/nbd0", "43:0", "0", "");
	ck_assert_int_eq(storage_of_device(scratch, makedev(179, 2)), STORAGE_SLOW);
	ck_assert_int_eq(storage_of_device(scratch, makedev(43, 0)), STORAGE_SLOW);
}
END_TEST

START_TEST(what_is_not_known_is_solid_state)
{
	ck_assert_int_eq(storage_of_device(scratch, makedev(0, 77)), STORAGE_SOLID_STATE);
}
END_TEST

START_TEST(a_mount_is_of_its_device)
{
	struct mount far = { .kind = MOUNT_FAR, .type = "nfs4", .source = "server:/export" };
	struct mount local = { .kind = MOUNT_LOCAL, .type = "ext4", .source = "/dev/no-such-disk" };
	struct mount packed = { .kind = MOUNT_LOCAL, .type = "squashfs", .source = "/dev/loop0" };

	ck_assert_int_eq(storage_of_mount(&far), STORAGE_SLOW);
	ck_assert_int_eq(storage_of_mount(&local), STORAGE_SOLID_STATE);
	ck_assert_int_eq(storage_of_mount(&packed), STORAGE_PACKED);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("storage");
	TCase *t = tcase_create("core");

	tcase_add_unchecked_fixture(t, scratch_enter, scratch_leave);
	tcase_add_test(t, a_disk_and_its_partition_rotate);
	tcase_add_test(t, a_virtual_disk_that_says_rotational_does_not_know);
	tcase_add_test(t, memory_cards_and_networks_are_slow);
	tcase_add_test(t, what_is_not_known_is_solid_state);
	tcase_add_test(t, a_mount_is_of_its_device);
	suite_add_tcase(s, t);
	return run_suite(s);
}
