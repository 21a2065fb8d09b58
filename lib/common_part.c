/* common_part.c - what the profiles of one program have in common. */
#include "common_part.h"

#include <string.h>

#include "profile.h"
#include "shadowdb_private.h"

/* How many shadows must have a page. */
static size_t needed(size_t n_shadows)
{
	size_t half = (n_shadows + 1) / 2;

	return n_shadows < 2 ? n_shadows : half < 2 ? 2 : half;
}

/* What the other shadows have of one file. */
struct votes {
	struct pageset_file *files[COMMON_PART_MAX_PROFILES]; /* the same file in each that has it */
	size_t n_files;
};

static struct votes vote(struct shadow shadows[], size_t n_shadows, const struct pageset_file *file)
{
	struct votes votes = { .n_files = 0 };

	for (size_t i = 0; i < n_shadows; i++) {
		struct pageset_file *other = pageset_find(&shadows[i].files, file->path);

		if (other && fileid_equal(&other->id, &file->id))
			votes.files[votes.n_files++] = other;
	}
	return votes;
}

/* In steps of extents, however many pages they claim to be. */
static int add_pages(struct pageset_file *to, const struct votes *votes, size_t n_needed)
{
	struct pageset_cursor cursors[COMMON_PART_MAX_PROFILES];
	uint64_t page = 0, next = 0;

	for (size_t i = 0; i < votes->n_files; i++)
		cursors[i] = pageset_cursor_on(votes->files[i], 0);
	for (; next < UINT64_MAX; page = next) {
		const struct extent *first = NULL;
		size_t n = 0;

		next = UINT64_MAX;
		for (size_t i = 0; i < votes->n_files; i++) {
			const struct extent *extent = pageset_cursor_at(&cursors[i], page, &next);

			first = first ? first : extent;
			n += extent != NULL;
		}
		if (first && n >= n_needed &&
		    pageset_file_append(to, (struct extent){ page, next - page, first->first_use_us, 0 }) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int add_file(struct pageset *to, const struct votes *votes, size_t n_needed)
{
	const struct pageset_file *first = votes->files[0];
	struct pageset_file *common = NULL;

	if (pageset_add(to, first->path, first->first_use_us, &common) < 0)
		return -ENOMEM;
	common->id = first->id;
	for (size_t i = 0; i < votes->n_files; i++) {
		common->access |= votes->files[i]->access;
		common->exact &= votes->files[i]->exact;
	}
	return add_pages(common, votes, n_needed);
}

int common_part_make(struct shadow shadows[], size_t n_shadows, const char *program, const char *profile,
		     struct shadow *ret_shadow)
{
	cleanup_with(shadow_release) struct shadow common = { 0 };
	const size_t n_needed = needed(n_shadows);
	int r = shadow_init(&common, program, profile);

	for (size_t i = 0; i < n_shadows; i++)
		pageset_sort(&shadows[i].files);
	for (size_t i = 0; r == 0 && i < n_shadows; i++) {
		const struct pageset *files = &shadows[i].files;

		for (size_t j = 0; r == 0 && j < files->n_files; j++) {
			const struct pageset_file *file = files->files[j];
			struct votes votes = vote(shadows, n_shadows, file);

			if (file->operand != PAGESET_NO_OPERAND || votes.n_files < n_needed ||
			    pageset_find(&common.files, file->path) ||
			    (n_shadows == 1 && profile_owns(shadows[0].profile, file->path)))
				continue;
			r = add_file(&common.files, &votes, n_needed);
		}
	}
	if (r < 0)
		return r;
	pageset_sort(&common.files);
	*ret_shadow = common;
	common = (struct shadow){ 0 };
	return 0;
}

/* The profiles of one program that were recorded last, the latest first. */
struct listing {
	const char *program;
	const char *profile; /* not this one */
	const char *prefix;  /* of the names of their files, up to the hash */
	int dir_fd;
	size_t n;
	char *profiles[COMMON_PART_MAX_PROFILES];
	int64_t updated_s[COMMON_PART_MAX_PROFILES];
};

static void listing_release(struct listing *self)
{
	for (size_t i = 0; i < self->n; i++)
		free(self->profiles[i]);
}

static bool is_listed(const struct listing *self, const char *profile)
{
	for (size_t i = 0; i < self->n; i++)
		if (strcmp(self->profiles[i], profile) == 0)
			return true;
	return false;
}

static int list_profile(struct listing *self, const char *profile, int64_t updated_s)
{
	size_t at = self->n;
	char *copy;

	while (at > 0 && self->updated_s[at - 1] < updated_s)
		at--;
	if (at == COMMON_PART_MAX_PROFILES || is_listed(self, profile))
		return 0;
	copy = strdup(profile);
	if (!copy)
		return -ENOMEM;
	if (self->n == COMMON_PART_MAX_PROFILES)
		free(self->profiles[--self->n]);
	memmove(self->profiles + at + 1, self->profiles + at, (self->n - at) * sizeof(self->profiles[0]));
	memmove(self->updated_s + at + 1, self->updated_s + at, (self->n - at) * sizeof(self->updated_s[0]));
	self->profiles[at] = copy;
	self->updated_s[at] = updated_s;
	self->n++;
	return 0;
}

static int list_if_of_program(const char *name, void *context)
{
	struct listing *self = context;
	cleanup_with(shadow_release) struct shadow head = { 0 };
	struct shadowdb_entry entry;

	if (strncmp(name, self->prefix, strlen(self->prefix)) != 0 ||
	    shadowdb_read_head(self->dir_fd, name, &head, &entry) < 0 ||
	    strcmp(head.program, self->program) != 0 || strcmp(head.profile, self->profile) == 0)
		return 0;
	return list_profile(self, head.profile, head.stats.updated_s);
}

static int list_profiles(const struct shadowdb *db, struct listing *listing)
{
	int r = 0;

	for (enum shadowdb_choice i = SHADOWDB_OWN; i < SHADOWDB_N_CHOICES && r >= 0; i++) {
		cleanup_close int dir_fd = shadowdb_open_choice(db, i);

		listing->dir_fd = dir_fd;
		r = shadowdb_scan(dir_fd, list_if_of_program, listing);
	}
	return r;
}

int common_part_load(const struct shadowdb *db, const char *program, const char *profile,
		     struct shadow *ret_shadow)
{
	char prefix[NAME_MAX + 1];
	cleanup_with(listing_release) struct listing listing = { .program = program,
								 .profile = profile,
								 .prefix = prefix };
	struct shadow shadows[COMMON_PART_MAX_PROFILES];
	size_t n_shadows = 0;
	int r;

	shadowdb_name(program, profile, prefix);
	*(strrchr(prefix, '-') + 1) = '\0';
	r = list_profiles(db, &listing);
	for (size_t i = 0; r == 0 && i < listing.n; i++)
		if (shadowdb_load(db, program, listing.profiles[i], &shadows[n_shadows], NULL) == 0)
			n_shadows++;
	if (r == 0)
		r = n_shadows > 0 ? common_part_make(shadows, n_shadows, program, profile, ret_shadow)
				  : -ENOENT;
	while (n_shadows > 0)
		shadow_release(&shadows[--n_shadows]);
	return r;
}
