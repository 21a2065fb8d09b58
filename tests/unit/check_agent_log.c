#include "trace/agent_log.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "support.h"

static struct agent_log reader;
static unsigned char *area; /* as the program has it mapped */
static int area_fd = -1;

static struct agent_head *head(void)
{
	return (void *)area;
}

static void set_up(void)
{
	ck_assert_int_eq(agent_log_create(&reader, &area_fd), 0);
	area = mmap(NULL, AGENT_LOG_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, area_fd, 0);
	ck_assert_ptr_ne(area, MAP_FAILED);
}

static void tear_down(void)
{
	munmap(area, AGENT_LOG_BYTES);
	close(area_fd);
	agent_log_release(&reader);
}

static struct agent_record *write_record(enum agent_kind kind, const char *data)
{
	uint32_t n_bytes = (uint32_t)(sizeof(struct agent_record) + strlen(data) + 7) & ~7u;
	struct agent_record *record = (void *)(area + head()->n_bytes);

	head()->n_bytes += n_bytes;
	record->pid = 5;
	record->time_ns = 7;
	record->n_data = (uint32_t)strlen(data);
	memcpy(record + 1, data, strlen(data));
	record->n_bytes = n_bytes;
	record->kind = kind;
	return record;
}

static void assert_next(enum agent_log_end end, enum agent_kind kind, const char *data)
{
	struct agent_entry entry;

	ck_assert(agent_log_next(&reader, end, &entry));
	ck_assert_int_eq((int)entry.kind, (int)kind);
	ck_assert_int_eq(entry.pid, 5);
	ck_assert_uint_eq(entry.time_ns, 7);
	ck_assert_uint_eq(entry.size, strlen(data));
	ck_assert_mem_eq(entry.data, data, entry.size);
}

static void assert_none(enum agent_log_end end)
{
	struct agent_entry entry;

	ck_assert(!agent_log_next(&reader, end, &entry));
}

START_TEST(what_is_written_is_read_once)
{
	assert_none(AGENT_LOG_IS_OVER);
	write_record(AGENT_OPENED, "/a");
	write_record(AGENT_MAPS, "maps of 9");
	assert_next(AGENT_LOG_GOES_ON, AGENT_OPENED, "/a");
	assert_next(AGENT_LOG_GOES_ON, AGENT_MAPS, "maps of 9");
	assert_none(AGENT_LOG_GOES_ON);
	write_record(AGENT_PAGES, "");
	assert_next(AGENT_LOG_GOES_ON, AGENT_PAGES, "");
	assert_none(AGENT_LOG_IS_OVER);
}
END_TEST

START_TEST(what_is_unfinished_is_waited_for_and_passed_over_in_the_end)
{
	struct agent_record *record = write_record(AGENT_UNFINISHED, "/a");

	write_record(AGENT_OPENED, "/b");
	assert_none(AGENT_LOG_GOES_ON);
	if (_i) {
		record->kind = AGENT_OPENED;
		assert_next(AGENT_LOG_GOES_ON, AGENT_OPENED, "/a");
	}
	assert_next(AGENT_LOG_IS_OVER, AGENT_OPENED, "/b");
	assert_none(AGENT_LOG_IS_OVER);
}
END_TEST

/* The program may do anything with it. */
START_TEST(nonsense_ends_it)
{
	struct agent_record *record = write_record(AGENT_OPENED, "/a");

	switch (_i) {
	case 0:
		record->n_bytes = 0;
		break;
	case 1:
		record->n_bytes = sizeof(*record) + 1;
		break;
	case 2:
		record->n_bytes = AGENT_LOG_BYTES;
		break;
	case 3:
		record->n_data = 100;
		break;
	case 4:
		record->kind = AGENT_PAGES + 1;
		break;
	case 5:
		head()->n_bytes = 0;
		break;
	default:
		head()->n_bytes = UINT64_MAX;
		assert_next(AGENT_LOG_IS_OVER, AGENT_OPENED, "/a");
	}
	assert_none(AGENT_LOG_IS_OVER);
}
END_TEST

START_TEST(the_area_cannot_shrink)
{
	ck_assert_int_lt(ftruncate(area_fd, 0), 0);
	ck_assert_int_lt(ftruncate(area_fd, 2 * AGENT_LOG_BYTES), 0);
	ck_assert_int_ne(fcntl(area_fd, F_GETFD) & FD_CLOEXEC, 0);
}
END_TEST

START_TEST(confinement_is_told)
{
	ck_assert_uint_eq(head()->is_confined, 0);
	agent_log_confine(&reader);
	ck_assert_uint_ne(head()->is_confined, 0);
	agent_log_confine(&(struct agent_log){ 0 });
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent_log");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, what_is_written_is_read_once);
	tcase_add_loop_test(t, what_is_unfinished_is_waited_for_and_passed_over_in_the_end, 0, 2);
	tcase_add_loop_test(t, nonsense_ends_it, 0, 7);
	tcase_add_test(t, the_area_cannot_shrink);
	tcase_add_test(t, confinement_is_told);
	suite_add_tcase(s, t);
	return run_suite(s);
}
