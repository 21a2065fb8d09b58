/* follow_files.c - what a system call says about files: opened, read at which offsets, looked up, listed,
 * mapped. read(2) and lookups never show in a pagemap. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "sys/page.h"
#include "trace/detach.h"
#include "trace/follow_private.h"

static struct descriptor descriptor_of(const struct process *process, const struct syscall_row *row,
				       const uint64_t *args)
{
	return descriptors_get(&process->descriptors, (int)args[row->fd_arg]);
}

bool follow_is_disk_call(const struct task *task)
{
	const struct syscall_row *row = task->call.row;

	if (row->effect == SYSCALL_READS) /* else it may be a pipe, or a terminal */
		return descriptor_of(task->process, row, task->call.args).kind == DESCRIPTOR_FILE;
	return row->flags & SYSCALL_WAITS_FOR_DISK;
}

bool follow_is_plain_read(const struct process *process, const struct syscall_row *row, const uint64_t *args)
{
	if (row->effect != SYSCALL_READS)
		return false;
	enum descriptor_kind kind = descriptor_of(process, row, args).kind;

	return kind == DESCRIPTOR_FILE || kind == DESCRIPTOR_STREAM;
}

/* That a call used a file. */
static void tell(struct follow *self, const struct task *task, struct event event)
{
	event.tid = task->tid;
	self->state->n_uses++;
	self->state->n_data_uses += event.id != NULL;
	follow_emit(self, task->process, event);
}

/*
 * What a descriptor is open on: a file only under a path that leads us to the same regular file. ret_path
 * (PATH_MAX) is the path of a directory, and else empty.
 */
static struct descriptor look_at_fd(struct follow *self, const struct task *task, int fd, char *ret_path)
{
	struct descriptor found = { .kind = DESCRIPTOR_OTHER };
	char link[32];
	struct stat st;

	snprintf(link, sizeof(link), "fd/%d", fd);
	ssize_t n = procfs_read_link(task->tid, link, ret_path);

	if (n > 0 && ret_path[0] != '/')
		found.kind = DESCRIPTOR_STREAM;
	if (n > 0 && detach_is_served_by(ret_path))
		task->process->flags |= PROCESS_SERVES_FILES;
	if (n <= 0 || ret_path[0] != '/' ||
	    !follow_find_file(self, task->process, task->tid, link, ret_path, &st)) {
		ret_path[0] = '\0';
	} else if (S_ISREG(st.st_mode)) {
		struct fileid id = fileid_from_stat(&st);
		int r = known_files_add(&self->state->files, ret_path, &id, &found.file);

		if (r == -ENOMEM)
			self->state->error = r;
		if (r == 0)
			found.kind = DESCRIPTOR_FILE;
		ret_path[0] = '\0';
	}
	return found;
}

/* The same, remembered. */
static struct known_file *file_of_fd(struct follow *self, const struct task *task, int fd)
{
	struct descriptors *descriptors = &task->process->descriptors;
	struct descriptor descriptor = descriptors_get(descriptors, fd);
	char path[PATH_MAX];

	if (descriptor.kind == DESCRIPTOR_UNKNOWN) {
		descriptor = look_at_fd(self, task, fd, path);
		descriptors_set(descriptors, fd, descriptor);
	}
	return descriptor.file;
}

/* Where the n bytes that were read begin. -1: not known. */
static int64_t offset_of_read(const struct task *task, int fd, int64_t n)
{
	const struct syscall_row *row = task->call.row;
	uint64_t arg = row->offset_arg >= 0 ? task->call.args[row->offset_arg] : 0;
	int64_t end = 0;

	if (row->offset == SYSCALL_AT_VALUE && (int64_t)arg >= 0)
		return (int64_t)arg;
	if (row->offset == SYSCALL_AT_WHAT_IS_AT && arg) {
		if (tracee_read_memory(task->tid, arg, &end, sizeof(end)) != (ssize_t)sizeof(end))
			return -1;
	} else {
		end = procfs_read_position(task->tid, fd);
	}
	return end < n ? -1 : end - n;
}

static void on_read(struct follow *self, const struct task *task, int64_t n)
{
	int fd = (int)task->call.args[task->call.row->fd_arg];
	struct known_file *file = n > 0 ? file_of_fd(self, task, fd) : NULL;

	if (!file)
		return;
	if (known_file_is_read(file)) { /* and that was told */
		self->state->n_uses++;
		self->state->n_data_uses++;
		return;
	}
	struct event event = { .kind = EVENT_READ, .path = file->path, .id = &file->id };
	int64_t offset = offset_of_read(task, fd, n);

	if (offset >= 0) {
		known_file_note_read(file, offset, n);
		event.offset_bytes = offset;
		event.n_bytes = n;
	}
	tell(self, task, event);
}

/* EVENT_FOR_WRITING if the descriptor may be written to. */
static unsigned int flags_of_open(const struct task *task)
{
	const struct syscall_row *row = task->call.row;
	/* openat2(2) has its flags in memory: taken for reading. */
	int flags = task->call.nr == SYS_openat2 ? O_RDONLY : (int)task->call.args[row->path_arg + 1];

	return (flags & O_ACCMODE) == O_RDONLY ? 0 : EVENT_FOR_WRITING;
}

/* A new descriptor, of which nothing is known yet. The regular file that it is open on, or NULL. */
static const struct known_file *on_opened(struct follow *self, const struct task *task, int fd)
{
	struct descriptors *descriptors = &task->process->descriptors;
	char path[PATH_MAX];
	struct descriptor descriptor = look_at_fd(self, task, fd, path);
	struct event event = { .kind = EVENT_OPENED, .flags = flags_of_open(task), .path = path };

	if (descriptor.file) {
		event.path = descriptor.file->path;
		event.id = &descriptor.file->id;
	}
	if (event.path[0])
		tell(self, task, event);
	descriptors_set(descriptors, fd, descriptor);
	if (event.flags & EVENT_FOR_WRITING) /* its size is another when it is read */
		descriptors_forget(descriptors, fd);
	return descriptor.file;
}

static void on_path(struct follow *self, const struct task *task, int64_t result)
{
	const struct syscall_row *row = task->call.row;
	int dirfd = row->dirfd_arg < 0 ? AT_FDCWD : (int)task->call.args[row->dirfd_arg];
	const struct known_file *opened = NULL;
	char path[PATH_MAX];

	if (result < 0 && result != -ENOENT && result != -ENOTDIR)
		return;
	if (row->effect == SYSCALL_OPENS && result >= 0)
		opened = on_opened(self, task, (int)result);
	enum procpath_base base =
		procpath_read_absolute(task->process, task->tid, dirfd, task->call.args[row->path_arg], path);

	if (base == PROCPATH_UNKNOWN || !follow_find_name(self, task->process, task->tid, base, path))
		return;
	/* A path by another name: the links on the way want to be read, too. */
	if (!opened || strcmp(path, opened->path) != 0)
		tell(self, task,
		     (struct event){ .kind = EVENT_LOOKED_UP,
				     .path = path,
				     .flags = result < 0 ? EVENT_IS_MISSING : 0 });
}

/* Behind the last page of a range, as the kernel rounds it. */
static uint64_t range_end(uint64_t start, uint64_t size)
{
	uint64_t page_size = page_bytes();

	return (start + size + page_size - 1) & ~(page_size - 1);
}

static void emit_range(struct follow *self, const struct task *task, enum event_kind kind, uint64_t start,
		       uint64_t size)
{
	if (task->process->space)
		follow_emit(self, task->process,
			    (struct event){ .kind = kind,
					    .tid = task->tid,
					    .start = start,
					    .end = range_end(start, size) });
}

/* A mapping that mmap(2) made. */
static void on_mapped(struct follow *self, const struct task *task, uint64_t address)
{
	const uint64_t *args = task->call.args;
	struct known_file *file = args[3] & MAP_ANONYMOUS ? NULL : file_of_fd(self, task, (int)args[4]);

	if (!task->process->space)
		return;
	if (!file) {
		emit_range(self, task, EVENT_UNMAPPED, address, args[1]);
		return;
	}
	struct event event = { .kind = EVENT_MAPPED,
			       .path = file->path,
			       .id = &file->id,
			       .start = address,
			       .end = range_end(address, args[1]),
			       .first_page = args[5] >> page_shift() };

	if ((args[3] & MAP_TYPE) == MAP_PRIVATE) /* shared mappings are refused */
		event.flags = follow_register(task->process, event.start, event.end);
	budget_note_mapping(&self->state->budget);
	tell(self, task, event);
}

static bool is_error(int64_t result)
{
	return result < 0 && result > -4096;
}

void follow_call_entry(struct follow *self, struct task *task)
{
	const uint64_t *args = task->call.args;
	bool unmaps = false;

	switch (task->call.row->effect) {
	case SYSCALL_CLOSES:
		descriptors_forget(&task->process->descriptors, (int)args[0]);
		break;
	case SYSCALL_CLOSES_MANY:
		descriptors_forget_all(&task->process->descriptors);
		break;
	case SYSCALL_UNMAPS:
	case SYSCALL_REMAPS:
		unmaps = true;
		break;
	case SYSCALL_MAPS:
		unmaps = args[3] & MAP_FIXED;
		break;
	case SYSCALL_ADVISES:
		unmaps = args[2] == MADV_DONTNEED;
		break;
	default:
		break;
	}
	if (unmaps)
		emit_range(self, task, EVENT_UNMAPPING, args[0], args[1]);
}

bool follow_needs_exit(const struct task *task)
{
	const struct syscall_row *row = task->call.row;

	if (row->effect == SYSCALL_READS) {
		enum descriptor_kind kind = descriptor_of(task->process, row, task->call.args).kind;

		return kind == DESCRIPTOR_UNKNOWN || kind == DESCRIPTOR_FILE;
	}
	if (row->effect == SYSCALL_CONTROLS)
		return task->call.args[1] == F_DUPFD || task->call.args[1] == F_DUPFD_CLOEXEC;
	return row->flags & SYSCALL_NEEDS_EXIT;
}

static void on_listed(struct follow *self, const struct task *task)
{
	char path[PATH_MAX];
	char link[32];
	struct stat st;
	int fd = (int)task->call.args[task->call.row->fd_arg];

	snprintf(link, sizeof(link), "fd/%d", fd);
	if (procpath_of_fd(task->tid, fd, path) &&
	    follow_find_file(self, task->process, task->tid, link, path, &st))
		tell(self, task, (struct event){ .kind = EVENT_LISTED, .path = path });
}

/* What mremap(2) moved is lost sight of, and so is what it was moved over. */
static void on_remapped(struct follow *self, const struct task *task, uint64_t new_address)
{
	emit_range(self, task, EVENT_UNMAPPED, task->call.args[0], task->call.args[1]);
	emit_range(self, task, EVENT_UNMAPPED, new_address, task->call.args[2]);
}

/* The calls by which numbers, names and directories come to mean something else. */
static void on_bearings_changed(struct follow *self, struct task *task, int64_t result)
{
	struct process *process = task->process;
	struct descriptors *descriptors = &process->descriptors;
	int fd = (int)task->call.args[0];

	switch (task->call.row->effect) {
	case SYSCALL_CLOSES: /* another thread may have read from it meanwhile */
		descriptors_forget(descriptors, fd);
		break;
	case SYSCALL_DUPLICATES:
	case SYSCALL_CONTROLS:
		descriptors_set(descriptors, result, descriptors_get(descriptors, fd));
		break;
	case SYSCALL_CHANGES_DIR:
		free(process->working_directory);
		process->working_directory = NULL;
		if (task->call.row->path_arg >= 0)
			on_path(self, task, result);
		break;
	case SYSCALL_MOVES_ROOT:
		views_forget(&self->state->views);
		process_find_elsewhere(process);
		break;
	default:
		break;
	}
}

void follow_call_exit(struct follow *self, struct task *task, int64_t result)
{
	bool has_failed = is_error(result);

	switch (task->call.row->effect) {
	case SYSCALL_OPENS:
	case SYSCALL_LOOKS_UP:
		on_path(self, task, result);
		break;
	case SYSCALL_READS:
		on_read(self, task, result);
		break;
	case SYSCALL_LISTS:
		if (!has_failed)
			on_listed(self, task);
		break;
	case SYSCALL_MAPS:
		if (!has_failed)
			on_mapped(self, task, (uint64_t)result);
		break;
	case SYSCALL_UNMAPS:
		if (!has_failed)
			emit_range(self, task, EVENT_UNMAPPED, task->call.args[0], task->call.args[1]);
		break;
	case SYSCALL_REMAPS:
		if (!has_failed)
			on_remapped(self, task, (uint64_t)result);
		break;
	default:
		on_bearings_changed(self, task, result);
		break;
	}
}
