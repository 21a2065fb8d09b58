/* state.c - does a recording still hold? */
#include "state.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "policy.h"
#include "sys/mounts.h"
#include "sys/traps.h"

/* 0, or -errno as fileid_open(); -ESTALE: another file. */
static int look_at(const struct pageset_file *file)
{
	struct stat st;
	struct fileid now;

	if (stat(file->path, &st) != 0)
		return -errno;
	now = fileid_from_stat(&st);
	if (now.size_bytes == file->id.size_bytes && now.mtime_ns == file->id.mtime_ns)
		return 0;

	cleanup_close int fd = fileid_open(file->path, &st);

	if (fd < 0)
		return fd;
	return fileid_still_valid(&file->id, fd, &st) ? 0 : -ESTALE;
}

static bool is_gone(int error)
{
	return error == -ENOENT || error == -ENOTDIR;
}

static bool may_hang(const struct mounts *mounts, const char *path)
{
	const struct mount *mount = mounts_find(mounts, path);

	return (mount && (mount->kind == MOUNT_FAR || mount->kind == MOUNT_TRAP)) ||
	       traps_on_way(mounts, path);
}

static void account_for(struct state_account *account, struct readahead_stats *stats,
			const struct pageset_file *file)
{
	int r = look_at(file);
	bool is_changed = r == -ESTALE || r == -EINVAL;

	if (!is_changed && !is_gone(r))
		return;
	account->n_changed += is_changed;
	account->n_missing += !is_changed;
	if (file->access & PAGESET_WRITTEN)
		return;
	stats->changed_code_files += pageset_file_is_code(file);
	stats->changed_pages += is_changed ? pageset_file_pages(file) : 0;
}

struct state_account state_of(const struct shadow *shadow)
{
	struct state_account account = { .state = STATE_FRESH };
	struct readahead_stats stats = { 0 };
	cleanup_with(mounts_release) struct mounts mounts = { 0 };

	if (mounts_read(&mounts) < 0)
		mounts = (struct mounts){ 0 };
	if (!may_hang(&mounts, shadow->program) &&
	    faccessat(AT_FDCWD, shadow->program, F_OK, AT_EACCESS) != 0 && is_gone(-errno)) {
		account.state = STATE_GONE;
		return account;
	}
	for (size_t i = 0; i < shadow->files.n_files; i++) {
		const struct pageset_file *file = shadow->files.files[i];

		if (file->n_extents == 0 || file->operand != PAGESET_NO_OPERAND)
			continue;
		if (may_hang(&mounts, file->path))
			account.n_unasked++;
		else
			account_for(&account, &stats, file);
	}
	if (policy_files_changed(shadow, &stats))
		account.state = STATE_STALE;
	return account;
}

const char *state_name(enum state state)
{
	static const char *const names[] = {
		[STATE_FRESH] = "fresh", [STATE_STALE] = "stale", [STATE_GONE] = "gone"
	};

	return names[state];
}

char *state_text(const struct state_account *account)
{
	char *text = NULL;
	int r = 0;

	if (account->state == STATE_GONE)
		r = asprintf(&text, "program gone");
	else if (account->n_missing == 0 && account->n_changed == 0 && account->n_unasked > 0)
		r = asprintf(&text, "%s: %" PRIu64 " not asked", state_name(account->state),
			     account->n_unasked);
	else if (account->n_missing == 0 && account->n_changed == 0)
		r = asprintf(&text, "%s", state_name(account->state));
	else
		r = asprintf(&text, "%s: %" PRIu64 " changed, %" PRIu64 " missing",
			     state_name(account->state), account->n_changed, account->n_missing);
	return r < 0 ? NULL : text;
}
