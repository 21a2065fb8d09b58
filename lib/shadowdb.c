/* shadowdb.c - finds, reads and lists shadows; shadowdb_write.c has what changes the directory. */
#include "shadowdb.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "shadowdb_private.h"
#include "sys/io.h"
#include "sys/trust.h"

const char *shadowdb_choice_path(const struct shadowdb *self, enum shadowdb_choice choice)
{
	const char *const paths[SHADOWDB_N_CHOICES] = { self->path, self->system_path, self->packaged_path };

	return paths[choice];
}

int shadowdb_open_choice(const struct shadowdb *self, enum shadowdb_choice choice)
{
	const char *path = shadowdb_choice_path(self, choice);
	bool is_own = choice == SHADOWDB_OWN;

	if (!path || (is_own && self->dir_fd < 0))
		return -ENOENT;
	int fd = is_own ? fcntl(self->dir_fd, F_DUPFD_CLOEXEC, 0)
			: open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	/* What is in the own directory is not to be lost because of it. */
	return is_own || errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : -ENOENT;
}

bool shadowdb_is_public(const struct shadowdb *self)
{
	struct stat own;
	struct stat public;

	if (!self->path || !self->system_path)
		return false;
	if (strcmp(self->path, self->system_path) == 0)
		return true;
	return self->dir_fd >= 0 && fstat(self->dir_fd, &own) == 0 && stat(self->system_path, &public) == 0 &&
	       own.st_dev == public.st_dev && own.st_ino == public.st_ino;
}

/* Of a directory that is not trusted nothing is used. In place of another user's, root uses the system's. */
static int avoid_directory(struct shadowdb *self, int error)
{
	free(take_pointer(self->path));
	if (geteuid() != 0 || !self->system_path || (error != -EPERM && error != -ELOOP))
		return 0;
	self->path = strdup(self->system_path);
	if (!self->path)
		return -ENOMEM;
	self->dir_fd = trust_open_directory(self->path, 0);
	return 0;
}

int shadowdb_open(struct shadowdb *self, const char *path, const char *system)
{
	int error = 0;

	*self = (struct shadowdb){ .dir_fd = -1, .limits = { UINT64_MAX, UINT64_MAX } };
	if (system) {
		self->system_path = strdup(system);
		if (!self->system_path)
			return -ENOMEM;
	}
	if (path) {
		self->path = strdup(path);
		if (!self->path)
			return -ENOMEM;
		self->dir_fd = trust_open_directory(path, 0);
		if (self->dir_fd < 0 && self->dir_fd != -ENOENT)
			error = self->dir_fd;
		if (trust_explain(error) && avoid_directory(self, error) < 0)
			return -ENOMEM;
	}
	self->dir_fd = self->dir_fd < 0 ? -1 : self->dir_fd;
	return error;
}

void shadowdb_release(struct shadowdb *self)
{
	cleanup_closep(&self->dir_fd);
	free(self->path);
	free(self->system_path);
	*self = (struct shadowdb){ .dir_fd = -1 };
}

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash_string(uint64_t hash, const char *string)
{
	for (; *string; string++)
		hash = (hash ^ (uint8_t)*string) * UINT64_C(0x100000001b3);
	return hash;
}

uint64_t shadowdb_hash(const char *program, const char *profile)
{
	uint64_t hash = hash_string(UINT64_C(0xcbf29ce484222325), program);

	hash *= UINT64_C(0x100000001b3); /* the NUL between the two */
	return hash_string(hash, profile);
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("._+-", c));
}

void shadowdb_name(const char *program, const char *profile, char ret_name[static NAME_MAX + 1])
{
	const char *slash = strrchr(program, '/');
	char base[SHADOWDB_MAX_BASENAME + 1];
	size_t size = 0;

	for (const char *c = slash ? slash + 1 : program; *c && size < SHADOWDB_MAX_BASENAME; c++)
		base[size++] = is_plain(*c) ? *c : '_';
	if (size == 0)
		base[size++] = '_';
	if (base[0] == '.')
		base[0] = '_'; /* not hidden */
	base[size] = '\0';
	/* The index is hidden: it is the shadow of no program. */
	bool is_index = strcmp(program, SHADOWDB_INDEX) == 0;

	snprintf(ret_name, NAME_MAX + 1, "%s-%016llx%s", is_index ? ".all" : base,
		 (unsigned long long)shadowdb_hash(program, profile),
		 is_index ? SHADOWDB_INDEX_SUFFIX : SHADOWDB_SUFFIX);
}

static int read_all(int fd, size_t size, void **ret_data, size_t *ret_size)
{
	cleanup_free uint8_t *data = malloc(size + 1);

	if (!data)
		return -ENOMEM;
	/* It may be cut while it is read: the decoder will find out. */
	ssize_t n = io_read(fd, data, size);

	if (n < 0)
		return (int)n;
	*ret_data = take_pointer(data);
	*ret_size = (size_t)n;
	return 0;
}

/* Is what is open at fd, in a directory, to be believed? 0, or what shadowdb_load() says. */
static int check_shadow(int dir_fd, int fd, struct stat *ret_st)
{
	struct stat dir_st;
	int r;

	if (fstat(fd, ret_st) < 0 || fstat(dir_fd, &dir_st) < 0)
		return -errno;
	r = trust_check_file(ret_st);
	if (r == 0)
		r = trust_check_directory(&dir_st);
	if (r == 0 && ret_st->st_size > (off_t)SHADOW_MAX_BYTES)
		r = -EFBIG;
	return r;
}

static int open_file(int dir_fd, const char *name, struct stat *ret_st)
{
	cleanup_close int fd =
		openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	int r = fd < 0 ? -errno : check_shadow(dir_fd, fd, ret_st);

	return r < 0 ? r : take_fd(fd);
}

bool shadowdb_is_unusable(int error)
{
	switch (error) {
	case -EBADMSG:
	case -EPROTONOSUPPORT:
	case -ESTALE:
	case -EFBIG:
	case -EACCES: /* a file in our own directory */
	case -ENXIO:  /* a socket, or a device without a driver */
		return true;
	default:
		return trust_explain(error);
	}
}

const char *shadowdb_explain(int error)
{
	const char *why = trust_explain(error);

	switch (error) {
	case -EBADMSG:
		return "it is damaged";
	case -EPROTONOSUPPORT:
		return "it was written by a newer pbrun";
	case -ESTALE:
		return "it was made for another page size";
	case -EFBIG:
		return "it is larger than a shadow can be";
	default:
		return why ? why : strerrordesc_np(-error);
	}
}

/* The checksum tells files apart of which one took the other's inode within a tick of the clock. */
static struct shadow_source source_of(const struct stat *st, uint32_t checksum)
{
	return (struct shadow_source){ .device = st->st_dev,
				       .inode = st->st_ino,
				       .size_bytes = st->st_size,
				       .mtime = st->st_mtim,
				       .checksum = checksum };
}

/* The bytes of a shadow, to be freed. */
static int read_file(int dir_fd, const char *name, void **ret_data, size_t *ret_size,
		     struct shadow_source *ret_source)
{
	struct stat st = { 0 };
	uint32_t checksum = 0;
	cleanup_close int fd = open_file(dir_fd, name, &st);
	int r = fd < 0 ? fd : read_all(fd, (size_t)st.st_size, ret_data, ret_size);

	if (r < 0)
		return r;
	if (*ret_size >= sizeof(checksum))
		memcpy(&checksum, (const uint8_t *)*ret_data + *ret_size - sizeof(checksum),
		       sizeof(checksum));
	*ret_source = source_of(&st, checksum);
	return 0;
}

bool shadowdb_is_current(const struct shadowdb *self, const struct shadow *shadow)
{
	const struct shadow_source *known = &shadow->source;
	char name[NAME_MAX + 1];
	uint32_t checksum = 0;
	struct stat st = { 0 };

	if (self->dir_fd < 0 || known->inode == 0)
		return false;
	shadowdb_name(shadow->program, shadow->profile, name);

	cleanup_close int fd = open_file(self->dir_fd, name, &st);

	if (fd < 0 || pread(fd, &checksum, sizeof(checksum), st.st_size - (off_t)sizeof(checksum)) !=
			      (ssize_t)sizeof(checksum))
		return false;
	struct shadow_source now = source_of(&st, checksum);

	return now.device == known->device && now.inode == known->inode &&
	       now.size_bytes == known->size_bytes && now.mtime.tv_sec == known->mtime.tv_sec &&
	       now.mtime.tv_nsec == known->mtime.tv_nsec && now.checksum == known->checksum;
}

typedef int (*decoder)(const void *data, size_t size, struct shadow *ret_shadow);

static int load_from(int dir_fd, const char *program, const char *profile, decoder decode,
		     struct shadow *ret_shadow)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_free void *data = NULL;
	struct shadow_source source;
	char name[NAME_MAX + 1];
	size_t size = 0;
	int r;

	if (dir_fd < 0)
		return dir_fd;
	shadowdb_name(program, profile, name);
	r = read_file(dir_fd, name, &data, &size, &source);
	if (r < 0)
		return r;
	r = decode(data, size, &shadow);
	if (r < 0)
		return r;
	shadow.source = source;
	/* Another program whose name has the same hash, or a copy under a false name. */
	if (strcmp(shadow.program, program) != 0 || strcmp(shadow.profile, profile) != 0)
		return -EBADMSG;
	*ret_shadow = shadow;
	shadow = (struct shadow){ 0 };
	return 0;
}

static int path_of(const char *directory, const char *program, const char *profile, char **ret_path)
{
	char name[NAME_MAX + 1];

	shadowdb_name(program, profile, name);
	if (asprintf(ret_path, "%s/%s", directory, name) < 0) {
		*ret_path = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* From the first place that has one that can be used. ret_directory: where it is, or what is wrong first. */
static int load_from_any(const struct shadowdb *self, const char *program, const char *profile,
			 decoder decode, struct shadow *ret_shadow, const char **ret_directory)
{
	int error = -ENOENT;

	*ret_directory = self->path;
	for (enum shadowdb_choice i = SHADOWDB_OWN; i < SHADOWDB_N_CHOICES && error != -ENOMEM; i++) {
		cleanup_close int dir_fd = shadowdb_open_choice(self, i);
		int r = load_from(dir_fd, program, profile, decode, ret_shadow);

		if (r == 0 || error == -ENOENT) {
			*ret_directory = shadowdb_choice_path(self, i);
			error = r;
		}
		if (r == 0)
			break;
	}
	return error;
}

static int load(const struct shadowdb *self, const char *program, const char *profile, decoder decode,
		struct shadow *ret_shadow, char **ret_path)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	const char *directory;
	int r = load_from_any(self, program, profile, decode, &shadow, &directory);

	if (ret_path) {
		*ret_path = NULL;
		if (r != -ENOENT && r != -ENOMEM && path_of(directory, program, profile, ret_path) < 0)
			r = -ENOMEM;
	}
	if (r < 0)
		return r;
	shadow_drop_excluded(&shadow, self->excluded);
	*ret_shadow = shadow;
	shadow = (struct shadow){ 0 };
	return 0;
}

int shadowdb_load(const struct shadowdb *self, const char *program, const char *profile,
		  struct shadow *ret_shadow, char **ret_path)
{
	return load(self, program, profile, shadow_decode, ret_shadow, ret_path);
}

int shadowdb_load_partial(const struct shadowdb *self, const char *program, const char *profile,
			  struct shadow *ret_shadow, char **ret_path)
{
	return load(self, program, profile, shadow_decode_partial, ret_shadow, ret_path);
}

int shadowdb_read_head(int dir_fd, const char *name, struct shadow *ret_head, struct shadowdb_entry *entry)
{
	cleanup_free void *data = NULL;
	struct shadow_source source;
	size_t size = 0;
	int r = read_file(dir_fd, name, &data, &size, &source);

	if (r < 0)
		return r;
	r = shadow_decode_head(data, size, ret_head, &entry->n_files, &entry->n_pages);
	if (r < 0)
		return r;

	char right_name[NAME_MAX + 1];

	entry->size_bytes = size;
	shadowdb_name(ret_head->program, ret_head->profile, right_name);
	return strcmp(name, right_name) == 0 ? 0 : -EBADMSG;
}

static int is_shadow(const struct dirent *entry)
{
	const size_t size = strlen(entry->d_name);
	const size_t suffix_size = strlen(SHADOWDB_SUFFIX);

	return entry->d_name[0] != '.' && size > suffix_size &&
	       strcmp(entry->d_name + size - suffix_size, SHADOWDB_SUFFIX) == 0;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int shadowdb_scan(int dir_fd, int (*visit)(const char *name, void *context), void *context)
{
	struct dirent **names;
	int r = 0;

	if (dir_fd < 0)
		return 0;

	int n_names = scandirat(dir_fd, ".", &names, is_shadow, compare_names);

	if (n_names < 0)
		return -errno;
	for (int i = 0; i < n_names; i++) {
		if (r == 0)
			r = visit(names[i]->d_name, context);
		free(names[i]);
	}
	free(names);
	return r;
}

struct listing {
	int fds[SHADOWDB_N_CHOICES]; /* what those before at hold was visited already; -1: none */
	enum shadowdb_choice at;
	const char *directory;
	int (*visit)(const struct shadowdb_entry *, void *);
	void *context;
};

static int list_one(const char *name, void *context)
{
	const struct listing *listing = context;
	cleanup_with(shadow_release) struct shadow head = { 0 };
	struct shadowdb_entry entry = { .file_name = name, .directory = listing->directory, .head = &head };

	for (enum shadowdb_choice i = SHADOWDB_OWN; i < listing->at; i++)
		if (listing->fds[i] >= 0 &&
		    faccessat(listing->fds[i], name, F_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) == 0)
			return 0;
	entry.error = shadowdb_read_head(listing->fds[listing->at], name, &head, &entry);
	if (entry.error == -ENOENT)
		return 0; /* gone since the directory was read */
	return listing->visit(&entry, listing->context);
}

int shadowdb_list(const struct shadowdb *self, int (*visit)(const struct shadowdb_entry *, void *context),
		  void *context)
{
	struct listing listing = { .fds = { -1, -1, -1 }, .visit = visit, .context = context };
	int r = 0;

	for (enum shadowdb_choice i = SHADOWDB_OWN; i < SHADOWDB_N_CHOICES && r == 0; i++) {
		listing.at = i;
		listing.directory = shadowdb_choice_path(self, i);
		listing.fds[i] = shadowdb_open_choice(self, i);
		r = shadowdb_scan(listing.fds[i], list_one, &listing);
	}
	for (enum shadowdb_choice i = SHADOWDB_OWN; i < SHADOWDB_N_CHOICES; i++)
		if (listing.fds[i] >= 0)
			close(listing.fds[i]);
	return r;
}
