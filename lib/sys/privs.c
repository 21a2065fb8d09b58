/* privs.c - gives up granted privileges through libcap. */
#include "sys/privs.h"

#include <errno.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/procfs.h"

static void cap_freep(cap_t *caps)
{
	cap_free(*caps);
}

/* Do this process's ids come from its own file? When it cannot be told, they might. */
static bool file_sets_ids(void)
{
	struct stat st;

	return stat("/proc/self/exe", &st) != 0 || (st.st_mode & (S_ISUID | S_ISGID));
}

/* Groups first: no id is left to change them with afterwards. */
static int drop_ids(void)
{
	uid_t real_uid, effective_uid, saved_uid;
	gid_t real_gid, effective_gid, saved_gid;

	if (getresgid(&real_gid, &effective_gid, &saved_gid) != 0 ||
	    getresuid(&real_uid, &effective_uid, &saved_uid) != 0)
		return -errno;
	if ((effective_gid != real_gid || saved_gid != real_gid) &&
	    setresgid(real_gid, real_gid, real_gid) != 0)
		return -errno;
	if ((effective_uid != real_uid || saved_uid != real_uid) &&
	    setresuid(real_uid, real_uid, real_uid) != 0)
		return -errno;
	return 0;
}

/* Was the capability the caller's? Where a filter refuses prctl(2), /proc tells. */
static bool is_ambient(cap_value_t value)
{
	char status[16384]; /* a member of hundreds of groups has a long one */
	int is_set = cap_get_ambient(value);

	if (is_set >= 0)
		return is_set == CAP_SET;
	const char *line = procfs_read(getpid(), "status", status, sizeof(status)) < 0
				   ? NULL
				   : strstr(status, "\nCapAmb:");

	return line && strtoull(line + strlen("\nCapAmb:"), NULL, 16) >> value & 1;
}

static int shrink_to_ambient(void)
{
	__attribute__((cleanup(cap_freep))) cap_t caps = cap_get_proc();
	bool is_changed = false;

	if (!caps)
		return -errno;
	for (cap_value_t value = 0; value < cap_max_bits(); value++) {
		cap_flag_value_t is_permitted = CAP_CLEAR;

		if (cap_get_flag(caps, value, CAP_PERMITTED, &is_permitted) != 0)
			return -errno;
		if (is_permitted == CAP_CLEAR || is_ambient(value))
			continue;
		if (cap_set_flag(caps, CAP_EFFECTIVE, 1, &value, CAP_CLEAR) != 0 ||
		    cap_set_flag(caps, CAP_PERMITTED, 1, &value, CAP_CLEAR) != 0)
			return -errno;
		is_changed = true;
	}
	return is_changed && cap_set_proc(caps) != 0 ? -errno : 0;
}

int privs_drop_granted(void)
{
	int r = file_sets_ids() ? drop_ids() : 0;

	if (r == 0 && getuid() != 0)
		r = shrink_to_ambient();
	/* Cleared by the kernel when the exec granted something, and when it was dropped. Where a filter
	 * refuses prctl(2), less is recorded; the program has nothing to fear. */
	if (r == 0 && prctl(PR_GET_DUMPABLE) != 1)
		(void)!prctl(PR_SET_DUMPABLE, 1);
	return r;
}

bool privs_may_trace_all(void)
{
	__attribute__((cleanup(cap_freep))) cap_t caps = cap_get_proc();
	cap_flag_value_t is_effective = CAP_CLEAR;

	return caps && cap_get_flag(caps, CAP_SYS_PTRACE, CAP_EFFECTIVE, &is_effective) == 0 &&
	       is_effective == CAP_SET;
}
