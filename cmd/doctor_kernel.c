/* doctor_kernel.c - what the kernel lets pbrun do: tried out where that can be. */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "doctor.h"
#include "sys/page.h"
#include "sys/pagemap.h"
#include "sys/procfs.h"

#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED (1 << 13)
#endif
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

/* Without its newline; "" if it cannot be read. */
static void read_line(const char *path, char *ret_line, size_t size)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, ret_line, size - 1) : 0;

	ret_line[n > 0 ? n : 0] = '\0';
	ret_line[strcspn(ret_line, "\n")] = '\0';
}

static void check_version(struct doctor *doctor)
{
	struct finding finding = { .id = "kernel" };
	unsigned int major = 0;
	unsigned int minor = 0;
	struct utsname name;

	if (uname(&name) != 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return;
	if (major > 6 || (major == 6 && minor >= 7)) {
		finding.meaning = "It has all that pbrun uses.";
	} else if (major > 5 || (major == 5 && minor >= 12)) {
		finding.verdict = VERDICT_LIMITED;
		finding.meaning = "Before Linux 6.7 a record holds all pages that the kernel mapped, "
				  "which is more than was touched.";
		finding.advice = "With Linux 6.7 or newer records are exact.";
	} else {
		finding.verdict = VERDICT_LIMITED;
		finding.meaning =
			"Before Linux 5.12 records are not exact, and each start has a second process, "
			"as it cannot be asked what is in memory already.";
		finding.advice = "Use Linux 6.7 or newer.";
	}
	doctor_add(doctor, &finding, "%s %s", name.sysname, name.release);
}

static void check_proc(struct doctor *doctor)
{
	struct finding finding = { .id = "proc", .meaning = "What a program uses can be looked up there." };

	if (!procfs_is_ours()) {
		finding.verdict = VERDICT_BROKEN;
		finding.meaning = "Nothing can be recorded.";
		finding.advice = "Mount it: mount -t proc proc /proc. In a container, give it the PID "
				 "namespace's own.";
	}
	doctor_add(doctor, &finding, "/proc is %s",
		   finding.verdict ? "not mounted, or another PID namespace's" : "there");
}

static void check_seccomp(struct doctor *doctor)
{
	struct finding finding = { .id = "seccomp", .verdict = VERDICT_LIMITED };
	struct procfs_status status;

	if (procfs_read_status(getpid(), &status) < 0 || !status.has_seccomp_filter)
		return;
	finding.meaning = "Records are not exact: nothing is injected into programs under a filter, "
			  "which might kill them.";
	finding.advice = "Start the container without one (podman run --security-opt seccomp=unconfined), "
			 "or record outside.";
	doctor_add(doctor, &finding, "This process is under a seccomp filter");
}

/* As the observer attaches to a program. 0 or -errno. */
static int try_ptrace(void)
{
	pid_t pid = fork();
	int r = 0;

	if (pid == 0)
		for (;;)
			pause();
	if (pid < 0)
		return -errno;
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0)
		r = -errno;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}

static void check_ptrace(struct doctor *doctor)
{
	static const char scope_path[] = "/proc/sys/kernel/yama/ptrace_scope";
	struct finding finding = { .id = "ptrace", .meaning = "Programs can be watched while they start." };
	int r = try_ptrace();
	char scope[16];

	read_line(scope_path, scope, sizeof(scope));
	if (strcmp(scope, "2") == 0 || strcmp(scope, "3") == 0 || r < 0) {
		finding.meaning = "Programs are looked at from outside, now and then: what they map is "
				  "recorded, with some "
				  "pages too many, and of what they read only a part.";
		finding.advice =
			"Set kernel.yama.ptrace_scope to 1 (sysctl); after 3 only a reboot helps. In a "
			"container: "
			"--cap-add SYS_PTRACE. Or have root record for all users, with -d /var/cache/pbrun.";
		finding.verdict = VERDICT_LIMITED;
	}
	if (r == 0 && finding.verdict == VERDICT_LIMITED)
		finding.meaning = "You may trace, having the capability for it; ordinary users may not.";
	doctor_add(doctor, &finding, "ptrace %s%s%s; Yama's ptrace_scope is %s",
		   r < 0 ? "is refused (" : "works", r < 0 ? strerror(-r) : "", r < 0 ? ")" : "",
		   *scope ? scope : "not there");
}

/* 0 or -errno. */
static int try_userfaultfd(void)
{
	struct uffdio_api api = { .api = UFFD_API,
				  .features = UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED |
					      UFFD_FEATURE_PAGEFAULT_FLAG_WP };
	cleanup_close int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);

	if (fd < 0)
		return -errno;
	return ioctl(fd, UFFDIO_API, &api) == 0 ? 0 : -errno;
}

static void check_userfaultfd(struct doctor *doctor)
{
	struct finding finding = { .id = "userfaultfd",
				   .meaning = "Training sees each page that is touched." };
	int r = try_userfaultfd();

	if (r < 0) {
		finding.verdict = VERDICT_LIMITED;
		finding.meaning = "Records hold all pages that the kernel mapped, which is a third or so "
				  "more than was touched.";
		finding.advice = r == -EINVAL ? "It needs Linux 6.7, on a processor for which the kernel has "
						"it (x86_64, aarch64)."
				 : r == -ENOSYS ? "The kernel was built without CONFIG_USERFAULTFD: use your "
						  "distribution's kernel."
						: "Something forbids the system call: allow userfaultfd in "
						  "the container's seccomp profile.";
	}
	doctor_add(doctor, &finding, "Asynchronous write protection %s%s",
		   r < 0 ? "is not to be had: " : "works", r < 0 ? strerror(-r) : "");
}

static int note_run(uint64_t run_start, uint64_t run_end, enum pagemap_kind kind, void *context)
{
	(void)run_start;
	(void)run_end;
	(void)kind;
	*(bool *)context = true;
	return 0;
}

static void check_pagemap(struct doctor *doctor)
{
	struct finding finding = { .id = "pagemap", .meaning = "It can be seen which pages a program has." };
	bool is_found = false;
	uint64_t page = (uintptr_t)&is_found & ~(page_bytes() - 1);
	cleanup_close int fd = pagemap_open(getpid());
	int r = fd < 0 ? fd : pagemap_scan(fd, page, page + page_bytes(), note_run, &is_found);

	if (r < 0 || !is_found) {
		finding.verdict = VERDICT_BROKEN;
		finding.meaning =
			"Mapped pages cannot be recorded; of programs and libraries nothing is remembered.";
		finding.advice = "The kernel needs CONFIG_PROC_PAGE_MONITOR; in a container, /proc has to be "
				 "readable.";
	}
	doctor_add(doctor, &finding, "/proc/PID/pagemap %s%s",
		   finding.verdict ? "says nothing" : "can be read", r < 0 ? strerror(-r) : "");
}

static void check_large_folios(struct doctor *doctor)
{
	struct finding finding = {
		.id = "huge-pages",
		.meaning = "Much used parts of large programs may come into memory as huge pages."
	};
	char enabled[64];

	read_line("/sys/kernel/mm/transparent_hugepage/enabled", enabled, sizeof(enabled));
	if (!*enabled || strstr(enabled, "[never]")) {
		finding.verdict = VERDICT_LIMITED;
		finding.meaning = "Programs come into memory page by page: large ones start a little slower "
				  "than they could.";
		finding.advice = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled";
	}
	doctor_add(doctor, &finding, "Transparent huge pages: %s", *enabled ? enabled : "not in this kernel");
}

void doctor_check_kernel(struct doctor *self)
{
	check_version(self);
	check_proc(self);
	check_seccomp(self);
	check_ptrace(self);
	check_userfaultfd(self);
	check_pagemap(self);
	check_large_folios(self);
}
