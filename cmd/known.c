/* known.c - takes over what is known of a program, without waiting or with a bound. */
#include "known.h"

#include <fcntl.h>
#include <string.h>

#include "directory.h"
#include "embed.h"
#include "observer.h"
#include "output.h"
#include "settings.h"
#include "sys/cached.h"
#include "sys/clock.h"
#include "sys/far_mounts.h"
#include "sys/procfs.h"
#include "sys/survey.h"
#include "target.h"

/* Room that a shadow may need; the recordings of large programs are smaller. */
#define SHADOW_ROOM_BYTES 65536
/* What is not in memory may take so long to come: from a disk that is busy, ... */
#define NEAR_MS (OBSERVER_PATIENCE_MS * 7 / 10)
/* ... or from elsewhere. */
#define FAR_MS 300

void known_init(struct known *self, const struct launch_options *options, char *const argv[],
		const char *program)
{
	*self = (struct known){
		.options = options,
		.argv = argv,
		.program = program,
		.config = *options->config,
		.db = { .dir_fd = -1 },
		.dir = options->dir ? strdup(options->dir) : NULL,
		.why_no_dir = options->why_no_dir ? strdup(options->why_no_dir) : NULL,
		.cwd = target_cwd(),
		.rules_path = options->profile ? NULL : target_rules_path(),
	};
	if (settings_own_path(&self->own_settings_path) < 0) {
		self->has_missed_settings = true;
		warnings_add(&self->warnings, "nothing is recorded or prefetched: %s (%s)", strerror(ENOMEM),
			     error_advice(-ENOMEM));
	}
}

static void load_settings(struct known *self)
{
	if (self->state >= KNOWN_SETTINGS)
		return;
	self->asked = CONFIG_SYSTEM_PATH;
	int r = settings_read_system(&self->config, &self->warnings);

	self->asked = self->own_settings_path;
	if (r == 0 && self->own_settings_path)
		r = settings_read_own(&self->config, self->own_settings_path, &self->warnings);
	self->has_missed_settings |= r < 0;
	self->asked = self->rules_path;
	self->profile = self->options->profile ? strdup(self->options->profile)
					       : target_profile_in(self->argv, self->program, self->cwd,
								   self->rules_path, &self->warnings);
	self->state = KNOWN_SETTINGS;
}

static void open_directory(struct known *self)
{
	int r;

	self->asked = self->options->home;
	if (self->dir && self->options->home) {
		self->why_no_dir = directory_fault(self->options->home);
		if (self->why_no_dir)
			free(take_pointer(self->dir));
	}
	self->asked = self->dir;
	r = directory_open(&self->db, self->dir, &self->warnings);
	self->db.excluded = &self->config.excluded;
	self->db.limits = (struct shadowdb_limits){ self->config.store_bytes, self->config.store_days };
	self->has_dir = r == 0 && self->db.path;
	if (r < 0)
		warnings_add(&self->warnings, "%s: not used as shadow directory: %s (%s)", self->dir,
			     shadowdb_explain(r), error_advice(r));
}

/* As shadowdb_load_partial(), from no directory behind last. */
static int load_up_to(struct known *self, enum shadowdb_choice last, char **ret_path)
{
	struct shadowdb db = self->db;

	if (last < SHADOWDB_SYSTEM)
		db.system_path = NULL;
	if (last < SHADOWDB_PACKAGED)
		db.packaged_path = NULL;
	/* Mostly that is enough to see that nothing needs to be done. */
	return shadowdb_load_partial(&db, self->program, self->profile, &self->shadow, ret_path);
}

static void load_shadow(struct known *self)
{
	cleanup_free char *path = NULL;
	int r = load_up_to(self, SHADOWDB_OWN, NULL);

	if (r < 0) {
		self->asked = SHADOWDB_SYSTEM_DIR;
		r = load_up_to(self, SHADOWDB_PACKAGED, &path);
	}
	if (r == -ENOENT) {
		self->asked = self->program;
		r = embed_load(self->program, self->profile, self->db.excluded, &self->shadow);
	}
	self->has_shadow = r == 0;
	if (r < 0 && r != -ENOENT)
		warnings_add(&self->warnings, "%s: ignored: %s (%s)", path ? path : "shadow file",
			     shadowdb_explain(r),
			     shadowdb_is_unusable(r) ? "it will be made anew" : "it is left as it is");
}

/* Warns of what stands in the way of recording, and says in a constant what it is. NULL: nothing. */
static const char *find_obstacle(struct known *self)
{
	if (self->options->mode == POLICY_NONE)
		return NULL;
	if (self->has_missed_settings)
		return "what is excluded is not known";
	if (!self->dir) {
		warnings_add(&self->warnings, "nothing is recorded: %s (set PBRUN_DIR)",
			     self->why_no_dir ? self->why_no_dir : strerror(ENOMEM));
		return "there is no shadow directory";
	}
	if (!self->has_dir)
		return "the shadow directory cannot be used";
	int r = shadowdb_prepare(&self->db, SHADOW_ROOM_BYTES);

	if (r < 0) {
		warnings_add(&self->warnings,
			     "%s: nothing can be recorded there: %s (choose another directory with --dir)",
			     self->db.path, strerror(-r));
		return "the shadow directory cannot be written";
	}
	if (!procfs_is_ours()) {
		warnings_add(&self->warnings, "/proc is not mounted, or not for this PID namespace: nothing "
					      "can be recorded (mount -t proc proc /proc)");
		return "there is no /proc";
	}
	return NULL;
}

void known_find_obstacle(struct known *self)
{
	self->obstacle = find_obstacle(self);
}

/* What is at DIRECTORY/NAME. */
static enum cached look_below(struct cached_looks *looks, const char *directory, const char *name)
{
	cleanup_free char *path = NULL;

	if (!directory)
		return CACHED_ABSENT;
	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return CACHED_NO;
	}
	return cached_look(looks, path, CACHED_ALL);
}

static bool are_settings_cached(const struct known *self, struct cached_looks *looks)
{
	const char *paths[] = { CONFIG_SYSTEM_PATH, self->own_settings_path, self->rules_path };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (paths[i] && cached_look(looks, paths[i], CACHED_ALL) == CACHED_NO)
			return false;
	return true;
}

/* A directory that is to be made is one to wait for. */
static bool is_directory_cached(const struct known *self, struct cached_looks *looks)
{
	const char *home = self->options->home;

	if (!self->dir)
		return true;
	if (home && cached_look(looks, home, CACHED_NAME) == CACHED_NO)
		return false;
	switch (cached_look(looks, self->dir, CACHED_NAME)) {
	case CACHED_NO:
		return false;
	case CACHED_ABSENT:
		return self->options->mode == POLICY_NONE;
	case CACHED_PRESENT:
		break;
	}
	return true;
}

/* Sets ret_choice to where the shadow is, SHADOWDB_N_CHOICES: nowhere. False: that is not known without
 * waiting.
 */
static bool find_cached_shadow(const struct known *self, struct cached_looks *looks,
			       enum shadowdb_choice *ret_choice)
{
	const char *const directories[SHADOWDB_N_CHOICES] = {
		[SHADOWDB_OWN] = self->dir,
		[SHADOWDB_SYSTEM] = SHADOWDB_SYSTEM_DIR,
		[SHADOWDB_PACKAGED] = SHADOWDB_PACKAGED_DIR,
	};
	char name[NAME_MAX + 1];
	enum cached cached = CACHED_ABSENT;
	enum shadowdb_choice i;

	shadowdb_name(self->program, self->profile, name);
	for (i = SHADOWDB_OWN; i < SHADOWDB_N_CHOICES; i++)
		if ((cached = look_below(looks, directories[i], name)) != CACHED_ABSENT)
			break;
	*ret_choice = i;
	if (i == SHADOWDB_N_CHOICES) /* then it may be in the program itself */
		cached = cached_look(looks, self->program, CACHED_ENDS);
	return cached != CACHED_NO;
}

/* What was told before is not told again by the launcher, whoever loads the rest. False: it needs waiting, or
 * to be marked as told, which is a write. */
static bool load_notice(struct known *self, struct cached_looks *looks)
{
	cleanup_with(shadowdb_release) struct shadowdb db = { .dir_fd = -1 };
	char name[NAME_MAX + 1];

	notice_name(self->program, self->profile, name);
	enum cached cached = look_below(looks, self->dir, name);

	if (cached != CACHED_PRESENT)
		return cached == CACHED_ABSENT;
	if (shadowdb_open(&db, self->dir, NULL) < 0 ||
	    notice_read(&db, self->program, self->profile, &self->notice) < 0)
		return true;
	if (self->notice.state == NOTICE_NEW)
		notice_release(&self->notice);
	return self->notice.text;
}

bool known_load_cached(struct known *self)
{
	cleanup_with(cached_looks_release) struct cached_looks looks = { 0 };

	if (!are_settings_cached(self, &looks))
		return false;
	load_settings(self);
	if (!self->profile || !is_directory_cached(self, &looks) || !load_notice(self, &looks))
		return false;
	enum shadowdb_choice choice;

	if (!find_cached_shadow(self, &looks, &choice))
		return false;
	size_t n_warnings = self->warnings.n;

	open_directory(self);
	if (choice == SHADOWDB_N_CHOICES) {
		load_shadow(self);
	} else if (load_up_to(self, choice, NULL) < 0) {
		/* What comes behind may have to be waited for: all is done once more by known_load(). */
		warnings_drop(&self->warnings, n_warnings);
		shadowdb_release(&self->db);
		return false;
	} else {
		self->has_shadow = true;
	}
	self->state = KNOWN_ALL;
	return true;
}

void known_complete(struct known *self)
{
	struct shadow whole;

	if (!self->has_shadow || !self->shadow.is_partial)
		return;
	self->has_shadow = shadowdb_load(&self->db, self->program, self->profile, &whole, NULL) == 0;
	shadow_release(&self->shadow);
	if (self->has_shadow)
		self->shadow = whole;
}

/* In a thread, of a copy. */
static void load_all(size_t i, void *context)
{
	struct known *self = context;

	(void)i;
	load_settings(self);
	if (!self->profile)
		return;
	open_directory(self);
	notice_release(&self->notice);
	if (notice_take(&self->db, self->program, self->profile, &self->notice) == 0 &&
	    self->notice.state == NOTICE_NEW)
		warnings_add(&self->warnings, "at an earlier start of %s: %s; pbrun --list shows it",
			     self->program, self->notice.text);
	load_shadow(self);
	known_complete(self);
	self->asked = self->dir;
	known_find_obstacle(self);
	self->state = KNOWN_ALL;
}

/* Nothing near has to come from a server: it is a disk that is asked. ret_silent is the path that cannot be
 * looked up, as its file system does not answer; NULL: none is known. */
static unsigned int patience_ms(const struct known *self, const char **ret_silent)
{
	/* In the order in which load_all() asks for them. */
	const char *paths[] = { CONFIG_SYSTEM_PATH,  self->own_settings_path, self->rules_path,
				SHADOWDB_SYSTEM_DIR, self->options->home,     self->dir };
	struct far_mounts *far_mounts = far_mounts_new();
	unsigned int ms = NEAR_MS;

	*ret_silent = NULL;
	for (size_t i = 0; far_mounts && i < sizeof(paths) / sizeof(paths[0]) && !*ret_silent; i++) {
		const struct mount *mount = paths[i] ? mounts_find(&far_mounts->mounts, paths[i]) : NULL;

		if (!mount || (mount->kind != MOUNT_FAR && mount->kind != MOUNT_TRAP))
			continue;
		ms = FAR_MS;
		if (!far_mounts_answer(far_mounts, paths[i]))
			*ret_silent = paths[i];
	}
	far_mounts_free(far_mounts);
	return ms;
}

/* The observer has another working directory. */
static void make_absolute(struct known *self)
{
	char *path = NULL;

	if (!self->dir || self->dir[0] == '/')
		return;
	if (self->cwd && asprintf(&path, "%s/%s", self->cwd, self->dir) < 0)
		path = NULL;
	free(self->dir);
	self->dir = path;
	if (!path)
		self->why_no_dir = strdup("the working directory has no name");
}

static void do_without(struct known *self, const char *asked)
{
	warnings_add(&self->warnings,
		     "%s: its file system does not answer: nothing is recorded or prefetched%s",
		     asked ? asked : "a file of pbrun's",
		     asked && asked == self->dir ? " (choose another directory with --dir)" : "");
	self->obstacle = "the file system of the shadow directory or the configuration does not answer";
	if (self->state == KNOWN_NOTHING)
		self->profile = self->options->profile ? strdup(self->options->profile)
						       : target_profile_in(self->argv, self->program,
									   self->cwd, NULL, &self->warnings);
}

bool known_load(struct known *self)
{
	struct known *copy = malloc(sizeof(*copy));
	bool is_answered = false;
	uint64_t began_ns = clock_now_ns();
	const char *silent;

	if (!copy)
		return false;
	make_absolute(self);
	uint64_t until_ns = began_ns + patience_ms(self, &silent) * UINT64_C(1000000);

	if (silent) {
		do_without(self, silent);
		free(copy);
		return false;
	}
	memcpy(copy, self, sizeof(*copy));
	if (!survey_run(1, load_all, copy, until_ns, &is_answered)) {
		/* Its thread may still use it. */
		do_without(self, copy->asked);
		return false;
	}
	memcpy(self, copy, sizeof(*self));
	self->db.excluded = &self->config.excluded;
	free(copy);
	return self->state == KNOWN_ALL;
}
