/* procmaps.c - parses the lines of /proc/PID/maps. */
#include "sys/procmaps.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "sys/procfs.h"

#define DELETED " (deleted)"
#define ESCAPED_NEWLINE "\\012"
#define LITERAL_SIZE(literal) (sizeof(literal) - 1)

static inline unsigned int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	return UINT_MAX;
}

/* Takes the digits at *at and the terminator behind them: "7f0c2a600000-". */
static inline bool take_number(const char **at, const char *line_end, unsigned int base, char terminator,
			       uint64_t *ret_value)
{
	const char *p = *at;
	uint64_t value = 0;

	for (; p < line_end && *p != terminator; p++) {
		unsigned int digit = digit_value(*p);

		if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (p == *at || p == line_end)
		return false;
	*at = p + 1;
	*ret_value = value;
	return true;
}

/* Takes "r-xp ". */
static bool take_permissions(const char **at, const char *line_end, struct procmaps_entry *entry)
{
	const char *p = *at;

	if (line_end - p < 5 || (p[0] != 'r' && p[0] != '-') || (p[1] != 'w' && p[1] != '-') ||
	    (p[2] != 'x' && p[2] != '-') || (p[3] != 's' && p[3] != 'p') || p[4] != ' ')
		return false;
	entry->is_shared = p[3] == 's';
	*at = p + 5;
	return true;
}

int procmaps_parse_line(const char *line, size_t size, struct procmaps_entry *ret_entry)
{
	const char *at = line;
	const char *line_end = line + size;
	struct procmaps_entry entry = { 0 };
	uint64_t device_major, device_minor;

	if (!take_number(&at, line_end, 16, '-', &entry.start) ||
	    !take_number(&at, line_end, 16, ' ', &entry.end) || !take_permissions(&at, line_end, &entry) ||
	    !take_number(&at, line_end, 16, ' ', &entry.offset_bytes) ||
	    !take_number(&at, line_end, 16, ':', &device_major) ||
	    !take_number(&at, line_end, 16, ' ', &device_minor) ||
	    !take_number(&at, line_end, 10, ' ', &entry.inode))
		return -EBADMSG;
	if (entry.start >= entry.end || device_major > UINT32_MAX || device_minor > UINT32_MAX)
		return -EBADMSG;
	/* Padding. No name begins with a space: a path is absolute. */
	while (at < line_end && *at == ' ')
		at++;
	entry.device_major = (uint32_t)device_major;
	entry.device_minor = (uint32_t)device_minor;
	entry.name = at;
	entry.name_size = (size_t)(line_end - at);
	*ret_entry = entry;
	return 0;
}

static bool name_has_prefix(const struct procmaps_entry *entry, const char *prefix)
{
	size_t size = strlen(prefix);

	return entry->name_size >= size && memcmp(entry->name, prefix, size) == 0;
}

static bool name_is_deleted(const struct procmaps_entry *entry)
{
	return entry->name_size >= LITERAL_SIZE(DELETED) &&
	       memcmp(entry->name + entry->name_size - LITERAL_SIZE(DELETED), DELETED,
		      LITERAL_SIZE(DELETED)) == 0;
}

/* The size of the unescaped name, which is written to ret_path unless that is NULL. */
static size_t unescape_name(const struct procmaps_entry *entry, char *ret_path)
{
	size_t size = 0;

	for (size_t i = 0; i < entry->name_size; i++) {
		char c = entry->name[i];

		if (c == '\\' && entry->name_size - i >= LITERAL_SIZE(ESCAPED_NEWLINE) &&
		    memcmp(entry->name + i, ESCAPED_NEWLINE, LITERAL_SIZE(ESCAPED_NEWLINE)) == 0) {
			c = '\n';
			i += LITERAL_SIZE(ESCAPED_NEWLINE) - 1;
		}
		if (ret_path)
			ret_path[size] = c;
		size++;
	}
	return size;
}

bool procmaps_name_to_path(const struct procmaps_entry *entry, char *ret_path, size_t path_size)
{
	size_t size;

	if (entry->inode == 0 || !name_has_prefix(entry, "/") || name_has_prefix(entry, "/dev/"))
		return false;
	/* These were never linked anywhere, so the kernel always calls them deleted. */
	if (name_is_deleted(entry) && (name_has_prefix(entry, "/memfd:") || name_has_prefix(entry, "/SYSV")))
		return false;
	size = unescape_name(entry, NULL);
	if (size >= path_size || memchr(entry->name, '\0', entry->name_size))
		return false;
	unescape_name(entry, ret_path);
	ret_path[size] = '\0';
	return true;
}

static bool is_device(const struct procmaps_entry *entry, dev_t device)
{
	return entry->device_major == major(device) && entry->device_minor == minor(device);
}

/* The device of the directory that path lies in. */
static bool directory_device(const char *path, dev_t *ret_device)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');
	struct stat st;

	if (!slash || slash - path >= (ptrdiff_t)sizeof(directory) - 1)
		return false;
	memcpy(directory, path, (size_t)(slash - path) + 1);
	directory[slash - path + 1] = '\0';
	if (stat(directory, &st) != 0)
		return false;
	*ret_device = st.st_dev;
	return true;
}

/*
 * stat(2) and maps take their numbers from different places:
 * - Most filesystems: both agree.
 * - btrfs: stat shows the subvolume's device, maps the filesystem's; the inode number agrees.
 * - overlayfs, since Linux 6.7: maps shows the overlay's device, stat that of a layer if the layers are
 *   of several filesystems; the inode number agrees.
 * - overlayfs, before: maps shows device and inode of the file in its layer. After a copy-up, or with
 *   the mount option xino, the inode number differs as well, so nothing is left to compare. This is
 *   the case when the device is not the overlay's, and that is what directories always show.
 */
static bool is_same_inode(const struct procmaps_entry *entry, const char *path, const struct stat *st)
{
	struct statfs fs;
	dev_t overlay;

	if (is_device(entry, st->st_dev))
		return entry->inode == st->st_ino;
	if (statfs(path, &fs) != 0)
		return false;
	if (fs.f_type == BTRFS_SUPER_MAGIC)
		return entry->inode == st->st_ino;
	if (fs.f_type == OVERLAYFS_SUPER_MAGIC)
		return entry->inode == st->st_ino ||
		       (directory_device(path, &overlay) && !is_device(entry, overlay));
	return false;
}

bool procmaps_is_file(const struct procmaps_entry *entry, const char *path, struct stat *ret_st)
{
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || !is_same_inode(entry, path, &st))
		return false;
	*ret_st = st;
	return true;
}

static int text_reserve(struct procmaps_text *text, size_t n_more)
{
	size_t allocated = text->allocated ? text->allocated : 32768;
	char *data;

	while (allocated - text->size < n_more)
		allocated *= 2;
	if (allocated == text->allocated)
		return 0;
	data = realloc(text->data, allocated);
	if (!data)
		return -ENOMEM;
	text->data = data;
	text->allocated = allocated;
	return 0;
}

int procmaps_read(pid_t tid, struct procmaps_text *text)
{
	/* A read gives a page of text at most, but for a line that is longer. */
	const size_t read_size = 4096;
	cleanup_close int fd = procfs_open(tid, "maps");
	ssize_t n;

	text->size = 0;
	if (fd < 0)
		return fd;
	do {
		int r = text_reserve(text, read_size + 1);

		n = r < 0 ? r : read(fd, text->data + text->size, text->allocated - text->size - 1);
		if (n < 0) {
			text->size = 0;
			return r < 0 ? r : -errno;
		}
		text->size += (size_t)n;
	} while (n > 0);
	text->data[text->size] = '\0';
	return 0;
}

void procmaps_text_release(struct procmaps_text *text)
{
	free(text->data);
	*text = (struct procmaps_text){ 0 };
}

bool procmaps_next(const struct procmaps_text *text, size_t *offset, struct procmaps_entry *ret_entry)
{
	while (*offset < text->size) {
		const char *line = text->data + *offset;
		size_t rest = text->size - *offset;
		const char *newline = memchr(line, '\n', rest);
		size_t line_size = newline ? (size_t)(newline - line) : rest;

		*offset += line_size + (newline ? 1 : 0);
		if (procmaps_parse_line(line, line_size, ret_entry) == 0)
			return true;
	}
	return false;
}
