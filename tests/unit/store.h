/*
 * store.h - a directory of shadows for each unit test, and what changes and counts in it.
 */
#ifndef PBRUN_TEST_STORE_H
#define PBRUN_TEST_STORE_H

#include <dirent.h>
#include <string.h>

#include "shadowdb.h"
#include "support.h"

#define PROGRAM "/usr/bin/x"

/* Each test has a directory of its own; db is in one in it that is not there yet. */
static char base[64];
static char db_path[80];
static char system_path[80];
static struct shadowdb db;

static inline void make_base(void)
{
	strcpy(base, "/tmp/check_shadowdb.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	snprintf(db_path, sizeof(db_path), "%s/cache/pbrun", base);
	snprintf(system_path, sizeof(system_path), "%s/system", base);
	ck_assert_int_eq(shadowdb_open(&db, db_path, NULL), 0);
}

static inline void remove_base(void)
{
	char command[128];

	shadowdb_release(&db);
	snprintf(command, sizeof(command), "rm -rf %s", base);
	ck_assert_int_eq(system(command), 0);
}

/* The path of PROGRAM's shadow, or of what else is in the directory. */
static inline const char *path_of(const char *name)
{
	static char path[PATH_MAX];
	char own_name[NAME_MAX + 1];

	shadowdb_name(PROGRAM, "", own_name);
	snprintf(path, sizeof(path), "%s/%s", db_path, name ? name : own_name);
	return path;
}

static inline void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static inline int count_run(struct shadow *shadow, void *context)
{
	shadow->stats.runs++;
	return context ? *(int *)context : 0;
}

/* For shadowdb_update(): context is an array of paths that ends with NULL. */
static inline int add_paths(struct shadow *shadow, void *context)
{
	struct pageset_file *file;

	for (const char *const *path = context; *path; path++)
		if (pageset_add(&shadow->files, *path, 0, &file) < 0)
			return -ENOMEM;
	return 0;
}

static inline int update(const char *program, const char *profile)
{
	return shadowdb_update(&db, program, profile, 20000, NULL, count_run, NULL);
}

static inline int runs_of(const struct shadowdb *from, const char *program, const char *profile)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	int r = shadowdb_load(from, program, profile, &shadow, NULL);

	return r < 0 ? r : (int)shadow.stats.runs;
}

/* Names in the directory, but for ".", ".." and the lock file. */
static inline int count_stored(void)
{
	DIR *dir = opendir(db_path);
	int n = 0;

	ck_assert_ptr_nonnull(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		     strcmp(entry->d_name, ".lock") != 0;
	closedir(dir);
	return n;
}

/* Fills the system's directory, and leaves db with both. */
static inline void make_system(void)
{
	struct shadowdb system_db;

	ck_assert_int_eq(shadowdb_open(&system_db, system_path, NULL), 0);
	ck_assert_int_eq(shadowdb_update(&system_db, PROGRAM, "", 0, NULL, count_run, NULL), 0);
	ck_assert_int_eq(shadowdb_update(&system_db, "/usr/bin/a", "", 0, NULL, count_run, NULL), 0);
	shadowdb_release(&system_db);
	shadowdb_release(&db);
	ck_assert_int_eq(shadowdb_open(&db, db_path, system_path), 0);
}

#endif
