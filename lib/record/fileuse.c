#include "record/fileuse.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "sys/page.h"
#include "sys/pagemap.h"
#include "trace/procpath.h"
#include "trace/syscall_table.h"

static enum descriptor_kind kind_of_read(const struct process *process, const struct read_call *call,
					 const uint64_t *args)
{
	return descriptors_get(&process->descriptors, (int)args[call->fd_arg]).kind;
}

bool fileuse_is_disk_call(const struct task *task)
{
	const struct read_call *read_call = syscall_table_by_read(task->nr);

	if (read_call) /* else it may be a pipe, or a terminal */
		return kind_of_read(task->process, read_call, task->args) == DESCRIPTOR_FILE;
	return task->nr == SYS_mmap || task->nr == SYS_munmap || task->nr == SYS_getdents64 ||
	       syscall_table_by_path(task->nr);
}

bool fileuse_is_plain_read(const struct process *process, uint64_t nr, const uint64_t *args)
{
	const struct read_call *call = syscall_table_by_read(nr);
	enum descriptor_kind kind = call ? kind_of_read(process, call, args) : DESCRIPTOR_UNKNOWN;

	return kind == DESCRIPTOR_FILE || kind == DESCRIPTOR_STREAM;
}

/* PAGESET_OPENED, and PAGESET_WRITTEN if the descriptor may be written to. */
static uint8_t access_of_open(const struct path_call *call, const struct task *task)
{
	/* openat2(2) has its flags in memory: taken for reading. */
	int flags = call->nr == SYS_openat2 ? O_RDONLY : (int)task->args[call->path_arg + 1];

	return (flags & O_ACCMODE) == O_RDONLY ? PAGESET_OPENED : PAGESET_OPENED | PAGESET_WRITTEN;
}

/* What lives in memory anyway, or is no file at all. */
static bool is_disk_path(const char *path)
{
	static const char *const elsewhere[] = { "/proc/", "/sys/", "/dev/", "/run/" };

	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		if (strncmp(path, elsewhere[i], strlen(elsewhere[i])) == 0)
			return false;
	return true;
}

static void add_access(struct fileuse *self, struct pageset_file *file, uint8_t access)
{
	if ((file->access | access) != file->access) {
		file->access |= access;
		self->n_new++;
	}
}

/* What is only looked up leaves room for what is opened. */
static bool may_add(struct fileuse *self, uint8_t access)
{
	bool is_lookup = access & (PAGESET_STATED | PAGESET_MISSING);

	if (self->n_files_left == 0 || (is_lookup && self->n_lookups_left == 0))
		return false;
	self->n_files_left--;
	self->n_lookups_left -= is_lookup;
	return true;
}

static int note_access(struct fileuse *self, const char *path, uint8_t access, uint32_t now_us,
		       struct pageset_file **ret_file)
{
	struct pageset_file *file = pageset_find(self->pageset, path);

	self->n_uses++;
	if (!file) {
		if (!may_add(self, access))
			return 0;
		int r = pageset_add(self->pageset, path, now_us, &file);

		if (r < 0)
			return r;
	}
	add_access(self, file, access);
	if (ret_file)
		*ret_file = file;
	return 0;
}

/*
 * What a descriptor is open on: a file only under a path that leads us to the same regular file. access is
 * noted for it. 0 or -ENOMEM.
 */
static int look_at_fd(struct fileuse *self, pid_t tid, int fd, uint8_t access, uint32_t now_us,
		      struct descriptor *ret_descriptor)
{
	char link[32];
	char path[PATH_MAX];
	struct stat st;

	*ret_descriptor = (struct descriptor){ .kind = DESCRIPTOR_OTHER };
	snprintf(link, sizeof(link), "fd/%d", fd);
	if (procfs_read_link(tid, link, path) <= 0)
		return 0;
	if (path[0] != '/')
		ret_descriptor->kind = DESCRIPTOR_STREAM;
	if (path[0] != '/' || !is_disk_path(path) || stat(path, &st) < 0 ||
	    !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) || !procfs_is_same(tid, link, path))
		return 0;
	struct pageset_file *file = NULL;
	int r = note_access(self, path, access, now_us, &file);

	if (r < 0 || !file)
		return r;
	if (S_ISREG(st.st_mode)) {
		file->id = fileid_from_stat(&st);
		*ret_descriptor = (struct descriptor){ DESCRIPTOR_FILE, file };
	}
	return 0;
}

/* The regular file that a descriptor is open on, or NULL. access is noted for it. 0 or -ENOMEM. */
static int file_of_fd(struct fileuse *self, const struct task *task, int fd, uint8_t access, uint32_t now_us,
		      struct pageset_file **ret_file)
{
	struct descriptors *descriptors = &task->process->descriptors;
	struct descriptor descriptor = descriptors_get(descriptors, fd);
	int r = 0;

	if (descriptor.kind == DESCRIPTOR_UNKNOWN) {
		r = look_at_fd(self, task->tid, fd, access, now_us, &descriptor);
		if (r == 0)
			descriptors_set(descriptors, fd, descriptor);
	} else if (descriptor.file) {
		self->n_uses++;
		add_access(self, descriptor.file, access);
	}
	*ret_file = descriptor.file;
	return r;
}

/* Where the n bytes that were read begin. -1: not known. */
static int64_t offset_of_read(const struct read_call *call, const struct task *task, int fd, int64_t n)
{
	uint64_t arg = call->offset_arg >= 0 ? task->args[call->offset_arg] : 0;
	int64_t end = 0;

	if (call->offset_arg >= 0 && !call->offset_is_address && (int64_t)arg >= 0)
		return (int64_t)arg;
	if (call->offset_is_address && arg) {
		if (tracee_read_memory(task->tid, arg, &end, sizeof(end)) != (ssize_t)sizeof(end))
			return -1;
	} else {
		end = procfs_read_position(task->tid, fd);
	}
	return end < n ? -1 : end - n;
}

static bool has_all_pages(const struct pageset_file *file)
{
	return pageset_file_pages(file) << page_shift() >= file->id.size_bytes;
}

static int note_read(struct fileuse *self, const struct read_call *call, const struct task *task, int64_t n,
		     uint32_t now_us)
{
	int fd = (int)task->args[call->fd_arg];
	struct pageset_file *file = NULL;
	int r = n > 0 ? file_of_fd(self, task, fd, PAGESET_READ, now_us, &file) : 0;

	if (r < 0 || !file || has_all_pages(file))
		return r;
	int64_t offset = offset_of_read(call, task, fd, n);

	if (offset < 0)
		return 0;
	unsigned int shift = page_shift();
	uint64_t first_page = (uint64_t)offset >> shift;
	uint64_t end_page = ((uint64_t)(offset + n) + page_bytes() - 1) >> shift;

	r = pageset_file_add(file, (struct page_run){ first_page, end_page - first_page }, now_us);
	if (r > 0)
		self->n_new += (uint64_t)r;
	return r == -ERANGE || r > 0 ? 0 : r;
}

static int note_path(struct fileuse *self, const struct path_call *call, const struct task *task,
		     int64_t result, uint32_t now_us)
{
	char path[PATH_MAX];
	struct pageset_file *file = NULL;
	bool is_open = call->access == PAGESET_OPENED;
	int dirfd = call->dirfd_arg < 0 ? AT_FDCWD : (int)task->args[call->dirfd_arg];

	if (result < 0 && result != -ENOENT && result != -ENOTDIR)
		return 0;
	if (is_open && result >= 0) {
		struct descriptors *descriptors = &task->process->descriptors;
		uint8_t opened = access_of_open(call, task);

		descriptors_forget(descriptors, result);
		int r = file_of_fd(self, task, (int)result, opened, now_us, &file);

		if (r < 0)
			return r;
		if (opened & PAGESET_WRITTEN) /* its size is another when it is read */
			descriptors_forget(descriptors, result);
	}
	if (task->process->is_elsewhere ||
	    !procpath_read_absolute(task->process, task->tid, dirfd, task->args[call->path_arg], path) ||
	    !is_disk_path(path))
		return 0;
	/* A path by another name: the links on the way want to be read, too. */
	if (file && strcmp(path, file->path) == 0)
		return 0;
	return note_access(self, path, result < 0 ? PAGESET_MISSING : PAGESET_STATED, now_us, NULL);
}

/* Behind the last page of a range, as the kernel rounds it. */
static uint64_t range_end(uint64_t start, uint64_t size)
{
	uint64_t page_size = page_bytes();

	return (start + size + page_size - 1) & ~(page_size - 1);
}

/* A mapping that mmap(2) made. */
static int note_map(struct fileuse *self, const struct task *task, uint64_t address, uint32_t now_us)
{
	uint64_t end = range_end(address, task->args[1]);
	struct addrspace *addrspace = task->process->addrspace;
	struct pageset_file *file = NULL;

	if (task->args[3] & MAP_ANONYMOUS)
		return addrspace_unmap(addrspace, address, end);
	int r = file_of_fd(self, task, (int)task->args[4], PAGESET_MAPPED, now_us, &file);

	if (r < 0)
		return r;
	if (!file)
		return addrspace_unmap(addrspace, address, end);
	struct addrspace_mapping mapping = {
		.start = address, .end = end, .first_page = task->args[5] >> page_shift(), .file = file
	};

	return addrspace_map(addrspace, mapping, (task->args[3] & MAP_TYPE) != MAP_PRIVATE);
}

/* Pages of files that are about to vanish from the address space are looked at for the last time. */
static int note_last_look(struct fileuse *self, const struct task *task, uint32_t now_us)
{
	uint64_t start = task->args[0];
	uint64_t end = range_end(start, task->args[1]);
	struct addrspace *addrspace = task->process->addrspace;

	if (!addrspace_has_files_in(addrspace, start, end))
		return 0;
	int n = addrspace_scan(addrspace, task->tid, start, end, now_us);

	if (n > 0)
		self->n_new += (uint64_t)n;
	return n == -ENOMEM ? n : 0;
}

int fileuse_entry(struct fileuse *self, struct task *task, uint32_t now_us)
{
	struct process *process = task->process;

	switch (task->nr) {
	case SYS_close:
		descriptors_forget(&process->descriptors, (int)task->args[0]);
		break;
	case SYS_close_range:
		descriptors_forget_all(&process->descriptors);
		break;
	case SYS_munmap:
	case SYS_mremap:
		return note_last_look(self, task, now_us);
	case SYS_mmap:
		if (task->args[3] & MAP_FIXED)
			return note_last_look(self, task, now_us);
		break;
	case SYS_madvise:
		if (task->args[2] == MADV_DONTNEED)
			return note_last_look(self, task, now_us);
		break;
	default:
		break;
	}
	return 0;
}

/* Nothing of a file is where munmap(2), or mremap(2), took it away. */
static int note_unmap(const struct task *task)
{
	return addrspace_unmap(task->process->addrspace, task->args[0],
			       range_end(task->args[0], task->args[1]));
}

/* What mremap(2) moved is lost sight of, and so is what it was moved over. */
static int note_move(const struct task *task, uint64_t new_address)
{
	int r = note_unmap(task);

	return r < 0 ? r
		     : addrspace_unmap(task->process->addrspace, new_address,
				       range_end(new_address, task->args[2]));
}

static bool is_error(int64_t result)
{
	return result < 0 && result > -4096;
}

static void note_duplicate(const struct task *task, int64_t result)
{
	struct descriptors *descriptors = &task->process->descriptors;

	descriptors_set(descriptors, result, descriptors_get(descriptors, (int)task->args[0]));
}

bool fileuse_wants_exit(const struct task *task)
{
	const struct read_call *read_call = syscall_table_by_read(task->nr);
	enum descriptor_kind kind =
		read_call ? kind_of_read(task->process, read_call, task->args) : DESCRIPTOR_UNKNOWN;

	if (read_call)
		return kind == DESCRIPTOR_UNKNOWN || kind == DESCRIPTOR_FILE;
	switch (task->nr) {
	case SYS_mmap:
	case SYS_munmap:
	case SYS_mremap:
	case SYS_close:
	case SYS_getdents64:
	case SYS_chroot:
	case SYS_pivot_root:
	case SYS_setns:
	case SYS_unshare:
	case SYS_fchdir:
	case SYS_dup:
#ifdef SYS_dup2
	case SYS_dup2:
#endif
	case SYS_dup3:
		return true;
	case SYS_fcntl:
		return task->args[1] == F_DUPFD || task->args[1] == F_DUPFD_CLOEXEC;
	default:
		return syscall_table_by_path(task->nr);
	}
}

int fileuse_exit(struct fileuse *self, struct task *task, int64_t result, uint32_t now_us)
{
	const struct read_call *read_call = syscall_table_by_read(task->nr);

	if (read_call)
		return note_read(self, read_call, task, result, now_us);
	switch (task->nr) {
	case SYS_mmap:
		return is_error(result) ? 0 : note_map(self, task, (uint64_t)result, now_us);
	case SYS_munmap:
		return is_error(result) ? 0 : note_unmap(task);
	case SYS_close: /* another thread may have read from it meanwhile */
		descriptors_forget(&task->process->descriptors, (int)task->args[0]);
		return 0;
	case SYS_mremap:
		return is_error(result) ? 0 : note_move(task, (uint64_t)result);
	case SYS_getdents64: {
		char path[PATH_MAX];

		if (result >= 0 && procpath_of_fd(task->tid, (int)task->args[0], path) && is_disk_path(path))
			return note_access(self, path, PAGESET_LISTED, now_us, NULL);
		return 0;
	}
	case SYS_chroot:
	case SYS_pivot_root:
	case SYS_setns:
	case SYS_unshare:
		task->process->is_elsewhere = process_is_elsewhere(task->process->pid);
		break;
	case SYS_fchdir:
	case SYS_chdir:
		free(task->process->working_directory);
		task->process->working_directory = NULL;
		break;
	case SYS_dup:
#ifdef SYS_dup2
	case SYS_dup2:
#endif
	case SYS_dup3:
	case SYS_fcntl:
		note_duplicate(task, result);
		return 0;
	default:
		break;
	}
	const struct path_call *path_call = syscall_table_by_path(task->nr);

	return path_call ? note_path(self, path_call, task, result, now_us) : 0;
}
