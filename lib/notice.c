/* notice.c - the files beside the shadows that keep what could not be told */
#include "notice.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "shadowdb_private.h"
#include "sys/io.h"

#define NOTICE_SUFFIX ".notice"
#define HEX4 "[0-9a-f][0-9a-f][0-9a-f][0-9a-f]"

static const char state_letters[] = { [NOTICE_NEW] = 'n', [NOTICE_TOLD] = 't' };

void notice_release(struct notice *self)
{
	free(take_pointer(self->program));
	free(take_pointer(self->text));
}

void notice_name(const char *program, const char *profile, char ret_name[static NAME_MAX + 1])
{
	shadowdb_name(program, profile, ret_name);
	strcpy(ret_name + strlen(ret_name) - strlen(SHADOWDB_SUFFIX), NOTICE_SUFFIX);
}

/* What a terminal might obey, or take for another line, is not shown to it. */
static void make_showable(char *text)
{
	for (char *at = text; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = '?';
}

static int write_text(int dir_fd, const char *name, const char *text)
{
	cleanup_close int fd =
		openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : io_write_all(fd, text, strlen(text));
}

int notice_leave(const struct shadowdb *db, const char *program, const char *profile, enum notice_state state,
		 const char *text)
{
	cleanup_free char *shown_program = strdup(program), *shown_text = strdup(text), *whole = NULL;
	char name[NAME_MAX + 1], temporary[NAME_MAX + 1];
	uint64_t random = 0;

	if (db->dir_fd < 0)
		return -ENOENT;
	if (!shown_program || !shown_text)
		return -ENOMEM;
	make_showable(shown_program);
	make_showable(shown_text);
	if (asprintf(&whole, "%c\n%s\n%s\n", state_letters[state], shown_program, shown_text) < 0)
		return -ENOMEM;
	if (strlen(whole) > NOTICE_MAX_BYTES)
		return -E2BIG;
	notice_name(program, profile, name);
	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	/* As those of shadows are called, so that it is tidied up with them. */
	snprintf(temporary, sizeof(temporary), ".%.*s.%016" PRIx64 ".tmp",
		 (int)(strlen(name) - strlen(NOTICE_SUFFIX)), name, random);
	int r = write_text(db->dir_fd, temporary, whole);

	if (r == -EEXIST)
		return r;
	if (r == 0 && renameat(db->dir_fd, temporary, db->dir_fd, name) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(db->dir_fd, temporary, 0);
	return r;
}

static bool is_believed(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
	       (st.st_uid == geteuid() || st.st_uid == 0) && !(st.st_mode & (S_IWGRP | S_IWOTH)) &&
	       st.st_size <= NOTICE_MAX_BYTES;
}

/* One line of *rest, which goes on to the next. NULL: there is none. */
static char *next_line(char **rest)
{
	char *line = *rest, *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	*rest = end + 1;
	make_showable(line);
	return line;
}

static int parse(char *whole, struct notice *ret_notice)
{
	char *state = next_line(&whole);
	char *program = state ? next_line(&whole) : NULL;
	char *text = program ? next_line(&whole) : NULL;
	struct notice notice = { .state = NOTICE_NEW };

	if (!text || strlen(state) != 1)
		return -EBADMSG;
	if (state[0] == state_letters[NOTICE_TOLD])
		notice.state = NOTICE_TOLD;
	else if (state[0] != state_letters[NOTICE_NEW])
		return -EBADMSG;
	notice.program = strdup(program);
	notice.text = strdup(text);
	if (!notice.program || !notice.text) {
		notice_release(&notice);
		return -ENOMEM;
	}
	*ret_notice = notice;
	return 0;
}

/* Of the notice that is open at fd. */
static int read_notice(int fd, struct notice *ret_notice)
{
	char whole[NOTICE_MAX_BYTES + 1];

	if (!is_believed(fd))
		return -EBADMSG;
	ssize_t n = pread(fd, whole, NOTICE_MAX_BYTES, 0);

	if (n < 0)
		return -errno;
	whole[n] = '\0';
	return parse(whole, ret_notice);
}

static int open_notice(const struct shadowdb *db, const char *name, int mode)
{
	if (db->dir_fd < 0)
		return -ENOENT;
	int fd = openat(db->dir_fd, name, mode | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

int notice_read_file(const struct shadowdb *db, const char *name, struct notice *ret_notice)
{
	cleanup_close int fd = open_notice(db, name, O_RDONLY);

	return fd < 0 ? fd : read_notice(fd, ret_notice);
}

int notice_read(const struct shadowdb *db, const char *program, const char *profile,
		struct notice *ret_notice)
{
	char name[NAME_MAX + 1];

	notice_name(program, profile, name);
	return notice_read_file(db, name, ret_notice);
}

int notice_take(const struct shadowdb *db, const char *program, const char *profile,
		struct notice *ret_notice)
{
	char name[NAME_MAX + 1];

	notice_name(program, profile, name);
	cleanup_close int fd = open_notice(db, name, O_RDWR);

	if (fd == -ENOENT)
		return fd;
	if (fd < 0)
		return notice_read(db, program, profile, ret_notice);
	int r = read_notice(fd, ret_notice);

	if (r == 0 && ret_notice->state == NOTICE_NEW)
		(void)!pwrite(fd, &state_letters[NOTICE_TOLD], 1, 0);
	return r;
}

bool notice_has_name(const char *name)
{
	static const char pattern[] = "*-" HEX4 HEX4 HEX4 HEX4 NOTICE_SUFFIX;

	return fnmatch(pattern, name, FNM_PERIOD) == 0;
}

static int is_notice(const struct dirent *entry)
{
	return notice_has_name(entry->d_name);
}

int notice_list(const struct shadowdb *db, int (*visit)(const struct notice *notice, void *context),
		void *context)
{
	struct dirent **names;
	int r = 0;

	if (db->dir_fd < 0)
		return 0;
	int n_names = scandirat(db->dir_fd, ".", &names, is_notice, alphasort);

	if (n_names < 0)
		return -errno;
	for (int i = 0; i < n_names; i++) {
		cleanup_with(notice_release) struct notice notice = { 0 };

		if (r == 0 && notice_read_file(db, names[i]->d_name, &notice) == 0 && notice.program) {
			notice.file_name = names[i]->d_name;
			r = visit(&notice, context);
		}
		free(names[i]);
	}
	free(names);
	return r;
}

struct removal {
	int dir_fd;
	const char *program; /* as notices show it */
	int n_removed;
};

static int remove_if_of_program(const struct notice *notice, void *context)
{
	struct removal *removal = context;

	if (strcmp(notice->program, removal->program) != 0)
		return 0;
	if (unlinkat(removal->dir_fd, notice->file_name, 0) == 0)
		removal->n_removed++;
	else if (errno != ENOENT)
		return -errno;
	return 0;
}

static int remove_all(const struct shadowdb *db, const char *program)
{
	cleanup_free char *shown_program = strdup(program);
	struct removal removal = { .dir_fd = db->dir_fd, .program = shown_program };

	if (!shown_program)
		return -ENOMEM;
	make_showable(shown_program);
	int r = notice_list(db, remove_if_of_program, &removal);

	return r < 0 ? r : removal.n_removed;
}

int notice_remove(const struct shadowdb *db, const char *program, const char *profile)
{
	char name[NAME_MAX + 1];

	if (db->dir_fd < 0)
		return 0;
	if (!profile)
		return remove_all(db, program);
	notice_name(program, profile, name);
	if (unlinkat(db->dir_fd, name, 0) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}
