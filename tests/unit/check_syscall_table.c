#include "trace/syscall_table.h"

#include <sys/syscall.h>

#include "support.h"

START_TEST(a_row_says_all_about_a_call)
{
	const struct syscall_row *open_row = syscall_table_find(SYS_openat);
	const struct syscall_row *read_row = syscall_table_find(SYS_pread64);
	const struct syscall_row *exec_row = syscall_table_find(SYS_execveat);

	ck_assert_int_eq(open_row->effect, SYSCALL_OPENS);
	ck_assert_int_eq(open_row->dirfd_arg, 0);
	ck_assert_int_eq(open_row->path_arg, 1);
	ck_assert(open_row->flags & SYSCALL_NEEDS_EXIT);
	ck_assert(open_row->flags & SYSCALL_KEEPS_AFFINITY);
	ck_assert(open_row->flags & SYSCALL_WAITS_FOR_DISK);
	ck_assert_int_eq(read_row->effect, SYSCALL_READS);
	ck_assert_int_eq(read_row->fd_arg, 0);
	ck_assert_int_eq(read_row->offset, SYSCALL_AT_VALUE);
	ck_assert_int_eq(read_row->offset_arg, 3);
	ck_assert_int_eq(exec_row->politeness, SYSCALL_EXECS);
	ck_assert_int_eq(exec_row->path_arg, 1);
	ck_assert_int_eq(exec_row->dirfd_arg, 0);
}
END_TEST

/* Arguments that a handler looks at are there. */
START_TEST(rows_are_whole)
{
	size_t n_rows = 0;

	for (uint64_t nr = 0; nr < 1000; nr++) {
		const struct syscall_row *row = syscall_table_find(nr);

		n_rows += row->effect != SYSCALL_OTHER || row->politeness != SYSCALL_IS_HARMLESS;
		switch (row->effect) {
		case SYSCALL_OPENS:
		case SYSCALL_LOOKS_UP:
			ck_assert_int_ge(row->path_arg, 0);
			ck_assert(row->flags & SYSCALL_NEEDS_EXIT);
			break;
		case SYSCALL_READS:
		case SYSCALL_LISTS:
		case SYSCALL_CLOSES:
		case SYSCALL_DUPLICATES:
		case SYSCALL_CONTROLS:
			ck_assert_int_ge(row->fd_arg, 0);
			ck_assert(row->flags & SYSCALL_NEEDS_EXIT);
			break;
		default:
			break;
		}
		if (row->offset != SYSCALL_AT_POSITION)
			ck_assert_int_ge(row->offset_arg, 0);
		if (row->politeness == SYSCALL_EXECS)
			ck_assert_int_ge(row->path_arg, 0);
	}
	ck_assert_uint_gt(n_rows, 30);
}
END_TEST

/* Each shows an affinity, hands one on, or may do so by what it reads. */
START_TEST(calls_that_show_an_affinity_are_not_taken_for_others)
{
	static const long shows[] = { SYS_sched_getaffinity,
				      SYS_sched_setaffinity,
				      SYS_clone,
				      SYS_clone3,
				      SYS_execve,
				      SYS_read,
				      SYS_pread64,
				      SYS_ptrace };

	for (size_t i = 0; i < sizeof(shows) / sizeof(shows[0]); i++)
		ck_assert(!(syscall_table_find((uint64_t)shows[i])->flags & SYSCALL_KEEPS_AFFINITY));
}
END_TEST

START_TEST(there_is_a_row_for_any_number)
{
	static const uint64_t numbers[] = { 5000, UINT32_MAX, INT64_MAX, UINT64_MAX };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		ck_assert_int_eq(syscall_table_find(numbers[i])->effect, SYSCALL_OTHER);
		ck_assert_int_eq(syscall_table_find(numbers[i])->politeness, SYSCALL_IS_HARMLESS);
		ck_assert_uint_eq(syscall_table_find(numbers[i])->flags, 0);
	}
	ck_assert_int_eq(syscall_table_find(SYS_getppid)->effect, SYSCALL_OTHER);
}
END_TEST

START_TEST(foreign_calls_get_native_numbers)
{
	uint64_t nr = 11;

	ck_assert(syscall_table_translate_foreign(&nr));
	ck_assert_uint_eq(nr, SYS_execve);
	nr = 26;
	ck_assert(syscall_table_translate_foreign(&nr));
	ck_assert_uint_eq(nr, SYS_ptrace);
	nr = 120;
	ck_assert(syscall_table_translate_foreign(&nr));
	ck_assert_uint_eq(nr, SYS_clone);
#if defined(__x86_64__)
	nr = 338;
	ck_assert(syscall_table_translate_foreign(&nr));
	ck_assert_uint_eq(nr, SYS_fanotify_init);
#endif
	nr = 4; /* write(2) */
	ck_assert(!syscall_table_translate_foreign(&nr));
	ck_assert_uint_eq(nr, 4);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("syscall_table");
	TCase *t = tcase_create("core");

	tcase_add_test(t, a_row_says_all_about_a_call);
	tcase_add_test(t, rows_are_whole);
	tcase_add_test(t, calls_that_show_an_affinity_are_not_taken_for_others);
	tcase_add_test(t, there_is_a_row_for_any_number);
	tcase_add_test(t, foreign_calls_get_native_numbers);
	suite_add_tcase(s, t);
	return run_suite(s);
}
