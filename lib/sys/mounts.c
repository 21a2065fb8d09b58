/* mounts.c - which mount a path lies on, by the text of /proc/PID/mountinfo */
#include "sys/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "sys/procfs.h"

#define NO_PARENT SIZE_MAX

/* A line, and what is needed of it to find out whether a path can reach the mount. */
struct line {
	struct mount mount;
	unsigned int id;
	unsigned int parent_id;
	size_t parent;   /* index, NO_PARENT */
	bool is_hidden;  /* something lies over a directory above its mount point */
	bool is_covered; /* something lies over all of it */
};

static const char *const local_types[] = {
	"bcachefs", "btrfs",   "cramfs", "erofs",    "exfat", "ext2",   "ext3",  "ext4",    "f2fs",
	"hfsplus",  "iso9660", "jffs2",  "jfs",      "minix", "nilfs2", "ntfs3", "overlay", "ufs",
	"reiserfs", "romfs",   "udf",    "squashfs", "ubifs", "vfat",   "xfs",   "zfs",     NULL,
};
static const char *const memory_types[] = { "tmpfs", "ramfs", "rootfs", "hugetlbfs", NULL };
static const char *const kernel_types[] = {
	"proc",       "sysfs",     "devtmpfs", "devpts",     "cgroup",   "cgroup2", "debugfs",     "tracefs",
	"securityfs", "configfs",  "bpf",      "pstore",     "efivarfs", "mqueue",  "binfmt_misc", "fusectl",
	"nsfs",       "selinuxfs", "smackfs",  "rpc_pipefs", "resctrl",  NULL,
};

static bool is_one_of(const char *type, const char *const *types)
{
	for (; *types; types++)
		if (strcmp(type, *types) == 0)
			return true;
	return false;
}

enum mount_kind mounts_kind_of_type(const char *type)
{
	if (is_one_of(type, local_types))
		return MOUNT_LOCAL;
	if (is_one_of(type, memory_types))
		return MOUNT_MEMORY;
	if (is_one_of(type, kernel_types))
		return MOUNT_KERNEL;
	return strcmp(type, "autofs") == 0 ? MOUNT_TRAP : MOUNT_FAR;
}

/* Space, tab, newline and backslash are written as three octal digits: "\040". */
void mounts_decode(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		unsigned int byte;

		if (*from == '\\' && sscanf(from + 1, "%3o", &byte) == 1) {
			*to = (char)byte;
			from += strspn(from + 1, "01234567") >= 3 ? 4 : 1;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* text is one line, terminated, and is taken apart. */
static bool parse_line(char *text, struct line *ret_line)
{
	enum { ID, PARENT, DEVICE, ROOT, POINT, N_FIELDS };
	struct line line = { .parent = NO_PARENT };
	char *rest = strstr(text, " - "), *fields[N_FIELDS], *type, *source, *options;
	unsigned int major_number, minor_number;

	if (!rest)
		return false;
	*rest = '\0';
	rest += strlen(" - ");
	type = strsep(&rest, " ");
	source = strsep(&rest, " ");
	options = strsep(&rest, " ");
	for (int i = 0; i < N_FIELDS; i++) {
		fields[i] = strsep(&text, " ");
		if (!fields[i])
			return false;
	}
	if (!source || sscanf(fields[ID], "%u", &line.id) != 1 ||
	    sscanf(fields[PARENT], "%u", &line.parent_id) != 1 ||
	    sscanf(fields[DEVICE], "%u:%u", &major_number, &minor_number) != 2 || *fields[POINT] != '/')
		return false;
	mounts_decode(fields[POINT]);
	mounts_decode(fields[ROOT]);
	mounts_decode(source);
	/* The root is the mount point of all that begins with "/": nothing is to follow its name. */
	line.mount =
		(struct mount){ .point = fields[POINT],
				.point_size = strcmp(fields[POINT], "/") == 0 ? 0 : strlen(fields[POINT]),
				.root = fields[ROOT],
				.type = type,
				.source = source,
				.options = options ? options : "",
				.device = makedev(major_number, minor_number),
				.kind = mounts_kind_of_type(type) };
	*ret_line = line;
	return true;
}

static bool is_at_or_below(const char *path, const struct mount *mount)
{
	return strncmp(path, mount->point, mount->point_size) == 0 &&
	       (path[mount->point_size] == '/' || path[mount->point_size] == '\0');
}

static void find_parents(struct line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n && lines[i].parent == NO_PARENT; k++)
			if (k != i && lines[k].id == lines[i].parent_id)
				lines[i].parent = k;
}

static void find_covered(struct line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct line *line = &lines[i];

		for (size_t k = 0; k < n; k++) {
			const struct line *other = &lines[k];
			bool is_sibling =
				other->parent == line->parent && line->parent != NO_PARENT && k != i;

			if (other->parent == i && other->mount.point_size == line->mount.point_size)
				line->is_covered = true;
			if (is_sibling && other->mount.point_size < line->mount.point_size &&
			    is_at_or_below(line->mount.point, &other->mount))
				line->is_hidden = true;
		}
	}
}

/* The way to a mount goes through those above it. Depth is bounded for the sake of a circle. */
static bool is_reachable(const struct line *lines, size_t i, size_t n)
{
	if (lines[i].is_covered)
		return false;
	for (size_t depth = 0; depth < n && i != NO_PARENT; depth++) {
		const struct line *line = &lines[i];
		const struct line *parent = line->parent == NO_PARENT ? NULL : &lines[line->parent];

		/* Through one that is covered only to what covers it. */
		if (line->is_hidden ||
		    (parent && parent->is_covered && parent->mount.point_size != line->mount.point_size))
			return false;
		i = line->parent;
	}
	return true;
}

int mounts_parse(const char *text, size_t size, struct mounts *ret_mounts)
{
	cleanup_free char *copy = strndup(text, size);
	cleanup_free struct line *lines = NULL;
	size_t n_lines = 0, n = 0;

	if (!copy)
		return -ENOMEM;
	for (const char *newline = copy; (newline = strchr(newline, '\n')); newline++)
		n_lines++;
	if (n_lines > MOUNTS_MAX)
		return -E2BIG;
	lines = calloc(n_lines + 1, sizeof(*lines));

	struct mount *entries = reallocarray(NULL, n_lines + 1, sizeof(*entries));

	if (!lines || !entries) {
		free(entries);
		return -ENOMEM;
	}
	n_lines = 0;
	for (char *rest = copy, *line; (line = strsep(&rest, "\n"));)
		n_lines += parse_line(line, &lines[n_lines]);
	find_parents(lines, n_lines);
	find_covered(lines, n_lines);
	for (size_t i = 0; i < n_lines; i++)
		if (is_reachable(lines, i, n_lines))
			entries[n++] = lines[i].mount;
	*ret_mounts = (struct mounts){ .text = take_pointer(copy), .entries = entries, .n_entries = n };
	return 0;
}

static int read_from(int fd, struct mounts *ret_mounts)
{
	cleanup_free char *text = NULL;
	size_t size = 0, room = 16384;
	ssize_t n;

	do {
		char *larger = size == 0 || size == room ? realloc(text, room *= 2) : text;

		if (!larger)
			return -ENOMEM;
		text = larger;
		n = read(fd, text + size, room - size);
		if (n < 0)
			return -errno;
		size += (size_t)n;
		if (size > MOUNTS_MAX_BYTES)
			return -E2BIG;
	} while (n > 0);
	return mounts_parse(text, size, ret_mounts);
}

int mounts_read(struct mounts *ret_mounts)
{
	/* Of a process whose first thread has ended, /proc/self tells nothing any more. */
	cleanup_close int fd = open("/proc/thread-self/mountinfo", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : read_from(fd, ret_mounts);
}

int mounts_read_of(pid_t pid, struct mounts *ret_mounts)
{
	cleanup_close int fd = procfs_open(pid, "mountinfo");

	return fd < 0 ? fd : read_from(fd, ret_mounts);
}

void mounts_release(struct mounts *self)
{
	free(self->text);
	free(self->entries);
	*self = (struct mounts){ 0 };
}

const struct mount *mounts_find(const struct mounts *self, const char *path)
{
	const struct mount *found = NULL;

	for (size_t i = 0; i < self->n_entries; i++) {
		const struct mount *mount = &self->entries[i];

		if ((!found || mount->point_size > found->point_size) && is_at_or_below(path, mount))
			found = mount;
	}
	return found;
}
