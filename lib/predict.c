/* predict.c - foretells the pages of a first start from ELF files and from the records of other programs. */
#include "predict.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "predict_companions.h"
#include "predict_links.h"
#include "sys/analyzer.h"
#include "sys/elfinfo_needs.h"
#include "sys/ldcache.h"
#include "sys/page.h"
#include "sys/script.h"

/* Copies of paths are kept in an array. */
ANALYZER_IGNORES("-Wanalyzer-malloc-leak")

/* The program and its libraries. */
struct closure {
	struct shadow *shadow;
	const struct shadow *index;
	const struct pageset *done; /* what is not to be predicted once more; NULL: nothing */
	enum predict_source source;
	char *cache; /* the loader's; NULL: it cannot be read, or was not needed */
	size_t cache_size;
	bool has_read_cache;
	struct predict_links links;
	struct loaded {
		char *path;                      /* canonical */
		const struct predict_link *link; /* NULL: the index does not know it */
	} * loaded;                              /* what was found so far; in this order it is loaded */
	size_t n_loaded;
	size_t n_names; /* that were looked up */
};

static void closure_release(struct closure *self)
{
	for (size_t i = 0; i < self->n_loaded; i++)
		free(self->loaded[i].path);
	free(self->loaded);
	predict_links_release(&self->links);
	free(self->cache);
}

static void read_cache(struct closure *self)
{
	self->has_read_cache = true;
	cleanup_close int fd = open(LDCACHE_PATH, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > (off_t)LDCACHE_MAX_BYTES)
		return;
	self->cache = malloc((size_t)st.st_size);
	ssize_t n = self->cache ? read(fd, self->cache, (size_t)st.st_size) : 0;

	self->cache_size = n > 0 ? (size_t)n : 0;
}

/* Notes the file at a canonical path of so many bytes, once. 0 or -ENOMEM. */
static int add_canonical(struct closure *self, const char *canonical, size_t size,
			 const struct predict_link *link)
{
	if (self->n_loaded == PREDICT_MAX_LIBRARIES)
		return 0;
	for (size_t i = 0; i < self->n_loaded; i++)
		if (strncmp(self->loaded[i].path, canonical, size) == 0 && self->loaded[i].path[size] == '\0')
			return 0;
	cleanup_free char *path = strndup(canonical, size);
	struct loaded *grown = path ? reallocarray(self->loaded, self->n_loaded + 1, sizeof(*grown)) : NULL;

	if (!grown)
		return -ENOMEM;
	self->loaded = grown;
	self->loaded[self->n_loaded++] = (struct loaded){ take_pointer(path), link };
	return 0;
}

/* The same of any path; what is not there is passed over. */
static int add_path(struct closure *self, const char *path)
{
	cleanup_free char *canonical = realpath(path, NULL);

	return canonical ? add_canonical(self, canonical, strlen(canonical),
					 predict_links_of(&self->links, canonical))
			 : 0;
}

/* "$ORIGIN/../lib" of a library in /opt/x/bin is "/opt/x/bin/../lib". False: too long, or another "$". */
static bool expand(const char *directory, size_t size, const char *library, char ret_path[static PATH_MAX])
{
	static const char *const origins[] = { "$ORIGIN", "${ORIGIN}" };
	const char *slash = strrchr(library, '/');
	int n = -1;

	for (size_t i = 0; i < 2; i++) {
		size_t length = strlen(origins[i]);

		if (size >= length && strncmp(directory, origins[i], length) == 0)
			n = snprintf(ret_path, PATH_MAX, "%.*s%.*s", (int)(slash - library), library,
				     (int)(size - length), directory + length);
	}
	if (n < 0 && !memchr(directory, '$', size))
		n = snprintf(ret_path, PATH_MAX, "%.*s", (int)size, directory);
	return n > 0 && n < PATH_MAX;
}

/* Looks for a library where the file library says that its own are. */
static bool find_in_run_path(const char *library, const char *run_path, const char *name,
			     char ret_path[static PATH_MAX])
{
	char directory[PATH_MAX];

	for (const char *at = run_path; at && *at; at += *at == ':') {
		size_t size = strcspn(at, ":");
		bool is_usable = size > 0 && expand(at, size, library, directory);

		if (is_usable && snprintf(ret_path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX &&
		    access(ret_path, R_OK) == 0)
			return true;
		at += size;
	}
	return false;
}

/* A library that is needed by a name of so many bytes. What the index knows is not looked for, which would be
 * a wait for a disk. */
static int add_name(struct closure *self, const char *name, size_t size)
{
	char text[NAME_MAX + 1];

	if (self->n_names++ >= PREDICT_MAX_NAMES)
		return 0;
	const struct predict_link *link = predict_links_find(&self->links, name, size);

	if (link)
		return add_canonical(self, link->path, link->path_size, link);
	if (self->source == PREDICT_FROM_INDEX || size >= sizeof(text))
		return 0;
	memcpy(text, name, size);
	text[size] = '\0';
	if (!self->has_read_cache)
		read_cache(self);
	const char *cached = self->cache ? ldcache_find(self->cache, self->cache_size, text) : NULL;

	return strchr(text, '/') || cached ? add_path(self, cached ? cached : text) : 0;
}

static int add_needed(struct closure *self, const char *library, const struct elfinfo_needs *needs)
{
	bool may_look = self->source == PREDICT_FROM_FILES;
	int r = needs->interpreter && may_look ? add_path(self, needs->interpreter) : 0;

	for (size_t i = 0; r == 0 && i < needs->n_names; i++) {
		const char *name = needs->names[i];
		char path[PATH_MAX];

		if (may_look && find_in_run_path(library, needs->run_path, name, path))
			r = add_path(self, path);
		else
			r = add_name(self, name, strlen(name));
	}
	return r;
}

/* The same of a library that the index knows: "libm.so.6:libc.so.6". */
static int add_linked(struct closure *self, const char *links)
{
	int r = 0;

	for (const char *at = links; r == 0 && *at; at += *at == ':') {
		size_t size = strcspn(at, ":");

		r = add_name(self, at, size);
		at += size;
	}
	return r;
}

/* What the loader is sure to touch. */
static int add_parts(struct pageset_file *file, const struct elfinfo_needs *needs, uint32_t time_us)
{
	uint64_t n_file_pages = page_count(file->id.size_bytes);
	int r = 0;

	for (size_t i = 0; r == 0 && i < needs->n_parts; i++) {
		uint64_t first = needs->parts[i].offset_bytes >> page_shift();
		uint64_t end =
			(needs->parts[i].offset_bytes + needs->parts[i].size_bytes + page_bytes() - 1) >>
			page_shift();

		r = pageset_file_add_up_to(file, first, end < n_file_pages ? end : n_file_pages, time_us);
	}
	return r;
}

/* What others use of the same file. */
static int add_known(struct pageset_file *file, const struct pageset_file *known, uint32_t time_us)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < known->n_extents; i++) {
		const struct extent *extent = &known->extents[i];
		uint32_t use_us = extent->first_use_us > time_us ? extent->first_use_us : time_us;

		r = pageset_file_add_up_to(file, extent->first_page, extent->first_page + extent->n_pages,
					   use_us);
	}
	return r;
}

/* NULL: it was predicted before. */
static int add_file(struct closure *self, const char *path, const struct fileid *id, uint32_t time_us,
		    struct pageset_file **ret_file)
{
	*ret_file = NULL;
	if (self->done && pageset_find(self->done, path))
		return 0;
	int r = pageset_add(&self->shadow->files, path, time_us, ret_file);

	if (r == 0) {
		(*ret_file)->access = PAGESET_MAPPED | PAGESET_OPENED;
		(*ret_file)->id = *id;
	}
	return r;
}

/* By what its file says. */
static int add_from_file(struct closure *self, const char *path, uint32_t time_us)
{
	cleanup_with(elfinfo_needs_release) struct elfinfo_needs needs = { 0 };
	const struct pageset_file *known = self->index ? pageset_find(&self->index->files, path) : NULL;
	struct pageset_file *file = NULL;
	struct stat st;
	struct fileid id;
	cleanup_close int fd = fileid_open(path, &st);
	int r = fd < 0 ? fd : elfinfo_read_needs(fd, &needs);

	if (r == 0)
		r = fileid_from_fd(fd, &id);
	if (r == 0)
		r = add_needed(self, path, &needs);
	if (r == 0)
		r = add_file(self, path, &id, time_us, &file);
	if (r < 0 || !file)
		return r;
	r = add_parts(file, &needs, time_us);
	return r == 0 && known && fileid_equal(&known->id, &id) ? add_known(file, known, time_us) : r;
}

/* By what the index says: whether the file is still that is found out by the replay. */
static int add_from_index(struct closure *self, const char *path, const char *names, uint32_t time_us)
{
	const struct pageset_file *known = pageset_find(&self->index->files, path);
	struct pageset_file *file = NULL;
	int r = add_linked(self, names);

	if (r == 0 && known)
		r = add_file(self, path, &known->id, time_us, &file);
	return r == 0 && file ? add_known(file, known, time_us) : r;
}

/* One of those that are loaded: its own pages, and what it needs. Each is taken to be loaded a little later
 * than the one before. */
static int add_library(struct closure *self, size_t i)
{
	enum { LOADING_US = 200 };
	const struct loaded loaded = self->loaded[i];
	uint32_t time_us = (uint32_t)i * LOADING_US;

	if (loaded.link)
		return add_from_index(self, loaded.path, loaded.link->names, time_us);
	int r = add_from_file(self, loaded.path, time_us);

	/* A library that is not there is the loader's to miss. */
	return i == 0 || r == -ENOMEM ? r : 0;
}

static bool is_loaded(const struct closure *self, const char *path, size_t size)
{
	for (size_t i = 0; i < self->n_loaded; i++)
		if (strncmp(self->loaded[i].path, path, size) == 0 && self->loaded[i].path[size] == '\0')
			return true;
	return false;
}

/* What programs use along with these libraries. */
static int add_companions(struct closure *self)
{
	size_t n = self->index ? self->index->files.n_files : 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct pageset_file *known = self->index->files.files[i];
		size_t library_size = 0;
		const char *path = predict_companion(known->path, &library_size);
		struct pageset_file *file = NULL;

		if (!path || !is_loaded(self, known->path, library_size) ||
		    pageset_find(&self->shadow->files, path))
			continue;
		r = add_file(self, path, &known->id, known->first_use_us, &file);
		if (r < 0 || !file)
			continue;
		file->access = known->access;
		r = add_known(file, known, 0);
	}
	return r;
}

int predict_shadow(const char *program, const struct shadow *index, enum predict_source source,
		   const struct pageset *done, struct shadow *ret_shadow)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_with(closure_release) struct closure closure = {
		.shadow = &shadow, .index = index, .source = source, .done = done
	};
	char interpreter[SCRIPT_INTERPRETER_BYTES];
	bool is_script = script_read_interpreter(program, interpreter);
	int r = shadow_init(&shadow, program, "");

	if (r == 0 && index)
		r = predict_links_init(&closure.links, index);
	if (r == 0)
		r = add_path(&closure, is_script ? interpreter : program);
	if (r < 0)
		return r;
	if (closure.n_loaded == 0)
		return -ENOENT;
	for (size_t i = 0; r == 0 && i < closure.n_loaded; i++)
		r = add_library(&closure, i);
	if (r == 0)
		r = add_companions(&closure);
	if (r < 0)
		return r;
	*ret_shadow = shadow;
	shadow = (struct shadow){ 0 };
	return 0;
}
